/* sigframe.c: what a signal handler finds on its stack, and the way back
 * (the x86-64 ABI of Linux: struct rt_sigframe, struct ucontext). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/fpu.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/signal_priv.h"

#define RED_ZONE 128

#define UC_FP_XSTATE         1ull
#define UC_SIGCONTEXT_SS     2ull
#define UC_STRICT_RESTORE_SS 4ull

/* In the part of the FXSAVE area that is the software's, and behind the
 * XSAVE area. */
#define FP_MAGIC1    0x46505853u
#define FP_MAGIC2    0x46505845u
#define FP_MAGIC_OFF 464

struct fp_software {
	uint32_t magic1, extended_len;
	uint64_t features;
	uint32_t len;
	uint32_t pad[7];
};

_Static_assert(FP_MAGIC_OFF + sizeof(struct fp_software) == FPU_LEGACY_LEN,
	       "ABI");

struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, vector, oldmask, cr2, fpstate;
	uint64_t reserved[8];
};

struct ucontext {
	uint64_t flags, link;
	struct altstack alt;
	struct sigcontext mc;
	uint64_t mask;
};

struct frame {
	uint64_t restorer;
	struct ucontext uc;
	struct siginfo info;
};

_Static_assert(sizeof(struct sigcontext) == 256, "ABI");
_Static_assert(offsetof(struct frame, info) == 8 + 304, "ABI");

/* AC OF DF TF SF ZF AF PF CF: what a handler may have changed. RF too. */
#define RFLAGS_FREE  0x50dd5ull
#define RFLAGS_CLEAR 0x10500ull /* RF DF TF: not for a handler */

bool altstack_holds(const struct altstack *a, uint64_t sp)
{
	return !(a->flags & SS_AUTODISARM) && sp > a->sp &&
	       sp - a->sp <= a->size;
}

/* Bytes of the saved registers with the second magic. */
static uint64_t fp_len(void)
{
	return fpu_features() ? fpu_len() + sizeof(uint32_t) : fpu_len();
}

static void save_fp(uint8_t *area)
{
	struct fp_software *sw = (void *)(area + FP_MAGIC_OFF);

	if (fpu_features())
		memset(area + FPU_LEGACY_LEN, 0, FPU_HEADER_LEN);
	fpu_save_whole(area);
	memset(sw, 0, sizeof(*sw));
	if (!fpu_features())
		return;
	sw->magic1 = FP_MAGIC1;
	sw->extended_len = (uint32_t)fp_len();
	sw->features = fpu_features();
	sw->len = fpu_len();
	memcpy(area + fpu_len(), &(uint32_t){ FP_MAGIC2 }, sizeof(uint32_t));
}

/* Where the frame goes: below sp or on the alternate stack; 0: nowhere. */
static uint64_t place(const struct sigaction *act, uint64_t sp,
		      const struct altstack *alt, uint64_t *ret_fp)
{
	bool on_alt = altstack_holds(alt, sp), to_alt;

	to_alt = (act->flags & SA_ONSTACK) && alt->size && !on_alt;
	sp = to_alt ? alt->sp + alt->size : sp - RED_ZONE;
	*ret_fp = (sp - fp_len()) & ~(uint64_t)(FPU_ALIGN - 1);
	sp = ((*ret_fp - sizeof(struct frame)) & ~15ull) - 8;
	/* an alternate stack that is full is not left for what lies below */
	if ((on_alt || to_alt) && (sp <= alt->sp || sp - alt->sp > alt->size))
		return 0;
	return sp;
}

