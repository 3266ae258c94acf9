/* strace.c: see strace.h. A call is written when it has ended, because only
 * then is known what it filled in; one that does not come back, before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/strace.h"

#include "drivers/console.h"
#include "kernel/cpu.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/signal.h"
#include "linux/strace_calls.h"
#include "linux/strace_names.h"

#define LINE_LEN   1024u
#define STRING_MAX 32u /* shown of a buffer */
#define PATH_SHOWN 256u
#define VECS_SHOWN 4u
#define ARGS_MAX   6u

#define AT_FDCWD  (-100)
#define O_CREAT   0100u
#define FUTEX_CMD 0x7fu
#define ERRNO_MAX 4095

#define CALL(number, name, args) #number " " #name " " args "\0"
static const char calls[] = STRACE_CALLS(CALL);
#undef CALL

/* The line being written. */
static char line[LINE_LEN];
static uint64_t line_len;

struct call {
	uint64_t arg[ARGS_MAX];
	int64_t result;
};

/* --- the line ----------------------------------------------------------------- */

static void put(const char *fmt, ...) PRINTF(1, 2);

static void put(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line_len += format_v(line + line_len, LINE_LEN - 1 - line_len, fmt, ap);
	va_end(ap);
}

static void put_char(char c)
{
	if (line_len < LINE_LEN - 2)
		line[line_len++] = c;
}

static void end_line(void)
{
	line[line_len] = '\n'; /* put leaves room for it */
	line[line_len + 1] = 0;
	console_print(line);
	console_push(CONSOLE_ERR);
	line_len = 0;
}

/* --- names -------------------------------------------------------------------- */

