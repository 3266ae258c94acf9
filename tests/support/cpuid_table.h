/* cpuid_table.h: a small CPUID table as a host's KVM would give it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_CPUID_TABLE_H
#define SUPPORT_CPUID_TABLE_H

#include <linux/kvm.h>

/* Returns owned (free); room for CPUID_EXTRA more entries. */
struct kvm_cpuid2 *cpuid_table(void);

#endif
