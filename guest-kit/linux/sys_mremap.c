/* sys_mremap.c: mremap. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vm.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/mem.h"

#define MREMAP_MAYMOVE   1u
#define MREMAP_FIXED     2u
#define MREMAP_DONTUNMAP 4u

struct remap {
	uint64_t from, len, new_len;
	unsigned flags;
	struct vm_area area; /* it lies in */
};

/* More at the end, in place. */
static int64_t grow(const struct remap *m)
{
	struct vm_area more = m->area;
	int rc;

	more.start = more.end;
	more.end += m->new_len - m->len;
	more.off += more.start - m->area.start;
	rc = vm_map(&more);
	return rc ? rc : (int64_t)m->from;
}

static bool can_grow(const struct remap *m)
{
	uint64_t end = m->from + m->len, more = m->new_len - m->len;

	return end == m->area.end && more <= VM_END - end &&
	       vm_is_free(end, more);
}

/* To a place that is free. len 0: a second mapping of what is shared. */
static int64_t move(const struct remap *m, uint64_t to)
{
	const bool keep = !m->len || (m->flags & MREMAP_DONTUNMAP);
	int rc = vm_move(m->from, m->len, to, m->new_len, keep);

	return rc ? rc : (int64_t)to;
}

static int64_t move_fixed(struct remap *m, uint64_t to)
{
	int rc;

	if ((to & PAGE_MASK) || to >= VM_END || m->new_len > VM_END - to ||
	    (to < m->from + m->len && m->from < to + m->new_len))
		return -LINUX_EINVAL;
	if (m->flags & MREMAP_FIXED) {
		if (to < VM_MIN)
			return -LINUX_EPERM;
		rc = vm_unmap(to, m->new_len);
		if (rc)
			return rc;
	} else {
		to = vm_find(to, m->new_len, VM_END);
		if (!to)
			return -LINUX_ENOMEM;
	}
	if (m->new_len < m->len) {
		rc = vm_unmap(m->from + m->new_len, m->len - m->new_len);
		if (rc)
			return rc;
		m->len = m->new_len;
	}
	return move(m, to);
}

static int check_flags(const struct remap *m)
{
	const unsigned flags = m->flags;

	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -LINUX_EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) &&
	    !(flags & MREMAP_MAYMOVE))
		return -LINUX_EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && m->len != m->new_len)
		return -LINUX_EINVAL;
	return 0;
}

/* What Linux asks of a mapping that is to grow or move. */
static int check_area(const struct remap *m)
{
	const struct vm_area *a = &m->area;

	if (!m->len && !(a->flags & VM_SHARED))
		return -LINUX_EINVAL;
	if ((m->flags & MREMAP_DONTUNMAP) && (a->flags & VM_PHYS))
		return -LINUX_EINVAL;
	if (min_u64(m->len, m->new_len) > a->end - m->from)
		return -LINUX_EFAULT;
	if (m->new_len > m->len && (a->flags & VM_PHYS))
		return -LINUX_EFAULT;
	if (!(a->flags & VM_SHARED) && m->new_len > m->len &&
	    vm_overcommits(m->new_len - m->len, a->prot, a->flags))
		return -LINUX_ENOMEM;
	return 0;
}

int64_t sys_mremap(struct regs *r)
{
	struct remap m = {
		.from = ARG1(r),
		.len = ARG2(r),
		.new_len = ARG3(r),
		.flags = (unsigned)ARG4(r),
	};
	uint64_t to;
	int rc = check_flags(&m);

	if (rc)
		return rc;
	if (!mem_range(m.from, &m.len) || !m.new_len || m.new_len > VM_END)
		return -LINUX_EINVAL;
	m.new_len = page_up(m.new_len);
	if (mem_is_outside(m.from, m.len) || !vm_area_at(m.from, &m.area))
		return -LINUX_EFAULT;
	if (m.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		rc = check_area(&m);
		return rc ? rc : move_fixed(&m, ARG5(r));
	}
	if (m.len >= m.new_len) {
		rc = m.len > m.new_len
			     ? vm_unmap(m.from + m.new_len, m.len - m.new_len)
			     : 0;
		return rc ? rc : (int64_t)m.from;
	}
	rc = check_area(&m);
	if (rc)
		return rc;
	if (can_grow(&m))
		return grow(&m);
	if (!(m.flags & MREMAP_MAYMOVE))
		return -LINUX_ENOMEM;
	to = vm_find(0, m.new_len, VM_END);
	return to ? move(&m, to) : -LINUX_ENOMEM;
}
