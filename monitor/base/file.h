/* file.h: whole reads and writes of files. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Exactly `len` bytes at `off`; 0, -errno, or -ENODATA when the file ends
 * before (somebody truncated it). */
WUR int file_read_at(int fd, uint64_t off, void *dst, size_t len);

/* All `len` bytes at `off`. 0 or -errno. */
WUR int file_write_at(int fd, uint64_t off, const void *src, size_t len);

/* `len` bytes of one file into another. 0, -errno, or -ENODATA when the first
 * ends before. */
WUR int file_copy(int from, uint64_t from_off, int to, uint64_t to_off,
		  uint64_t len);

#endif
