/* gdb_regs.c: see gdb_regs.h. Intel SDM 1, 10.5.1 (FXSAVE) and 13.4 (XSAVE). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "debug/gdb_regs.h"

#include <stdio.h>
#include <string.h>

#include "debug/stop.h"

#define FX_TAG_OFF    4u
#define XSTATE_BV_OFF 512u
#define YMM_OFF       576u
#define YMM_LEN       256u
#define XCR0_AVX      4ull

enum where {
	IN_REGS, /* at: enum debug_reg */
	IN_FPU,  /* at: offset, `stored` bytes there */
	IN_TAG,  /* the x87 tags, which FXSAVE keeps in short */
};

struct run {
	const char *feature; /* begins one, or NULL */
	const char *name;    /* %u: a number */
	const char *type;
	uint16_t at, step; /* step: to the next of the run */
	uint8_t n, len, stored, where;
	uint8_t component; /* of XSTATE_BV */
};

#define REG(name, at)                                           \
	{                                                       \
		NULL, name, "int64", at, 0, 1, 8, 8, IN_REGS, 0 \
	}
#define SEG(name, at)                                           \
	{                                                       \
		NULL, name, "int32", at, 0, 1, 4, 4, IN_REGS, 0 \
	}
#define X87(name, at, stored)                                       \
	{                                                           \
		NULL, name, "int32", at, 0, 1, 4, stored, IN_FPU, 1 \
	}

static const struct run runs[] = {
	{ "core", "rax", "int64", DEBUG_RAX, 0, 1, 8, 8, IN_REGS, 0 },
	REG("rbx", DEBUG_RBX),
	REG("rcx", DEBUG_RCX),
	REG("rdx", DEBUG_RDX),
	REG("rsi", DEBUG_RSI),
	REG("rdi", DEBUG_RDI),
	{ NULL, "rbp", "data_ptr", DEBUG_RBP, 0, 1, 8, 8, IN_REGS, 0 },
	{ NULL, "rsp", "data_ptr", DEBUG_RSP, 0, 1, 8, 8, IN_REGS, 0 },
	REG("r8", DEBUG_R8),
	REG("r9", DEBUG_R9),
	REG("r10", DEBUG_R10),
	REG("r11", DEBUG_R11),
	REG("r12", DEBUG_R12),
	REG("r13", DEBUG_R13),
	REG("r14", DEBUG_R14),
	REG("r15", DEBUG_R15),
	{ NULL, "rip", "code_ptr", DEBUG_RIP, 0, 1, 8, 8, IN_REGS, 0 },
	{ NULL, "eflags", "i386_eflags", DEBUG_RFLAGS, 0, 1, 4, 4, IN_REGS, 0 },
	SEG("cs", DEBUG_CS),
	SEG("ss", DEBUG_SS),
	SEG("ds", DEBUG_DS),
	SEG("es", DEBUG_ES),
	SEG("fs", DEBUG_FS),
	SEG("gs", DEBUG_GS),
	{ NULL, "st%u", "i387_ext", 32, 16, 8, 10, 10, IN_FPU, 1 },
	X87("fctrl", 0, 2),
	X87("fstat", 2, 2),
	{ NULL, "ftag", "int32", FX_TAG_OFF, 0, 1, 4, 1, IN_TAG, 1 },
	X87("fiseg", 12, 2),
	X87("fioff", 8, 4),
	X87("foseg", 20, 2),
	X87("fooff", 16, 4),
	X87("fop", 6, 2),
	{ "sse", "xmm%u", "vec128", 160, 16, 16, 16, 16, IN_FPU, 2 },
	{ NULL, "mxcsr", "i386_mxcsr", 24, 0, 1, 4, 4, IN_FPU, 2 },
	{ "linux", "orig_rax", "int64", DEBUG_ORIG_RAX, 0, 1, 8, 8, IN_REGS,
	  0 },
	{ "segments", "fs_base", "int64", DEBUG_FS_BASE, 0, 1, 8, 8, IN_REGS,
	  0 },
	REG("gs_base", DEBUG_GS_BASE),
	{ "avx", "ymm%uh", "uint128", YMM_OFF, 16, 16, 16, 16, IN_FPU, 4 },
};

static bool has_avx(const struct stop *s)
{
	return (s->s.xcr0 & XCR0_AVX) && s->s.fpu_len >= YMM_OFF + YMM_LEN;
}

static unsigned runs_count(const struct stop *s)
{
	return ARRAY_SIZE(runs) - (has_avx(s) ? 0 : 1);
}

unsigned gdb_regs_count(const struct stop *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < runs_count(s); i++)
		n += runs[i].n;
	return n;
}

/* The run of register n; *ret_at: its place. */
static const struct run *find(unsigned n, size_t *ret_at)
{
	const struct run *r = runs;

	for (; n >= r->n; r++)
		n -= r->n;
	*ret_at = r->at + (size_t)n * r->step;
	return r;
}

unsigned gdb_reg_len(unsigned n)
{
	size_t at;

	return find(n, &at)->len;
}

/* --- the x87 tag word -------------------------------------------------------
 * Two bits a register: 0 valid, 1 zero, 2 special, 3 empty. FXSAVE keeps one
 * bit, by physical number, and the registers by their place on the stack. */

static unsigned tag_of(const uint8_t *st)
{
	const unsigned exponent = (st[8] | st[9] << 8) & 0x7fff;
	uint64_t mantissa;

	memcpy(&mantissa, st, sizeof(mantissa));
	if (exponent == 0x7fff || (exponent != 0 && !(mantissa >> 63)))
		return 2;
	if (exponent == 0)
		return mantissa ? 2 : 1;
	return 0;
}

