/* fs_paths.c: names: making, finding, renaming and removing them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "abi.h"

/* Where nothing is, and compilers do not see it */
static void *volatile bad_address = (void *)8;
#define BAD bad_address

/* O_RDONLY, made with one byte for each letter of the name */
static void make(const char *name)
{
	int fd = NEED(open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644));

	NEED(write(fd, name, strlen(name)));
	NEED(close(fd));
}

static void tell(const char *path)
{
	struct stat st;

	if (lstat(path, &st)) {
		SAY("%s: %s", path, errname(errno));
		return;
	}
	SAY("%s: %o links %lu size %ld", path, st.st_mode,
	    (unsigned long)(S_ISDIR(st.st_mode) ? 0 : st.st_nlink),
	    (long)(S_ISDIR(st.st_mode) ? 0 : st.st_size));
}

static void open_flags(void)
{
	char buf[16];
	int fd;

	enter_dir();
	umask(022);
	SHOW(open("none", O_RDONLY));
	SHOW(open("none/x", O_CREAT | O_WRONLY, 0600));
	SHOW(open("", O_RDONLY));
	SHOW(open("", O_CREAT | O_RDWR, 0600));
	fd = open("file", O_CREAT | O_EXCL | O_RDWR, 0666);
	YES(fd >= 0);
	tell("file");
	SHOW(open("file", O_CREAT | O_EXCL | O_RDWR, 0666));
	SHOW(open("file/", O_RDONLY));
	SHOW(open("file/", O_RDONLY | O_CREAT, 0644));
	SHOW(open("file/x", O_RDONLY));
	SHOW(open("file/.", O_RDONLY));
	SHOW(open("file/..", O_RDONLY));
	SHOW(open("new/", O_CREAT | O_WRONLY, 0666));
	SHOW(open("file", O_RDONLY | O_DIRECTORY));
	SHOW(open(".", O_WRONLY));
	SHOW(open(".", O_RDWR));
	SHOW(open(".", O_RDONLY | O_CREAT, 0644));
	SHOW(open("..", O_RDONLY | O_TRUNC));
	SHOW(write(fd, "0123456789", 10));
	close(fd);
	fd = open("file", O_RDONLY);
	SHOW(write(fd, "x", 1));
	SHOW(read(fd, buf, 4));
	close(fd);
	fd = open("file", O_WRONLY);
	SHOW(read(fd, buf, 4));
	close(fd);
	fd = open("file", O_WRONLY | O_APPEND);
	SHOW(lseek(fd, 2, SEEK_SET));
	SHOW(write(fd, "abc", 3));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pwrite(fd, "de", 2, 0));
	SHOW(lseek(fd, 0, SEEK_CUR));
	close(fd);
	tell("file");
	fd = open("file", O_RDWR | O_TRUNC);
	close(fd);
	tell("file");
	fd = open("sticky", O_CREAT | O_WRONLY, 07777);
	tell("sticky");
	close(fd);
	umask(077);
	make("masked");
	tell("masked");
	SHOW(umask(022));
	fd = open("file", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	SHOW(fcntl(fd, F_GETFD));
	YES((fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000) == O_NONBLOCK);
	close(fd);
	SHOW(unlink("file"));
	SHOW(unlink("sticky"));
	SHOW(unlink("masked"));
	leave_dir();
}

static void names(void)
{
	char name[400], path[5000];

	enter_dir();
	memset(name, 'n', sizeof(name));
	name[255] = 0;
	SHOW(mkdir(name, 0755));
	SHOW(rmdir(name));
	name[255] = 'n';
	name[256] = 0;
	SHOW(mkdir(name, 0755));
	SHOW(open(name, O_RDONLY));
	strcpy(path, "./");
	while (strlen(path) < 4090)
		strcat(path, "./");
	SHOW(access(path, F_OK));
	strcat(path, "././././");
	SHOW(access(path, F_OK));
	SHOW(mkdir("a", 0755));
	SHOW(mkdir("a", 0755));
	SHOW(mkdir("a/", 0755));
	SHOW(mkdir("a/b/c", 0755));
	SHOW(mkdir("a//b///", 0755));
	SHOW(mkdir("a/b/.", 0755));
	SHOW(mkdir("a/b/..", 0755));
	SHOW(mkdir("/", 0755));
	SHOW(mkdir("", 0755));
	SHOW(access("a/../a/./b/../../a/b", F_OK));
	SHOW(access("a/none/../b", F_OK));
	SHOW(rmdir("a"));
	SHOW(rmdir("a/b/."));
	SHOW(rmdir("a/b/.."));
	SHOW(rmdir("/"));
	SHOW(rmdir("."));
	SHOW(rmdir(".."));
	SHOW(unlink("a"));
	SHOW(unlink("a/b/"));
	make("f");
	SHOW(rmdir("f"));
	SHOW(unlink("f/"));
	SHOW(unlink("none"));
	SHOW(unlink("f/g"));
	SHOW(unlink("f"));
	SHOW(rmdir("a/b/"));
	SHOW(rmdir("a"));
	SHOW(rmdir("a"));
	SHOW(access(BAD, F_OK));
	SHOW(access("/tmp", 77));
	leave_dir();
}

