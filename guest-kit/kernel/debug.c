/* debug.c: fills what abi/debug.h describes, and does what is answered. The
 * thread that stops does it, in the kernel, where nobody interrupts it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/debug.h"

#include "abi/debug.h"
#include "abi/platform.h"
#include "abi/startup.h"
#include "fs/fs.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/fpu.h"
#include "kernel/irq.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "kernel/vm.h"
#include "kernel/wait.h"
#include "lib/string.h"
#include "linux/signal.h"

#define VEC_DEBUG      1
#define VEC_BREAKPOINT 3

/* Listed at most; a debugger sees no more. */
#define THREADS 128
#define AREAS   2048
#define STRINGS 8192

#define PROGRAM_LEN 256 /* of its path; a longer one is like others */

/* x87, SSE, AVX: what lies behind has no place that is the same on all
 * processors, nor one that debuggers agree about. */
#define FEATURES    7ull
#define FEATURE_AVX 4u
#define AVX_LEN     256u

/* What a program may have in there. */
#define RFLAGS_TF   0x100ull
#define RFLAGS_FREE 0x240dd5ull /* AC ID OF DF TF SF ZF AF PF CF */

bool debug_on;

/* Contiguous, as the monitor reads it. */
struct room {
	struct debug_stop stop;
	struct debug_thread thread[THREADS];
	struct debug_area area[AREAS];
	char strings[STRINGS];
	uint8_t fpu[FPU_LEN_MAX + FPU_ALIGN]; /* fpu_area */
};

static struct room *room;

static void on_interrupt(void);

void debug_init(void)
{
	struct debug_stop *s;
	uint64_t features;
	uint32_t len = FPU_LEGACY_LEN;

	if (!(machine.flags & (STARTUP_CORE | STARTUP_DEBUG)) ||
	    !machine.platform)
		return;
	features = fpu_features() & FEATURES; /* takes some 10 us to ask */
	if (features)
		len += FPU_HEADER_LEN + (features & FEATURE_AVX ? AVX_LEN : 0);
	room = kmem_alloc(sizeof(*room));
	if (!room)
		machine_noexec("out of guest memory for --core or --gdb");
	s = &room->stop;
	s->version = DEBUG_VERSION;
	s->len = sizeof(*s);
	s->threads_gpa = phys_of(room->thread);
	s->areas_gpa = phys_of(room->area);
	s->strings_gpa = phys_of(room->strings);
	s->cr3 = phys_of(kit_pml4);
	s->xcr0 = features;
	s->fpu_len = len;
	debug_on = true;
	if (machine.flags & STARTUP_DEBUG) {
		irq_on(IRQ_DEBUG, on_interrupt);
		irq_route(DEBUG_GSI, IRQ_DEBUG);
	}
}

/* --- telling ------------------------------------------------------------------ */

/* Of the thread whose registers the processor holds. */
static void *fpu_area(void)
{
	return (void *)(((uintptr_t)room->fpu + FPU_ALIGN - 1) &
			~(FPU_ALIGN - 1ull));
}

static bool is_live(const struct thread *t)
{
	return t == thread_current() && t->state != THREAD_DEAD;
}

static void tell_thread(struct debug_thread *d, const struct thread *t,
			const struct regs *r)
{
	const bool live = is_live(t);
	const uint64_t regs[DEBUG_REGS] = {
		[DEBUG_R15] = r->r15,
		[DEBUG_R14] = r->r14,
		[DEBUG_R13] = r->r13,
		[DEBUG_R12] = r->r12,
		[DEBUG_RBP] = r->rbp,
		[DEBUG_RBX] = r->rbx,
		[DEBUG_R11] = r->r11,
		[DEBUG_R10] = r->r10,
		[DEBUG_R9] = r->r9,
		[DEBUG_R8] = r->r8,
		[DEBUG_RAX] = r->rax,
		[DEBUG_RCX] = r->rcx,
		[DEBUG_RDX] = r->rdx,
		[DEBUG_RSI] = r->rsi,
		[DEBUG_RDI] = r->rdi,
		[DEBUG_ORIG_RAX] = r->vector == VEC_SYSCALL ? r->error : ~0ull,
		[DEBUG_RIP] = r->rip,
		[DEBUG_CS] = r->cs,
		[DEBUG_RFLAGS] = r->rflags & ~RFLAGS_TF,
		[DEBUG_RSP] = r->rsp,
		[DEBUG_SS] = r->ss,
		[DEBUG_FS_BASE] = live ? cpu_get_fs() : t->fs_base,
		[DEBUG_GS_BASE] = live ? cpu_get_gs() : t->gs_base,
	};

	d->tid = (uint32_t)t->tid;
	d->action = DEBUG_RUN;
	d->fpu_gpa = phys_of(live ? fpu_area() : t->fpu);
	str_copy(d->name, t->name, sizeof(d->name));
	memcpy(d->regs, regs, sizeof(regs));
}

