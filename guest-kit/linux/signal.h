/* signal.h: signals: sending, who waits for them, and their way into the
 * program. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_SIGNAL_H
#define LINUX_SIGNAL_H

#include "kernel/types.h"
#include "kernel/wait.h"

enum {
	LINUX_SIGHUP = 1,
	LINUX_SIGINT = 2,
	LINUX_SIGQUIT = 3,
	LINUX_SIGILL = 4,
	LINUX_SIGTRAP = 5,
	LINUX_SIGABRT = 6,
	LINUX_SIGBUS = 7,
	LINUX_SIGFPE = 8,
	LINUX_SIGKILL = 9,
	LINUX_SIGSEGV = 11,
	LINUX_SIGPIPE = 13,
	LINUX_SIGALRM = 14,
	LINUX_SIGTERM = 15,
	LINUX_SIGCHLD = 17,
	LINUX_SIGCONT = 18,
	LINUX_SIGSTOP = 19,
	LINUX_SIGTSTP = 20,
	LINUX_SIGTTIN = 21,
	LINUX_SIGTTOU = 22,
	LINUX_SIGURG = 23,
	LINUX_SIGVTALRM = 26,
	LINUX_SIGPROF = 27,
	LINUX_SIGWINCH = 28,
	LINUX_SIGIO = 29,
	LINUX_SIGSYS = 31,
	LINUX_SIGRTMIN = 32,
	LINUX_SIGNALS = 64,
};

/* A set of signals: bit n - 1 is signal n. */
typedef uint64_t sigset;
#define SIGSET(signal) (1ull << ((signal)-1))

/* si_code */
#define SI_USER     0
#define SI_KERNEL   0x80
#define SI_QUEUE    (-1)
#define SI_TIMER    (-2)
#define SI_TKILL    (-6)
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN  1
#define BUS_ADRERR  2
#define ILL_ILLOPN  2
#define FPE_INTDIV  1
#define FPE_FLTDIV  3
#define FPE_FLTOVF  4
#define FPE_FLTUND  5
#define FPE_FLTRES  6
#define FPE_FLTINV  7
#define TRAP_BRKPT  1
#define TRAP_TRACE  2

/* siginfo_t */
struct siginfo {
	int32_t signo, error, code, pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		};
		struct {
			int32_t id, overrun;
			uint64_t value;
		} timer;
		uint64_t addr;
		uint8_t rest[112];
	};
};

_Static_assert(sizeof(struct siginfo) == 128, "ABI");

/* One or several of a signal that wait for their turn. */
struct signal_queue {
	sigset set;
	struct signal_node *first, *last;
};

#define ALTSTACK_DISABLE 2u /* SS_DISABLE */

struct altstack {
	uint64_t sp;
	uint32_t flags, pad;
	uint64_t size;
};

/* What a thread has of its own. */
struct signals {
	sigset blocked;
	sigset waited; /* blocked, but ends sleep: rt_sigtimedwait */
	sigset saved;  /* to be blocked after the handler, if restore */
	bool restore;
	struct signal_queue pending;
	struct altstack alt;
	uint64_t fault_gva; /* of the last exception, for sigcontext */
	uint64_t fault_vector, fault_error;
};

struct thread;
struct regs;

/* To the process, or to one thread. Ignored signals vanish. 0, or -EAGAIN:
 * no room for a queued one. */
int signal_send(const struct siginfo *info);
int signal_send_thread(struct thread *t, const struct siginfo *info);
/* From the kernel to the calling thread, as SIGPIPE. */
void signal_send_current(unsigned signal);

/* The calling thread must stop sleeping: a signal that is not blocked is
 * there for it. */
bool signal_pending(const struct thread *t);
/* What is pending for the calling thread, blocked or not. */
sigset signal_pending_set(void);
/* Takes the first of these for the calling thread; its number, or 0. */
unsigned signal_dequeue(sigset set, struct siginfo *ret);
/* Woken whenever a signal was sent (signalfd). */
extern struct waitq signal_sent;

/* The calling thread's mask; what cannot be blocked is left out. */
void signal_set_blocked(sigset set);
/* For calls with a mask of their own (ppoll, pselect6, epoll_pwait,
 * rt_sigsuspend): until the call has ended and a handler, if any, has begun.
 * gva 0: no mask. -EFAULT, -EINVAL. */
WUR int64_t signal_use_mask(uint64_t gva, uint64_t len);

/* There is a handler and the calling thread does not block it. */
bool signal_is_caught(unsigned signal);
/* An exception of the program: cannot be blocked or ignored. */
void signal_force(const struct siginfo *info);

/* Before a thread ends. */
void signal_thread_ends(struct thread *t);

/* Delivers what is pending: changes r, or ends the machine. Also what a
 * call that ended with -ERESTARTSYS or the like returns. */
void signal_deliver(struct regs *r);

/* "SIGSEGV", or "signal". */
const char *signal_name(unsigned signal);

#endif
