/* timer.c: a pairing heap: the earliest deadline is its root, a node's
 * children are a list, and taking the root pairs them up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/timer.h"

#include "kernel/clock.h"
#include "kernel/sched.h"

static struct timer *root;

/* `link` is the pointer that points at the node: the parent's `child` or the
 * sibling's `next`, or root. Fixes it up. */
static void attach(struct timer **link, struct timer *t)
{
	*link = t;
	if (t)
		t->link = link;
}

/* Two heaps, neither empty, become one; the loser is the winner's first
 * child. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	if (b->deadline < a->deadline) {
		struct timer *t = a;

		a = b;
		b = t;
	}
	attach(&b->next, a->child);
	attach(&a->child, b);
	a->next = NULL;
	return a;
}

/* A list of heaps becomes one: in pairs from the left, then those from the
 * right. */
static struct timer *meld_list(struct timer *first)
{
	struct timer *pairs = NULL, *all = NULL;

	while (first) {
		struct timer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = NULL;
		if (b) {
			b->next = NULL;
			a = meld(a, b);
		}
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *rest = pairs->next;

		pairs->next = NULL;
		all = all ? meld(all, pairs) : pairs;
		pairs = rest;
	}
	return all;
}

void timer_cancel(struct timer *t)
{
	struct timer *children = t->child;

	if (!t->link)
		return;
	attach(t->link, t->next);
	t->link = NULL;
	t->child = t->next = NULL;
	children = meld_list(children);
	if (children)
		attach(&root, root ? meld(root, children) : children);
}

void timer_set(struct timer *t, uint64_t deadline, void (*fn)(struct timer *))
{
	timer_cancel(t);
	t->deadline = deadline;
	t->fn = fn;
	attach(&root, root ? meld(root, t) : t);
	sched_timer(deadline);
}

void timer_run(void)
{
	while (root && root->deadline <= clock_now()) {
		struct timer *t = root;

		timer_cancel(t);
		t->fn(t);
	}
}

uint64_t timer_next(void)
{
	return root ? root->deadline : UINT64_MAX;
}
