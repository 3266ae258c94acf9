/* test_queue.c: the split virtqueue, against a driver on plain memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/attr.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/queue.h"

#define RAM   0x8000u
#define RINGS 0x100u
#define DATA  0x4000u
#define TABLE 0x3000u
#define SIZE  8u
#define NEXT  VDRIVER_NEXT
#define WR    VDRIVER_WRITE
#define IND   VDRIVER_INDIRECT

#define BOTH (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

static _Alignas(4096) uint8_t ram[RAM];
static struct gmem mem;
static struct vdriver drv;
static struct vq q;
static struct iovec iov[SIZE];

static void up(uint64_t features)
{
	memset(ram, 0, sizeof(ram));
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	vdriver_init(&drv, ram, RINGS, SIZE);
	vq_init(&q, 16);
	vdriver_attach(&drv, &q);
	cr_assert_eq(vq_enable(&q, &mem, features), 0);
}

static int pop(struct vq_chain *c)
{
	return vq_pop(&q, iov, ARRAY_SIZE(iov), c);
}

static void add_one(void)
{
	struct vdriver_buf b = { DATA, 16, false };

	(void)vdriver_add(&drv, &b, 1);
}

/* One chain through the queue, both ends. */
static void pass_one(uint32_t len)
{
	struct vq_chain c;
	uint32_t head, got;

	add_one();
	cr_assert_eq(pop(&c), 1);
	vq_push(&q, c.head, len);
	cr_assert(vdriver_used(&drv, &head, &got));
	cr_assert_eq(head, c.head);
	cr_assert_eq(got, len);
}

/* --- enabling ------------------------------------------------------------- */

struct ring {
	char why[40];
	gpa_t desc, avail, used;
	uint32_t size;
	int want;
};

ParameterizedTestParameters(queue, enable_validates)
{
	static struct ring rings[] = {
		{ "sound", 0x100, 0x200, 0x300, 8, 0 },
		{ "one entry", 0x100, 0x110, 0x120, 1, 0 },
		{ "end of memory", RAM - 128, 0x200, 0x300, 8, 0 },
		{ "adjacent", 0x100, 0x180, 0x198, 8, 0 },
		{ "size 0", 0x100, 0x200, 0x300, 0, -EPROTO },
		{ "size not a power of two", 0x100, 0x200, 0x300, 6, -EPROTO },
		{ "size beyond the device's", 0x100, 0x400, 0x600, 32,
		  -EPROTO },
		{ "size beyond 16 bits", 0x100, 0x200, 0x300, 0x10008,
		  -EPROTO },
		{ "size is 65536", 0x100, 0x200, 0x300, 0x10000, -EPROTO },
		{ "desc misaligned", 0x108, 0x200, 0x300, 8, -EPROTO },
		{ "avail misaligned", 0x100, 0x201, 0x300, 8, -EPROTO },
		{ "used misaligned", 0x100, 0x200, 0x302, 8, -EPROTO },
		{ "desc leaves memory", RAM - 112, 0x200, 0x300, 8, -EFAULT },
		{ "avail leaves memory", 0x100, RAM - 20, 0x300, 8, -EFAULT },
		{ "used leaves memory", 0x100, 0x200, RAM - 68, 8, -EFAULT },
		{ "desc wraps", -64ull, 0x200, 0x300, 8, -EFAULT },
		{ "avail wraps", 0x100, -2ull, 0x300, 8, -EFAULT },
		{ "used wraps", 0x100, 0x200, -4ull, 8, -EFAULT },
		{ "desc is avail", 0x100, 0x100, 0x300, 8, -EPROTO },
		{ "avail inside desc", 0x100, 0x170, 0x300, 8, -EPROTO },
		{ "used inside desc", 0x100, 0x200, 0x17c, 8, -EPROTO },
		{ "avail's event under used", 0x100, 0x200, 0x214, 8, -EPROTO },
		{ "used's event under avail", 0x100, 0x244, 0x200, 8, -EPROTO },
	};

	return cr_make_param_array(struct ring, rings, ARRAY_SIZE(rings));
}

ParameterizedTest(struct ring *r, queue, enable_validates, .timeout = 5)
{
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	vq_init(&q, 16);
	q.size = r->size;
	q.desc_gpa = r->desc;
	q.avail_gpa = r->avail;
	q.used_gpa = r->used;
	cr_expect_eq(vq_enable(&q, &mem, 0), r->want, "%s", r->why);
	cr_expect_eq(q.ready, r->want == 0, "%s", r->why);
}