static uint64_t number_at(const char **s, unsigned base)
{
	uint64_t v = 0;

	for (; **s != ' '; ++*s) {
		unsigned digit = (unsigned char)**s;

		v = v * base + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	++*s;
	return v;
}

static const char *name_of(const char *list, uint64_t v, unsigned base)
{
	while (*list) {
		if (number_at(&list, base) == v)
			return list;
		list += strlen(list) + 1;
	}
	return NULL;
}

static void put_name(const char *list, uint64_t v)
{
	const char *name = name_of(list, v, 16);

	if (name)
		put("%s", name);
	else
		put("0x%lx", v);
}

/* Several, with what is left as a number; `none` if there is nothing. */
static void put_flags(const char *list, uint64_t v, const char *none)
{
	bool first = true;

	while (*list) {
		uint64_t bits = number_at(&list, 16);

		if ((v & bits) == bits) {
			put("%s%s", first ? "" : "|", list);
			first = false;
			v &= ~bits;
		}
		list += strlen(list) + 1;
	}
	if (first && !v)
		put("%s", none);
	else if (v)
		put("%s0x%lx", first ? "" : "|", v);
}

/* --- memory ------------------------------------------------------------------- */

static void put_pointer(uint64_t gva)
{
	if (gva)
		put("0x%lx", gva);
	else
		put("NULL");
}

static void put_octal(uint64_t v)
{
	char digits[24];
	unsigned n = sizeof(digits);

	digits[--n] = 0;
	for (; v; v >>= 3)
		digits[--n] = (char)('0' + (v & 7));
	digits[--n] = '0';
	put("%s", digits + n);
}

/* One byte of a string, as C writes it; `next` decides about octals. */
static void put_byte(uint8_t c, uint8_t next)
{
	static const char plain[] = "\tt\nn\rr\vv\ff\"\"\\\\";

	for (const char *p = plain; *p; p += 2)
		if (c == (uint8_t)*p) {
			put("\\%c", p[1]);
			return;
		}
	if (c >= ' ' && c <= '~') {
		put_char((char)c);
		return;
	}
	put_char('\\');
	if (c >= 64 || (next >= '0' && next <= '9'))
		put_char((char)('0' + (c >> 6)));
	if (c >= 8 || (next >= '0' && next <= '9'))
		put_char((char)('0' + (c >> 3 & 7)));
	put_char((char)('0' + (c & 7)));
}

static void put_bytes(uint64_t gva, uint64_t len)
{
	uint8_t buf[STRING_MAX + 1] = { 0 };
	uint64_t n = min_u64(len, STRING_MAX);

	if (user_read(buf, gva, n)) {
		put_pointer(gva);
		return;
	}
	put_char('"');
	for (uint64_t i = 0; i < n; i++)
		put_byte(buf[i], i + 1 < n ? buf[i + 1] : 0);
	put("\"%s", n < len ? "..." : "");
}

static void put_string(uint64_t gva)
{
	char buf[2];

	if (!gva || user_read(buf, gva, 1)) {
		put_pointer(gva);
		return;
	}
	put_char('"');
	for (unsigned i = 0; i < PATH_SHOWN && !user_read(buf, gva + i, 1);
	     i++) {
		if (!buf[0]) {
			put_char('"');
			return;
		}
		if (user_read(buf + 1, gva + i + 1, 1))
			buf[1] = 0;
		put_byte((uint8_t)buf[0], (uint8_t)buf[1]);
	}
	put("\"...");
}

/* The first `filled` bytes of what the pieces hold. */
static void put_vectors(uint64_t gva, uint64_t n, uint64_t filled)
{
	uint64_t vec[2];

	put_char('[');
	for (uint64_t i = 0; i < n; i++, gva += 16) {
		uint64_t len;

		if (i == VECS_SHOWN || user_read(vec, gva, 16)) {
			put("%s...", i ? ", " : "");
			break;
		}
		len = min_u64(vec[1], filled);
		filled -= len;
		put("%s{iov_base=", i ? ", " : "");
		put_bytes(vec[0], len);
		put(", iov_len=%lu}", vec[1]);
	}
	put_char(']');
}

static void put_timespec(uint64_t gva)
{
	int64_t t[2];

	if (!gva || user_read(t, gva, sizeof(t)))
		put_pointer(gva);
	else
		put("{tv_sec=%ld, tv_nsec=%ld}", t[0], t[1]);
}

static void put_address(uint64_t gva, uint64_t len)
{
	union {
		uint16_t family;
		uint8_t bytes[28];
		struct {
			uint16_t family, pad;
			uint32_t port, cid;
		} vsock;
	} a = { 0 };
	const uint8_t *b = a.bytes;

	if (!gva || len < 2 || user_read(&a, gva, min_u64(len, sizeof(a)))) {
		put_pointer(gva);
		return;
	}
	put("{sa_family=");
	put_name(domain_names, a.family);
	if (a.family == 1 && len > 2) {
		put(", sun_path=");
		if (b[2])
			put_string(gva + 2);
		else
			put_bytes(gva + 2, len - 2);
	} else if (a.family == 2) {
		put(", sin_port=htons(%u), sin_addr=inet_addr("
		    "\"%u.%u.%u.%u\")",
		    (unsigned)(b[2] << 8 | b[3]), b[4], b[5], b[6], b[7]);
	} else if (a.family == 10) {
		put(", sin6_port=htons(%u), sin6_addr=",
		    (unsigned)(b[2] << 8 | b[3]));
		for (unsigned i = 8; i < 24; i += 2)
			put("%s%x", i > 8 ? ":" : "",
			    (unsigned)(b[i] << 8 | b[i + 1]));
	} else if (a.family == 40) {
		put(", svm_cid=0x%x, svm_port=0x%x", a.vsock.cid, a.vsock.port);
	}
	put_char('}');
}

static void put_stat(uint64_t gva)
{
	uint64_t st[8];
	static const char types[] =
		"1000 S_IFIFO\0002000 S_IFCHR\0004000 S_IFDIR\0006000 S_IFBLK\0"
		"8000 S_IFREG\000a000 S_IFLNK\000c000 S_IFSOCK\0";

	if (user_read(st, gva, sizeof(st))) {
		put_pointer(gva);
		return;
	}
	put("{st_mode=");
	put_name(types, st[3] & 0xf000);
	put_char('|');
	put_octal(st[3] & 07777);
	put(", st_size=%lu, ...}", st[6]);
}

static void put_signals(uint64_t gva)
{
	uint64_t set;
	bool first = true;

	if (!gva || user_read(&set, gva, sizeof(set))) {
		put_pointer(gva);
		return;
	}
	/* a set that is nearly full is shown by what is missing */
	if (set >> 32 == 0xffffffff) {
		put_char('~');
		set = ~set;
	}
	put_char('[');
	for (unsigned n = 1; n <= 64; n++)
		if (set >> (n - 1) & 1) {
			const char *name = signal_name(n);

			if (str_equal(name, "signal"))
				put("%s%u", first ? "" : " ", n);
			else
				put("%s%s", first ? "" : " ", name + 3);
			first = false;
		}
	put_char(']');
}

static void put_sigaction(uint64_t gva)
{
	uint64_t a[4];

	if (!gva || user_read(a, gva, sizeof(a))) {
		put_pointer(gva);
		return;
	}
	put("{sa_handler=");
	if (a[0] < 2)
		put("%s", a[0] ? "SIG_IGN" : "SIG_DFL");
	else
		put_pointer(a[0]);
	put(", sa_mask=");
	put_signals(gva + 24);
	put(", sa_flags=0x%lx}", a[1]);
}

static void put_pollfds(uint64_t gva, uint64_t n)
{
	struct {
		int32_t fd;
		uint16_t events, revents;
	} p;

	put_char('[');
	for (uint64_t i = 0; i < n; i++, gva += sizeof(p)) {
		if (i == VECS_SHOWN || user_read(&p, gva, sizeof(p))) {
			put("%s...", i ? ", " : "");
			break;
		}
		put("%s{fd=%d, events=", i ? ", " : "", p.fd);
		put_flags(poll_flags, p.events, "0");
		if (p.revents) {
			put(", revents=");
			put_flags(poll_flags, p.revents, "0");
		}
		put_char('}');
	}
	put_char(']');
}

static void put_epoll_events(uint64_t gva, uint64_t n)
{
	uint32_t e[3]; /* packed: events, data */

	for (uint64_t i = 0; i < n; i++, gva += sizeof(e)) {
		if (i == VECS_SHOWN || user_read(e, gva, sizeof(e))) {
			put("%s...", i ? ", " : "");
			break;
		}
		put("%s{events=", i ? ", " : "");
		put_flags(epoll_flags, e[0], "0");
		put(", data=0x%lx}", (uint64_t)e[2] << 32 | e[1]);
	}
}

static void put_ints(uint64_t gva)
{
	int32_t v[2];

	if (user_read(v, gva, sizeof(v)))
		put_pointer(gva);
	else
		put("[%d, %d]", v[0], v[1]);
}

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
		put_address(v, len);
	else
		put_pointer(v);
}

