/* strace.c: see strace.h. A call is written when it has ended, because only
 * then is known what it filled in; one that does not come back, before; one
 * that sleeps in two halves, the second from the first thing on that it fills
 * in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/strace.h"

#include "kernel/cpu.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/signal.h"
#include "linux/strace_calls.h"
#include "linux/strace_names.h"
#include "linux/strace_priv.h"

#define ARGS_MAX  6u
#define AT_FDCWD  (-100)
#define O_CREAT   0100u
#define FUTEX_CMD 0x7fu
#define ERRNO_MAX 4095

#define CALL(number, name, args) #number " " #name " " args "\0"
static const char calls[] = STRACE_CALLS(CALL);
#undef CALL

struct call {
	uint64_t arg[ARGS_MAX];
	int64_t result;
};

/* --- a call --------------------------------------------------------------------- */

/* What the call fills in is there: it went well. */
static bool filled(const struct call *c)
{
	return c->result >= 0;
}

static void put_length_of(const struct call *c, uint64_t v, uint64_t len_gva)
{
	uint32_t len;

	if (filled(c) && v && !user_read(&len, len_gva, sizeof(len)))
		strace_put_address(v, len);
	else
		strace_put_pointer(v);
}

static bool is_out(char kind)
{
	for (const char *p = "BVATz2GQ"; *p; p++)
		if (*p == kind)
			return true;
	return false;
}

/* What the call reads or writes through a pointer. */
static void put_memory(const struct call *c, char kind, unsigned i)
{
	const uint64_t v = c->arg[i];
	const uint64_t next = i + 1 < ARGS_MAX ? c->arg[i + 1] : 0;

	if (is_out(kind) && (!filled(c) || !v)) {
		strace_put_pointer(v);
		return;
	}
	switch (kind) {
	case 'b':
		strace_put_bytes(v, next);
		break;
	case 'B':
		strace_put_bytes(v, (uint64_t)c->result);
		break;
	case 'v':
		strace_put_vectors(v, next, ~0ull);
		break;
	case 'V':
		strace_put_vectors(v, next, (uint64_t)c->result);
		break;
	case 'a':
		strace_put_address(v, next);
		break;
	case 'A':
		put_length_of(c, v, next);
		break;
	case 't':
	case 'T':
		strace_put_timespec(v);
		break;
	case 'z':
		strace_put_stat(v);
		break;
	case '2':
		strace_put_ints(v);
		break;
	case 'q':
		strace_put_pollfds(v, next);
		break;
	case 'Q':
		strace_put_char('[');
		strace_put_epoll_events(v, (uint64_t)c->result);
		strace_put_char(']');
		break;
	case 'e':
		strace_put_epoll_events(v, 1);
		break;
	case 'm':
		strace_put_signals(v);
		break;
	default: /* g, G */
		strace_put_sigaction(v);
		break;
	}
}

/* Numbers that have names. */
static bool put_named(char kind, uint64_t v)
{
	static const struct {
		char kind;
		const char *list;
	} lists[] = {
		{ 'W', whence_names }, { 'H', how_names },
		{ 'C', clock_names },  { 'Y', domain_names },
		{ 'E', epoll_names },  { 'K', advice_names },
		{ 'Z', fcntl_names },  { 'J', ioctl_names },
		{ '!', prctl_names },
	};

	for (unsigned i = 0; i < ARRAY_LEN(lists); i++)
		if (lists[i].kind == kind) {
			strace_put_name(lists[i].list, (uint32_t)v);
			return true;
		}
	switch (kind) {
	case 'O':
		if (!(v & 3))
			strace_put("O_RDONLY%s", v & ~3ull ? "|" : "");
		if (v)
			strace_put_flags(open_flags, (uint32_t)v, "");
		return true;
	case 'P':
		strace_put_flags(prot_flags, v, "PROT_NONE");
		return true;
	case 'M':
		strace_put_flags(mmap_flags, v, "0");
		return true;
	case 'N':
		strace_put_flags(at_flags, (uint32_t)v, "0");
		return true;
	case 'I':
		strace_put_name(socket_names, v & 15);
		if (v & ~15ull) {
			strace_put_char('|');
			strace_put_flags(socket_flags, v & ~15ull, "");
		}
		return true;
	case 'F':
		strace_put_name(futex_names, v & FUTEX_CMD);
		strace_put("%s%s", v & 128 ? "_PRIVATE" : "",
			   v & 256 ? "|FUTEX_CLOCK_REALTIME" : "");
		return true;
	default:
		return false;
	}
}

