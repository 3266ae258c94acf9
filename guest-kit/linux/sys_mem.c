/* sys_mem.c: brk, mmap, munmap, mprotect, and the calls that ask about or
 * hold pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/page.h"
#include "kernel/vm.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/mem.h"
#include "linux/process.h"

#include "kernel/store.h"

#define PROT_SEM       0x8u
#define PROT_GROWSDOWN 0x01000000u
#define PROT_GROWSUP   0x02000000u

#define MAP_TYPE            0x0fu
#define MAP_SHARED          0x01u
#define MAP_PRIVATE         0x02u
#define MAP_SHARED_VALIDATE 0x03u
#define MAP_FIXED           0x10u
#define MAP_ANONYMOUS       0x20u
#define MAP_32BIT           0x40u
#define MAP_GROWSDOWN       0x100u
#define MAP_DENYWRITE       0x800u
#define MAP_EXECUTABLE      0x1000u
#define MAP_LOCKED          0x2000u
#define MAP_NORESERVE       0x4000u
#define MAP_POPULATE        0x8000u
#define MAP_NONBLOCK        0x10000u
#define MAP_STACK           0x20000u
#define MAP_HUGETLB         0x40000u
#define MAP_FIXED_NOREPLACE 0x100000u

/* What MAP_SHARED_VALIDATE knows */
#define MAP_KNOWN                                                           \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | \
	 MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE |      \
	 MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |            \
	 MAP_FIXED_NOREPLACE)

#define MS_ASYNC      1u
#define MS_INVALIDATE 2u
#define MS_SYNC       4u

#define MCL_CURRENT   1u
#define MCL_FUTURE    2u
#define MCL_ONFAULT   4u
#define MLOCK_ONFAULT 1u

/* Ranges up to this are made at once: a fault costs more than the pages. Of
 * files there is nothing to make. */
#define EAGER      (16 * PAGE_LEN)
#define EAGER_FILE (512 * PAGE_LEN)
/* Not when memory is short: then every page counts. */
#define EAGER_FREE (8 * EAGER / PAGE_LEN)

/* Room the heap has before the arena of mmap starts. */
#define HEAP_ROOM (256ull << 20)
#define ARENA     0x20000000ull

static struct {
	uint64_t start, now;
} heap;

void process_init(uint64_t heap_start)
{
	heap.start = heap.now = heap_start;
	vm_set_arena(max_u64(ARENA, heap_start + HEAP_ROOM));
}

bool mem_range(uint64_t start, uint64_t *len)
{
	uint64_t up = page_up(*len);

	if ((start & PAGE_MASK) || up < *len || start + up < start)
		return false;
	*len = up;
	return true;
}

bool mem_is_outside(uint64_t start, uint64_t len)
{
	return start < VM_MIN || start >= VM_END || len > VM_END - start;
}

int64_t sys_brk(struct regs *r)
{
	uint64_t want = ARG1(r), now = page_up(heap.now), end;
	const unsigned prot = VM_READ | VM_WRITE;

	if (want < heap.start || want >= VM_END)
		return (int64_t)heap.now;
	end = page_up(want);
	if (end > now) {
		if (!vm_is_free(now, end - now) ||
		    vm_overcommits(end - now, prot, 0) ||
		    vm_map_zeros(now, end - now, prot, VM_HEAP))
			return (int64_t)heap.now;
		if (end - now <= EAGER && page_count_free() > EAGER_FREE)
			vm_populate(now, end - now, true);
	} else if (end < now && vm_unmap(end, now - end)) {
		return (int64_t)heap.now;
	}
	heap.now = want;
	return (int64_t)want;
}

/* --- mmap -------------------------------------------------------------------- */

static int64_t choose_address(uint64_t at, uint64_t len, unsigned flags)
{
	uint64_t limit = flags & MAP_32BIT ? 1ull << 31 : VM_END;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (len > VM_END || at > VM_END - len)
			return -LINUX_ENOMEM;
		if (at & PAGE_MASK)
			return -LINUX_EINVAL;
		if (at < VM_MIN)
			return -LINUX_EPERM;
		if ((flags & MAP_FIXED_NOREPLACE) && !vm_is_free(at, len))
			return -LINUX_EEXIST;
		return (int64_t)at;
	}
	at = page_down(at);
	at = vm_find(at ? max_u64(at, VM_MIN) : 0, len, limit);
	return at ? (int64_t)at : -LINUX_ENOMEM;
}

