/* gmem.c: see gmem.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mem/gmem.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"

/* `len` bytes at a multiple of GMEM_HUGE_LEN; NULL: see errno. */
static uint8_t *map_aligned(uint64_t len)
{
	const uint64_t all = len + GMEM_HUGE_LEN;
	uint8_t *p = mmap(NULL, all, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t skip;

	if (p == MAP_FAILED)
		return NULL;
	skip = -(uintptr_t)p % GMEM_HUGE_LEN;
	/* cutting the ends of a mapping off cannot fail */
	if (skip > 0)
		(void)munmap(p, skip);
	(void)munmap(p + skip + len, GMEM_HUGE_LEN - skip);
	return p + skip;
}

int gmem_init(struct gmem *m, uint64_t len, struct err *err)
{
	uint64_t low = len < LAYOUT_HOLE_START ? len : LAYOUT_HOLE_START;
	uint8_t *host;

	if (len == 0 || len % PAGE_LEN != 0 || len > LAYOUT_MEM_MAX)
		return err_set(err, -EINVAL,
			       "guest memory: %llu bytes: must be a multiple "
			       "of 4096, at most %llu",
			       (unsigned long long)len,
			       (unsigned long long)LAYOUT_MEM_MAX);
	host = map_aligned(len);
	if (!host)
		return err_set(err, -errno, "guest memory: map %llu bytes",
			       (unsigned long long)len);
	(void)madvise(host, len, MADV_DONTDUMP); /* only keeps cores small */
	*m = (struct gmem){ .owned = true, .n_regions = 1 };
	m->region[0] = (struct gmem_region){ 0, low, host };
	if (len > low) {
		m->region[1] = (struct gmem_region){ LAYOUT_HOLE_END, len - low,
						     host + low };
		m->n_regions = 2;
	}
	return 0;
}

int gmem_set_huge(const struct gmem *m, bool huge)
{
	CHECK(m->owned);
	for (unsigned i = 0; i < m->n_regions; i++)
		if (madvise(m->region[i].host, m->region[i].len,
			    huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
			return -errno;
	return 0;
}

void gmem_init_borrowed(struct gmem *m, gpa_t base, void *host, uint64_t len)
{
	*m = (struct gmem){ .n_regions = 1 };
	m->region[0] = (struct gmem_region){ base, len, host };
}

void gmem_fini(struct gmem *m)
{
	/* the regions are slices of one mapping */
	if (m->owned)
		(void)munmap(m->region[0].host, gmem_total(m));
	*m = (struct gmem){ 0 };
}

uint64_t gmem_total(const struct gmem *m)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < m->n_regions; i++)
		sum += m->region[i].len;
	return sum;
}

/* No sum is formed, so nothing can wrap. */
static uint8_t *lookup(const struct gmem *m, gpa_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < m->n_regions; i++) {
		const struct gmem_region *r = &m->region[i];
		uint64_t off = gpa - r->base;

		if (off < r->len && len <= r->len - off)
			return r->host + off;
	}
	return NULL;
}

bool gmem_has(const struct gmem *m, gpa_t gpa, uint64_t len)
{
	return lookup(m, gpa, len) != NULL;
}

int gmem_read(const struct gmem *m, gpa_t gpa, void *dst, size_t len)
{
	const uint8_t *p;

	if (len == 0)
		return 0;
	p = lookup(m, gpa, len);
	if (!p)
		return -EFAULT;
	memcpy(dst, p, len);
	/* the compiler may not read the guest's bytes a second time */
	__asm__ volatile("" ::: "memory");
	return 0;
}

int gmem_write(const struct gmem *m, gpa_t gpa, const void *src, size_t len)
{
	uint8_t *p;

	if (len == 0)
		return 0;
	p = lookup(m, gpa, len);
	if (!p)
		return -EFAULT;
	memcpy(p, src, len);
	__asm__ volatile("" ::: "memory");
	return 0;
}

int gmem_zero(const struct gmem *m, gpa_t gpa, size_t len)
{
	uint8_t *p;

	if (len == 0)
		return 0;
	p = lookup(m, gpa, len);
	if (!p)
		return -EFAULT;
	memset(p, 0, len);
	__asm__ volatile("" ::: "memory");
	return 0;
}

int gmem_span(const struct gmem *m, gpa_t gpa, size_t len,
	      struct iovec *ret_span)
{
	uint8_t *p = lookup(m, gpa, len);

	if (!p)
		return -EFAULT;
	*ret_span = (struct iovec){ p, len };
	return 0;
}

/* The region whose host memory holds the span. */
static const struct gmem_region *lookup_host(const struct gmem *m,
					     const struct iovec *span)
{
	for (unsigned i = 0; i < m->n_regions; i++) {
		const struct gmem_region *r = &m->region[i];
		uint64_t off = (uintptr_t)span->iov_base - (uintptr_t)r->host;

		if (off < r->len && span->iov_len <= r->len - off)
			return r;
	}
	return NULL;
}

int gmem_discard(const struct gmem *m, const struct iovec *span,
		 uint64_t *ret_len)
{
	const uintptr_t from = (uintptr_t)span->iov_base;
	const size_t skip = (size_t)(-from & (PAGE_LEN - 1));
	size_t len;

	if (!lookup_host(m, span))
		return -EFAULT;
	len = span->iov_len < skip ? 0 : span->iov_len - skip;
	len &= ~(size_t)(PAGE_LEN - 1);
	if (len > 0 &&
	    madvise((uint8_t *)span->iov_base + skip, len, MADV_DONTNEED))
		return -errno;
	*ret_len = len;
	return 0;
}

int gmem_map_file(const struct gmem *m, gpa_t gpa, size_t len, int fd)
{
	uint8_t *p = lookup(m, gpa, len);

	CHECK(m->owned && gpa % PAGE_LEN == 0 && len % PAGE_LEN == 0);
	if (!p)
		return -EFAULT;
	if (mmap(p, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -errno;
	(void)madvise(p, len, MADV_DONTDUMP); /* only keeps cores small */
	return 0;
}

uint16_t gload16(const void *p)
{
	return le16toh(__atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED));
}

uint32_t gload32(const void *p)
{
	return le32toh(__atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED));
}

uint64_t gload64(const void *p)
{
	return le64toh(__atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED));
}

uint16_t gload16_acquire(const void *p)
{
	return le16toh(__atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE));
}

void gstore16(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, htole16(v), __ATOMIC_RELAXED);
}

void gstore32(void *p, uint32_t v)
{
	__atomic_store_n((uint32_t *)p, htole32(v), __ATOMIC_RELAXED);
}

void gstore16_release(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, htole16(v), __ATOMIC_RELEASE);
}
