/* run_console.h: where a guest's console goes on the host. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_CONSOLE_H
#define CLI_RUN_CONSOLE_H

#include "base/attr.h"
#include "cli/run_options.h"

struct err;

struct run_fds {
	int in, out, err; /* -1: none */
	int owned[2];     /* to close, -1: none */
	const char *path; /* a socket to unlink, or NULL */
};

/* For unix:PATH waits for the connection, or for a signal through
 * `signal_fd` (a signalfd) that ends the run: then -EINTR. */
WUR int run_console_open(const struct run_options *o, int signal_fd,
			 struct run_fds *ret, int *ret_signal, struct err *err);
void run_console_close(struct run_fds *f);

#endif