/* What of a file can be mapped, into *area; no store: zeros. */
static int use_file(struct file *f, unsigned flags, uint64_t off,
		    struct vm_area *area)
{
	const unsigned mode = f->flags & O_ACCMODE;
	const unsigned type = flags & MAP_TYPE;

	if (f->flags & O_PATH)
		return -LINUX_EBADF;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		return -LINUX_EOPNOTSUPP;
	if (type != MAP_PRIVATE) {
		if ((area->prot & VM_WRITE) && mode != O_RDWR)
			return -LINUX_EACCES;
		area->flags |= VM_SHARED;
		if (mode != O_RDWR)
			area->flags |= VM_NO_WRITE;
	}
	if (mode == O_WRONLY)
		return -LINUX_EACCES;
	if (f->ops->zeros)
		return 0;
	if (!f->ops->store)
		return -LINUX_ENODEV;
	if (flags & MAP_GROWSDOWN)
		return -LINUX_EINVAL;
	area->store = f->ops->store(f);
	if (!area->store)
		return -LINUX_ENODEV;
	area->file = f;
	area->off = off;
	return 0;
}

/* Shared memory that is no file's has a store of its own: *ret_own. */
static int use_zeros(unsigned flags, uint64_t len, struct vm_area *area,
		     struct store **ret_own)
{
	if ((flags & MAP_TYPE) == MAP_PRIVATE)
		return 0;
	if ((flags & MAP_TYPE) != MAP_SHARED || (flags & MAP_GROWSDOWN))
		return -LINUX_EINVAL;
	if (vm_overcommits(len, area->prot, area->flags | VM_SHARED))
		return -LINUX_ENOMEM;
	*ret_own = area->store = store_new();
	if (!area->store)
		return -LINUX_ENOMEM;
	area->flags |= VM_SHARED;
	return store_resize(area->store, len);
}

static void populate_new(const struct vm_area *a, unsigned flags)
{
	const bool write = (a->prot & VM_WRITE) && !(a->flags & VM_SHARED);
	uint64_t len = a->end - a->start;

	if (!a->prot)
		return;
	if (!(flags & (MAP_POPULATE | MAP_LOCKED))) {
		if (page_count_free() < EAGER_FREE)
			return;
		if (a->store) {
			vm_populate(a->start, min_u64(len, EAGER_FILE), false);
			return;
		}
		if (len > EAGER)
			return;
	}
	vm_populate(a->start, len, write);
}

static int64_t map_area(struct vm_area *a, uint64_t at, uint64_t len,
			unsigned flags)
{
	int64_t start = choose_address(at, len, flags);
	int rc;

	if (start < 0)
		return start;
	if (!(a->flags & VM_SHARED) && vm_overcommits(len, a->prot, a->flags))
		return -LINUX_ENOMEM;
	a->start = (uint64_t)start;
	a->end = a->start + len;
	rc = vm_map(a);
	if (rc)
		return rc;
	populate_new(a, flags);
	return start;
}

int64_t sys_mmap(struct regs *r)
{
	uint64_t len = ARG2(r), off = ARG6(r);
	unsigned flags = (unsigned)ARG4(r);
	struct vm_area area = {
		.prot = ARG3(r) & (VM_READ | VM_WRITE | VM_EXEC),
		.flags = flags & MAP_NORESERVE ? VM_NORESERVE : 0,
	};
	struct store *own = NULL;
	struct file *f = NULL;
	int64_t rc;

	if (off & PAGE_MASK)
		return -LINUX_EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_hold(ARG5(r));
		if (!f)
			return -LINUX_EBADF;
	}
	if (!len)
		rc = -LINUX_EINVAL;
	else if (len > VM_END)
		rc = -LINUX_ENOMEM;
	else if (off + len < off)
		rc = -LINUX_EOVERFLOW;
	else if ((flags & MAP_TYPE) - 1 > MAP_SHARED_VALIDATE - 1)
		rc = -LINUX_EINVAL;
	else
		rc = f ? use_file(f, flags, off, &area) : 0;
	if (!rc && !area.store)
		rc = use_zeros(flags, page_up(len), &area, &own);
	if (!rc)
		rc = map_area(&area, ARG1(r), page_up(len), flags);
	if (own)
		store_put(own);
	if (f)
		file_put(f);
	return rc;
}

