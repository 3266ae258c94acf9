/* test_gmem.c: guest memory: no range outside of it is ever touched. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "mem/gmem.h"
#include "tests/support/watched_madvise.h"

#define GIB  (1ULL << 30)
#define BASE 0x10000ULL
#define LEN  0x2000ULL

static uint8_t bytes[LEN + 2]; /* one byte of guard at each end */

static struct gmem borrowed(void)
{
	struct gmem m;

	memset(bytes, 0xaa, sizeof(bytes));
	gmem_init_borrowed(&m, BASE, bytes + 1, LEN);
	return m;
}

struct range {
	char why[40];
	gpa_t gpa;
	uint64_t len;
	int want;
};

ParameterizedTestParameters(gmem, ranges)
{
	static struct range r[] = {
		{ "all of it", BASE, LEN, 0 },
		{ "first byte", BASE, 1, 0 },
		{ "last byte", BASE + LEN - 1, 1, 0 },
		{ "nothing, inside", BASE, 0, 0 },
		{ "nothing, outside", 5, 0, 0 },
		{ "before the start", BASE - 1, 1, -EFAULT },
		{ "over the start", BASE - 1, 2, -EFAULT },
		{ "one past the end", BASE + LEN, 1, -EFAULT },
		{ "over the end", BASE + LEN - 1, 2, -EFAULT },
		{ "one too long", BASE, LEN + 1, -EFAULT },
		{ "length of everything", BASE, UINT64_MAX, -EFAULT },
		{ "sum wraps to the start", BASE + 1, UINT64_MAX, -EFAULT },
		{ "address zero", 0, 1, -EFAULT },
		{ "last address", UINT64_MAX, 1, -EFAULT },
		{ "wraps round", UINT64_MAX, 0x10002, -EFAULT },
	};

	return cr_make_param_array(struct range, r, sizeof(r) / sizeof(*r));
}

ParameterizedTest(struct range *r, gmem, ranges, .timeout = 10)
{
	static uint8_t host[LEN + 1];
	struct gmem m = borrowed();
	struct iovec span = { NULL, 77 };
	bool some = r->len > 0;

	memset(host, 0x55, sizeof(host));
	cr_expect_eq(gmem_read(&m, r->gpa, host, r->len), r->want, "%s",
		     r->why);
	cr_expect_eq(host[0], some && r->want == 0 ? 0xaa : 0x55, "%s", r->why);
	memset(host, 0x55, sizeof(host));
	cr_expect_eq(gmem_write(&m, r->gpa, host, r->len), r->want, "%s",
		     r->why);
	cr_expect_eq(gmem_zero(&m, r->gpa, r->len), r->want, "%s", r->why);
	if (some)
		cr_expect_eq(gmem_has(&m, r->gpa, r->len), r->want == 0, "%s",
			     r->why);
	if (some && r->want == 0) {
		cr_expect_eq(gmem_span(&m, r->gpa, r->len, &span), 0);
		cr_expect_eq(span.iov_base, bytes + 1 + (r->gpa - BASE));
		cr_expect_eq(span.iov_len, r->len);
		cr_expect_eq(bytes[1 + (r->gpa - BASE)], 0);
	} else if (some) {
		cr_expect_eq(gmem_span(&m, r->gpa, r->len, &span), -EFAULT);
		cr_expect_eq(span.iov_len, 77); /* untouched */
		for (size_t i = 0; i < sizeof(bytes); i++)
			cr_assert_eq(bytes[i], 0xaa, "%s: byte %zu", r->why, i);
	}
	cr_expect_eq(bytes[0], 0xaa);
	cr_expect_eq(bytes[LEN + 1], 0xaa);
}

