/* sys_process.c: the system, limits, randomness. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/entropy.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/stack.h"
#include "kernel/thread.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"

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
		.procs = (uint16_t)thread_count(),
		.mem_unit = 1,
	};

	if (!vm_user_ok(ARG1(r), sizeof(info), VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(ARG1(r)), &info, sizeof(info));
	return 0;
}
