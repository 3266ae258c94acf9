/* dirfile.c: open directories: only getdents reads them (linux/sys_dir.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/inode.h"
#include "fs/node.h"
#include "fs/regular.h"
#include "linux/errno.h"

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	(void)f;
	(void)io;
	(void)pos;
	return -LINUX_EISDIR;
}

/* Positions are those getdents told. */
static int64_t seek(struct file *f, int64_t off, unsigned whence)
{
	int64_t pos = -LINUX_EINVAL;

	if (whence == SEEK_SET || whence == SEEK_CUR)
		pos = file_seek(f->pos, 0, off, whence);
	if (pos >= 0)
		f->pos = (uint64_t)pos;
	return pos;
}

int dir_open(struct inode *node, struct file *f)
{
	static const struct file_ops ops = { .read = read,
					     .seek = seek,
					     .stat = node_stat };

	(void)node;
	f->ops = &ops;
	return 0;
}
