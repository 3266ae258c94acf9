/* gdb.h: what a debugger says and is answered: GDB's remote serial protocol
 * over a stopped program. Knows no socket: bytes in, bytes out.
 *
 * The loop's lock is held whenever one of these is called. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_GDB_H
#define DEBUG_GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "debug/gdb_packet.h"

struct stop;

/* What the protocol asks of the machine. */
struct gdb_ops {
	/* The program goes on, as the stop says by now. */
	void (*resume)(void *ctx);
	/* It is to stop soon. */
	void (*interrupt)(void *ctx);
	/* It is to end at once. */
	void (*kill)(void *ctx);
};

struct gdb_config {
	const struct gdb_ops *ops; /* borrowed */
	void *ctx;
	const char *exec_file; /* the program's path; borrowed */
	bool wait;             /* the first stop waits for a client */
};

#define GDB_BREAKS_MAX 256u

struct gdb_break {
	uint64_t gva;
	uint8_t byte; /* what it replaces */
};

struct gdb {
	struct gdb_config cfg;
	struct stop *stop; /* the program's, or NULL: it runs */
	bool client;
	bool no_ack;
	bool asking;     /* told to stop, has not yet */
	bool owes_reply; /* to what made it go on: when it stops */
	bool swbreak;    /* the client knows the word */
	/* the packet in `in` waits for the program to stop (after attaching),
	 * or for the guest to make pages */
	bool later, populating;
	bool ended;
	uint32_t tid;             /* of g, p, ...; 0: the one that stopped */
	uint64_t pass_signals[3]; /* gdb's numbers that need no stop */
	struct gdb_break breaks[GDB_BREAKS_MAX];
	unsigned n_breaks;
	struct gdb_input in;
	struct gdb_output out;
};

void gdb_init(struct gdb *g, const struct gdb_config *cfg);

/* A client has come, or gone: then its breakpoints go, and the program goes
 * on. */
void gdb_attach(struct gdb *g);
void gdb_detach(struct gdb *g);

/* Takes bytes of the client's until there is something to send (g->out) or
 * the guest has to do something first; how many. */
WUR size_t gdb_feed(struct gdb *g, const char *bytes, size_t n);
/* It cannot take any now. */
bool gdb_is_busy(const struct gdb *g);

/* The program has stopped. True: it stays so until ops.resume; `stop` is the
 * protocol's until then. False: it goes on at once. */
WUR bool gdb_stopped(struct gdb *g, struct stop *stop);
/* It has ended: of a signal, unless that is 0. */
void gdb_ended(struct gdb *g, int status, int signal);

#endif
