/* stop.c: see stop.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "debug/stop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "mem/gmem.h"
#include "mem/x86_walk.h"

#define PAGE 4096ull

int stop_init(struct stop *s, const struct gmem *mem, struct err *err)
{
	*s = (struct stop){ .mem = mem };
	s->thread = calloc(DEBUG_THREADS_MAX, sizeof(*s->thread));
	s->area = calloc(DEBUG_AREAS_MAX, sizeof(*s->area));
	s->strings = calloc(DEBUG_STRINGS_MAX, 1);
	if (s->thread && s->area && s->strings)
		return 0;
	stop_fini(s);
	return err_set(err, -ENOMEM, "debugging");
}

void stop_fini(struct stop *s)
{
	free(s->thread);
	free(s->area);
	free(s->strings);
	*s = (struct stop){ 0 };
}

/* --- in and out ---------------------------------------------------------- */

static bool area_is_good(const struct debug_area *a, uint64_t from,
			 uint32_t strings_len)
{
	return a->start >= from && a->start < a->end &&
	       a->end <= STOP_GVA_END && a->start % PAGE == 0 &&
	       a->end % PAGE == 0 && a->name_off < strings_len;
}

static bool is_good(const struct stop *st)
{
	const struct debug_stop *s = &st->s;
	uint64_t from = 0;

	if (s->reason < DEBUG_START || s->reason > DEBUG_FATAL ||
	    s->signal > STOP_SIGNAL_MAX || st->strings[0] != '\0' ||
	    st->strings[s->strings_len - 1] != '\0' ||
	    st->thread[0].tid != s->tid)
		return false;
	for (uint32_t i = 0; i < s->n_threads; i++)
		if (st->thread[i].tid == 0 || st->thread[i].tid > INT32_MAX)
			return false;
	for (uint32_t i = 0; i < s->n_areas; i++) {
		if (!area_is_good(&st->area[i], from, s->strings_len))
			return false;
		from = st->area[i].end;
	}
	return true;
}

/* Names that people and tools read are text. */
static void clean(char *s, size_t len)
{
	s[len - 1] = '\0';
	for (size_t i = 0; i < len; i++)
		if (s[i] && (s[i] < ' ' || s[i] > '~'))
			s[i] = '?';
}

int stop_load(struct stop *st, gpa_t gpa)
{
	struct debug_stop *s = &st->s;
	int r;

	st->gpa = gpa;
	r = gmem_read(st->mem, gpa, s, sizeof(*s));
	if (!r && (s->version != DEBUG_VERSION || s->len != sizeof(*s) ||
		   s->n_threads == 0 || s->n_threads > DEBUG_THREADS_MAX ||
		   s->n_areas > DEBUG_AREAS_MAX || s->strings_len == 0 ||
		   s->strings_len > DEBUG_STRINGS_MAX))
		r = -EPROTO;
	if (!r)
		r = gmem_read(st->mem, s->threads_gpa, st->thread,
			      s->n_threads * sizeof(st->thread[0]));
	if (!r)
		r = gmem_read(st->mem, s->areas_gpa, st->area,
			      s->n_areas * sizeof(st->area[0]));
	if (!r)
		r = gmem_read(st->mem, s->strings_gpa, st->strings,
			      s->strings_len);
	if (!r && !is_good(st))
		r = -EPROTO;
	if (r) {
		*s = (struct debug_stop){ 0 };
		return r;
	}
	clean(s->name, sizeof(s->name));
	clean(s->args, sizeof(s->args));
	for (uint32_t i = 0; i < s->n_threads; i++) {
		clean(st->thread[i].name, sizeof(st->thread[i].name));
		st->thread[i].action = DEBUG_RUN;
	}
	for (uint32_t i = 0; i < s->strings_len; i++)
		if ((uint8_t)st->strings[i] < ' ' && st->strings[i])
			st->strings[i] = '?';
	if (s->fpu_len < STOP_FPU_MIN || s->fpu_len > STOP_FPU_MAX)
		s->fpu_len = 0;
	s->request = DEBUG_NONE;
	return 0;
}

void stop_store(const struct stop *st)
{
	const struct debug_stop *s = &st->s;

	int r = gmem_write(st->mem, s->threads_gpa, st->thread,
			   s->n_threads * sizeof(st->thread[0]));

	CHECK(r == 0); /* the same ranges were read: they are there */
	r = gmem_write(st->mem, st->gpa, s, sizeof(*s));
	CHECK(r == 0);
}

