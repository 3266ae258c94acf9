/* files.c: regular files and what is done with descriptors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "abi.h"

static char buf[8192];

static void put(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	NEED(fd);
	NEED(write(fd, text, strlen(text)));
	NEED(close(fd));
}

static void cat(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n;

	NEED(fd);
	n = read(fd, buf, sizeof(buf) - 1);
	NEED(n);
	buf[n] = 0;
	NEED(close(fd));
	SAY("%s: %zd '%s'", name, n, buf);
}

static void opening(void)
{
	int fd;

	enter_dir();
	SHOW(open("none", O_RDONLY));
	SHOW(open("none/deeper", O_RDWR | O_CREAT, 0600));
	SHOW(fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
	SHOW(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
	SHOW(write(fd, "hello", 5));
	SHOW(open("file/x", O_RDONLY));
	SHOW(open("file", O_RDONLY | O_DIRECTORY));
	SHOW(open(".", O_RDWR));
	SHOW(open(".", O_RDONLY | O_CREAT, 0600));
	SHOW(open("", O_RDONLY));
	SHOW(syscall(SYS_open, (char *)8, O_RDONLY));
	memset(buf, 'n', 300);
	buf[300] = 0;
	SHOW(open(buf, O_RDONLY));
	memset(buf, '/', 5000);
	buf[5000] = 0;
	SHOW(open(buf, O_RDONLY));
	SHOW(close(fd));
	SHOW(close(fd));
	SHOW(fd = open("file", O_WRONLY | O_APPEND));
	SHOW(write(fd, " world", 6));
	SHOW(read(fd, buf, 5));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(write(fd, "!", 1));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pwrite(fd, "?", 1, 0));
	SHOW(close(fd));
	cat("file");
	SHOW(fd = open("file", O_RDONLY));
	SHOW(write(fd, "x", 1));
	SHOW(ftruncate(fd, 0));
	SHOW(close(fd));
	SHOW(fd = open("file", O_WRONLY | O_TRUNC));
	SHOW(close(fd));
	cat("file");
	SHOW(fd = creat("file2", 0600));
	SHOW(close(fd));
	/* the lowest free number, always */
	int a = open("file", O_RDONLY), b = open("file", O_RDONLY);

	NEED(close(a));
	YES(open("file2", O_RDONLY) == a);
	NEED(close(a));
	NEED(close(b));
	SHOW(unlink("file"));
	SHOW(unlink("file"));
	SHOW(unlink("file2"));
	leave_dir();
}

static void reading_and_writing(void)
{
	struct iovec v[3] = { { (char *)"one", 3 },
			      { (char *)"", 0 },
			      { (char *)"three", 5 } };
	struct iovec r[2] = { { buf, 2 }, { buf + 100, 50 } };
	int fd;

	enter_dir();
	SHOW(fd = open("f", O_RDWR | O_CREAT, 0600));
	SHOW(writev(fd, v, 3));
	SHOW(lseek(fd, 0, SEEK_SET));
	memset(buf, 0, sizeof(buf));
	SHOW(readv(fd, r, 2));
	SAY("%s %s", buf, buf + 100);
	SHOW(read(fd, buf, 10));
	SHOW(pread(fd, buf, 4, 2));
	SAY("%.4s", buf);
	SHOW(pwrite(fd, "XY", 2, 4));
	SHOW(pread(fd, buf, 100, 0));
	SAY("%.8s", buf);
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pread(fd, buf, 10, 8));
	SHOW(pread(fd, buf, 10, 1000));
	SHOW(pread(fd, buf, 10, -1));
	SHOW(preadv(fd, r, 2, 1));
	SHOW(pwritev(fd, v, 3, 100));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(pread(fd, buf, 200, 0));
	YES(buf[8] == 0 && buf[99] == 0 && buf[100] == 'o');
	SHOW(syscall(SYS_writev, fd, v, -1l));
	SHOW(syscall(SYS_writev, fd, v, 2000));
	SHOW(writev(fd, v, 0));
	SHOW(read(fd, NULL, 0));
	SHOW(syscall(SYS_read, fd, (char *)8, 0));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(syscall(SYS_read, fd, (char *)8, 5));
	SHOW(syscall(SYS_write, fd, (char *)8, 5));
	SHOW(read(99, buf, 1));
	SHOW(write(-1, buf, 1));
	SHOW(close(fd));
	SHOW(unlink("f"));
	leave_dir();
}

