/* stack.c: builds the program's first stack. Its pages are reached by their
 * physical addresses: the mapping is not live yet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/stack.h"

#include "kernel/elf.h"
#include "kernel/entropy.h"
#include "kernel/exit.h"
#include "kernel/fpu.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/vm.h"
#include "lib/string.h"

extern const char kit_vdso[]; /* boot/vdso.S */

/* Arguments, environment, their pointers and what follows are contiguous in
 * physical memory. These pages below exist from the start, too. */
#define EAGER (15 * PAGE_LEN)
/* The auxiliary vector, strings of the kernel's own, alignment */
#define AUXV_ROOM 1024
/* At most what signal handlers find on their stack */
#define SIGNAL_FRAME_MAX (FPU_LEN_MAX + 1024)
/* As Linux: a quarter of the stack. */
#define ARGS_MAX ((uint64_t)STACK_LEN / 4)

enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

struct builder {
	uint8_t *page_top; /* where the kernel reaches the stack's top */
	uint64_t top;      /* its address for the program */
	uint64_t at;       /* next free byte, going down */
};

static uint64_t auxv_gva, auxv_len;

uint64_t stack_auxv(uint64_t *ret_len)
{
	*ret_len = auxv_len;
	return auxv_gva;
}

static void *host(const struct builder *b, uint64_t gva)
{
	return b->page_top - (b->top - gva);
}

static uint64_t push(struct builder *b, const void *data, uint64_t len)
{
	b->at -= len;
	memcpy(host(b, b->at), data, len);
	return b->at;
}

static uint64_t *put_pointers(uint64_t *slot, const char **s, uint64_t *gva,
			      unsigned n)
{
	for (; n; n--) {
		uint64_t len = strlen(*s) + 1;

		*slot++ = *gva;
		*gva += len;
		*s += len;
	}
	*slot++ = 0;
	return slot;
}

static void map_stack(struct builder *b, uint64_t program_end, uint64_t args)
{
	const unsigned prot = VM_READ | VM_WRITE;
	uint64_t pages = 1 + page_up(args + AUXV_ROOM) / PAGE_LEN;
	uint64_t base, filled = pages * PAGE_LEN;
	uint8_t *run = page_alloc_run(pages);

	/* In the first GiB, where it shares page tables with the program. */
	b->top = program_end <= 0x10000000 ? 0x3ffff000 : VM_END - PAGE_LEN;
	base = b->top - STACK_LEN;
	if (!run || !vm_is_free(base - PAGE_LEN, STACK_LEN + PAGE_LEN) ||
	    vm_map_zeros(base, STACK_LEN, prot, VM_STACK) ||
	    vm_give_pages(b->top - filled, run, filled) ||
	    vm_populate(b->top - filled - EAGER, EAGER, true) ||
	    vm_map_phys(b->top, phys_of(kit_vdso), PAGE_LEN, VM_READ | VM_EXEC))
		machine_noexec("out of guest memory for the stack");
	b->page_top = run + filled;
	b->at = b->top;
}

uint64_t stack_build(const struct elf_image *image)
{
	struct builder b;
	uint8_t seed[16];
	uint64_t platform, random, strings, pointers, *slot;
	const char *s = machine.strings;

	pointers = (machine.argc + machine.envc + 3ull) * 8;
	if (machine.strings_len + pointers > ARGS_MAX)
		machine_noexec("arguments and environment of %lu bytes, at "
			       "most %lu",
			       machine.strings_len + pointers,
			       (unsigned long)ARGS_MAX);
	map_stack(&b, image->end, machine.strings_len + pointers);
	entropy_fill(seed, sizeof(seed));
	b.at -= 8;
	strings = push(&b, machine.strings, machine.strings_len);
	platform = push(&b, "x86_64", 7);
	random = push(&b, seed, sizeof(seed));

	const uint64_t auxv[][2] = {
		{ AT_PHDR, image->headers },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, image->n_headers },
		{ AT_PAGESZ, PAGE_LEN },
		{ AT_BASE, image->interpreter },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, image->program_entry },
		{ AT_UID, 0 },
		{ AT_EUID, 0 },
		{ AT_GID, 0 },
		{ AT_EGID, 0 },
		{ AT_PLATFORM, platform },
		{ AT_HWCAP, machine.features_edx },
		{ AT_CLKTCK, 100 },
		{ AT_SECURE, 0 },
		{ AT_RANDOM, random },
		{ AT_HWCAP2, 0 },
		{ AT_EXECFN, strings },
		/* right above the stack */
		{ AT_SYSINFO_EHDR, b.top + ((uintptr_t)kit_vdso & PAGE_MASK) },
		{ AT_MINSIGSTKSZ, SIGNAL_FRAME_MAX },
		{ AT_NULL, 0 },
	};

	b.at = (b.at - pointers - sizeof(auxv)) & ~15ull;
	slot = host(&b, b.at);
	*slot++ = machine.argc;
	slot = put_pointers(slot, &s, &strings, machine.argc);
	slot = put_pointers(slot, &s, &strings, machine.envc);
	memcpy(slot, auxv, sizeof(auxv));
	auxv_gva =
		b.at + (uint64_t)((uint8_t *)slot - (uint8_t *)host(&b, b.at));
	auxv_len = sizeof(auxv);
	return b.at;
}
