/* lock.c: advisory locks: a list for each inode. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/lock.h"

#include "fs/inode.h"
#include "kernel/kmem.h"
#include "kernel/wait.h"
#include "linux/errno.h"

struct file_lock {
	struct file_lock *next;
	const struct file *owner; /* NULL: the process */
	struct lock_range range;
};

/* Everybody who waits for any lock. */
static struct waitq released;

static const struct file *owner_of(const struct file *f, enum lock_kind kind)
{
	return kind == LOCK_POSIX ? NULL : f;
}

static bool is_flock(const struct lock_range *r)
{
	return r->kind == LOCK_FLOCK;
}

static bool overlap(const struct lock_range *a, const struct lock_range *b)
{
	return a->first <= b->last && b->first <= a->last &&
	       is_flock(a) == is_flock(b);
}

static struct file_lock *in_the_way(const struct file *f,
				    const struct lock_range *want)
{
	for (struct file_lock *l = f->node->locks; l; l = l->next)
		if (overlap(&l->range, want) &&
		    (l->range.kind != want->kind ||
		     l->owner != owner_of(f, want->kind)) &&
		    (l->range.type == LOCK_WRITE || want->type == LOCK_WRITE))
			return l;
	return NULL;
}

bool lock_test(struct file *f, const struct lock_range *want,
	       struct lock_range *ret)
{
	const struct file_lock *l = in_the_way(f, want);

	if (l)
		*ret = l->range;
	return l;
}

static void free_lock(struct file_lock *l)
{
	kmem_free(l, sizeof(*l));
}

/* Takes the range out of what the owner has; `spare` becomes the second half
 * of a lock that is cut in two. True: the spare was used. */
static bool carve(struct inode *node, const struct file *owner,
		  const struct lock_range *range, struct file_lock *spare)
{
	struct file_lock **link = &node->locks, *l;

	while ((l = *link)) {
		struct lock_range *have = &l->range;

		if (l->owner != owner || have->kind != range->kind ||
		    !overlap(have, range)) {
			link = &l->next;
		} else if (have->first < range->first &&
			   have->last > range->last) {
			*spare = *l;
			spare->range.first = range->last + 1;
			have->last = range->first - 1;
			l->next = spare;
			return true;
		} else if (have->first < range->first) {
			have->last = range->first - 1;
			link = &l->next;
		} else if (have->last > range->last) {
			have->first = range->last + 1;
			link = &l->next;
		} else {
			*link = l->next;
			free_lock(l);
		}
	}
	return false;
}

/* Neighbours of one kind become one; all are by their first byte. */
static void insert(struct inode *node, struct file_lock *new)
{
	struct file_lock **link = &node->locks, *l;

	while ((l = *link)) {
		if (l->owner != new->owner ||
		    l->range.kind != new->range.kind ||
		    l->range.type != new->range.type ||
		    (l->range.last + 1 !=
		     new->range.first &&new->range.last + 1 !=
		     l->range.first)) {
			link = &l->next;
			continue;
		}
		new->range.first = min_u64(l->range.first, new->range.first);
		new->range.last = max_u64(l->range.last, new->range.last);
		*link = l->next;
		free_lock(l);
	}
	link = &node->locks;
	while (*link && (*link)->range.first < new->range.first)
		link = &(*link)->next;
	new->next = *link;
	*link = new;
}

static int apply(struct file *f, const struct lock_range *want)
{
	const struct file *owner = owner_of(f, want->kind);
	struct file_lock *new = kmem_alloc(sizeof(*new));
	struct file_lock *spare = kmem_alloc(sizeof(*spare));

	if (!new || !spare) {
		free_lock(new);
		free_lock(spare);
		return -LINUX_ENOLCK;
	}
	if (!carve(f->node, owner, want, spare))
		free_lock(spare);
	if (want->type == LOCK_NONE) {
		free_lock(new);
	} else {
		*new = (struct file_lock){ NULL, owner, *want };
		insert(f->node, new);
	}
	waitq_wake(&released, WAKE_ANY);
	return 0;
}

int lock_set(struct file *f, const struct lock_range *want, bool wait)
{
	const struct lock_range none = { want->kind, LOCK_NONE, want->first,
					 want->last };
	int rc = 0;

	/* flock gives back the old one before it waits for the new. */
	if (want->type != LOCK_NONE && is_flock(want) && in_the_way(f, want))
		rc = apply(f, &none);
	while (!rc && want->type != LOCK_NONE && in_the_way(f, want))
		rc = wait ? waitq_sleep(&released, WAIT_FOREVER)
			  : -LINUX_EAGAIN;
	return rc ? rc : apply(f, want);
}

static void drop(struct inode *node, const struct file *owner)
{
	struct file_lock **link = &node->locks, *l;

	while ((l = *link)) {
		if (l->owner != owner) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		free_lock(l);
		waitq_wake(&released, WAKE_ANY);
	}
}

void lock_close(struct file *f)
{
	if (f->node && f->node->locks && !(f->flags & O_PATH))
		drop(f->node, NULL);
}

void lock_release(struct file *f)
{
	if (f->node && f->node->locks)
		drop(f->node, f);
}