/* What the call reads or writes through a pointer. */
static void put_memory(const struct call *c, char kind, unsigned i)
{
	const uint64_t v = c->arg[i];
	const uint64_t next = i + 1 < ARGS_MAX ? c->arg[i + 1] : 0;
	const bool is_out = kind == 'B' || kind == 'V' || kind == 'T' ||
			    kind == 'z' || kind == '2' || kind == 'G' ||
			    kind == 'Q';

	if (is_out && (!filled(c) || !v)) {
		put_pointer(v);
		return;
	}
	switch (kind) {
	case 'b':
		put_bytes(v, next);
		break;
	case 'B':
		put_bytes(v, (uint64_t)c->result);
		break;
	case 'v':
		put_vectors(v, next, ~0ull);
		break;
	case 'V':
		put_vectors(v, next, (uint64_t)c->result);
		break;
	case 'a':
		put_address(v, next);
		break;
	case 'A':
		put_length_of(c, v, next);
		break;
	case 't':
	case 'T':
		put_timespec(v);
		break;
	case 'z':
		put_stat(v);
		break;
	case '2':
		put_ints(v);
		break;
	case 'q':
		put_pollfds(v, next);
		break;
	case 'Q':
		put_char('[');
		put_epoll_events(v, (uint64_t)c->result);
		put_char(']');
		break;
	case 'e':
		put_epoll_events(v, 1);
		break;
	case 'm':
		put_signals(v);
		break;
	default: /* g, G */
		put_sigaction(v);
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
			put_name(lists[i].list, (uint32_t)v);
			return true;
		}
	switch (kind) {
	case 'O':
		if (!(v & 3))
			put("O_RDONLY%s", v & ~3ull ? "|" : "");
		if (v)
			put_flags(open_flags, (uint32_t)v, "");
		return true;
	case 'P':
		put_flags(prot_flags, v, "PROT_NONE");
		return true;
	case 'M':
		put_flags(mmap_flags, v, "0");
		return true;
	case 'N':
		put_flags(at_flags, (uint32_t)v, "0");
		return true;
	case 'I':
		put_name(socket_names, v & 15);
		if (v & ~15ull) {
			put_char('|');
			put_flags(socket_flags, v & ~15ull, "");
		}
		return true;
	case 'F':
		put_name(futex_names, v & FUTEX_CMD);
		put("%s%s", v & 128 ? "_PRIVATE" : "",
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
			put("AT_FDCWD");
			break;
		}
		/* fall through */
	case 'f':
	case 'd':
		put("%d", (int)v);
		break;
	case 'u':
		put("%lu", v);
		break;
	case 'l':
		put("%ld", (int64_t)v);
		break;
	case 'x':
		if (v)
			put("0x%lx", v);
		else
			put_char('0');
		break;
	case 'p':
		put_pointer(v);
		break;
	case 'o':
		put_octal(v & 07777);
		break;
	case 's':
		put_string(v);
		break;
	case 'S':
		if (str_equal(signal_name((unsigned)v), "signal"))
			put("%d", (int)v);
		else
			put("%s", signal_name((unsigned)v));
		break;
	default:
		if (!put_named(kind, v))
			put_memory(c, kind, i);
		break;
	}
}

