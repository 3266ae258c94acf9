/* strace_print.c: values as strace(1) writes them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/user.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/signal.h"
#include "linux/strace_names.h"
#include "linux/strace_priv.h"

#define LINE_LEN   1024u
#define STRING_MAX 32u /* shown of a buffer */
#define PATH_SHOWN 256u
#define VECS_SHOWN 4u

/* The line being written. */
static char line[LINE_LEN];
static uint64_t line_len;

/* --- the line ----------------------------------------------------------------- */

void strace_put(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line_len += format_v(line + line_len, LINE_LEN - 1 - line_len, fmt, ap);
	va_end(ap);
}

void strace_put_char(char c)
{
	if (line_len < LINE_LEN - 2)
		line[line_len++] = c;
}

void strace_end_line(void)
{
	char out[LINE_LEN]; /* the console may sleep */

	memcpy(out, line, line_len);
	out[line_len] = '\n'; /* put leaves room for it */
	out[line_len + 1] = 0;
	line_len = 0;
	console_print(out);
	console_push(CONSOLE_ERR);
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

const char *strace_name_of(const char *list, uint64_t v, unsigned base)
{
	while (*list) {
		if (number_at(&list, base) == v)
			return list;
		list += strlen(list) + 1;
	}
	return NULL;
}

void strace_put_name(const char *list, uint64_t v)
{
	const char *name = strace_name_of(list, v, 16);

	if (name)
		strace_put("%s", name);
	else
		strace_put("0x%lx", v);
}

/* Several, with what is left as a number; `none` if there is nothing. */
void strace_put_flags(const char *list, uint64_t v, const char *none)
{
	bool first = true;

	while (*list) {
		uint64_t bits = number_at(&list, 16);

		if ((v & bits) == bits) {
			strace_put("%s%s", first ? "" : "|", list);
			first = false;
			v &= ~bits;
		}
		list += strlen(list) + 1;
	}
	if (first && !v)
		strace_put("%s", none);
	else if (v)
		strace_put("%s0x%lx", first ? "" : "|", v);
}

/* --- memory ------------------------------------------------------------------- */

void strace_put_pointer(uint64_t gva)
{
	if (gva)
		strace_put("0x%lx", gva);
	else
		strace_put("NULL");
}

void strace_put_octal(uint64_t v)
{
	char digits[24];
	unsigned n = sizeof(digits);

	digits[--n] = 0;
	for (; v; v >>= 3)
		digits[--n] = (char)('0' + (v & 7));
	digits[--n] = '0';
	strace_put("%s", digits + n);
}

/* One byte of a string, as C writes it; `next` decides about octals. */
static void put_byte(uint8_t c, uint8_t next)
{
	static const char plain[] = "\tt\nn\rr\vv\ff\"\"\\\\";

	for (const char *p = plain; *p; p += 2)
		if (c == (uint8_t)*p) {
			strace_put("\\%c", p[1]);
			return;
		}
	if (c >= ' ' && c <= '~') {
		strace_put_char((char)c);
		return;
	}
	strace_put_char('\\');
	if (c >= 64 || (next >= '0' && next <= '9'))
		strace_put_char((char)('0' + (c >> 6)));
	if (c >= 8 || (next >= '0' && next <= '9'))
		strace_put_char((char)('0' + (c >> 3 & 7)));
	strace_put_char((char)('0' + (c & 7)));
}

void strace_put_bytes(uint64_t gva, uint64_t len)
{
	uint8_t buf[STRING_MAX + 1] = { 0 };
	uint64_t n = min_u64(len, STRING_MAX);

	if (user_read(buf, gva, n)) {
		strace_put_pointer(gva);
		return;
	}
	strace_put_char('"');
	for (uint64_t i = 0; i < n; i++)
		put_byte(buf[i], i + 1 < n ? buf[i + 1] : 0);
	strace_put("\"%s", n < len ? "..." : "");
}

void strace_put_string(uint64_t gva)
{
	char buf[2];

	if (!gva || user_read(buf, gva, 1)) {
		strace_put_pointer(gva);
		return;
	}
	strace_put_char('"');
	for (unsigned i = 0; i < PATH_SHOWN && !user_read(buf, gva + i, 1);
	     i++) {
		if (!buf[0]) {
			strace_put_char('"');
			return;
		}
		if (user_read(buf + 1, gva + i + 1, 1))
			buf[1] = 0;
		put_byte((uint8_t)buf[0], (uint8_t)buf[1]);
	}
	strace_put("\"...");
}

/* The first `filled` bytes of what the pieces hold. */
void strace_put_vectors(uint64_t gva, uint64_t n, uint64_t filled)
{
	uint64_t vec[2];

	strace_put_char('[');
	for (uint64_t i = 0; i < n; i++, gva += 16) {
		uint64_t len;

		if (i == VECS_SHOWN || user_read(vec, gva, 16)) {
			strace_put("%s...", i ? ", " : "");
			break;
		}
		len = min_u64(vec[1], filled);
		filled -= len;
		strace_put("%s{iov_base=", i ? ", " : "");
		strace_put_bytes(vec[0], len);
		strace_put(", iov_len=%lu}", vec[1]);
	}
	strace_put_char(']');
}

void strace_put_timespec(uint64_t gva)
{
	int64_t t[2];

	if (!gva || user_read(t, gva, sizeof(t)))
		strace_put_pointer(gva);
	else
		strace_put("{tv_sec=%ld, tv_nsec=%ld}", t[0], t[1]);
}

void strace_put_address(uint64_t gva, uint64_t len)
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
		strace_put_pointer(gva);
		return;
	}
	strace_put("{sa_family=");
	strace_put_name(domain_names, a.family);
	if (a.family == 1 && len > 2) {
		strace_put(", sun_path=");
		if (b[2])
			strace_put_string(gva + 2);
		else
			strace_put_bytes(gva + 2, len - 2);
	} else if (a.family == 2) {
		strace_put(", sin_port=htons(%u), sin_addr=inet_addr("
			   "\"%u.%u.%u.%u\")",
			   (unsigned)(b[2] << 8 | b[3]), b[4], b[5], b[6],
			   b[7]);
	} else if (a.family == 10) {
		strace_put(", sin6_port=htons(%u), sin6_addr=",
			   (unsigned)(b[2] << 8 | b[3]));
		for (unsigned i = 8; i < 24; i += 2)
			strace_put("%s%x", i > 8 ? ":" : "",
				   (unsigned)(b[i] << 8 | b[i + 1]));
	} else if (a.family == 40) {
		strace_put(", svm_cid=0x%x, svm_port=0x%x", a.vsock.cid,
			   a.vsock.port);
	}
	strace_put_char('}');
}

