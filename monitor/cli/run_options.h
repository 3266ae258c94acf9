/* run_options.h: the command line of `mayfly run`. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "boot/boot.h"
#include "cli/run_balloon.h"
#include "cli/run_debug.h"
#include "cli/run_disk.h"
#include "cli/run_net.h"
#include "cli/run_proxy.h"
#include "cli/run_vsock.h"
#include "loop/loop.h"

struct err;

enum run_console { CONSOLE_STDIO, CONSOLE_NONE, CONSOLE_FILE, CONSOLE_UNIX };

struct run_options {
	uint64_t mem_len;
	bool huge_pages;
	unsigned n_cpus;
	const char *kernel_args, *initrd, *rootfs, *exit_record, *control;
	enum run_console console;
	const char *console_path;
	uint64_t timeout_ns; /* 0: none */
	enum boot_kind boot;
	unsigned legacy; /* MACHINE_LEGACY_* */
	enum loop_engine loop;
	struct run_disk disk[MACHINE_DISKS_MAX]; /* owned */
	unsigned n_disks;
	struct run_net net[MACHINE_NETS_MAX]; /* owned */
	unsigned n_nets;
	struct run_vsock vsock;
	struct run_proxy *proxy; /* owned; NULL: no such option */
	struct machine_balloon balloon;
	bool has_balloon;
	struct run_debug debug;
	bool trace, help;
	int verbose; /* -1 quiet, 0, 1, 2 */
	char **argv; /* IMAGE and its arguments, borrowed from argv */
	char **env;  /* NULL-terminated, owned; its strings are argv's */
	unsigned n_env;
};

/* Fills *ret; what it allocated is freed by run_options_fini. */
WUR int run_options_parse(int argc, char **argv, struct run_options *ret,
			  struct err *err);
void run_options_fini(struct run_options *o);

#endif
