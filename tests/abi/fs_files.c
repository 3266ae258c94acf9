/* fs_files.c: contents and attributes of files, and descriptors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>

#include "abi.h"

/* Where nothing is, and compilers do not see it */
static void *volatile bad_address = (void *)8;
#define BAD bad_address

static int fresh(const char *name)
{
	return (int)NEED(open(name, O_CREAT | O_RDWR | O_TRUNC, 0644));
}

static long size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : (long)st.st_size;
}

static void positions(void)
{
	char buf[32] = "";
	int fd, twin;

	enter_dir();
	fd = fresh("f");
	SHOW(write(fd, "0123456789", 10));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, -3, SEEK_END));
	SHOW(read(fd, buf, 10));
	SHOW(read(fd, buf, 10));
	SHOW(lseek(fd, -1, SEEK_SET));
	SHOW(lseek(fd, -11, SEEK_END));
	SHOW(lseek(fd, 0, 9));
	SHOW(lseek(fd, 4, SEEK_SET));
	SHOW(lseek(fd, 3, SEEK_CUR));
	SHOW(lseek(fd, LONG_MAX, SEEK_CUR));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 10, SEEK_DATA));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, 11, SEEK_HOLE));
	SHOW(lseek(fd, 100000, SEEK_SET));
	SHOW(read(fd, buf, 1));
	SHOW(write(fd, "far", 3));
	SHOW(size_of(fd));
	SHOW(pread(fd, buf, 4, 99999));
	YES(!buf[0] && buf[1] == 'f');
	SHOW(pread(fd, buf, 4, -1));
	SHOW(pwrite(fd, buf, 4, -1));
	SHOW(pread(fd, buf, 4, 200000));
	twin = dup(fd);
	SHOW(lseek(twin, 5, SEEK_SET));
	SHOW(read(fd, buf, 2));
	SHOW(lseek(twin, 0, SEEK_CUR));
	close(twin);
	twin = NEED(open("f", O_RDONLY));
	SHOW(lseek(twin, 0, SEEK_CUR));
	close(twin);
	SHOW(read(fd, BAD, 4));
	SHOW(write(fd, BAD, 4));
	SHOW(write(fd, BAD, 0));
	SHOW(unlink("f"));
	SHOW(write(fd, "still", 5));
	SHOW(pread(fd, buf, 5, 7));
	buf[5] = 0;
	SAY("%s", buf);
	close(fd);
	leave_dir();
}

static void vectors(void)
{
	char a[4] = "", b[8] = "", c[4] = "";
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdefgh", 6 } };
	struct iovec in[3] = { { a, 3 }, { b, 2 }, { c, 3 } };
	struct iovec bad[2] = { { a, 3 }, { NULL, 4 } };
	struct iovec huge[2] = { { a, SSIZE_MAX }, { b, 8 } };
	volatile int count = -1;
	int fd;

	bad[1].iov_base = BAD;
	enter_dir();
	fd = fresh("f");
	SHOW(writev(fd, out, 3));
	SHOW(preadv(fd, in, 3, 0));
	SAY("%.3s %.2s %.3s", a, b, c);
	SHOW(pwritev(fd, out, 3, 4));
	SHOW(size_of(fd));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(readv(fd, bad, 2));
	SHOW(readv(fd, in, count));
	SHOW(readv(fd, in, 0));
	count = 1025;
	SHOW(readv(fd, in, count));
	SHOW(readv(fd, huge, 2));
	SHOW(readv(fd, BAD, 2));
	SHOW(preadv(fd, in, 3, -2));
	SHOW(syscall(SYS_preadv2, fd, in, 3, -1l, 0, 0));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(syscall(SYS_pwritev2, fd, out, 3, 0l, 0, 0x10));
	SHOW(syscall(SYS_pwritev2, fd, out, 3, 0l, 0, 0x10000));
	SHOW(size_of(fd));
	close(fd);
	SHOW(unlink("f"));
	leave_dir();
}

