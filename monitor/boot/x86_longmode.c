/* x86_longmode.c: see x86_longmode.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/x86_longmode.h"

#include <errno.h>

#include "base/endian.h"
#include "base/err.h"
#include "mem/gmem.h"

#define ENTRIES 512
#define N_PD    4 /* one for each GiB */

#define PTE_PRESENT 0x1u
#define PTE_WRITE   0x2u
#define PTE_LARGE   0x80u
#define LARGE_LEN   (2ULL << 20)

/* Present, accessed, 4 GiB limit in pages; L for code, D/B for data. */
#define GDT_CODE64 0x00af9b000000ffffULL
#define GDT_DATA   0x00cf93000000ffffULL

static int no_ram(gpa_t gpa, const char *what, struct err *err)
{
	return err_set(err, -ENOMEM, "%s: no RAM at %#llx", what,
		       (unsigned long long)gpa);
}

int longmode_write_tables(const struct gmem *mem, gpa_t gpa, struct err *err)
{
	gpa_t pdpt_gpa = gpa + PAGE_LEN, pd_gpa = gpa + 2 * PAGE_LEN;
	le64 pml4 = le64_of(pdpt_gpa | PTE_PRESENT | PTE_WRITE);
	le64 pdpt[N_PD], pd[ENTRIES];

	for (unsigned i = 0; i < N_PD; i++) {
		pdpt[i] = le64_of((pd_gpa + i * PAGE_LEN) | PTE_PRESENT |
				  PTE_WRITE);
		for (unsigned k = 0; k < ENTRIES; k++)
			pd[k] = le64_of((i * ENTRIES + k) * LARGE_LEN |
					PTE_PRESENT | PTE_WRITE | PTE_LARGE);
		if (gmem_write(mem, pd_gpa + i * PAGE_LEN, pd, sizeof(pd)) < 0)
			return no_ram(gpa, "page tables", err);
	}
	if (gmem_write(mem, gpa, &pml4, sizeof(pml4)) < 0 ||
	    gmem_write(mem, pdpt_gpa, pdpt, sizeof(pdpt)) < 0)
		return no_ram(gpa, "page tables", err);
	return 0;
}

int longmode_write_gdt(const struct gmem *mem, gpa_t gpa, struct err *err)
{
	const le64 gdt[] = { le64_of(0), le64_of(0), le64_of(GDT_CODE64),
			     le64_of(GDT_DATA) };

	_Static_assert(sizeof(gdt) == LONGMODE_GDT_LEN, "its limit");
	if (gmem_write(mem, gpa, gdt, sizeof(gdt)) < 0)
		return no_ram(gpa, "GDT", err);
	return 0;
}
