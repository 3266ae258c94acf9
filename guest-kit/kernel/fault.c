/* fault.c: see fault.h. The backtrace: what lies on the stack and looks like
 * a return address, because the instruction before it is a call. Without
 * frame pointers nobody can say more, and old ones may lie there, too: those
 * that a chain of frame pointers confirms have no question mark. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/fault.h"

#include "drivers/console.h"
#include "fs/fs.h"
#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/elf.h"
#include "kernel/exit.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "kernel/vm.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/signal.h"

#define CODE_BEFORE 16u
#define CODE_LEN    32u
#define STACK_WORDS 1024u /* looked at */
#define FRAMES      24u   /* printed */
#define CALL_MAX    7u    /* bytes of the longest call */
#define PATH_LEN    128u
#define PLACE_LEN   (PATH_LEN + 20)

/* "main+0x12" in the program, "/lib/libc.so.6+0x12" in another file, or "". */
static void place(char *text, uint64_t room, uint64_t gva)
{
	char program[PATH_LEN] = "";
	uint64_t offset = 0;
	const char *symbol;
	struct vm_range v;

	text[0] = 0;
	if (!vm_next(gva, &v) || gva < v.start || !v.name || v.name[0] == '[')
		return;
	(void)fs_program_path(program, sizeof(program));
	symbol = str_equal(v.name, program) ? elf_symbol(gva, &offset) : NULL;
	if (symbol)
		format(text, room, "%s+0x%lx", symbol, offset);
	else
		format(text, room, "%s+0x%lx", v.name,
		       gva - v.start + v.file_off);
}

static void print_mapping(uint64_t gva)
{
	struct vm_range v;
	char text[200];

	if (!vm_next(gva, &v)) {
		format(text, sizeof(text), "address %lx: above all mappings\n",
		       gva);
	} else if (gva < v.start) {
		format(text, sizeof(text),
		       "address %lx: in no mapping, the next one begins at "
		       "%lx\n",
		       gva, v.start);
	} else {
		format(text, sizeof(text),
		       "address %lx: in the mapping %lx-%lx %c%c%c %s\n", gva,
		       v.start, v.end, v.prot & VM_READ ? 'r' : '-',
		       v.prot & VM_WRITE ? 'w' : '-',
		       v.prot & VM_EXEC ? 'x' : '-', v.name ? v.name : "");
	}
	console_print(text);
}

static void print_registers(const struct regs *r)
{
	const struct {
		const char *name;
		uint64_t value;
	} list[] = {
		{ "rip", r->rip }, { "rsp", r->rsp }, { "rflags", r->rflags },
		{ "rax", r->rax }, { "rbx", r->rbx }, { "rcx", r->rcx },
		{ "rdx", r->rdx }, { "rsi", r->rsi }, { "rdi", r->rdi },
		{ "rbp", r->rbp }, { "r8", r->r8 },   { "r9", r->r9 },
		{ "r10", r->r10 }, { "r11", r->r11 }, { "r12", r->r12 },
		{ "r13", r->r13 }, { "r14", r->r14 }, { "r15", r->r15 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(list); i++) {
		char text[40];

		format(text, sizeof(text), "  %-6s %016lx%s", list[i].name,
		       list[i].value, i % 3 == 2 ? "\n" : "");
		console_print(text);
	}
}

/* The byte at rip in brackets. */
static void print_code(uint64_t rip)
{
	uint64_t start = rip - CODE_BEFORE;
	uint8_t byte;
	char text[8];

	console_print("code:");
	for (uint64_t gva = start; gva != start + CODE_LEN; gva++) {
		if (user_read(&byte, gva, 1))
			continue;
		format(text, sizeof(text), gva == rip ? " <%02x>" : " %02x",
		       byte);
		console_print(text);
	}
	console_print("\n");
}

/* --- the backtrace ---------------------------------------------------------- */

/* Length of an indirect call (FF /2) by its second byte and the one behind;
 * 0: not one. Intel SDM 2, tables 2-2 and 2-3. */
static unsigned indirect_call_len(uint8_t modrm, uint8_t sib)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;

	if ((modrm >> 3 & 7) != 2)
		return 0;
	if (mod == 3)
		return 2;
	if (mod == 0)
		return rm == 4 ? ((sib & 7) == 5 ? 7 : 3) : rm == 5 ? 6 : 2;
	return (rm == 4) + (mod == 1 ? 3 : 6);
}

static bool is_return_address(uint64_t gva)
{
	uint8_t code[CALL_MAX + 1] = { 0 };

	if (gva < VM_MIN || gva >= VM_END ||
	    !vm_user_ok(gva - CALL_MAX, CALL_MAX + 1, VM_EXEC) ||
	    user_read(code, gva - CALL_MAX, CALL_MAX))
		return false;
	if (code[CALL_MAX - 5] == 0xe8)
		return true;
	for (unsigned n = 2; n <= CALL_MAX; n++) {
		const uint8_t *p = code + CALL_MAX - n;

		if (p[0] == 0xff && indirect_call_len(p[1], p[2]) == n)
			return true;
	}
	return false;
}

static void print_frame(unsigned n, const char *mark, uint64_t gva)
{
	char text[40], where[PLACE_LEN];

	format(text, sizeof(text), "  #%-2u %s %016lx  ", n, mark, gva);
	place(where, sizeof(where), gva);
	console_print(text);
	console_print(where);
	console_print("\n");
}

static void print_backtrace(const struct regs *r)
{
	uint64_t frame = r->rbp, sp = (r->rsp + 7) & ~7ull, word;
	unsigned n = 1;

	console_print("backtrace (?: found on the stack, may be stale):\n");
	print_frame(0, " ", r->rip);
	for (unsigned i = 0; i < STACK_WORDS && n < FRAMES; i++, sp += 8) {
		bool chained = sp == frame + 8;

		if (user_read(&word, sp, 8))
			break;
		if (!is_return_address(word))
			continue;
		if (chained && user_read(&frame, frame, 8))
			frame = 0;
		print_frame(n++, chained ? " " : "?", word);
	}
}

void fault_die(struct regs *r, unsigned signal, const char *what, uint64_t gva,
	       const struct siginfo *info)
{
	char text[160], where[PLACE_LEN];

	place(where, sizeof(where), r->rip);
	format(text, sizeof(text), "%s: %s at rip %lx%s%s", signal_name(signal),
	       what, r->rip, where[0] ? " in " : "", where);
	console_print("\nmayfly: the program died of ");
	console_print(text);
	console_print("\n");
	if (gva != FAULT_NOWHERE)
		print_mapping(gva);
	print_registers(r);
	print_code(r->rip);
	print_backtrace(r);
	debug_fatal(r, signal, info);
	machine_signal(signal, gva == FAULT_NOWHERE ? 0 : gva, r, text);
}
