/* sys_thread.c: threads: their making, end and names. Another process is
 * ENOSYS, as on a kernel that has none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/futex.h"
#include "linux/process.h"

#define CLONE_VM             0x00000100u
#define CLONE_FS             0x00000200u
#define CLONE_FILES          0x00000400u
#define CLONE_SIGHAND        0x00000800u
#define CLONE_PIDFD          0x00001000u
#define CLONE_THREAD         0x00010000u
#define CLONE_SETTLS         0x00080000u
#define CLONE_PARENT_SETTID  0x00100000u
#define CLONE_CHILD_CLEARTID 0x00200000u
#define CLONE_CHILD_SETTID   0x01000000u
#define CLONE_NEW_ANY        0x7e020080u /* namespaces */

#define CLONE_OF_THREAD \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define PR_SET_PDEATHSIG    1
#define PR_GET_PDEATHSIG    2
#define PR_GET_DUMPABLE     3
#define PR_SET_DUMPABLE     4
#define PR_GET_KEEPCAPS     7
#define PR_SET_NAME         15
#define PR_GET_NAME         16
#define PR_GET_SECCOMP      21
#define PR_CAPBSET_READ     23
#define PR_SET_TIMERSLACK   29
#define PR_GET_TIMERSLACK   30
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_SET_THP_DISABLE  41
#define PR_GET_THP_DISABLE  42
#define PR_SET_VMA          0x53564d41

#define TIMERSLACK_NS 50000

/* The first 88 bytes of struct clone_args. */
struct clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
	uint64_t stack, stack_len, tls, set_tid, set_tid_n, cgroup;
};

#define CLONE_ARGS_MIN 64 /* the first version: up to tls */

static int exit_status; /* the first thread's */

static int64_t clone(const struct regs *r, const struct clone_args *c)
{
	struct thread *t;
	int tid;

	if ((c->flags & CLONE_THREAD) && !(c->flags & CLONE_SIGHAND))
		return -LINUX_EINVAL;
	if ((c->flags & CLONE_SIGHAND) && !(c->flags & CLONE_VM))
		return -LINUX_EINVAL;
	if ((c->flags & CLONE_OF_THREAD) != CLONE_OF_THREAD ||
	    (c->flags & (CLONE_PIDFD | CLONE_NEW_ANY)))
		return -LINUX_ENOSYS;
	if ((c->flags & CLONE_SETTLS) && c->tls >= VM_END)
		return -LINUX_EPERM;
	if ((c->flags & CLONE_PARENT_SETTID) &&
	    !vm_user_ok(c->parent_tid, sizeof(tid), VM_WRITE))
		return -LINUX_EFAULT;
	if (thread_count() >= THREADS_MAX)
		return -LINUX_EAGAIN;
	t = thread_new(r, c->stack, c->flags & CLONE_SETTLS ? &c->tls : NULL);
	if (!t)
		return -LINUX_EAGAIN;
	tid = t->tid;
	if (c->flags & CLONE_PARENT_SETTID)
		*(int *)user_ptr(c->parent_tid) = tid;
	if ((c->flags & CLONE_CHILD_SETTID) &&
	    vm_user_ok(c->child_tid, sizeof(tid), VM_WRITE))
		*(int *)user_ptr(c->child_tid) = tid;
	if (c->flags & CLONE_CHILD_CLEARTID)
		t->clear_tid = c->child_tid;
	thread_start(t);
	return tid;
}

int64_t sys_clone(struct regs *r)
{
	const struct clone_args c = { .flags = ARG1(r) & ~0xffull,
				      .stack = ARG2(r),
				      .parent_tid = ARG3(r),
				      .child_tid = ARG4(r),
				      .tls = ARG5(r) };

	return clone(r, &c);
}

int64_t sys_clone3(struct regs *r)
{
	struct clone_args c = { 0 };
	uint64_t len = ARG2(r);

	if (len < CLONE_ARGS_MIN)
		return -LINUX_EINVAL;
	if (len > PAGE_LEN)
		return -LINUX_E2BIG;
	if (user_read(&c, ARG1(r), min_u64(len, sizeof(c))))
		return -LINUX_EFAULT;
	if (c.set_tid_n || c.exit_signal || !c.stack != !c.stack_len)
		return c.flags & CLONE_THREAD ? -LINUX_EINVAL : -LINUX_ENOSYS;
	if (c.stack)
		c.stack += c.stack_len;
	return clone(r, &c);
}

int64_t sys_fork(struct regs *r)
{
	(void)r;
	return -LINUX_ENOSYS;
}

int64_t sys_vfork(struct regs *r)
{
	(void)r;
	return -LINUX_ENOSYS;
}

int64_t sys_execve(struct regs *r)
{
	(void)r;
	return -LINUX_ENOSYS;
}

