/* buddy.c: lists of free blocks, one for each power of two. The links of a
 * list are in the blocks themselves. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/buddy.h"

#define ORDERS 28 /* 2^27 pages: 512 GiB */

struct block {
	struct block *next, *prev;
};

static struct block *lists[ORDERS];
static uint32_t filled; /* bit n: lists[n] is not empty */
/* Of a page with which a free block begins: the block's order + 1; else 0. */
static uint8_t *block_order;
static uint64_t n_pages;

void buddy_init(uint8_t *state, uint64_t n)
{
	block_order = state;
	n_pages = n;
}

static void insert(uint64_t page, unsigned order)
{
	struct block *b = phys_ptr(page * PAGE_LEN);

	*b = (struct block){ .next = lists[order] };
	if (b->next)
		b->next->prev = b;
	lists[order] = b;
	filled |= 1u << order;
	block_order[page] = (uint8_t)(order + 1);
}

static void withdraw(uint64_t page, unsigned order)
{
	struct block *b = phys_ptr(page * PAGE_LEN);

	if (b->prev)
		b->prev->next = b->next;
	else
		lists[order] = b->next;
	if (b->next)
		b->next->prev = b->prev;
	if (!lists[order])
		filled &= ~(1u << order);
	block_order[page] = 0;
}

static void put_block(uint64_t page, unsigned order)
{
	for (; order < ORDERS - 1; order++) {
		uint64_t buddy = page ^ (1ull << order);

		if (buddy >= n_pages || block_order[buddy] != order + 1)
			break;
		withdraw(buddy, order);
		page &= ~(1ull << order);
	}
	insert(page, order);
}

void buddy_put(uint64_t page, uint64_t n)
{
	while (n) {
		unsigned aligned = (unsigned)__builtin_ctzll(page);
		unsigned order = 63 - (unsigned)__builtin_clzll(n);

		order = aligned < order ? aligned : order;
		put_block(page, order);
		page += 1ull << order;
		n -= 1ull << order;
	}
}

uint64_t buddy_take(uint64_t n)
{
	unsigned order = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 0;
	uint64_t page;

	if (order >= ORDERS || !(filled >> order))
		return 0;
	order += (unsigned)__builtin_ctz(filled >> order);
	page = phys_of(lists[order]) / PAGE_LEN;
	withdraw(page, order);
	buddy_put(page + n, (1ull << order) - n);
	return page;
}
