/* strace_names.h: names of values, for strace.c: hexadecimal (errors:
 * decimal), a blank, the name. Each list ends with an empty string. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_STRACE_NAMES_H
#define LINUX_STRACE_NAMES_H

static const char open_flags[] =
	"1 O_WRONLY\0002 O_RDWR\00040 O_CREAT\00080 O_EXCL\000100 O_NOCTTY\0"
	"200 O_TRUNC\000400 O_APPEND\000800 O_NONBLOCK\000101000 O_SYNC\0"
	"1000 O_DSYNC\0004000 O_DIRECT\000410000 O_TMPFILE\00010000 O_DIRECTORY"
	"\00020000 O_NOFOLLOW\00040000 O_NOATIME\00080000 O_CLOEXEC\0"
	"200000 O_PATH\0";
static const char prot_flags[] = "1 PROT_READ\0002 PROT_WRITE\0004 PROT_EXEC\0";
static const char mmap_flags[] =
	"3 MAP_SHARED_VALIDATE\0001 MAP_SHARED\0002 MAP_PRIVATE\00010 MAP_FIXED"
	"\00020 MAP_ANONYMOUS\000100 MAP_GROWSDOWN\0002000 MAP_LOCKED\0"
	"4000 MAP_NORESERVE\0008000 MAP_POPULATE\00020000 MAP_STACK\0"
	"40000 MAP_HUGETLB\000100000 MAP_FIXED_NOREPLACE\0";
static const char at_flags[] =
	"100 AT_SYMLINK_NOFOLLOW\000200 AT_REMOVEDIR\000400 AT_SYMLINK_FOLLOW"
	"\000800 AT_NO_AUTOMOUNT\0001000 AT_EMPTY_PATH\0";
static const char socket_flags[] = "800 SOCK_NONBLOCK\00080000 SOCK_CLOEXEC\0";
static const char poll_flags[] =
	"1 POLLIN\0002 POLLPRI\0004 POLLOUT\0008 POLLERR\00010 POLLHUP\0"
	"20 POLLNVAL\0002000 POLLRDHUP\0";
static const char epoll_flags[] =
	"1 EPOLLIN\0002 EPOLLPRI\0004 EPOLLOUT\0008 EPOLLERR\00010 EPOLLHUP\0"
	"2000 EPOLLRDHUP\00010000000 EPOLLEXCLUSIVE\00040000000 EPOLLONESHOT\0"
	"80000000 EPOLLET\0";

static const char whence_names[] = "0 SEEK_SET\0001 SEEK_CUR\0002 "
				   "SEEK_END\0003 SEEK_DATA\0004 SEEK_HOLE\0";
static const char how_names[] =
	"0 SIG_BLOCK\0001 SIG_UNBLOCK\0002 SIG_SETMASK\0";
static const char clock_names[] =
	"0 CLOCK_REALTIME\0001 CLOCK_MONOTONIC\0002 CLOCK_PROCESS_CPUTIME_ID\0"
	"3 CLOCK_THREAD_CPUTIME_ID\0004 CLOCK_MONOTONIC_RAW\0"
	"5 CLOCK_REALTIME_COARSE\0006 CLOCK_MONOTONIC_COARSE\0"
	"7 CLOCK_BOOTTIME\0";
static const char domain_names[] = "1 AF_UNIX\0002 AF_INET\000a AF_INET6\00010 "
				   "AF_NETLINK\00028 AF_VSOCK\0";
static const char socket_names[] =
	"1 SOCK_STREAM\0002 SOCK_DGRAM\0003 SOCK_RAW\0005 SOCK_SEQPACKET\0";
static const char epoll_names[] =
	"1 EPOLL_CTL_ADD\0002 EPOLL_CTL_DEL\0003 EPOLL_CTL_MOD\0";
static const char advice_names[] =
	"0 MADV_NORMAL\0001 MADV_RANDOM\0002 MADV_SEQUENTIAL\0003 MADV_WILLNEED"
	"\0004 MADV_DONTNEED\0008 MADV_FREE\000e MADV_HUGEPAGE\000f "
	"MADV_NOHUGEPAGE\00010 MADV_DONTDUMP\00016 MADV_POPULATE_READ\00017 "
	"MADV_POPULATE_WRITE\0";
static const char fcntl_names[] =
	"0 F_DUPFD\0001 F_GETFD\0002 F_SETFD\0003 F_GETFL\0004 F_SETFL\0"
	"5 F_GETLK\0006 F_SETLK\0007 F_SETLKW\000406 F_DUPFD_CLOEXEC\0"
	"407 F_SETPIPE_SZ\000408 F_GETPIPE_SZ\0";
static const char ioctl_names[] =
	"5401 TCGETS\0005402 TCSETS\0005403 TCSETSW\000540f TIOCGPGRP\0"
	"5413 TIOCGWINSZ\000541b FIONREAD\0005421 FIONBIO\0";
static const char prctl_names[] =
	"3 PR_GET_DUMPABLE\0004 PR_SET_DUMPABLE\000f PR_SET_NAME\000"
	"10 PR_GET_NAME\00053564d41 PR_SET_VMA\0";
static const char futex_names[] =
	"0 FUTEX_WAIT\0001 FUTEX_WAKE\0003 FUTEX_REQUEUE\0004 FUTEX_CMP_REQUEUE"
	"\0005 FUTEX_WAKE_OP\0006 FUTEX_LOCK_PI\0007 FUTEX_UNLOCK_PI\0"
	"8 FUTEX_TRYLOCK_PI\0009 FUTEX_WAIT_BITSET\000a FUTEX_WAKE_BITSET\0";

static const char errors[] =
	"1 EPERM (Operation not permitted)\0"
	"2 ENOENT (No such file or directory)\0"
	"3 ESRCH (No such process)\0"
	"4 EINTR (Interrupted system call)\0"
	"5 EIO (Input/output error)\0"
	"6 ENXIO (No such device or address)\0"
	"7 E2BIG (Argument list too long)\0"
	"8 ENOEXEC (Exec format error)\0"
	"9 EBADF (Bad file descriptor)\0"
	"10 ECHILD (No child processes)\0"
	"11 EAGAIN (Resource temporarily unavailable)\0"
	"12 ENOMEM (Cannot allocate memory)\0"
	"13 EACCES (Permission denied)\0"
	"14 EFAULT (Bad address)\0"
	"16 EBUSY (Device or resource busy)\0"
	"17 EEXIST (File exists)\0"
	"18 EXDEV (Invalid cross-device link)\0"
	"19 ENODEV (No such device)\0"
	"20 ENOTDIR (Not a directory)\0"
	"21 EISDIR (Is a directory)\0"
	"22 EINVAL (Invalid argument)\0"
	"23 ENFILE (Too many open files in system)\0"
	"24 EMFILE (Too many open files)\0"
	"25 ENOTTY (Inappropriate ioctl for device)\0"
	"26 ETXTBSY (Text file busy)\0"
	"27 EFBIG (File too large)\0"
	"28 ENOSPC (No space left on device)\0"
	"29 ESPIPE (Illegal seek)\0"
	"30 EROFS (Read-only file system)\0"
	"31 EMLINK (Too many links)\0"
	"32 EPIPE (Broken pipe)\0"
	"33 EDOM (Numerical argument out of domain)\0"
	"34 ERANGE (Numerical result out of range)\0"
	"35 EDEADLK (Resource deadlock avoided)\0"
	"36 ENAMETOOLONG (File name too long)\0"
	"37 ENOLCK (No locks available)\0"
	"38 ENOSYS (Function not implemented)\0"
	"39 ENOTEMPTY (Directory not empty)\0"
	"40 ELOOP (Too many levels of symbolic links)\0"
	"61 ENODATA (No data available)\0"
	"71 EPROTO (Protocol error)\0"
	"75 EOVERFLOW (Value too large for defined data type)\0"
	"88 ENOTSOCK (Socket operation on non-socket)\0"
	"89 EDESTADDRREQ (Destination address required)\0"
	"90 EMSGSIZE (Message too long)\0"
	"91 EPROTOTYPE (Protocol wrong type for socket)\0"
	"92 ENOPROTOOPT (Protocol not available)\0"
	"93 EPROTONOSUPPORT (Protocol not supported)\0"
	"94 ESOCKTNOSUPPORT (Socket type not supported)\0"
	"95 EOPNOTSUPP (Operation not supported)\0"
	"97 EAFNOSUPPORT (Address family not supported by protocol)\0"
	"98 EADDRINUSE (Address already in use)\0"
	"99 EADDRNOTAVAIL (Cannot assign requested address)\0"
	"101 ENETUNREACH (Network is unreachable)\0"
	"103 ECONNABORTED (Software caused connection abort)\0"
	"104 ECONNRESET (Connection reset by peer)\0"
	"105 ENOBUFS (No buffer space available)\0"
	"106 EISCONN (Transport endpoint is already connected)\0"
	"107 ENOTCONN (Transport endpoint is not connected)\0"
	"110 ETIMEDOUT (Connection timed out)\0"
	"111 ECONNREFUSED (Connection refused)\0"
	"113 EHOSTUNREACH (No route to host)\0"
	"114 EALREADY (Operation already in progress)\0"
	"115 EINPROGRESS (Operation now in progress)\0"
	"130 EOWNERDEAD (Owner died)\0";

#endif
