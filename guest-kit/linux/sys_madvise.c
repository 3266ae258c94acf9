/* sys_madvise.c: madvise. Advice that only makes things faster elsewhere is
 * checked and accepted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/store.h"
#include "kernel/vm.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/mem.h"

enum {
	MADV_NORMAL = 0,
	MADV_RANDOM = 1,
	MADV_SEQUENTIAL = 2,
	MADV_WILLNEED = 3,
	MADV_DONTNEED = 4,
	MADV_FREE = 8,
	MADV_REMOVE = 9,
	MADV_DONTFORK = 10,
	MADV_DOFORK = 11,
	MADV_MERGEABLE = 12,
	MADV_UNMERGEABLE = 13,
	MADV_HUGEPAGE = 14,
	MADV_NOHUGEPAGE = 15,
	MADV_DONTDUMP = 16,
	MADV_DODUMP = 17,
	MADV_WIPEONFORK = 18,
	MADV_KEEPONFORK = 19,
	MADV_COLD = 20,
	MADV_PAGEOUT = 21,
	MADV_POPULATE_READ = 22,
	MADV_POPULATE_WRITE = 23,
};

static bool is_known(unsigned advice)
{
	return advice <= MADV_DONTNEED ||
	       (advice >= MADV_FREE && advice <= MADV_POPULATE_WRITE);
}

/* The memory of a shared mapping goes, in its file, too. */
static int give_up(const struct vm_area *a, uint64_t start, uint64_t end)
{
	uint64_t off = a->off + (start - a->start), len = end - start;

	if (!a->store)
		return -LINUX_EINVAL;
	if (!(a->flags & VM_SHARED) || (a->flags & VM_NO_WRITE))
		return -LINUX_EACCES;
	if (off >= store_len(a->store))
		return 0;
	return store_punch(a->store, off,
			   min_u64(len, store_len(a->store) - off));
}

/* One area's part. */
static int advise(const struct vm_area *a, uint64_t start, uint64_t end,
		  unsigned advice)
{
	const bool private_zeros = !a->store && !(a->flags & VM_PHYS);

	switch (advice) {
	case MADV_DONTNEED:
		if (a->flags & VM_PHYS)
			return -LINUX_EINVAL;
		vm_discard(start, end - start);
		return 0;
	case MADV_FREE: /* now, rather than when memory is short */
		if (!private_zeros)
			return -LINUX_EINVAL;
		vm_discard(start, end - start);
		return 0;
	case MADV_REMOVE:
		return give_up(a, start, end);
	case MADV_WIPEONFORK:
		return private_zeros ? 0 : -LINUX_EINVAL;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		if (a->flags & VM_PHYS)
			return -LINUX_EINVAL;
		if (!a->prot ||
		    (advice == MADV_POPULATE_WRITE && !(a->prot & VM_WRITE)))
			return -LINUX_EINVAL;
		return vm_populate(start, end - start,
				   advice == MADV_POPULATE_WRITE);
	default:
		return 0;
	}
}

int64_t sys_madvise(struct regs *r)
{
	uint64_t at = ARG1(r), len = ARG2(r), end;
	unsigned advice = (unsigned)ARG3(r);
	struct vm_range v;
	bool hole = false;

	if (!is_known(advice) || !mem_range(at, &len))
		return -LINUX_EINVAL;
	/* As Linux: what is mapped is done, then holes are told. */
	for (end = at + len; at < end;) {
		struct vm_area a;
		uint64_t stop;
		int rc;

		if (!vm_area_at(at, &a)) {
			hole = true;
			if (advice == MADV_POPULATE_READ ||
			    advice == MADV_POPULATE_WRITE || !vm_next(at, &v))
				break;
			at = v.start;
			continue;
		}
		stop = min_u64(a.end, end);
		rc = advise(&a, at, stop, advice);
		if (rc)
			return rc;
		at = stop;
	}
	return hole ? -LINUX_ENOMEM : 0;
}
