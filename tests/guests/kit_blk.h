/* kit_blk.h: virtio block devices by hand, for programs of the guest kit: they
 * reach registers and memory through KIT_PHYS. Polls; needs -m 64M, of which
 * the upper half is the test's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUESTS_KIT_BLK_H
#define GUESTS_KIT_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/kit.h"
#include "abi/platform.h"

#define BLK_ARENA   0x2000000ull /* 32 MiB: the kernel takes from below */
#define BLK_DATA    (BLK_ARENA + 0x800000)
#define BLK_RING    128u
#define BLK_DEPTH   32u /* requests in flight at most */
#define BLK_DEV_LEN 0x100000ull

enum {
	BLK_REG_ID = 0x08,
	BLK_REG_FEATURES = 0x10,
	BLK_REG_FEATURES_SEL = 0x14,
	BLK_REG_DRIVER = 0x20,
	BLK_REG_DRIVER_SEL = 0x24,
	BLK_REG_QUEUE_SEL = 0x30,
	BLK_REG_NUM = 0x38,
	BLK_REG_READY = 0x44,
	BLK_REG_NOTIFY = 0x50,
	BLK_REG_STATUS = 0x70,
	BLK_REG_DESC = 0x80,
	BLK_REG_AVAIL = 0x90,
	BLK_REG_USED = 0xa0,
	BLK_REG_CONFIG = 0x100,
};

enum {
	BLK_IN = 0,
	BLK_OUT = 1,
	BLK_FLUSH = 4,
	BLK_GET_ID = 8,
	BLK_DISCARD = 11,
	BLK_WRITE_ZEROES = 13,
};

enum { BLK_NEXT = 1, BLK_WRITE = 2 };

#define BLK_F_RO        (1u << 5)
#define BLK_F_FLUSH     (1u << 9)
#define BLK_F_DISCARD   (1u << 13)
#define BLK_F_ZEROES    (1u << 14)
#define BLK_F_EVENT_IDX (1u << 29)
#define BLK_ALL         (BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_ZEROES | BLK_F_EVENT_IDX)

struct blk_desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

/* In guest-physical memory; slot n uses descriptors 3n .. 3n+2. */
struct blk_shared {
	struct blk_desc desc[BLK_RING];
	uint16_t avail_flags, avail_idx, avail[BLK_RING], used_event, pad;
	uint16_t used_flags, used_idx;
	struct {
		uint32_t id, len;
	} used[BLK_RING];
	uint16_t avail_event;
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header[BLK_DEPTH] __attribute__((aligned(16)));
	uint8_t status[BLK_DEPTH];
};

struct blk {
	uint64_t base; /* registers */
	uint64_t gpa;  /* of *s */
	volatile struct blk_shared *s;
	uint32_t features;
	uint64_t sectors;
	uint16_t seen;
};

static inline volatile uint32_t *blk_reg(const struct blk *b, unsigned off)
{
	return KIT_PHYS(b->base + off);
}

static inline void blk_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void blk_set64(const struct blk *b, unsigned off, uint64_t v)
{
	*blk_reg(b, off) = (uint32_t)v;
	*blk_reg(b, off + 4) = (uint32_t)(v >> 32);
}

