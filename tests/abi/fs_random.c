/* fs_random.c: calls about a few names in an order that nobody thought of;
 * what each answers, and now and then what the tree has become. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "abi.h"

#define FILES 12

static uint32_t state;
static int fds[FILES];
static char data[40000];

static unsigned some(unsigned n)
{
	return rnd(&state) % n;
}

/* One to three of four names, sometimes with what paths may have in them. */
static const char *path(char *buf)
{
	static const char *const between[] = { "/",  "/",   "/",
					       "//", "/./", "/../" };
	unsigned parts = 1 + some(3);

	*buf = 0;
	for (unsigned i = 0; i < parts; i++) {
		const char name[2] = { (char)('a' + some(4)), 0 };

		if (i)
			strcat(buf, between[some(COUNT(between))]);
		strcat(buf, name);
	}
	if (!some(20))
		strcat(buf, some(2) ? "/" : "/.");
	return buf;
}

static void answer(const char *what, const char *a, const char *b, long rc)
{
	if (rc < 0)
		SAY("%s %s %s: %s", what, a, b, errname(errno));
	else
		SAY("%s %s %s: %ld", what, a, b, rc);
}

static void open_some(const char *a)
{
	static const int flags[] = {
		O_RDONLY,
		O_RDWR,
		O_CREAT | O_RDWR,
		O_CREAT | O_RDWR,
		O_CREAT | O_EXCL | O_RDWR,
		O_CREAT | O_RDWR | O_TRUNC,
		O_RDWR | O_APPEND,
		O_RDONLY | O_DIRECTORY,
		O_RDONLY | O_NOFOLLOW,
	};
	unsigned at = some(FILES), how = some(COUNT(flags));
	int fd = open(a, flags[how] | O_NONBLOCK, 0644);
	char text[16];

	snprintf(text, sizeof(text), "%u %u", at, how);
	answer("open", a, text, fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	if (fds[at] >= 0)
		close(fds[at]);
	fds[at] = fd;
}

/* A call about an open file. */
static void use(void)
{
	static char buf[9000];
	unsigned at = some(FILES);
	size_t len = some(9000);
	struct stat st;
	char text[16];
	long rc;

	snprintf(text, sizeof(text), "%u", at);
	switch (some(7)) {
	case 0:
	case 1:
		rc = write(fds[at], data + some(9000), len);
		answer("write", text, "", rc);
		break;
	case 2:
		rc = read(fds[at], buf, len);
		answer("read", text, "", rc);
		if (rc > 0)
			SAY("  %08x", sum(buf, (size_t)rc, 1));
		break;
	case 3:
		rc = lseek(fds[at], some(20000), SEEK_SET);
		answer("seek", text, "", rc);
		break;
	case 4:
		rc = ftruncate(fds[at], some(20000));
		answer("ftruncate", text, "", rc);
		break;
	case 5:
		rc = pwrite(fds[at], data, len, some(30000));
		answer("pwrite", text, "", rc);
		break;
	default:
		rc = fstat(fds[at], &st);
		answer("fstat", text, "", rc);
		if (!rc)
			SAY("  %o %lu %ld", st.st_mode,
			    S_ISDIR(st.st_mode) ? 0ul
						: (unsigned long)st.st_nlink,
			    S_ISDIR(st.st_mode) ? 0l : (long)st.st_size);
		break;
	}
}

static void stat_some(const char *a)
{
	struct stat st;
	int rc = lstat(a, &st);

	answer("lstat", a, "", rc);
	if (!rc)
		SAY("  %o %lu %ld", st.st_mode,
		    S_ISDIR(st.st_mode) ? 0ul : (unsigned long)st.st_nlink,
		    S_ISDIR(st.st_mode) ? 0l : (long)st.st_size);
}

static int one_or_two(unsigned flags, const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static void step(void)
{
	char a[64], b[64], buf[64];

	path(a);
	path(b);
	switch (some(16)) {
	case 0:
	case 1:
		answer("mkdir", a, "", mkdir(a, 0755));
		break;
	case 2:
		answer("rmdir", a, "", rmdir(a));
		break;
	case 3:
		answer("unlink", a, "", unlink(a));
		break;
	case 4:
		answer("link", a, b, link(a, b));
		break;
	case 5:
		answer("symlink", a, b, symlink(a, b));
		break;
	case 6:
	case 7:
		answer("rename", a, b, rename(a, b));
		break;
	case 8:
		answer("exchange", a, b, one_or_two(2, a, b));
		break;
	case 9:
		answer("noreplace", a, b, one_or_two(1, a, b));
		break;
	case 10:
		answer("truncate", a, "", truncate(a, some(20000)));
		break;
	case 11:
		stat_some(a);
		break;
	case 12:
		answer("readlink", a, "", readlink(a, buf, sizeof(buf)));
		break;
	case 13:
	case 14:
		open_some(a);
		break;
	default:
		use();
		break;
	}
	use();
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Every name, and below; `clear`: it is removed. */
static void tree(const char *dir, bool clear)
{
	char names[64][16], full[1100];
	unsigned n = 0;
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		return;
	while ((e = readdir(d)) && n < COUNT(names))
		if (e->d_name[0] != '.')
			snprintf(names[n++], sizeof(names[0]), "%.14s",
				 e->d_name);
	closedir(d);
	qsort(names, n, sizeof(names[0]), by_name);
	for (unsigned i = 0; i < n; i++) {
		struct stat st;

		snprintf(full, sizeof(full), "%s/%s", dir, names[i]);
		NEED(lstat(full, &st));
		if (!clear)
			SAY("%s %o", full, st.st_mode);
		if (S_ISDIR(st.st_mode))
			tree(full, clear);
		if (clear)
			NEED(S_ISDIR(st.st_mode) ? rmdir(full) : unlink(full));
	}
}

static void round_of(uint32_t seed, long steps)
{
	state = seed;
	enter_dir();
	for (unsigned i = 0; i < FILES; i++)
		fds[i] = -1;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + i / 97);
	for (long i = 0; i < steps; i++) {
		step();
		if (i % 200 == 199)
			tree(".", false);
	}
	tree(".", false);
	tree(".", true);
	for (unsigned i = 0; i < FILES; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	leave_dir();
}

static void first(void)
{
	round_of(1, scaled(3000));
}

static void second(void)
{
	round_of(20261, scaled(3000));
}

static void third(void)
{
	round_of(777, scaled(3000));
}

MAIN(CASE(first), CASE(second), CASE(third))
