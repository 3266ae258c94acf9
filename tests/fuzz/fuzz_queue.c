/* fuzz_queue.c: rings and descriptors written by a fuzzer.
 *
 * Input: size, features, first index, iovecs at hand, n, n steps, and the
 * bytes of guest memory from RINGS on. The oracle: chains lie in RAM and are
 * no longer than the queue; a refused pop changes nothing; each push moves
 * the used index by one; the device writes the used ring only. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/queue.h"

#define RAM       0x10000u
#define RINGS     0x100u
#define SIZE_MAX_ 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static _Alignas(4096) uint8_t ram[RAM], shadow[RAM];

struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t next(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

struct state {
	struct gmem mem;
	struct vdriver drv;
	struct vq q;
	struct iovec iov[SIZE_MAX_];
	unsigned n_iov;
	uint16_t head[SIZE_MAX_]; /* in flight, oldest first */
	unsigned n_heads;
	bool may_undo; /* the newest was popped last */
};

static void check_chain(const struct state *s, const struct vq_chain *c)
{
	const unsigned n_iov = (unsigned)c->n_read + c->n_write;
	uint64_t sum[2] = { 0, 0 };

	CHECK(c->iov == s->iov);
	CHECK(n_iov <= s->q.size && n_iov <= s->n_iov);
	CHECK(c->head < s->q.size);
	for (unsigned i = 0; i < n_iov; i++) {
		const uint8_t *p = c->iov[i].iov_base;
		const size_t n = c->iov[i].iov_len;

		CHECK(n > 0 && n <= RAM);
		CHECK(p >= ram && p <= ram + RAM - n);
		sum[i >= c->n_read] += n;
	}
	CHECK(sum[0] == c->read_len && sum[1] == c->write_len);
}

static void pop(struct state *s)
{
	struct vq_chain c;
	const struct vq before = s->q;
	const int r = vq_pop(&s->q, s->iov, s->n_iov, &c);

	CHECK(r == 1 || r == 0 || r == -EPROTO || r == -EFAULT ||
	      r == -ENOBUFS);
	CHECK(r != -ENOBUFS || s->n_iov < s->q.size);
	if (r == 1) {
		check_chain(s, &c);
		CHECK(s->q.next_avail == (uint16_t)(before.next_avail + 1));
		CHECK(s->q.in_flight == before.in_flight + 1);
		CHECK(s->q.in_flight <= s->q.size);
		s->head[s->n_heads++] = c.head;
		s->may_undo = true;
		return;
	}
	CHECK(s->q.next_avail == before.next_avail);
	CHECK(s->q.in_flight == before.in_flight);
}

static void push(struct state *s, unsigned which, uint8_t len)
{
	const struct vq before = s->q;
	unsigned i;

	if (s->n_heads == 0)
		return;
	i = which % s->n_heads;
	vq_push(&s->q, s->head[i], len);
	memmove(&s->head[i], &s->head[i + 1],
		(s->n_heads - i - 1) * sizeof(s->head[0]));
	s->n_heads--;
	s->may_undo = false;
	if (before.stopped) {
		CHECK(!s->q.ready || s->q.next_used == before.next_used);
		return;
	}
	CHECK(s->q.next_used == (uint16_t)(before.next_used + 1));
	CHECK(vdriver_used_idx(&s->drv) == s->q.next_used);
}

static void step(struct state *s, uint8_t op)
{
	const uint8_t arg = op >> 3;
	bool again;

	switch (op & 7) {
	case 0:
	case 1:
		pop(s);
		break;
	case 2:
		push(s, arg, arg);
		break;
	case 3: /* the guest: more chains, or a lie */
		vdriver_publish(&s->drv,
				(uint16_t)(s->drv.avail_idx + (int8_t)op / 8));
		memcpy(shadow + s->drv.avail, ram + s->drv.avail, 4);
		break;
	case 4:
		again = vq_arm(&s->q);
		CHECK(again == vq_has_avail(&s->q));
		break;
	case 5:
		vq_wants_interrupt(&s->q);
		again = vq_wants_interrupt(&s->q);
		CHECK(!again);
		break;
	case 6:
		if (s->may_undo && s->n_heads > 0) {
			vq_undo(&s->q);
			s->n_heads--;
		}
		break;
	default:
		if (arg == 31)
			vq_stop(&s->q);
		else if (arg == 30)
			vq_disable(&s->q);
		else
			vq_kicks_off(&s->q);
		break;
	}
	CHECK(s->q.in_flight == s->n_heads);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	const uint16_t size = (uint16_t)(1u << next(&in) % 5);
	const uint8_t features = next(&in);
	const uint16_t start = (uint16_t)(next(&in) * 0x101u);
	struct state s = { .n_iov = 1 + next(&in) % SIZE_MAX_ };
	const unsigned n_ops = next(&in) % 64;
	uint8_t ops[64];
	int r;

	for (unsigned i = 0; i < n_ops; i++)
		ops[i] = next(&in);
	memset(ram, 0, sizeof(ram));
	vdriver_init(&s.drv, ram, RINGS, size);
	memcpy(ram + RINGS, in.p,
	       in.left < RAM - RINGS ? in.left : RAM - RINGS);
	memcpy(shadow, ram, sizeof(ram));
	memcpy(&s.drv.avail_idx, ram + s.drv.avail + 2, 2);

	gmem_init_borrowed(&s.mem, 0, ram, sizeof(ram));
	vq_init(&s.q, SIZE_MAX_);
	vdriver_attach(&s.drv, &s.q);
	r = vq_enable(&s.q, &s.mem,
		      (features & 1 ? VIRTIO_F_INDIRECT_DESC : 0) |
			      (features & 2 ? VIRTIO_F_EVENT_IDX : 0));
	CHECK(r == 0);
	s.q.next_avail = s.q.next_used = s.q.signalled = start;
	for (unsigned i = 0; i < n_ops && s.q.ready; i++)
		step(&s, ops[i]);

	CHECK(memcmp(ram, shadow, s.drv.used) == 0);
	CHECK(memcmp(ram + s.drv.end, shadow + s.drv.end, RAM - s.drv.end) ==
	      0);
	return 0;
}
