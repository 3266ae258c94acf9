/* kit_calls.c: what the guest kernel promises to a program, one check a
 * line: `ok NAME` or `not ok NAME: why`. Exit status: number of failures. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

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

#define PAGE 4096ul
#define BAD  ((void *)0x7f1234560000ul)

static void test_start(int argc, char **argv, char **envp)
{
	EXPECT("argc", argc >= 1 && argv[0] && !argv[argc]);
	for (int i = 1; i < argc; i++)
		EXPECT("argv", argv[i][0]);
	while (*envp)
		EXPECT("envp", strchr(*envp++, '='));
	EXPECT("auxv PAGESZ", getauxval(AT_PAGESZ) == PAGE);
	EXPECT("auxv PHDR", getauxval(AT_PHDR) && getauxval(AT_PHNUM) &&
				    getauxval(AT_PHENT) == 56);
	EXPECT("auxv ENTRY", getauxval(AT_ENTRY));
	EXPECT("auxv EXECFN",
	       getauxval(AT_EXECFN) &&
		       !strcmp((char *)getauxval(AT_EXECFN), argv[0]));
	EXPECT("auxv PLATFORM",
	       !strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
	EXPECT("auxv CLKTCK", getauxval(AT_CLKTCK) == 100);
	EXPECT("auxv SECURE", getauxval(AT_SECURE) == 0);
	EXPECT("auxv HWCAP", getauxval(AT_HWCAP) & (1 << 26));
	EXPECT("auxv RANDOM", getauxval(AT_RANDOM));
	EXPECT("stack aligned",
	       ((uintptr_t)__builtin_frame_address(0) & 15) == 0);
}

static char *brk_to(char *end)
{
	return (char *)syscall(SYS_brk, end);
}

static void test_memory(void)
{
	char *heap = brk_to(NULL), *p, *q;
	struct rlimit limit;

	EXPECT("brk", brk_to(heap + 100000) == heap + 100000);
	memset(heap, 1, 100000);
	EXPECT("brk back", brk_to(heap + PAGE) == heap + PAGE);
	EXPECT_ERRNO("brk back indeed", write(1, heap + 5 * PAGE, 1), EFAULT);
	EXPECT("brk again", brk_to(heap + PAGE * 4) == heap + 4 * PAGE &&
				    heap[PAGE * 2 + 5] == 0 && heap[5] == 1);
	EXPECT("brk too far", brk_to((char *)(1ul << 46)) == heap + 4 * PAGE);

	p = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT("mmap", p != MAP_FAILED);
	for (unsigned i = 0; i < 10; i++)
		p[i * PAGE] = (char)i;
	EXPECT("munmap hole", !munmap(p + 4 * PAGE, 2 * PAGE));
	EXPECT_ERRNO("hole is gone", write(1, p + 4 * PAGE, 1), EFAULT);
	EXPECT("rest is there", p[3 * PAGE] == 3 && p[6 * PAGE] == 6);
	q = mmap(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	EXPECT("fixed fills the hole", q == p + 4 * PAGE && !*q);
	q = mmap(p + 4 * PAGE, PAGE, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	EXPECT("fixed noreplace", q == MAP_FAILED && errno == EEXIST);
	EXPECT("mprotect", !mprotect(p, PAGE, PROT_READ) && p[0] == 0);
	EXPECT_ERRNO("read into read-only", syscall(SYS_clock_gettime, 0, p),
		     EFAULT);
	EXPECT("mprotect back", !mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	p[0] = 7;
	EXPECT("writable again", p[0] == 7);
	EXPECT("mprotect none keeps data",
	       !mprotect(p, PAGE, PROT_NONE) &&
		       syscall(SYS_clock_gettime, 0, p) == -1 &&
		       !mprotect(p, PAGE, PROT_READ) && p[0] == 7);
	EXPECT_ERRNO("mprotect of nothing", mprotect(p + 5 * PAGE, PAGE, 1),
		     ENOMEM);
	EXPECT("madvise",
	       !madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED) && p[3 * PAGE] == 0);

	p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 5, 64 * PAGE);
	q = mmap(p + 64 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		 -1, 0); /* in the way */
	q = mremap(p, 64 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
	EXPECT("mremap moves", q != MAP_FAILED && q != p && q[0] == 5 &&
				       q[64 * PAGE - 1] == 5 &&
				       q[64 * PAGE] == 0);
	q[200 * PAGE - 1] = 9;
	EXPECT_ERRNO("mremap leaves nothing", write(1, p, 1), EFAULT);
	EXPECT("mremap shrinks", mremap(q, 200 * PAGE, PAGE, 0) == q);
	EXPECT_ERRNO("mremap shrinks indeed", write(1, q + PAGE, 1), EFAULT);

	p = mmap(NULL, 1ul << 36, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT("reserve 64 GiB", p != MAP_FAILED);
	EXPECT("use a corner",
	       !mprotect(p + (1ul << 35), PAGE, 3) && (p[1ul << 35] = 3) == 3);
	EXPECT("release", !munmap(p, 1ul << 36));
	p = mmap((void *)0xc000000000ul, 1 << 26, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT("hint", p == (void *)0xc000000000ul);
	EXPECT_ERRNO("too much",
		     (long)mmap(NULL, 1ul << 45, 3, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0),
		     ENOMEM);
	EXPECT("malloc", (p = malloc(5 << 19)) && memset(p, 1, 5 << 19));
	free(p);
	EXPECT("getrlimit",
	       !getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur == 8 << 20);
}

static void test_bad_pointers(void)
{
	struct iovec iov[2] = { { (void *)"", 0 }, { BAD, 10 } };
	char buf[16];
	int ends[2];

	EXPECT_ERRNO("write bad", write(1, BAD, 10), EFAULT);
	EXPECT_ERRNO("write kernel", write(1, (void *)0xffffc00000100000ul, 10),
		     EFAULT);
	EXPECT_ERRNO("write wraps", write(1, (void *)-4096l, -1ul), EFAULT);
	EXPECT("pipe", !pipe(ends) && write(ends[1], "ten bytes.", 10) == 10);
	EXPECT_ERRNO("read bad", read(ends[0], BAD, 10), EFAULT);
	EXPECT_ERRNO("read into text",
		     read(ends[0], (void *)(uintptr_t)check, 10), EFAULT);
	EXPECT("nothing is lost", read(ends[0], buf, 10) == 10);
	close(ends[0]);
	close(ends[1]);
	EXPECT_ERRNO("writev bad", writev(1, iov, 2), EFAULT);
	EXPECT_ERRNO("writev bad list", writev(1, BAD, 2), EFAULT);
	EXPECT_ERRNO("uname bad", syscall(SYS_uname, BAD), EFAULT);
	EXPECT_ERRNO("open bad", open(BAD, O_RDONLY), EFAULT);
	EXPECT_ERRNO("nanosleep bad", syscall(SYS_nanosleep, BAD, 0), EFAULT);
}

static void test_files(void)
{
	struct stat st;
	struct winsize size;
	struct pollfd p[2] = { { 1, POLLOUT, 0 }, { 99, POLLIN, 0 } };
	fd_set set;
	char link[64];
	int fd;

	EXPECT("fstat", !fstat(1, &st) && S_ISFIFO(st.st_mode));
	EXPECT_ERRNO("fstat closed", fstat(77, &st), EBADF);
	EXPECT("not a tty", !isatty(1));
	EXPECT_ERRNO("winsize", ioctl(1, TIOCGWINSZ, &size), ENOTTY);
	EXPECT_ERRNO("lseek", lseek(1, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO("open", open("/etc/passwd", O_RDONLY), ENOENT);
	EXPECT_ERRNO("write to stdin", write(0, "x", 1), EBADF);
	EXPECT_ERRNO("read from stdout", read(1, link, 1), EBADF);
	fd = dup(1);
	EXPECT("dup", fd == 3 && fcntl(fd, F_GETFD) == 0);
	EXPECT("dup3",
	       dup3(1, 9, O_CLOEXEC) == 9 && fcntl(9, F_GETFD) == FD_CLOEXEC);
	EXPECT("close", !close(fd) && !close(9));
	EXPECT_ERRNO("close twice", close(fd), EBADF);
	EXPECT("poll", poll(p, 2, 1000) == 2 && p[0].revents == POLLOUT &&
			       p[1].revents == POLLNVAL);
	FD_ZERO(&set);
	FD_SET(1, &set);
	EXPECT("select",
	       select(2, NULL, &set, NULL, NULL) == 1 && FD_ISSET(1, &set));
	EXPECT("readlink", readlink("/proc/self/exe", link, 64) > 1);
	EXPECT_ERRNO("readlink other", readlink("/x", link, 64), ENOENT);
	EXPECT("getcwd", getcwd(link, 64) && !strcmp(link, "/"));
}

static long long now_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void test_time(void)
{
	struct timespec ts = { 0, 30000000 }, at;
	struct timeval tv = { 0, 20000 };
	struct pollfd none;
	long long t;

	t = now_ns(CLOCK_MONOTONIC);
	EXPECT("nanosleep", !nanosleep(&ts, NULL));
	t = now_ns(CLOCK_MONOTONIC) - t;
	EXPECT("nanosleep long enough", t >= 30000000);
	EXPECT("nanosleep not too long", t < 130000000);
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += 20000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	EXPECT("absolute",
	       !clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) &&
		       now_ns(CLOCK_MONOTONIC) >=
			       at.tv_sec * 1000000000ll + at.tv_nsec);
	t = now_ns(CLOCK_MONOTONIC);
	EXPECT("poll timeout", poll(&none, 0, 20) == 0 &&
				       now_ns(CLOCK_MONOTONIC) - t >= 20000000);
	t = now_ns(CLOCK_MONOTONIC);
	EXPECT("select timeout",
	       select(0, NULL, NULL, NULL, &tv) == 0 &&
		       now_ns(CLOCK_MONOTONIC) - t >= 20000000);
	EXPECT("cpu clock", now_ns(CLOCK_PROCESS_CPUTIME_ID) > 0);
	EXPECT_ERRNO("no such clock", clock_gettime(77, &at), EINVAL);
	ts.tv_nsec = 1000000000;
	EXPECT_ERRNO("bad interval", nanosleep(&ts, NULL), EINVAL);
	EXPECT("time",
	       time(NULL) == now_ns(CLOCK_REALTIME) / 1000000000 ||
		       time(NULL) == now_ns(CLOCK_REALTIME) / 1000000000);
	for (int i = 0, back = 0; i < 1000; i++) {
		t = now_ns(CLOCK_MONOTONIC);
		back |= now_ns(CLOCK_MONOTONIC) < t;
		if (i == 999)
			EXPECT("monotonic", !back);
	}
}

static void test_misc(void)
{
	struct utsname name;
	struct sysinfo info;
	struct rusage usage;
	struct sigaction sa = { .sa_handler = SIG_IGN }, old;
	unsigned char a[300] = { 0 }, b[300] = { 0 };
	volatile double x = 1.5;
	long mask = 0;
	sigset_t set;

	EXPECT("uname", !uname(&name) && !strcmp(name.sysname, "Linux"));
	EXPECT("getpid", getpid() == 1 && syscall(SYS_gettid) == 1);
	EXPECT("getuid", getuid() == 0);
	EXPECT("sysinfo", !sysinfo(&info) && info.totalram > 1 << 20);
	EXPECT("getrusage", !getrusage(RUSAGE_SELF, &usage));
	EXPECT("affinity",
	       syscall(SYS_sched_getaffinity, 0, 8, &mask) == 8 && mask == 1);
	EXPECT("getrandom", getrandom(a, sizeof(a), 0) == sizeof(a) &&
				    getrandom(b, sizeof(b), 0) == sizeof(b) &&
				    memcmp(a, b, sizeof(a)) != 0);
	EXPECT("sigaction", !sigaction(SIGUSR1, &sa, NULL) &&
				    !sigaction(SIGUSR1, NULL, &old) &&
				    old.sa_handler == SIG_IGN);
	EXPECT("ignored signal", !raise(SIGUSR1));
	EXPECT("kill 0", !kill(getpid(), 0));
	EXPECT_ERRNO("kill other", kill(12345, SIGTERM), ESRCH);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	EXPECT("sigprocmask", !sigprocmask(SIG_BLOCK, &set, NULL) &&
				      !sigprocmask(SIG_BLOCK, NULL, &set) &&
				      sigismember(&set, SIGUSR2));
	EXPECT_ERRNO("no such call", syscall(499), ENOSYS);
	EXPECT("floating point", x * 2 == 3.0);
}

/* Registers a system call must not change. */
static void test_registers(void)
{
	unsigned long bad = 0;

	__asm__ volatile("mov $0x11, %%rbx\n\t"
			 "mov $0x22, %%r8\n\t"
			 "mov $0x33, %%r9\n\t"
			 "mov $0x44, %%r10\n\t"
			 "mov $0x55, %%r15\n\t"
			 "mov $0x66, %%rdi\n\t"
			 "pcmpeqd %%xmm5, %%xmm5\n\t"
			 "mov $39, %%eax\n\t"
			 "syscall\n\t"
			 "cmp $1, %%rax\n\t"
			 "setne %%al\n\t"
			 "movzbq %%al, %0\n\t"
			 "xor $0x11, %%rbx\n\t"
			 "or %%rbx, %0\n\t"
			 "xor $0x22, %%r8\n\t"
			 "or %%r8, %0\n\t"
			 "xor $0x33, %%r9\n\t"
			 "or %%r9, %0\n\t"
			 "xor $0x44, %%r10\n\t"
			 "or %%r10, %0\n\t"
			 "xor $0x55, %%r15\n\t"
			 "or %%r15, %0\n\t"
			 "xor $0x66, %%rdi\n\t"
			 "or %%rdi, %0\n\t"
			 "movq %%xmm5, %%rax\n\t"
			 "inc %%rax\n\t"
			 "or %%rax, %0\n\t"
			 : "=&r"(bad)
			 :
			 : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r15",
			   "rdi", "xmm5", "cc", "memory");
	EXPECT("registers survive", bad == 0);
}

int main(int argc, char **argv, char **envp)
{
	test_start(argc, argv, envp);
	test_memory();
	test_bad_pointers();
	test_files();
	test_time();
	test_misc();
	test_registers();
	printf("%d failed\n", failures);
	return failures;
}
