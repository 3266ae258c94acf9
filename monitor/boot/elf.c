/* elf.c: see elf.h. Layouts: System V ABI, chapters 4 and 5; notes of Xen's
 * public header elfnote.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/image.h"
#include "boot/place.h"

struct ehdr {
	uint8_t ident[EI_NIDENT];
	le16 type, machine;
	le32 version;
	le64 entry, phoff, shoff;
	le32 flags;
	le16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	le32 type, flags;
	le64 off, vaddr, paddr, filesz, memsz, align;
};

struct nhdr {
	le32 namesz, descsz, type;
};

_Static_assert(sizeof(struct ehdr) == 64, "ELF64");
_Static_assert(sizeof(struct phdr) == 56, "ELF64");
_Static_assert(sizeof(struct nhdr) == 12, "ELF64");

#define XEN_NOTE_GUEST_OS     6
#define XEN_NOTE_PHYS32_ENTRY 18

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ EM_386, "i386" },        { EM_ARM, "arm" },
	{ EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" },
	{ EM_PPC, "powerpc" },     { EM_PPC64, "powerpc64" },
	{ EM_S390, "s390" },       { EM_MIPS, "mips" },
	{ EM_SPARC, "sparc" },     { EM_SPARCV9, "sparc64" },
	{ EM_IA_64, "ia64" },      { EM_BPF, "bpf" },
	{ 258, "loongarch" },
};

bool elf_is_elf(const struct image *img)
{
	return img->head_len >= SELFMAG &&
	       memcmp(img->head, ELFMAG, SELFMAG) == 0;
}

static int wrong_machine(unsigned machine, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == machine)
			return err_set(err, -ENOEXEC,
				       "built for %s, this machine is x86-64",
				       machines[i].name);
	return err_set(err, -ENOEXEC,
		       "built for machine %u, this machine is x86-64 (62)",
		       machine);
}

static int check_ident(const struct ehdr *h, struct err *err)
{
	unsigned machine = le16_get(h->machine);

	if (h->ident[EI_DATA] == ELFDATA2MSB)
		return err_set(err, -ENOEXEC,
			       "a big-endian ELF file, this machine is "
			       "little-endian");
	if (h->ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, -ENOEXEC,
			       "an ELF file of unknown byte order %u",
			       h->ident[EI_DATA]);
	if (h->ident[EI_CLASS] == ELFCLASS32 && machine == EM_X86_64)
		return err_set(err, -ENOEXEC,
			       "an x32 ELF file (32-bit), a 64-bit one is "
			       "needed");
	if (h->ident[EI_CLASS] == ELFCLASS32)
		return err_set(err, -ENOEXEC,
			       "a 32-bit ELF file, a 64-bit one is needed");
	if (h->ident[EI_CLASS] != ELFCLASS64)
		return err_set(err, -ENOEXEC, "an ELF file of unknown class %u",
			       h->ident[EI_CLASS]);
	if (machine != EM_X86_64)
		return wrong_machine(machine, err);
	if (h->ident[EI_VERSION] != EV_CURRENT)
		return err_set(err, -ENOEXEC, "an ELF file of version %u",
			       h->ident[EI_VERSION]);
	return 0;
}

static int check_type(unsigned type, struct err *err)
{
	switch (type) {
	case ET_EXEC:
	case ET_DYN:
		return 0;
	case ET_REL:
		return err_set(err, -ENOEXEC,
			       "a relocatable object file (.o): link it first");
	case ET_CORE:
		return err_set(err, -ENOEXEC, "a core dump, not a program");
	default:
		return err_set(err, -ENOEXEC, "an ELF file of unknown type %u",
			       type);
	}
}

static int check_load(const struct elf_segment *s, unsigned i,
		      uint64_t file_len, struct err *err)
{
	uint64_t end;

	if (s->filesz > s->memsz)
		return err_set(err, -ENOEXEC,
			       "segment %u: %#llx bytes in the file, %#llx in "
			       "memory",
			       i, (unsigned long long)s->filesz,
			       (unsigned long long)s->memsz);
	if (!add_u64(s->off, s->filesz, &end) ||
	    (s->filesz > 0 && end > file_len))
		return err_set(err, -ENOEXEC,
			       "truncated: segment %u is %#llx bytes at offset "
			       "%#llx, the file has %#llx bytes",
			       i, (unsigned long long)s->filesz,
			       (unsigned long long)s->off,
			       (unsigned long long)file_len);
	return 0;
}

static struct elf_segment segment_of(const uint8_t *raw)
{
	struct phdr p;

	memcpy(&p, raw, sizeof(p));
	return (struct elf_segment){
		.type = le32_get(p.type),
		.flags = le32_get(p.flags),
		.off = le64_get(p.off),
		.vaddr = le64_get(p.vaddr),
		.paddr = le64_get(p.paddr),
		.filesz = le64_get(p.filesz),
		.memsz = le64_get(p.memsz),
		.align = le64_get(p.align),
	};
}

int elf_parse(const struct image *img, struct elf *ret, struct err *err)
{
	uint8_t buf[ELF_PHNUM_MAX * sizeof(struct phdr)];
	const uint8_t *raw;
	struct ehdr h;
	unsigned n;
	int code;

	/* a 32-bit header is shorter, and is told by its class */
	memset(&h, 0, sizeof(h));
	memcpy(&h, img->head,
	       img->head_len < sizeof(h) ? img->head_len : sizeof(h));
	code = img->head_len < 20 ? 0 : check_ident(&h, err);
	if (code != 0)
		return code;
	if (img->head_len < sizeof(h))
		return err_set(err, -ENOEXEC,
			       "truncated: an ELF header is 64 bytes, the file "
			       "has %zu bytes",
			       img->head_len);
	code = check_type(le16_get(h.type), err);
	if (code != 0)
		return code;
	n = le16_get(h.phnum);
	if (n == 0)
		return err_set(err, -ENOEXEC, "no program headers");
	if (n > ELF_PHNUM_MAX)
		return err_set(err, -ENOEXEC, "%u program headers, at most %u",
			       n, ELF_PHNUM_MAX);
	if (le16_get(h.phentsize) != sizeof(struct phdr))
		return err_set(err, -ENOEXEC,
			       "program headers of %u bytes each, not %zu",
			       le16_get(h.phentsize), sizeof(struct phdr));
	raw = image_view(img, le64_get(h.phoff), n * sizeof(struct phdr), buf,
			 "the program header table", err);
	if (!raw)
		return err->code;
	ret->type = le16_get(h.type);
	ret->entry = le64_get(h.entry);
	ret->n_segments = n;
	for (unsigned i = 0; i < n; i++) {
		ret->segment[i] = segment_of(raw + i * sizeof(struct phdr));
		if (ret->segment[i].type != PT_LOAD)
			continue;
		code = check_load(&ret->segment[i], i, img->src->len, err);
		if (code != 0)
			return code;
	}
	return 0;
}