/* Resets the device, waits for it, and starts it afresh. */
static inline bool blk_start(struct blk *b, uint32_t want)
{
	const uint64_t at = b->gpa;

	*blk_reg(b, BLK_REG_STATUS) = 0;
	while (*blk_reg(b, BLK_REG_STATUS) != 0)
		;
	memset(KIT_PHYS(at), 0, sizeof(*b->s));
	b->seen = 0;
	*blk_reg(b, BLK_REG_STATUS) = 1;
	*blk_reg(b, BLK_REG_STATUS) = 3;
	*blk_reg(b, BLK_REG_FEATURES_SEL) = 0;
	b->features = *blk_reg(b, BLK_REG_FEATURES);
	*blk_reg(b, BLK_REG_DRIVER_SEL) = 0;
	*blk_reg(b, BLK_REG_DRIVER) = b->features & want;
	*blk_reg(b, BLK_REG_DRIVER_SEL) = 1;
	*blk_reg(b, BLK_REG_DRIVER) = 1; /* VERSION_1 */
	*blk_reg(b, BLK_REG_STATUS) = 11;
	*blk_reg(b, BLK_REG_QUEUE_SEL) = 0;
	*blk_reg(b, BLK_REG_NUM) = BLK_RING;
	blk_set64(b, BLK_REG_DESC, at);
	blk_set64(b, BLK_REG_AVAIL,
		  at + offsetof(struct blk_shared, avail_flags));
	blk_set64(b, BLK_REG_USED,
		  at + offsetof(struct blk_shared, used_flags));
	*blk_reg(b, BLK_REG_READY) = 1;
	*blk_reg(b, BLK_REG_STATUS) = 15;
	b->s->avail_flags = 1; /* no interrupts: we look ourselves */
	b->s->used_event = 0x7fff;
	b->sectors = *blk_reg(b, BLK_REG_CONFIG) |
		     (uint64_t)*blk_reg(b, BLK_REG_CONFIG + 4) << 32;
	return *blk_reg(b, BLK_REG_STATUS) == 15;
}

/* The nth block device of the machine. */
static inline bool blk_open(struct blk *b, unsigned nth, uint32_t want)
{
	const unsigned index = nth;

	for (unsigned i = 0; i < 18; i++) {
		b->base = PLATFORM_GPA + PLATFORM_LEN + i * 0x1000ull;
		if (*blk_reg(b, BLK_REG_ID) != 2 || nth-- > 0)
			continue;
		b->gpa = BLK_ARENA + index * BLK_DEV_LEN;
		b->s = KIT_PHYS(b->gpa);
		return blk_start(b, want);
	}
	return false;
}

static inline void blk_offer(struct blk *b, uint16_t head)
{
	b->s->avail[b->s->avail_idx % BLK_RING] = head;
	blk_barrier();
	b->s->avail_idx++;
	blk_barrier();
}

/* As slot `slot` (< BLK_DEPTH); the device may see it at once. */
static inline void blk_add(struct blk *b, unsigned slot, uint32_t type,
			   uint64_t sector, uint64_t gpa, uint32_t len)
{
	volatile struct blk_desc *d = &b->s->desc[3 * slot];
	const uint16_t first = (uint16_t)(3 * slot);
	const bool in = type == BLK_IN || type == BLK_GET_ID;
	uint16_t last = 1;

	b->s->header[slot].type = type;
	b->s->header[slot].sector = sector;
	b->s->status[slot] = 0xff;
	d[0].gpa = b->gpa + offsetof(struct blk_shared, header) + 16 * slot;
	d[0].len = 16;
	d[0].flags = BLK_NEXT;
	d[0].next = first + 1;
	if (len) {
		d[1].gpa = gpa;
		d[1].len = len;
		d[1].flags = BLK_NEXT | (in ? BLK_WRITE : 0);
		d[1].next = first + 2;
		last = 2;
	}
	d[last].gpa = b->gpa + offsetof(struct blk_shared, status) + slot;
	d[last].len = 1;
	d[last].flags = BLK_WRITE;
	blk_offer(b, first);
}

/* Unless the device says that it is looking anyway. */
static inline void blk_kick(struct blk *b)
{
	blk_barrier();
	*blk_reg(b, BLK_REG_NOTIFY) = 0;
}

/* Waits for a request to end; its slot. -1: after half a minute. */
static inline int blk_wait(struct blk *b)
{
	uint16_t at = b->seen % BLK_RING;
	uint64_t spins = 0;

	while (b->s->used_idx == b->seen)
		if (__builtin_ia32_pause(), spins++ == 3000000000ull)
			return -1;
	blk_barrier();
	b->seen++;
	return (int)(b->s->used[at].id / 3);
}

/* One request; its status, or -1. */
static inline int blk_do(struct blk *b, uint32_t type, uint64_t sector,
			 uint64_t gpa, uint32_t len)
{
	blk_add(b, 0, type, sector, gpa, len);
	blk_kick(b);
	return blk_wait(b) == 0 ? b->s->status[0] : -1;
}

#endif
