/* debug.h: what the guest kit tells the monitor when the program stops, and
 * what the monitor answers.
 *
 * Asked for by flags of abi/startup.h, the kit fills a struct debug_stop at a
 * stop and writes its gpa to PLATFORM_REG_STOP. The write is over when the program may go on: meanwhile
 * the monitor has written a core or served a debugger, which may have changed
 * memory, registers and the answer's fields. The kit then does the request,
 * if there is one, and writes the register again; else it loads the registers
 * of every listed thread from here, does what `action` says with each, and
 * the signal, if any is left, takes its course.
 * With STARTUP_DEBUG the monitor also interrupts on DEBUG_GSI (edge): the
 * thread that runs, or any if all sleep, is to stop with DEBUG_INTERRUPT.
 *
 * Integers are little-endian. Everything the kit writes is the guest's word:
 * the monitor reads each value once and checks it. Arrays are contiguous in
 * guest-physical memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_DEBUG_H
#define ABI_DEBUG_H

#include <stdint.h>

#define DEBUG_VERSION     1u
#define DEBUG_GSI         4u
#define DEBUG_THREADS_MAX 256u  /* listed; there may be more */
#define DEBUG_AREAS_MAX   4096u /* listed */
#define DEBUG_STRINGS_MAX 65536u

/* reason */
#define DEBUG_START     1u /* before the program's first instruction */
#define DEBUG_BREAK     2u /* int3; rip is behind it */
#define DEBUG_STEPPED   3u /* one instruction is done */
#define DEBUG_INTERRUPT 4u /* as the monitor asked */
#define DEBUG_SIGNAL    5u /* `signal` is about to be delivered */
#define DEBUG_FATAL     6u /* the program is dying of `signal` */

/* As struct user_regs_struct of Linux for x86-64 has them. */
enum debug_reg {
	DEBUG_R15,
	DEBUG_R14,
	DEBUG_R13,
	DEBUG_R12,
	DEBUG_RBP,
	DEBUG_RBX,
	DEBUG_R11,
	DEBUG_R10,
	DEBUG_R9,
	DEBUG_R8,
	DEBUG_RAX,
	DEBUG_RCX,
	DEBUG_RDX,
	DEBUG_RSI,
	DEBUG_RDI,
	DEBUG_ORIG_RAX, /* number of the call the thread is in, or -1 */
	DEBUG_RIP,
	DEBUG_CS,
	DEBUG_RFLAGS,
	DEBUG_RSP,
	DEBUG_SS,
	DEBUG_FS_BASE,
	DEBUG_GS_BASE,
	DEBUG_DS,
	DEBUG_ES,
	DEBUG_FS,
	DEBUG_GS,
	DEBUG_REGS
};

/* action of a thread */
#define DEBUG_RUN  0u
#define DEBUG_STEP 1u /* one instruction, then DEBUG_STEPPED */
#define DEBUG_HOLD 2u /* does not run until the next stop */

struct debug_thread {
	uint32_t tid;
	uint32_t action;  /* written by the monitor */
	uint64_t fpu_gpa; /* its XSAVE area, standard format, or 0 */
	char name[16];    /* NUL-padded */
	uint64_t regs[DEBUG_REGS];
};

/* prot of an area: PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4 */
#define DEBUG_AREA_SHARED  1u
#define DEBUG_AREA_PROGRAM 2u /* of the program's own file */

/* A mapping of the program. A page that is not in the page tables reads as
 * zeros, or, in a mapping of a file, as what DEBUG_POPULATE makes of it. */
struct debug_area {
	uint64_t start, end; /* gva, page-aligned; sorted, disjoint */
	uint64_t file_off;   /* of `start` in the file */
	uint32_t prot, flags;
	uint32_t name_off; /* in the strings; 0: no file */
	uint32_t pad;
};

/* request */
#define DEBUG_NONE     0u
#define DEBUG_POPULATE 1u /* pages of the program's own, in that range */

struct debug_stop {
	uint32_t version; /* DEBUG_VERSION */
	uint32_t len;     /* sizeof(struct debug_stop) */
	uint32_t reason;
	uint32_t signal;    /* of Linux; 0: none. The monitor may change it */
	uint32_t tid;       /* the thread that stopped */
	uint32_t n_threads; /* the one that stopped first */
	uint32_t n_areas;
	uint32_t strings_len; /* file names, NUL-terminated; the first is "" */
	uint32_t fpu_len;     /* of each thread's XSAVE area */
	uint32_t pad32;
	uint64_t threads_gpa, areas_gpa, strings_gpa;
	uint64_t cr3;
	uint64_t xcr0;               /* 0: the areas are FXSAVE's */
	uint64_t auxv_gva, auxv_len; /* in the program's memory */
	uint64_t fault_gva;
	char name[16]; /* of the program, NUL-padded */
	char args[80]; /* its arguments, separated by blanks, NUL-padded */
	uint8_t siginfo[128];
	/* the answer */
	uint32_t request, pad;
	uint64_t request_gva, request_len;
};

_Static_assert(sizeof(struct debug_thread) == 248, "ABI");
_Static_assert(sizeof(struct debug_area) == 40, "ABI");
_Static_assert(sizeof(struct debug_stop) == 352, "ABI");

#endif
