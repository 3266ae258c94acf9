/* x86_walk.c: see x86_walk.h. Intel SDM 3, 4.5. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mem/x86_walk.h"

#include <errno.h>

#include "mem/gmem.h"

#define PTE_PRESENT 0x001ull
#define PTE_WRITE   0x002ull
#define PTE_LARGE   0x080ull
#define PTE_ADDRESS 0x000ffffffffff000ull

#define LEVELS        4u
#define GVA_BITS      48u
#define BITS_OF_LEVEL 9u
#define BITS_OF_PAGE  12u

/* Bits of the address that an entry of this level leaves open: 1 is the last
 * level. */
static unsigned open_bits(unsigned level)
{
	return BITS_OF_PAGE + BITS_OF_LEVEL * (level - 1);
}

static bool is_canonical(uint64_t gva)
{
	const uint64_t high = gva >> (GVA_BITS - 1);

	return high == 0 || high == UINT64_MAX >> (GVA_BITS - 1);
}

int x86_walk(const struct gmem *m, gpa_t cr3, uint64_t gva,
	     struct x86_page *ret)
{
	gpa_t table = cr3 & PTE_ADDRESS;

	*ret = (struct x86_page){ .len = 1, .writable = true };
	if (!is_canonical(gva))
		return -EFAULT;
	for (unsigned level = LEVELS;; level--) {
		const unsigned shift = open_bits(level);
		const uint64_t off = gva & ((1ull << shift) - 1);
		uint64_t entry;

		if (gmem_read(m, table + (gva >> shift & 511) * sizeof(entry),
			      &entry, sizeof(entry)))
			entry = 0;
		ret->len = (1ull << shift) - off;
		if (!(entry & PTE_PRESENT))
			return -EFAULT;
		ret->writable &= (entry & PTE_WRITE) != 0;
		table = entry & PTE_ADDRESS;
		if (level == 1 || (level < LEVELS && (entry & PTE_LARGE))) {
			table &= ~((1ull << shift) - 1);
			if (!gmem_has(m, table, 1ull << shift))
				return -EFAULT;
			ret->gpa = table + off;
			return 0;
		}
	}
}
