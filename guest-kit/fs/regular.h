/* regular.h: regular files' limits, seals and positions. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_REGULAR_H
#define FS_REGULAR_H

#include "kernel/types.h"

#define FILE_LEN_MAX ((uint64_t)INT64_MAX)

/* fcntl(2), F_ADD_SEALS */
#define SEAL_SEAL   0x01u
#define SEAL_SHRINK 0x02u
#define SEAL_GROW   0x04u
#define SEAL_WRITE  0x08u
#define SEAL_ALL    0x0fu

enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

/* lseek of a file at pos, of this size: the new position, -EINVAL or
 * -ENXIO. */
int64_t file_seek(uint64_t pos, uint64_t size, int64_t off, unsigned whence);

#endif
