/* abi.h: what the programs of tests/abi are written with. Each is one area of
 * the Linux ABI as a libc program sees it, a table of cases that print what
 * calls answer; the same binary run by Linux says what is right. So nothing
 * printed may depend on the run: no addresses, process ids or times.
 *
 *   SHOW(close(7))             close(7) -> -1 EBADF
 *   ERR(pthread_join(t, NULL)) pthread_join(t, NULL) -> 0     (returns an errno)
 *   YES(x > 3)                 x > 3: yes
 *   SAY("%d left", n)
 *
 * A program's arguments are the cases to run, all of them without. The
 * environment's ABI_SCALE is how much of the work to do, in per cent.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_ABI_H
#define ABI_ABI_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct abi_case {
	const char *name;
	void (*run)(void);
};

#define CASE(name)          \
	{                   \
#name, name \
	}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline const char *errname(int e)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
#define N(e) { e, #e }
		N(EPERM),
		N(ENOENT),
		N(EINTR),
		N(EIO),
		N(ENXIO),
		N(E2BIG),
		N(ENOEXEC),
		N(EBADF),
		N(ECHILD),
		N(EAGAIN),
		N(ENOMEM),
		N(EACCES),
		N(EFAULT),
		N(EBUSY),
		N(EEXIST),
		N(EXDEV),
		N(ENODEV),
		N(ENOTDIR),
		N(EISDIR),
		N(EINVAL),
		N(ENFILE),
		N(EMFILE),
		N(ENOTTY),
		N(ETXTBSY),
		N(EFBIG),
		N(ENOSPC),
		N(ESPIPE),
		N(EROFS),
		N(EMLINK),
		N(EPIPE),
		N(EDOM),
		N(ERANGE),
		N(EDEADLK),
		N(ENAMETOOLONG),
		N(ENOSYS),
		N(ENOTEMPTY),
		N(ELOOP),
		N(ENODATA),
		N(ETIME),
		N(EPROTO),
		N(EOVERFLOW),
		N(ENOTSOCK),
		N(EDESTADDRREQ),
		N(EMSGSIZE),
		N(EPROTOTYPE),
		N(ENOPROTOOPT),
		N(EOPNOTSUPP),
		N(EAFNOSUPPORT),
		N(EPROTONOSUPPORT),
		N(EADDRINUSE),
		N(EADDRNOTAVAIL),
		N(ENETUNREACH),
		N(ECONNRESET),
		N(ECONNABORTED),
		N(ENOBUFS),
		N(EISCONN),
		N(ENOTCONN),
		N(ETIMEDOUT),
		N(EHOSTUNREACH),
		N(ECONNREFUSED),
		N(EALREADY),
		N(EINPROGRESS),
		N(ECANCELED),
		N(EOWNERDEAD),
		N(ENOTRECOVERABLE),
		N(ESOCKTNOSUPPORT),
		N(ESRCH),
#undef N
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].code == e)
			return names[i].name;
	return "E?";
}

static inline long show_(const char *what, long ret, int e)
{
	if (ret == -1)
		printf("%s -> -1 %s\n", what, errname(e));
	else
		printf("%s -> %ld\n", what, ret);
	return ret;
}

static inline int err_(const char *what, int e)
{
	printf("%s -> %s\n", what, e ? errname(e) : "0");
	return e;
}

static inline bool yes_(const char *what, bool is)
{
	printf("%s: %s\n", what, is ? "yes" : "NO");
	return is;
}

#define SHOW(call)                         \
	({                                 \
		long ret_ = (long)(call);  \
		show_(#call, ret_, errno); \
	})
#define ERR(call) err_(#call, (call))
#define YES(what) yes_(#what, (what))
#define SAY(...)  (printf(__VA_ARGS__), putchar('\n'))

/* A call that has to succeed for the rest to mean anything */
#define NEED(call)                                                      \
	({                                                              \
		long need_ = (long)(call);                              \
		if (need_ == -1) {                                      \
			printf("NEED %s: %s\n", #call, errname(errno)); \
			exit(99);                                       \
		}                                                       \
		need_;                                                  \
	})

/* The same for calls that return an errno */
#define NEED0(call)                                                     \
	do {                                                            \
		int need_ = (call);                                     \
		if (need_) {                                            \
			printf("NEED %s: %s\n", #call, errname(need_)); \
			exit(99);                                       \
		}                                                       \
	} while (0)

/* n of something, or as much of it as ABI_SCALE says, at least one */
static inline long scaled(long n)
{
	const char *s = getenv("ABI_SCALE");
	long percent = s ? atol(s) : 100;

	return n * percent / 100 > 0 ? n * percent / 100 : 1;
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* The same numbers every time */
static inline uint32_t rnd(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static inline uint32_t sum(const void *data, size_t len, uint32_t h)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static inline void on(int signo, void (*handler)(int, siginfo_t *, void *),
		      int flags)
{
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | flags };

	NEED(sigemptyset(&sa.sa_mask));
	NEED(sigaction(signo, &sa, NULL));
}

static inline void off(int signo)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };

	NEED(sigaction(signo, &sa, NULL));
}

/* FAULTS(access): what signal an access raises, with its code, and where */
static sigjmp_buf fault_back;
static volatile int fault_signo, fault_code;
static void *volatile fault_addr;

__attribute__((unused)) static void fault_caught(int signo, siginfo_t *si,
						 void *uc)
{
	(void)uc;
	fault_signo = signo;
	fault_code = si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(fault_back, 1);
}

#define FAULTS(access, where)                                                \
	do {                                                                 \
		on(SIGSEGV, fault_caught, 0);                                \
		on(SIGBUS, fault_caught, 0);                                 \
		if (sigsetjmp(fault_back, 1) == 0) {                         \
			access;                                              \
			printf("%s: no fault\n", #access);                   \
		} else {                                                     \
			printf("%s: signal %d code %d %s\n", #access,        \
			       fault_signo, fault_code,                      \
			       fault_addr == (void *)(where) ? "there"       \
							     : "ELSEWHERE"); \
		}                                                            \
		off(SIGSEGV);                                                \
		off(SIGBUS);                                                 \
	} while (0)

/* A folder of its own in /tmp, and out of it again */
static char own_dir[32];

static inline void enter_dir(void)
{
	strcpy(own_dir, "/tmp/abi-XXXXXX");
	if (!mkdtemp(own_dir)) {
		printf("NEED mkdtemp: %s\n", errname(errno));
		exit(99);
	}
	NEED(chdir(own_dir));
}

static inline void leave_dir(void)
{
	SHOW(chdir("/"));
	SHOW(rmdir(own_dir));
}

static inline int abi_main(int argc, char **argv, const struct abi_case *cases,
			   size_t n)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 4096);
	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (size_t i = 0; i < n; i++)
			puts(cases[i].name);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		bool wanted = argc == 1;

		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], cases[i].name);
		if (!wanted)
			continue;
		printf("== %s\n", cases[i].name);
		cases[i].run();
	}
	return 0;
}

#define MAIN(...)                                                       \
	int main(int argc, char **argv)                                 \
	{                                                               \
		static const struct abi_case cases[] = { __VA_ARGS__ }; \
                                                                        \
		return abi_main(argc, argv, cases, COUNT(cases));       \
	}

#endif
