/* root.c: makes the tree, and what the rest of the kernel asks of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/netproxy.h"
#include "abi/rootfs.h"
#include "fs/dev.h"
#include "fs/image.h"
#include "fs/open.h"
#include "fs/proc.h"
#include "fs/tree.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/store.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"

uint32_t fs_umask = 022;

static struct dentry *root, *cwd, *program;

/* The program that runs lies in the image: argv[0] is its path. */
static bool find_program(void)
{
	struct dentry *d;

	if (!machine.rootfs || !machine.argc || *machine.strings != '/' ||
	    path_find(root, machine.strings, WALK_FOLLOW, &d))
		return false;
	program = d;
	d->node->running++;
	return true;
}

/* After machine.program, at / and the last part of argv[0]. */
static int make_program(void)
{
	struct path_end end = { .dir = root, .plain = true };
	struct inode *node;

	str_copy(end.name, machine_program_name(), sizeof(end.name));
	end.len = (unsigned)strlen(end.name);
	if (!machine.program)
		return 0;
	node = inode_new(FS_ROOT, S_IFREG | 0755);
	if (!node)
		return -LINUX_ENOMEM;
	node->running = 1;
	node->store = store_new_image(machine.program, machine.program_len);
	if (!node->store) {
		inode_put(node);
		return -LINUX_ENOMEM;
	}
	/* Somebody else's name: the program keeps it, but for itself. */
	if (!root->node->ops->lookup(root, end.name, end.len, &end.at)) {
		dentry_put(end.at);
		program = dentry_new(root, node, end.name, end.len, true);
		return program ? 0 : -LINUX_ENOMEM;
	}
	return tree_make(&end, node->mode, node, &program);
}

