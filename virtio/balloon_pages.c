/* balloon_pages.c: the queues that give memory back.
 *
 * Work is cut into slices, so that a list of a million pages does not keep
 * the machine lock: a chain not yet done waits in its balloon_work, and
 * notify says that there is more (vdev_again). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/iov.h"
#include "base/log.h"
#include "base/metrics.h"
#include "mem/gmem.h"
#include "virtio/balloon_priv.h"

/* What a slice may cost: a chain or a range is 1, and 1 more for each
 * COST_LEN bytes; a list is 1 for each LIST_MAX page numbers. */
#define SLICE_COST 256u
#define COST_LEN   (64u << 10)
#define PIECE_LEN  (4u << 20) /* of a long buffer at a time */
#define LIST_MAX   256u       /* page numbers loaded at a time */

static struct metric inflated = { "inflated_bytes_balloon",
				  "memory given back by inflation", 0 };
static struct metric reported = { "reported_bytes_balloon",
				  "memory given back by free page reporting",
				  0 };
static struct metric hinted = { "hinted_bytes_balloon",
				"memory given back by free page hinting", 0 };
static struct metric deflated = { "deflated_bytes_balloon",
				  "memory the guest took back", 0 };
static struct metric poisoned = {
	"poisoned_bytes_balloon",
	"reported or hinted memory kept for its poison", 0
};
static struct metric foreign = { "foreign_pages_balloon",
				 "inflated pages that are no memory", 0 };
static struct metric stale = { "stale_hints_balloon", "hints outside of a run",
			       0 };
static struct metric errors = { "errors_balloon",
				"memory that the host would not take back", 0 };

struct metric *const balloon_metrics[] = { &inflated, &reported, &hinted,
					   &deflated, &poisoned, &foreign,
					   &stale,    &errors,   NULL };

/* Returns the cost. */
static unsigned give_back(struct balloon *b, const struct iovec *span,
			  uint64_t *sum, struct metric *m)
{
	uint64_t len;
	int r = gmem_discard(b->v.mem, span, &len);

	if (r) {
		metric_inc(&errors);
		log_guest("balloon", "%zu bytes not given back: errno %d",
			  span->iov_len, -r);
		return 1;
	}
	*sum += len;
	metric_add(m, len);
	return 1 + (unsigned)(len / COST_LEN);
}

/* --- inflate -------------------------------------------------------------- */

/* Neighbouring pages that go in one call. */
struct run {
	uint64_t first, n; /* page numbers */
};

static unsigned give_back_run(struct balloon *b, const struct run *run)
{
	struct iovec span;

	/* every page of it was found to be RAM, and where RAM has a hole
	 * there is no neighbour */
	if (run->n == 0 || gmem_span(b->v.mem, run->first * BALLOON_PAGE,
				     run->n * BALLOON_PAGE, &span))
		return 0;
	return give_back(b, &span, &b->inflated, &inflated);
}

/* Some of the list. Linux's allocator hands pages out upwards as well as
 * downwards, so a run grows at both ends. */
static unsigned inflate(struct balloon *b, struct balloon_work *w)
{
	const size_t left = iov_total(w->at, w->n) / sizeof(le32);
	const size_t n = left < LIST_MAX ? left : LIST_MAX;
	struct run run = { 0 };
	le32 list[LIST_MAX];
	unsigned cost = 1;

	if (!iov_gather(w->at, w->n, list, n * sizeof(*list)))
		return cost;
	iov_skip(&w->at, &w->n, n * sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		const uint64_t page = le32_get(list[i]);

		if (!gmem_has(b->v.mem, page * BALLOON_PAGE, BALLOON_PAGE)) {
			metric_inc(&foreign);
			continue;
		}
		if (run.n > 0 && page == run.first + run.n) {
			run.n++;
		} else if (run.n > 0 && page + 1 == run.first) {
			run.first--;
			run.n++;
		} else {
			cost += give_back_run(b, &run);
			run = (struct run){ page, 1 };
		}
	}
	return cost + give_back_run(b, &run);
}