static void sizes(void)
{
	char buf[64];
	struct stat st;
	int fd;

	enter_dir();
	fd = fresh("f");
	SHOW(ftruncate(fd, 10000));
	SHOW(size_of(fd));
	SHOW(pread(fd, buf, 64, 9990));
	SHOW(pwrite(fd, "hello", 5, 5000));
	SHOW(ftruncate(fd, 5002));
	SHOW(ftruncate(fd, 6000));
	SHOW(pread(fd, buf, 5, 5000));
	YES(!memcmp(buf, "he\0\0\0", 5));
	SHOW(ftruncate(fd, -1));
	SHOW(truncate("f", 3));
	SHOW(truncate("none", 3));
	SHOW(truncate(".", 3));
	SHOW(truncate("f", -1));
	SHOW(ftruncate(99, 1));
	close(fd);
	fd = NEED(open("f", O_RDONLY));
	SHOW(ftruncate(fd, 1));
	SHOW(fallocate(fd, 0, 0, 10));
	close(fd);
	fd = NEED(open("f", O_RDWR));
	SHOW(fallocate(fd, 0, 0, 20000));
	SHOW(size_of(fd));
	SHOW(fallocate(fd, 1, 0, 40000));
	SHOW(size_of(fd));
	SHOW(fallocate(fd, 0, -1, 10));
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(fd, 2, 0, 10));
	memset(buf, 'x', sizeof(buf));
	SHOW(pwrite(fd, buf, 64, 4096 * 2 - 32));
	SHOW(fallocate(fd, 3, 4096, 4096));
	SHOW(pread(fd, buf, 64, 4096 * 2 - 32));
	YES(!buf[31] && buf[32] == 'x');
	SHOW(fallocate(fd, 3, 4096 * 2 + 8, 8));
	SHOW(pread(fd, buf, 64, 4096 * 2));
	YES(buf[7] == 'x' && !buf[8] && !buf[15] && buf[16] == 'x');
	SHOW(size_of(fd));
	SHOW(posix_fallocate(fd, 0, 50000));
	SHOW(size_of(fd));
	SHOW(fstat(fd, &st));
	YES(st.st_blocks * 512 >= 50000);
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	SHOW(fsync(99));
	SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	SHOW(posix_fadvise(fd, 0, 0, 77));
	close(fd);
	SHOW(unlink("f"));
	leave_dir();
}

static void modes(void)
{
	struct stat st;
	int fd;

	enter_dir();
	fd = fresh("f");
	SHOW(fchmod(fd, 06755));
	SHOW(fstat(fd, &st));
	SAY("%o", st.st_mode);
	SHOW(chmod("f", 0xfffff640));
	SHOW(stat("f", &st));
	SAY("%o", st.st_mode);
	SHOW(chmod("none", 0644));
	SHOW(chown("f", 12, 34));
	SHOW(chown("f", -1, 35));
	SHOW(stat("f", &st));
	SAY("%u %u", st.st_uid, st.st_gid);
	SHOW(symlink("f", "ln"));
	SHOW(lchown("ln", 5, 6));
	SHOW(lstat("ln", &st));
	SAY("%u %u %o", st.st_uid, st.st_gid, st.st_mode);
	SHOW(fchownat(AT_FDCWD, "ln", 7, 8, 0));
	SHOW(stat("f", &st));
	SAY("%u %u", st.st_uid, st.st_gid);
	SHOW(fchmod(fd, 04777));
	SHOW(fchown(fd, 0, 0));
	SHOW(stat("f", &st));
	SAY("%o", st.st_mode);
	SHOW(chmod("f", 0));
	SHOW(access("f", R_OK | W_OK));
	SHOW(access("f", X_OK));
	SHOW(access(".", X_OK));
	SHOW(mkdir("d", 02777));
	SHOW(chmod("d", 02775));
	SHOW(chown("d", 0, 77));
	SHOW(mkdir("d/e", 0777));
	SHOW(stat("d/e", &st));
	SAY("%o %u", st.st_mode, st.st_gid);
	SHOW(rmdir("d/e"));
	SHOW(rmdir("d"));
	close(fd);
	SHOW(unlink("f"));
	SHOW(unlink("ln"));
	leave_dir();
}

