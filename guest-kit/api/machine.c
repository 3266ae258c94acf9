/* machine.c: the machine itself, time, the console: see mayfly.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/mayfly.h"
#include "drivers/console.h"
#include "kernel/clock.h"
#include "kernel/entropy.h"
#include "kernel/exit.h"
#include "kernel/kmem.h"
#include "kernel/page.h"
#include "lib/format.h"

#define PRINT_MAX 1024

/* Before each piece of memory; keeps its alignment. */
struct block {
	uint64_t len; /* with this */
	uint64_t pad;
};

_Static_assert(sizeof(struct block) == 16, "aligned");

void mayfly_exit(int status)
{
	machine_exit((unsigned)status);
}

static uint64_t pages(uint64_t len)
{
	return page_up(len) / PAGE_LEN;
}

void *mayfly_alloc(size_t len)
{
	struct block *b = NULL;

	if (len < (1ull << 40)) {
		len += sizeof(*b);
		b = len <= KMEM_MAX ? kmem_alloc(len)
				    : page_alloc_run_zeroed(pages(len));
	}
	if (!b)
		return NULL;
	b->len = len;
	return b + 1;
}

void mayfly_free(void *p)
{
	struct block *b = p;

	if (!b)
		return;
	b--;
	if (b->len <= KMEM_MAX)
		kmem_free(b, b->len);
	else
		page_free_run(b, pages(b->len));
}

uint64_t mayfly_memory_free(void)
{
	return page_count_free() * PAGE_LEN;
}

bool mayfly_random(void *buf, size_t len)
{
	return entropy_fill(buf, len);
}

uint64_t mayfly_clock_monotonic(void)
{
	return clock_now();
}

uint64_t mayfly_clock_wall(void)
{
	return clock_wall();
}

void mayfly_write(const void *buf, size_t len)
{
	console_write(CONSOLE_OUT, buf, len);
	console_push(CONSOLE_OUT);
}

void mayfly_write_error(const void *buf, size_t len)
{
	console_write(CONSOLE_ERR, buf, len);
	console_push(CONSOLE_ERR);
}

void mayfly_printf(const char *fmt, ...)
{
	char text[PRINT_MAX];
	va_list ap;

	va_start(ap, fmt);
	mayfly_write(text, format_v(text, sizeof(text), fmt, ap));
	va_end(ap);
}

int64_t mayfly_read(void *buf, size_t len)
{
	return console_read(buf, len);
}
