/* sys_dir.c: reading directories, and the working directory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/at.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

/* Both have ino, next and len; getdents64 has the type before the name, the
 * old one as the last byte of all. */
struct dirent_head {
	uint64_t ino;
	int64_t next;
	uint16_t len;
};

#define HEAD_LEN   18u
#define DIRENT_MAX (HEAD_LEN + FS_NAME_MAX + 2 + 7)

/* The entry at f's position: 1, or 0 at the end, or an error. */
static int get_item(struct file *f, uint64_t pos, struct dir_item *ret)
{
	struct dentry *d = f->at;

	ret->next_pos = pos + 1;
	ret->type = S_IFDIR;
	if (pos == 0) {
		ret->name = ".";
		ret->len = 1;
		ret->ino = d->node->ino;
		return 1;
	}
	if (pos == 1) {
		ret->name = "..";
		ret->len = 2;
		ret->ino = (d->parent ? d->parent : d)->node->ino;
		return 1;
	}
	/* Removed: it has nothing but these two, and not even them. */
	if (!d->attached)
		return 0;
	return d->node->ops->next(d, pos, ret);
}

/* One entry into buf; its length. */
static unsigned put_item(uint8_t *buf, const struct dir_item *item, bool wide)
{
	const unsigned name_at = wide ? HEAD_LEN + 1 : HEAD_LEN;
	const unsigned len = (name_at + item->len + (wide ? 1 : 2) + 7) & ~7u;
	const struct dirent_head head = { item->ino, (int64_t)item->next_pos,
					  (uint16_t)len };
	const uint8_t type = (uint8_t)(item->type >> 12);

	memset(buf, 0, len);
	memcpy(buf, &head, HEAD_LEN);
	memcpy(buf + name_at, item->name, item->len);
	buf[wide ? HEAD_LEN : len - 1] = type;
	return len;
}

static int64_t list(struct file *f, uint64_t gva, uint64_t room, bool wide)
{
	uint8_t buf[DIRENT_MAX];
	struct dir_item item;
	uint64_t done = 0;
	int rc;

	if (!f->at || !f->node->ops->next)
		return -LINUX_ENOTDIR;
	if (!f->at->attached)
		return -LINUX_ENOENT;
	while ((rc = get_item(f, f->pos, &item)) > 0) {
		unsigned len = put_item(buf, &item, wide);

		if (len > room - done) {
			rc = done ? 0 : -LINUX_EINVAL;
			break;
		}
		rc = user_write(gva + done, buf, len);
		if (rc)
			break;
		f->pos = item.next_pos;
		done += len;
	}
	inode_accessed(f->node);
	return done ? (int64_t)done : rc;
}

static int64_t list_fd(struct regs *r, bool wide)
{
	struct file *f = fd_hold(ARG1(r));
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	rc = list(f, ARG2(r), (uint32_t)ARG3(r), wide);
	file_put(f);
	return rc;
}

int64_t sys_getdents(struct regs *r)
{
	return list_fd(r, false);
}

int64_t sys_getdents64(struct regs *r)
{
	return list_fd(r, true);
}

/* Takes d's reference. */
static int64_t go_to(struct dentry *d)
{
	int rc = inode_is(d->node, S_IFDIR) ? 0 : -LINUX_ENOTDIR;

	if (!rc)
		fs_set_cwd(d);
	dentry_put(d);
	return rc;
}

int64_t sys_chdir(struct regs *r)
{
	struct dentry *d;
	int rc = at_find(CWD, ARG1(r), WALK_FOLLOW, &d);

	return rc ? rc : go_to(d);
}

int64_t sys_fchdir(struct regs *r)
{
	struct file *f = fd_hold_any(ARG1(r));
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	rc = f->at ? go_to(dentry_get(f->at)) : -LINUX_ENOTDIR;
	file_put(f);
	return rc;
}

int64_t sys_getcwd(struct regs *r)
{
	char *buf = kmem_alloc(FS_PATH_MAX);
	int64_t rc;

	if (!buf)
		return -LINUX_ENOMEM;
	rc = dentry_path(fs_cwd(), fs_root(), buf, FS_PATH_MAX) + 1;
	if (!dentry_reachable(fs_cwd()))
		rc = -LINUX_ENOENT;
	else if (rc <= 0)
		rc = -LINUX_ENAMETOOLONG;
	else if ((uint64_t)rc > ARG2(r))
		rc = -LINUX_ERANGE;
	else if (user_write(ARG1(r), buf, (uint64_t)rc))
		rc = -LINUX_EFAULT;
	kmem_free(buf, FS_PATH_MAX);
	return rc;
}
