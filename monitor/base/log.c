/* log.c: see log.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_LEN  512
#define BUCKET_TOKENS 10

static int log_fd = STDERR_FILENO;
static enum log_level log_max = LOG_WARN;

void log_setup(int fd, enum log_level max)
{
	log_fd = fd;
	log_max = max;
}

enum log_level log_level(void)
{
	return log_max;
}

PRINTF(3, 0)
static void emit(enum log_level l, const char *unit, const char *fmt,
		 va_list ap, uint32_t swallowed)
{
	static const char *const names[] = { "error", "warning", "info",
					     "debug" };
	char line[LINE_MAX_LEN];
	size_t n, max = sizeof(line) - 1; /* room for the newline */
	int r;

	r = snprintf(line, max, "mayfly: %s: %s: ", names[l], unit);
	n = r < 0 ? 0 : (size_t)r < max ? (size_t)r : max - 1;
	r = vsnprintf(line + n, max - n, fmt, ap);
	if (r > 0)
		n = (size_t)r < max - n ? n + (size_t)r : max - 1;
	if (swallowed) {
		r = snprintf(line + n, max - n, " (%u such lines not shown)",
			     swallowed);
		if (r > 0)
			n = (size_t)r < max - n ? n + (size_t)r : max - 1;
	}
	line[n++] = '\n';
	(void)!write(log_fd, line, n); /* nobody is left to tell */
}

void log_line(enum log_level l, const char *unit, const char *fmt, ...)
{
	va_list ap;

	if (l > log_max)
		return;
	va_start(ap, fmt);
	emit(l, unit, fmt, ap, 0);
	va_end(ap);
}

/* One token comes back each second, up to BUCKET_TOKENS. */
static int bucket_take(struct log_bucket *b)
{
	uint64_t now = clock_mono_ns();
	uint64_t then =
		atomic_load_explicit(&b->filled_ns, memory_order_relaxed);
	uint32_t t;

	if (now - then >= NS_PER_SEC &&
	    atomic_compare_exchange_strong(&b->filled_ns, &then, now)) {
		uint64_t back = then ? (now - then) / NS_PER_SEC : 0;

		t = atomic_load(&b->tokens);
		atomic_store(&b->tokens, back + t > BUCKET_TOKENS
						 ? BUCKET_TOKENS
						 : (uint32_t)back + t);
	}
	t = atomic_load(&b->tokens);
	while (t > 0)
		if (atomic_compare_exchange_weak(&b->tokens, &t, t - 1))
			return 1;
	return 0;
}

void log_guest_line(struct log_bucket *b, const char *unit, const char *fmt,
		    ...)
{
	va_list ap;

	if (log_max < LOG_WARN)
		return;
	if (!bucket_take(b)) {
		atomic_fetch_add(&b->swallowed, 1);
		return;
	}
	va_start(ap, fmt);
	emit(LOG_WARN, unit, fmt, ap, atomic_exchange(&b->swallowed, 0));
	va_end(ap);
}
