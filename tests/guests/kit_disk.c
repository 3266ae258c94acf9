/* kit_disk.c: /dev/vda (writable) and /dev/vdb (read-only, the first KiB more
 * than a multiple of the page) as a program sees them: `ok NAME` or `not ok
 * NAME: why`. Exit status: number of failures. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLKROGET     0x125e
#define BLKGETSIZE   0x1260
#define BLKFLSBUF    0x1261
#define BLKSSZGET    0x1268
#define BLKGETSIZE64 0x80081272

#define THREADS 4
#define SECTORS 2000

static int failures;

static void check(int good, const char *name, const char *why)
{
	if (good) {
		printf("ok %s\n", name);
	} else {
		printf("not ok %s: %s (errno %d)\n", name, why, errno);
		failures++;
	}
}

#define EXPECT(name, e) check(!!(e), name, #e)
#define EXPECT_ERRNO(name, e, code) \
	check((errno = 0, (e) == -1) && errno == (code), name, #e " " #code)

static char buf[65536] __attribute__((aligned(4096)));

static void test_sizes(int fd)
{
	uint64_t bytes = 0;
	unsigned long sectors = 0;
	struct stat st;
	int n = 1;

	EXPECT("size", !ioctl(fd, BLKGETSIZE64, &bytes) && bytes > 1 << 20);
	EXPECT("sectors",
	       !ioctl(fd, BLKGETSIZE, &sectors) && sectors == bytes / 512);
	EXPECT("sector size", !ioctl(fd, BLKSSZGET, &n) && n == 512);
	EXPECT("writable", !ioctl(fd, BLKROGET, &n) && n == 0);
	EXPECT("flush buffers", !ioctl(fd, BLKFLSBUF, 0));
	EXPECT_ERRNO("no such ioctl", ioctl(fd, 0x12ff, 0), ENOTTY);
	EXPECT("type", !fstat(fd, &st) && S_ISBLK(st.st_mode) && !st.st_size);
	EXPECT("end", lseek(fd, 0, SEEK_END) == (off_t)bytes);
	EXPECT("nothing at the end", read(fd, buf, 10) == 0);
	EXPECT_ERRNO("full at the end", write(fd, buf, 10), ENOSPC);
	EXPECT_ERRNO("no further", lseek(fd, (off_t)bytes + 1, SEEK_SET),
		     EINVAL);
	EXPECT("what fits", pwrite(fd, buf, 1000, (off_t)bytes - 600) == 600);
	EXPECT("what is left", pread(fd, buf, 1000, (off_t)bytes - 7) == 7);
}

static void test_pieces(int fd)
{
	struct iovec iov[2] = { { buf, 300 }, { buf + 4096, 5000 } };

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7 + i / 251);
	EXPECT("all", pwrite(fd, buf, sizeof(buf), 0) == sizeof(buf));
	EXPECT("a byte", pwrite(fd, "A", 1, 777) == 1);
	EXPECT("over sectors", pwrite(fd, "BBBBBB", 6, 1021) == 6);
	EXPECT("far and odd",
	       pwrite(fd, buf + 1, 20001, 30001) == 20001 &&
		       pread(fd, buf + 40000, 20001, 30001) == 20001 &&
		       !memcmp(buf + 1, buf + 40000, 20001));
	EXPECT("read back", pread(fd, buf, 2048, 0) == 2048 &&
				    buf[776] == (char)(776 * 7 + 3) &&
				    buf[777] == 'A' &&
				    buf[778] == (char)(778 * 7 + 3) &&
				    !memcmp(buf + 1021, "BBBBBB", 6));
	EXPECT("vectors", preadv(fd, iov, 2, 100) == 5300);
	EXPECT("small after write", pread(fd, buf, 4, 5000) == 4 &&
					    pwrite(fd, "new", 3, 5000) == 3 &&
					    pread(fd, buf, 3, 5000) == 3 &&
					    !memcmp(buf, "new", 3));
	EXPECT("safe", !fsync(fd) && !fdatasync(fd));
	EXPECT_ERRNO("bad buffer", pread(fd, (void *)8, 4096, 0), EFAULT);
	EXPECT_ERRNO("bad source", pwrite(fd, (void *)8, 4096, 0), EFAULT);
	EXPECT_ERRNO("truncate", ftruncate(fd, 0), EINVAL);
}

static void test_direct(void)
{
	int fd = open("/dev/vda", O_RDWR | O_DIRECT);

	EXPECT("direct", fd >= 0);
	EXPECT("aligned", pwrite(fd, buf, 4096, 8192) == 4096 &&
				  pread(fd, buf, 512, 512) == 512);
	EXPECT_ERRNO("odd length", pread(fd, buf, 100, 0), EINVAL);
	EXPECT_ERRNO("odd place", pread(fd, buf, 512, 100), EINVAL);
	EXPECT_ERRNO("odd address", pread(fd, buf + 1, 512, 0), EINVAL);
	close(fd);
}

/* Each thread has every THREADSth sector, and all are at work at once. */
static void *work(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	char mine[512];
	int fd = open("/dev/vda", O_RDWR);

	for (unsigned s = me; s < SECTORS; s += THREADS) {
		snprintf(mine, sizeof(mine), "sector %u of thread %u", s, me);
		if (pwrite(fd, mine, 100, s * 512l + 13) != 100)
			return "write";
	}
	for (unsigned s = me; s < SECTORS; s += THREADS) {
		char got[100];

		snprintf(mine, sizeof(mine), "sector %u of thread %u", s, me);
		if (pread(fd, got, 100, s * 512l + 13) != 100 ||
		    strcmp(got, mine) != 0)
			return "read";
	}
	close(fd);
	return NULL;
}

static void test_threads(void)
{
	pthread_t t[THREADS];
	void *why;

	for (uintptr_t i = 0; i < THREADS; i++)
		EXPECT("thread", !pthread_create(&t[i], NULL, work, (void *)i));
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT("threads do not mix", !pthread_join(t[i], &why) && !why);
}

int main(void)
{
	int fd = open("/dev/vda", O_RDWR), n = 0;

	EXPECT("open", fd >= 0);
	test_sizes(fd);
	test_pieces(fd);
	close(fd);
	test_direct();
	test_threads();
	EXPECT_ERRNO("read-only", open("/dev/vdb", O_RDWR), EACCES);
	fd = open("/dev/vdb", O_RDONLY);
	EXPECT("to be read",
	       fd >= 0 && read(fd, buf, 6) == 6 && !memcmp(buf, "vdb...", 6));
	EXPECT("says so", !ioctl(fd, BLKROGET, &n) && n == 1);
	EXPECT("odd end", lseek(fd, 0, SEEK_END) == 9216 &&
				  pread(fd, buf, 8192, 8200) == 1016);
	EXPECT_ERRNO("no map",
		     (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0),
		     ENODEV);
	EXPECT_ERRNO("no third", open("/dev/vdc", O_RDONLY), ENOENT);
	return failures;
}