Test(gmem, owned_memory_is_zero_and_writable, .timeout = 10)
{
	struct err err = { 0 };
	uint64_t v = 1;
	struct gmem m;

	cr_assert_eq(gmem_init(&m, 1 << 20, &err), 0);
	cr_assert_eq(gmem_total(&m), 1 << 20);
	cr_assert_eq(m.n_regions, 1);
	cr_assert_eq(gmem_read(&m, (1 << 20) - 8, &v, 8), 0);
	cr_assert_eq(v, 0);
	v = 0x1122334455667788;
	cr_assert_eq(gmem_write(&m, 4096, &v, 8), 0);
	v = 0;
	cr_assert_eq(gmem_read(&m, 4096, &v, 8), 0);
	cr_assert_eq(v, 0x1122334455667788);
	gmem_fini(&m);
	gmem_fini(&m); /* zeroed by now */
}

Test(gmem, huge_pages_fit_host_and_guest_alike, .timeout = 10)
{
	struct err err = { 0 };
	struct gmem m;
	int r;

	cr_assert_eq(gmem_init(&m, LAYOUT_HOLE_START + (6 << 20), &err), 0);
	for (unsigned i = 0; i < m.n_regions; i++)
		cr_expect_eq((uintptr_t)m.region[i].host % GMEM_HUGE_LEN,
			     m.region[i].base % GMEM_HUGE_LEN);
	r = gmem_set_huge(&m, true);
	cr_expect(r == 0 || r == -EINVAL, "%d", r);
	cr_expect_eq(gmem_set_huge(&m, false), r);
	gmem_fini(&m);
}

Test(gmem, the_hole_is_no_memory, .timeout = 10)
{
	struct err err = { 0 };
	uint16_t v = 7;
	struct gmem m;

	cr_assert_eq(gmem_init(&m, 4 * GIB, &err), 0);
	cr_assert_eq(gmem_total(&m), 4 * GIB);
	cr_assert_eq(m.n_regions, 2);
	cr_assert_eq(gmem_write(&m, LAYOUT_HOLE_START - 2, &v, 2), 0);
	cr_assert_eq(gmem_write(&m, LAYOUT_HOLE_START - 1, &v, 2), -EFAULT);
	cr_assert_eq(gmem_write(&m, LAYOUT_HOLE_START, &v, 2), -EFAULT);
	cr_assert_eq(gmem_write(&m, LAYOUT_HOLE_END - 2, &v, 2), -EFAULT);
	cr_assert_eq(gmem_write(&m, LAYOUT_HOLE_END - 1, &v, 2), -EFAULT);
	cr_assert_eq(gmem_write(&m, LAYOUT_HOLE_END, &v, 2), 0);
	cr_assert_eq(gmem_write(&m, 5 * GIB - 2, &v, 2), 0);
	cr_assert_eq(gmem_write(&m, 5 * GIB - 1, &v, 2), -EFAULT);
	cr_assert(gmem_has(&m, 0, LAYOUT_HOLE_START));
	cr_assert_not(gmem_has(&m, 0, 4 * GIB)); /* across the hole */
	gmem_fini(&m);
}

Test(gmem, memory_that_just_fits_below_the_hole, .timeout = 10)
{
	struct err err = { 0 };
	struct gmem m;

	cr_assert_eq(gmem_init(&m, LAYOUT_HOLE_START, &err), 0);
	cr_assert_eq(m.n_regions, 1);
	gmem_fini(&m);
	cr_assert_eq(gmem_init(&m, LAYOUT_HOLE_START + PAGE_LEN, &err), 0);
	cr_assert_eq(m.n_regions, 2);
	cr_assert_eq(m.region[1].len, PAGE_LEN);
	gmem_fini(&m);
}

Test(gmem, refuses_bad_lengths, .timeout = 10)
{
	static const uint64_t bad[] = { 0,
					1,
					4095,
					4097,
					LAYOUT_MEM_MAX + 1,
					LAYOUT_MEM_MAX + PAGE_LEN,
					UINT64_MAX };
	struct gmem m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = { 0 };

		cr_expect_eq(gmem_init(&m, bad[i], &err), -EINVAL);
		cr_expect_eq(err.code, -EINVAL);
		cr_expect(strstr(err.msg, "guest memory"));
	}
}

/* --- giving memory back --------------------------------------------------- */

#define PAGES 8u

struct piece {
	char why[32];
	uint64_t off, len;
	uint64_t first, n; /* pages that go */
	int want;
};

