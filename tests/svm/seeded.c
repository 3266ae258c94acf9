/* seeded.c: data that can be told again from a number, for disks of Linux
 * guests. Runs in the guest and beside the monitor.
 *
 *   seeded write DIR MIB SEED    files of odd lengths, MIB together
 *   seeded check DIR MIB SEED    the same files, byte for byte
 *   seeded fill FILE MIB SEED    one file or device
 *   seeded same FILE MIB SEED
 *   seeded zero DEV OFF LEN      BLKZEROOUT
 *   seeded scatter DEV OFF PAGES SEED    one O_DIRECT write from pages in
 *                                falling order, read back the same way
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE (256u << 10)
#define PAGE  4096u

static uint64_t buf[PIECE / 8], want[PIECE / 8];
static uint64_t sum; /* of every word that was written or compared */

static void die(const char *what, const char *name)
{
	printf("seeded: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t start(uint64_t seed, uint64_t nth)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ull ^ (nth + 1) << 32;
}

static void make(uint64_t *to, uint64_t *x)
{
	for (unsigned i = 0; i < PIECE / 8; i++) {
		to[i] = next(x);
		sum = sum * 31 + to[i];
	}
}

static void fill(const char *name, uint64_t len, uint64_t x)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0644);

	if (fd < 0)
		die("open", name);
	while (len > 0) {
		size_t n = len < PIECE ? len : PIECE;

		make(buf, &x);
		if (write(fd, buf, n) != (ssize_t)n)
			die("write", name);
		len -= n;
	}
	if (close(fd))
		die("close", name);
}

static void same(const char *name, uint64_t len, uint64_t x)
{
	int fd = open(name, O_RDONLY);
	uint64_t at = 0;

	if (fd < 0)
		die("open", name);
	while (at < len) {
		size_t n = len - at < PIECE ? len - at : PIECE;

		make(want, &x);
		if (read(fd, buf, n) != (ssize_t)n)
			die("read", name);
		if (memcmp(buf, want, n) != 0) {
			printf("seeded: %s differs after %llu bytes\n", name,
			       (unsigned long long)at);
			exit(1);
		}
		at += n;
	}
	(void)close(fd);
}

/* Lengths from 1 byte to 4 MiB, in eight folders. */
static void tree(const char *dir, uint64_t mib, uint64_t seed,
		 void (*deed)(const char *, uint64_t, uint64_t), int write)
{
	uint64_t left = mib << 20, lens = start(seed, 1u << 30), n = 0;
	char name[256];

	for (; left > 0; n++) {
		uint64_t len = next(&lens) % (4u << 20) + 1;

		if (len > left)
			len = left;
		(void)snprintf(name, sizeof(name), "%s/d%llu", dir,
			       (unsigned long long)n % 8);
		if (write && mkdir(name, 0755) && errno != EEXIST)
			die("mkdir", name);
		(void)snprintf(name, sizeof(name), "%s/d%llu/f%llu", dir,
			       (unsigned long long)n % 8,
			       (unsigned long long)n);
		deed(name, len, start(seed, n));
		left -= len;
	}
	printf("%llu files ", (unsigned long long)n);
}

static void zero(const char *dev, uint64_t off, uint64_t len)
{
	uint64_t range[2] = { off, len };
	int fd = open(dev, O_RDWR);

	if (fd < 0 || ioctl(fd, BLKZEROOUT, range))
		die("zero", dev);
	printf("zeroed\n");
}

/* Pages touched from the last to the first lie in memory the other way
 * round: no two of them make one segment. */
static uint8_t *falling(unsigned pages)
{
	uint8_t *p = mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap", "");
	for (unsigned i = pages; i-- > 0;)
		p[(size_t)i * PAGE] = 1;
	return p;
}

static void scatter(const char *dev, uint64_t off, unsigned pages,
		    uint64_t seed)
{
	const size_t len = (size_t)pages * PAGE;
	uint8_t *out = falling(pages), *in = falling(pages);
	int fd = open(dev, O_RDWR | O_DIRECT);
	uint64_t x = start(seed, 0);

	if (fd < 0)
		die("open", dev);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = next(&x);

		memcpy(out + i, &v, 8);
	}
	if (pwrite(fd, out, len, (off_t)off) != (ssize_t)len)
		die("write", dev);
	if (pread(fd, in, len, (off_t)off) != (ssize_t)len)
		die("read", dev);
	printf("%s\n", memcmp(in, out, len) ? "differs" : "scattered");
}

int main(int argc, char **argv)
{
	uint64_t a = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	uint64_t b = argc > 4 ? strtoull(argv[4], NULL, 0) : 0;

	if (argc == 5 && strcmp(argv[1], "write") == 0) {
		tree(argv[2], a, b, fill, 1);
	} else if (argc == 5 && strcmp(argv[1], "check") == 0) {
		tree(argv[2], a, b, same, 0);
	} else if (argc == 5 && strcmp(argv[1], "fill") == 0) {
		fill(argv[2], a << 20, start(b, 0));
	} else if (argc == 5 && strcmp(argv[1], "same") == 0) {
		same(argv[2], a << 20, start(b, 0));
	} else if (argc == 5 && strcmp(argv[1], "zero") == 0) {
		zero(argv[2], a, b);
		return 0;
	} else if (argc == 6 && strcmp(argv[1], "scatter") == 0) {
		scatter(argv[2], a, (unsigned)b, strtoull(argv[5], NULL, 0));
		return 0;
	} else {
		printf("seeded: no such deed\n");
		return 100;
	}
	printf("sum %016llx\n", (unsigned long long)sum);
	return 0;
}