static void seeking(void)
{
	int fd;
	struct stat st;

	enter_dir();
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	SHOW(write(fd, "0123456789", 10));
	SHOW(lseek(fd, -3, SEEK_END));
	SHOW(read(fd, buf, 10));
	SHOW(lseek(fd, -11, SEEK_CUR));
	SHOW(lseek(fd, 2, SEEK_SET));
	SHOW(lseek(fd, 3, SEEK_CUR));
	SHOW(lseek(fd, 0, 77));
	SHOW(lseek(fd, 1 << 20, SEEK_SET));
	SHOW(read(fd, buf, 1));
	SHOW(write(fd, "end", 3));
	SHOW(fstat(fd, &st));
	SAY("size %ld", (long)st.st_size);
	SHOW(pread(fd, buf, 4, (1 << 20) - 2));
	YES(buf[0] == 0 && buf[1] == 0 && buf[2] == 'e');
	SHOW(ftruncate(fd, 5));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(ftruncate(fd, 100));
	SHOW(pread(fd, buf, 100, 0));
	YES(buf[4] == '4' && buf[5] == 0 && buf[99] == 0);
	SHOW(ftruncate(fd, -1));
	SHOW(truncate("f", 3));
	SHOW(truncate("none", 3));
	SHOW(truncate(".", 3));
	SHOW(fstat(fd, &st));
	SAY("size %ld", (long)st.st_size);
	SHOW(lseek(0x7fff, 0, SEEK_SET));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	SHOW(close(fd));
	SHOW(fsync(fd));
	SHOW(unlink("f"));
	leave_dir();
}

static void describe(const char *name)
{
	struct stat st;

	if (SHOW(lstat(name, &st)) == 0)
		SAY("%s: mode %o, %ld links, size %ld, blocks %s", name,
		    st.st_mode, (long)st.st_nlink,
		    S_ISDIR(st.st_mode) ? 0l : (long)st.st_size,
		    !S_ISREG(st.st_mode) || st.st_blocks > 0 ? "fit"
							     : "do not");
}

static void stats(void)
{
	struct stat a, b;
	int fd;

	enter_dir();
	NEED(umask(022));
	put("f", "12345");
	describe("f");
	SHOW(chmod("f", 0751));
	describe("f");
	SHOW(link("f", "g"));
	describe("g");
	SHOW(symlink("f", "s"));
	describe("s");
	SHOW(stat("s", &a));
	SHOW(stat("g", &b));
	YES(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	SHOW(mkdir("d", 0777));
	describe("d");
	SHOW(mkfifo("p", 0600));
	describe("p");
	NEED(fd = open("f", O_RDWR));
	SHOW(fchmod(fd, 0400));
	describe("f");
	SHOW(fstatat(AT_FDCWD, "s", &a, AT_SYMLINK_NOFOLLOW));
	YES(S_ISLNK(a.st_mode));
	SHOW(fstatat(fd, "", &a, AT_EMPTY_PATH));
	YES(a.st_ino == b.st_ino);
	SHOW(fstatat(fd, "x", &a, 0));
	SHOW(fstatat(99, "x", &a, 0));
	SHOW(fstatat(AT_FDCWD, "f", &a, 1 << 30));
	SHOW(stat("none", &a));
	SHOW(syscall(SYS_stat, "f", (void *)8));
	SHOW(access("f", F_OK));
	SHOW(access("f", R_OK));
	SHOW(access("none", F_OK));
	SHOW(access("f", 99));
	SHOW(faccessat(AT_FDCWD, "f", R_OK, 0));
	SHOW(close(fd));
	SHOW(unlink("f"));
	describe("g");
	SHOW(stat("s", &a));
	for (const char *n = "gsp"; *n; n++) {
		char name[2] = { *n, 0 };

		SHOW(unlink(name));
	}
	SHOW(rmdir("d"));
	leave_dir();
}

static void times(void)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };
	struct timeval tv[2] = { { 3000, 1 }, { 4000, 2 } };
	struct stat st;
	int fd;

	enter_dir();
	put("f", "x");
	SHOW(stat("f", &st));
	YES(llabs(st.st_mtime - time(NULL)) < 60);
	SHOW(utimensat(AT_FDCWD, "f", t, 0));
	SHOW(stat("f", &st));
	SAY("%ld.%09ld %ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	    (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	NEED(fd = open("f", O_RDWR));
	SHOW(futimens(fd, t));
	SHOW(stat("f", &st));
	SAY("%ld", (long)st.st_atime);
	YES(llabs(st.st_mtime - time(NULL)) < 60);
	SHOW(utimes("f", tv));
	SHOW(stat("f", &st));
	SAY("%ld %ld", (long)st.st_atime, (long)st.st_mtime);
	SHOW(write(fd, "y", 1));
	SHOW(fstat(fd, &st));
	YES(st.st_mtime > 4000);
	t[0].tv_nsec = 1000000000;
	SHOW(utimensat(AT_FDCWD, "f", t, 0));
	SHOW(utimensat(AT_FDCWD, "none", NULL, 0));
	SHOW(close(fd));
	SHOW(unlink("f"));
	leave_dir();
}