static void times(void)
{
	struct timespec t[2] = { { 1000000000, 5 }, { 1500000000, 6 } };
	struct timeval tv[2] = { { 1, 2 }, { 3, 4 } };
	struct utimbuf ub = { 77, 88 };
	struct stat st, st2;
	int fd;

	enter_dir();
	fd = fresh("f");
	SHOW(futimens(fd, t));
	SHOW(fstat(fd, &st));
	SAY("%ld.%ld %ld.%ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	    (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	t[1] = (struct timespec){ -5, 7 };
	SHOW(utimensat(AT_FDCWD, "f", t, 0));
	SHOW(stat("f", &st));
	SAY("%ld %ld", (long)st.st_atim.tv_sec, (long)st.st_mtim.tv_sec);
	t[1].tv_nsec = 1000000000;
	SHOW(utimensat(AT_FDCWD, "f", t, 0));
	t[1].tv_nsec = UTIME_NOW;
	SHOW(utimensat(AT_FDCWD, "f", t, 0));
	SHOW(stat("f", &st));
	YES(st.st_mtim.tv_sec > 1600000000);
	SHOW(utimes("f", tv));
	SHOW(stat("f", &st));
	SAY("%ld %ld %ld", (long)st.st_atim.tv_sec, (long)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec);
	SHOW(utime("f", &ub));
	SHOW(stat("f", &st));
	SAY("%ld %ld", (long)st.st_atim.tv_sec, (long)st.st_mtim.tv_sec);
	SHOW(utime("none", NULL));
	SHOW(utimensat(AT_FDCWD, "f", t, 4));
	SHOW(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	SHOW(syscall(SYS_utimensat, 99, NULL, NULL, 0));
	sleep_ms(30);
	SHOW(stat("f", &st));
	SHOW(write(fd, "x", 1));
	SHOW(stat("f", &st2));
	YES(st2.st_mtim.tv_sec > st.st_mtim.tv_sec ||
	    st2.st_mtim.tv_nsec > st.st_mtim.tv_nsec);
	close(fd);
	SHOW(unlink("f"));
	leave_dir();
}

static void descriptors(void)
{
	struct rlimit old, few;
	int fd, fd2;

	enter_dir();
	for (int i = 3; i < 64; i++)
		close(i);
	SHOW(fd = fresh("f"));
	SHOW(fd2 = dup(fd));
	SHOW(dup2(fd, 20));
	SHOW(dup2(fd, fd));
	SHOW(dup2(77, 21));
	SHOW(dup2(fd, -1));
	SHOW(dup3(fd, fd, 0));
	SHOW(dup3(fd, 22, O_CLOEXEC));
	SHOW(dup3(fd, 22, 1));
	SHOW(fcntl(22, F_GETFD));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(20, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 10));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 10));
	SHOW(fcntl(fd, F_DUPFD, -1));
	SHOW(fcntl(fd, F_DUPFD, 1 << 30));
	SHOW(close(10));
	SHOW(close(10));
	SHOW(dup(fd));
	SHOW(fcntl(fd, 999));
	SHOW(fcntl(99, F_GETFD));
	SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	YES((fcntl(fd2, F_GETFL) & (O_APPEND | O_NONBLOCK)) ==
	    (O_APPEND | O_NONBLOCK));
	SHOW(syscall(436, 4, 30, 4));
	SHOW(fcntl(11, F_GETFD));
	SHOW(syscall(436, 4, 1000, 0));
	SHOW(close(4));
	SHOW(syscall(436, 5, 4, 0));
	SHOW(syscall(436, 4, 5, 64));
	NEED(getrlimit(RLIMIT_NOFILE, &old));
	few = (struct rlimit){ 8, old.rlim_max };
	SHOW(setrlimit(RLIMIT_NOFILE, &few));
	while ((fd2 = dup(fd)) >= 0)
		SAY("%d", fd2);
	SHOW(dup(fd));
	SHOW(dup2(fd, 8));
	SHOW(fcntl(fd, F_DUPFD, 8));
	SHOW(open("f", O_RDONLY));
	SHOW(open("made", O_CREAT | O_RDWR, 0600));
	SHOW(access("made", F_OK));
	SHOW(setrlimit(RLIMIT_NOFILE, &old));
	few = (struct rlimit){ 8, 4 };
	SHOW(setrlimit(RLIMIT_NOFILE, &few));
	SHOW(syscall(436, 3, 1000, 0));
	SHOW(unlink("f"));
	leave_dir();
}

