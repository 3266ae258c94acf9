/* test_checked.c: arithmetic that says when it does not fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <signal.h>

#include "base/check.h"
#include "base/checked.h"
#include "base/endian.h"

Test(checked, products, .timeout = 10)
{
	uint64_t v = 7;
	size_t z = 7;

	cr_assert(mul_size(1 << 20, 1 << 20, &z));
	cr_assert_eq(z, 1ULL << 40);
	cr_assert(mul_size(SIZE_MAX, 1, &z));
	cr_assert(mul_size(SIZE_MAX, 0, &z));
	cr_assert_eq(z, 0);
	z = 7;
	cr_assert_not(mul_size(SIZE_MAX, 2, &z));
	cr_assert_not(mul_size(1ULL << 32, 1ULL << 32, &z));
	cr_assert_eq(z, 7); /* written only when it fits */
	cr_assert(mul_u64(UINT64_MAX / 3, 3, &v));
	cr_assert_eq(v, UINT64_MAX);
	cr_assert_not(mul_u64(UINT64_MAX / 3 + 1, 3, &v));
	cr_assert_eq(v, UINT64_MAX);
}

Test(checked, sums, .timeout = 10)
{
	uint64_t v = 7;

	cr_assert(add_u64(UINT64_MAX - 1, 1, &v));
	cr_assert_eq(v, UINT64_MAX);
	cr_assert_not(add_u64(UINT64_MAX, 1, &v));
	cr_assert_eq(v, UINT64_MAX);
}

Test(checked, powers_of_two, .timeout = 10)
{
	cr_assert_not(is_pow2(0));
	cr_assert(is_pow2(1));
	cr_assert(is_pow2(1ULL << 63));
	cr_assert_not(is_pow2(3));
	cr_assert_not(is_pow2(UINT64_MAX));
}

Test(checked, rounding_up, .timeout = 10)
{
	cr_assert_eq(round_up_u64(0, 4096), 0);
	cr_assert_eq(round_up_u64(1, 4096), 4096);
	cr_assert_eq(round_up_u64(4096, 4096), 4096);
	cr_assert_eq(round_up_u64(4097, 4096), 8192);
	cr_assert_eq(round_up_u64(5, 1), 5);
}

Test(checked, little_endian_keeps_values, .timeout = 10)
{
	le16 a = le16_of(0x1234);
	le32 b = le32_of(0x12345678);
	le64 c = le64_of(0x123456789abcdef0);

	cr_assert_eq(*(uint8_t *)&a, 0x34);
	cr_assert_eq(*(uint8_t *)&b, 0x78);
	cr_assert_eq(*(uint8_t *)&c, 0xf0);
	cr_assert_eq(le16_get(a), 0x1234);
	cr_assert_eq(le32_get(b), 0x12345678);
	cr_assert_eq(le64_get(c), 0x123456789abcdef0);
}

Test(checked, a_true_check_is_nothing, .timeout = 10)
{
	CHECK(1 + 1 == 2);
}

Test(checked, a_false_check_aborts, .signal = SIGABRT, .timeout = 10)
{
	CHECK(1 + 1 == 3);
}
