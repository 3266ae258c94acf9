/* fifo.h: pipes, with a name or without: 64 KiB of bytes in pages that are
 * there while something is in them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_FIFO_H
#define FS_FIFO_H

#include "kernel/types.h"

struct file;
struct inode;

#define PIPE_BUF     4096u
#define FIFO_LEN     65536u
#define FIFO_LEN_MAX (1u << 20)

/* pipe2(2): both ends, a reference each; flags: O_NONBLOCK. */
WUR int fifo_pipe(uint32_t flags, struct file **ret_reader,
		  struct file **ret_writer);
void fifo_free(struct inode *node);

/* For splice and tee. */
bool fifo_is(const struct file *f);
/* Copies what is there without taking it, at most len bytes; 0: all writers
 * are gone. Waits for something unless told not to (-EAGAIN). */
WUR int64_t fifo_peek(struct file *f, void *buf, uint64_t len, bool wait);
void fifo_skip(struct file *f, uint64_t len); /* at most what was seen */
/* How much it takes at once, at least 1; -EPIPE, with the signal. Waits for
 * room unless told not to (-EAGAIN). */
WUR int64_t fifo_room(struct file *f, bool wait);

/* fcntl: F_GETPIPE_SZ, F_SETPIPE_SZ; -EBADF: no pipe. */
int64_t fifo_capacity(const struct file *f);
int64_t fifo_set_capacity(struct file *f, uint32_t len);

#endif
