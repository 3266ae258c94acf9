/* sys_open.c: calls that end with a descriptor. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fifo.h"
#include "fs/open.h"
#include "fs/regular.h"
#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/at.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

#define O_KNOWN                                                         \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	 O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE |       \
	 O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |    \
	 O_TMPFILE)

#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NAME_MAX      249

static int64_t open_file(uint64_t dirfd, uint64_t gva, uint32_t flags,
			 uint64_t mode, unsigned how)
{
	struct file *f;
	struct at a;
	int rc;

	/* Before anything is made. */
	if (!fd_room())
		return -LINUX_EMFILE;
	rc = at_get(&a, dirfd, gva, how);
	if (rc)
		return rc;
	rc = open_at(a.from, a.path, flags & O_KNOWN,
		     (uint32_t)mode & 07777 & ~fs_umask, how, &f);
	at_put(&a);
	return rc ? rc : fd_return(f, flags & O_CLOEXEC);
}

int64_t sys_open(struct regs *r)
{
	return open_file(CWD, ARG1(r), (uint32_t)ARG2(r), ARG3(r), 0);
}

int64_t sys_creat(struct regs *r)
{
	return open_file(CWD, ARG1(r), O_CREAT | O_WRONLY | O_TRUNC, ARG2(r),
			 0);
}

int64_t sys_openat(struct regs *r)
{
	return open_file(ARG1(r), ARG2(r), (uint32_t)ARG3(r), ARG4(r), 0);
}

struct open_how {
	uint64_t flags, mode, resolve;
};

#define RESOLVE_NO_XDEV       0x01u
#define RESOLVE_NO_MAGICLINKS 0x02u
#define RESOLVE_NO_SYMLINKS   0x04u
#define RESOLVE_BENEATH       0x08u
#define RESOLVE_IN_ROOT       0x10u
#define RESOLVE_CACHED        0x20u /* always is */
#define RESOLVE_KNOWN         0x3fu

static unsigned walk_of(uint64_t resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? WALK_NO_XDEV : 0) |
	       (resolve & RESOLVE_NO_MAGICLINKS ? WALK_NO_MAGICLINKS : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? WALK_NO_SYMLINKS : 0) |
	       (resolve & RESOLVE_BENEATH ? WALK_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? WALK_IN_ROOT : 0);
}

/* Of what follows the fields we know, all must be 0. */
static int64_t read_how(uint64_t gva, uint64_t len, struct open_how *ret)
{
	if (len < sizeof(*ret))
		return -LINUX_EINVAL;
	if (len > PAGE_LEN)
		return -LINUX_E2BIG;
	if (user_read(ret, gva, sizeof(*ret)))
		return -LINUX_EFAULT;
	for (uint64_t at = sizeof(*ret); at < len; at++) {
		uint8_t byte;

		if (user_read(&byte, gva + at, 1))
			return -LINUX_EFAULT;
		if (byte)
			return -LINUX_E2BIG;
	}
	return 0;
}

int64_t sys_openat2(struct regs *r)
{
	struct open_how how;
	int64_t rc = read_how(ARG3(r), ARG4(r), &how);
	bool makes;

	if (rc)
		return rc;
	makes = (how.flags & O_CREAT) || (how.flags & O_TMPFILE) == O_TMPFILE;
	if ((how.flags & ~(uint64_t)O_KNOWN) || (how.mode & ~07777ull) ||
	    (how.mode && !makes) || (how.resolve & ~(uint64_t)RESOLVE_KNOWN) ||
	    ((how.resolve & RESOLVE_BENEATH) &&
	     (how.resolve & RESOLVE_IN_ROOT)) ||
	    ((how.flags & O_PATH) &&
	     (how.flags &
	      ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))))
		return -LINUX_EINVAL;
	return open_file(ARG1(r), ARG2(r), (uint32_t)how.flags, how.mode,
			 walk_of(how.resolve));
}

int64_t sys_memfd_create(struct regs *r)
{
	static const char prefix[] = "/memfd:", suffix[] = " (deleted)";
	char name[sizeof(prefix) + MFD_NAME_MAX + sizeof(suffix)] = "/memfd:";
	uint32_t flags = (uint32_t)ARG2(r);
	struct inode *node;
	struct file *f;
	int64_t rc;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -LINUX_EINVAL;
	rc = user_string(name + sizeof(prefix) - 1, MFD_NAME_MAX + 1, ARG1(r));
	if (rc < 0)
		return rc == -LINUX_ENAMETOOLONG ? -LINUX_EINVAL : rc;
	memcpy(name + strlen(name), suffix, sizeof(suffix));
	node = page_has_room() ? inode_new(FS_ROOT, S_IFREG | 0777) : NULL;
	if (!node)
		return -LINUX_ENOMEM;
	node->nlink = 0;
	node->is_memfd = true;
	node->seals = flags & MFD_ALLOW_SEALING ? 0 : SEAL_SEAL;
	rc = open_nameless(node, name, true, O_RDWR, &f);
	return rc ? rc : fd_return(f, flags & MFD_CLOEXEC);
}

static int64_t make_pipe(uint64_t gva, uint64_t flags)
{
	struct file *ends[2];
	int32_t fds[2];
	int64_t rc;

	/* No pipes of packets: O_DIRECT */
	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -LINUX_EINVAL;
	rc = fifo_pipe((uint32_t)flags & O_NONBLOCK, &ends[0], &ends[1]);
	if (rc)
		return rc;
	rc = fd_return(ends[0], flags & O_CLOEXEC);
	if (rc < 0) {
		file_put(ends[1]);
		return rc;
	}
	fds[0] = (int32_t)rc;
	rc = fd_return(ends[1], flags & O_CLOEXEC);
	fds[1] = (int32_t)rc;
	if (rc >= 0)
		rc = user_write(gva, fds, sizeof(fds));
	if (rc) {
		(void)fd_close((uint32_t)fds[0]);
		if (fds[1] >= 0)
			(void)fd_close((uint32_t)fds[1]);
	}
	return rc;
}

int64_t sys_pipe(struct regs *r)
{
	return make_pipe(ARG1(r), 0);
}

int64_t sys_pipe2(struct regs *r)
{
	return make_pipe(ARG1(r), (uint32_t)ARG2(r));
}

int64_t sys_umask(struct regs *r)
{
	uint32_t old = fs_umask;

	fs_umask = ARG1(r) & 0777;
	return old;
}
