/* x86_cpuid.c: see x86_cpuid.h. Intel SDM volume 2A, CPUID; AMD APM volume
 * 3, appendix E; Linux Documentation/virt/kvm/x86/cpuid.rst. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/x86_cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/attr.h"
#include "base/err.h"

#define LEAF_FEATURES   0x1u
#define LEAF_CACHE      0x4u
#define LEAF_TOPOLOGY   0xbu
#define LEAF_TOPOLOGY_2 0x1fu
#define LEAF_KVM        0x40000000u
#define LEAF_TIMING     0x40000010u
#define LEAF_AMD_SIZES  0x80000008u
#define LEAF_AMD_CACHE  0x8000001du
#define LEAF_AMD_TOPO   0x8000001eu

#define F1_ECX_TSC_DEADLINE (1u << 24)
#define F1_ECX_HYPERVISOR   (1u << 31)
#define F1_EDX_HTT          (1u << 28)

/* KVM's local APIC timer counts nanoseconds. */
#define APIC_BUS_KHZ 1000000u

#define ENTRIES_MAX 256

int cpuid_alloc(struct kvm_cpuid2 **ret, struct err *err)
{
	struct kvm_cpuid2 *c =
		calloc(1, sizeof(*c) + ENTRIES_MAX * sizeof(c->entries[0]));

	if (!c)
		return err_set(err, -ENOMEM, "CPUID table");
	c->nent = ENTRIES_MAX;
	*ret = c;
	return 0;
}

int cpuid_ask(int kvm_fd, struct kvm_cpuid2 *c, struct err *err)
{
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, c))
		return err_set(err, -errno, "KVM supported CPUID");
	return 0;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *c, uint32_t leaf,
				     uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == leaf &&
		    (!(c->entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		     c->entries[i].index == index))
			return &c->entries[i];
	return NULL;
}

static struct kvm_cpuid_entry2 *find_or_add(struct kvm_cpuid2 *c, uint32_t leaf)
{
	struct kvm_cpuid_entry2 *e = find(c, leaf, 0);

	if (!e) {
		e = &c->entries[c->nent++];
		*e = (struct kvm_cpuid_entry2){ .function = leaf };
	}
	return e;
}

/* Bits needed for n ids. */
static unsigned id_bits(uint32_t n)
{
	return n <= 1 ? 0 : 32 - (unsigned)__builtin_clz(n - 1);
}

/* Leaves 0xb and 0x1f: level 0 one thread a core, level 1 all the cores. */
static void set_topology_level(struct kvm_cpuid_entry2 *e,
			       const struct cpuid_topology *t)
{
	e->eax = e->index == 1 ? id_bits(t->n_cpus) : 0;
	e->ebx = e->index == 0 ? 1 : e->index == 1 ? t->n_cpus : 0;
	e->ecx = e->index == 0 ? 0x100 : e->index == 1 ? 0x201 : e->index;
	e->edx = t->apic_id;
}

static void set_features(struct kvm_cpuid_entry2 *e,
			 const struct cpuid_topology *t)
{
	e->ecx |= F1_ECX_HYPERVISOR;
	e->ecx &= ~F1_ECX_TSC_DEADLINE;
	if (t->tsc_deadline)
		e->ecx |= F1_ECX_TSC_DEADLINE;
	e->edx &= ~F1_EDX_HTT;
	if (t->n_cpus > 1)
		e->edx |= F1_EDX_HTT;
	e->ebx = (e->ebx & 0x0000ffff) | t->n_cpus << 16 | t->apic_id << 24;
}

/* The caches below the last level belong to one core, the last to all. */
static void set_cache(struct kvm_cpuid_entry2 *e,
		      const struct cpuid_topology *t, bool intel)
{
	uint32_t level = (e->eax >> 5) & 7;

	if ((e->eax & 0x1f) == 0)
		return;
	e->eax &= ~0x03ffc000u;
	if (level >= 3)
		e->eax |= (t->n_cpus - 1) << 14;
	if (intel) /* cores in the package, less one */
		e->eax = (e->eax & 0x03ffffff) | (t->n_cpus - 1) << 26;
}

void cpuid_adjust(struct kvm_cpuid2 *c, const struct cpuid_topology *t)
{
	struct kvm_cpuid_entry2 *e;

	for (uint32_t i = 0; i < c->nent; i++) {
		e = &c->entries[i];
		switch (e->function) {
		case LEAF_FEATURES:
			set_features(e, t);
			break;
		case LEAF_CACHE:
			set_cache(e, t, true);
			break;
		case LEAF_AMD_CACHE:
			set_cache(e, t, false);
			break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_2:
			set_topology_level(e, t);
			break;
		case LEAF_AMD_SIZES:
			e->ecx = (e->ecx & ~0xf0ffu) | (t->n_cpus - 1) |
				 id_bits(t->n_cpus) << 12;
			break;
		case LEAF_AMD_TOPO:
			e->eax = t->apic_id;
			e->ebx = t->apic_id & 0xff; /* core id, 1 thread each */
			e->ecx = 0;
			break;
		default:
			break;
		}
	}
	e = find(c, LEAF_KVM, 0);
	if (!e || !t->tsc_khz)
		return;
	if (e->eax < LEAF_TIMING)
		e->eax = LEAF_TIMING;
	e = find_or_add(c, LEAF_TIMING);
	e->eax = t->tsc_khz;
	e->ebx = APIC_BUS_KHZ;
}

uint32_t cpuid_reg(const struct kvm_cpuid2 *c, uint32_t leaf, uint32_t index,
		   unsigned reg)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];
		const uint32_t regs[] = { e->eax, e->ebx, e->ecx, e->edx };

		if (e->function == leaf &&
		    (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		     e->index == index))
			return reg < ARRAY_SIZE(regs) ? regs[reg] : 0;
	}
	return 0;
}

bool cpuid_has(const struct kvm_cpuid2 *c, uint32_t leaf, uint32_t index,
	       unsigned reg, unsigned bit)
{
	return cpuid_reg(c, leaf, index, reg) >> bit & 1;
}