static void put_args(const struct call *c, const char *kinds)
{
	for (unsigned i = 0; i < ARGS_MAX && kinds[i] && kinds[i] != '='; i++) {
		/* a mode means something to a file that is made */
		if (i && kinds[i] == 'o' && kinds[i - 1] == 'O' &&
		    !(c->arg[i - 1] & O_CREAT))
			break;
		if (i)
			put(", ");
		put_arg(c, kinds[i], i);
	}
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

	put(") = ");
	if (kind == '?')
		put_char('?');
	else if (result < 0 && result >= -ERRNO_MAX) {
		name = name_of(errors, (uint64_t)-result, 10);
		if (name)
			put("-1 %s", name);
		else
			put("-1 errno %ld", -result);
	} else if (kind == 'p') {
		put("0x%lx", (uint64_t)result);
	} else {
		put("%ld", result);
	}
}

/* "name kinds", or NULL. */
static const char *find(uint64_t number)
{
	return name_of(calls, number, 10);
}

static void write_line(const struct regs *r, uint64_t number, int64_t result)
{
	const char *s = find(number), *kinds = "xxxxxx";
	const struct call c = {
		{ ARG1(r), ARG2(r), ARG3(r), ARG4(r), ARG5(r), ARG6(r) }, result
	};

	line_len = 0;
	if (s) {
		for (kinds = s; *kinds != ' '; kinds++)
			put_char(*kinds);
		kinds++;
	} else {
		put("syscall_0x%lx", number);
	}
	put_char('(');
	put_args(&c, kinds);
	put_result(result_kind(kinds), result);
	end_line();
}

void strace_call(const struct regs *r, uint64_t number)
{
	const char *s = find(number);

	if (s && result_kind(s) == '?')
		write_line(r, number, 0);
}

void strace_result(const struct regs *r, uint64_t number, int64_t result)
{
	const char *s = find(number);

	if (!s || result_kind(s) != '?')
		write_line(r, number, result);
}