int64_t sys_execveat(struct regs *r)
{
	(void)r;
	return -LINUX_ENOSYS;
}

int64_t sys_wait4(struct regs *r)
{
	(void)r;
	return -LINUX_ECHILD;
}

int64_t sys_waitid(struct regs *r)
{
	(void)r;
	return -LINUX_ECHILD;
}

int64_t sys_exit(struct regs *r)
{
	struct thread *t = thread_current();
	const uint32_t zero = 0;

	if (t->tid == PROCESS_PID)
		exit_status = (int)ARG1(r);
	if (thread_count() == 1)
		machine_exit((unsigned)exit_status & 0xff);
	futex_thread_ends(t);
	if (t->clear_tid && !user_write(t->clear_tid, &zero, sizeof(zero)))
		(void)futex_wake(t->clear_tid, 1);
	signal_thread_ends(t);
	thread_exit();
}

int64_t sys_exit_group(struct regs *r)
{
	machine_exit((unsigned)ARG1(r) & 0xff);
}

int64_t sys_gettid(struct regs *r)
{
	(void)r;
	return thread_current()->tid;
}

int64_t sys_set_tid_address(struct regs *r)
{
	thread_current()->clear_tid = ARG1(r);
	return thread_current()->tid;
}

int64_t sys_set_robust_list(struct regs *r)
{
	if (ARG2(r) != 24) /* struct robust_list_head */
		return -LINUX_EINVAL;
	thread_current()->robust_list = ARG1(r);
	return 0;
}

int64_t sys_get_robust_list(struct regs *r)
{
	const uint64_t len = 24;
	const struct thread *t = (int32_t)ARG1(r)
					 ? thread_find((int32_t)ARG1(r))
					 : thread_current();

	if (!t)
		return -LINUX_ESRCH;
	if (user_write(ARG3(r), &len, sizeof(len)))
		return -LINUX_EFAULT;
	return user_write(ARG2(r), &t->robust_list, sizeof(t->robust_list));
}

/* Libraries do without. */
int64_t sys_rseq(struct regs *r)
{
	(void)r;
	return -LINUX_ENOSYS;
}

int64_t sys_arch_prctl(struct regs *r)
{
	uint64_t value = ARG2(r);

	switch ((uint32_t)ARG1(r)) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (value >= VM_END)
			return -LINUX_EPERM;
		if ((uint32_t)ARG1(r) == ARCH_SET_FS)
			cpu_set_fs(value);
		else
			cpu_set_gs(value);
		return 0;
	case ARCH_GET_FS:
		value = cpu_get_fs();
		return user_write(ARG2(r), &value, sizeof(value));
	case ARCH_GET_GS:
		value = cpu_get_gs();
		return user_write(ARG2(r), &value, sizeof(value));
	default:
		return -LINUX_EINVAL;
	}
}

static int64_t set_name(uint64_t gva)
{
	char name[THREAD_NAME_LEN];

	/* longer ones are cut */
	for (unsigned i = 0; i < sizeof(name); i++) {
		if (user_read(&name[i], gva + i, 1))
			return -LINUX_EFAULT;
		if (!name[i])
			break;
	}
	name[sizeof(name) - 1] = 0;
	str_copy(thread_current()->name, name, sizeof(name));
	return 0;
}

int64_t sys_prctl(struct regs *r)
{
	static int32_t parent_death;
	static bool no_new_privs;

	switch ((uint32_t)ARG1(r)) {
	case PR_SET_NAME:
		return set_name(ARG2(r));
	case PR_GET_NAME:
		return user_write(ARG2(r), thread_current()->name,
				  THREAD_NAME_LEN);
	case PR_SET_PDEATHSIG: /* the parent does not die */
		if (ARG2(r) > LINUX_SIGNALS)
			return -LINUX_EINVAL;
		parent_death = (int32_t)ARG2(r);
		return 0;
	case PR_GET_PDEATHSIG:
		return user_write(ARG2(r), &parent_death, sizeof(parent_death));
	case PR_GET_DUMPABLE:
	case PR_CAPBSET_READ:
		return 1;
	case PR_SET_DUMPABLE:
		return ARG2(r) > 1 ? -LINUX_EINVAL : 0;
	case PR_SET_TIMERSLACK:
	case PR_SET_THP_DISABLE:
		return 0;
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_GET_THP_DISABLE:
		return 0;
	case PR_GET_TIMERSLACK:
		return TIMERSLACK_NS;
	case PR_SET_NO_NEW_PRIVS:
		if (ARG2(r) != 1 || ARG3(r) || ARG4(r) || ARG5(r))
			return -LINUX_EINVAL;
		no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return no_new_privs;
	case PR_SET_VMA: /* as a kernel without CONFIG_ANON_VMA_NAME */
	default:
		return -LINUX_EINVAL;
	}
}