static void take_note(uint32_t type, const char *name, size_t name_len,
		      const uint8_t *desc, size_t desc_len,
		      struct elf_notes *ret)
{
	bool is_xen = name_len == 4 && memcmp(name, "Xen", 4) == 0;
	struct direct_note note;

	if (is_xen && type == XEN_NOTE_PHYS32_ENTRY && !ret->has_pvh &&
	    (desc_len == 4 || desc_len == 8)) {
		le64 v = { 0 };

		memcpy(&v, desc, desc_len);
		ret->pvh_entry = le64_get(v);
		ret->has_pvh = true;
	}
	if (is_xen && type == XEN_NOTE_GUEST_OS && desc_len >= 5 &&
	    memcmp(desc, "linux", 5) == 0)
		ret->is_linux = true;
	if (type == DIRECT_NOTE_TYPE && desc_len == sizeof(note) &&
	    name_len == sizeof(DIRECT_NOTE_NAME) && !ret->has_direct &&
	    memcmp(name, DIRECT_NOTE_NAME, name_len) == 0) {
		memcpy(&note, desc, sizeof(note));
		if (note.version != DIRECT_VERSION)
			return;
		ret->direct = note;
		ret->has_direct = true;
	}
}

/* Advances *pos by len and to the alignment, at most to total; false when
 * fewer than len bytes are left. */
