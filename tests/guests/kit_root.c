/* kit_root.c DIR: says what is in DIR/tree, changes it, and says it again. On
 * a host's directory and in a machine with that directory as its root the
 * words are the same. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOW(call)                                                        \
	do {                                                              \
		long rc = (call);                                         \
                                                                          \
		printf("%s: %s\n", #call, rc ? strerror(errno) : "done"); \
	} while (0)

static uint32_t sum(const char *path)
{
	unsigned char buf[1000];
	uint32_t h = 2166136261u;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			h = (h ^ buf[i]) * 16777619u;
	close(fd);
	return h;
}

/* The same bytes as read has, through a private mapping. */
static int same_mapped(const char *path, off_t len)
{
	int fd = open(path, O_RDONLY), same = 1;
	char *buf = malloc((size_t)len);
	char *p = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       fd, 0);

	if (p == MAP_FAILED || !buf || read(fd, buf, (size_t)len) != len)
		same = 0;
	if (same)
		same = !memcmp(p, buf, (size_t)len);
	if (same) {
		p[0] ^= 1; /* private: the file does not change */
		same = pread(fd, buf, 1, 0) == 1 && buf[0] == (p[0] ^ 1);
	}
	free(buf);
	close(fd);
	return same;
}

static void tell(const char *path, const struct stat *st)
{
	char target[256];
	ssize_t len;

	printf("%s %o %u:%u", path, st->st_mode, st->st_uid, st->st_gid);
	if (S_ISLNK(st->st_mode)) {
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = 0;
		printf(" -> %s", target);
	} else if (S_ISREG(st->st_mode)) {
		printf(" %ld bytes %u names %ld %08x %s", (long)st->st_size,
		       (unsigned)st->st_nlink, (long)st->st_mtime, sum(path),
		       !st->st_size || same_mapped(path, st->st_size)
			       ? "maps"
			       : "DOES NOT MAP");
	}
	putchar('\n');
}

static void walk(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[512];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && !lstat(path, &st)) {
			tell(path, &st);
			if (S_ISDIR(st.st_mode))
				walk(path);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	const struct timespec times[2] = { { 5, 0 }, { 1600000000, 0 } };

	if (write(fd, text, strlen(text)) < 0 || futimens(fd, times))
		printf("append %s: %s\n", path, strerror(errno));
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		return 2;
	/* One of three names goes before anybody has looked at the others. */
	SHOW(unlink("tree/hard1"));
	SHOW(rename("tree/dir/deep", "tree/moved"));
	SHOW(unlink("tree/none"));
	SHOW(rmdir("tree/dir"));
	walk("tree");
	append("tree/hard2", "grown");
	append("tree/big", "and more");
	SHOW(truncate("tree/pages", 5000));
	append("tree/pages", "end");
	SHOW(unlink("tree/hard2"));
	SHOW(rename("tree/dir/x", "tree/moved/x"));
	SHOW(unlink("tree/link"));
	SHOW(link("tree/dir/hard3", "tree/again"));
	walk("tree");
	return 0;
}
