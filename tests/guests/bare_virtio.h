/* bare_virtio.h: virtio by hand, for guests on the bare machine: the register
 * window, one queue, and two devices to be sure of: the console and rng. A
 * third, a console for standard error, is there when the console is stdio. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUESTS_BARE_VIRTIO_H
#define GUESTS_BARE_VIRTIO_H

#include "bare.h"

enum {
	REG_MAGIC = 0x00,
	REG_FEATURES = 0x10,
	REG_FEATURES_SEL = 0x14,
	REG_DRIVER_FEATURES = 0x20,
	REG_DRIVER_FEATURES_SEL = 0x24,
	REG_QUEUE_SEL = 0x30,
	REG_QUEUE_NUM_MAX = 0x34,
	REG_QUEUE_NUM = 0x38,
	REG_QUEUE_READY = 0x44,
	REG_NOTIFY = 0x50,
	REG_ISR = 0x60,
	REG_ACK = 0x64,
	REG_STATUS = 0x70,
	REG_DESC = 0x80,
	REG_AVAIL = 0x90,
	REG_USED = 0xa0,
};

enum {
	STATUS_ACK = 1,
	STATUS_DRIVER = 2,
	STATUS_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,
	STATUS_FAILED = 128,
};

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

#define F_INDIRECT  (1ull << 28)
#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

#define RING_MAX 64

struct desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

/* One queue. Rings larger than a device allows are simply not used whole. */
struct ring {
	struct desc desc[RING_MAX];
	uint16_t avail_flags, avail_idx, avail[RING_MAX], used_event, pad;
	uint16_t used_flags, used_idx;
	struct {
		uint32_t id, len;
	} used[RING_MAX];
	uint16_t avail_event;
	/* ours */
	unsigned dev, queue, size;
	uint16_t seen;
} __attribute__((aligned(4096)));

static volatile struct ring bare_tx, bare_rng_ring;

static inline uint64_t reg(unsigned dev, unsigned off)
{
	return BARE_DEVICES + dev * 0x1000ull + off;
}

static inline uint32_t reg_get(unsigned dev, unsigned off)
{
	return get32(reg(dev, off));
}

static inline void reg_set(unsigned dev, unsigned off, uint32_t v)
{
	put32(reg(dev, off), v);
}

static inline void reg_set64(unsigned dev, unsigned off, uint64_t v)
{
	reg_set(dev, off, (uint32_t)v);
	reg_set(dev, off + 4, (uint32_t)(v >> 32));
}

static inline bool dev_exists(unsigned dev)
{
	return reg_get(dev, REG_MAGIC) == 0x74726976;
}

static inline uint32_t dev_status(unsigned dev)
{
	return reg_get(dev, REG_STATUS);
}

/* Writes 0 to Status and waits for it to be so. */
static inline bool dev_reset(unsigned dev)
{
	uint64_t start = rdtsc();

	reg_set(dev, REG_STATUS, 0);
	while (dev_status(dev) != 0)
		if (rdtsc() - start > 20000000000ull)
			return false;
	return true;
}

