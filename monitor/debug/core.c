/* core.c: see core.h. core(5), elf(5). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "debug/core.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "debug/stop.h"
#include "mem/gmem.h"
#include "mem/x86_walk.h"

#define PAGE       4096ull
#define PAGES_MAX  256u /* one write */
#define PIECES_MAX 64u
#define LOOK_EVERY 4096u /* pages, for *cancel */

/* Where Linux and gdb expect xcr0 in an XSAVE area. */
#define XSAVE_XCR0_OFF 464u

_Static_assert(sizeof(elf_gregset_t) == DEBUG_REGS * sizeof(uint64_t),
	       "one order of registers");

struct writer {
	const struct core *core;
	const struct stop *stop;
	const _Atomic bool *cancel;
	uint64_t at;    /* in the file */
	uint64_t walks; /* that are left: page tables are the guest's */
	uint64_t bytes; /* of memory that are left, likewise */
	int error;      /* the first */
	uint8_t buf[4096];
	size_t n; /* in buf */
};

int core_init(struct core *c, int fd, const char *exec_file, struct err *err)
{
	c->fd = fd;
	c->exec_file = exec_file;
	c->filed = calloc(DEBUG_AREAS_MAX, sizeof(*c->filed));
	return c->filed ? 0 : err_set(err, -ENOMEM, "core");
}

void core_fini(struct core *c)
{
	free(c->filed);
	*c = (struct core){ .fd = -1 };
}

/* --- the stream of headers and notes --------------------------------------- */

/* Moves past the first `done` bytes of the pieces. */
static struct iovec *skip(struct iovec *iov, const struct iovec *end,
			  size_t done)
{
	while (iov < end && done >= iov->iov_len) {
		done -= iov->iov_len;
		iov++;
	}
	if (iov < end) {
		iov->iov_base = (uint8_t *)iov->iov_base + done;
		iov->iov_len -= done;
	}
	return iov;
}

static void write_all(struct writer *w, struct iovec *iov, unsigned n,
		      uint64_t off)
{
	const struct iovec *end = iov + n;

	while (iov < end && !w->error) {
		const ssize_t r =
			pwritev(w->core->fd, iov, (int)(end - iov), (off_t)off);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			w->error = r < 0 ? -errno : -EIO;
			return;
		}
		off += (uint64_t)r;
		iov = skip(iov, end, (size_t)r);
	}
}

static void flush(struct writer *w)
{
	struct iovec iov = { w->buf, w->n };

	if (w->n > 0)
		write_all(w, &iov, 1, w->at - w->n);
	w->n = 0;
}

