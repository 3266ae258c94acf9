/* run_disk.h: `--disk FILE[,OPTION]...`: words in, an open and locked file
 * out. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_DISK_H
#define CLI_RUN_DISK_H

#include <stdbool.h>

#include "base/attr.h"
#include "vmm/machine.h"

struct err;

#define RUN_DISK_ID_MAX 20u /* bytes; the serial number when none is given */

struct run_disk {
	char *spec; /* owned: a copy of the option's value; the rest is in it */
	const char *path, *serial;
	char id[RUN_DISK_ID_MAX + 1];
	bool read_only, direct;
	unsigned queues;
	struct machine_rate rate;
};

/* The `index`th --disk; its id is vda, vdb ... unless given. Fills *ret, for
 * run_disk_fini. Errors name the word and what is allowed. */
WUR int run_disk_parse(const char *spec, unsigned index, struct run_disk *ret,
		       struct err *err);
void run_disk_fini(struct run_disk *d);

/*
 * Opens the file and locks it: a disk that can be written belongs to one
 * machine, others may share. Fills *ret, whose fd the caller closes and whose
 * strings belong to `d`. Errors name the file.
 */
WUR int run_disk_open(const struct run_disk *d, struct machine_disk *ret,
		      struct err *err);

#endif
