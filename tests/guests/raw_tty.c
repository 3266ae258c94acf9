/* raw_tty.c: a kernel at a terminal: shows what is typed, in hex, and ends in
 * several ways: q exits with 5, f faults, o powers off, s floods. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

static volatile struct ring rx;
static volatile uint8_t typed[64];

void bare_main(void)
{
	uint32_t size;

	EXPECT(dev_reset(BARE_CONSOLE));
	/* F_SIZE, which only a terminal has */
	EXPECT(dev_features(BARE_CONSOLE,
			    reg_get(BARE_CONSOLE, REG_FEATURES) & 1));
	EXPECT(ring_open(&bare_tx, BARE_CONSOLE, 1, RING_MAX));
	EXPECT(ring_open(&rx, BARE_CONSOLE, 0, RING_MAX));
	dev_ok(BARE_CONSOLE);
	size = reg_get(BARE_CONSOLE, 0x100);
	say("size ");
	say_number(size & 0xffff, 10);
	say("x");
	say_number(size >> 16, 10);
	say("\r\nready\r\n");
	for (;;) {
		ring_desc(&rx, 0, (uintptr_t)typed, sizeof(typed), DESC_WRITE,
			  0);
		ring_offer(&rx, 0);
		ring_kick(&rx);
		while (rx.used_idx != rx.avail_idx) {
			uint32_t now = reg_get(BARE_CONSOLE, 0x100);

			if (now == size)
				continue;
			size = now;
			say("new size ");
			say_number(size & 0xffff, 10);
			say("x");
			say_number(size >> 16, 10);
			say("\r\n");
		}
		for (uint32_t i = 0;
		     i < rx.used[(uint16_t)(rx.used_idx - 1) % RING_MAX].len;
		     i++) {
			say("key ");
			say_number(typed[i], 16);
			say("\r\n");
			if (typed[i] == 'q')
				bare_exit(5);
			if (typed[i] == 'f')
				__asm__ volatile("ud2");
			if (typed[i] == 'o')
				put8(PLATFORM_GPA + PLATFORM_REG_SLEEP,
				     PLATFORM_SLEEP_OFF);
			if (typed[i] == 's')
				for (;;)
					say("flood flood flood\r\n");
		}
	}
}
