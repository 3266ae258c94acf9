/* memory.c: mappings, rights, faults and the heap. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>

#include "abi.h"

#define PAGE 4096ul
#define MIB  (1ul << 20)
#define TIB  (1ul << 40)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static volatile char sink;

static char *map(size_t len, int prot)
{
	char *p = mmap(NULL, len, prot, ANON, -1, 0);

	NEED((long)p);
	return p;
}

static bool all(const char *p, size_t len, char c)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != c)
			return false;
	return true;
}

static void anonymous(void)
{
	char *p = map(MIB, RW);

	YES(all(p, MIB, 0));
	memset(p, 'x', MIB);
	YES(all(p, MIB, 'x'));
	YES(((uintptr_t)p & (PAGE - 1)) == 0);
	SHOW(munmap(p, MIB));
	FAULTS(sink = p[5], p + 5);
	FAULTS(p[PAGE] = 1, p + PAGE);
	SHOW(munmap(p, MIB));
}

static void rights(void)
{
	char *p = map(4 * PAGE, RW);

	memset(p, 'r', 4 * PAGE);
	SHOW(mprotect(p + PAGE, PAGE, PROT_READ));
	sink = p[PAGE];
	FAULTS(p[PAGE + 7] = 1, p + PAGE + 7);
	p[0] = p[2 * PAGE] = 'r';
	SHOW(mprotect(p + PAGE, PAGE, PROT_NONE));
	FAULTS(sink = p[PAGE], p + PAGE);
	FAULTS(sink = p[2 * PAGE - 1], p + 2 * PAGE - 1);
	SHOW(mprotect(p, 4 * PAGE, RW));
	YES(all(p, 4 * PAGE, 'r'));
	p[PAGE] = 'w';
	SHOW(munmap(p, 4 * PAGE));
	SHOW(mprotect(p, PAGE, RW));
	SHOW(mprotect((char *)0x10000 + 1, PAGE, RW));
	SHOW(mprotect((char *)0x10000, 0, RW));
}

static void execute(void)
{
	/* mov $42, %eax; ret */
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	char *p = map(PAGE, RW);
	int (*f)(void) = (int (*)(void))p;

	memcpy(p, code, sizeof(code));
	FAULTS(f(), p);
	SHOW(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	SAY("%d", f());
	FAULTS(p[0] = 0, p);
	SHOW(munmap(p, PAGE));
	p = map(PAGE, RW | PROT_EXEC);
	memcpy(p, code, sizeof(code));
	SAY("%d", ((int (*)(void))p)());
	p[1] = 43;
	SAY("%d", ((int (*)(void))p)());
	SHOW(munmap(p, PAGE));
}

static int constant_data = 1;

static void sections(void)
{
	static const char text[] = "constant";
	/* a pointer the compiler knows nothing of */
	char *volatile constant = (char *)(uintptr_t)text;
	char *volatile code = (char *)(uintptr_t)sections;
	char *volatile null = NULL;
	int (*volatile data)(void) = (int (*)(void))(uintptr_t)&constant_data;

	FAULTS(sink = null[0], null);
	FAULTS(null[123] = 1, null + 123);
	FAULTS(sink = null[4096], null + 4096);
	FAULTS(constant[0] = 'C', constant);
	FAULTS(code[0] = 0, code);
	FAULTS(data(), &constant_data);
	/* not an address at all: no number comes with that */
	FAULTS(sink = *(volatile char *)0x8000000000000000ul, 0);
}

