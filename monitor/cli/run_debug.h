/* run_debug.h: --core and --gdb of `mayfly run`. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_DEBUG_H
#define CLI_RUN_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "cli/unix_path.h"

struct err;
struct machine;

struct run_debug {
	bool strace;
	const char *core; /* where it is wanted, or NULL; borrowed */
	bool gdb;
	char gdb_path[UNIX_PATH_LEN + 1]; /* or "" and gdb_port */
	uint16_t gdb_port;                /* of 127.0.0.1 */
	bool gdb_nowait;
};

/* unix:PATH or PORT, then ",nowait" or nothing. */
WUR int run_debug_parse_gdb(const char *spec, struct run_debug *ret,
			    struct err *err);

/* What is open for it. */
struct run_debug_host {
	const struct run_debug *opt; /* borrowed */
	int core_fd;                 /* of core_tmp; or -1 */
	char *core_tmp;              /* the core while it grows; owned */
	struct unix_listener gdb_unix;
	int gdb_fd;      /* listens, of either kind; or -1 */
	char *exec_file; /* absolute, or NULL; owned */
};

/* `image`: the program's file, or NULL if it has none on the host. Fills *ret for run_debug_close also when it fails. */
WUR int run_debug_open(const struct run_debug *o, const char *image,
		       struct run_debug_host *ret, struct err *err);
/* The guest has ended: the core gets its name, or goes. *ret_written: there is
 * one. */
WUR int run_debug_finish(struct run_debug_host *h, const struct machine *m,
			 bool *ret_written, struct err *err);
void run_debug_close(struct run_debug_host *h);

#endif
