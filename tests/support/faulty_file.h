/* faulty_file.h: files that do less than they are asked for, or fail: the
 * poll engine's system calls, in libc's place. With nothing set they are
 * libc's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_FAULTY_FILE_H
#define SUPPORT_FAULTY_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct faulty_file {
	size_t max_len; /* bytes of one preadv2 or pwritev2; 0: no limit */
	/* errno of each, 0: none */
	int read_error, write_error, sync_error, alloc_error;
	/* RWF_NOWAIT is taken off: memory file systems have no such thing */
	bool never_waits;
	unsigned n_reads, n_writes, n_syncs, n_allocs; /* calls so far */
};

extern struct faulty_file faulty_file;

#endif