static uint32_t tags_expand(const uint8_t *fx)
{
	const unsigned top = (unsigned)(fx[2] | fx[3] << 8) >> 11 & 7;
	uint32_t tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		const unsigned place = (i - top) & 7;
		const unsigned tag = fx[FX_TAG_OFF] & 1u << i
					     ? tag_of(&fx[32 + 16 * place])
					     : 3;

		tags |= tag << 2 * i;
	}
	return tags;
}

static uint8_t tags_shorten(uint32_t tags)
{
	uint8_t bits = 0;

	for (unsigned i = 0; i < 8; i++)
		if ((tags >> 2 * i & 3) != 3)
			bits = (uint8_t)(bits | 1u << i);
	return bits;
}

/* --- reading and writing ---------------------------------------------------- */

bool gdb_reg_read(const struct stop *s, const struct debug_thread *t,
		  unsigned n, uint8_t *ret)
{
	uint8_t area[YMM_OFF + YMM_LEN];
	size_t at;
	const struct run *r = find(n, &at);
	uint32_t tags;

	memset(ret, 0, r->len);
	if (r->where == IN_REGS) {
		memcpy(ret, &t->regs[at], r->stored);
		return true;
	}
	if (stop_read_fpu(s, t, area, sizeof(area)) < at + r->stored)
		return false;
	if (r->where == IN_TAG) {
		tags = tags_expand(area);
		memcpy(ret, &tags, sizeof(tags));
	} else {
		memcpy(ret, area + at, r->stored);
	}
	return true;
}

bool gdb_reg_write(const struct stop *s, struct debug_thread *t, unsigned n,
		   const uint8_t *value)
{
	uint8_t area[YMM_OFF + YMM_LEN];
	size_t at, len;
	const struct run *r = find(n, &at);
	uint32_t tags;

	if (r->where == IN_REGS) {
		memcpy(&t->regs[at], value, r->stored);
		return true;
	}
	len = stop_read_fpu(s, t, area, sizeof(area));
	if (len < at + r->stored)
		return false;
	if (r->where == IN_TAG) {
		memcpy(&tags, value, sizeof(tags));
		area[FX_TAG_OFF] = tags_shorten(tags);
	} else {
		memcpy(area + at, value, r->stored);
	}
	if (len > XSTATE_BV_OFF)
		area[XSTATE_BV_OFF] |= r->component;
	return stop_write_fpu(s, t, area, len) == 0;
}

/* --- the description -------------------------------------------------------- */

static const char head[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
	"<target><architecture>i386:x86-64</architecture>"
	"<osabi>GNU/Linux</osabi>";

static const char flag_types[] =
	"<flags id=\"i386_eflags\" size=\"4\">"
	"<field name=\"CF\" start=\"0\" end=\"0\"/>"
	"<field name=\"PF\" start=\"2\" end=\"2\"/>"
	"<field name=\"AF\" start=\"4\" end=\"4\"/>"
	"<field name=\"ZF\" start=\"6\" end=\"6\"/>"
	"<field name=\"SF\" start=\"7\" end=\"7\"/>"
	"<field name=\"TF\" start=\"8\" end=\"8\"/>"
	"<field name=\"IF\" start=\"9\" end=\"9\"/>"
	"<field name=\"DF\" start=\"10\" end=\"10\"/>"
	"<field name=\"OF\" start=\"11\" end=\"11\"/></flags>";

static const char vector_types[] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
	"<union id=\"vec128\">"
	"<field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/>"
	"<field name=\"v16_int8\" type=\"v16i8\"/>"
	"<field name=\"v8_int16\" type=\"v8i16\"/>"
	"<field name=\"v4_int32\" type=\"v4i32\"/>"
	"<field name=\"v2_int64\" type=\"v2i64\"/>"
	"<field name=\"uint128\" type=\"uint128\"/></union>"
	"<flags id=\"i386_mxcsr\" size=\"4\">"
	"<field name=\"IE\" start=\"0\" end=\"0\"/>"
	"<field name=\"DE\" start=\"1\" end=\"1\"/>"
	"<field name=\"ZE\" start=\"2\" end=\"2\"/>"
	"<field name=\"OE\" start=\"3\" end=\"3\"/>"
	"<field name=\"UE\" start=\"4\" end=\"4\"/>"
	"<field name=\"PE\" start=\"5\" end=\"5\"/></flags>";

void gdb_regs_describe(const struct stop *s,
		       void (*put)(void *ctx, const char *text), void *ctx)
{
	put(ctx, head);
	for (unsigned i = 0; i < runs_count(s); i++) {
		const struct run *r = &runs[i];
		char text[128], name[16];

		if (r->feature) {
			(void)snprintf(text, sizeof(text),
				       "%s<feature name=\"org.gnu.gdb.i386.%s"
				       "\">",
				       i ? "</feature>" : "", r->feature);
			put(ctx, text);
			if (i == 0)
				put(ctx, flag_types);
			else if (strcmp(r->feature, "sse") == 0)
				put(ctx, vector_types);
		}
		for (unsigned k = 0; k < r->n; k++) {
			const char *mark = strchr(r->name, '%');

			if (mark)
				(void)snprintf(name, sizeof(name), "%.*s%u%s",
					       (int)(mark - r->name), r->name,
					       k, mark + 2);
			else
				(void)snprintf(name, sizeof(name), "%s",
					       r->name);
			(void)snprintf(text, sizeof(text),
				       "<reg name=\"%s\" bitsize=\"%u\" "
				       "type=\"%s\"/>",
				       name, r->len * 8u, r->type);
			put(ctx, text);
		}
	}
	put(ctx, "</feature></target>");
}
