/* linked_balloon.c: a program linked with the kit's own code in the place of
 * kernel/main.c, which works for the host's balloon with the kit's driver and
 * says how far it got. It fills memory ("filled"), keeps a half of it and
 * frees the other, then follows the host's target ("actual PAGES"). Some
 * targets, in MiB, mean something to it:
 *
 *   LOOK    is all of memory as it must be?             "intact"
 *   REPORT  reports the half that it kept               "reported"
 *   OOM     takes all memory there is, then the balloon's, ends
 *   END     ends
 *
 * Statistics and hints are served all the time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/balloon.h"
#include "drivers/console.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"

#define MIB  256u        /* pages */
#define ALL  (48u * MIB) /* used and freed, so it is resident */
#define KEPT (ALL / 2)

enum { LOOK = 1, REPORT, OOM, END };

static uint8_t *memory; /* ALL pages, of which KEPT stay ours */

static PRINTF(1, 2) void say(const char *fmt, ...)
{
	char line[80];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = format_v(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write(CONSOLE_OUT, line, n);
	console_push(CONSOLE_OUT);
}

static NORETURN void fail(const char *what, uint64_t n)
{
	say("wrong: %s %lu\n", what, (unsigned long)n);
	machine_exit(1);
}

static uint64_t *words(uint64_t page)
{
	return (uint64_t *)(void *)(memory + page * PAGE_LEN);
}

/* Every page tells which it is. */
static void stamp(uint64_t page)
{
	for (unsigned i = 0; i < PAGE_LEN / 8; i += 64)
		words(page)[i] = page * 0x9e3779b97f4a7c15 + i;
}

static bool stamped(uint64_t page)
{
	for (unsigned i = 0; i < PAGE_LEN / 8; i += 64)
		if (words(page)[i] != page * 0x9e3779b97f4a7c15 + i)
			return false;
	return true;
}

static bool zero(uint64_t page)
{
	for (unsigned i = 0; i < PAGE_LEN / 8; i++)
		if (words(page)[i] != 0)
			return false;
	return true;
}

static void fill(void)
{
	memory = page_alloc_run(ALL);
	if (!memory)
		fail("memory", page_count_total());
	for (uint64_t i = 0; i < ALL; i++)
		stamp(i);
	for (uint64_t i = ALL; i-- > KEPT;)
		page_free(memory + i * PAGE_LEN);
	say("filled\n");
}

/* What was kept is as it was; what comes from the store was given and came
 * back, or never left: zeros, or the old stamp behind the store's own word. */
static void look(void)
{
	void *page[64];
	unsigned n = 0;

	for (uint64_t i = 0; i < KEPT; i++)
		if (!stamped(i))
			fail("a page that was kept", i);
	for (; n < ARRAY_LEN(page) && (page[n] = page_alloc()); n++) {
		const uint64_t i =
			(uint64_t)((uint8_t *)page[n] - memory) / PAGE_LEN;

		if (i < KEPT || i >= ALL)
			continue;
		words(i)[0] = words(i)[1] = 0; /* links of the free */
		if (!zero(i)) {
			words(i)[0] = i * 0x9e3779b97f4a7c15;
			if (!stamped(i))
				fail("a page that came back", i);
		}
		stamp(i);
		if (!stamped(i))
			fail("a page that was written", i);
	}
	while (n-- > 0)
		page_free(page[n]);
	say("intact\n");
}

static void report(void)
{
	const gpa_t gpa = phys_of(memory);
	const uint32_t len = 4u << 20;

	for (uint64_t off = 0; off < KEPT * PAGE_LEN; off += len)
		balloon_report(gpa + off, len);
	say("reported\n");
	while (balloon_target() == REPORT * MIB)
		balloon_wait(0);
	for (uint64_t i = 0; i < KEPT; i++) {
		if (!zero(i))
			fail("a reported page", i);
		stamp(i);
	}
}

/* Takes pages until there are none, then those of the balloon. */
static void run_out(void)
{
	uint64_t n;

	while (page_alloc())
		;
	n = balloon_relieve(MIB);
	for (uint64_t i = 0; i < n; i++)
		if (!page_alloc())
			fail("a page taken back", i);
	say("relieved %lu\n", (unsigned long)n);
}

static void reached(uint64_t pages)
{
	say("actual %lu\n", (unsigned long)pages);
	if (pages == LOOK * MIB)
		look();
	else if (pages == REPORT * MIB)
		report();
	else if (pages == OOM * MIB)
		run_out();
}

static void serve(void)
{
	uint64_t last = 0;

	while (last != OOM * MIB && last != END * MIB) {
		while (balloon_serve())
			;
		if (balloon_actual() != last) {
			last = balloon_actual();
			reached(last);
		} else {
			balloon_wait(0);
		}
	}
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	uint32_t features;

	machine_init(start_info, tsc_entry);
	page_init();
	fill();
	if (!balloon_open(&features))
		fail("no balloon", 0);
	say("features %x\n", features);
	serve();
	say("ended\n");
	machine_exit(0);
}
