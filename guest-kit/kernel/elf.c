/* elf.c: maps the program from its file in guest memory: private mappings of
 * the file, as Linux makes them, but for what will be touched soon filled at
 * once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/elf.h"

#include "fs/fs.h"
#include "kernel/elf_format.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/store.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"

#define PIE_BASE 0x400000ull

/* Zeros behind the data that exist from the start. */
#define BSS_EAGER  (16 * PAGE_LEN)
#define DATA_EAGER (16 * PAGE_LEN)
#define TEXT_EAGER (512 * PAGE_LEN)

/* An ELF file that lies in one piece in guest memory. */
struct elf_file {
	const char *name;
	struct file *file; /* in the root, or NULL: the program */
	struct store *store;
	const uint8_t *start;
	uint64_t len;
	uint64_t moved; /* from where it is linked to where it is mapped */
};

static struct elf_file program = { .name = "the program" };

static bool file_has(const struct elf_file *f, uint64_t off, uint64_t len)
{
	return off <= f->len && len <= f->len - off;
}

static const struct elf_header *header_of(const struct elf_file *f)
{
	return (const struct elf_header *)(const void *)f->start;
}

static const struct elf_segment *segments_of(const struct elf_file *f)
{
	return (const struct elf_segment *)(const void *)(f->start +
							  header_of(f)->phoff);
}

static void check_header(const struct elf_file *f)
{
	const struct elf_header *h = header_of(f);

	if (f->len < sizeof(*h) || h->magic != ELF_MAGIC)
		machine_noexec("%s: not an ELF file", f->name);
	if (h->class != ELF_CLASS64 || h->machine != ELF_X86_64)
		machine_noexec("%s: not an ELF file for x86-64", f->name);
	if (h->type != ELF_EXEC && h->type != ELF_DYN)
		machine_noexec("%s: not an executable ELF file", f->name);
	if (h->phentsize != sizeof(struct elf_segment) || !h->phnum ||
	    (h->phoff & 7) || !file_has(f, h->phoff, h->phnum * 56ull))
		machine_noexec("%s: broken ELF program headers", f->name);
}

static void check_segment(const struct elf_file *f, const struct elf_segment *s)
{
	uint64_t gva = s->vaddr + f->moved;

	if (s->filesz > s->memsz || !file_has(f, s->offset, s->filesz) ||
	    ((s->vaddr ^ s->offset) & PAGE_MASK))
		machine_noexec("%s: broken ELF segment at %lx", f->name,
			       s->vaddr);
	if (gva < VM_MIN || gva >= VM_END || s->memsz > VM_END - gva)
		machine_noexec("%s: ELF segment at %lx: address not usable",
			       f->name, s->vaddr);
}

static void must(int rc)
{
	if (rc)
		machine_noexec("out of guest memory for the program (%lu KiB "
			       "in all)",
			       page_count_total() * 4);
}

static unsigned segment_prot(uint32_t flags)
{
	return (flags & ELF_PF_R ? VM_READ : 0) |
	       (flags & ELF_PF_W ? VM_WRITE : 0) |
	       (flags & ELF_PF_X ? VM_EXEC : 0);
}

/* The pages with bytes of the file. What is written soon is copied now, for
 * less than faults cost, and what is read is there. */
static void map_file_part(const struct elf_file *f, const struct elf_segment *s,
			  uint64_t start, uint64_t end, unsigned prot)
{
	const struct vm_area area = {
		.start = start,
		.end = end,
		.off = page_down(s->offset),
		.store = f->store,
		.file = f->file,
		.prot = prot,
		.flags = f->file ? 0 : VM_PROGRAM,
	};
	const bool write = prot & VM_WRITE;
	const uint64_t eager = write ? DATA_EAGER : TEXT_EAGER;

	must(vm_map(&area));
	must(vm_populate(start, min_u64(end - start, eager), write));
}

/* Between the file's last byte and the page's end there are zeros. */
static void clear_tail(uint64_t from, uint64_t end)
{
	uint8_t *page;

	must(vm_populate(page_down(from), PAGE_LEN, true));
	page = vm_page(page_down(from));
	memset(page + (from & PAGE_MASK), 0, end - from);
}

static void map_segment(const struct elf_file *f, const struct elf_segment *s)
{
	uint64_t gva = s->vaddr + f->moved;
	uint64_t start = page_down(gva);
	uint64_t file_end = page_up(gva + s->filesz);
	uint64_t end = page_up(gva + s->memsz);
	unsigned prot = segment_prot(s->flags);

	if (!s->filesz)
		file_end = start;
	if (file_end > start)
		map_file_part(f, s, start, file_end, prot);
	if (s->filesz && s->memsz > s->filesz && (prot & VM_WRITE) &&
	    gva + s->filesz < file_end)
		clear_tail(gva + s->filesz, file_end);
	if (end > file_end) {
		must(vm_map_zeros(file_end, end - file_end, prot, 0));
		(void)vm_populate(file_end, min_u64(end - file_end, BSS_EAGER),
				  prot & VM_WRITE);
	}
}

/* Maps what is to be loaded; returns the first page behind it. */
static uint64_t map_segments(const struct elf_file *f)
{
	const struct elf_segment *s = segments_of(f);
	uint64_t end = 0;

	for (unsigned n = header_of(f)->phnum; n; n--, s++) {
		if (s->type != ELF_PT_LOAD || !s->memsz)
			continue;
		check_segment(f, s);
		map_segment(f, s);
		end = max_u64(end, page_up(s->vaddr + f->moved + s->memsz));
	}
	if (!end)
		machine_noexec("%s: an ELF file with nothing to load", f->name);
	return end;
}

