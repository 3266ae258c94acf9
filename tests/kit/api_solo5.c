/* api_solo5.c: a program for Solo5's interface: what has no network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <solo5.h>

#define BLOCK 512

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static void say(const char *s)
{
	solo5_console_write(s, length(s));
}

static void expect(int good, const char *what)
{
	if (good)
		return;
	say("wrong: ");
	say(what);
	say("\n");
	solo5_exit(SOLO5_EXIT_FAILURE);
}

static void check_heap(const struct solo5_start_info *info)
{
	volatile uint8_t *heap = (volatile uint8_t *)info->heap_start;

	expect(info->heap_size >= 32u << 20, "heap of most of 64 MiB");
	for (size_t i = 0; i < info->heap_size; i += 65536)
		heap[i] = (uint8_t)(i >> 16);
	heap[info->heap_size - 1] = 1;
	for (size_t i = 0; i < info->heap_size - 1; i += 65536)
		expect(heap[i] == (uint8_t)(i >> 16), "heap");
}

static void check_clock(void)
{
	solo5_time_t t = solo5_clock_monotonic();
	solo5_handle_set_t ready = 1;

	solo5_yield(t + 10000000, &ready);
	expect(ready == 0, "nothing is ready");
	expect(solo5_clock_monotonic() - t >= 10000000, "the deadline");
	solo5_yield(0, NULL);
	expect(solo5_clock_wall() > 1600000000000000000ull, "wall clock");
}

static uintptr_t tls;

static void check_tls(void)
{
	uintptr_t got;

	tls = 0x1234567;
	expect(solo5_set_tls_base((uintptr_t)&tls) == SOLO5_R_OK, "tls");
	__asm__ volatile("mov %%fs:0, %0" : "=r"(got));
	expect(got == tls, "fs");
}

static void check_block(void)
{
	struct solo5_block_info info;
	solo5_handle_t h, other;
	uint8_t a[2 * BLOCK], b[2 * BLOCK];

	expect(solo5_block_acquire("nothing", &h, &info) == SOLO5_R_EINVAL,
	       "a disk that is not there");
	expect(solo5_block_acquire("storage", &h, &info) == SOLO5_R_OK,
	       "acquire");
	expect(solo5_block_acquire("storage", &other, &info) == SOLO5_R_EINVAL,
	       "twice");
	expect(info.block_size == BLOCK && info.capacity == 65536, "info");
	for (unsigned i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 7);
	expect(solo5_block_write(h, BLOCK, a, sizeof(a)) == SOLO5_R_OK,
	       "write");
	expect(solo5_block_read(h, BLOCK, b, sizeof(b)) == SOLO5_R_OK, "read");
	for (unsigned i = 0; i < sizeof(a); i++)
		expect(a[i] == b[i], "what was read");
	expect(solo5_block_read(h, 100, b, BLOCK) == SOLO5_R_EINVAL, "offset");
	expect(solo5_block_read(h, 0, b, 100) == SOLO5_R_EINVAL, "size");
	expect(solo5_block_read(h, info.capacity, b, BLOCK) == SOLO5_R_EINVAL,
	       "end");
	expect(solo5_block_read(h + 1, 0, b, BLOCK) == SOLO5_R_EINVAL,
	       "another handle");
}

int solo5_app_main(const struct solo5_start_info *info)
{
	struct solo5_net_info net;
	solo5_handle_t h;

	say("command line: '");
	say(info->cmdline);
	say("'\n");
	check_heap(info);
	check_clock();
	check_tls();
	check_block();
	expect(solo5_net_acquire("service", &h, &net) == SOLO5_R_EINVAL,
	       "a card that is not there");
	expect(solo5_net_read(0, (uint8_t *)info->heap_start, 1,
			      &(size_t){ 0 }) == SOLO5_R_EINVAL,
	       "no handle");
	say("done\n");
	if (info->cmdline[0] == 'a')
		solo5_abort();
	return SOLO5_EXIT_SUCCESS;
}