bool sigframe_push(struct regs *r, const struct sigaction *act,
		   const struct siginfo *info, sigset mask)
{
	struct thread *t = thread_current();
	struct signals *s = &t->signals;
	uint64_t fp, sp = place(act, r->rsp, &s->alt, &fp);
	struct frame *f = user_ptr(sp);

	if (!(act->flags & SA_RESTORER) || !sp || act->handler >= VM_END ||
	    !vm_user_ok(sp, fp + fp_len() - sp, VM_WRITE))
		return false;
	save_fp(user_ptr(fp));
	*f = (struct frame){
		.restorer = act->restorer,
		.uc = { .flags = (fpu_features() ? UC_FP_XSTATE : 0) |
				 UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
			.alt = s->alt,
			.mc = { r->r8,
				r->r9,
				r->r10,
				r->r11,
				r->r12,
				r->r13,
				r->r14,
				r->r15,
				r->rdi,
				r->rsi,
				r->rbp,
				r->rbx,
				r->rdx,
				r->rax,
				r->rcx,
				r->rsp,
				r->rip,
				r->rflags,
				SEL_USER_CS,
				0,
				0,
				SEL_USER_DS,
				.error = s->fault_error,
				.vector = s->fault_vector,
				.oldmask = mask,
				.cr2 = s->fault_gva,
				.fpstate = fp },
			.mask = mask },
		.info = *info,
	};
	if (s->alt.flags & SS_AUTODISARM)
		s->alt = (struct altstack){ .flags = ALTSTACK_DISABLE };
	fpu_reset();
	r->rdi = (uint64_t)info->signo;
	r->rsi = sp + offsetof(struct frame, info);
	r->rdx = sp + offsetof(struct frame, uc);
	r->rax = 0;
	r->rsp = sp;
	r->rip = act->handler;
	r->rflags &= ~RFLAGS_CLEAR;
	r->vector = VEC_IRQ;
	return true;
}

/* --- the way back ---------------------------------------------------------- */

/* Through the thread's own area: what is checked there stays so. */
static bool load_fp(uint64_t gva)
{
	uint8_t *area = thread_current()->fpu;
	const struct fp_software *sw = (void *)(area + FP_MAGIC_OFF);
	uint64_t features = 3, len = FPU_LEGACY_LEN;
	uint32_t magic2;

	if (!gva) {
		fpu_reset();
		return true;
	}
	if ((gva & (FPU_ALIGN - 1)) || user_read(area, gva, FPU_LEGACY_LEN))
		return false;
	if (fpu_features() && sw->magic1 == FP_MAGIC1 && sw->len <= fpu_len() &&
	    sw->len >= FPU_LEGACY_LEN + FPU_HEADER_LEN &&
	    !user_read(&magic2, gva + sw->len, sizeof(magic2)) &&
	    magic2 == FP_MAGIC2) {
		features = sw->features;
		len = sw->len;
	}
	memset(area + len, 0, FPU_LEN_MAX - len);
	if (len > FPU_LEGACY_LEN) {
		if (user_read(area + FPU_LEGACY_LEN, gva + FPU_LEGACY_LEN,
			      len - FPU_LEGACY_LEN))
			return false;
	} else if (fpu_features()) { /* x87 and SSE, the rest as at the start */
		memcpy(area + FPU_LEGACY_LEN, &features, sizeof(features));
	}
	if (!fpu_check(area, features))
		return false;
	fpu_load(area);
	return true;
}

static bool restore(struct regs *r, uint64_t gva)
{
	struct ucontext uc;
	const struct sigcontext *c = &uc.mc;
	struct altstack *alt = &thread_current()->signals.alt;

	if (user_read(&uc, gva + offsetof(struct frame, uc), sizeof(uc)) ||
	    c->rip >= VM_END || !load_fp(c->fpstate))
		return false;
	signal_set_blocked(uc.mask);
	*r = (struct regs){
		c->r15,
		c->r14,
		c->r13,
		c->r12,
		c->r11,
		c->r10,
		c->r9,
		c->r8,
		c->rbp,
		c->rdi,
		c->rsi,
		c->rdx,
		c->rcx,
		c->rbx,
		c->rax,
		.vector = VEC_IRQ,
		.rip = c->rip,
		.cs = SEL_USER_CS,
		.rflags =
			(c->rflags & RFLAGS_FREE) | (r->rflags & ~RFLAGS_FREE),
		.rsp = c->rsp,
		.ss = SEL_USER_DS,
	};
	/* Linux does not look at the result either */
	return altstack_holds(alt, c->rsp) || altstack_set(alt, &uc.alt) <= 0;
}

int64_t sys_rt_sigreturn(struct regs *r)
{
	const struct siginfo fault = { .signo = LINUX_SIGSEGV,
				       .code = SI_KERNEL };

	if (!restore(r, r->rsp - 8))
		signal_force(&fault);
	r->vector = VEC_IRQ;
	return (int64_t)r->rax;
}