int64_t sys_munmap(struct regs *r)
{
	uint64_t start = ARG1(r), len = ARG2(r);

	if (!mem_range(start, &len) || !len || start >= VM_END ||
	    len > VM_END - start)
		return -LINUX_EINVAL;
	return vm_unmap(start, len);
}

int64_t sys_mprotect(struct regs *r)
{
	uint64_t start = ARG1(r), len = ARG2(r);
	unsigned prot = (unsigned)ARG3(r);

	if (start & PAGE_MASK)
		return -LINUX_EINVAL;
	if (!len)
		return 0;
	if (!mem_range(start, &len))
		return -LINUX_ENOMEM;
	/* No mapping here grows by itself: the two are wrong for all. */
	if (prot & ~(VM_READ | VM_WRITE | VM_EXEC | PROT_SEM))
		return -LINUX_EINVAL;
	if (mem_is_outside(start, len))
		return -LINUX_ENOMEM;
	return vm_protect(start, len, prot & (VM_READ | VM_WRITE | VM_EXEC));
}

/* --- questions, and pages that must stay: all do ------------------------------ */

int64_t sys_msync(struct regs *r)
{
	uint64_t start = ARG1(r), len = ARG2(r), flags = ARG3(r);

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
	    (start & PAGE_MASK) || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -LINUX_EINVAL;
	if (!mem_range(start, &len))
		return -LINUX_ENOMEM;
	if (!len)
		return 0;
	return mem_is_outside(start, len) || !vm_is_mapped(start, len)
		       ? -LINUX_ENOMEM
		       : 0;
}

int64_t sys_mincore(struct regs *r)
{
	uint64_t start = ARG1(r), len = ARG2(r), n;
	uint8_t *vec = user_ptr(ARG3(r));

	if (start & PAGE_MASK)
		return -LINUX_EINVAL;
	if (start >= VM_END || len > VM_END - start)
		return -LINUX_ENOMEM;
	n = page_up(len) / PAGE_LEN;
	if (!vm_user_ok(ARG3(r), n, VM_WRITE))
		return -LINUX_EFAULT;
	for (uint64_t i = 0; i < n; i++, start += PAGE_LEN) {
		if (!vm_is_mapped(start, PAGE_LEN))
			return -LINUX_ENOMEM;
		vec[i] = vm_is_resident(start);
	}
	return 0;
}

static int64_t lock(uint64_t start, uint64_t len, bool now)
{
	len += start & PAGE_MASK;
	start = page_down(start);
	if (!mem_range(start, &len))
		return -LINUX_EINVAL;
	if (!len)
		return 0;
	if (mem_is_outside(start, len) || !vm_is_mapped(start, len))
		return -LINUX_ENOMEM;
	if (now)
		vm_populate(start, len, false);
	return 0;
}

int64_t sys_mlock(struct regs *r)
{
	return lock(ARG1(r), ARG2(r), true);
}

int64_t sys_mlock2(struct regs *r)
{
	if (ARG3(r) & ~(uint64_t)MLOCK_ONFAULT)
		return -LINUX_EINVAL;
	return lock(ARG1(r), ARG2(r), !(ARG3(r) & MLOCK_ONFAULT));
}

int64_t sys_munlock(struct regs *r)
{
	return lock(ARG1(r), ARG2(r), false);
}

int64_t sys_mlockall(struct regs *r)
{
	uint64_t flags = ARG1(r);

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
	    flags == MCL_ONFAULT)
		return -LINUX_EINVAL;
	return 0;
}

int64_t sys_munlockall(struct regs *r)
{
	(void)r;
	return 0;
}
