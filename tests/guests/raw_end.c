/* raw_end.c: a kernel that ends in the way its command line names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

static struct platform_report report;

static void copy(char *to, const char *from)
{
	while ((*to++ = *from++))
		;
}

static void end(const char *how)
{
	say("about to end: ");
	say(how);
	say("\n");
}

void bare_main(void)
{
	EXPECT(console_open());
	if (bare_arg("triple")) {
		end("triple");
		__asm__ volatile("ud2"); /* no IDT */
	} else if (bare_arg("off")) {
		end("off");
		put8(PLATFORM_GPA + PLATFORM_REG_SLEEP, PLATFORM_SLEEP_OFF);
	} else if (bare_arg("reset")) {
		end("reset");
		put8(PLATFORM_GPA + PLATFORM_REG_RESET, PLATFORM_RESET_VALUE);
	} else if (bare_arg("panic")) {
		report.len = sizeof(report);
		report.kind = PLATFORM_REPORT_PANIC;
		copy(report.text, "on purpose\033[31m");
		put64(PLATFORM_GPA + PLATFORM_REG_REPORT, (uintptr_t)&report);
	} else if (bare_arg("nowhere")) {
		((void (*)(void))0xd0000000)();
	} else if (bare_arg("late")) {
		/* long enough for the reader of the output to be gone */
		for (unsigned i = 0; i < 200; i++) {
			uint64_t start = rdtsc();

			while (rdtsc() - start < 10000000)
				;
			say("is anybody there?\n");
		}
		bare_exit(42);
	} else if (bare_arg("spin")) {
		say("spinning\n");
		for (;;)
			;
	}
	EXPECT(!"a known word");
}
