/* elf.c: maps the program from its file in guest memory: text and constants
 * where they lie, data as copies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/elf.h"

#include "kernel/elf_format.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/vm.h"
#include "lib/string.h"

#define PIE_BASE 0x400000ull

/* Zeros behind the data that exist from the start. */
#define BSS_EAGER (16 * PAGE_LEN)

static uint64_t load_base;

static const uint8_t *file_at(uint64_t off)
{
	return (const uint8_t *)phys_ptr(machine.program) + off;
}

static bool file_has(uint64_t off, uint64_t len)
{
	return off <= machine.program_len && len <= machine.program_len - off;
}

static const struct elf_header *check_header(void)
{
	const struct elf_header *h = phys_ptr(machine.program);

	if (!machine.program)
		machine_noexec("no program was given (PVH module 0)");
	if (machine.program & PAGE_MASK)
		machine_noexec("the program is not page-aligned in memory");
	if (machine.program_len < sizeof(*h) || h->magic != ELF_MAGIC)
		machine_noexec("not an ELF file");
	if (h->class != ELF_CLASS64 || h->machine != ELF_X86_64)
		machine_noexec("not an ELF file for x86-64");
	if (h->type != ELF_EXEC && h->type != ELF_DYN)
		machine_noexec("not an executable ELF file");
	if (h->phentsize != sizeof(struct elf_segment) || !h->phnum ||
	    (h->phoff & 7) || !file_has(h->phoff, h->phnum * 56ull))
		machine_noexec("broken ELF program headers");
	return h;
}

static void check_segment(const struct elf_segment *s)
{
	uint64_t vaddr = s->vaddr + load_base;

	if (s->filesz > s->memsz || !file_has(s->offset, s->filesz) ||
	    ((s->vaddr ^ s->offset) & PAGE_MASK))
		machine_noexec("broken ELF segment at %lx", s->vaddr);
	if (vaddr < VM_MIN || vaddr >= VM_END || s->memsz > VM_END - vaddr)
		machine_noexec("ELF segment at %lx: address not usable",
			       s->vaddr);
}

static NORETURN void no_memory(void)
{
	machine_noexec("out of guest memory for the program (%lu KiB in all)",
		       page_count_total() * 4);
}

static void must(int rc)
{
	if (rc)
		no_memory();
}

static unsigned segment_prot(uint32_t flags)
{
	return (flags & ELF_PF_R ? VM_READ : 0) |
	       (flags & ELF_PF_W ? VM_WRITE : 0) |
	       (flags & ELF_PF_X ? VM_EXEC : 0);
}

/* [start, end) of the segment's pages that hold file bytes, copied. */
static void copy_pages(const struct elf_segment *s, uint64_t start,
		       uint64_t end, unsigned prot)
{
	uint64_t vaddr = s->vaddr + load_base;

	for (uint64_t at = start; at < end; at += PAGE_LEN) {
		uint64_t from = max_u64(at, vaddr);
		uint64_t stop = min_u64(at + PAGE_LEN, vaddr + s->filesz);
		uint8_t *page = page_alloc_zeroed();

		if (!page)
			no_memory();
		memcpy(page + (from - at), file_at(from - vaddr + s->offset),
		       stop - from);
		must(vm_map_phys(at, phys_of(page), PAGE_LEN, prot));
	}
}

static void map_segment(const struct elf_segment *s)
{
	uint64_t vaddr = s->vaddr + load_base;
	uint64_t start = page_down(vaddr);
	uint64_t file_end = page_up(vaddr + s->filesz);
	uint64_t end = page_up(vaddr + s->memsz);
	unsigned prot = segment_prot(s->flags);

	if (!vm_is_free(start, end - start))
		machine_noexec("ELF segments share the page at %lx", start);
	if (!s->filesz)
		file_end = start;
	if (file_end > start && !(prot & VM_WRITE) && s->filesz == s->memsz)
		must(vm_map_phys(start, machine.program + page_down(s->offset),
				 file_end - start, prot));
	else
		copy_pages(s, start, file_end, prot);
	if (end > file_end) {
		must(vm_map(file_end, end - file_end, prot));
		must(vm_populate(file_end, min_u64(end - file_end, BSS_EAGER)));
	}
}

static void find_headers(const struct elf_header *h,
			 const struct elf_segment *s, struct elf_image *image)
{
	if (h->phoff >= s->offset && h->phoff - s->offset < s->filesz)
		image->headers = h->phoff - s->offset + s->vaddr + load_base;
}

void elf_load(struct elf_image *ret_image)
{
	const struct elf_header *h = check_header();
	const struct elf_segment *s =
		(const struct elf_segment *)(const void *)file_at(h->phoff);
	struct elf_image image = { 0 };

	load_base = h->type == ELF_DYN ? PIE_BASE : 0;
	for (unsigned i = 0; i < h->phnum; i++, s++) {
		if (s->type == ELF_PT_INTERP)
			machine_noexec(
				"dynamically linked (needs %s); link it "
				"with -static",
				file_has(s->offset, s->filesz) && s->filesz &&
						!*file_at(s->offset +
							  s->filesz - 1)
					? (const char *)file_at(s->offset)
					: "a loader");
		if (s->type != ELF_PT_LOAD || !s->memsz)
			continue;
		check_segment(s);
		map_segment(s);
		find_headers(h, s, &image);
		image.end = max_u64(image.end,
				    page_up(s->vaddr + load_base + s->memsz));
	}
	if (!image.end)
		machine_noexec("an ELF file with nothing to load");
	image.entry = h->entry + load_base;
	image.base = load_base;
	image.n_headers = h->phnum;
	*ret_image = image;
}

static const struct elf_section *find_symtab(const struct elf_header *h)
{
	const struct elf_section *s;

	if (h->shentsize != sizeof(*s) || (h->shoff & 7) ||
	    !file_has(h->shoff, h->shnum * 64ull))
		return NULL;
	s = (const struct elf_section *)(const void *)file_at(h->shoff);
	for (unsigned i = 0; i < h->shnum; i++)
		if (s[i].type == ELF_SHT_SYMTAB && s[i].link < h->shnum &&
		    !(s[i].offset & 7) && file_has(s[i].offset, s[i].size) &&
		    file_has(s[s[i].link].offset, s[s[i].link].size) &&
		    s[s[i].link].size &&
		    !*file_at(s[s[i].link].offset + s[s[i].link].size - 1))
			return &s[i];
	return NULL;
}

const char *elf_symbol(uint64_t gva, uint64_t *ret_offset)
{
	const struct elf_header *h = phys_ptr(machine.program);
	const struct elf_section *symtab, *strtab;
	const struct elf_sym *sym, *best = NULL;

	symtab = machine.program ? find_symtab(h) : NULL;
	if (!symtab)
		return NULL;
	strtab = (const struct elf_section *)(const void *)file_at(h->shoff) +
		 symtab->link;
	sym = (const struct elf_sym *)(const void *)file_at(symtab->offset);
	gva -= load_base;
	for (uint64_t n = symtab->size / sizeof(*sym); n; n--, sym++)
		if ((sym->info & 15) == ELF_STT_FUNC && sym->section &&
		    sym->value <= gva && sym->name < strtab->size &&
		    (!best || sym->value > best->value))
			best = sym;
	if (!best || (best->size && gva - best->value >= best->size))
		return NULL;
	*ret_offset = gva - best->value;
	return (const char *)file_at(strtab->offset + best->name);
}
