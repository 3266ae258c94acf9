/* sys_file.c: reading, writing and describing the standard streams. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/files.h"

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC      1u
#define O_WRONLY        1u
#define O_RDWR          2u
#define O_NONBLOCK      04000u
#define O_CLOEXEC       02000000u

#define AT_EMPTY_PATH 0x1000u

#define FIONREAD 0x541b
#define FIONBIO  0x5421

#define IOV_MAX 1024

static struct file files[FILES_MAX] = { { .kind = FILE_IN },
					{ .kind = FILE_OUT },
					{ .kind = FILE_ERR } };

struct file *file_get(uint64_t fd)
{
	/* The upper half of an int argument is not defined. */
	uint32_t n = (uint32_t)fd;

	return n < FILES_MAX && files[n].kind ? &files[n] : NULL;
}

bool file_readable(const struct file *f)
{
	return f->kind == FILE_IN && console_readable();
}

bool file_writable(const struct file *f)
{
	return f->kind != FILE_IN;
}

static int64_t file_read(const struct file *f, uint64_t gva, uint64_t len)
{
	int64_t n;

	if (f->kind != FILE_IN)
		return -LINUX_EBADF;
	len = min_u64(len, 0x7ffff000);
	if (!vm_user_ok(gva, len, VM_WRITE))
		return -LINUX_EFAULT;
	while ((n = console_read(user_ptr(gva), len)) == -LINUX_EAGAIN &&
	       !f->nonblock)
		console_wait_input(0);
	return n;
}

static enum console_stream stream_of(const struct file *f)
{
	return f->kind == FILE_ERR ? CONSOLE_ERR : CONSOLE_OUT;
}

/* The caller pushes. */
static int64_t file_write(const struct file *f, uint64_t gva, uint64_t len)
{
	if (f->kind == FILE_IN)
		return -LINUX_EBADF;
	len = min_u64(len, 0x7ffff000);
	if (!vm_user_ok(gva, len, VM_READ))
		return -LINUX_EFAULT;
	console_write(stream_of(f), user_ptr(gva), len);
	return (int64_t)len;
}

int64_t sys_read(struct regs *r)
{
	const struct file *f = file_get(ARG1(r));

	return f ? file_read(f, ARG2(r), ARG3(r)) : -LINUX_EBADF;
}

int64_t sys_write(struct regs *r)
{
	const struct file *f = file_get(ARG1(r));

	int64_t rc = f ? file_write(f, ARG2(r), ARG3(r)) : -LINUX_EBADF;

	if (rc > 0)
		console_push(stream_of(f));
	return rc;
}

struct iovec {
	uint64_t base, len;
};

/* Piece by piece; what went well before an error counts. */
static int64_t vector(struct regs *r,
		      int64_t (*one)(const struct file *, uint64_t, uint64_t))
{
	const struct file *f = file_get(ARG1(r));
	const struct iovec *iov = user_ptr(ARG2(r));
	uint64_t n = ARG3(r);
	int64_t done = 0;

	if (!f)
		return -LINUX_EBADF;
	if (n > IOV_MAX)
		return -LINUX_EINVAL;
	if (!vm_user_ok(ARG2(r), n * sizeof(*iov), VM_READ))
		return -LINUX_EFAULT;
	for (; n; n--, iov++) {
		int64_t rc;

		if (!iov->len)
			continue;
		/* A read that has something does not wait for more. */
		if (done && f->kind == FILE_IN && !console_readable())
			break;
		rc = one(f, iov->base, iov->len);
		if (rc < 0)
			return done ? done : rc;
		done += rc;
		if ((uint64_t)rc < iov->len)
			break;
	}
	return done;
}

int64_t sys_readv(struct regs *r)
{
	return vector(r, file_read);
}

int64_t sys_writev(struct regs *r)
{
	int64_t rc = vector(r, file_write);

	if (rc > 0)
		console_push(stream_of(file_get(ARG1(r))));
	return rc;
}

int64_t sys_pread64(struct regs *r)
{
	return file_get(ARG1(r)) ? -LINUX_ESPIPE : -LINUX_EBADF;
}

int64_t sys_pwrite64(struct regs *r)
{
	return sys_pread64(r);
}

int64_t sys_lseek(struct regs *r)
{
	return sys_pread64(r);
}

int64_t sys_close(struct regs *r)
{
	struct file *f = file_get(ARG1(r));

	if (!f)
		return -LINUX_EBADF;
	*f = (struct file){ 0 };
	return 0;
}

static int64_t duplicate(const struct file *f, uint64_t from, bool cloexec)
{
	for (uint64_t fd = from; fd < FILES_MAX; fd++)
		if (!files[fd].kind) {
			files[fd] = *f;
			files[fd].cloexec = cloexec;
			return (int64_t)fd;
		}
	return from < FILES_MAX ? -LINUX_EMFILE : -LINUX_EINVAL;
}

