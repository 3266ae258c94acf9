/* files.h: the table of open descriptors. In this version all there is to
 * open are the three standard streams. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_FILES_H
#define LINUX_FILES_H

#include "kernel/types.h"

enum file_kind { FILE_NONE, FILE_IN, FILE_OUT, FILE_ERR };

#define FILES_MAX 256

struct file {
	uint8_t kind; /* enum file_kind */
	bool nonblock, cloexec;
};

/* NULL: not open. */
struct file *file_get(uint64_t fd);

/* Would read or write return at once? */
bool file_readable(const struct file *f);
bool file_writable(const struct file *f);

#endif