static void put(struct writer *w, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;

	while (len > 0) {
		size_t part = sizeof(w->buf) - w->n;

		if (part > len)
			part = len;
		memcpy(w->buf + w->n, in, part);
		w->n += part;
		w->at += part;
		in += part;
		len -= part;
		if (w->n == sizeof(w->buf))
			flush(w);
	}
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void put_padding(struct writer *w, size_t len)
{
	put(w, "\0\0\0", padded(len) - len);
}

/* --- notes ------------------------------------------------------------------ */

/* Name and padding are 8 bytes for both "CORE" and "LINUX". */
static size_t note_len(size_t len)
{
	return sizeof(Elf64_Nhdr) + 8 + padded(len);
}

static void put_note_head(struct writer *w, uint32_t type, size_t len)
{
	const bool linux_own = type == NT_X86_XSTATE;
	const Elf64_Nhdr head = { linux_own ? 6 : 5, (uint32_t)len, type };

	put(w, &head, sizeof(head));
	put(w, linux_own ? "LINUX\0\0" : "CORE\0\0\0", 8);
}

static void put_note(struct writer *w, uint32_t type, const void *desc,
		     size_t len)
{
	put_note_head(w, type, len);
	put(w, desc, len);
	put_padding(w, len);
}

static bool has_xstate(const struct stop *s)
{
	return s->s.xcr0 && s->s.fpu_len >= STOP_XSAVE_MIN;
}

static size_t thread_notes_len(const struct stop *s,
			       const struct debug_thread *t)
{
	size_t len = note_len(sizeof(struct elf_prstatus));

	if (t->fpu_gpa && s->s.fpu_len)
		len += note_len(STOP_FPU_MIN);
	if (t->fpu_gpa && has_xstate(s))
		len += note_len(s->s.fpu_len);
	return len;
}

static void put_status(struct writer *w, const struct debug_thread *t)
{
	struct elf_prstatus p = { .pr_pid = (pid_t)t->tid,
				  .pr_pgrp = 1,
				  .pr_sid = 1,
				  .pr_fpvalid = t->fpu_gpa != 0 };

	if (t == w->stop->thread) {
		p.pr_cursig = (short)w->stop->s.signal;
		memcpy(&p.pr_info, w->stop->s.siginfo, sizeof(p.pr_info));
	}
	memcpy(&p.pr_reg, t->regs, sizeof(p.pr_reg));
	put_note(w, NT_PRSTATUS, &p, sizeof(p));
}

/* What cannot be read any more is zeros: the length is promised. */
static void put_fpu(struct writer *w, const struct debug_thread *t)
{
	const struct debug_stop *s = &w->stop->s;
	uint8_t area[STOP_FPU_MAX] = { 0 };

	if (!t->fpu_gpa || !s->fpu_len)
		return;
	(void)!stop_read_fpu(w->stop, t, area, s->fpu_len);
	put_note(w, NT_FPREGSET, area, STOP_FPU_MIN);
	if (!has_xstate(w->stop))
		return;
	memcpy(area + XSAVE_XCR0_OFF, &s->xcr0, sizeof(s->xcr0));
	put_note(w, NT_X86_XSTATE, area, s->fpu_len);
}

static void put_process(struct writer *w)
{
	const struct debug_stop *s = &w->stop->s;
	struct elf_prpsinfo p = {
		.pr_sname = 'R', .pr_pid = 1, .pr_pgrp = 1, .pr_sid = 1
	};

	_Static_assert(sizeof(p.pr_fname) == sizeof(s->name), "core(5)");
	_Static_assert(sizeof(p.pr_psargs) == sizeof(s->args), "core(5)");
	memcpy(p.pr_fname, s->name, sizeof(s->name));
	memcpy(p.pr_psargs, s->args, sizeof(s->args));
	put_note(w, NT_PRPSINFO, &p, sizeof(p));
	put_note(w, NT_SIGINFO, s->siginfo, sizeof(s->siginfo));
}

#define AUXV_MAX 1024u

static size_t auxv_len(const struct stop *s)
{
	return s->s.auxv_len <= AUXV_MAX ? s->s.auxv_len & ~(size_t)15 : 0;
}

static void put_auxv(struct writer *w)
{
	uint8_t auxv[AUXV_MAX] = { 0 };
	const size_t len = auxv_len(w->stop);

	(void)!stop_read(w->stop, w->stop->s.auxv_gva, auxv, len);
	put_note(w, NT_AUXV, auxv, len);
}

/* Of a file: others have names in brackets. */
static bool is_of_file(const struct stop *s, const struct debug_area *a)
{
	return a->name_off && stop_area_name(s, a)[0] != '[';
}

static const char *file_name(const struct writer *w, const struct debug_area *a)
{
	return (a->flags & DEBUG_AREA_PROGRAM) && w->core->exec_file
		       ? w->core->exec_file
		       : stop_area_name(w->stop, a);
}

static size_t files_len(const struct writer *w, uint64_t *ret_count)
{
	const struct stop *s = w->stop;
	size_t len = 2 * sizeof(uint64_t);

	*ret_count = 0;
	for (uint32_t i = 0; i < s->s.n_areas; i++)
		if (is_of_file(s, &s->area[i])) {
			len += 3 * sizeof(uint64_t) + 1 +
			       strlen(file_name(w, &s->area[i]));
			++*ret_count;
		}
	return len;
}

static void put_files(struct writer *w)
{
	const struct stop *s = w->stop;
	uint64_t head[2] = { 0, PAGE };
	const size_t len = files_len(w, &head[0]);

	put_note_head(w, NT_FILE, len);
	put(w, head, sizeof(head));
	for (uint32_t i = 0; i < s->s.n_areas; i++) {
		const struct debug_area *a = &s->area[i];
		const uint64_t row[3] = { a->start, a->end,
					  a->file_off / PAGE };

		if (is_of_file(s, a))
			put(w, row, sizeof(row));
	}
	for (uint32_t i = 0; i < s->s.n_areas; i++)
		if (is_of_file(s, &s->area[i])) {
			const char *name = file_name(w, &s->area[i]);

			put(w, name, strlen(name) + 1);
		}
	put_padding(w, len);
}

static size_t notes_len(const struct writer *w)
{
	const struct stop *s = w->stop;
	uint64_t count;
	size_t len = note_len(sizeof(struct elf_prpsinfo)) +
		     note_len(sizeof(s->s.siginfo)) + note_len(auxv_len(s)) +
		     note_len(files_len(w, &count));

	for (uint32_t i = 0; i < s->s.n_threads; i++)
		len += thread_notes_len(s, &s->thread[i]);
	return len;
}

static void put_notes(struct writer *w)
{
	for (uint32_t i = 0; i < w->stop->s.n_threads; i++) {
		put_status(w, &w->stop->thread[i]);
		if (i == 0) {
			put_process(w);
			put_auxv(w);
			put_files(w);
		}
		put_fpu(w, &w->stop->thread[i]);
	}
}

/* --- memory ----------------------------------------------------------------- */

/* The page of an area at gva: *ret, or with iov_base NULL a hole; how many
 * bytes. */
static uint64_t area_piece(struct writer *w, const struct debug_area *a,
			   uint64_t gva, struct iovec *ret)
{
	const struct stop *s = w->stop;
	struct x86_page page;

	*ret = (struct iovec){ NULL, 0 };
	if (w->walks-- == 0 && !w->error)
		w->error = -EPROTO;
	if (w->walks % LOOK_EVERY == 0 && !w->error && atomic_load(w->cancel))
		w->error = -ECANCELED;
	if (x86_walk(s->mem, s->s.cr3, gva, &page) == 0) {
		page.len = PAGE;
		if (gmem_span(s->mem, page.gpa, PAGE, ret))
			*ret = (struct iovec){ NULL, 0 };
	}
	return page.len < a->end - gva ? page.len : a->end - gva;
}

/* How much of it has to be in the file: up to the last page there is. */
static uint64_t area_filed(struct writer *w, const struct debug_area *a)
{
	uint64_t filed = 0;
	struct iovec piece;

	for (uint64_t gva = a->start; gva < a->end && !w->error;) {
		const uint64_t len = area_piece(w, a, gva, &piece);

		gva += len;
		if (piece.iov_base)
			filed = gva - a->start;
	}
	return filed;
}

static bool is_zero(const struct iovec *v)
{
	const uint8_t *p = v->iov_base;

	return v->iov_len == 0 ||
	       (p[0] == 0 && memcmp(p, p + 1, v->iov_len - 1) == 0);
}

struct run {
	struct iovec iov[PIECES_MAX];
	unsigned n, pages;
	uint64_t at; /* in the file */
};

static void run_flush(struct writer *w, struct run *r)
{
	if (r->n > 0)
		write_all(w, r->iov, r->n, r->at);
	r->n = r->pages = 0;
}

static void run_add(struct writer *w, struct run *r, const struct iovec *piece,
		    uint64_t at)
{
	struct iovec *last = r->n ? &r->iov[r->n - 1] : NULL;

	if (w->bytes < piece->iov_len) {
		w->error = -EPROTO;
		return;
	}
	w->bytes -= piece->iov_len;
	if (!last)
		r->at = at;
	if (last && (uint8_t *)last->iov_base + last->iov_len ==
			    (uint8_t *)piece->iov_base)
		last->iov_len += piece->iov_len;
	else
		r->iov[r->n++] = *piece;
	r->pages++;
	if (r->n == PIECES_MAX || r->pages == PAGES_MAX)
		run_flush(w, r);
}

static void put_area(struct writer *w, const struct debug_area *a,
		     uint64_t filed, uint64_t at)
{
	struct run r = { .n = 0 };
	struct iovec piece;

	for (uint64_t off = 0; off < filed && !w->error;) {
		const uint64_t len = area_piece(w, a, a->start + off, &piece);

		/* another CPU may have changed its tables since */
		if (piece.iov_base && !is_zero(&piece) && off + PAGE <= filed)
			run_add(w, &r, &piece, at + off);
		else
			run_flush(w, &r);
		off += len;
	}
	run_flush(w, &r);
}

/* --- the file ---------------------------------------------------------------- */

static void put_header(struct writer *w)
{
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)(w->stop->s.n_areas + 1),
	};

	_Static_assert(DEBUG_AREAS_MAX + 1 < PN_XNUM, "elf(5)");
	put(w, &h, sizeof(h));
}

