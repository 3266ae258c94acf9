/* sys_process.c: identity, limits, thread pointer, randomness, the end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/entropy.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/stack.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

#define PR_SET_NAME 15

int64_t sys_exit(struct regs *r)
{
	machine_exit((unsigned)ARG1(r) & 0xff);
}

int64_t sys_exit_group(struct regs *r)
{
	machine_exit((unsigned)ARG1(r) & 0xff);
}

int64_t sys_getpid(struct regs *r)
{
	(void)r;
	return PROCESS_PID;
}

int64_t sys_gettid(struct regs *r)
{
	(void)r;
	return PROCESS_PID;
}

int64_t sys_getpgrp(struct regs *r)
{
	(void)r;
	return PROCESS_PID;
}

int64_t sys_getppid(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_getuid(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_getgid(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_geteuid(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_getegid(struct regs *r)
{
	(void)r;
	return 0;
}

/* CR4.FSGSBASE, as CPUID says. */
static bool has_fsgsbase(void)
{
	static enum { UNKNOWN, NO, YES } known;

	if (known == UNKNOWN)
		known = cpuid(7, 0).ebx & 1 ? YES : NO;
	return known == YES;
}

int64_t sys_arch_prctl(struct regs *r)
{
	uint64_t value = ARG2(r), *out = user_ptr(value);
	bool fs = ARG1(r) == ARCH_SET_FS || ARG1(r) == ARCH_GET_FS;

	switch ((uint32_t)ARG1(r)) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (value >= VM_END)
			return -LINUX_EPERM;
		if (!has_fsgsbase())
			cpu_wrmsr(fs ? MSR_FS_BASE : MSR_GS_BASE, value);
		else if (fs)
			__asm__ volatile("wrfsbase %0" : : "r"(value));
		else
			__asm__ volatile("wrgsbase %0" : : "r"(value));
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		if (!vm_user_ok(value, 8, VM_WRITE))
			return -LINUX_EFAULT;
		if (!has_fsgsbase())
			*out = cpu_rdmsr(fs ? MSR_FS_BASE : MSR_GS_BASE);
		else if (fs)
			__asm__ volatile("rdfsbase %0" : "=r"(*out));
		else
			__asm__ volatile("rdgsbase %0" : "=r"(*out));
		return 0;
	default:
		return -LINUX_EINVAL;
	}
}

int64_t sys_set_tid_address(struct regs *r)
{
	(void)r;
	return PROCESS_PID;
}

int64_t sys_set_robust_list(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_rseq(struct regs *r)
{
	(void)r;
	return -LINUX_ENOSYS;
}

int64_t sys_sched_yield(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_prctl(struct regs *r)
{
	return (uint32_t)ARG1(r) == PR_SET_NAME ? 0 : -LINUX_EINVAL;
}

int64_t sys_getrandom(struct regs *r)
{
	uint64_t len = min_u64(ARG2(r), 0x1ffffff);

	if (ARG3(r) & ~7ull)
		return -LINUX_EINVAL;
	if (!vm_user_ok(ARG1(r), len, VM_WRITE))
		return -LINUX_EFAULT;
	/* Better no randomness than bad randomness. */
	return entropy_fill(user_ptr(ARG1(r)), len) ? (int64_t)len
						    : -LINUX_ENOSYS;
}

int64_t sys_uname(struct regs *r)
{
	static const char *const fields[6] = {
		"Linux",         PROCESS_HOSTNAME, PROCESS_RELEASE,
		PROCESS_VERSION, "x86_64",         "",
	};
	char *out = user_ptr(ARG1(r));

	if (!vm_user_ok(ARG1(r), sizeof(fields) / sizeof(fields[0]) * 65,
			VM_WRITE))
		return -LINUX_EFAULT;
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++, out += 65) {
		memset(out, 0, 65);
		str_copy(out, fields[i], 65);
	}
	return 0;
}

#define RLIMIT_STACK  3
#define RLIMIT_CORE   4
#define RLIMIT_NPROC  6
#define RLIMIT_NOFILE 7
#define RLIMITS       16

static int64_t get_limit(uint64_t which, uint64_t gva)
{
	uint64_t *out = user_ptr(gva), value;

	if (which >= RLIMITS)
		return -LINUX_EINVAL;
	if (!vm_user_ok(gva, 16, VM_WRITE))
		return -LINUX_EFAULT;
	value = which == RLIMIT_STACK    ? STACK_LEN
		: which == RLIMIT_CORE   ? 0
		: which == RLIMIT_NPROC  ? 1
		: which == RLIMIT_NOFILE ? FD_MAX
					 : UINT64_MAX;
	out[0] = out[1] = value;
	return 0;
}

int64_t sys_getrlimit(struct regs *r)
{
	return get_limit((uint32_t)ARG1(r), ARG2(r));
}

/* Limits can be read; a new one is accepted and changes nothing. */
int64_t sys_prlimit64(struct regs *r)
{
	if ((int32_t)ARG1(r) != 0 && (int32_t)ARG1(r) != PROCESS_PID)
		return -LINUX_ESRCH;
	if (ARG3(r) && !vm_user_ok(ARG3(r), 16, VM_READ))
		return -LINUX_EFAULT;
	return ARG4(r) ? get_limit((uint32_t)ARG2(r), ARG4(r)) : 0;
}

int64_t sys_sched_getaffinity(struct regs *r)
{
	uint64_t *mask = user_ptr(ARG3(r));

	if (ARG2(r) < 8 || (ARG2(r) & 7))
		return -LINUX_EINVAL;
	if (!vm_user_ok(ARG3(r), 8, VM_WRITE))
		return -LINUX_EFAULT;
	*mask = 1;
	return 8;
}

int64_t sys_sched_setaffinity(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_getrusage(struct regs *r)
{
	uint64_t *out = user_ptr(ARG2(r));
	uint64_t ns = clock_now() - clock_slept();

	if (!vm_user_ok(ARG2(r), 144, VM_WRITE))
		return -LINUX_EFAULT;
	memset(out, 0, 144);
	out[0] = ns / NS_PER_SEC;
	out[1] = ns % NS_PER_SEC / 1000;
	out[4] = (page_count_total() - page_count_free()) * 4; /* maxrss */
	return 0;
}

struct linux_sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram;
	uint64_t totalswap, freeswap;
	uint16_t procs, pad[3];
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad2;
};

_Static_assert(sizeof(struct linux_sysinfo) == 112, "ABI");

int64_t sys_sysinfo(struct regs *r)
{
	const struct linux_sysinfo info = {
		.uptime = (int64_t)(clock_now() / NS_PER_SEC),
		.totalram = page_count_total() * PAGE_LEN,
		.freeram = page_count_free() * PAGE_LEN,
		.procs = 1,
		.mem_unit = 1,
	};

	if (!vm_user_ok(ARG1(r), sizeof(info), VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(ARG1(r)), &info, sizeof(info));
	return 0;
}