static void renaming(void)
{
	enter_dir();
	put("a", "A");
	put("b", "B");
	SHOW(rename("a", "c"));
	SHOW(rename("none", "x"));
	SHOW(rename("c", "b"));
	cat("b");
	SHOW(access("c", F_OK));
	SHOW(mkdir("d", 0700));
	SHOW(rename("b", "d"));
	SHOW(rename("d", "b"));
	SHOW(rename("b", "d/b"));
	cat("d/b");
	SHOW(mkdir("e", 0700));
	SHOW(rename("d", "e"));
	cat("e/b");
	SHOW(mkdir("f", 0700));
	SHOW(rename("f", "e"));
	SHOW(rename("e", "e/inside"));
	SHOW(rename("e", "e"));
	put("x", "X");
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "e/b", 1u));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "e/b", 2u));
	cat("x");
	cat("e/b");
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "y", 99u));
	SHOW(link("x", "y"));
	SHOW(rename("x", "y"));
	SHOW(unlink("x"));
	SHOW(unlink("y"));
	SHOW(unlink("e/b"));
	SHOW(unlink("e"));
	SHOW(rmdir("e"));
	SHOW(rmdir("f"));
	leave_dir();
}

static void unlinked(void)
{
	struct stat st;
	int fd;

	enter_dir();
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	SHOW(write(fd, "still here", 10));
	SHOW(unlink("f"));
	SHOW(fstat(fd, &st));
	SAY("%ld links", (long)st.st_nlink);
	SHOW(pread(fd, buf, 20, 0));
	SHOW(write(fd, "!", 1));
	SHOW(close(fd));
	SHOW(unlink("."));
	SHOW(unlink(""));
	SHOW(unlinkat(AT_FDCWD, "x", 99));
	leave_dir();
	fd = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
	YES(fd >= 0);
	NEED(close(fd));
}