/* Where the program headers were mapped, or 0. */
static uint64_t find_headers(const struct elf_file *f)
{
	const struct elf_header *h = header_of(f);
	const struct elf_segment *s = segments_of(f);

	for (unsigned n = h->phnum; n; n--, s++)
		if (s->type == ELF_PT_LOAD && h->phoff >= s->offset &&
		    h->phoff - s->offset < s->filesz)
			return h->phoff - s->offset + s->vaddr + f->moved;
	return 0;
}

static void open_program(void)
{
	if (!machine.program)
		machine_noexec("no program was given (PVH module 0)");
	if (machine.program & PAGE_MASK)
		machine_noexec("the program is not page-aligned in memory");
	program.start = phys_ptr(machine.program);
	program.len = machine.program_len;
	program.store = store_new_image(machine.program, machine.program_len);
	must(program.store ? 0 : -LINUX_ENOMEM);
}

/* The path the program names, or NULL. */
static const char *interpreter_path(void)
{
	const struct elf_segment *s = segments_of(&program);

	for (unsigned n = header_of(&program)->phnum; n; n--, s++) {
		if (s->type != ELF_PT_INTERP)
			continue;
		if (!s->filesz || !file_has(&program, s->offset, s->filesz) ||
		    program.start[s->offset + s->filesz - 1])
			machine_noexec("%s: broken name of its interpreter",
				       program.name);
		return (const char *)program.start + s->offset;
	}
	return NULL;
}

/* What it spans as it is linked. */
static uint64_t span_of(const struct elf_file *f, uint64_t *ret_first)
{
	const struct elf_segment *s = segments_of(f);
	uint64_t first = UINT64_MAX, end = 0;

	for (unsigned n = header_of(f)->phnum; n; n--, s++) {
		if (s->type != ELF_PT_LOAD || !s->memsz)
			continue;
		if (s->vaddr >= VM_END || s->memsz > VM_END - s->vaddr)
			machine_noexec("%s: broken ELF segment at %lx", f->name,
				       s->vaddr);
		first = min_u64(first, page_down(s->vaddr));
		end = max_u64(end, page_up(s->vaddr + s->memsz));
	}
	*ret_first = first;
	return end > first ? end - first : PAGE_LEN;
}

static void load_interpreter(const char *path, struct elf_image *image)
{
	struct elf_file f = { .name = path };
	uint64_t first, at;
	int rc = fs_open_program(path, &f.file);

	if (rc == -LINUX_ENOENT)
		machine_noexec("dynamically linked, it needs %s: not there",
			       path);
	if (rc)
		machine_noexec("dynamically linked, it needs %s: error %d",
			       path, -rc);
	f.store = f.file->ops->store(f.file);
	f.start = store_image(f.store);
	f.len = store_len(f.store);
	if (!f.start)
		machine_noexec("%s: not as it was in the root image", path);
	check_header(&f);
	if (header_of(&f)->type == ELF_DYN) {
		at = vm_find(0, span_of(&f, &first), VM_END);
		if (!at)
			machine_noexec("%s: no room in the address space",
				       path);
		f.moved = at - first;
		image->interpreter = at;
	}
	(void)map_segments(&f);
	image->entry = header_of(&f)->entry + f.moved;
	file_put(f.file);
}

void elf_load(struct elf_image *ret_image)
{
	const struct elf_header *h;
	const char *path;

	open_program();
	check_header(&program);
	h = header_of(&program);
	program.moved = h->type == ELF_DYN ? PIE_BASE : 0;
	*ret_image = (struct elf_image){
		.end = map_segments(&program),
		.entry = h->entry + program.moved,
		.program_entry = h->entry + program.moved,
		.headers = find_headers(&program),
		.n_headers = h->phnum,
	};
	process_init(ret_image->end);
	path = interpreter_path();
	if (path)
		load_interpreter(path, ret_image);
}

static const struct elf_section *find_symtab(const struct elf_file *f)
{
	const struct elf_header *h = header_of(f);
	const struct elf_section *s;

	if (h->shentsize != sizeof(*s) || (h->shoff & 7) ||
	    !file_has(f, h->shoff, h->shnum * 64ull))
		return NULL;
	s = (const struct elf_section *)(const void *)(f->start + h->shoff);
	for (unsigned i = 0; i < h->shnum; i++)
		if (s[i].type == ELF_SHT_SYMTAB && s[i].link < h->shnum &&
		    !(s[i].offset & 7) && file_has(f, s[i].offset, s[i].size) &&
		    file_has(f, s[s[i].link].offset, s[s[i].link].size) &&
		    s[s[i].link].size &&
		    !f->start[s[s[i].link].offset + s[s[i].link].size - 1])
			return &s[i];
	return NULL;
}

const char *elf_symbol(uint64_t gva, uint64_t *ret_offset)
{
	const struct elf_file *f = &program;
	const struct elf_section *symtab, *strtab;
	const struct elf_sym *sym, *best = NULL;

	symtab = f->store && store_image(f->store) ? find_symtab(f) : NULL;
	if (!symtab)
		return NULL;
	strtab = (const struct elf_section
			  *)(const void *)(f->start + header_of(f)->shoff) +
		 symtab->link;
	sym = (const struct elf_sym *)(const void *)(f->start + symtab->offset);
	gva -= f->moved;
	for (uint64_t n = symtab->size / sizeof(*sym); n; n--, sym++)
		if ((sym->info & 15) == ELF_STT_FUNC && sym->section &&
		    sym->value <= gva && sym->name < strtab->size &&
		    (!best || sym->value > best->value))
			best = sym;
	if (!best || (best->size && gva - best->value >= best->size))
		return NULL;
	*ret_offset = gva - best->value;
	return (const char *)f->start + strtab->offset + best->name;
}