static void fixed(void)
{
	char *p = map(8 * PAGE, RW);

	memset(p, 'f', 8 * PAGE);
	YES(mmap(p + 2 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
	    p + 2 * PAGE);
	YES(all(p, 2 * PAGE, 'f'));
	YES(all(p + 2 * PAGE, 2 * PAGE, 0));
	YES(all(p + 4 * PAGE, 4 * PAGE, 'f'));
	SHOW(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	SHOW(munmap(p + PAGE, PAGE));
	YES(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) ==
	    p + PAGE);
	SHOW(munmap(p + 2 * PAGE, 4 * PAGE));
	YES(mmap(p + 3 * PAGE, PAGE, RW, ANON, -1, 0) == p + 3 * PAGE);
	/* a hint in the way of others is only a hint */
	YES(mmap(p, PAGE, RW, ANON, -1, 0) != p);
	YES(all(p, PAGE, 'f'));
	SHOW(munmap(p, 8 * PAGE));
	YES(mmap((void *)0x5000000000, PAGE, RW, ANON, -1, 0) ==
	    (void *)0x5000000000);
	YES(mmap((void *)0x7000000123, PAGE, RW, ANON, -1, 0) ==
	    (void *)0x7000000000);
	SHOW(munmap((void *)0x5000000000, PAGE));
	SHOW(munmap((void *)0x7000000000, PAGE));
}

static void holes(void)
{
	char *p = map(8 * PAGE, RW);

	memset(p, 'h', 8 * PAGE);
	SHOW(munmap(p + 3 * PAGE, 2 * PAGE));
	YES(all(p, 3 * PAGE, 'h'));
	YES(all(p + 5 * PAGE, 3 * PAGE, 'h'));
	FAULTS(sink = p[3 * PAGE], p + 3 * PAGE);
	FAULTS(sink = p[5 * PAGE - 1], p + 5 * PAGE - 1);
	SHOW(mprotect(p, 8 * PAGE, PROT_READ));
	/* what lay before the hole has changed, what lies behind has not */
	FAULTS(p[0] = 1, p);
	p[5 * PAGE] = 'h';
	SHOW(madvise(p + 3 * PAGE, 2 * PAGE, MADV_DONTNEED));
	SHOW(munmap(p, 8 * PAGE));
}

static void reserve(void)
{
	char *p = mmap(NULL, 4 * TIB, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	char *q = p + 3 * TIB + 123 * PAGE;

	NEED((long)p);
	FAULTS(sink = *q, q);
	SHOW(mprotect(q, 16 * PAGE, RW));
	memset(q, 'q', 16 * PAGE);
	YES(all(q, 16 * PAGE, 'q'));
	FAULTS(sink = q[-1], q - 1);
	FAULTS(sink = q[16 * PAGE], q + 16 * PAGE);
	/* taken into use as Go does it: mapped over */
	YES(mmap(p + TIB, MIB, RW, ANON | MAP_FIXED, -1, 0) == p + TIB);
	memset(p + TIB, 't', MIB);
	YES(all(p + TIB, MIB, 't'));
	SHOW(madvise(q, 16 * PAGE, MADV_DONTNEED));
	YES(all(q, 16 * PAGE, 0));
	SHOW(munmap(p, 4 * TIB));
	FAULTS(sink = *q, q);
	SHOW(mmap(NULL, 1ul << 47, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));
}

static void sparse(void)
{
	/* many mappings far apart, each touched at both ends */
	enum { AREAS = 64 };
	char *p[AREAS];
	int good = 0;

	for (int i = 0; i < AREAS; i++) {
		uintptr_t at = 0x100000000000ul + (uintptr_t)i * (TIB / 32);

		p[i] = mmap((void *)at, 1ul << 30, RW, ANON | MAP_NORESERVE, -1,
			    0);
		good += p[i] == (char *)at;
		p[i][0] = (char)i;
		p[i][(1ul << 30) - 1] = (char)~i;
	}
	SAY("%d where asked", good);
	for (int i = 0; i < AREAS; i++) {
		good -= p[i][0] == (char)i && p[i][(1ul << 30) - 1] == (char)~i;
		NEED(munmap(p[i], 1ul << 30));
	}
	SAY("%d wrong", good);
}

static void remap(void)
{
	char *p = map(4 * PAGE, RW), *q;

	memset(p, 'm', 4 * PAGE);
	q = mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	NEED((long)q);
	YES(all(q, 4 * PAGE, 'm'));
	YES(all(q + 4 * PAGE, 60 * PAGE, 0));
	memset(q, 'n', 64 * PAGE);
	YES(mremap(q, 64 * PAGE, 2 * PAGE, 0) == q);
	FAULTS(sink = q[2 * PAGE], q + 2 * PAGE);
	p = map(8 * PAGE, RW);
	memset(p, 'o', 8 * PAGE);
	YES(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   p + 4 * PAGE) == p + 4 * PAGE);
	YES(all(p, 4 * PAGE, 'o'));
	YES(all(p + 4 * PAGE, 2 * PAGE, 'n'));
	YES(all(p + 6 * PAGE, 2 * PAGE, 'o'));
	FAULTS(sink = q[0], q);
	/* nothing free behind: not without moving */
	SHOW(mremap(p, 2 * PAGE, 4 * PAGE, 0));
	SHOW(mremap(p, 0, PAGE, 0));
	SHOW(mremap(p, PAGE, 0, 0));
	SHOW(mremap(p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	SHOW(mremap(p, PAGE, 2 * PAGE, 64));
	SHOW(munmap(p, 8 * PAGE));
	SHOW(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
}

static void heap(void)
{
	char *b = (char *)syscall(SYS_brk, 0);
	char *top = (char *)(((uintptr_t)b + PAGE - 1) & ~(PAGE - 1));

	YES((char *)syscall(SYS_brk, b + 10 * PAGE) == b + 10 * PAGE);
	YES(all(b, 10 * PAGE, 0));
	memset(b, 'b', 10 * PAGE);
	YES((char *)syscall(SYS_brk, top + PAGE) == top + PAGE);
	FAULTS(sink = top[PAGE], top + PAGE);
	YES((char *)syscall(SYS_brk, top + 3 * PAGE) == top + 3 * PAGE);
	YES(all(top + PAGE, 2 * PAGE, 0));
	YES(b[0] == 'b');
	YES((char *)syscall(SYS_brk, b) == b);
	/* refused: the break stays */
	YES((char *)syscall(SYS_brk, 16) == b);
	YES((char *)syscall(SYS_brk, -1l) == b);
}

static void advice(void)
{
	char *p = map(8 * PAGE, RW);

	memset(p, 'a', 8 * PAGE);
	SHOW(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
	YES(all(p, PAGE, 'a'));
	YES(all(p + PAGE, 2 * PAGE, 0));
	YES(all(p + 3 * PAGE, 5 * PAGE, 'a'));
	SHOW(madvise(p, PAGE, MADV_NORMAL));
	SHOW(madvise(p, PAGE, MADV_WILLNEED));
	SHOW(madvise(p, PAGE, MADV_FREE));
	SHOW(madvise(p, PAGE, 4711));
	SHOW(madvise(p + 1, PAGE, MADV_DONTNEED));
	SHOW(madvise(p, 0, MADV_DONTNEED));
	SHOW(mlock(p, PAGE));
	SHOW(munlock(p, PAGE));
	SHOW(msync(p, PAGE, MS_SYNC));
	SHOW(munmap(p, 8 * PAGE));
	SHOW(msync(p, PAGE, MS_SYNC));
	SHOW(madvise(p, PAGE, MADV_DONTNEED));
	SHOW(madvise(p, PAGE, MADV_WILLNEED));
}

static void mistakes(void)
{
	SHOW(mmap(NULL, 0, RW, ANON, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	SHOW(mmap((void *)0x10000001, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0));
	SHOW(syscall(SYS_mmap, 0, PAGE, RW, ANON, -1, 1));
	SHOW(mmap((void *)-PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SHOW(syscall(SYS_munmap, 0x10000001, PAGE));
	SHOW(syscall(SYS_munmap, 0x10000000, 0));
	SHOW(syscall(SYS_munmap, -PAGE, PAGE));
	SHOW(syscall(SYS_mmap, 0, -1l, RW, ANON, -1, 0));
}

static int temp(const void *data, size_t len)
{
	int fd;

	strcpy(own_dir, "/tmp/abi-XXXXXX");
	fd = mkstemp(own_dir);
	NEED(fd);
	NEED(unlink(own_dir));
	NEED(write(fd, data, len));
	return fd;
}

static void file_private(void)
{
	static char data[3 * PAGE];
	char c = 0, *p;
	int fd;

	memset(data, 'd', sizeof(data));
	data[PAGE] = 'e';
	fd = temp(data, 2 * PAGE + 100);
	p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	NEED((long)p);
	YES(!memcmp(p, data, 2 * PAGE + 100));
	YES(all(p + 2 * PAGE + 100, PAGE - 100, 0));
	FAULTS(sink = p[3 * PAGE], p + 3 * PAGE);
	p[1] = 'P';
	SHOW(pread(fd, &c, 1, 1));
	SAY("%c", c);
	SHOW(munmap(p, 4 * PAGE));
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
	NEED((long)p);
	SAY("%c%c", p[0], p[1]);
	FAULTS(p[0] = 1, p);
	SHOW(munmap(p, PAGE));
	SHOW(close(fd));
	fd = temp(data, 100);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	SHOW(close(fd));
	YES(!memcmp(p, data, 100));
	SHOW(munmap(p, PAGE));
}

static void file_rights(void)
{
	char name[] = "/tmp/abi-XXXXXX";
	int fd = mkstemp(name), ro = open(name, O_RDONLY),
	    wo = open(name, O_WRONLY);

	NEED(fd);
	NEED(ro);
	NEED(wo);
	NEED(unlink(name));
	SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0));
	YES(mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 5));
	SHOW(close(fd));
	SHOW(close(ro));
	SHOW(close(wo));
}

static void file_shared(void)
{
	char buf[8] = "", *p, *q;
	int fd = temp("shared file", 11);

	SHOW(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	NEED((long)p);
	NEED((long)q);
	memcpy(p, "SHARED", 6);
	SHOW(msync(p, 2 * PAGE, MS_SYNC));
	SHOW(pread(fd, buf, 6, 0));
	SAY("%s", buf);
	SHOW(pwrite(fd, "written", 7, PAGE));
	SAY("%.7s", p + PAGE);
	SAY("%.6s", q);
	SHOW(munmap(p, 2 * PAGE));
	SHOW(munmap(q, 2 * PAGE));
	SHOW(close(fd));
	p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED((long)p);
	YES(all(p, PAGE, 0));
	p[9] = 1;
	SHOW(munmap(p, PAGE));
}

/* Down the stack until it ends, seen from another one */
static sigjmp_buf deep_back;
static volatile long deep_levels;

static void deep_caught(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	SAY("signal %d code %d", signo, si->si_code);
	siglongjmp(deep_back, 1);
}

__attribute__((noinline)) static long deeper(long n)
{
	volatile char room[1000];

	room[0] = (char)n;
	deep_levels++;
	return n < 0 ? 0 : deeper(n + 1) + room[0];
}

static void stack_end(void)
{
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };

	SHOW(sigaltstack(&ss, NULL));
	on(SIGSEGV, deep_caught, SA_ONSTACK);
	for (int i = 0; i < 3; i++) {
		deep_levels = 0;
		if (!sigsetjmp(deep_back, 1))
			deeper(0);
		YES(deep_levels > 6000);
	}
	off(SIGSEGV);
	ss.ss_flags = SS_DISABLE;
	SHOW(sigaltstack(&ss, NULL));
}

/* 8 MiB of stack are there, all of it */
static void stack_room(void)
{
	volatile char room[7 << 20];

	for (size_t i = sizeof(room); i > 4096; i -= 4096)
		room[i - 1] = (char)i;
	SAY("%d", room[sizeof(room) - 1]);
}

static void allocator(void)
{
	enum { SLOTS = 500 };
	static struct {
		unsigned char *p;
		size_t len;
	} slot[SLOTS];
	uint32_t r = 1, wrong = 0;
	long rounds = scaled(100000);

	for (long i = 0; i < rounds; i++) {
		unsigned s = rnd(&r) % SLOTS;
		size_t len = rnd(&r) % 64 ? rnd(&r) % 2000 : rnd(&r) % 300000;

		if (slot[s].p && slot[s].len)
			wrong += slot[s].p[0] != (unsigned char)s ||
				 slot[s].p[slot[s].len - 1] != (unsigned char)s;
		if (rnd(&r) % 3 == 0) {
			free(slot[s].p);
			slot[s].p = NULL;
			continue;
		}
		slot[s].p = realloc(slot[s].p, len + 1);
		slot[s].len = len + 1;
		slot[s].p[0] = slot[s].p[len] = (unsigned char)s;
	}
	for (int s = 0; s < SLOTS; s++)
		free(slot[s].p);
	SAY("%u wrong", wrong);
}

static void many_mappings(void)
{
	/* every other page of another kind: that many mappings */
	enum { PAGES = 2000 };
	char *p = map(PAGES * PAGE, RW);
	int faults = 0;

	for (int i = 0; i < PAGES; i += 2)
		NEED(mprotect(p + (size_t)i * PAGE, PAGE, PROT_READ));
	for (int i = 1; i < PAGES; i += 2)
		p[(size_t)i * PAGE] = 1;
	on(SIGSEGV, fault_caught, 0);
	for (volatile int i = 0; i < PAGES; i += 200) {
		if (sigsetjmp(fault_back, 1) == 0)
			p[(size_t)i * PAGE] = 1;
		else
			faults++;
	}
	off(SIGSEGV);
	SAY("%d faults", faults);
	SHOW(munmap(p, PAGES * PAGE));
}

static void reuse(void)
{
	/* far more than there is memory, one after the other */
	long rounds = scaled(400);
	bool zero = true;

	for (long i = 0; i < rounds; i++) {
		char *p = map(4 * MIB, RW);

		for (size_t o = 0; o < 4 * MIB; o += 32 * PAGE) {
			zero &= p[o] == 0;
			p[o] = 1;
		}
		NEED(munmap(p, 4 * MIB));
	}
	YES(zero);
}

static void residency(void)
{
	char *p = map(4 * PAGE, RW);
	unsigned char vec[4] = { 0 };

	memset(p, 1, 4 * PAGE);
	SHOW(mincore(p, 4 * PAGE, vec));
	SAY("%d%d%d%d", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
	SHOW(mincore(p + 1, PAGE, vec));
	SHOW(munmap(p + PAGE, PAGE));
	SHOW(mincore(p, 4 * PAGE, vec));
	SHOW(munmap(p, 4 * PAGE));
}

MAIN(CASE(anonymous), CASE(rights), CASE(execute), CASE(sections), CASE(fixed),
     CASE(holes), CASE(reserve), CASE(sparse), CASE(remap), CASE(heap),
     CASE(advice), CASE(mistakes), CASE(file_private), CASE(file_rights),
     CASE(file_shared), CASE(stack_end), CASE(stack_room), CASE(allocator),
     CASE(many_mappings), CASE(reuse), CASE(residency))
