/* debug.c: fills what abi/debug.h describes, and does what is answered. The
 * thread that stops does it, in the kernel, where nobody interrupts it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/debug.h"

#include "abi/debug.h"
#include "abi/platform.h"
#include "abi/startup.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/irq.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/signal.h"

#define VEC_DEBUG      1
#define VEC_BREAKPOINT 3
#define VEC_SYSCALL    256 /* entry.S */

/* Listed at most; a debugger sees no more. */
#define THREADS 128
#define AREAS   2048
#define STRINGS 8192

/* x87, SSE, AVX: what lies behind has no place that is the same on all
 * processors, nor one that debuggers agree about. */
#define XCR0_KEPT       7ull
#define XCR0_AVX        4u
#define CPUID_1_OSXSAVE (1u << 27)

/* What a program may have in there. */
#define RFLAGS_TF   0x100ull
#define RFLAGS_FREE 0x240dd5ull /* AC ID OF DF TF SF ZF AF PF CF */

#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

static uint64_t get_fs(void)
{
	return cpu_rdmsr(MSR_FS_BASE);
}

static uint64_t get_gs(void)
{
	return cpu_rdmsr(MSR_GS_BASE);
}

static void set_fs(uint64_t base)
{
	cpu_wrmsr(MSR_FS_BASE, base);
}

static void set_gs(uint64_t base)
{
	cpu_wrmsr(MSR_GS_BASE, base);
}

bool debug_on;

/* Contiguous, as the monitor reads it. */
struct room {
	struct debug_stop stop;
	struct debug_thread thread[THREADS];
	struct debug_area area[AREAS];
	char strings[STRINGS];
	uint8_t fpu[] __attribute__((aligned(64)));
};

static struct room *room;
static volatile bool wanted; /* a stop, by the monitor */
static bool stepping;        /* the thread makes one step */

static void on_interrupt(void)
{
	wanted = true;
}

void debug_init(void)
{
	struct debug_stop *s;
	uint64_t xcr0 = 0;
	uint32_t low, high, fpu_len = 512;

	if (!(machine.flags & (STARTUP_CORE | STARTUP_DEBUG)) ||
	    !machine.platform)
		return;
	if (machine.features_ecx & CPUID_1_OSXSAVE) {
		__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		xcr0 = low & XCR0_KEPT;
		fpu_len = xcr0 & XCR0_AVX ? 832 : 576;
	}
	room = kmem_alloc(sizeof(*room) + fpu_len + 64);
	if (!room)
		machine_noexec("out of guest memory for --core or --gdb");
	s = &room->stop;
	s->version = DEBUG_VERSION;
	s->len = sizeof(*s);
	s->threads_gpa = phys_of(room->thread);
	s->areas_gpa = phys_of(room->area);
	s->strings_gpa = phys_of(room->strings);
	s->cr3 = phys_of(kit_pml4);
	s->xcr0 = xcr0;
	s->fpu_len = fpu_len;
	debug_on = true;
	if (machine.flags & STARTUP_DEBUG) {
		irq_on(IRQ_DEBUG, on_interrupt);
		irq_route(DEBUG_GSI, IRQ_DEBUG);
	}
}

/* --- telling ------------------------------------------------------------------ */

static void *fpu_area(void)
{
	return (void *)(((uintptr_t)room->fpu + 63) & ~63ull);
}

static void save_fpu(void)
{
	uint32_t *area = fpu_area();

	if (room->stop.xcr0) {
		memset((uint8_t *)area + 512, 0, 64);
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(room->stop.xcr0), "d"(0)
				 : "memory");
	} else {
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
	}
}

