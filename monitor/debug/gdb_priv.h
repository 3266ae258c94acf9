/* gdb_priv.h: the protocol's parts, for one another. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_GDB_PRIV_H
#define DEBUG_GDB_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "debug/gdb.h"

/* What a packet came to. */
enum gdb_done {
	GDB_DONE,     /* answered, or no answer is due */
	GDB_OK,       /* "OK" */
	GDB_ERROR,    /* "E01": the request is wrong */
	GDB_FAULT,    /* "E0e": the address is */
	GDB_UNKNOWN,  /* "": not a packet we have */
	GDB_POPULATE, /* again, once the guest has made the page */
	GDB_LATER,    /* again, once the program has stopped */
};

/* gdb_memory.c: m, M, X, Z and z. The program is stopped. */
enum gdb_done gdb_read_memory(struct gdb *g, const char *args);
enum gdb_done gdb_write_memory(struct gdb *g, const char *args, size_t len,
			       bool binary);
enum gdb_done gdb_breakpoint(struct gdb *g, const char *args, bool insert);
/* All of them go. */
void gdb_remove_breaks(struct gdb *g);
bool gdb_has_break(struct gdb *g, uint64_t gva);

/* gdb_query.c: what begins with q or Q. */
enum gdb_done gdb_query(struct gdb *g, const char *text, size_t len);

/* gdb_signal.c: gdb's numbers for Linux's signals, and back; 0 and unknown
 * ones: see there. */
unsigned gdb_signal_from_linux(unsigned n);
unsigned gdb_signal_to_linux(unsigned n);

/* The thread that g, p and their kind mean; NULL: it is gone. */
struct debug_thread *gdb_thread(const struct gdb *g);

#endif
