/* sys_mem.c: brk, mmap and relatives. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/page.h"
#include "kernel/vm.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/process.h"

#define MAP_SHARED          0x01u
#define MAP_PRIVATE         0x02u
#define MAP_FIXED           0x10u
#define MAP_ANONYMOUS       0x20u
#define MAP_NORESERVE       0x4000u
#define MAP_POPULATE        0x8000u
#define MAP_FIXED_NOREPLACE 0x100000u

#define MREMAP_MAYMOVE 1u
#define MREMAP_FIXED   2u

#define MADV_DONTNEED 4

/* Ranges up to this are made at once: a fault costs more than the pages. */
#define EAGER (16 * PAGE_LEN)

/* Room the heap has before the arena of mmap starts. */
#define HEAP_ROOM (256ull << 20)

static struct {
	uint64_t start, now;
} heap;

void process_init(uint64_t heap_start)
{
	heap.start = heap.now = heap_start;
	vm_set_arena(max_u64(0x20000000, heap_start + HEAP_ROOM));
}

/* Not when memory is short: then every page counts. */
static void populate_eagerly(uint64_t start, uint64_t len, unsigned prot)
{
	if (prot && len <= EAGER && page_count_free() > 8 * EAGER / PAGE_LEN)
		vm_populate(start, len);
}

static bool bad_range(uint64_t start, uint64_t len)
{
	return (start & PAGE_MASK) || start < VM_MIN || start >= VM_END ||
	       len > VM_END - start;
}

int64_t sys_brk(struct regs *r)
{
	uint64_t want = ARG1(r), now = page_up(heap.now), end;

	if (want < heap.start || want >= VM_END)
		return (int64_t)heap.now;
	end = page_up(want);
	if (end > now) {
		if (!vm_is_free(now, end - now) ||
		    (end - now) / PAGE_LEN > page_count_total() ||
		    vm_map(now, end - now, VM_READ | VM_WRITE))
			return (int64_t)heap.now;
		populate_eagerly(now, end - now, VM_READ | VM_WRITE);
	} else if (end < now && vm_unmap(end, now - end)) {
		return (int64_t)heap.now;
	}
	heap.now = want;
	return (int64_t)want;
}

int64_t sys_mmap(struct regs *r)
{
	uint64_t at = ARG1(r), len = ARG2(r), flags = ARG4(r);
	unsigned prot = ARG3(r) & (VM_READ | VM_WRITE | VM_EXEC);
	int rc;

	if (!len || !(flags & (MAP_SHARED | MAP_PRIVATE)))
		return -LINUX_EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return (int)ARG5(r) < 0 ? -LINUX_EBADF : -LINUX_ENODEV;
	if (len > VM_END)
		return -LINUX_ENOMEM;
	len = page_up(len);
	/* More than there is can be reserved, not asked for in earnest. */
	if (prot && !(flags & MAP_NORESERVE) &&
	    len / PAGE_LEN > page_count_total())
		return -LINUX_ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (at & PAGE_MASK)
			return -LINUX_EINVAL;
		if (bad_range(at, len))
			return -LINUX_ENOMEM;
		if ((flags & MAP_FIXED_NOREPLACE) && !vm_is_free(at, len))
			return -LINUX_EEXIST;
	} else {
		at = vm_find(page_down(at), len);
		if (!at)
			return -LINUX_ENOMEM;
	}
	rc = vm_map(at, len, prot);
	if (rc)
		return rc;
	populate_eagerly(at, len, prot);
	if (prot && (flags & MAP_POPULATE))
		vm_populate(at, len);
	return (int64_t)at;
}

int64_t sys_munmap(struct regs *r)
{
	uint64_t len = ARG2(r);

	if (!len || bad_range(ARG1(r), len))
		return -LINUX_EINVAL;
	return vm_unmap(ARG1(r), page_up(len));
}

int64_t sys_mprotect(struct regs *r)
{
	uint64_t len = ARG2(r);

	if (ARG1(r) & PAGE_MASK)
		return -LINUX_EINVAL;
	if (!len)
		return 0;
	if (bad_range(ARG1(r), len))
		return -LINUX_ENOMEM;
	return vm_protect(ARG1(r), page_up(len),
			  ARG3(r) & (VM_READ | VM_WRITE | VM_EXEC));
}

/* More room at the end of a mapping, in place. */
static int64_t grow(uint64_t at, uint64_t old_len, uint64_t len)
{
	int rc = vm_map(at + old_len, len - old_len, VM_READ | VM_WRITE);

	return rc ? rc : (int64_t)at;
}

int64_t sys_mremap(struct regs *r)
{
	uint64_t at = ARG1(r), old_len = ARG2(r), len = ARG3(r);
	uint64_t flags = ARG4(r), to;
	int rc;

	if (!len || !old_len || (at & PAGE_MASK))
		return -LINUX_EINVAL;
	if (len > VM_END || old_len > VM_END || bad_range(at, old_len))
		return -LINUX_EINVAL;
	len = page_up(len);
	old_len = page_up(old_len);
	if (!vm_is_mapped(at, old_len))
		return -LINUX_EFAULT;
	if (flags & MREMAP_FIXED) {
		to = ARG5(r);
		if (bad_range(to, len) || (to < at + old_len && at < to + len))
			return -LINUX_EINVAL;
	} else {
		if (len <= old_len) {
			if (len < old_len &&
			    (rc = vm_unmap(at + len, old_len - len)))
				return rc;
			return (int64_t)at;
		}
		if (!bad_range(at, len) &&
		    vm_is_free(at + old_len, len - old_len))
			return grow(at, old_len, len);
		to = vm_find(0, len);
	}
	if (!(flags & MREMAP_MAYMOVE) || !to ||
	    len / PAGE_LEN > page_count_total())
		return -LINUX_ENOMEM;
	rc = vm_unmap(to, len);
	if (!rc && len < old_len)
		rc = vm_unmap(at + len, old_len - len);
	if (!rc)
		rc = vm_move(at, to, min_u64(old_len, len));
	if (rc)
		return rc;
	return len > old_len ? grow(to, old_len, len) : (int64_t)to;
}

int64_t sys_madvise(struct regs *r)
{
	uint64_t len = ARG2(r);

	if (ARG1(r) & PAGE_MASK)
		return -LINUX_EINVAL;
	if (len && bad_range(ARG1(r), len))
		return -LINUX_ENOMEM;
	if (ARG3(r) == MADV_DONTNEED && len)
		vm_discard(ARG1(r), page_up(len));
	return 0;
}
