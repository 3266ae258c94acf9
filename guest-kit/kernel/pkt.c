/* pkt.c: pieces of memory in queues. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/pkt.h"

#include "kernel/kmem.h"
#include "kernel/page.h"

#define SIZE_MIN 256u

struct pkt *pkt_new(uint32_t len)
{
	struct pkt *p;
	uint32_t size = SIZE_MIN;

	if (len > PKT_LEN_MAX)
		return NULL;
	while (size < len + sizeof(*p))
		size *= 2;
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
