/* strace_calls.h: how the arguments of each call are written. One letter an
 * argument, in order; what comes behind '=' is the result.
 *
 *   d int   u unsigned   l long   x hexadecimal   p pointer   o octal
 *   f descriptor   D descriptor of a directory   s string
 *   b buffer, its length follows   B the same, filled by the call
 *   v iovec, its count follows     V the same, filled by the call
 *   a address of a socket, its length follows   A the same, filled
 *   t timespec   T the same, filled by the call   z stat, filled
 *   2 two ints, filled   q pollfd, its count follows   Q epoll_events, filled
 *   e epoll_event   m set of signals   g sigaction   G the same, filled
 *   upper part below: names of values
 *   O open flags   P protection   M mmap flags   S signal   W whence
 *   F futex   C clock   H how (signals)   Y domain   I socket type
 *   N at flags   E epoll operation   K madvise   Z fcntl   J ioctl   ! prctl
 *   results: p pointer, ? none
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_STRACE_CALLS_H
#define LINUX_STRACE_CALLS_H

#define STRACE_CALLS(X)                   \
	X(0, read, "fBu")                 \
	X(1, write, "fbu")                \
	X(2, open, "sOo")                 \
	X(3, close, "f")                  \
	X(4, stat, "sz")                  \
	X(5, fstat, "fz")                 \
	X(6, lstat, "sz")                 \
	X(7, poll, "qud")                 \
	X(8, lseek, "flW")                \
	X(9, mmap, "puPMfx=p")            \
	X(10, mprotect, "puP")            \
	X(11, munmap, "pu")               \
	X(12, brk, "p=p")                 \
	X(13, rt_sigaction, "SgGu")       \
	X(14, rt_sigprocmask, "Hmpu")     \
	X(15, rt_sigreturn, "=?")         \
	X(16, ioctl, "fJp")               \
	X(17, pread64, "fBul")            \
	X(18, pwrite64, "fbul")           \
	X(19, readv, "fVu")               \
	X(20, writev, "fvu")              \
	X(21, access, "sd")               \
	X(22, pipe, "2")                  \
	X(23, select, "dpppp")            \
	X(24, sched_yield, "")            \
	X(25, mremap, "puuxp=p")          \
	X(26, msync, "pux")               \
	X(27, mincore, "pup")             \
	X(28, madvise, "puK")             \
	X(32, dup, "f")                   \
	X(33, dup2, "ff")                 \
	X(34, pause, "")                  \
	X(35, nanosleep, "tp")            \
	X(36, getitimer, "dp")            \
	X(37, alarm, "u")                 \
	X(38, setitimer, "dpp")           \
	X(39, getpid, "")                 \
	X(40, sendfile, "ffpu")           \
	X(41, socket, "YId")              \
	X(42, connect, "fau")             \
	X(43, accept, "fAp")              \
	X(44, sendto, "fbuxau")           \
	X(45, recvfrom, "fBuxAp")         \
	X(46, sendmsg, "fpx")             \
	X(47, recvmsg, "fpx")             \
	X(48, shutdown, "fd")             \
	X(49, bind, "fau")                \
	X(50, listen, "fd")               \
	X(51, getsockname, "fAp")         \
	X(52, getpeername, "fAp")         \
	X(53, socketpair, "YId2")         \
	X(54, setsockopt, "fddpu")        \
	X(55, getsockopt, "fddpp")        \
	X(56, clone, "xpppp")             \
	X(57, fork, "")                   \
	X(58, vfork, "")                  \
	X(59, execve, "spp")              \
	X(60, exit, "d=?")                \
	X(61, wait4, "dpxp")              \
	X(62, kill, "dS")                 \
	X(63, uname, "p")                 \
	X(72, fcntl, "fZx")               \
	X(73, flock, "fd")                \
	X(74, fsync, "f")                 \
	X(75, fdatasync, "f")             \
	X(76, truncate, "sl")             \
	X(77, ftruncate, "fl")            \
	X(78, getdents, "fpu")            \
	X(79, getcwd, "pu")               \
	X(80, chdir, "s")                 \
	X(81, fchdir, "f")                \
	X(82, rename, "ss")               \
	X(83, mkdir, "so")                \
	X(84, rmdir, "s")                 \
	X(85, creat, "so")                \
	X(86, link, "ss")                 \
	X(87, unlink, "s")                \
	X(88, symlink, "ss")              \
	X(89, readlink, "sBu")            \
	X(90, chmod, "so")                \
	X(91, fchmod, "fo")               \
	X(92, chown, "sdd")               \
	X(93, fchown, "fdd")              \
	X(95, umask, "o")                 \
	X(96, gettimeofday, "pp")         \
	X(97, getrlimit, "dp")            \
	X(98, getrusage, "dp")            \
	X(99, sysinfo, "p")               \
	X(100, times, "p")                \
	X(102, getuid, "")                \
	X(104, getgid, "")                \
	X(105, setuid, "u")               \
	X(106, setgid, "u")               \
	X(107, geteuid, "")               \
	X(108, getegid, "")               \
	X(109, setpgid, "dd")             \
	X(110, getppid, "")               \
	X(111, getpgrp, "")               \
	X(112, setsid, "")                \
	X(115, getgroups, "dp")           \
	X(118, getresuid, "ppp")          \
	X(120, getresgid, "ppp")          \
	X(121, getpgid, "d")              \
	X(124, getsid, "d")               \
	X(127, rt_sigpending, "pu")       \
	X(128, rt_sigtimedwait, "mptu")   \
	X(129, rt_sigqueueinfo, "dSp")    \
	X(130, rt_sigsuspend, "mu")       \
	X(131, sigaltstack, "pp")         \
	X(137, statfs, "sp")              \
	X(138, fstatfs, "fp")             \
	X(140, getpriority, "dd")         \
	X(157, prctl, "!xxxx")            \
	X(158, arch_prctl, "xp")          \
	X(160, setrlimit, "dp")           \
	X(162, sync, "")                  \
	X(186, gettid, "")                \
	X(191, getxattr, "sspu")          \
	X(200, tkill, "dS")               \
	X(201, time, "p")                 \
	X(202, futex, "pFdppd")           \
	X(203, sched_setaffinity, "dup")  \
	X(204, sched_getaffinity, "dup")  \
	X(213, epoll_create, "d")         \
	X(217, getdents64, "fpu")         \
	X(218, set_tid_address, "p")      \
	X(221, fadvise64, "flld")         \
	X(222, timer_create, "Cpp")       \
	X(223, timer_settime, "dxpp")     \
	X(224, timer_gettime, "dp")       \
	X(226, timer_delete, "d")         \
	X(228, clock_gettime, "CT")       \
	X(229, clock_getres, "CT")        \
	X(230, clock_nanosleep, "Cxtp")   \
	X(231, exit_group, "d=?")         \
	X(232, epoll_wait, "fQdd")        \
	X(233, epoll_ctl, "fEfe")         \
	X(234, tgkill, "ddS")             \
	X(235, utimes, "sp")              \
	X(257, openat, "DsOo")            \
	X(258, mkdirat, "Dso")            \
	X(259, mknodat, "Dsox")           \
	X(260, fchownat, "DsddN")         \
	X(262, newfstatat, "DszN")        \
	X(263, unlinkat, "DsN")           \
	X(264, renameat, "DsDs")          \
	X(265, linkat, "DsDsN")           \
	X(266, symlinkat, "sDs")          \
	X(267, readlinkat, "DsBu")        \
	X(268, fchmodat, "Dso")           \
	X(269, faccessat, "Dsd")          \
	X(270, pselect6, "dppptp")        \
	X(271, ppoll, "qutmu")            \
	X(273, set_robust_list, "pu")     \
	X(274, get_robust_list, "dpp")    \
	X(275, splice, "fpfpux")          \
	X(280, utimensat, "DspN")         \
	X(281, epoll_pwait, "fQddmu")     \
	X(282, signalfd, "fmu")           \
	X(283, timerfd_create, "Cx")      \
	X(284, eventfd, "u")              \
	X(285, fallocate, "fxll")         \
	X(286, timerfd_settime, "fxpp")   \
	X(287, timerfd_gettime, "fp")     \
	X(288, accept4, "fApx")           \
	X(289, signalfd4, "fmux")         \
	X(290, eventfd2, "ux")            \
	X(291, epoll_create1, "x")        \
	X(292, dup3, "ffO")               \
	X(293, pipe2, "2O")               \
	X(295, preadv, "fVul")            \
	X(296, pwritev, "fvul")           \
	X(299, recvmmsg, "fpuxt")         \
	X(302, prlimit64, "ddpp")         \
	X(307, sendmmsg, "fpux")          \
	X(309, getcpu, "ppp")             \
	X(316, renameat2, "DsDsx")        \
	X(318, getrandom, "pux")          \
	X(319, memfd_create, "sx")        \
	X(324, membarrier, "dxd")         \
	X(326, copy_file_range, "fpfpux") \
	X(327, preadv2, "fVullx")         \
	X(328, pwritev2, "fvullx")        \
	X(332, statx, "DsNxp")            \
	X(334, rseq, "puxx")              \
	X(425, io_uring_setup, "up")      \
	X(434, pidfd_open, "dx")          \
	X(435, clone3, "pu")              \
	X(436, close_range, "uux")        \
	X(437, openat2, "Dspu")           \
	X(439, faccessat2, "DsdN")        \
	X(441, epoll_pwait2, "fQdtmu")

#endif
