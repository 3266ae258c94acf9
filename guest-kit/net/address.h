/* address.h: addresses of sockets, from and to the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "kernel/types.h"

struct sockaddr;

/* len bytes at gva, the rest is zeroed: 0, -EFAULT, or -EINVAL for a length
 * that is negative or too great. */
WUR int address_read(struct sockaddr *ret, uint64_t gva, uint32_t len);
/* To gva what fits, as the int at gva_len says, and there how long it is. */
WUR int address_write(uint64_t gva, uint64_t gva_len, const struct sockaddr *a,
		      uint32_t len);

#endif