/* What every program expects, where the image has none. */
static int make_standard(void)
{
	static const struct {
		const char *dir, *name;
		uint32_t mode;
		const char *content;
	} standard[] = {
		{ "/", "dev", S_IFDIR | 0755, NULL },
		{ "/", "etc", S_IFDIR | 0755, NULL },
		{ "/", "proc", S_IFDIR | 0555, NULL },
		{ "/", "sys", S_IFDIR | 0555, NULL },
		{ "/", "tmp", S_IFDIR | S_ISVTX | 0777, NULL },
		{ "/etc", "hosts", S_IFREG | 0644,
		  "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
		{ "/etc", "resolv.conf", S_IFREG | 0644,
		  "nameserver " NETPROXY_RESOLVER_TEXT "\n" },
	};
	struct dentry *dir;
	int rc = 0;

	for (unsigned i = 0; !rc && i < ARRAY_LEN(standard); i++) {
		/* An image may have something else there. */
		if (path_find(root, standard[i].dir, WALK_FOLLOW, &dir))
			continue;
		if (inode_is(dir->node, S_IFDIR))
			rc = tree_standard(dir, standard[i].name,
					   standard[i].mode, 0,
					   standard[i].content);
		dentry_put(dir);
	}
	return rc;
}

/* Another file system over a directory of this one. */
static int mount(const char *path, struct inode *node)
{
	struct dentry *d;

	if (!node)
		return -LINUX_ENOMEM;
	if (path_find(root, path, 0, &d) || !inode_is(d->node, S_IFDIR)) {
		inode_put(node);
		return 0;
	}
	inode_put(d->node);
	d->node = node;
	d->mounted = true;
	dentry_put(d); /* the tree holds it */
	return 0;
}

static int make_devices(void)
{
	struct dentry *dev;
	int rc = 0;

	if (path_find(root, "/dev", WALK_FOLLOW, &dev))
		return 0;
	if (inode_is(dev->node, S_IFDIR))
		rc = dev_make_nodes(dev);
	dentry_put(dev);
	return rc;
}

static void build(void)
{
	const struct rootfs_entry *image = image_root();
	struct inode *node;
	int rc;

	inode_numbers_from(image ? image_entries() + 1 : 1);
	node = image ? image_inode(image) : inode_new(FS_ROOT, S_IFDIR | 0755);
	root = dentry_new(NULL, node, "", 0, false);
	if (!root)
		machine_panic("no memory for files");
	if (!image)
		node->nlink = 2;
	root->parent = root;
	root->attached = true;
	cwd = dentry_get(root);
	rc = make_standard();
	if (!rc)
		rc = mount("/proc", proc_root());
	if (!rc)
		rc = mount("/sys", sysfs_root());
	if (!rc)
		rc = make_devices();
	if (!rc && !program && !find_program())
		rc = make_program();
	if (rc)
		machine_panic("no memory for files");
}

struct dentry *fs_root(void)
{
	if (!root)
		build();
	return root;
}

struct dentry *fs_cwd(void)
{
	(void)fs_root();
	return cwd;
}

void fs_set_cwd(struct dentry *d)
{
	dentry_get(d);
	dentry_put(cwd);
	cwd = d;
}

struct dentry *fs_program(void)
{
	(void)fs_root();
	return program;
}

void fs_set_program(struct file *f)
{
	if (!f->at)
		return;
	if (program) {
		program->node->running--;
		dentry_put(program);
	}
	program = dentry_get(f->at);
	program->node->running++;
}

uint64_t fs_program_path(char *buf, uint64_t room)
{
	struct dentry *d = fs_program();
	int64_t len = d ? dentry_path(d, root, buf, room) : 0;

	if (len <= 0 && room)
		*buf = 0;
	return len > 0 ? (uint64_t)len : 0;
}

int fs_open(const char *path, uint32_t flags, struct file **ret)
{
	return open_at(NULL, path, flags | O_NONBLOCK, 0644, 0, ret);
}

int fs_open_program(const char *path, struct file **ret)
{
	struct file *f;
	int rc = fs_open(path, O_RDONLY, &f);

	if (rc)
		return rc;
	if (!inode_is(f->node, S_IFREG) || !(f->node->mode & 0111) ||
	    !f->ops->store) {
		file_put(f);
		return -LINUX_EACCES;
	}
	*ret = f;
	return 0;
}

int64_t fs_read(struct file *f, uint64_t off, void *buf, uint64_t len)
{
	struct io io;

	io_kernel(&io, buf, len);
	return f->ops->read ? f->ops->read(f, &io, &off) : -LINUX_EINVAL;
}

uint64_t fs_file_path(struct file *f, char *buf, uint64_t room)
{
	struct linux_stat st;
	int64_t len;

	if (f->at) {
		len = dentry_path(f->at, fs_root(), buf, room);
		if (len < 0)
			*buf = 0;
		return len < 0 ? 0 : (uint64_t)len;
	}
	if (f->ops->stat(f, &st))
		st = (struct linux_stat){ 0 };
	switch (st.mode & S_IFMT) {
	case S_IFSOCK:
		return format(buf, room, "socket:[%lu]", st.ino);
	case S_IFIFO:
		return format(buf, room, "pipe:[%lu]", st.ino);
	default:
		return format(buf, room, "anon_inode:[%s]",
			      f->ops->name ? f->ops->name : "file");
	}
}

int fs_make_socket(const char *path, struct inode **ret)
{
	struct path_end end;
	struct dentry *d;
	int rc = path_walk(NULL, path, WALK_NAME, &end);

	if (rc)
		return rc;
	rc = tree_make(&end, S_IFSOCK | (0777 & ~fs_umask), NULL, &d);
	path_end_put(&end);
	if (rc)
		return rc == -LINUX_EEXIST ? -LINUX_EADDRINUSE : rc;
	*ret = inode_get(d->node);
	dentry_put(d);
	return 0;
}

int fs_find_socket(const char *path, struct inode **ret)
{
	struct dentry *d;
	int rc = path_find(NULL, path, WALK_FOLLOW, &d);

	if (rc)
		return rc;
	if (inode_is(d->node, S_IFSOCK))
		*ret = inode_get(d->node);
	else
		rc = -LINUX_ECONNREFUSED;
	dentry_put(d);
	return rc;
}
