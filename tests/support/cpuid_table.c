/* cpuid_table.c: see cpuid_table.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cpuid_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/check.h"
#include "kvm/x86_cpuid.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

struct kvm_cpuid2 *cpuid_table(void)
{
	static const struct kvm_cpuid_entry2 e[] = {
		{ .function = 0x0, .eax = 0x1f },
		{ .function = 0x1,
		  .ebx = 0x05080800,
		  .ecx = 0x04000000,
		  .edx = 0x1fc3fbff },
		{ .function = 0x4, .index = 0, .flags = INDEXED, .eax = 0x121 },
		{ .function = 0x4, .index = 3, .flags = INDEXED, .eax = 0x163 },
		{ .function = 0xb, .index = 0, .flags = INDEXED, .edx = 9 },
		{ .function = 0xb, .index = 1, .flags = INDEXED, .edx = 9 },
		{ .function = 0x40000000, .eax = 0x40000001 },
		{ .function = 0x40000001, .eax = 0x1 },
		{ .function = 0x80000008, .ecx = 0x7 },
		{ .function = 0x8000001e, .eax = 9, .ebx = 0x109 },
	};
	struct kvm_cpuid2 *c =
		calloc(1, sizeof(*c) + (ARRAY_SIZE(e) + CPUID_EXTRA) *
					       sizeof(c->entries[0]));

	CHECK(c != NULL);
	c->nent = ARRAY_SIZE(e);
	memcpy(c->entries, e, sizeof(e));
	return c;
}
