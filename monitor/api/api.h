/* api.h: the control socket: HTTP over a Unix socket, on the machine's loop.
 *
 * Clients are of the user who started mayfly, or root. Each has one request
 * answered at a time, in order; at most API_CLIENTS are connected, one more
 * is told so and goes. An idle client costs a descriptor and its buffers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_H
#define API_API_H

#include "api/api_router.h"
#include "base/attr.h"

#define API_CLIENTS 10u /* as many as Firecracker's */

struct api;
struct err;
struct loop;
struct metric;

/* Counters of this unit, NULL at the end. */
extern struct metric *const api_metrics[];

/*
 * Starts to answer. `fd` listens and does not block; it is borrowed, as is
 * what *env (copied) points to, until api_stop. The lock is held. Returns
 * owned in *ret_api. -ENOMEM, or what the loop says.
 */
WUR int api_start(struct loop *l, int fd, const struct api_env *env,
		  struct api **ret_api, struct err *err);

/* No request is answered any more; what is in flight ends early. The lock is
 * held. Accepts NULL. */
void api_stop(struct api *api);

/* After api_stop, when the loop was run until quiet. Accepts NULL. */
void api_free(struct api *api);

#endif