static void load_fpu(void)
{
	const uint32_t *area = fpu_area();

	if (room->stop.xcr0)
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(area), "a"(room->stop.xcr0), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

static void tell_thread(struct debug_thread *d, const struct thread *t,
			const struct regs *r, bool current)
{
	const uint64_t regs[DEBUG_REGS] = {
		r->r15,
		r->r14,
		r->r13,
		r->r12,
		r->rbp,
		r->rbx,
		r->r11,
		r->r10,
		r->r9,
		r->r8,
		r->rax,
		r->rcx,
		r->rdx,
		r->rsi,
		r->rdi,
		!current && r->vector == VEC_SYSCALL ? r->rax : ~0ull,
		r->rip,
		r->cs,
		r->rflags & ~RFLAGS_TF,
		r->rsp,
		r->ss,
		get_fs(),
		get_gs(),
	};

	d->tid = (uint32_t)t->tid;
	d->action = DEBUG_RUN;
	d->fpu_gpa = current ? phys_of(fpu_area()) : 0;
	str_copy(d->name, room->stop.name, sizeof(d->name));
	memcpy(d->regs, regs, sizeof(regs));
}

/* A file's name among the strings; 0: none, or no room. */
static uint32_t add_string(const char *name)
{
	uint32_t at = room->stop.strings_len, last = 0;
	uint64_t len = name ? strlen(name) + 1 : 0;

	/* neighbours are of one file */
	for (uint32_t i = 1; i < at;
	     i += (uint32_t)strlen(room->strings + i) + 1)
		last = i;
	if (last && len && str_equal(room->strings + last, name))
		return last;
	if (len < 2 || len > STRINGS - at)
		return 0;
	memcpy(room->strings + at, name, len);
	room->stop.strings_len += (uint32_t)len;
	return at;
}

static void tell_areas(void)
{
	struct vm_range v = { 0 };
	uint32_t n = 0;

	room->strings[0] = 0;
	room->stop.strings_len = 1;
	for (; n < AREAS && vm_next(v.end, &v); n++)
		room->area[n] = (struct debug_area){
			.start = v.start,
			.end = v.end,
			.prot = v.prot,
			.name_off = add_string(v.name),
			.file_off = v.file_off,
		};
	room->stop.n_areas = n;
}

/* The arguments in one line, and the program's name without its folders. */
static void tell_program(void)
{
	struct debug_stop *s = &room->stop;
	const char *arg = machine.strings, *name = arg;
	uint64_t at = 0;

	for (const char *p = arg; *p; p++)
		if (*p == '/')
			name = p + 1;
	str_copy(s->name, name, sizeof(s->name));
	for (unsigned i = 0; i < machine.argc && at + 1 < sizeof(s->args);
	     i++, arg += strlen(arg) + 1) {
		if (i)
			s->args[at++] = ' ';
		str_copy(s->args + at, arg, sizeof(s->args) - at);
		at += strlen(s->args + at);
	}
}

/* --- what is answered ------------------------------------------------------------ */

static void take_thread(const struct debug_thread *d, struct regs *r)
{
	const uint64_t *v = d->regs;

	r->r15 = v[DEBUG_R15];
	r->r14 = v[DEBUG_R14];
	r->r13 = v[DEBUG_R13];
	r->r12 = v[DEBUG_R12];
	r->rbp = v[DEBUG_RBP];
	r->rbx = v[DEBUG_RBX];
	r->r11 = v[DEBUG_R11];
	r->r10 = v[DEBUG_R10];
	r->r9 = v[DEBUG_R9];
	r->r8 = v[DEBUG_R8];
	r->rax = v[DEBUG_RAX];
	r->rcx = v[DEBUG_RCX];
	r->rdx = v[DEBUG_RDX];
	r->rsi = v[DEBUG_RSI];
	r->rdi = v[DEBUG_RDI];
	r->rip = v[DEBUG_RIP];
	r->rsp = v[DEBUG_RSP];
	r->rflags = (v[DEBUG_RFLAGS] & RFLAGS_FREE & ~RFLAGS_TF) | RFLAGS_RING3;
	stepping = d->action == DEBUG_STEP;
	if (stepping)
		r->rflags |= RFLAGS_TF;
}

static void do_request(struct debug_stop *s)
{
	uint64_t start = page_down(s->request_gva);
	uint64_t len = s->request_len;

	if (s->request == DEBUG_POPULATE && s->request_gva < VM_END &&
	    len <= VM_END - s->request_gva) {
		len = page_up(s->request_gva + len) - start;
		/* What may be written is the program's own before it is. */
		if (vm_populate(start, len, true))
			(void)vm_populate(start, len, false);
	}
	s->request = DEBUG_NONE;
}

/* Ends when the program may go on: what is left of the signal. */
static unsigned stop(struct regs *r, unsigned reason, unsigned signal,
		     const struct siginfo *info)
{
	struct debug_stop *s = &room->stop;
	const struct thread *t = thread_current();

	s->reason = reason;
	s->signal = signal;
	s->tid = (uint32_t)t->tid;
	memset(s->siginfo, 0, sizeof(s->siginfo));
	if (info)
		memcpy(s->siginfo, info, sizeof(s->siginfo));
	else
		memcpy(s->siginfo, &signal, sizeof(signal));
	save_fpu();
	s->n_threads = 1;
	tell_thread(&room->thread[0], t, r, true);
	tell_areas();
	do {
		do_request(s);
		compiler_barrier();
		*(volatile uint64_t *)phys_ptr(machine.platform +
					       PLATFORM_REG_STOP) = phys_of(s);
		compiler_barrier();
	} while (s->request != DEBUG_NONE);
	load_fpu();
	if (room->thread[0].regs[DEBUG_FS_BASE] != get_fs())
		set_fs(room->thread[0].regs[DEBUG_FS_BASE]);
	if (room->thread[0].regs[DEBUG_GS_BASE] != get_gs())
		set_gs(room->thread[0].regs[DEBUG_GS_BASE]);
	take_thread(&room->thread[0], r);
	return s->signal <= LINUX_SIGNALS ? s->signal : 0;
}

/* --- the ways in ---------------------------------------------------------------- */

/* Behind the arguments and the environment on the first stack. */
static void find_auxv(uint64_t rsp)
{
	uint64_t gva = rsp + 8 * (machine.argc + machine.envc + 3ull);
	const uint64_t *entry = user_ptr(gva);
	uint64_t n = 0;

	while (n < 62 && entry[n])
		n += 2;
	room->stop.auxv_gva = gva;
	room->stop.auxv_len = (n + 2) * 8;
}

void debug_start(struct regs *r)
{
	if (!debug_on)
		return;
	find_auxv(r->rsp);
	tell_program();
	if (machine.flags & STARTUP_WAIT)
		(void)stop(r, DEBUG_START, 0, NULL);
}

static bool debugging(void)
{
	return debug_on && (machine.flags & STARTUP_DEBUG);
}

bool debug_trap(struct regs *r)
{
	if (!debugging())
		return false;
	if (r->vector == VEC_DEBUG && stepping) {
		(void)stop(r, DEBUG_STEPPED, 0, NULL);
		return true;
	}
	if (r->vector != VEC_BREAKPOINT || r->rip >= KIT_PHYS_BASE)
		return false;
	return !stop(r, DEBUG_BREAK, LINUX_SIGTRAP, NULL);
}

unsigned debug_signal(struct regs *r, unsigned signal,
		      const struct siginfo *info)
{
	return debugging() ? stop(r, DEBUG_SIGNAL, signal, info) : signal;
}

void debug_fatal(struct regs *r, unsigned signal, const struct siginfo *info)
{
	if (debug_on)
		(void)stop(r, DEBUG_FATAL, signal, info);
}

void debug_exit_work(struct regs *r)
{
	if (!debugging())
		return;
	if (r->vector == VEC_SYSCALL && stepping)
		(void)stop(r, DEBUG_STEPPED, 0, NULL);
	if (wanted) {
		wanted = false;
		(void)stop(r, DEBUG_INTERRUPT, 0, NULL);
	}
}