Test(queue, enable_refuses_a_ring_across_regions, .timeout = 5)
{
	up(0);
	mem.n_regions = 2;
	mem.region[0].len = 0x180; /* the table's last descriptor is cut off */
	mem.region[1] = (struct gmem_region){ 0x180, RAM - 0x180, ram + 0x180 };
	vq_reset(&q);
	vdriver_attach(&drv, &q);
	cr_expect_eq(vq_enable(&q, &mem, 0), 0);
	vq_reset(&q);
	vdriver_attach(&drv, &q);
	q.desc_gpa = 0x110;
	q.avail_gpa = 0x200;
	q.used_gpa = 0x300;
	cr_expect_eq(vq_enable(&q, &mem, 0), -EFAULT);
}

/* --- popping -------------------------------------------------------------- */

Test(queue, a_queue_not_enabled_is_empty, .timeout = 5)
{
	struct vq_chain c;

	vq_init(&q, 16);
	cr_expect_eq(pop(&c), 0);
	cr_expect_not(vq_has_avail(&q));
	cr_expect_not(vq_arm(&q));
	cr_expect_not(vq_wants_interrupt(&q));
	vq_kicks_off(&q);
}

Test(queue, pop_returns_iovecs_readable_first, .timeout = 5)
{
	const struct vdriver_buf b[] = {
		{ DATA, 16, false },
		{ DATA + 0x100, 32, false },
		{ RAM - 8, 8, true },
	};
	struct vq_chain c;
	uint16_t head;

	up(0);
	drv.next_desc = 6; /* the chain wraps around the table */
	head = vdriver_add(&drv, b, ARRAY_SIZE(b));
	cr_assert(vq_has_avail(&q));
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(c.head, head);
	cr_expect_eq(c.n_read, 2);
	cr_expect_eq(c.n_write, 1);
	cr_expect_eq(c.read_len, 48);
	cr_expect_eq(c.write_len, 8);
	cr_expect_eq(c.iov, iov);
	for (unsigned i = 0; i < ARRAY_SIZE(b); i++) {
		cr_expect_eq(iov[i].iov_base, ram + b[i].gpa);
		cr_expect_eq(iov[i].iov_len, b[i].len);
	}
	cr_expect_eq(q.in_flight, 1);
	cr_expect_eq(pop(&c), 0);
}

Test(queue, pop_skips_empty_buffers, .timeout = 5)
{
	const struct vdriver_buf b[] = {
		{ UINT64_MAX, 0, false }, /* an empty range is nowhere */
		{ DATA, 4, false },
		{ 0xdead0000, 0, true },
		{ DATA + 8, 4, true },
	};
	struct vq_chain c;

	up(0);
	(void)vdriver_add(&drv, b, ARRAY_SIZE(b));
	(void)vdriver_add(&drv, b, 1);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(c.n_read, 1);
	cr_expect_eq(c.n_write, 1);
	cr_expect_eq(c.iov[1].iov_base, ram + DATA + 8);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(c.n_read + c.n_write, 0);
	cr_expect_eq(c.read_len + c.write_len, 0);
}

Test(queue, pop_takes_a_chain_of_all_descriptors, .timeout = 5)
{
	struct vdriver_buf b[SIZE];
	struct vq_chain c;

	up(VIRTIO_F_INDIRECT_DESC);
	for (unsigned i = 0; i < SIZE; i++)
		b[i] = (struct vdriver_buf){ DATA + 16 * i, 16, true };
	(void)vdriver_add(&drv, b, SIZE);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(c.n_write, SIZE);
	vq_push(&q, c.head, 0);
	(void)vdriver_add_indirect(&drv, TABLE, b, SIZE);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(c.n_write, SIZE);
}

