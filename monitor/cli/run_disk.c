/* run_disk.c: see run_disk.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_disk.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/args.h"
#include "cli/run_rate.h"

#define SECTOR    512u
#define BLOCK_MAX 4096u

/* --- words ---------------------------------------------------------------- */

static int parse_id(const char *s, struct run_disk *d, struct err *err)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			n = 0;
	if (n == 0 || n > RUN_DISK_ID_MAX)
		return err_set(err, -EINVAL,
			       "id='%s': allowed is 1 to %u letters, digits, "
			       "- and _",
			       s, RUN_DISK_ID_MAX);
	(void)snprintf(d->id, sizeof(d->id), "%s", s);
	return 0;
}

static int parse_serial(const char *s, struct run_disk *d, struct err *err)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			n = 0;
	if (n == 0 || n > MACHINE_SERIAL_LEN)
		return err_set(err, -EINVAL,
			       "serial='%s': allowed is 1 to %u printable "
			       "characters without blanks",
			       s, MACHINE_SERIAL_LEN);
	d->serial = s;
	return 0;
}

static int parse_word(const char *s, struct run_disk *d, struct err *err)
{
	int r = run_rate_word(s, &d->rate, err);

	if (r)
		return r < 0 ? r : 0;
	if (strncmp(s, "id=", 3) == 0)
		return parse_id(s + 3, d, err);
	if (strncmp(s, "serial=", 7) == 0)
		return parse_serial(s + 7, d, err);
	if (strncmp(s, "queues=", 7) == 0) {
		if (arg_number(s + 7, 1, MACHINE_DISK_QUEUES_MAX, &d->queues,
			       err))
			return err_wrap(err, "queues");
		return 0;
	}
	if (strcmp(s, "ro") == 0)
		d->read_only = true;
	else if (strcmp(s, "direct") == 0)
		d->direct = true;
	else
		return err_set(err, -EINVAL,
			       "'%s': allowed is id=NAME, ro, direct, "
			       "serial=TEXT, queues=N, " RUN_RATE_WORDS,
			       s);
	return 0;
}

int run_disk_parse(const char *spec, unsigned index, struct run_disk *ret,
		   struct err *err)
{
	struct run_disk d = { .queues = 1 };
	char *rest;
	int r = 0;

	(void)snprintf(d.id, sizeof(d.id), "vd%c", (char)('a' + index));
	d.spec = strdup(spec);
	if (!d.spec)
		return err_set(err, -ENOMEM, "options");
	rest = d.spec;
	d.path = strsep(&rest, ",");
	if (d.path[0] == '\0')
		r = err_set(err, -EINVAL,
			    "'%s': allowed is FILE[,OPTION]..., the name of "
			    "the file without commas",
			    spec);
	while (!r && rest)
		r = parse_word(strsep(&rest, ","), &d, err);
	if (!r)
		r = run_rate_check(&d.rate, err);
	if (r) {
		run_disk_fini(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void run_disk_fini(struct run_disk *d)
{
	free(d->spec);
	d->spec = NULL;
}

/* --- files ---------------------------------------------------------------- */

/* A block device that something on the host has mounted is refused by O_EXCL,
 * which means nothing to other files that exist. */
static int open_path(const struct run_disk *d, struct err *err)
{
	const int flags = (d->read_only ? O_RDONLY : O_RDWR) |
			  (d->direct ? O_DIRECT : 0) | O_CLOEXEC;
	struct stat st;
	int fd;

	if (stat(d->path, &st))
		return err_set(err, -errno, "--disk %s", d->path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "--disk %s", d->path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(
			err, -EINVAL,
			"--disk %s: neither a regular file nor a block device",
			d->path);
	fd = open(d->path,
		  flags | (S_ISBLK(st.st_mode) && !d->read_only ? O_EXCL : 0));
	if (fd >= 0)
		return fd;
	if (errno == EINVAL && d->direct)
		return err_set(err, -EINVAL,
			       "--disk %s: its file system has no direct I/O; "
			       "leave 'direct' out",
			       d->path);
	return err_set(err, -errno, "--disk %s", d->path);
}

static int lock(int fd, const struct run_disk *d, struct err *err)
{
	struct flock l = { .l_type = d->read_only ? F_RDLCK : F_WRLCK,
			   .l_whence = SEEK_SET };

	/* of the open file, not of the process: it lasts as long as the fd */
	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(err, -EBUSY,
			       d->read_only
				       ? "--disk %s: a machine that writes to "
					 "it has it locked"
				       : "--disk %s: another machine has it "
					 "locked",
			       d->path);
	return err_set(err, -errno, "--disk %s: lock", d->path);
}

/* What O_DIRECT asks for; 4096 where the kernel cannot say. */
static void ask_alignment(int fd, struct machine_disk *m)
{
	struct statx x = { 0 };

	m->io_align = m->mem_align = BLOCK_MAX;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &x) ==
		    0 &&
	    (x.stx_mask & STATX_DIOALIGN) && x.stx_dio_offset_align) {
		m->io_align = x.stx_dio_offset_align;
		m->mem_align = x.stx_dio_mem_align;
	}
	if (m->io_align < SECTOR)
		m->io_align = SECTOR;
}

static int ask_block_device(int fd, struct machine_disk *m)
{
	unsigned physical = 0;
	int logical = 0;

	if (ioctl(fd, BLKGETSIZE64, &m->len) ||
	    ioctl(fd, BLKSSZGET, &logical) || ioctl(fd, BLKPBSZGET, &physical))
		return -errno;
	m->block_len = (uint32_t)logical;
	m->physical_len = physical;
	return 0;
}

/* Sizes: of the file, and of its blocks. */
static int measure(int fd, const struct run_disk *d, struct machine_disk *m,
		   struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(err, -errno, "--disk %s", d->path);
	m->block_len = SECTOR;
	m->physical_len = BLOCK_MAX;
	m->len = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode)) {
		int r = ask_block_device(fd, m);

		if (r)
			return err_set(err, r, "--disk %s", d->path);
	}
	if (d->direct) {
		ask_alignment(fd, m);
		if (m->block_len < m->io_align)
			m->block_len = m->io_align;
	}
	if (m->physical_len < m->block_len)
		m->physical_len = m->block_len;
	if (!is_pow2(m->block_len) || !is_pow2(m->physical_len) ||
	    m->block_len > BLOCK_MAX || m->mem_align > BLOCK_MAX)
		return err_set(
			err, -EINVAL,
			"--disk %s: blocks of %u bytes are not supported",
			d->path, m->block_len);
	if (m->len < m->block_len)
		return err_set(
			err, -EINVAL,
			"--disk %s: %llu bytes are too few for a disk; at "
			"least %u",
			d->path, (unsigned long long)m->len, m->block_len);
	if (m->len % m->block_len)
		log_warn("disk",
			 "--disk %s: the last %llu bytes are no whole block "
			 "and not "
			 "part of the disk",
			 d->path, (unsigned long long)(m->len % m->block_len));
	return 0;
}

int run_disk_open(const struct run_disk *d, struct machine_disk *ret,
		  struct err *err)
{
	AUTO_FD fd = open_path(d, err);
	struct machine_disk m = {
		.read_only = d->read_only,
		.queues = d->queues,
		.rate = d->rate,
		.name = d->path,
		.serial = d->serial ? d->serial : d->id,
		.id = d->id,
	};
	int r;

	if (fd < 0)
		return fd;
	r = lock(fd, d, err);
	if (!r)
		r = measure(fd, d, &m, err);
	if (r)
		return r;
	m.fd = take_fd(&fd);
	*ret = m;
	return 0;
}
