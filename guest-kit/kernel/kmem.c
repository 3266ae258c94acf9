/* kmem.c: small objects are pieces of one size, cut from a page that keeps its
 * own list of those that are free, so that an empty page can go back; large
 * ones are runs of pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"

#include "kernel/page.h"
#include "lib/string.h"

struct piece {
	struct piece *next;
};

/* At the start of its page; the pieces follow. */
struct slab {
	struct slab *next, *prev; /* with free pieces, of the same size */
	struct piece *free;
	uint64_t used;
};

/* As many of each as fit behind the header, at multiples of 16. */
static const uint16_t sizes[] = { 32,  48,  64,  96,   128,  192, 256,
				  400, 576, 800, 1008, 1344, 2032 };

static struct slab *partial[ARRAY_LEN(sizes)];

static unsigned class_of(uint64_t len)
{
	unsigned class = 0;

	while (class < ARRAY_LEN(sizes) && sizes[class] < len)
		class ++;
	return class;
}

static uint64_t pages_of(uint64_t len)
{
	return page_up(len) / PAGE_LEN;
}

static void link_slab(unsigned class, struct slab *s)
{
	s->prev = NULL;
	s->next = partial[class];
	if (s->next)
		s->next->prev = s;
	partial[class] = s;
}

static void unlink_slab(unsigned class, struct slab *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		partial[class] = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

static struct slab *new_slab(unsigned class)
{
	const uint64_t len = sizes[class];
	struct slab *s = page_alloc();
	uint8_t *page = (uint8_t *)s;

	if (!s)
		return NULL;
	*s = (struct slab){ 0 };
	for (uint64_t off = sizeof(*s); off + len <= PAGE_LEN; off += len) {
		struct piece *p = (struct piece *)(void *)(page + off);

		p->next = s->free;
		s->free = p;
	}
	link_slab(class, s);
	return s;
}

void *kmem_alloc(uint64_t len)
{
	unsigned class = class_of(len);
	struct slab *s;
	struct piece *p;

	if (len > KMEM_MAX)
		return NULL;
	if (class == ARRAY_LEN(sizes))
		return page_alloc_run_zeroed(pages_of(len));
	s = partial[class] ? partial[class] : new_slab(class);
	if (!s)
		return NULL;
	p = s->free;
	s->free = p->next;
	s->used++;
	if (!s->free)
		unlink_slab(class, s);
	return memset(p, 0, sizes[class]);
}

void kmem_free(void *p, uint64_t len)
{
	unsigned class = class_of(len);
	struct slab *s = (struct slab *)page_down((uintptr_t)p);
	struct piece *piece = p;

	if (!p)
		return;
	if (class == ARRAY_LEN(sizes)) {
		page_free_run(p, pages_of(len));
		return;
	}
	if (!s->free)
		link_slab(class, s);
	piece->next = s->free;
	s->free = piece;
	/* The last one with room stays: one object, again and again. */
	if (!--s->used && (s->next || s->prev)) {
		unlink_slab(class, s);
		page_free(s);
	}
}
