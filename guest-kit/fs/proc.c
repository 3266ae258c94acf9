/* proc.c: directories that are tables. An inode lives while somebody looks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/proc.h"

#include "fs/dentry.h"
#include "fs/node.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/process.h"

bool proc_number(const char *name, unsigned len, uint32_t *ret)
{
	uint32_t n = 0;

	if (!len || len > 9 || (len > 1 && *name == '0'))
		return false;
	for (; len; len--, name++) {
		if (*name < '0' || *name > '9')
			return false;
		n = n * 10 + (uint32_t)(*name - '0');
	}
	*ret = n;
	return true;
}

static const struct proc_entry *find(const struct proc_entry *e, unsigned n,
				     const char *name, unsigned len)
{
	for (; n; n--, e++)
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	return NULL;
}

int proc_dentry(struct dentry *dir, const struct proc_entry *e,
		const char *name, uint32_t arg, struct dentry **ret)
{
	enum fs_id fs = (enum fs_id)dir->node->fs;
	struct inode *node = proc_inode(fs, e, arg);
	struct dentry *d;

	d = dentry_new(dir, node, name, (unsigned)strlen(name),
		       name != e->name);
	if (!d)
		return -LINUX_ENOMEM;
	d->attached = true;
	*ret = d;
	return 0;
}

static int look_up(struct dentry *dir, const char *name, unsigned len,
		   struct dentry **ret)
{
	const struct proc_entry *e = dir->node->proc;

	e = find(e->children, e->n_children, name, len);
	if (!e)
		return -LINUX_ENOENT;
	return proc_dentry(dir, e, e->name, dir->node->arg, ret);
}

static uint32_t number_of(const struct proc_entry *e, uint32_t arg)
{
	/* Entries lie within 2 MiB: the kernel image. */
	return ((uint32_t)(uintptr_t)e & 0x1fffffu) + (arg << 21);
}

static int next(struct dentry *dir, uint64_t pos, struct dir_item *ret)
{
	const struct proc_entry *e = dir->node->proc;

	if (pos - 2 >= e->n_children)
		return 0;
	e = &e->children[pos - 2];
	ret->name = e->name;
	ret->len = (unsigned)strlen(e->name);
	ret->ino = number_of(e, dir->node->arg);
	ret->type = e->mode & S_IFMT;
	ret->next_pos = pos + 1;
	return 1;
}

static int open_file(struct inode *node, struct file *f)
{
	struct text t = { 0 };

	if (node->proc->fill)
		node->proc->fill(&t, node->arg);
	else
		text_add(&t, "%s\n", node->proc->target);
	return text_open(f, &t);
}

static int64_t read_target(struct inode *node, char *buf, uint64_t room)
{
	room = min_u64(room, strlen(node->proc->target));
	memcpy(buf, node->proc->target, room);
	return (int64_t)room;
}

struct inode *proc_inode(enum fs_id fs, const struct proc_entry *e,
			 uint32_t arg)
{
	static const struct inode_ops file_ops = { .open = open_file };
	static const struct inode_ops link_ops = { .readlink = read_target };
	static const struct inode_ops dir_ops = { .open = dir_open,
						  .lookup = look_up,
						  .next = next };
	struct inode *node = inode_new(fs, e->mode);

	if (!node)
		return NULL;
	node->proc = e;
	node->arg = arg;
	node->ino = number_of(e, arg);
	node->ops = e->ops                    ? e->ops
		    : inode_is(node, S_IFREG) ? &file_ops
		    : inode_is(node, S_IFLNK) ? &link_ops
					      : &dir_ops;
	if (inode_is(node, S_IFDIR))
		node->nlink = 2;
	return node;
}

/* The root: the table, and the process by its number. */
static const struct proc_entry root_entry = { .name = "",
					      .mode = S_IFDIR | 0555 };

static int look_up_root(struct dentry *dir, const char *name, unsigned len,
			struct dentry **ret)
{
	const struct proc_entry *e =
		find(proc_system, proc_system_n, name, len);
	uint32_t pid;

	if (e)
		return proc_dentry(dir, e, e->name, PROCESS_PID, ret);
	if (!proc_number(name, len, &pid) || pid != PROCESS_PID)
		return -LINUX_ENOENT;
	return proc_dentry(dir, &proc_process, proc_process.name, pid, ret);
}

static int next_root(struct dentry *dir, uint64_t pos, struct dir_item *ret)
{
	const struct proc_entry *e = &proc_process;

	(void)dir;
	if (pos - 2 > proc_system_n)
		return 0;
	if (pos > 2)
		e = &proc_system[pos - 3];
	ret->name = e->name;
	ret->len = (unsigned)strlen(e->name);
	ret->ino = number_of(e, PROCESS_PID);
	ret->type = e->mode & S_IFMT;
	ret->next_pos = pos + 1;
	return 1;
}

struct inode *proc_root(void)
{
	static const struct inode_ops ops = { .open = dir_open,
					      .lookup = look_up_root,
					      .next = next_root };
	struct inode *node = proc_inode(FS_PROC, &root_entry, 0);

	if (node)
		node->ops = &ops;
	return node;
}

struct inode *sysfs_root(void)
{
	static struct proc_entry entry = { .name = "",
					   .mode = S_IFDIR | 0555,
					   .children = proc_sysfs };

	entry.n_children = proc_sysfs_n;
	return proc_inode(FS_SYS, &entry, 0);
}
