/* dir.c: reads a directory, see source.h. Every component is opened from the
 * one above it and no symbolic link is followed, so that nothing outside gets
 * in, whoever changes the directory meanwhile. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "rootfs/source.h"
#include "rootfs/tree.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* A file that has become a pipe since must not be waited for. */
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define SHOWN_MAX 200 /* of a path, in messages: its end counts */

/* Puts the path of a node before the message. */
static int wrap_path(struct err *err, const struct tree_node *node)
{
	char text[SHOWN_MAX + 1];
	size_t at = SHOWN_MAX;

	text[at] = '\0';
	for (; node->parent != node; node = node->parent) {
		if (at < SHOWN_MAX)
			text[--at] = '/';
		if (node->name_len + 1 > at)
			break;
		at -= node->name_len;
		memcpy(text + at, node->name, node->name_len);
	}
	return source_wrap(err, at < SHOWN_MAX ? text + at : ".");
}

/* A descriptor of a directory of the tree, or -errno. */
static int open_node(int root_fd, const struct tree_node *dir)
{
	const struct tree_node *chain[TREE_DEPTH_MAX + 1];
	AUTO_FD fd = openat(root_fd, ".", DIR_FLAGS);
	unsigned n = 0;

	for (; dir->parent != dir; dir = dir->parent)
		chain[n++] = dir;
	while (fd >= 0 && n > 0) {
		int next = openat(fd, chain[--n]->name, DIR_FLAGS);

		(void)close(fd);
		fd = next;
	}
	return fd < 0 ? -errno : take_fd(&fd);
}

/* --- scan ------------------------------------------------------------------- */

static int read_target(int dir_fd, const char *name,
		       char target[ROOTFS_TARGET_MAX + 1], struct err *err)
{
	ssize_t n = readlinkat(dir_fd, name, target, ROOTFS_TARGET_MAX + 1);

	if (n < 0)
		return err_set(err, -errno, "readlink");
	if (n > (ssize_t)ROOTFS_TARGET_MAX)
		return err_set(err, -ENAMETOOLONG,
			       "a target of more than %u bytes",
			       ROOTFS_TARGET_MAX);
	target[n] = '\0';
	return 0;
}

static int add_stat(struct tree *t, struct tree_node *dir, int dir_fd,
		    const char *name, const struct stat *st, struct err *err)
{
	char target[ROOTFS_TARGET_MAX + 1];
	struct tree_inode attr = {
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	bool is_shared = st->st_nlink > 1 && !S_ISDIR(st->st_mode);
	struct tree_inode *inode;
	struct tree_node *node;

	if (is_shared) {
		inode = tree_find_ino(t, attr.dev, attr.ino);
		if (inode)
			return tree_link(t, dir, name, strlen(name), inode,
					 err);
	}
	if (S_ISREG(st->st_mode))
		attr.size = (uint64_t)st->st_size;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		attr.rdev = ROOTFS_RDEV(major(st->st_rdev), minor(st->st_rdev));
	if (S_ISLNK(st->st_mode)) {
		if (read_target(dir_fd, name, target, err))
			return err->code;
		attr.target = target;
	}
	node = tree_put(t, dir, name, strlen(name), &attr, err);
	if (!node)
		return err->code;
	return is_shared ? tree_keep_ino(t, node->inode, err) : 0;
}

static int add_name(struct tree *t, struct tree_node *dir, int dir_fd,
		    const char *name, struct err *err)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		(void)err_set(err, -errno, "stat");
	else
		(void)add_stat(t, dir, dir_fd, name, &st, err);
	if (err->code != 0)
		(void)source_wrap(err, name);
	return err->code;
}

static int scan_node(int root_fd, struct tree *t, struct tree_node *node,
		     struct err *err)
{
	__attribute__((cleanup(close_dir))) DIR *dir = NULL;
	int fd = open_node(root_fd, node);

	if (fd < 0)
		return err_set(err, fd, "open");
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return err_set(err, -ENOMEM, "open");
	}
	for (;;) {
		const struct dirent *d;

		errno = 0; /* tells an error from the end */
		d = readdir(dir);
		if (!d)
			return errno ? err_set(err, -errno, "read") : 0;
		if (add_name(t, node, fd, d->d_name, err))
			return err->code;
	}
}

int dir_scan(int fd, struct tree *t, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(err, -errno, "stat");
	t->node[0]->inode->mode = st.st_mode;
	t->node[0]->inode->uid = st.st_uid;
	t->node[0]->inode->gid = st.st_gid;
	t->node[0]->inode->mtime_sec = st.st_mtim.tv_sec;
	t->node[0]->inode->mtime_nsec = (uint32_t)st.st_mtim.tv_nsec;
	/* what is found is appended, and scanned in its turn */
	for (uint32_t i = 0; i < t->n_nodes; i++)
		if (S_ISDIR(t->node[i]->inode->mode) &&
		    scan_node(fd, t, t->node[i], err))
			return wrap_path(err, t->node[i]);
	return 0;
}

/* --- contents --------------------------------------------------------------- */

/* The directory of a node; one after the other, they often share it. */
static int enter(struct dir_source *s, const struct tree_node *dir)
{
	int fd;

	if (s->dir == dir)
		return 0;
	fd = open_node(s->root_fd, dir);
	if (fd < 0)
		return fd;
	if (s->dir_fd >= 0)
		(void)close(s->dir_fd);
	s->dir_fd = fd;
	s->dir = dir;
	return 0;
}

static int copy_file(struct dir_source *s, const struct tree_node *node, int to,
		     uint64_t off, struct err *err)
{
	const struct tree_inode *inode = node->inode;
	AUTO_FD fd = -1;
	struct stat st;
	int code = enter(s, node->parent);

	if (code != 0)
		return err_set(err, code, "open");
	fd = openat(s->dir_fd, node->name, FILE_FLAGS);
	if (fd < 0 || fstat(fd, &st))
		return err_set(err, -errno, "open");
	if (!S_ISREG(st.st_mode) || st.st_dev != inode->dev ||
	    st.st_ino != inode->ino || (uint64_t)st.st_size != inode->size)
		return err_set(err, -EAGAIN, "it changed meanwhile");
	code = file_copy(fd, 0, to, off, inode->size);
	if (code == -ENODATA)
		return err_set(err, -EAGAIN, "it shrank meanwhile");
	return code ? err_set(err, code, "copy") : 0;
}

static int copy_contents(void *ctx, const struct tree_node *node, int to,
			 uint64_t off, struct err *err)
{
	struct dir_source *s = ctx;

	return copy_file(s, node, to, off, err) ? wrap_path(err, node) : 0;
}

void dir_open(int fd, struct dir_source *ret_source, struct pack_source *ret)
{
	*ret_source = (struct dir_source){ .root_fd = fd, .dir_fd = -1 };
	*ret = (struct pack_source){ copy_contents, ret_source };
}

void dir_close(struct dir_source *s)
{
	if (s->dir_fd >= 0)
		(void)close(s->dir_fd);
}
