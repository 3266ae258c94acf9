/* frame.h: the Ethernet frames of bench-io, alike for guest and host. Their
 * type is one for experiments, which no kernel takes: a frame that nobody
 * asks for is counted and dropped. No libc.
 *
 * Who is to receive starts the other side with a FRAME_START, which sends
 * FRAME_WINDOW frames ahead at most and goes on when a frame says that
 * FRAME_CREDIT of them have come: nothing is lost, as with TCP. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stdint.h>

#define FRAME_TYPE   0x88b5u /* IEEE 802: local experimental */
#define FRAME_HEADER 14u
#define FRAME_MIN    60u
#define FRAME_MAX    1514u
#define FRAME_MARK   14u /* where this is, or 0 */
#define FRAME_START  1u
#define FRAME_WINDOW 192u
#define FRAME_CREDIT 32u

/* To everybody, from `mac`. */
static inline void frame_init(uint8_t *frame, uint32_t len, const uint8_t *mac)
{
	for (uint32_t i = 0; i < len; i++)
		frame[i] = i < 6 ? 0xff : i < 12 ? mac[i - 6] : 0x5a;
	frame[12] = FRAME_TYPE >> 8;
	frame[13] = FRAME_TYPE & 0xff;
}

static inline int frame_is_ours(const uint8_t *frame, uint32_t len)
{
	return len >= FRAME_MIN && frame[12] == FRAME_TYPE >> 8 &&
	       frame[13] == (FRAME_TYPE & 0xff);
}

#endif