static bool skip(size_t *pos, size_t total, uint32_t len, size_t align)
{
	uint64_t next;

	if (len > total - *pos)
		return false;
	next = round_up_u64(*pos + len, align);
	*pos = next > total ? total : (size_t)next;
	return true;
}

static void parse_notes(const uint8_t *raw, size_t len, size_t align,
			struct elf_notes *ret)
{
	size_t pos = 0;

	while (len - pos >= sizeof(struct nhdr)) {
		const uint8_t *name, *desc;
		struct nhdr h;

		memcpy(&h, raw + pos, sizeof(h));
		pos += sizeof(h);
		name = raw + pos;
		if (!skip(&pos, len, le32_get(h.namesz), align))
			return;
		desc = raw + pos;
		if (!skip(&pos, len, le32_get(h.descsz), align))
			return;
		take_note(le32_get(h.type), (const char *)name,
			  le32_get(h.namesz), desc, le32_get(h.descsz), ret);
	}
}

int elf_read_notes(const struct image *img, const struct elf *elf,
		   struct elf_notes *ret, struct err *err)
{
	uint8_t buf[ELF_NOTES_MAX];

	*ret = (struct elf_notes){ 0 };
	for (unsigned i = 0; i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];
		size_t len = s->filesz < sizeof(buf) ? (size_t)s->filesz
						     : sizeof(buf);
		const uint8_t *raw;

		if (s->type != PT_NOTE || len == 0)
			continue;
		raw = image_view(img, s->off, len, buf, "a note segment", err);
		if (!raw)
			return err->code;
		parse_notes(raw, len, s->align == 8 ? 8 : 4, ret);
	}
	return 0;
}

/* The loadable segment that ends highest, or -1. */
static int highest(const struct elf *elf)
{
	uint64_t top = 0;
	int found = -1;

	for (unsigned i = 0; i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];
		uint64_t end;

		if (s->type != PT_LOAD || s->memsz == 0)
			continue;
		if (!add_u64(s->paddr, s->memsz, &end))
			return (int)i; /* the claim says what is wrong */
		if (end > top) {
			top = end;
			found = (int)i;
		}
	}
	return found;
}

static int claim_segments(const struct elf *elf, struct place *place, int top,
			  struct err *err)
{
	const struct elf_segment *t = &elf->segment[top];
	int code;

	/* the highest first, so that "needs N MiB" is the final word */
	code = place_claim(place, t->paddr, t->memsz, "segment", top, err);
	for (unsigned i = 0; code == 0 && i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];

		if (s->type == PT_LOAD && (int)i != top)
			code = place_claim(place, s->paddr, s->memsz, "segment",
					   (int)i, err);
	}
	return code;
}

int elf_load(const struct image *img, const struct elf *elf,
	     struct place *place, uint64_t *ret_end, struct err *err)
{
	int top = highest(elf);
	int code;

	if (top < 0)
		return err_set(err, -ENOEXEC, "no loadable segment");
	/* nothing is written unless all of it fits */
	code = claim_segments(elf, place, top, err);
	for (unsigned i = 0; code == 0 && i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];

		if (s->type == PT_LOAD)
			code = image_load(img, s->off, place->mem, s->paddr,
					  (size_t)s->filesz, "a segment", err);
	}
	if (code == 0)
		*ret_end = elf->segment[top].paddr + elf->segment[top].memsz;
	return code;
}

bool elf_has_paddr(const struct elf *elf, uint64_t paddr)
{
	for (unsigned i = 0; i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];

		if (s->type == PT_LOAD && paddr - s->paddr < s->memsz)
			return true;
	}
	return false;
}
