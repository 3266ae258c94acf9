/* text.h: text that is made when a file of /proc is opened. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include "kernel/types.h"

struct file;

/* Zeroed: empty. */
struct text {
	char *buf;
	uint64_t len, room;
	bool failed; /* no memory: something is missing */
};

void text_bytes(struct text *t, const void *bytes, uint64_t len);
/* At most 255 bytes at a time. */
void text_add(struct text *t, const char *fmt, ...) PRINTF(2, 3);

/* f reads t, which it takes; writing is accepted and ignored. 0 or -ENOMEM. */
WUR int text_open(struct file *f, struct text *t);

#endif
