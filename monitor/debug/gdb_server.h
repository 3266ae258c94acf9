/* gdb_server.h: a listening socket, one debugger at a time, and the protocol
 * (gdb.h) between. The loop's lock is held for all but new and free. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_GDB_SERVER_H
#define DEBUG_GDB_SERVER_H

#include <stdbool.h>

#include "base/attr.h"
#include "debug/gdb.h"

struct err;
struct gdb_server;
struct loop;
struct stop;

struct gdb_server_config {
	struct loop *loop; /* borrowed */
	int fd;            /* borrowed; listens, does not block */
	struct gdb_config gdb;
	void (*sent)(void *ctx); /* all there was; ctx is gdb.ctx */
};

WUR int gdb_server_new(const struct gdb_server_config *cfg,
		       struct gdb_server **ret, struct err *err);
/* Clients are taken from now on. */
WUR int gdb_server_start(struct gdb_server *s, struct err *err);
/* Accepts NULL. Then the loop runs until it is quiet, then free. */
void gdb_server_stop(struct gdb_server *s);
void gdb_server_free(struct gdb_server *s);

/* As gdb_stopped and gdb_ended; what they say is on its way. */
WUR bool gdb_server_stopped(struct gdb_server *s, struct stop *stop);
void gdb_server_ended(struct gdb_server *s, int status, int signal);
/* Something is not sent yet. */
bool gdb_server_pending(const struct gdb_server *s);

#endif
