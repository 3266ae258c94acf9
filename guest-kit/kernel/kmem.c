/* kmem.c: small objects come from pages cut into pieces of one size, a power
 * of two, and go back to that size's list; large ones are runs of pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"

#include "kernel/page.h"
#include "lib/string.h"

#define SHIFT_MIN 5 /* 32 bytes */
#define SHIFT_MAX 22
#define CLASSES   (SHIFT_MAX - SHIFT_MIN + 1)

struct piece {
	struct piece *next;
};

static struct piece *lists[CLASSES];

static unsigned class_of(uint64_t len)
{
	unsigned class = 0;

	while ((32ull << class) < len)
		class ++;
	return class;
}

/* A page cut into pieces. */
static void refill(unsigned class)
{
	uint64_t len = 32ull << class;
	uint8_t *page = page_alloc();

	for (uint64_t off = 0; page && off < PAGE_LEN; off += len) {
		struct piece *p = (struct piece *)(void *)(page + off);

		p->next = lists[class];
		lists[class] = p;
	}
}

void *kmem_alloc(uint64_t len)
{
	unsigned class = class_of(len);
	struct piece *p;

	if (len > KMEM_MAX)
		return NULL;
	len = 32ull << class;
	if (!lists[class] && len < PAGE_LEN)
		refill(class);
	p = lists[class];
	if (p)
		lists[class] = p->next;
	else if (len >= PAGE_LEN)
		p = page_alloc_run(len / PAGE_LEN);
	return p ? memset(p, 0, len) : NULL;
}

void kmem_free(void *p, uint64_t len)
{
	unsigned class = class_of(len);
	struct piece *piece = p;

	if (!piece)
		return;
	piece->next = lists[class];
	lists[class] = piece;
}
