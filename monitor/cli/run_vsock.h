/* run_vsock.h: `--vsock cid=N,path=SOCK`: words in, listening sockets out.
 *
 * Clients connect to SOCK, those of SEQPACKET to SOCK.seqpacket; what the
 * guest connects to, port N, is SOCK_N. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_VSOCK_H
#define CLI_RUN_VSOCK_H

#include <stdbool.h>

#include "base/attr.h"
#include "cli/unix_path.h"
#include "vmm/machine.h"

struct err;

#define RUN_VSOCK_LISTENERS 2u

/* The longest SOCK: a port fits behind it. */
#define RUN_VSOCK_PATH_LEN 96u

struct run_vsock {
	char path[RUN_VSOCK_PATH_LEN + 1];
	unsigned cid; /* 0: there is no option */
};

/* What is open while the guest runs. */
struct run_vsock_host {
	const struct run_vsock *opt; /* NULL: no Unix sockets */
	struct run_vsock_listener {
		char *path; /* owned */
		struct unix_listener socket;
	} listener[RUN_VSOCK_LISTENERS];
};

/* Errors name the word and what is allowed. */
WUR int run_vsock_parse(const char *spec, struct run_vsock *ret,
			struct err *err);

/*
 * Listens, and raises the limit of open files as far as it goes. Fills *host,
 * which stays where it is until run_vsock_close, and *ret. A socket file that
 * nobody listens on is replaced; others are an error that names the file.
 * `o` NULL: a device for what the monitor serves alone, with an address that is
 * nobody's to choose.
 */
WUR int run_vsock_open(const struct run_vsock *o, struct run_vsock_host *host,
		       struct machine_vsock *ret, struct err *err);
/* Removes the socket files, unless they are somebody else's by now. Accepts a
 * zeroed struct. */
void run_vsock_close(struct run_vsock_host *host);

#endif