ParameterizedTestParameters(gmem, discards)
{
	static struct piece p[] = {
		{ "a page", 0, PAGE_LEN, 0, 1, 0 },
		{ "the last page", 7 * PAGE_LEN, PAGE_LEN, 7, 1, 0 },
		{ "all", 0, PAGES * PAGE_LEN, 0, PAGES, 0 },
		{ "nothing", PAGE_LEN, 0, 0, 0, 0 },
		{ "a page less a byte", PAGE_LEN, PAGE_LEN - 1, 0, 0, 0 },
		{ "over two pages", PAGE_LEN + 1, PAGE_LEN, 0, 0, 0 },
		{ "a page in the middle", PAGE_LEN + 1, 2 * PAGE_LEN, 2, 1, 0 },
		{ "within a page", 5, 6, 0, 0, 0 },
		{ "over the end", 7 * PAGE_LEN, PAGE_LEN + 1, 0, 0, -EFAULT },
		{ "behind the end", PAGES * PAGE_LEN, 1, 0, 0, -EFAULT },
		{ "before the start", -PAGE_LEN, 2 * PAGE_LEN, 0, 0, -EFAULT },
		{ "a length that wraps", PAGE_LEN, UINT64_MAX, 0, 0, -EFAULT },
	};

	return cr_make_param_array(struct piece, p, sizeof(p) / sizeof(*p));
}

ParameterizedTest(struct piece *p, gmem, discards, .timeout = 10)
{
	uint64_t len = 77;
	struct gmem m = { 0 };
	struct err err = { 0 };
	struct iovec span;
	uint8_t *ram;

	cr_assert_eq(gmem_init(&m, PAGES * PAGE_LEN, &err), 0);
	ram = m.region[0].host;
	memset(ram, 1, PAGES * PAGE_LEN);
	span = (struct iovec){ (void *)((uintptr_t)ram + p->off), p->len };
	cr_expect_eq(gmem_discard(&m, &span, &len), p->want, "%s", p->why);
	cr_expect_eq(len, p->want ? 77 : p->n * PAGE_LEN, "%s", p->why);
	for (unsigned i = 0; i < PAGES; i++) {
		const bool gone = i >= p->first && i < p->first + p->n;

		cr_expect_eq(ram[i * PAGE_LEN], !gone, "%s", p->why);
		cr_expect_eq(ram[(i + 1) * PAGE_LEN - 1], !gone, "%s", p->why);
	}
	gmem_fini(&m);
}

Test(gmem, a_host_that_refuses_is_heard, .timeout = 10)
{
	struct gmem m = { 0 };
	struct err err = { 0 };
	struct iovec span;
	uint64_t len;

	cr_assert_eq(gmem_init(&m, PAGES * PAGE_LEN, &err), 0);
	cr_assert_eq(gmem_span(&m, 0, PAGE_LEN, &span), 0);
	watched_madvise.error = EINVAL;
	cr_expect_eq(gmem_discard(&m, &span, &len), -EINVAL);
	watched_madvise.error = 0;
	gmem_fini(&m);
}

Test(gmem, fini_accepts_zeroes, .timeout = 10)
{
	struct gmem m = { 0 };

	gmem_fini(&m);
	cr_assert_eq(gmem_total(&m), 0);
	cr_assert_eq(gmem_read(&m, 0, &m, 1), -EFAULT);
}

Test(gmem, scalars_are_little_endian, .timeout = 10)
{
	_Alignas(8) uint8_t b[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	cr_assert_eq(gload16(b), 0x0201);
	cr_assert_eq(gload16_acquire(b + 2), 0x0403);
	cr_assert_eq(gload32(b), 0x04030201);
	cr_assert_eq(gload64(b), 0x0807060504030201);
	gstore16(b, 0xbeef);
	gstore16_release(b + 2, 0xcafe);
	gstore32(b + 4, 0x12345678);
	cr_assert_eq(memcmp(b, "\xef\xbe\xfe\xca\x78\x56\x34\x12", 8), 0);
}