static void put_segments(struct writer *w, uint64_t notes_at, uint64_t data_at)
{
	const struct stop *s = w->stop;
	Elf64_Phdr p = { .p_type = PT_NOTE,
			 .p_flags = PF_R,
			 .p_offset = notes_at,
			 .p_filesz = notes_len(w),
			 .p_align = 4 };

	put(w, &p, sizeof(p));
	for (uint32_t i = 0; i < s->s.n_areas; i++) {
		const struct debug_area *a = &s->area[i];

		p = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = (a->prot & 1 ? PF_R : 0u) |
				   (a->prot & 2 ? PF_W : 0u) |
				   (a->prot & 4 ? PF_X : 0u),
			.p_offset = data_at,
			.p_vaddr = a->start,
			.p_filesz = w->core->filed[i],
			.p_memsz = a->end - a->start,
			.p_align = PAGE,
		};
		put(w, &p, sizeof(p));
		data_at += w->core->filed[i];
	}
}

static int explain(const struct writer *w, struct err *err)
{
	if (w->error == -EPROTO)
		return err_set(err, w->error,
			       "core: the page tables map more than the "
			       "guest's memory");
	return w->error ? err_set(err, w->error, "core") : 0;
}

int core_write(struct core *c, const struct stop *s, const _Atomic bool *cancel,
	       struct err *err)
{
	const uint64_t pages = gmem_total(s->mem) / PAGE;
	struct writer w = {
		.core = c,
		.stop = s,
		.cancel = cancel,
		/* twice: to know the lengths, to write; tables hold 512 */
		.walks = 2ull * 512 * pages + 16ull * DEBUG_AREAS_MAX,
		.bytes = 2 * gmem_total(s->mem),
	};
	const uint64_t notes_at =
		sizeof(Elf64_Ehdr) + (s->s.n_areas + 1) * sizeof(Elf64_Phdr);
	uint64_t at = (notes_at + notes_len(&w) + PAGE - 1) & ~(PAGE - 1);

	for (uint32_t i = 0; i < s->s.n_areas; i++)
		c->filed[i] = area_filed(&w, &s->area[i]);
	put_header(&w);
	put_segments(&w, notes_at, at);
	put_notes(&w);
	flush(&w);
	for (uint32_t i = 0; i < s->s.n_areas; i++) {
		put_area(&w, &s->area[i], c->filed[i], at);
		at += c->filed[i];
	}
	if (!w.error && ftruncate(c->fd, (off_t)at))
		w.error = -errno;
	return explain(&w, err);
}
