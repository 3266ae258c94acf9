/* probe.c: see probe.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/probe.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "boot/image.h"

/* Where a bzImage says so: boot sector signature and header magic. */
#define BZ_SIGNATURE_OFF 0x1fe
#define BZ_MAGIC_OFF     0x202

#define COMPRESSED "compressed with "
#define UNPACK     ": unpack it first"

/* Files people hand over by mistake; the first match wins. */
static const struct {
	size_t off, len;
	const char *magic;
	const char *looks_like;
} formats[] = {
	{ 0, 2, "#!", "a script: only ELF programs and kernels run" },
	{ 0, 2, "\x1f\x8b", COMPRESSED "gzip" UNPACK " (gunzip)" },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  COMPRESSED "xz" UNPACK " (unxz)" },
	{ 0, 4, "\x28\xb5\x2f\xfd", COMPRESSED "zstd" UNPACK " (unzstd)" },
	{ 0, 3, "BZh", COMPRESSED "bzip2" UNPACK " (bunzip2)" },
	{ 0, 4, "\x04\x22\x4d\x18", COMPRESSED "lz4" UNPACK " (unlz4)" },
	{ 0, 4, "\x02\x21\x4c\x18", COMPRESSED "lz4" UNPACK " (unlz4)" },
	{ 0, 4, "PK\x03\x04", "a zip archive" UNPACK },
	{ 0x38, 4, "ARMd",
	  "a Linux kernel for aarch64, this machine is "
	  "x86-64" },
	{ 0x38, 4, "RSC\x05",
	  "a Linux kernel for riscv, this machine is "
	  "x86-64" },
	{ 0, 2, "MZ", "a PE file (Windows or UEFI), not an ELF file" },
	{ 0, 4, "\xcf\xfa\xed\xfe", "a Mach-O file (macOS), not an ELF file" },
	{ 0, 4, "\xce\xfa\xed\xfe", "a Mach-O file (macOS), not an ELF file" },
	{ 0, 4, "\xfe\xed\xfa\xcf", "a Mach-O file (macOS), not an ELF file" },
	{ 0, 4, "\xfe\xed\xfa\xce", "a Mach-O file (macOS), not an ELF file" },
	{ 0, 4, "\xca\xfe\xba\xbe",
	  "a Mach-O file (macOS) or a Java class, not an ELF file" },
	{ 257, 5, "ustar", "a tar archive" UNPACK },
	{ 0, 5, "07070", "a cpio archive: it can be an initrd" },
	{ 0, 2, "\xc7\x71", "a cpio archive: it can be an initrd" },
	{ 0, 8, "!<arch>\n", "a static library or Debian package" },
	{ 0, 4, "\0asm", "a WebAssembly module" },
	{ 0, 4, "BC\xc0\xde", "LLVM bitcode: compile it first" },
	{ 0, 4, "\xd0\x0d\xfe\xed", "a device tree blob" },
	{ 0, 4, "QFI\xfb", "a qcow2 disk image" },
	{ 0, 4, "hsqs", "a squashfs file system" },
	{ 0x438, 2, "\x53\xef", "an ext2, ext3 or ext4 file system" },
	{ BZ_SIGNATURE_OFF, 2, "\x55\xaa", "a disk image (boot sector)" },
};

static bool has_bytes(const struct image *img, size_t off, const void *magic,
		      size_t len)
{
	return off <= img->head_len && len <= img->head_len - off &&
	       memcmp(img->head + off, magic, len) == 0;
}

static bool is_bzimage(const struct image *img)
{
	return has_bytes(img, BZ_SIGNATURE_OFF, "\x55\xaa", 2) &&
	       has_bytes(img, BZ_MAGIC_OFF, "HdrS", 4);
}

static bool is_text(const struct image *img)
{
	for (size_t i = 0; i < img->head_len; i++) {
		uint8_t c = img->head[i];

		/* bytes above ASCII may be UTF-8 */
		if ((c < ' ' && c != '\n' && c != '\t' && c != '\r' &&
		     c != '\f') ||
		    c == 0x7f)
			return false;
	}
	return true;
}

static int not_an_image(const struct image *img, struct err *err)
{
	uint8_t first[4] = { 0 };

	if (img->head_len == 0)
		return err_set(err, -ENOEXEC, "an empty file");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (has_bytes(img, formats[i].off, formats[i].magic,
			      formats[i].len))
			return err_set(err, -ENOEXEC, "%s",
				       formats[i].looks_like);
	if (is_text(img))
		return err_set(err, -ENOEXEC,
			       "a text file, neither a program nor a kernel");
	memcpy(first, img->head,
	       img->head_len < sizeof(first) ? img->head_len : sizeof(first));
	return err_set(err, -ENOEXEC,
		       "not a known kind of image (it starts with %02x %02x "
		       "%02x %02x)",
		       first[0], first[1], first[2], first[3]);
}

/* A kernel is linked in the upper half of the address space. */
static bool in_upper_half(const struct elf *elf)
{
	for (unsigned i = 0; i < elf->n_segments; i++)
		if (elf->segment[i].type == PT_LOAD &&
		    elf->segment[i].vaddr >> 63)
			return true;
	return false;
}

static int check_wanted(const struct probe *p, enum boot_kind wanted,
			struct err *err)
{
	bool upper = !p->is_bzimage && in_upper_half(&p->elf);

	switch (wanted) {
	case BOOT_PVH:
		if (p->is_bzimage)
			return err_set(err, -ENOEXEC,
				       "cannot boot as pvh: a bzImage has no "
				       "PVH note, its vmlinux may");
		if (!p->notes.has_pvh)
			return err_set(err, -ENOEXEC,
				       "cannot boot as pvh: no PVH note "
				       "(Xen, type 18) in it");
		return 0;
	case BOOT_LINUX:
		if (!p->is_bzimage && !upper)
			return err_set(err, -ENOEXEC,
				       "cannot boot as linux: neither a "
				       "bzImage nor a vmlinux (no segment in "
				       "the upper half)");
		return 0;
	case BOOT_PROGRAM:
		if (p->is_bzimage || upper || p->notes.has_pvh)
			return err_set(err, -ENOEXEC,
				       "cannot run as a program: it is a "
				       "kernel");
		return 0;
	case BOOT_AUTO:
	default:
		return err_set(err, -EINVAL, "unknown boot kind %d",
			       (int)wanted);
	}
}

int probe_image(const struct image *img, enum boot_kind wanted,
		struct probe *ret, struct err *err)
{
	int code;

	ret->is_bzimage = is_bzimage(img);
	if (!ret->is_bzimage && !elf_is_elf(img))
		return not_an_image(img, err);
	if (!ret->is_bzimage) {
		code = elf_parse(img, &ret->elf, err);
		if (code == 0)
			code = elf_read_notes(img, &ret->elf, &ret->notes, err);
		if (code != 0)
			return code;
	}
	ret->kind = wanted;
	if (wanted != BOOT_AUTO)
		return check_wanted(ret, wanted, err);
	if (!ret->is_bzimage && ret->notes.has_pvh)
		ret->kind = BOOT_PVH;
	else if (ret->is_bzimage || in_upper_half(&ret->elf))
		ret->kind = BOOT_LINUX;
	else
		ret->kind = BOOT_PROGRAM;
	return 0;
}
