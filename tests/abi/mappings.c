/* mappings.c: what memory and files have to do with each other, and the
 * corners of mremap, madvise and their errors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>

#include "abi.h"

#define PAGE 4096ul
#define MIB  (1ul << 20)
#define GIB  (1ul << 30)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

static volatile char sink;

static char *map(size_t len, int prot, int flags, int fd, off_t off)
{
	return (char *)NEED((long)mmap(NULL, len, prot, flags, fd, off));
}

static bool all(const char *p, size_t len, char c)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != c)
			return false;
	return true;
}

/* A file of n pages: "aaa...", "bbb...", ... */
static int letters(unsigned n)
{
	char page[PAGE];
	int fd;

	strcpy(own_dir, "/tmp/abi-XXXXXX");
	fd = mkstemp(own_dir);
	NEED(fd);
	NEED(unlink(own_dir));
	for (unsigned i = 0; i < n; i++) {
		memset(page, 'a' + (int)i, PAGE);
		NEED(write(fd, page, PAGE));
	}
	return fd;
}

static char at(int fd, off_t off)
{
	char c = '?';

	NEED(pread(fd, &c, 1, off));
	return c;
}

static void copies(void)
{
	int fd = letters(4);
	char *p = map(4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *q = map(2 * PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);

	p[PAGE] = 'X';
	SAY("%c %c %c", p[PAGE], q[0], at(fd, PAGE));
	YES(all(p + PAGE + 1, PAGE - 1, 'b'));
	SHOW(pwrite(fd, "Z", 1, 2 * PAGE));
	SAY("%c %c", p[2 * PAGE], q[PAGE]);
	SHOW(pwrite(fd, "Y", 1, PAGE));
	SAY("%c %c", p[PAGE], q[0]);
	SHOW(madvise(p, 4 * PAGE, MADV_DONTNEED));
	SAY("%c %c", p[PAGE], p[2 * PAGE]);
	/* a read into a page that is still the file's */
	SHOW(pread(fd, p + 3 * PAGE, 5, 0));
	SAY("%.6s %c", p + 3 * PAGE, at(fd, 3 * PAGE));
	SHOW(mprotect(p, PAGE, PROT_READ));
	SHOW(pread(fd, p, 5, PAGE));
	SHOW(pwrite(fd, p, 5, PAGE + 100));
	SAY("%.5s", p + PAGE + 100);
	SHOW(munmap(p, 4 * PAGE));
	SHOW(munmap(q, 2 * PAGE));
	SHOW(close(fd));
}

static void shared(void)
{
	int fd = letters(3);
	char *p = map(3 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = map(3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	char *r = map(PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);

	SHOW(close(fd));
	p[PAGE + 1] = '!';
	SAY("%c %c", q[PAGE + 1], r[1]);
	SHOW(mprotect(p, 2 * PAGE, PROT_READ));
	FAULTS(p[0] = 1, p);
	SHOW(mprotect(p, 2 * PAGE, RW));
	p[0] = '0';
	SAY("%c", q[0]);
	FAULTS(q[0] = 1, q);
	SHOW(mprotect(q, PAGE, RW));
	q[0] = '1';
	SAY("%c", p[0]);
	/* a second mapping of the same */
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	YES(q != MAP_FAILED && q != p);
	q[7] = '7';
	SAY("%c", p[7]);
	SHOW(munmap(p, 3 * PAGE));
	SAY("%c%c", q[7], q[PAGE + 1]);
}

static void cut(void)
{
	int fd = letters(4);
	char *const p = map(6 * PAGE, RW, MAP_SHARED, fd, 0);
	char *const q = map(4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	int pipes[2];

	q[3 * PAGE] = 'q';
	q[0] = 'q';
	FAULTS(sink = p[4 * PAGE], p + 4 * PAGE);
	FAULTS(p[5 * PAGE + 9] = 1, p + 5 * PAGE + 9);
	SHOW(ftruncate(fd, PAGE + 10));
	SAY("%c %c %d", p[PAGE], p[PAGE + 9], p[PAGE + 10]);
	FAULTS(sink = p[2 * PAGE], p + 2 * PAGE);
	FAULTS(sink = q[3 * PAGE], q + 3 * PAGE);
	SAY("%c %d", q[0], q[PAGE + 10]);
	/* what is written behind the end is no part of the file */
	p[PAGE + 20] = 'B';
	SHOW(ftruncate(fd, 3 * PAGE));
	YES(all(p + 2 * PAGE, PAGE, 0));
	p[2 * PAGE] = 'n';
	SAY("%c %c", at(fd, 2 * PAGE), q[2 * PAGE]);
	SHOW(pwrite(fd, "E", 1, 5 * PAGE));
	SAY("%c %d", p[5 * PAGE], p[4 * PAGE]);
	/* the kernel's accesses fail softly */
	SHOW(ftruncate(fd, 0));
	NEED(pipe(pipes));
	SHOW(write(pipes[1], p, 10));
	NEED(write(pipes[1], "x", 1));
	SHOW(read(pipes[0], p, 10));
	SHOW(munmap(p, 6 * PAGE));
	SHOW(munmap(q, 4 * PAGE));
	SHOW(close(fd));
}

static void memory_file(void)
{
	int fd = (int)syscall(SYS_memfd_create, "m", 0);
	char *p, *q;

	NEED(fd);
	SHOW(ftruncate(fd, 64 * MIB));
	p = map(64 * MIB, RW, MAP_SHARED, fd, 0);
	q = map(64 * MIB, PROT_READ, MAP_PRIVATE, fd, 0);
	for (size_t o = 0; o < 64 * MIB; o += 5 * MIB)
		p[o] = (char)(o / MIB + 1);
	YES(q[20 * MIB] == 21 && at(fd, 40 * MIB) == 41);
	YES(q[20 * MIB + PAGE] == 0);
	SHOW(madvise(p + 20 * MIB, 2 * MIB, MADV_REMOVE));
	YES(q[20 * MIB] == 0 && p[20 * MIB] == 0 && at(fd, 20 * MIB) == 0);
	SHOW(madvise(q, PAGE, MADV_REMOVE));
	SHOW(madvise(p, 64 * MIB, MADV_DONTNEED));
	YES(p[40 * MIB] == 41);
	SHOW(madvise(p, PAGE, MADV_FREE));
	SHOW(munmap(p, 64 * MIB));
	SHOW(munmap(q, 64 * MIB));
	SHOW(close(fd));
}

static void remaps(void)
{
	char *room = map(32 * PAGE, PROT_NONE, ANON, -1, 0), *p = room, *q;

	YES(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
	memset(p, 'p', 8 * PAGE);
	SHOW(munmap(p + 8 * PAGE, 8 * PAGE));
	YES(mremap(p, 8 * PAGE, 12 * PAGE, 0) == p);
	YES(all(p + 8 * PAGE, 4 * PAGE, 0));
	SHOW(mremap(p, 12 * PAGE, 40 * PAGE, 0));
	YES(mremap(p, 12 * PAGE, 2 * PAGE, 0) == p);
	FAULTS(sink = p[2 * PAGE], p + 2 * PAGE);
	/* out of the middle of a mapping */
	YES(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
	for (int i = 0; i < 8; i++)
		p[(size_t)i * PAGE] = (char)('0' + i);
	q = mremap(p + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	YES(q != MAP_FAILED);
	SAY("%c%c%d", q[0], q[PAGE], q[2 * PAGE]);
	FAULTS(sink = p[3 * PAGE], p + 3 * PAGE);
	SAY("%c%c", p[PAGE], p[4 * PAGE]);
	SHOW(mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE));
	/* to a place, smaller than before */
	YES(mremap(p + 4 * PAGE, 4 * PAGE, 2 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED,
		   room + 20 * PAGE) == room + 20 * PAGE);
	SAY("%c%c", room[20 * PAGE], room[21 * PAGE]);
	FAULTS(sink = p[6 * PAGE], p + 6 * PAGE);
	SHOW(mremap(q, PAGE, PAGE, MREMAP_FIXED, room));
	SHOW(mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		    NULL));
	SHOW(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    q + PAGE));
	SHOW(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 1));
	p = mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		   NULL);
	YES(p != MAP_FAILED && p != q);
	SAY("%c %d", p[0], q[0]);
	/* ENOMEM up to some Linux 6.x, EINVAL from then on */
	YES(mremap(q, 4 * PAGE, 1ul << 50, MREMAP_MAYMOVE) == MAP_FAILED);
	SHOW(mremap(q + 64 * MIB, 0, PAGE, MREMAP_MAYMOVE));
}

/* Rights and what a mapping is go with it. */
static void remapped_file(void)
{
	int fd = letters(6);
	char *p = map(2 * PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
	char *q = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);

	YES(q != MAP_FAILED);
	SAY("%c%c%c%c%c", q[0], q[PAGE], q[2 * PAGE], q[3 * PAGE], q[4 * PAGE]);
	FAULTS(sink = q[5 * PAGE], q + 5 * PAGE);
	FAULTS(q[0] = 1, q);
	SHOW(mprotect(q, PAGE, RW));
	q[0] = 'Q';
	SAY("%c %c", q[0], at(fd, PAGE));
	SHOW(munmap(q, 8 * PAGE));
	SHOW(close(fd));
}

static void advised(void)
{
	static const int known[] = { 0,  1,  2,  3,  8,  10, 11, 16,
				     17, 18, 19, 20, 21, 22, 23 };
	char *p = map(4 * PAGE, RW, ANON, -1, 0);
	int fd = letters(2);
	char *q = map(3 * PAGE, RW, MAP_PRIVATE, fd, 0);

	memset(p, 'p', 4 * PAGE);
	for (size_t i = 0; i < COUNT(known); i++)
		if (madvise(p + PAGE, PAGE, known[i]))
			SAY("advice %d: %s", known[i], errname(errno));
	SHOW(madvise(p, PAGE, 5));
	SHOW(madvise(p, PAGE, 99));
	SHOW(madvise(p, PAGE, -1));
	SHOW(madvise(p + 1, PAGE, MADV_NORMAL));
	SHOW(madvise(p, 0, MADV_DONTNEED));
	SHOW(madvise(p, -1ul, MADV_DONTNEED));
	SHOW(madvise(p, 100, MADV_DONTNEED));
	YES(all(p, PAGE, 0) && all(p + 2 * PAGE, PAGE, 'p'));
	SHOW(madvise(p, PAGE, MADV_REMOVE));
	SHOW(munmap(p + PAGE, PAGE));
	SHOW(madvise(p, 4 * PAGE, MADV_POPULATE_READ));
	SHOW(madvise(p, 4 * PAGE, MADV_WILLNEED));
	SHOW(mprotect(p, PAGE, PROT_READ));
	SHOW(madvise(p, PAGE, MADV_POPULATE_WRITE));
	SHOW(madvise(q, 2 * PAGE, MADV_POPULATE_WRITE));
	SHOW(madvise(q, 3 * PAGE, MADV_POPULATE_READ));
	SHOW(madvise(q, PAGE, MADV_FREE));
	SHOW(madvise(q, PAGE, 18));
}

static void errors(void)
{
	int fd = letters(1), dir = open("/", O_RDONLY), path, pipes[2];
	unsigned char vec[4];
	char *p = map(PAGE, RW, ANON, -1, 0);

	SHOW(mmap(NULL, 0, RW, ANON, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, 12345, 0));
	SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0));
	NEED(pipe(pipes));
	SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0));
	path = open("/tmp", O_PATH);
	SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, path, 0));
	SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
	SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE));
	SHOW(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SHOW(mmap((void *)(1ul << 47), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SHOW(syscall(SYS_mmap, 0, -1ul, RW, ANON, -1, 0));
	SHOW(syscall(SYS_mmap, 0, 1ul << 60, RW, ANON, -1, 0));
	SHOW(munmap(p + 1, PAGE));
	SHOW(munmap(p, 0));
	SHOW(munmap((void *)(1ul << 47), PAGE));
	SHOW(munmap(p + 64 * MIB, PAGE));
	SHOW(mprotect(p, PAGE, 0x40));
	SHOW(mprotect(p, -1ul & ~4095ul, RW));
	SHOW(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	SHOW(msync(p, PAGE, 64));
	SHOW(msync(p + 1, PAGE, MS_SYNC));
	SHOW(msync(p, 0, MS_SYNC));
	SHOW(msync(p + 64 * MIB, PAGE, MS_SYNC));
	SHOW(mincore(p, PAGE, vec));
	SHOW(mincore(p, PAGE, (void *)8));
	SHOW(mlock(p, PAGE));
	SHOW(mlock(p + 64 * MIB, PAGE));
	SHOW(munlock(p + 7, 10));
	SHOW(mlockall(0));
	SHOW(mlockall(64));
	SHOW(munlockall());
	SHOW(close(fd));
}

static void rights_of_files(void)
{
	char name[64];
	int fd = letters(1), ro;
	char *p;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY);
	NEED(ro);
	p = map(PAGE, PROT_READ, MAP_SHARED, ro, 0);
	SHOW(mprotect(p, PAGE, RW));
	SHOW(mprotect(p, PAGE, PROT_NONE));
	FAULTS(sink = p[0], p);
	SHOW(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	SAY("%c", p[0]);
	p = map(PAGE, PROT_READ, MAP_PRIVATE, ro, 0);
	SHOW(mprotect(p, PAGE, RW));
	p[0] = 'w';
	SAY("%c", at(fd, 0));
}

static void low(void)
{
	char *volatile p = mmap(NULL, 3 * MIB, RW, ANON | MAP_32BIT, -1, 0);

	YES(p != MAP_FAILED && (uintptr_t)p + 3 * MIB <= 1ul << 31);
	memset(p, 1, 3 * MIB);
	p = map(MIB, RW, ANON | MAP_POPULATE | MAP_STACK | MAP_NORESERVE, -1,
		0);
	YES(all(p, MIB, 0));
	p = map(MIB, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	YES(all(p, MIB, 0));
	SHOW(mprotect(p, MIB, PROT_NONE));
	SHOW(mprotect(p, MIB, RW));
	p[5] = 1;
	p = mremap(p, MIB, 2 * MIB, MREMAP_MAYMOVE);
	SAY("%d", p[5]);
	FAULTS(sink = p[MIB + 5], p + MIB + 5);
}

/* Rights change piece by piece, and what is alike becomes one again. */
static void pieces(void)
{
	char *p = map(256 * PAGE, RW, ANON, -1, 0), line[256];
	uint32_t state = 1;
	unsigned n = 0;
	FILE *f;

	for (size_t i = 0; i < 256; i++)
		p[i * PAGE] = (char)i;
	for (int i = 0; i < 2000; i++) {
		size_t from = rnd(&state) % 256, len = 1 + rnd(&state) % 16;

		len = from + len > 256 ? 256 - from : len;
		NEED(mprotect(p + from * PAGE, len * PAGE,
			      i % 3 ? PROT_READ : RW));
	}
	NEED(mprotect(p, 256 * PAGE, RW));
	for (size_t i = 0; i < 256; i++)
		n += p[i * PAGE] == (char)i;
	SAY("%u", n);
	n = 0;
	f = fopen("/proc/self/maps", "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    end > (uintptr_t)p && start < (uintptr_t)(p + 256 * PAGE))
			n++;
	}
	SAY("%u", n);
}

/* The heap may be anywhere in what a Go program reserves. */
static void arenas(void)
{
	const size_t room = 64 * GIB;
	char *p = map(room, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	uint32_t state = 7, h = 1;

	for (int i = 0; i < 200; i++) {
		size_t off = (size_t)(rnd(&state) % 1000) * 64 * MIB;
		char *q = p + off;

		if (i % 2)
			NEED(mprotect(q, 4 * MIB, RW));
		else
			NEED((long)mmap(q, 4 * MIB, RW, ANON | MAP_FIXED, -1,
					0));
		q[rnd(&state) % (4 * MIB)] = 1;
		h = sum(q, 16, h);
		if (i % 3 == 0)
			NEED(madvise(q, 4 * MIB, MADV_DONTNEED));
		if (i % 5 == 0)
			NEED((long)mmap(q, 64 * MIB, PROT_NONE,
					ANON | MAP_FIXED | MAP_NORESERVE, -1,
					0));
	}
	SAY("%u", h);
	SHOW(munmap(p, room));
}

MAIN(CASE(copies), CASE(shared), CASE(cut), CASE(memory_file), CASE(remaps),
     CASE(remapped_file), CASE(advised), CASE(errors), CASE(rights_of_files),
     CASE(low), CASE(pieces), CASE(arenas))