static void descriptors(void)
{
	int fd, d;
	off_t at;

	enter_dir();
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	SHOW(d = dup(fd));
	SHOW(write(fd, "abc", 3));
	SHOW(at = lseek(d, 0, SEEK_CUR));
	SHOW(dup2(fd, 20));
	SHOW(dup2(fd, fd));
	SHOW(dup2(99, 21));
	SHOW(dup2(99, 99));
	SHOW(dup2(fd, -1));
	SHOW(dup3(fd, fd, 0));
	SHOW(dup3(fd, 22, O_CLOEXEC));
	SHOW(dup3(fd, 22, 1));
	SHOW(fcntl(22, F_GETFD));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(20, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 30));
	SHOW(fcntl(fd, F_DUPFD, 30));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 30));
	SHOW(fcntl(fd, F_DUPFD, -1));
	SHOW(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	SHOW(fcntl(d, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	SHOW(fcntl(99, F_GETFL));
	SHOW(fcntl(fd, 4711));
	SHOW(ioctl(fd, FIONREAD, &d));
	SHOW(ioctl(fd, 0x5401, buf));
	SHOW(ioctl(99, 0x5401, buf));
	SHOW(isatty(fd));
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	SHOW(fcntl(fd, F_SETLK, &l));
	SHOW(fcntl(fd, F_GETLK, &l));
	SAY("type %d", l.l_type);
	l.l_type = F_UNLCK;
	SHOW(fcntl(fd, F_SETLK, &l));
	SHOW(flock(fd, LOCK_EX));
	SHOW(flock(fd, LOCK_UN));
	for (int i = 20; i < 33; i++)
		(void)close(i);
	SHOW(close(fd));
	SHOW(unlink("f"));
	leave_dir();
}

static void copying(void)
{
	int in, out;
	off_t at = 2;

	enter_dir();
	put("in", "0123456789");
	NEED(in = open("in", O_RDONLY));
	NEED(out = open("out", O_RDWR | O_CREAT, 0600));
	SHOW(sendfile(out, in, NULL, 4));
	SHOW(lseek(in, 0, SEEK_CUR));
	SHOW(sendfile(out, in, &at, 5));
	SAY("at %ld", (long)at);
	SHOW(lseek(in, 0, SEEK_CUR));
	SHOW(sendfile(out, in, NULL, 100));
	SHOW(sendfile(out, in, NULL, 100));
	cat("out");
	SHOW(sendfile(99, in, NULL, 1));
	SHOW(sendfile(in, out, NULL, 1));
	SHOW(lseek(in, 0, SEEK_SET));
	SHOW(syscall(SYS_copy_file_range, in, NULL, out, NULL, 6, 0));
	cat("out");
	SHOW(posix_fadvise(in, 0, 0, POSIX_FADV_SEQUENTIAL));
	ERR(posix_fallocate(out, 0, 100));
	SHOW(lseek(out, 0, SEEK_END));
	SHOW(close(in));
	SHOW(close(out));
	SHOW(unlink("in"));
	SHOW(unlink("out"));
	leave_dir();
}

static void large(void)
{
	/* a file of some size, written and read in odd pieces */
	long len = scaled(8 << 20);
	uint32_t r = 1, h = 0, back = 0;
	long at = 0, bad = 0;
	int fd;

	enter_dir();
	NEED(fd = open("large", O_RDWR | O_CREAT, 0600));
	while (at < len) {
		size_t n = rnd(&r) % sizeof(buf);

		for (size_t i = 0; i < n; i++)
			buf[i] = (char)rnd(&r);
		h = sum(buf, n, h);
		NEED(write(fd, buf, n));
		at += (long)n;
	}
	SHOW(lseek(fd, 0, SEEK_SET));
	long seen = 0;
	ssize_t n;

	while ((n = read(fd, buf, 1 + rnd(&r) % (sizeof(buf) - 1))) > 0) {
		back = sum(buf, (size_t)n, back);
		seen += n;
	}
	YES(seen == at && h == back);
	for (int i = 0; i < 1000; i++) {
		off_t o = (off_t)(rnd(&r) % (uint32_t)at);
		char c = 0, d;

		NEED(pread(fd, &c, 1, o));
		d = (char)~c;
		NEED(pwrite(fd, &d, 1, o));
		NEED(pread(fd, &c, 1, o));
		bad += c != d;
	}
	SAY("%ld bad", bad);
	SHOW(close(fd));
	SHOW(unlink("large"));
	leave_dir();
}

static void many(void)
{
	char name[32];
	long n = scaled(1000), found = 0;
	int fd;

	enter_dir();
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "file-%ld", i * 7919 % 10007);
		NEED(fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600));
		NEED(write(fd, name, strlen(name)));
		NEED(close(fd));
	}
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "file-%ld", i * 7919 % 10007);
		NEED(fd = open(name, O_RDONLY));
		ssize_t len = read(fd, buf, 100);

		found += len == (ssize_t)strlen(name) &&
			 !memcmp(buf, name, (size_t)len);
		NEED(close(fd));
		NEED(unlink(name));
	}
	YES(found == n);
	leave_dir();
	/* descriptors: as many as the limit says */
	int fds[600], top = 0;

	while (top < 600 && (fds[top] = open("/dev/null", O_RDWR)) >= 0)
		top++;
	SAY("%d open", top);
	while (top > 0)
		NEED(close(fds[--top]));
}

static void file_systems(void)
{
	struct statfs sf;
	struct statvfs sv;
	int fd;

	SHOW(statfs("/tmp", &sf));
	YES(sf.f_bsize > 0 && sf.f_blocks > 0 && sf.f_bfree <= sf.f_blocks);
	YES(sf.f_namelen == 255);
	SHOW(statvfs("/", &sv));
	SHOW(statfs("/none", &sf));
	NEED(fd = open("/tmp", O_RDONLY));
	SHOW(fstatfs(fd, &sf));
	SHOW(close(fd));
	SHOW(fstatfs(fd, &sf));
}

static void standard_io(void)
{
	FILE *f, *t;
	char line[64];
	int n = 0;

	enter_dir();
	f = fopen("f", "w+");
	for (int i = 0; i < 1000; i++)
		fprintf(f, "line %d\n", i);
	rewind(f);
	while (fgets(line, sizeof(line), f))
		n++;
	SAY("%d lines, last %s", n, line);
	SHOW(fseek(f, -9, SEEK_END));
	SHOW(fscanf(f, "%63s", line));
	SAY("%s", line);
	fclose(f);
	f = fopen("f", "a");
	fputs("more\n", f);
	SAY("at %ld", ftell(f));
	fclose(f);
	YES(fopen("none", "r") == NULL);
	t = tmpfile();
	YES(t != NULL);
	if (t) {
		fputs("temporary", t);
		rewind(t);
		SAY("%s", fgets(line, sizeof(line), t));
		fclose(t);
	}
	SHOW(remove("f"));
	leave_dir();
}

MAIN(CASE(opening), CASE(reading_and_writing), CASE(seeking), CASE(stats),
     CASE(times), CASE(renaming), CASE(unlinked), CASE(descriptors),
     CASE(copying), CASE(large), CASE(many), CASE(file_systems),
     CASE(standard_io))