/* As far as FEATURES_OK. */
static inline bool dev_features(unsigned dev, uint64_t features)
{
	features |= F_VERSION_1;
	reg_set(dev, REG_STATUS, STATUS_ACK);
	reg_set(dev, REG_STATUS, STATUS_ACK | STATUS_DRIVER);
	reg_set(dev, REG_DRIVER_FEATURES_SEL, 0);
	reg_set(dev, REG_DRIVER_FEATURES, (uint32_t)features);
	reg_set(dev, REG_DRIVER_FEATURES_SEL, 1);
	reg_set(dev, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
	reg_set(dev, REG_STATUS,
		STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES_OK);
	return dev_status(dev) & STATUS_FEATURES_OK;
}

static inline void dev_ok(unsigned dev)
{
	reg_set(dev, REG_STATUS,
		STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_OK);
}

/* Gives the device a fresh ring. False: it did not take it. */
static inline bool ring_open(volatile struct ring *r, unsigned dev,
			     unsigned queue, unsigned size)
{
	volatile uint64_t *p = (volatile uint64_t *)r;

	for (unsigned i = 0; i < sizeof(*r) / sizeof(*p); i++)
		p[i] = 0;
	r->dev = dev;
	r->queue = queue;
	r->size = size;
	reg_set(dev, REG_QUEUE_SEL, queue);
	reg_set(dev, REG_QUEUE_NUM, size);
	reg_set64(dev, REG_DESC, (uintptr_t)r->desc);
	reg_set64(dev, REG_AVAIL, (uintptr_t)&r->avail_flags);
	reg_set64(dev, REG_USED, (uintptr_t)&r->used_flags);
	reg_set(dev, REG_QUEUE_READY, 1);
	return reg_get(dev, REG_QUEUE_READY) == 1;
}

static inline void ring_offer(volatile struct ring *r, uint16_t head)
{
	r->avail[r->avail_idx % r->size] = head;
	barrier();
	r->avail_idx++;
	barrier();
}

static inline void ring_kick(volatile struct ring *r)
{
	reg_set(r->dev, REG_NOTIFY, r->queue);
}

/* Waits for everything offered; false after seconds. */
static inline bool ring_wait(volatile struct ring *r)
{
	uint64_t start = rdtsc();

	while (r->used_idx != r->avail_idx)
		if (rdtsc() - start > 20000000000ull)
			return false;
	barrier();
	return true;
}

static inline void ring_desc(volatile struct ring *r, unsigned i, uint64_t gpa,
			     uint32_t len, uint16_t flags, uint16_t next)
{
	r->desc[i].gpa = gpa;
	r->desc[i].len = len;
	r->desc[i].flags = flags;
	r->desc[i].next = next;
}

/* --- the console ------------------------------------------------------------ */

static inline bool console_open(void)
{
	bool ok = dev_reset(BARE_CONSOLE) && dev_features(BARE_CONSOLE, 0) &&
		  ring_open(&bare_tx, BARE_CONSOLE, 1, RING_MAX);

	dev_ok(BARE_CONSOLE);
	return ok;
}

static inline bool say_bytes(const void *p, uint32_t n)
{
	ring_desc(&bare_tx, 0, (uintptr_t)p, n, 0, 0);
	ring_offer(&bare_tx, 0);
	ring_kick(&bare_tx);
	return ring_wait(&bare_tx);
}

static inline bool say(const char *s)
{
	uint32_t n = 0;

	while (s[n])
		n++;
	return n == 0 || say_bytes(s, n);
}

static inline void say_number(uint64_t v, unsigned base)
{
	char buf[24], *p = buf + sizeof(buf);

	*--p = '\0';
	do
		*--p = "0123456789abcdef"[v % base];
	while ((v /= base) != 0);
	say(p);
}

/* What is being tried, for the verdict. */
static const char *bare_context;

/* The verdict: one line on a console made afresh, and the exit status. */
static inline __attribute__((noreturn)) void
verdict(const char *file, unsigned line, const char *what)
{
	if (!console_open())
		bare_exit(99);
	if (!file) {
		say("ok ");
		say(what);
		say("\n");
		bare_exit(0);
	}
	say("wrong ");
	say(file);
	say(":");
	say_number(line, 10);
	say(": ");
	say(what);
	if (bare_context) {
		say(" while ");
		say(bare_context);
	}
	say("\n");
	bare_exit(1);
}

/* With "rounds" on the command line: the device is reset, a line says that a
 * round is over, and a byte of input begins another (true). So the monitor can
 * be looked at in between. Without: false. */
static inline bool bare_again(unsigned dev, const char *what)
{
	static volatile struct ring input;
	static volatile uint8_t byte[64];
	bool ok;

	if (!bare_arg("rounds"))
		return false;
	if (!dev_reset(dev))
		verdict(__FILE__, __LINE__, "no reset");
	ok = dev_reset(BARE_CONSOLE) && dev_features(BARE_CONSOLE, 0) &&
	     ring_open(&input, BARE_CONSOLE, 0, 8) &&
	     ring_open(&bare_tx, BARE_CONSOLE, 1, RING_MAX);
	dev_ok(BARE_CONSOLE);
	ring_desc(&input, 0, (uintptr_t)byte, sizeof(byte), DESC_WRITE, 0);
	ring_offer(&input, 0);
	ring_kick(&input);
	if (!ok || !say("round of ") || !say(what) || !say("\n"))
		verdict(__FILE__, __LINE__, "no console");
	while (input.used_idx != input.avail_idx)
		bare_pause(1000000);
	return true;
}

#define PASS(what) verdict(NULL, 0, what)
#define EXPECT(e)                                        \
	do {                                             \
		if (!(e))                                \
			verdict(__FILE__, __LINE__, #e); \
	} while (0)

/* --- rng -------------------------------------------------------------------- */

static inline bool rng_open(uint64_t features)
{
	bool ok = dev_reset(BARE_RNG) && dev_features(BARE_RNG, features) &&
		  ring_open(&bare_rng_ring, BARE_RNG, 0, 8);

	dev_ok(BARE_RNG);
	return ok && dev_status(BARE_RNG) == 15;
}

/* An open rng gives bytes. */
static inline bool rng_gives(void)
{
	volatile struct ring *r = &bare_rng_ring;
	volatile uint8_t *buf = (volatile uint8_t *)BARE_ARENA;
	unsigned zeros = 0;

	for (unsigned i = 0; i < 64; i++)
		buf[i] = 0;
	ring_desc(r, 0, BARE_ARENA, 64, DESC_WRITE, 0);
	ring_offer(r, 0);
	ring_kick(r);
	if (!ring_wait(r) ||
	    r->used[(uint16_t)(r->used_idx - 1) % r->size].len != 64)
		return false;
	for (unsigned i = 0; i < 64; i++)
		zeros += buf[i] == 0;
	return zeros < 16;
}

/* From whatever state: reset, set up, used. */
static inline bool rng_works(void)
{
	return rng_open(0) && rng_gives();
}

#endif
