/* test_mptable.c: the MP table, read as a kernel reads it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "boot/boot.h"
#include "boot/x86_mptable.h"
#include "mem/gmem.h"

#define MIB (1ULL << 20)

static const uint8_t *span(const struct gmem *mem, gpa_t gpa, size_t len)
{
	struct iovec v;

	cr_assert_eq(gmem_span(mem, gpa, len, &v), 0);
	return v.iov_base;
}

static uint32_t get(const uint8_t *p, unsigned len)
{
	uint32_t v = 0;

	memcpy(&v, p, len);
	return v;
}

static void check_sum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	cr_assert_eq(sum, 0);
}

/* Walks the entries; returns how many of each type there are. */
static void check_entries(const uint8_t *t, unsigned n_cpus)
{
	unsigned n[5] = { 0 }, pins = 0;
	const uint8_t *p = t + 44, *end = t + get(t + 4, 2);

	for (unsigned i = 0; i < get(t + 34, 2); i++) {
		cr_assert_lt(p, end);
		cr_assert_leq(p[0], 4);
		if (p[0] == 0) {
			cr_assert_eq(p[1], n[0], "APIC id");
			cr_assert_eq(p[3], n[0] == 0 ? 3 : 1, "flags");
		} else if (p[0] == 1) {
			cr_assert_eq(memcmp(p + 2, "ISA   ", 6), 0);
		} else if (p[0] == 2) {
			cr_assert_eq(p[1], n_cpus);
			cr_assert_eq(p[3], 1, "enabled");
			cr_assert_eq(get(p + 4, 4), LAYOUT_IOAPIC);
		} else if (p[0] == 3) {
			cr_assert_eq(p[1], 0, "vectored");
			cr_assert_eq(get(p + 2, 2), 5, "edge, active high");
			cr_assert_eq(p[5], pins, "bus irq");
			cr_assert_eq(p[6], n_cpus, "IOAPIC id");
			cr_assert_eq(p[7], pins, "pin");
			pins++;
		}
		n[p[0]]++;
		p += p[0] == 0 ? 20 : 8;
	}
	cr_assert_eq(p, end);
	cr_assert_eq(n[0], n_cpus);
	cr_assert_eq(n[1], 1);
	cr_assert_eq(n[2], 1);
	cr_assert_eq(n[3], 24);
	cr_assert_eq(n[4], 2);
}

Test(x86_mptable, is_found_in_the_last_kib, .timeout = 5)
{
	struct err err = { 0 };
	struct gmem mem = { 0 };

	for (unsigned cpus = 1; cpus <= BOOT_CPUS_MAX; cpus++) {
		const uint8_t *fp, *t;

		cr_assert_eq(gmem_init(&mem, MIB, &err), 0);
		cr_assert_eq(mptable_write(&mem, cpus, &err), 0);
		fp = span(&mem, 0x9fc00, 16);
		cr_assert_eq(memcmp(fp, "_MP_", 4), 0);
		cr_assert_eq(fp[8], 1, "paragraphs");
		cr_assert_eq(fp[9], 4, "revision 1.4");
		cr_assert_eq(fp[11], 0, "a table is present");
		check_sum(fp, 16);
		t = span(&mem, get(fp + 4, 4), 44);
		cr_assert_eq(memcmp(t, "PCMP", 4), 0);
		cr_assert_eq(get(t + 36, 4), LAYOUT_LAPIC);
		cr_assert_leq(get(fp + 4, 4) + get(t + 4, 2), 0xa0000);
		check_sum(t, get(t + 4, 2));
		check_entries(t, cpus);
		gmem_fini(&mem);
	}
}

Test(x86_mptable, needs_conventional_memory, .timeout = 5)
{
	struct err err = { 0 };
	struct gmem mem = { 0 };

	cr_assert_eq(gmem_init(&mem, 0x9f000, &err), 0);
	cr_assert_eq(mptable_write(&mem, 1, &err), -ENOMEM);
	gmem_fini(&mem);
}
