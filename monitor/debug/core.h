/* core.h: a stopped program as an ELF core file, as Linux writes them: notes
 * about threads, auxv and files, a segment for every mapping. Pages that do
 * not exist or hold only zeros are holes in the file. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_CORE_H
#define DEBUG_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct err;
struct stop;

struct core {
	int fd;                /* borrowed; an empty file that can be sought */
	uint64_t *filed;       /* bytes of each area that are in the file */
	const char *exec_file; /* what the program is called here; borrowed */
};

/* Room for the largest core, so that none needs memory later. exec_file may be
 * NULL: the guest knows best. */
WUR int core_init(struct core *c, int fd, const char *exec_file,
		  struct err *err);
void core_fini(struct core *c); /* accepts a zeroed one */

/*
 * Writes the file. *cancel is looked at now and then: -ECANCELED. -EPROTO:
 * the guest's page tables map more than there is. Else the file's errors. A
 * failed core is not a core.
 */
WUR int core_write(struct core *c, const struct stop *s,
		   const _Atomic bool *cancel, struct err *err);

#endif
