/* test_cpuid.c: what a vCPU says it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/x86_cpuid.h"
#include "tests/support/cpuid_table.h"

Test(cpuid, every_cpu_has_its_own_apic_id, .timeout = 10)
{
	for (uint32_t id = 0; id < 4; id++) {
		struct kvm_cpuid2 *c = cpuid_table();
		struct cpuid_topology t = { id, 4, 2500000, true };

		cpuid_adjust(c, &t);
		cr_assert_eq(cpuid_reg(c, 1, 0, 1) >> 24, id);
		cr_assert_eq(cpuid_reg(c, 0xb, 0, 3), id);
		cr_assert_eq(cpuid_reg(c, 0xb, 1, 3), id);
		cr_assert_eq(cpuid_reg(c, 0x8000001e, 0, 0), id);
		free(c);
	}
}

Test(cpuid, topology_is_one_package_of_n_cores, .timeout = 10)
{
	struct kvm_cpuid2 *c = cpuid_table();
	struct cpuid_topology t = { 0, 6, 0, false };

	cpuid_adjust(c, &t);
	cr_assert_eq(cpuid_reg(c, 1, 0, 1) >> 16 & 0xff, 6);
	cr_assert_eq(cpuid_reg(c, 0xb, 0, 1), 1, "threads a core");
	cr_assert_eq(cpuid_reg(c, 0xb, 1, 1), 6, "processors in the package");
	cr_assert_eq(cpuid_reg(c, 0xb, 1, 0), 3, "bits for six ids");
	cr_assert_eq(cpuid_reg(c, 0x80000008, 0, 2) & 0xff, 5);
	cr_assert(cpuid_has(c, 1, 0, 3, 28), "HTT says: more than one");
	free(c);
}

Test(cpuid, one_cpu_is_not_called_many, .timeout = 10)
{
	struct kvm_cpuid2 *c = cpuid_table();
	struct cpuid_topology t = { 0, 1, 0, false };

	cpuid_adjust(c, &t);
	cr_assert_not(cpuid_has(c, 1, 0, 3, 28));
	cr_assert_eq(cpuid_reg(c, 0xb, 1, 0), 0);
	free(c);
}

Test(cpuid, timing_leaf_is_reachable_and_right, .timeout = 10)
{
	struct kvm_cpuid2 *c = cpuid_table();
	struct cpuid_topology t = { 0, 1, 2596122, true };

	cpuid_adjust(c, &t);
	cr_assert_geq(cpuid_reg(c, 0x40000000, 0, 0), 0x40000010);
	cr_assert_eq(cpuid_reg(c, 0x40000010, 0, 0), 2596122);
	cr_assert_eq(cpuid_reg(c, 0x40000010, 0, 1), 1000000);
	cr_assert(cpuid_has(c, 1, 0, 2, 24), "TSC deadline");
	cr_assert(cpuid_has(c, 1, 0, 2, 31), "hypervisor");
	free(c);
}

Test(cpuid, a_timer_the_host_lacks_is_not_promised, .timeout = 10)
{
	struct kvm_cpuid2 *c = cpuid_table();
	struct cpuid_topology t = { 0, 1, 0, false };

	cpuid_adjust(c, &t);
	cr_assert_not(cpuid_has(c, 1, 0, 2, 24));
	cr_assert_eq(cpuid_reg(c, 0x40000010, 0, 0), 0);
	free(c);
}

Test(cpuid, adjusting_twice_changes_nothing, .timeout = 10)
{
	struct kvm_cpuid2 *a = cpuid_table(), *b = cpuid_table();
	struct cpuid_topology t = { 3, 8, 2000000, true };

	cpuid_adjust(a, &t);
	cpuid_adjust(b, &t);
	cpuid_adjust(b, &t);
	cr_assert_eq(a->nent, b->nent);
	for (uint32_t i = 0; i < a->nent; i++)
		cr_assert_eq(memcmp(&a->entries[i], &b->entries[i],
				    sizeof(a->entries[i])),
			     0, "entry %u", i);
	free(a);
	free(b);
}