Test(queue, pop_follows_an_indirect_table, .timeout = 5)
{
	struct vq_chain c;

	up(VIRTIO_F_INDIRECT_DESC);
	/* one direct buffer first (2.7.5.3.2), a table at an odd address,
	 * walked out of order, and a WRITE flag on the pointer to ignore */
	vdriver_desc(&drv, drv.desc, 0, DATA, 4, NEXT, 5);
	vdriver_desc(&drv, drv.desc, 5, TABLE + 3, 48, IND | WR, 77);
	vdriver_desc(&drv, TABLE + 3, 0, DATA + 16, 5, NEXT, 2);
	vdriver_desc(&drv, TABLE + 3, 2, DATA + 32, 6, NEXT | WR, 1);
	vdriver_desc(&drv, TABLE + 3, 1, DATA + 48, 7, WR, 0);
	vdriver_offer(&drv, 0);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(c.n_read, 2);
	cr_expect_eq(c.n_write, 2);
	cr_expect_eq(c.read_len, 9);
	cr_expect_eq(c.write_len, 13);
	cr_expect_eq(c.iov[2].iov_base, ram + DATA + 32);
}

Test(queue, pop_leaves_what_does_not_fit, .timeout = 5)
{
	const struct vdriver_buf b[] = { { DATA, 4, false },
					 { DATA + 8, 4, false } };
	struct vq_chain c = { .head = 99 };

	up(0);
	(void)vdriver_add(&drv, b, 2);
	cr_expect_eq(vq_pop(&q, iov, 1, &c), -ENOBUFS);
	cr_expect_eq(vq_pop(&q, NULL, 0, &c), -ENOBUFS);
	cr_expect_eq(c.head, 99, "written only on success");
	cr_expect_eq(q.in_flight, 0);
	cr_expect_eq(vq_pop(&q, iov, 2, &c), 1);
}

/* Up to four descriptors of the ring table, then four of one at TABLE. */
struct bad {
	char why[44];
	int want;
	struct {
		gpa_t gpa;
		uint32_t len;
		uint16_t flags, next;
	} ring[4], table[4];
	uint16_t head;
	bool no_indirect;
};

#define ONE    DATA, 1, 0, 0
#define TO(i)  DATA, 1, NEXT, (i)
#define TAB(n) TABLE, (n), IND, 0

