/* dirs.c: directories, links, the working directory, paths. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>

#include "abi.h"

static char buf[8192];

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	NEED(fd);
	NEED(close(fd));
}

static void list(const char *name)
{
	struct dirent **e;
	int n = scandir(name, &e, NULL, alphasort);

	printf("%s:", name);
	for (int i = 0; i < n; i++) {
		printf(" %s/%d", e[i]->d_name, e[i]->d_type);
		free(e[i]);
	}
	puts("");
	if (n >= 0)
		free(e);
}

static void making(void)
{
	struct stat st;

	enter_dir();
	SHOW(mkdir("a", 0755));
	SHOW(mkdir("a", 0755));
	SHOW(mkdir("x/y", 0755));
	SHOW(mkdir("", 0755));
	SHOW(mkdir("a/b", 0700));
	SHOW(mkdir("a/b/c/", 0700));
	SHOW(stat("a", &st));
	SAY("%o, %ld links", st.st_mode, (long)st.st_nlink);
	SHOW(rmdir("a"));
	SHOW(rmdir("a/b/c"));
	SHOW(rmdir("a/b/."));
	SHOW(rmdir("a/b/.."));
	SHOW(rmdir("a/b/"));
	SHOW(rmdir("none"));
	touch("f");
	SHOW(rmdir("f"));
	SHOW(mkdir("f", 0700));
	SHOW(mkdir("f/x", 0700));
	SHOW(unlink("a"));
	SHOW(unlink("f/"));
	SHOW(open("f/", O_RDONLY));
	SHOW(unlink("f"));
	SHOW(rmdir("a"));
	leave_dir();
}

static void listing(void)
{
	enter_dir();
	list(".");
	SHOW(mkdir("dir", 0700));
	touch("file");
	SHOW(symlink("file", "link"));
	SHOW(mkfifo("pipe", 0600));
	list(".");
	list("dir");
	list("none");
	list("file");
	SHOW(unlink("file"));
	SHOW(unlink("link"));
	SHOW(unlink("pipe"));
	SHOW(rmdir("dir"));
	leave_dir();
}

static void reading(void)
{
	DIR *d;
	struct dirent *e;
	long n = 0, first = 0, where;
	int fd;

	enter_dir();
	for (int i = 0; i < 300; i++) {
		snprintf(buf, sizeof(buf), "a-name-of-some-length-%d", i);
		touch(buf);
	}
	d = opendir(".");
	NEED(d ? 0 : -1);
	while ((e = readdir(d)))
		n++;
	SAY("%ld entries", n);
	rewinddir(d);
	n = 0;
	while ((e = readdir(d)))
		n++;
	SAY("%ld entries", n);
	rewinddir(d);
	for (int i = 0; i < 100; i++)
		e = readdir(d);
	where = telldir(d);
	while (readdir(d))
		first++;
	seekdir(d, where);
	n = 0;
	while (readdir(d))
		n++;
	SAY("%ld and %ld after the hundredth", first, n);
	/* removing what was read disturbs nobody */
	rewinddir(d);
	n = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			n += unlink(e->d_name) == 0;
	SAY("%ld removed", n);
	closedir(d);
	list(".");
	NEED(fd = open(".", O_RDONLY | O_DIRECTORY));
	SHOW(read(fd, buf, 10));
	SHOW(write(fd, buf, 10));
	SHOW(syscall(SYS_getdents64, fd, buf, 3));
	YES(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
	SHOW(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(syscall(SYS_getdents64, fd, (char *)8, 1000));
	SHOW(syscall(SYS_getdents64, 0, buf, sizeof(buf)));
	SHOW(close(fd));
	leave_dir();
}

static void links(void)
{
	ssize_t n;

	enter_dir();
	touch("f");
	SHOW(symlink("f", "s"));
	SHOW(symlink("f", "s"));
	SHOW(symlink("", "e"));
	SHOW(symlink("none", "dangling"));
	SHOW(n = readlink("s", buf, sizeof(buf)));
	SAY("%.*s", (int)n, buf);
	SHOW(n = readlink("dangling", buf, 2));
	SAY("%.*s", (int)n, buf);
	SHOW(readlink("f", buf, sizeof(buf)));
	SHOW(readlink("none", buf, sizeof(buf)));
	SHOW(readlink("s", buf, 0));
	SHOW(open("dangling", O_RDONLY));
	SHOW(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0600));
	SHOW(open("s", O_RDONLY | O_NOFOLLOW));
	SHOW(symlink("loop-b", "loop-a"));
	SHOW(symlink("loop-a", "loop-b"));
	SHOW(open("loop-a", O_RDONLY));
	SHOW(chdir("loop-a"));
	SHOW(mkdir("d", 0700));
	SHOW(symlink("d", "to-d"));
	touch("to-d/inside");
	list("d");
	list("to-d/");
	SHOW(rmdir("to-d"));
	SHOW(symlink("../f", "d/up"));
	SHOW(access("to-d/up", F_OK));
	SHOW(open("to-d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	SHOW(link("s", "hard"));
	struct stat st;

	SHOW(lstat("hard", &st));
	YES(S_ISLNK(st.st_mode));
	SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
	SHOW(lstat("hard2", &st));
	YES(S_ISREG(st.st_mode));
	SHOW(link("d", "hard3"));
	SHOW(link("none", "hard3"));
	SHOW(link("f", "s"));
	static const char *const names[] = { "f",       "s",      "dangling",
					     "hard",    "loop-a", "loop-b",
					     "hard2",   "to-d",   "d/up",
					     "d/inside" };

	for (size_t i = 0; i < COUNT(names); i++)
		NEED(unlink(names[i]));
	SHOW(rmdir("d"));
	leave_dir();
}

static void working(void)
{
	int fd;

	enter_dir();
	YES(getcwd(buf, sizeof(buf)) && !strcmp(buf, own_dir));
	SHOW(mkdir("one", 0700));
	SHOW(mkdir("one/two", 0700));
	SHOW(chdir("one/two"));
	YES(getcwd(buf, sizeof(buf)) &&
	    !strcmp(buf + strlen(own_dir), "/one/two"));
	SHOW(syscall(SYS_getcwd, buf, strlen(own_dir) + 9));
	SHOW(syscall(SYS_getcwd, buf, 3));
	SHOW(syscall(SYS_getcwd, (char *)8, 4096));
	touch("f");
	SHOW(chdir("f"));
	SHOW(chdir("none"));
	SHOW(access("../two/./f", F_OK));
	SHOW(access("../../../../../../../../tmp", F_OK));
	NEED(fd = open("..", O_RDONLY));
	SHOW(chdir("/"));
	SHOW(fchdir(fd));
	YES(getcwd(buf, sizeof(buf)) && !strcmp(buf + strlen(own_dir), "/one"));
	SHOW(openat(fd, "none", O_RDONLY));
	SHOW(faccessat(fd, "two/f", F_OK, 0));
	SHOW(mkdirat(fd, "three", 0700));
	SHOW(symlinkat("two", fd, "link"));
	SHOW(readlinkat(fd, "link", buf, 100));
	SHOW(renameat(fd, "three", fd, "four"));
	SHOW(unlinkat(fd, "four", 0));
	SHOW(unlinkat(fd, "four", AT_REMOVEDIR));
	SHOW(unlinkat(fd, "link", 0));
	SHOW(unlinkat(fd, "two/f", 0));
	SHOW(fchdir(99));
	SHOW(rmdir("two"));
	SHOW(rmdir("../one"));
	/* the place one is in is gone */
	YES(!getcwd(buf, sizeof(buf)) && errno == ENOENT);
	SHOW(open("x", O_CREAT | O_WRONLY, 0600));
	SHOW(chdir(".."));
	SHOW(close(fd));
	SHOW(fchdir(fd));
	SHOW(chdir(own_dir));
	leave_dir();
}

static void paths(void)
{
	int fd;
	glob_t g;

	enter_dir();
	SHOW(mkdir("d", 0700));
	SHOW(mkdir("d/e", 0700));
	touch("d/e/f1");
	touch("d/e/f2");
	YES(realpath("./d//e/../e/./f1", buf) &&
	    !strcmp(buf + strlen(own_dir), "/d/e/f1"));
	YES(!realpath("d/none", buf));
	SHOW(symlink("d/e", "short"));
	YES(realpath("short/f2", buf) &&
	    !strcmp(buf + strlen(own_dir), "/d/e/f2"));
	NEED(fd = open("short/f2", O_RDONLY));
	snprintf(buf, 100, "/proc/self/fd/%d", fd);
	char to[200] = "";

	YES(readlink(buf, to, sizeof(to) - 1) > 0 &&
	    !strcmp(to + strlen(own_dir), "/d/e/f2"));
	SHOW(close(fd));
	NEED(fd = open("d", O_PATH | O_DIRECTORY));
	SHOW(read(fd, buf, 1));
	SHOW(faccessat(fd, "e/f1", F_OK, 0));
	SHOW(close(fd));
	if (glob("d/*/f?", 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			SAY("%s", g.gl_pathv[i]);
		globfree(&g);
	}
	SHOW(unlink("d/e/f1"));
	SHOW(unlink("d/e/f2"));
	SHOW(unlink("short"));
	SHOW(rmdir("d/e"));
	SHOW(rmdir("d"));
	leave_dir();
}

static void deep(void)
{
	/* deeper than any one path may be long */
	static char name[201];
	int levels = 0;

	enter_dir();
	memset(name, 'd', 200);
	while (levels < 40 && mkdir(name, 0700) == 0 && chdir(name) == 0)
		levels++;
	SAY("%d levels", levels);
	SHOW(syscall(SYS_getcwd, buf, 4096));
	while (levels > 0 && chdir("..") == 0 && rmdir(name) == 0)
		levels--;
	SAY("%d left", levels);
	leave_dir();
}

static void masks(void)
{
	struct stat st;

	enter_dir();
	SHOW(umask(077));
	SHOW(umask(077));
	touch("f");
	SHOW(mkdir("d", 0777));
	SHOW(stat("f", &st));
	SAY("%o", st.st_mode);
	SHOW(stat("d", &st));
	SAY("%o", st.st_mode);
	SHOW(umask(022));
	SHOW(chmod("f", 07777));
	SHOW(stat("f", &st));
	SAY("%o", st.st_mode);
	SHOW(chown("f", 1234, 5678));
	SHOW(stat("f", &st));
	SAY("%u %u", st.st_uid, st.st_gid);
	SHOW(chmod("none", 0));
	SHOW(unlink("f"));
	SHOW(rmdir("d"));
	leave_dir();
}

MAIN(CASE(making), CASE(listing), CASE(reading), CASE(links), CASE(working),
     CASE(paths), CASE(deep), CASE(masks))
