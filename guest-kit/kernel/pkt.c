/* pkt.c: pieces of memory in queues. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/pkt.h"

#include "kernel/kmem.h"
#include "kernel/page.h"
#include "lib/string.h"

/* What kmem has in stock; larger ones are pages. */
static const uint16_t sizes[] = { 256, 576, 1008, 2032 };

static uint32_t size_for(uint64_t len)
{
	unsigned i = 0;

	while (i < ARRAY_LEN(sizes) && sizes[i] < len)
		i++;
	return i < ARRAY_LEN(sizes) ? sizes[i] : (uint32_t)page_up(len);
}

struct pkt *pkt_new(uint32_t len)
{
	struct pkt *p;
	uint32_t size;

	if (len > PKT_LEN_MAX)
		return NULL;
	size = size_for(len + sizeof(*p));
	/* the common size without being cleared */
	p = size == PAGE_LEN ? page_alloc() : kmem_alloc(size);
	if (p)
		*p = (struct pkt){ .data = (uint8_t *)(p + 1),
				   .room = size - (uint32_t)sizeof(*p),
				   .size = size };
	return p;
}

void pkt_free(struct pkt *p)
{
	if (p->size == PAGE_LEN)
		page_free(p);
	else
		kmem_free(p, p->size);
}

void pktq_add(struct pktq *q, struct pkt *p)
{
	p->next = NULL;
	if (q->last)
		q->last->next = p;
	else
		q->first = p;
	q->last = p;
	q->len += p->len;
	q->n++;
}

struct pkt *pktq_take(struct pktq *q)
{
	struct pkt *p = q->first;

	if (!p)
		return NULL;
	q->first = p->next;
	if (!q->first)
		q->last = NULL;
	q->len -= p->len;
	q->n--;
	return p;
}

void pktq_merge(struct pktq *q, struct pkt *p)
{
	struct pkt *last = q->last;

	if (!last || last->room < p->len || last->note || p->note ||
	    last->record_end) {
		pktq_add(q, p);
		return;
	}
	memcpy(last->data + last->len, p->data, p->len);
	last->len += p->len;
	last->room -= p->len;
	q->len += p->len;
	pkt_free(p);
}

uint64_t pktq_read(struct pktq *q, void *buf, uint64_t len)
{
	uint8_t *to = buf;
	uint64_t done = 0;

	while (done < len && q->first) {
		struct pkt *p = q->first;
		uint32_t n = (uint32_t)min_u64(p->len, len - done);

		memcpy(to + done, p->data, n);
		done += n;
		p->data += n;
		p->len -= n;
		q->len -= n;
		if (!p->len)
			pkt_free(pktq_take(q));
	}
	return done;
}