/* Nothing is to be done: a page has memory again when it is touched. */
int balloon_deflate_notify(struct balloon *b, unsigned queue)
{
	struct vq *q = &b->v.queue[queue];
	int res = 1;

	for (unsigned n = 0; n < SLICE_COST; n++) {
		struct vq_chain c;

		res = vq_pop(q, b->work[queue].iov, BALLOON_QUEUE_MAX, &c);
		if (res <= 0)
			break;
		if (c.n_write > 0 || c.read_len % sizeof(le32))
			return -EPROTO;
		metric_add(&deflated, c.read_len / sizeof(le32) * BALLOON_PAGE);
		vq_push(q, c.head, 0);
	}
	vdev_interrupt(&b->v, queue);
	return res;
}

/* --- reporting and hinting ------------------------------------------------ */

/* Some of the buffers, which are themselves the memory. */
static unsigned release(struct balloon *b, struct balloon_work *w,
			uint64_t *sum, struct metric *m)
{
	struct iovec piece = *w->at;
	const size_t to_end = PIECE_LEN - (uintptr_t)piece.iov_base % PAGE_LEN;
	unsigned cost = 1;

	if (piece.iov_len > to_end) /* the next begins with a page */
		piece.iov_len = to_end;
	if (b->poison)
		metric_add(&poisoned, piece.iov_len);
	else
		cost = give_back(b, &piece, sum, m);
	iov_skip(&w->at, &w->n, piece.iov_len);
	return cost;
}

static bool in_run(const struct balloon *b)
{
	return b->answered && b->guest_cmd == b->host_cmd &&
	       b->host_cmd >= BALLOON_CMD_FIRST;
}

static unsigned hint(struct balloon *b, struct balloon_work *w)
{
	if (in_run(b))
		return release(b, w, &b->hinted, &hinted);
	metric_inc(&stale); /* virtio 1.2, 5.5.6.3.2 */
	w->n = 0;
	return 1;
}

/* The driver begins or ends a run. */
static void hint_answer(struct balloon *b, uint32_t cmd)
{
	const bool ends = cmd == BALLOON_CMD_STOP && in_run(b);

	b->guest_cmd = cmd;
	b->answered = true;
	if (!ends || !b->release)
		return;
	b->host_cmd = BALLOON_CMD_DONE;
	vdev_config_changed(&b->v);
}

/* --- chains --------------------------------------------------------------- */

/* Takes a chain apart: what is left of it in `w` is the list or the memory. */
static int begin(struct balloon *b, struct balloon_work *w,
		 const struct vq_chain *c, enum balloon_queue role)
{
	le32 cmd;

	w->at = w->iov;
	w->n = c->n_read + c->n_write;
	if (role == BALLOON_INFLATE)
		return c->n_write > 0 || c->read_len % sizeof(le32) ? -EPROTO
								    : 0;
	if (role == BALLOON_REPORTING)
		return c->n_read > 0 ? -EPROTO : 0;
	if (c->n_read == 0)
		return 0;
	if (c->read_len != sizeof(cmd) ||
	    !iov_gather(w->at, w->n, &cmd, sizeof(cmd)))
		return -EPROTO;
	w->at += c->n_read;
	w->n -= c->n_read;
	hint_answer(b, le32_get(cmd));
	return 0;
}

static unsigned go_on(struct balloon *b, struct balloon_work *w,
		      enum balloon_queue role)
{
	if (role == BALLOON_INFLATE)
		return inflate(b, w);
	if (role == BALLOON_FREE_PAGE)
		return hint(b, w);
	return release(b, w, &b->reported, &reported);
}

int balloon_pages_notify(struct balloon *b, unsigned queue,
			 enum balloon_queue role)
{
	struct balloon_work *w = &b->work[queue];
	struct vq *q = &b->v.queue[queue];
	unsigned cost = 0;
	int res = 1;

	while (cost < SLICE_COST) {
		struct vq_chain c;

		if (w->busy && w->n > 0) {
			cost += go_on(b, w, role);
			continue;
		}
		if (w->busy) {
			w->busy = false;
			vq_push(q, w->head, 0);
		}
		res = vq_pop(q, w->iov, BALLOON_QUEUE_MAX, &c);
		if (res <= 0)
			break;
		res = begin(b, w, &c, role);
		if (res < 0)
			return res;
		w->head = c.head;
		w->busy = true;
		res = 1;
		cost++;
	}
	vdev_interrupt(&b->v, queue);
	return res;
}