static void links(void)
{
	char buf[64];
	int fd;

	enter_dir();
	make("file");
	SHOW(mkdir("dir", 0755));
	SHOW(symlink("file", "to-file"));
	SHOW(symlink("file", "to-file"));
	SHOW(symlink("dir", "to-dir"));
	SHOW(symlink("none", "to-none"));
	SHOW(symlink("loop-b", "loop-a"));
	SHOW(symlink("loop-a", "loop-b"));
	SHOW(symlink("", "empty"));
	SHOW(symlink("x", ""));
	SHOW(symlink("x", "new/"));
	SHOW(symlink("../dir/./inner", "dir/up"));
	SHOW(readlink("to-file", buf, sizeof(buf)));
	SHOW(readlink("to-file", buf, 2));
	SHOW(readlink("to-file", buf, 0));
	SHOW(readlink("file", buf, sizeof(buf)));
	SHOW(readlink("none", buf, sizeof(buf)));
	SHOW(readlink("to-dir/", buf, sizeof(buf)));
	SHOW(open("loop-a", O_RDONLY));
	SHOW(access("loop-a/x", F_OK));
	SHOW(open("to-file", O_RDONLY | O_NOFOLLOW));
	SHOW(open("to-dir", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	SHOW(access("to-file/", F_OK));
	SHOW(access("to-dir/", F_OK));
	SHOW(access("to-dir/up", F_OK));
	make("dir/inner");
	SHOW(access("to-dir/up", F_OK));
	SHOW(open("to-none", O_CREAT | O_EXCL | O_WRONLY, 0600));
	fd = open("to-none", O_CREAT | O_WRONLY, 0600);
	YES(fd >= 0);
	close(fd);
	tell("none");
	SHOW(mkdir("to-none", 0700));
	SHOW(rmdir("to-dir"));
	SHOW(rmdir("to-dir/"));
	SHOW(mkdir("to-file/", 0755));
	SHOW(mkdir("to-dir/", 0755));
	SHOW(rename("to-dir/", "x"));
	SHOW(rename("to-file/", "x"));
	SHOW(link("file", "to-file/"));
	SHOW(mkdir("file/", 0755));
	SHOW(rename("file", "to-dir/"));
	SHOW(link("file", "hard"));
	SHOW(link("file", "hard"));
	SHOW(link("dir", "hard-dir"));
	SHOW(link("none-such", "hard2"));
	SHOW(link("to-file", "hard-link"));
	tell("hard-link");
	SHOW(linkat(AT_FDCWD, "to-file", AT_FDCWD, "hard3", AT_SYMLINK_FOLLOW));
	tell("hard3");
	SHOW(linkat(AT_FDCWD, "to-file", AT_FDCWD, "hard4", 1));
	SHOW(unlink("file"));
	tell("hard");
	SHOW(unlink("hard"));
	SHOW(unlink("hard3"));
	SHOW(unlink("hard-link"));
	SHOW(unlink("to-file"));
	SHOW(unlink("to-dir/"));
	SHOW(unlink("to-dir"));
	SHOW(unlink("to-none"));
	SHOW(unlink("none"));
	SHOW(unlink("loop-a"));
	SHOW(unlink("loop-b"));
	SHOW(unlink("dir/up"));
	SHOW(unlink("dir/inner"));
	SHOW(rmdir("dir"));
	leave_dir();
}

static void chains(void)
{
	char from[16], to[16];

	enter_dir();
	make("l0");
	for (int i = 1; i <= 42; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		NEED(symlink(to, from));
	}
	SHOW(access("l40", F_OK));
	SHOW(access("l41", F_OK));
	for (int i = 0; i <= 42; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		NEED(unlink(from));
	}
	leave_dir();
}

/* musl's headers have none */
static long rename2(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void renames(void)
{
	enter_dir();
	make("a");
	make("bb");
	NEED(mkdir("d", 0755));
	NEED(mkdir("d/sub", 0755));
	NEED(mkdir("e", 0755));
	SHOW(rename("none", "x"));
	SHOW(rename("a", "none/x"));
	SHOW(rename("a", "c"));
	tell("a");
	tell("c");
	SHOW(rename("c", "bb"));
	tell("bb");
	SHOW(rename("bb", "bb"));
	SHOW(rename("bb", "d"));
	SHOW(rename("d", "bb"));
	SHOW(rename("e", "d"));
	SHOW(rename("d", "e"));
	SHOW(rename("e", "e/x"));
	SHOW(rename("e", "e/sub/x"));
	SHOW(rename("e/sub", "e"));
	SHOW(rename("e/sub/.", "x"));
	SHOW(rename("e/sub/..", "x"));
	SHOW(rename("bb", "e/."));
	SHOW(rename("bb/", "x"));
	SHOW(rename("bb", "x/"));
	SHOW(rename("e/", "f/"));
	tell("f/sub");
	SHOW(link("bb", "bb2"));
	SHOW(rename("bb", "bb2"));
	tell("bb");
	tell("bb2");
	SHOW(rename("", "x"));
	SHOW(rename2("bb", "bb2", 1));
	SHOW(rename2("bb", "n", 1));
	SHOW(rename2("n", "f", 2));
	tell("n");
	tell("f");
	SHOW(access("n/sub", F_OK));
	SHOW(rename2("n", "none", 2));
	SHOW(rename2("n", "n/sub", 2));
	SHOW(rename2("n/sub", "n", 2));
	SHOW(rename2("n", "f", 3));
	SHOW(rename2("n", "f", 0x80));
	SHOW(rmdir("n/sub"));
	SHOW(rmdir("n"));
	SHOW(unlink("f"));
	SHOW(unlink("bb2"));
	leave_dir();
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void list(const char *path)
{
	static char found[3000][32];
	unsigned n = 0;
	struct dirent *e;
	DIR *d = opendir(path);

	if (!d) {
		SAY("opendir %s: %s", path, errname(errno));
		return;
	}
	while ((e = readdir(d)) && n < COUNT(found))
		snprintf(found[n++], sizeof(found[0]), "%.24s %d", e->d_name,
			 e->d_type);
	closedir(d);
	qsort(found, n, sizeof(found[0]), by_name);
	SAY("%s has %u", path, n);
	for (unsigned i = 0; i < n && i < 12; i++)
		SAY("  %s", found[i]);
}

static void directories(void)
{
	const long n = scaled(2000);
	char name[32], buf[64];
	struct dirent *e;
	long seen = 0;
	long place;
	DIR *d;
	int fd;

	enter_dir();
	NEED(mkdir("d", 0755));
	list("d");
	NEED(mkdir("d/dir", 0755));
	NEED(symlink("x", "d/link"));
	NEED(mkfifo("d/fifo", 0600));
	make("d/file");
	list("d");
	fd = NEED(open("d", O_RDONLY | O_DIRECTORY));
	SHOW(syscall(SYS_getdents64, fd, buf, 10));
	SHOW(syscall(SYS_getdents64, fd, buf, 24));
	SHOW(syscall(SYS_getdents64, fd, buf, 10));
	SHOW(read(fd, buf, 10));
	SHOW(write(fd, buf, 10));
	SHOW(lseek(fd, -1, SEEK_SET));
	close(fd);
	fd = NEED(open("d/file", O_RDONLY));
	SHOW(syscall(SYS_getdents64, fd, buf, 64));
	close(fd);
	SHOW(syscall(SYS_getdents64, 99, buf, 64));
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "d/n%ld", i);
		make(name);
	}
	d = opendir("d");
	place = -1;
	while ((e = readdir(d))) {
		if (++seen == n / 2)
			place = telldir(d);
		if (e->d_name[0] == 'n') {
			snprintf(name, sizeof(name), "d/%.20s", e->d_name);
			NEED(unlink(name));
		}
	}
	YES(seen == n + 6);
	seekdir(d, place);
	rewinddir(d);
	seen = 0;
	while (readdir(d))
		seen++;
	YES(seen == 6);
	closedir(d);
	d = opendir("d");
	SHOW(unlink("d/link"));
	SHOW(unlink("d/fifo"));
	SHOW(unlink("d/file"));
	SHOW(rmdir("d/dir"));
	SHOW(rmdir("d"));
	YES(readdir(d) == NULL);
	closedir(d);
	leave_dir();
}

static void working_directory(void)
{
	char buf[PATH_MAX], start[PATH_MAX];
	int fd;

	enter_dir();
	NEED(getcwd(start, sizeof(start)) ? 0 : -1);
	NEED(mkdir("d", 0755));
	NEED(mkdir("d/e", 0755));
	SHOW(chdir("d/e"));
	YES(getcwd(buf, sizeof(buf)) && !strcmp(buf + strlen(start), "/d/e"));
	SHOW(syscall(SYS_getcwd, buf, 3));
	SHOW(syscall(SYS_getcwd, BAD, 4000));
	SHOW(chdir("../.."));
	fd = NEED(open("d", O_RDONLY));
	SHOW(rename("d", "dd"));
	SHOW(fchdir(fd));
	YES(getcwd(buf, sizeof(buf)) && !strcmp(buf + strlen(start), "/dd"));
	SHOW(chdir(".."));
	make("f");
	SHOW(chdir("f"));
	SHOW(chdir("none"));
	SHOW(fchdir(77));
	SHOW(chdir("dd/e"));
	SHOW(rmdir("../e"));
	SHOW(syscall(SYS_getcwd, buf, sizeof(buf)));
	SHOW(open("x", O_CREAT | O_WRONLY, 0600));
	SHOW(mkdir("x", 0700));
	SHOW(access(".", F_OK));
	SHOW(access("..", F_OK));
	SHOW(chdir(start));
	SHOW(openat(fd, "e", O_RDONLY));
	SHOW(rmdir("dd"));
	SHOW(openat(fd, "e", O_CREAT | O_WRONLY, 0600));
	close(fd);
	SHOW(unlink("f"));
	leave_dir();
}

static void at_calls(void)
{
	struct stat st;
	char buf[64];
	int dir, fd;

	enter_dir();
	NEED(mkdir("d", 0755));
	make("file");
	dir = NEED(open("d", O_RDONLY | O_DIRECTORY));
	SHOW(fd = openat(dir, "in", O_CREAT | O_RDWR, 0640));
	SHOW(write(fd, "inside", 6));
	tell("d/in");
	SHOW(openat(fd, "x", O_RDONLY));
	SHOW(openat(88, "x", O_RDONLY));
	YES(openat(88, own_dir, O_PATH) >= 0);
	SHOW(mkdirat(dir, "sub", 0700));
	SHOW(symlinkat("in", dir, "ln"));
	SHOW(readlinkat(dir, "ln", buf, sizeof(buf)));
	SHOW(linkat(dir, "in", dir, "in2", 0));
	SHOW(linkat(fd, "", dir, "in3", AT_EMPTY_PATH));
	SHOW(fstatat(dir, "ln", &st, 0));
	SHOW((long)st.st_size);
	SHOW(fstatat(dir, "ln", &st, AT_SYMLINK_NOFOLLOW));
	YES(S_ISLNK(st.st_mode));
	SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
	SHOW(fstatat(fd, "", &st, 0));
	SHOW(fstatat(dir, "in", &st, 0x8000));
	SHOW(faccessat(dir, "in", R_OK | W_OK, 0));
	SHOW(faccessat(dir, "in", X_OK, 0));
	SHOW(fchmodat(dir, "in", 0755, 0));
	SHOW(faccessat(dir, "in", X_OK, 0));
	SHOW(renameat(dir, "in", AT_FDCWD, "out"));
	SHOW(unlinkat(dir, "sub", 0));
	SHOW(unlinkat(dir, "sub", AT_REMOVEDIR));
	SHOW(unlinkat(dir, "sub", 1));
	SHOW(mknodat(dir, "pipe", S_IFIFO | 0600, 0));
	SHOW(mknodat(dir, "pipe", S_IFIFO | 0600, 0));
	SHOW(mknodat(dir, "reg", 0600, 0));
	SHOW(mknodat(dir, "dir", S_IFDIR | 0600, 0));
	tell("d/pipe");
	tell("d/reg");
	SHOW(unlinkat(dir, "pipe", 0));
	SHOW(unlinkat(dir, "reg", 0));
	SHOW(unlinkat(dir, "in2", 0));
	SHOW(unlinkat(dir, "in3", 0));
	SHOW(unlinkat(dir, "ln", 0));
	SHOW(unlink("out"));
	SHOW(fstat(fd, &st));
	SHOW((long)st.st_nlink);
	close(fd);
	close(dir);
	SHOW(unlink("file"));
	SHOW(rmdir("d"));
	leave_dir();
}

struct how {
	uint64_t flags, mode, resolve;
};

static long open2(int dir, const char *path, uint64_t flags, uint64_t mode,
		  uint64_t resolve)
{
	struct how how = { flags, mode, resolve };
	long fd = syscall(437, dir, path, &how, sizeof(how));

	if (fd >= 0) {
		close((int)fd);
		return 0;
	}
	return fd;
}

static void resolving(void)
{
	struct how how[2] = { { 0, 0, 0 }, { 1, 0, 0 } };

	enter_dir();
	NEED(mkdir("d", 0755));
	make("d/file");
	make("file");
	NEED(symlink("../file", "d/up"));
	NEED(symlink("file", "d/near"));
	NEED(symlink("/file", "d/abs"));
	int dir = NEED(open("d", O_RDONLY | O_DIRECTORY));

	SHOW(open2(dir, "file", O_RDONLY, 0, 0));
	SHOW(open2(dir, "up", O_RDONLY, 0, 0));
	SHOW(open2(dir, "up", O_RDONLY, 0, 8));
	SHOW(open2(dir, "near", O_RDONLY, 0, 8));
	SHOW(open2(dir, "abs", O_RDONLY, 0, 8));
	SHOW(open2(dir, "..", O_RDONLY, 0, 8));
	SHOW(open2(dir, "/", O_RDONLY, 0, 8));
	SHOW(open2(dir, "up", O_RDONLY, 0, 16));
	SHOW(open2(dir, "abs", O_RDONLY, 0, 16));
	SHOW(open2(dir, "/../../near", O_RDONLY, 0, 16));
	SHOW(open2(dir, "near", O_RDONLY, 0, 4));
	SHOW(open2(dir, "file", O_RDONLY, 0, 4));
	SHOW(open2(dir, "/proc/self/exe", O_RDONLY, 0, 2));
	SHOW(open2(dir, "/proc", O_RDONLY, 0, 1));
	SHOW(open2(dir, "file", O_RDONLY, 0600, 0));
	SHOW(open2(dir, "file", 1ull << 40, 0, 0));
	SHOW(open2(dir, "file", O_RDONLY, 0, 64));
	SHOW(open2(dir, "file", O_RDONLY, 0, 24));
	SHOW(open2(dir, "new", O_CREAT | O_RDWR, 0600, 8));
	SHOW(open2(dir, "new2", O_CREAT | O_RDWR, 010600, 8));
	SHOW(syscall(437, dir, "file", &how, 8));
	SHOW(syscall(437, dir, "file", &how, sizeof(how)));
	SHOW(syscall(437, dir, "file", BAD, sizeof(how[0])));
	close(dir);
	SHOW(unlink("d/new"));
	SHOW(unlink("d/up"));
	SHOW(unlink("d/near"));
	SHOW(unlink("d/abs"));
	SHOW(unlink("d/file"));
	SHOW(unlink("file"));
	SHOW(rmdir("d"));
	leave_dir();
}

static void places(void)
{
	char buf[8], link[128];
	struct stat st;
	int fd, dir;

	enter_dir();
	make("file");
	fd = NEED(open("file", O_PATH));
	SHOW(read(fd, buf, 1));
	SHOW(write(fd, buf, 1));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(fstat(fd, &st));
	SHOW(fchmod(fd, 0600));
	SHOW(ftruncate(fd, 0));
	SHOW(fsync(fd));
	SHOW(dup2(fd, 50));
	SHOW(fcntl(50, F_GETFL) & O_PATH);
	SHOW(fcntl(50, F_SETFL, O_NONBLOCK));
	SHOW(close(50));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	SHOW(stat(link, &st));
	int again = open(link, O_RDWR);

	YES(again >= 0);
	SHOW(read(again, buf, 8));
	close(again);
	close(fd);
	NEED(symlink("file", "ln"));
	fd = NEED(open("ln", O_PATH | O_NOFOLLOW));
	SHOW(fstat(fd, &st));
	YES(S_ISLNK(st.st_mode));
	SHOW(readlinkat(fd, "", link, sizeof(link)));
	close(fd);
	dir = NEED(open(".", O_PATH));
	SHOW(faccessat(dir, "file", F_OK, 0));
	SHOW(fchdir(dir));
	SHOW(syscall(SYS_getdents64, dir, link, 100));
	close(dir);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	YES(fd >= 0);
	SHOW(write(fd, "temp", 4));
	SHOW(fstat(fd, &st));
	SHOW((long)st.st_nlink);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	tell("named");
	close(fd);
	SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
	SHOW(open("file", O_TMPFILE | O_RDWR, 0600));
	SHOW(unlink("named"));
	SHOW(unlink("ln"));
	SHOW(unlink("file"));
	leave_dir();
}

MAIN(CASE(open_flags), CASE(names), CASE(links), CASE(chains), CASE(renames),
     CASE(directories), CASE(working_directory), CASE(at_calls),
     CASE(resolving), CASE(places))