/* --- looking -------------------------------------------------------------- */

struct debug_thread *stop_thread(const struct stop *st, uint32_t tid)
{
	for (uint32_t i = 0; i < st->s.n_threads; i++)
		if (st->thread[i].tid == tid)
			return &st->thread[i];
	return NULL;
}

const struct debug_area *stop_area(const struct stop *st, uint64_t gva)
{
	for (uint32_t i = 0; i < st->s.n_areas; i++)
		if (gva >= st->area[i].start && gva < st->area[i].end)
			return &st->area[i];
	return NULL;
}

const char *stop_area_name(const struct stop *st, const struct debug_area *a)
{
	return st->strings + a->name_off;
}

/* --- memory --------------------------------------------------------------- */

static int walk(const struct stop *st, uint64_t gva, struct x86_page *ret)
{
	return x86_walk(st->mem, st->s.cr3, gva, ret);
}

size_t stop_read(const struct stop *st, uint64_t gva, void *buf, size_t len)
{
	uint8_t *out = buf;
	size_t done = 0;

	while (done < len) {
		const uint64_t at = gva + done;
		size_t part = PAGE - at % PAGE;
		struct x86_page page;

		if (part > len - done)
			part = len - done;
		if (walk(st, at, &page) == 0) {
			if (gmem_read(st->mem, page.gpa, out + done, part))
				break;
		} else if (stop_area(st, at)) {
			memset(out + done, 0, part);
		} else {
			break;
		}
		done += part;
	}
	return done;
}

bool stop_lacks(const struct stop *st, uint64_t gva, size_t len)
{
	for (uint64_t off = 0; off < len; off += PAGE - (gva + off) % PAGE) {
		const struct debug_area *a = stop_area(st, gva + off);
		struct x86_page page;

		if (a && a->name_off && walk(st, gva + off, &page))
			return true;
	}
	return false;
}

int stop_write(const struct stop *st, uint64_t gva, const void *buf, size_t len,
	       bool force, uint64_t *ret_gva)
{
	const uint8_t *in = buf;

	while (len > 0) {
		size_t part = PAGE - gva % PAGE;
		struct x86_page page;
		const bool absent = walk(st, gva, &page);

		if (part > len)
			part = len;
		if (absent || (!page.writable && !force)) {
			*ret_gva = gva;
			return stop_area(st, gva) ? -EAGAIN : -EFAULT;
		}
		if (gmem_write(st->mem, page.gpa, in, part))
			return -EFAULT;
		gva += part;
		in += part;
		len -= part;
	}
	return 0;
}

/* A component that XSTATE_BV says is as at the start need not have been
 * written (Intel SDM 1, 13.6). */
static void fill_initial(uint8_t *area, size_t len, uint64_t xcr0)
{
	static const uint8_t fcw[2] = { 0x7f, 0x03 };
	const uint8_t used = area[STOP_XSTATE_BV];

	if (!(used & 1)) {
		memset(area, 0, 24);
		memcpy(area, fcw, sizeof(fcw));
		memset(area + 32, 0, 128);
	}
	if (!(used & 2))
		memset(area + 160, 0, 256);
	if (!(used & 4) && len > STOP_XSAVE_MIN)
		memset(area + STOP_XSAVE_MIN, 0, len - STOP_XSAVE_MIN);
	area[STOP_XSTATE_BV] |= (uint8_t)(xcr0 & 7);
}

size_t stop_read_fpu(const struct stop *st, const struct debug_thread *t,
		     void *buf, size_t len)
{
	if (len > st->s.fpu_len)
		len = st->s.fpu_len;
	if (!t->fpu_gpa || gmem_read(st->mem, t->fpu_gpa, buf, len))
		return 0;
	if (st->s.xcr0 && len >= STOP_XSAVE_MIN)
		fill_initial(buf, len, st->s.xcr0);
	return len;
}

int stop_write_fpu(const struct stop *st, const struct debug_thread *t,
		   const void *buf, size_t len)
{
	if (!t->fpu_gpa || len > st->s.fpu_len)
		return -EFAULT;
	return gmem_write(st->mem, t->fpu_gpa, buf, len);
}
