/* calls.h: every system call the kit has, by number. A call gets the
 * program's registers and returns a value or a negative errno. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_CALLS_H
#define LINUX_CALLS_H

#include "kernel/cpu.h"
#include "kernel/types.h"

typedef int64_t syscall_fn(struct regs *r);

/* Arguments, as the Linux ABI passes them. */
#define ARG1(r) ((r)->rdi)
#define ARG2(r) ((r)->rsi)
#define ARG3(r) ((r)->rdx)
#define ARG4(r) ((r)->r10)
#define ARG5(r) ((r)->r8)
#define ARG6(r) ((r)->r9)

/* Number, name. The one list: the table and the declarations come from it. */
#define SYSCALLS(X)                    \
	X(0, read)                     \
	X(1, write)                    \
	X(2, open)                     \
	X(3, close)                    \
	X(4, stat)                     \
	X(5, fstat)                    \
	X(6, lstat)                    \
	X(7, poll)                     \
	X(8, lseek)                    \
	X(9, mmap)                     \
	X(10, mprotect)                \
	X(11, munmap)                  \
	X(12, brk)                     \
	X(13, rt_sigaction)            \
	X(14, rt_sigprocmask)          \
	X(15, rt_sigreturn)            \
	X(16, ioctl)                   \
	X(17, pread64)                 \
	X(18, pwrite64)                \
	X(19, readv)                   \
	X(20, writev)                  \
	X(21, access)                  \
	X(23, select)                  \
	X(24, sched_yield)             \
	X(25, mremap)                  \
	X(26, msync)                   \
	X(27, mincore)                 \
	X(28, madvise)                 \
	X(32, dup)                     \
	X(33, dup2)                    \
	X(34, pause)                   \
	X(35, nanosleep)               \
	X(36, getitimer)               \
	X(37, alarm)                   \
	X(38, setitimer)               \
	X(39, getpid)                  \
	X(41, socket)                  \
	X(42, connect)                 \
	X(43, accept)                  \
	X(44, sendto)                  \
	X(45, recvfrom)                \
	X(46, sendmsg)                 \
	X(47, recvmsg)                 \
	X(48, shutdown)                \
	X(49, bind)                    \
	X(50, listen)                  \
	X(51, getsockname)             \
	X(52, getpeername)             \
	X(53, socketpair)              \
	X(54, setsockopt)              \
	X(55, getsockopt)              \
	X(56, clone)                   \
	X(57, fork)                    \
	X(58, vfork)                   \
	X(59, execve)                  \
	X(60, exit)                    \
	X(61, wait4)                   \
	X(62, kill)                    \
	X(63, uname)                   \
	X(72, fcntl)                   \
	X(79, getcwd)                  \
	X(89, readlink)                \
	X(95, umask)                   \
	X(96, gettimeofday)            \
	X(97, getrlimit)               \
	X(98, getrusage)               \
	X(99, sysinfo)                 \
	X(100, times)                  \
	X(102, getuid)                 \
	X(104, getgid)                 \
	X(107, geteuid)                \
	X(108, getegid)                \
	X(110, getppid)                \
	X(111, getpgrp)                \
	X(127, rt_sigpending)          \
	X(128, rt_sigtimedwait)        \
	X(129, rt_sigqueueinfo)        \
	X(130, rt_sigsuspend)          \
	X(131, sigaltstack)            \
	X(140, getpriority)            \
	X(141, setpriority)            \
	X(142, sched_setparam)         \
	X(143, sched_getparam)         \
	X(144, sched_setscheduler)     \
	X(145, sched_getscheduler)     \
	X(146, sched_get_priority_max) \
	X(147, sched_get_priority_min) \
	X(148, sched_rr_get_interval)  \
	X(149, mlock)                  \
	X(150, munlock)                \
	X(151, mlockall)               \
	X(152, munlockall)             \
	X(157, prctl)                  \
	X(158, arch_prctl)             \
	X(186, gettid)                 \
	X(200, tkill)                  \
	X(201, time)                   \
	X(202, futex)                  \
	X(203, sched_setaffinity)      \
	X(204, sched_getaffinity)      \
	X(213, epoll_create)           \
	X(218, set_tid_address)        \
	X(222, timer_create)           \
	X(223, timer_settime)          \
	X(224, timer_gettime)          \
	X(225, timer_getoverrun)       \
	X(226, timer_delete)           \
	X(227, clock_settime)          \
	X(228, clock_gettime)          \
	X(229, clock_getres)           \
	X(230, clock_nanosleep)        \
	X(231, exit_group)             \
	X(232, epoll_wait)             \
	X(233, epoll_ctl)              \
	X(234, tgkill)                 \
	X(247, waitid)                 \
	X(257, openat)                 \
	X(262, newfstatat)             \
	X(267, readlinkat)             \
	X(269, faccessat)              \
	X(270, pselect6)               \
	X(271, ppoll)                  \
	X(273, set_robust_list)        \
	X(274, get_robust_list)        \
	X(281, epoll_pwait)            \
	X(282, signalfd)               \
	X(283, timerfd_create)         \
	X(284, eventfd)                \
	X(286, timerfd_settime)        \
	X(287, timerfd_gettime)        \
	X(288, accept4)                \
	X(289, signalfd4)              \
	X(290, eventfd2)               \
	X(291, epoll_create1)          \
	X(292, dup3)                   \
	X(297, rt_tgsigqueueinfo)      \
	X(299, recvmmsg)               \
	X(302, prlimit64)              \
	X(307, sendmmsg)               \
	X(309, getcpu)                 \
	X(318, getrandom)              \
	X(322, execveat)               \
	X(324, membarrier)             \
	X(325, mlock2)                 \
	X(334, rseq)                   \
	X(435, clone3)                 \
	X(439, faccessat2)             \
	X(441, epoll_pwait2)

#define SYSCALL_DECLARE(number, name) syscall_fn sys_##name;
SYSCALLS(SYSCALL_DECLARE)
#undef SYSCALL_DECLARE

#endif