static void put_arg(const struct call *c, char kind, unsigned i)
{
	const uint64_t v = c->arg[i];

	switch (kind) {
	case 'D':
		if ((int32_t)v == AT_FDCWD) {
			strace_put("AT_FDCWD");
			break;
		}
		/* fall through */
	case 'f':
	case 'd':
		strace_put("%d", (int)v);
		break;
	case 'u':
		strace_put("%lu", v);
		break;
	case 'l':
		strace_put("%ld", (int64_t)v);
		break;
	case 'x':
		if (v)
			strace_put("0x%lx", v);
		else
			strace_put_char('0');
		break;
	case 'p':
		strace_put_pointer(v);
		break;
	case 'o':
		strace_put_octal(v & 07777);
		break;
	case 's':
		strace_put_string(v);
		break;
	case 'S':
		if (str_equal(signal_name((unsigned)v), "signal"))
			strace_put("%d", (int)v);
		else
			strace_put("%s", signal_name((unsigned)v));
		break;
	default:
		if (!put_named(kind, v))
			put_memory(c, kind, i);
		break;
	}
}

/* Those from .. to-1. */
static void put_args(const struct call *c, const char *kinds, unsigned from,
		     unsigned to)
{
	for (unsigned i = from; i < to && kinds[i] && kinds[i] != '='; i++) {
		/* a mode means something to a file that is made */
		if (i && kinds[i] == 'o' && kinds[i - 1] == 'O' &&
		    !(c->arg[i - 1] & O_CREAT))
			break;
		if (i)
			strace_put(", ");
		put_arg(c, kinds[i], i);
	}
}

/* The first argument that the call fills in. */
static unsigned first_out(const char *kinds)
{
	unsigned i = 0;

	while (i < ARGS_MAX && kinds[i] && !is_out(kinds[i]))
		i++;
	return i;
}

static char result_kind(const char *kinds)
{
	while (*kinds && *kinds != '=')
		kinds++;
	return *kinds ? kinds[1] : 'd';
}

static void put_result(char kind, int64_t result)
{
	const char *name = NULL;

	strace_put(") = ");
	if (kind == '?')
		strace_put_char('?');
	else if (result <= -LINUX_ERESTARTSYS &&
		 result >= -LINUX_ERESTARTNOHAND)
		strace_put("? ERESTART (to be made again, or EINTR)");
	else if (result < 0 && result >= -ERRNO_MAX) {
		name = strace_name_of(errors, (uint64_t)-result, 10);
		if (name)
			strace_put("-1 %s", name);
		else
			strace_put("-1 errno %ld", -result);
	} else if (kind == 'p') {
		strace_put("0x%lx", (uint64_t)result);
	} else {
		strace_put("%ld", result);
	}
}

/* "name kinds", or NULL. */
static const char *find(uint64_t number)
{
	return strace_name_of(calls, number, 10);
}

/* A line's beginning, up to the call's name; returns the kinds. */
static const char *begin_line(uint64_t number, const char *before)
{
	const char *s = find(number);

	if (thread_count() > 1)
		strace_put("[pid %d] ", thread_current()->tid);
	strace_put("%s", before);
	if (!s) {
		strace_put("syscall_0x%lx", number);
		return "xxxxxx";
	}
	while (*s != ' ')
		strace_put_char(*s++);
	return s + 1;
}

static struct call call_of(const struct regs *r, int64_t result)
{
	return (struct call){
		{ ARG1(r), ARG2(r), ARG3(r), ARG4(r), ARG5(r), ARG6(r) }, result
	};
}

static void write_line(const struct regs *r, uint64_t number, int64_t result)
{
	const struct call c = call_of(r, result);
	const char *kinds;

	if (thread_current()->half_traced) {
		kinds = begin_line(number, "<... ");
		strace_put(" resumed>");
		put_args(&c, kinds, first_out(kinds), ARGS_MAX);
	} else {
		kinds = begin_line(number, "");
		strace_put_char('(');
		put_args(&c, kinds, 0, ARGS_MAX);
	}
	put_result(result_kind(kinds), result);
	strace_end_line();
}

void strace_sleep(void)
{
	struct thread *t = thread_current();
	const struct regs *r = t->regs;
	const struct call c = call_of(r, 0);
	const char *kinds;

	if (t->half_traced || r->vector != VEC_SYSCALL)
		return;
	t->half_traced = true;
	kinds = begin_line(r->error, "");
	strace_put_char('(');
	put_args(&c, kinds, 0, first_out(kinds));
	strace_put(" <unfinished ...>");
	strace_end_line();
}

/* One that does not come back has said all: nothing follows if it sleeps. */
void strace_call(const struct regs *r, uint64_t number)
{
	const char *s = find(number);

	if (!s || result_kind(s) != '?')
		return;
	write_line(r, number, 0);
	thread_current()->half_traced = true;
}

void strace_result(const struct regs *r, uint64_t number, int64_t result)
{
	const char *s = find(number);

	if (!s || result_kind(s) != '?')
		write_line(r, number, result);
	thread_current()->half_traced = false;
}