static void copies(void)
{
	char buf[100];
	off_t at = 2;
	loff_t from, to;
	int a, b, ends[2];

	enter_dir();
	a = fresh("a");
	b = fresh("b");
	NEED(write(a, "0123456789", 10));
	SHOW(sendfile(b, a, &at, 4));
	SHOW((long)at);
	SHOW(lseek(a, 0, SEEK_CUR));
	SHOW(sendfile(b, a, NULL, 4));
	SHOW(lseek(a, 5, SEEK_SET));
	SHOW(sendfile(b, a, NULL, 100));
	SHOW(lseek(a, 0, SEEK_CUR));
	SHOW(size_of(b));
	SHOW(pread(b, buf, 20, 0));
	buf[9] = 0;
	SAY("%s", buf);
	NEED(pipe(ends));
	SHOW(sendfile(ends[1], a, &at, 10));
	SHOW(sendfile(b, ends[0], NULL, 10));
	SHOW(sendfile(b, 99, NULL, 1));
	at = -1;
	SHOW(sendfile(b, a, &at, 1));
	close(ends[0]);
	close(ends[1]);
	from = 1;
	to = 20;
	SHOW(syscall(SYS_copy_file_range, a, &from, b, &to, 5, 0));
	SAY("%ld %ld", (long)from, (long)to);
	SHOW(size_of(b));
	from = 0;
	to = 5;
	SHOW(syscall(SYS_copy_file_range, a, &from, a, &to, 6, 0));
	SHOW(syscall(SYS_copy_file_range, a, &from, a, &to, 5, 0));
	SHOW(syscall(SYS_copy_file_range, a, &from, b, &to, 5, 1));
	from = 1000;
	SHOW(syscall(SYS_copy_file_range, a, &from, b, &to, 5, 0));
	close(a);
	close(b);
	SHOW(unlink("a"));
	SHOW(unlink("b"));
	leave_dir();
}

static void seals(void)
{
	char link[64], buf[8];
	int fd = (int)syscall(SYS_memfd_create, "name", 2);
	int plain = (int)syscall(SYS_memfd_create, "plain", 1);

	YES(fd >= 0 && plain >= 0);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(plain, F_GETFD));
	SHOW(ftruncate(fd, 4096));
	SHOW(fcntl(fd, 1034));
	SHOW(fcntl(plain, 1034));
	SHOW(fcntl(plain, 1033, 2));
	SHOW(fcntl(fd, 1033, 2 | 4));
	SHOW(fcntl(fd, 1034));
	SHOW(ftruncate(fd, 4095));
	SHOW(ftruncate(fd, 4097));
	SHOW(pwrite(fd, "abc", 3, 4094));
	SHOW(pwrite(fd, "abc", 3, 4096));
	SHOW(pwrite(fd, "abc", 3, 0));
	SHOW(fcntl(fd, 1033, 8));
	SHOW(pwrite(fd, "abc", 3, 0));
	SHOW(pread(fd, buf, 3, 0));
	SHOW(fallocate(fd, 3, 0, 10));
	SHOW(fcntl(fd, 1033, 1));
	SHOW(fcntl(fd, 1033, 8));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	char text[64] = "";

	SHOW(readlink(link, text, sizeof(text) - 1));
	SAY("%s", text);
	SHOW(syscall(SYS_memfd_create, "x", 0x8000));
	close(fd);
	close(plain);
}

