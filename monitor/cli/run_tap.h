/* run_tap.h: tap devices, opened the way the network device wants them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_TAP_H
#define CLI_RUN_TAP_H

#include "base/attr.h"
#include "vmm/machine.h"

struct err;

#define RUN_TAP_NAME_LEN 16u /* with the NUL: IFNAMSIZ */

/*
 * Both fill in m->fd, offloads, link_fd, if_index, link_up and mtu; the
 * descriptors are the caller's to close. m->pairs is how many are wanted.
 * run_tap_open: a tap by its name, made if there is none. run_tap_take: one
 * that the caller of this program opened; becomes O_NONBLOCK.
 * On failure nothing is left open, but what was inherited.
 */
WUR int run_tap_open(const char *name, struct machine_net *m, struct err *err);
WUR int run_tap_take(int fd, struct machine_net *m, struct err *err);

#endif