/* t first. */
static void tell_threads(const struct thread *t, const struct regs *r)
{
	unsigned n = 0;

	memset(fpu_area(), 0, FPU_LEGACY_LEN + FPU_HEADER_LEN);
	fpu_save_whole(fpu_area());
	tell_thread(&room->thread[n++], t, r);
	for (const struct thread *o = thread_first(); o && n < THREADS;
	     o = o->next)
		if (o != t)
			tell_thread(&room->thread[n++], o, o->regs);
	room->stop.n_threads = n;
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

static uint32_t flags_of(const struct vm_range *v, const char *program)
{
	return (v->flags & VM_SHARED ? DEBUG_AREA_SHARED : 0) |
	       (v->name && str_equal(v->name, program) ? DEBUG_AREA_PROGRAM
						       : 0);
}

static void tell_areas(void)
{
	char program[PROGRAM_LEN] = "";
	struct vm_range v = { 0 };
	uint32_t n = 0;

	(void)fs_program_path(program, sizeof(program));
	room->strings[0] = 0;
	room->stop.strings_len = 1;
	for (; n < AREAS && vm_next(v.end, &v); n++)
		room->area[n] = (struct debug_area){
			.start = v.start,
			.end = v.end,
			.prot = v.prot,
			.flags = flags_of(&v, program),
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

static void take_thread(const struct debug_thread *d, struct thread *t,
			struct regs *r)
{
	const uint64_t *v = d->regs;
	const bool was_held = t->held;

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
	t->stepping = d->action == DEBUG_STEP;
	if (t->stepping)
		r->rflags |= RFLAGS_TF;
	t->held = d->action == DEBUG_HOLD;
	if (was_held && !t->held)
		thread_wake(t);
	if (is_live(t)) {
		cpu_set_fs(v[DEBUG_FS_BASE]);
		cpu_set_gs(v[DEBUG_GS_BASE]);
	} else {
		t->fs_base = v[DEBUG_FS_BASE];
		t->gs_base = v[DEBUG_GS_BASE];
	}
}

static void take_threads(struct thread *t, struct regs *r)
{
	fpu_load(fpu_area());
	take_thread(&room->thread[0], t, r);
	for (unsigned i = 1; i < room->stop.n_threads; i++) {
		struct thread *o = thread_find((int)room->thread[i].tid);

		if (o)
			take_thread(&room->thread[i], o, o->regs);
	}
}

/* Pages the debugger may write to, also where the program may not: of a file
 * they become the mapping's own. */
static void populate(uint64_t gva, uint64_t len)
{
	struct vm_area area;
	uint64_t end = page_up(gva + len);

	for (gva = page_down(gva); gva < end; gva += PAGE_LEN) {
		if (!vm_area_at(gva, &area))
			return;
		if (area.prot & VM_WRITE || area.flags & VM_SHARED) {
			(void)vm_populate(gva, PAGE_LEN, area.prot & VM_WRITE);
			continue;
		}
		if (vm_protect(gva, PAGE_LEN, area.prot | VM_WRITE))
			return;
		(void)vm_populate(gva, PAGE_LEN, true);
		if (vm_protect(gva, PAGE_LEN, area.prot))
			return;
	}
}

static void do_request(struct debug_stop *s)
{
	if (s->request == DEBUG_POPULATE && s->request_gva < VM_END &&
	    s->request_len <= VM_END - s->request_gva)
		populate(s->request_gva, s->request_len);
	s->request = DEBUG_NONE;
}

/* Ends when the program may go on: what is left of the signal. r: t's
 * registers. */
static unsigned stop(struct thread *t, struct regs *r, unsigned reason,
		     unsigned signal, const struct siginfo *info)
{
	struct debug_stop *s = &room->stop;

	s->reason = reason;
	s->signal = signal;
	s->tid = (uint32_t)t->tid;
	memset(s->siginfo, 0, sizeof(s->siginfo));
	if (info)
		memcpy(s->siginfo, info, sizeof(s->siginfo));
	tell_threads(t, r);
	do {
		do_request(s);
		tell_areas(); /* a request may divide one */
		compiler_barrier();
		*(volatile uint64_t *)phys_ptr(machine.platform +
					       PLATFORM_REG_STOP) = phys_of(s);
		compiler_barrier();
	} while (s->request != DEBUG_NONE);
	take_threads(t, r);
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
		(void)stop(thread_current(), r, DEBUG_START, 0, NULL);
}

static bool debugging(void)
{
	return debug_on && (machine.flags & STARTUP_DEBUG);
}

/* The monitor's, which comes on the way back to the program or while all
 * sleep: then the thread that ran last stands for the program, if it still
 * lives. */
static void on_interrupt(void)
{
	struct thread *t = thread_current();

	if (t->state == THREAD_DEAD)
		t = thread_first();
	if (t)
		(void)stop(t, t->regs, DEBUG_INTERRUPT, 0, NULL);
}

bool debug_trap(struct regs *r)
{
	struct thread *t = thread_current();

	if (!debugging() || r != t->regs)
		return false;
	if (r->vector == VEC_DEBUG) {
		if (t->stepping)
			(void)stop(t, r, DEBUG_STEPPED, 0, NULL);
		else /* made by one that was to make a step */
			r->rflags &= ~RFLAGS_TF;
		return true;
	}
	if (r->vector != VEC_BREAKPOINT)
		return false;
	return !stop(t, r, DEBUG_BREAK, LINUX_SIGTRAP, NULL);
}

unsigned debug_signal(struct regs *r, unsigned signal,
		      const struct siginfo *info)
{
	return debugging()
		       ? stop(thread_current(), r, DEBUG_SIGNAL, signal, info)
		       : signal;
}

/* What a file holds belongs to the core as much as what was changed. */
static void populate_files(void)
{
	struct vm_range v = { 0 };

	while (vm_next(v.end, &v))
		if (v.name && v.name[0] != '[')
			(void)vm_populate(v.start, v.end - v.start, false);
}

void debug_fatal(struct regs *r, unsigned signal, const struct siginfo *info)
{
	if (!debug_on)
		return;
	if (machine.flags & STARTUP_CORE)
		populate_files();
	(void)stop(thread_current(), r, DEBUG_FATAL, signal, info);
}

void debug_exit_work(struct regs *r)
{
	struct thread *t = thread_current();

	if (!debugging())
		return;
	if (r->vector == VEC_SYSCALL && t->stepping)
		(void)stop(t, r, DEBUG_STEPPED, 0, NULL);
	while (t->held)
		(void)thread_sleep_deaf(WAIT_FOREVER);
}