static void devices(void)
{
	char buf[64];
	struct stat st;
	int fd;

	memset(buf, 1, sizeof(buf));
	fd = NEED(open("/dev/null", O_RDWR));
	SHOW(read(fd, buf, 4));
	SHOW(write(fd, buf, 4));
	SHOW(write(fd, BAD, 4));
	SHOW(lseek(fd, 7, SEEK_SET));
	SHOW(fstat(fd, &st));
	SAY("%o %lx", st.st_mode, (unsigned long)st.st_rdev);
	SHOW(ioctl(fd, TIOCGWINSZ, buf));
	SHOW(ftruncate(fd, 0));
	close(fd);
	fd = NEED(open("/dev/zero", O_RDWR));
	SHOW(read(fd, buf, 10));
	YES(!buf[0] && !buf[9] && buf[10]);
	SHOW(write(fd, buf, 10));
	SHOW(read(fd, BAD, 10));
	close(fd);
	fd = NEED(open("/dev/full", O_RDWR));
	SHOW(write(fd, buf, 10));
	SHOW(read(fd, buf, 10));
	close(fd);
	fd = NEED(open("/dev/urandom", O_RDONLY));
	SHOW(read(fd, buf, 64));
	close(fd);
	SHOW(open("/dev/none", O_RDONLY));
	SHOW(open("/dev/null", O_RDONLY | O_DIRECTORY));
	SHOW(open("/dev/null/x", O_RDONLY));
	fd = NEED(open("/dev/null", O_WRONLY | O_TRUNC | O_CREAT, 0644));
	close(fd);
}

static void proc(void)
{
	char buf[4096], path[64];
	int fd;
	long n;

	SHOW(access("/proc/self/exe", R_OK | X_OK));
	fd = NEED(open("/proc/self/exe", O_RDONLY));
	SHOW(read(fd, buf, 4));
	YES(!memcmp(buf, "\177ELF", 4));
	close(fd);
	SHOW(open("/proc/self/exe", O_WRONLY));
	SHOW(open("/proc/self/none", O_RDONLY));
	fd = NEED(open("/proc/self/cmdline", O_RDONLY));
	n = read(fd, buf, sizeof(buf));
	YES(n > 1 && !buf[n - 1] && strstr(buf, "fs_files"));
	SHOW(read(fd, buf, 1));
	SHOW(lseek(fd, 1, SEEK_SET));
	YES(read(fd, buf, sizeof(buf)) == n - 1);
	close(fd);
	fd = NEED(open("/proc/self/comm", O_RDONLY));
	n = read(fd, buf, sizeof(buf));
	SAY("%.*s", (int)n, buf);
	close(fd);
	fd = NEED(open("/proc/self/maps", O_RDONLY));
	n = read(fd, buf, sizeof(buf) - 1);
	YES(n > 0);
	buf[n > 0 ? n : 0] = 0;
	YES(strstr(buf, "r-xp"));
	close(fd);
	enter_dir();
	fd = NEED(open("f", O_CREAT | O_RDWR, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	YES(!strcmp(buf + strlen(own_dir), "/f"));
	NEED(unlink("f"));
	n = readlink(path, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	SAY("%s", buf + strlen(own_dir));
	NEED(write(fd, "gone", 4));
	int again = open(path, O_RDONLY);

	YES(again >= 0);
	SHOW(read(again, buf, 10));
	close(again);
	close(fd);
	SHOW(open(path, O_RDONLY));
	n = readlink("/proc/self/cwd", buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	YES(!strcmp(buf, own_dir));
	SHOW(mkdir("/proc/x", 0700));
	SHOW(open("/proc/x", O_CREAT | O_WRONLY, 0700));
	SHOW(rename("/proc/self", "/proc/x"));
	SHOW(link("/proc/version", "v"));
	SHOW(access("/proc/meminfo", R_OK));
	SHOW(access("/proc/sys/kernel/osrelease", R_OK));
	SHOW(access("/sys/devices/system/cpu/online", R_OK));
	leave_dir();
}

static void file_systems(void)
{
	struct statfs st;
	int fd = NEED(open("/proc/self/stat", O_RDONLY));

	SHOW(statfs("/proc", &st));
	SAY("%lx %ld", (long)st.f_type, (long)st.f_namelen);
	SHOW(fstatfs(fd, &st));
	SAY("%lx", (long)st.f_type);
	SHOW(statfs("/none", &st));
	SHOW(statfs("/tmp", &st));
	SAY("%ld", (long)st.f_namelen);
	SHOW(fstatfs(99, &st));
	close(fd);
}

MAIN(CASE(positions), CASE(vectors), CASE(sizes), CASE(modes), CASE(times),
     CASE(descriptors), CASE(copies), CASE(seals), CASE(devices), CASE(proc),
     CASE(file_systems))