void strace_put_stat(uint64_t gva)
{
	uint64_t st[8];
	static const char types[] =
		"1000 S_IFIFO\0002000 S_IFCHR\0004000 S_IFDIR\0006000 S_IFBLK\0"
		"8000 S_IFREG\000a000 S_IFLNK\000c000 S_IFSOCK\0";

	if (user_read(st, gva, sizeof(st))) {
		strace_put_pointer(gva);
		return;
	}
	strace_put("{st_mode=");
	strace_put_name(types, st[3] & 0xf000);
	strace_put_char('|');
	strace_put_octal(st[3] & 07777);
	strace_put(", st_size=%lu, ...}", st[6]);
}

void strace_put_signals(uint64_t gva)
{
	uint64_t set;
	bool first = true;
	unsigned n = 0;

	if (!gva || user_read(&set, gva, sizeof(set))) {
		strace_put_pointer(gva);
		return;
	}
	for (uint64_t left = set; left; left &= left - 1)
		n++;
	if (n > 32) { /* shorter by what is missing */
		strace_put_char('~');
		set = ~set;
	}
	strace_put_char('[');
	for (n = 1; n <= 64; n++)
		if (set >> (n - 1) & 1) {
			const char *name = signal_name(n);

			if (str_equal(name, "signal"))
				strace_put("%s%u", first ? "" : " ", n);
			else
				strace_put("%s%s", first ? "" : " ", name + 3);
			first = false;
		}
	strace_put_char(']');
}

void strace_put_sigaction(uint64_t gva)
{
	uint64_t a[4];

	if (!gva || user_read(a, gva, sizeof(a))) {
		strace_put_pointer(gva);
		return;
	}
	strace_put("{sa_handler=");
	if (a[0] < 2)
		strace_put("%s", a[0] ? "SIG_IGN" : "SIG_DFL");
	else
		strace_put_pointer(a[0]);
	strace_put(", sa_mask=");
	strace_put_signals(gva + 24);
	strace_put(", sa_flags=0x%lx}", a[1]);
}

void strace_put_pollfds(uint64_t gva, uint64_t n)
{
	struct {
		int32_t fd;
		uint16_t events, revents;
	} p;

	strace_put_char('[');
	for (uint64_t i = 0; i < n; i++, gva += sizeof(p)) {
		if (i == VECS_SHOWN || user_read(&p, gva, sizeof(p))) {
			strace_put("%s...", i ? ", " : "");
			break;
		}
		strace_put("%s{fd=%d, events=", i ? ", " : "", p.fd);
		strace_put_flags(poll_flags, p.events, "0");
		if (p.revents) {
			strace_put(", revents=");
			strace_put_flags(poll_flags, p.revents, "0");
		}
		strace_put_char('}');
	}
	strace_put_char(']');
}

void strace_put_epoll_events(uint64_t gva, uint64_t n)
{
	uint32_t e[3]; /* packed: events, data */

	for (uint64_t i = 0; i < n; i++, gva += sizeof(e)) {
		if (i == VECS_SHOWN || user_read(e, gva, sizeof(e))) {
			strace_put("%s...", i ? ", " : "");
			break;
		}
		strace_put("%s{events=", i ? ", " : "");
		strace_put_flags(epoll_flags, e[0], "0");
		strace_put(", data=0x%lx}", (uint64_t)e[2] << 32 | e[1]);
	}
}

void strace_put_ints(uint64_t gva)
{
	int32_t v[2];

	if (user_read(v, gva, sizeof(v)))
		strace_put_pointer(gva);
	else
		strace_put("[%d, %d]", v[0], v[1]);
}