ParameterizedTestParameters(queue, pop_rejects)
{
	static struct bad bad[] = {
		{ "head out of table", -EPROTO, .ring = { { ONE } },
		  .head = SIZE },
		{ "head far out of table", -EPROTO, .head = UINT16_MAX },
		{ "next out of table", -EPROTO, .ring = { { TO(SIZE) } } },
		{ "self loop", -EPROTO, .ring = { { TO(0) } } },
		{ "self loop of nothing", -EPROTO,
		  .ring = { { 0, 0, NEXT, 0 } } },
		{ "loop of two", -EPROTO, .ring = { { TO(1) }, { TO(0) } } },
		{ "past the end of memory", -EFAULT,
		  .ring = { { RAM - 1, 2, 0, 0 } } },
		{ "outside memory", -EFAULT,
		  .ring = { { 0x100000, 1, WR, 0 } } },
		{ "address wraps", -EFAULT,
		  .ring = { { UINT64_MAX, 2, 0, 0 } } },
		{ "all of memory and more", -EFAULT,
		  .ring = { { 0, UINT32_MAX, 0, 0 } } },
		{ "second buffer outside", -EFAULT,
		  .ring = { { TO(1) }, { RAM, 1, 0, 0 } } },
		{ "readable after writable", -EPROTO,
		  .ring = { { DATA, 1, NEXT | WR, 1 }, { ONE } } },
		{ "empty readable after writable", -EPROTO,
		  .ring = { { DATA, 1, NEXT | WR, 1 }, { DATA, 0, 0, 0 } } },
		{ "indirect not negotiated", -EPROTO, .ring = { { TAB(16) } },
		  .table = { { ONE } }, .no_indirect = true },
		{ "indirect and next", -EPROTO,
		  .ring = { { TABLE, 16, IND | NEXT, 1 }, { ONE } },
		  .table = { { ONE } } },
		{ "empty table", -EPROTO, .ring = { { TAB(0) } } },
		{ "table of half a descriptor", -EPROTO,
		  .ring = { { TAB(24) } }, .table = { { ONE } } },
		{ "table longer than the queue", -EPROTO,
		  .ring = { { TAB(16 * (SIZE + 1)) } }, .table = { { ONE } } },
		{ "table of 4 GiB", -EPROTO, .ring = { { TAB(0xfffffff0u) } },
		  .table = { { ONE } } },
		{ "table outside memory", -EFAULT,
		  .ring = { { RAM - 16, 32, IND, 0 } } },
		{ "table wraps", -EFAULT, .ring = { { -16ull, 32, IND, 0 } } },
		{ "nested table", -EPROTO, .ring = { { TAB(32) } },
		  .table = { { TAB(16) } } },
		{ "next out of the indirect table", -EPROTO,
		  .ring = { { TAB(16) } }, .table = { { TO(1) } } },
		{ "loop in the indirect table", -EPROTO,
		  .ring = { { TAB(32) } }, .table = { { TO(1) }, { TO(0) } } },
		{ "buffer of the table outside", -EFAULT,
		  .ring = { { TAB(16) } }, .table = { { RAM, 1, 0, 0 } } },
		{ "order broken across the tables", -EPROTO,
		  .ring = { { DATA, 1, NEXT | WR, 1 }, { TAB(16) } },
		  .table = { { ONE } } },
	};

	return cr_make_param_array(struct bad, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad *b, queue, pop_rejects, .timeout = 5)
{
	struct vq_chain c = { .head = 99 };

	up(b->no_indirect ? 0 : VIRTIO_F_INDIRECT_DESC);
	for (unsigned i = 0; i < 4; i++) {
		vdriver_desc(&drv, drv.desc, i, b->ring[i].gpa, b->ring[i].len,
			     b->ring[i].flags, b->ring[i].next);
		vdriver_desc(&drv, TABLE, i, b->table[i].gpa, b->table[i].len,
			     b->table[i].flags, b->table[i].next);
	}
	vdriver_offer(&drv, b->head);
	cr_expect_eq(pop(&c), b->want, "%s", b->why);
	cr_expect_eq(c.head, 99, "%s", b->why);
	cr_expect_eq(q.in_flight, 0, "%s", b->why);
}

Test(queue, pop_rejects_more_than_4_gib_in_total, .timeout = 5)
{
	static uint8_t small[16]; /* never touched through a span this large */
	const struct vdriver_buf b[] = { { 1ull << 32, 0x80000000u, true },
					 { 1ull << 32, 0x80000000u, true },
					 { DATA, 1, true } };
	struct vq_chain c;

	up(0);
	mem.n_regions = 2;
	mem.region[1] = (struct gmem_region){ 1ull << 32, 1ull << 32, small };
	(void)vdriver_add(&drv, b, 2);
	cr_assert_eq(pop(&c), 1, "exactly 4 GiB is allowed");
	cr_expect_eq(c.write_len, 1ull << 32);
	vq_push(&q, c.head, 0);
	(void)vdriver_add(&drv, b, 3);
	cr_expect_eq(pop(&c), -EPROTO);
}

Test(queue, pop_rejects_an_index_too_far_ahead, .timeout = 5)
{
	struct vq_chain c;

	up(0);
	vdriver_publish(&drv, SIZE + 1);
	cr_expect_eq(pop(&c), -EPROTO);
	vdriver_publish(&drv, UINT16_MAX); /* it went back */
	cr_expect_eq(pop(&c), -EPROTO);
}

Test(queue, pop_rejects_more_chains_than_descriptors, .timeout = 5)
{
	struct vq_chain c;

	up(0);
	for (unsigned i = 0; i < SIZE; i++) {
		add_one();
		cr_assert_eq(pop(&c), 1);
	}
	cr_expect_eq(q.in_flight, SIZE);
	add_one();
	cr_expect_eq(pop(&c), -EPROTO);
	cr_expect_eq(q.in_flight, SIZE);
}

/* --- pushing and life ------------------------------------------------------ */

Test(queue, indices_wrap, .timeout = 10)
{
	up(BOTH);
	for (unsigned i = 0; i < 3 * 65536u + 5; i++)
		pass_one(i);
	cr_expect_eq(q.in_flight, 0);
	cr_expect_eq(q.next_used, 5);
	cr_expect_eq(vdriver_used_idx(&drv), 5);
}

Test(queue, push_in_any_order, .timeout = 5)
{
	struct vq_chain c[3];
	uint32_t head, len;

	up(0);
	for (unsigned i = 0; i < 3; i++) {
		add_one();
		cr_assert_eq(pop(&c[i]), 1);
	}
	vq_push(&q, c[2].head, 7);
	vq_push(&q, c[0].head, 8);
	vq_push(&q, c[1].head, 9);
	cr_assert(vdriver_used(&drv, &head, &len));
	cr_expect(head == 2 && len == 7);
	cr_assert(vdriver_used(&drv, &head, &len));
	cr_expect(head == 0 && len == 8);
	cr_assert(vdriver_used(&drv, &head, &len));
	cr_expect(head == 1 && len == 9);
	cr_expect_not(vdriver_used(&drv, &head, &len));
}

Test(queue, undo_gives_the_same_chain_again, .timeout = 5)
{
	struct vq_chain a, b;

	up(0);
	add_one();
	add_one();
	cr_assert_eq(pop(&a), 1);
	cr_assert_eq(pop(&b), 1);
	vq_undo(&q);
	vq_undo(&q);
	cr_expect_eq(q.in_flight, 0);
	cr_assert_eq(pop(&b), 1);
	cr_expect_eq(b.head, a.head);
}

Test(queue, a_stopped_queue_leaves_no_trace, .timeout = 5)
{
	struct vq_chain c;
	static uint8_t before[RAM];

	up(0);
	add_one();
	add_one();
	cr_assert_eq(pop(&c), 1);
	vq_stop(&q);
	memcpy(before, ram, RAM);
	vq_push(&q, c.head, 5);
	cr_expect_eq(pop(&c), 0);
	cr_expect_not(vq_wants_interrupt(&q));
	cr_expect_not(vq_arm(&q));
	vq_kicks_off(&q);
	cr_expect_eq(memcmp(before, ram, RAM), 0);
	cr_expect_eq(q.in_flight, 0);
}

Test(queue, disable_waits_for_chains_in_flight, .timeout = 5)
{
	struct vq_chain a, b;

	up(0);
	add_one();
	add_one();
	cr_assert_eq(pop(&a), 1);
	cr_assert_eq(pop(&b), 1);
	vq_disable(&q);
	cr_expect(q.ready);
	vq_push(&q, a.head, 0);
	cr_expect(q.ready);
	vq_undo(&q);
	cr_expect_not(q.ready);
	cr_expect_eq(vdriver_used_idx(&drv), 0);
	vdriver_attach(&drv, &q);
	vdriver_init(&drv, ram, RINGS, SIZE);
	cr_assert_eq(vq_enable(&q, &mem, 0), 0);
	pass_one(1);
	vq_disable(&q);
	cr_expect_not(q.ready, "at once when nothing is in flight");
}

Test(queue, push_without_pop_is_our_bug, .timeout = 5, .signal = SIGABRT)
{
	up(0);
	vq_push(&q, 0, 0);
}

/* --- interrupts ----------------------------------------------------------- */

Test(queue, interrupt_once_for_what_was_pushed, .timeout = 5)
{
	up(0);
	cr_expect_not(vq_wants_interrupt(&q), "nothing pushed");
	pass_one(0);
	pass_one(0);
	cr_expect(vq_wants_interrupt(&q));
	cr_expect_not(vq_wants_interrupt(&q));
}

Test(queue, interrupt_flag_suppresses, .timeout = 5)
{
	up(0);
	vdriver_set_avail_flags(&drv, 1);
	pass_one(0);
	cr_expect_not(vq_wants_interrupt(&q));
	vdriver_set_avail_flags(&drv, 0xfffe);
	pass_one(0);
	cr_expect(vq_wants_interrupt(&q));
}

/* `before` and `pushed` elements, then the decision. */
struct event {
	char why[32];
	uint32_t before, pushed;
	uint16_t used_event;
	bool want;
};

ParameterizedTestParameters(queue, interrupt_by_event_index)
{
	static struct event events[] = {
		{ "first, asked for", 0, 1, 0, true },
		{ "first, asked for the next", 0, 1, 1, false },
		{ "last of three", 0, 3, 2, true },
		{ "first of three", 0, 3, 0, true },
		{ "behind three", 0, 3, 3, false },
		{ "one too early", 5, 3, 4, false },
		{ "long ago", 100, 3, 7, false },
		{ "across the wrap", 65534, 4, 0, true },
		{ "at the wrap", 65534, 4, 65535, true },
		{ "behind the wrap", 65534, 4, 2, false },
		{ "before the wrap", 65534, 4, 65533, false },
	};

	return cr_make_param_array(struct event, events, ARRAY_SIZE(events));
}

ParameterizedTest(struct event *e, queue, interrupt_by_event_index,
		  .timeout = 10)
{
	up(BOTH);
	vdriver_set_avail_flags(&drv, 1); /* means nothing here */
	for (uint32_t i = 0; i < e->before; i++) {
		pass_one(0);
		vq_wants_interrupt(&q);
	}
	vdriver_set_used_event(&drv, e->used_event);
	for (uint32_t i = 0; i < e->pushed; i++)
		pass_one(0);
	cr_expect_eq(vq_wants_interrupt(&q), e->want, "%s", e->why);
	cr_expect_not(vq_wants_interrupt(&q), "%s: decided once", e->why);
}

/* --- kicks ---------------------------------------------------------------- */

Test(queue, kicks_by_flag, .timeout = 5)
{
	struct vq_chain c;

	up(0);
	cr_expect_eq(vdriver_used_flags(&drv), 0);
	add_one();
	vq_kicks_off(&q);
	cr_expect_eq(vdriver_used_flags(&drv), 1);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(vdriver_used_flags(&drv), 1, "still busy");
	cr_assert_eq(pop(&c), 0);
	cr_expect_eq(vdriver_used_flags(&drv), 0, "empty asks for a kick");
}

Test(queue, kicks_by_event_index, .timeout = 5)
{
	struct vq_chain c;

	up(BOTH);
	add_one();
	add_one();
	vq_kicks_off(&q);
	cr_expect_eq(vdriver_used_flags(&drv), 0);
	cr_assert_eq(pop(&c), 1);
	cr_expect_eq(vdriver_avail_event(&drv), 0, "busy: no kick is needed");
	cr_expect(vq_arm(&q), "a chain is there already");
	cr_expect_eq(vdriver_avail_event(&drv), 1);
	cr_assert_eq(pop(&c), 1);
	cr_assert_eq(pop(&c), 0);
	cr_expect_eq(vdriver_avail_event(&drv), 2, "the next one kicks");
	cr_expect_not(vq_arm(&q));
}

/* --- looking instead of being kicked ---------------------------------------- */

Test(queue, looking_asks_for_no_kicks, .timeout = 5)
{
	struct vq_chain c;

	up(BOTH);
	cr_assert_eq(pop(&c), 0);
	cr_expect_eq(vdriver_avail_event(&drv), 0, "the next one kicks");
	cr_expect_not(vq_poll_begin(&q));
	cr_expect_eq(vdriver_avail_event(&drv), UINT16_MAX, "in the past");
	cr_expect_not(vq_poll(&q));
	add_one();
	cr_expect(vq_poll(&q));
	cr_expect_not(vq_poll(&q), "told once");
	cr_assert_eq(pop(&c), 1);
	cr_assert_eq(pop(&c), 0);
	cr_expect_not(vq_arm(&q));
	cr_expect_eq(vdriver_avail_event(&drv), UINT16_MAX, "still no kicks");
	cr_expect_not(vq_poll_end(&q));
	cr_expect_eq(vdriver_avail_event(&drv), 1, "kicks again");
	cr_expect_not(vq_poll_end(&q));
}

/* The guest published it before the begin and looked for a wish for kicks
 * after it: nobody else will tell. */
Test(queue, what_was_there_when_looking_began_is_found, .timeout = 5)
{
	struct vq_chain c;

	up(BOTH);
	cr_assert_eq(pop(&c), 0);
	add_one();
	cr_expect(vq_poll_begin(&q));
	cr_expect_not(vq_poll(&q), "told already");
	cr_assert_eq(pop(&c), 1);
}

Test(queue, what_came_at_the_very_end_is_found, .timeout = 5)
{
	up(BOTH);
	cr_expect_not(vq_poll_begin(&q));
	add_one();
	cr_expect(vq_poll_end(&q));
	cr_expect_eq(vdriver_avail_event(&drv), 0);
}

Test(queue, without_event_index_nobody_looks, .timeout = 5)
{
	up(0);
	cr_expect_not(vq_poll_begin(&q));
	add_one();
	cr_expect_not(vq_poll(&q));
	cr_expect_not(vq_poll_end(&q));
	cr_expect_eq(vdriver_used_flags(&drv), 0);
}

Test(queue, a_queue_taken_back_is_not_looked_at, .timeout = 5)
{
	up(BOTH);
	cr_expect_not(vq_poll_begin(&q));
	add_one();
	vq_stop(&q);
	cr_expect_not(vq_poll(&q));
	cr_expect_not(vq_poll_end(&q));
	vq_reset(&q);
	cr_expect_not(vq_poll_begin(&q));
	cr_expect_not(q.polled);
}