int64_t sys_dup(struct regs *r)
{
	const struct file *f = file_get(ARG1(r));

	return f ? duplicate(f, 0, false) : -LINUX_EBADF;
}

static int64_t duplicate_to(struct regs *r, bool cloexec)
{
	const struct file *f = file_get(ARG1(r));
	uint32_t to = (uint32_t)ARG2(r);

	if (!f || to >= FILES_MAX)
		return -LINUX_EBADF;
	if (f != &files[to]) {
		files[to] = *f;
		files[to].cloexec = cloexec;
	}
	return to;
}

int64_t sys_dup2(struct regs *r)
{
	return duplicate_to(r, false);
}

int64_t sys_dup3(struct regs *r)
{
	if ((uint32_t)ARG1(r) == (uint32_t)ARG2(r) || (ARG3(r) & ~O_CLOEXEC))
		return -LINUX_EINVAL;
	return duplicate_to(r, ARG3(r) & O_CLOEXEC);
}

int64_t sys_fcntl(struct regs *r)
{
	struct file *f = file_get(ARG1(r));
	uint64_t arg = ARG3(r);

	if (!f)
		return -LINUX_EBADF;
	switch ((int)ARG2(r)) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicate(f, arg, ARG2(r) == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return f->cloexec ? FD_CLOEXEC : 0;
	case F_SETFD:
		f->cloexec = arg & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return (f->kind == FILE_IN ? 0 : O_WRONLY) |
		       (f->nonblock ? O_NONBLOCK : 0);
	case F_SETFL:
		f->nonblock = arg & O_NONBLOCK;
		return 0;
	default:
		return -LINUX_EINVAL;
	}
}

/* Not a terminal: a program writes whole buffers, and nobody edits lines. */
int64_t sys_ioctl(struct regs *r)
{
	struct file *f = file_get(ARG1(r));

	if (!f)
		return -LINUX_EBADF;
	if ((uint32_t)ARG2(r) == FIONBIO) {
		if (!vm_user_ok(ARG3(r), 4, VM_READ))
			return -LINUX_EFAULT;
		f->nonblock = *(const uint32_t *)user_ptr(ARG3(r));
		return 0;
	}
	return -LINUX_ENOTTY;
}

struct linux_stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	uint64_t atime[2], mtime[2], ctime[2];
	int64_t unused[3];
};

_Static_assert(sizeof(struct linux_stat) == 144, "ABI");

#define S_IFIFO 0010000u

static int64_t stat_stream(const struct file *f, uint64_t gva)
{
	const struct linux_stat st = {
		.dev = 1,
		.ino = f->kind,
		.nlink = 1,
		.mode = S_IFIFO | 0600,
		.blksize = 4096,
	};

	if (!vm_user_ok(gva, sizeof(st), VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(gva), &st, sizeof(st));
	return 0;
}

int64_t sys_fstat(struct regs *r)
{
	const struct file *f = file_get(ARG1(r));

	return f ? stat_stream(f, ARG2(r)) : -LINUX_EBADF;
}

/* No path leads anywhere. */
static int64_t no_such_path(uint64_t gva)
{
	int64_t len = vm_user_strlen(gva, 4095);

	return len < 0 ? len : -LINUX_ENOENT;
}

int64_t sys_newfstatat(struct regs *r)
{
	int64_t len = vm_user_strlen(ARG2(r), 4095);

	if (len || !(ARG4(r) & AT_EMPTY_PATH))
		return len < 0 ? len : -LINUX_ENOENT;
	return file_get(ARG1(r)) ? stat_stream(file_get(ARG1(r)), ARG3(r))
				 : -LINUX_EBADF;
}

int64_t sys_open(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_openat(struct regs *r)
{
	return no_such_path(ARG2(r));
}

int64_t sys_stat(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_lstat(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_access(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_faccessat(struct regs *r)
{
	return no_such_path(ARG2(r));
}

int64_t sys_faccessat2(struct regs *r)
{
	return no_such_path(ARG2(r));
}

static int64_t read_link(uint64_t path, uint64_t buf, uint64_t size)
{
	static const char self[] = "/proc/self/exe", target[] = "/program";
	int64_t len = vm_user_strlen(path, 4095);

	if (len < 0)
		return len;
	if (!str_equal(user_ptr(path), self))
		return -LINUX_ENOENT;
	if (!size)
		return -LINUX_EINVAL;
	size = min_u64(size, sizeof(target) - 1);
	if (!vm_user_ok(buf, size, VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(buf), target, size);
	return (int64_t)size;
}

int64_t sys_readlink(struct regs *r)
{
	return read_link(ARG1(r), ARG2(r), ARG3(r));
}

int64_t sys_readlinkat(struct regs *r)
{
	return read_link(ARG2(r), ARG3(r), ARG4(r));
}

int64_t sys_getcwd(struct regs *r)
{
	if (ARG2(r) < 2)
		return -LINUX_ERANGE;
	if (!vm_user_ok(ARG1(r), 2, VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(ARG1(r)), "/", 2);
	return 2;
}
