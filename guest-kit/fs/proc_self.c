/* proc_self.c: /proc/self and its threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dentry.h"
#include "fs/fs.h"
#include "fs/node.h"
#include "fs/path.h"
#include "fs/proc.h"
#include "kernel/clock.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/stack.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "kernel/vm.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/identity.h"
#include "linux/limit.h"
#include "linux/process.h"

/* --- links ------------------------------------------------------------- */

static int64_t put(char *buf, uint64_t room, const char *text)
{
	room = min_u64(room, strlen(text));
	memcpy(buf, text, room);
	return (int64_t)room;
}

static int64_t read_self(struct inode *node, char *buf, uint64_t room)
{
	char text[12];

	(void)node;
	format(text, sizeof(text), "%d", PROCESS_PID);
	return put(buf, room, text);
}

static int64_t read_thread_self(struct inode *node, char *buf, uint64_t room)
{
	char text[32];

	(void)node;
	format(text, sizeof(text), "%d/task/%d", PROCESS_PID,
	       thread_current()->tid);
	return put(buf, room, text);
}

const struct inode_ops proc_self_link = { .readlink = read_self };
const struct inode_ops proc_thread_link = { .readlink = read_thread_self };

/* Links that lead to a place: the text is its path. */
static int64_t read_place(struct dentry *d, char *buf, uint64_t room)
{
	char path[512];
	int64_t len;

	if (!d)
		return -LINUX_ENOENT;
	len = dentry_path(d, fs_root(), path, sizeof(path));
	return len < 0 ? -LINUX_ENAMETOOLONG : put(buf, room, path);
}

static int go_to(struct dentry *d, struct dentry **ret)
{
	if (!d)
		return -LINUX_ENOENT;
	*ret = dentry_get(d);
	return 0;
}

static int64_t read_exe(struct inode *node, char *buf, uint64_t room)
{
	(void)node;
	return read_place(fs_program(), buf, room);
}

static int go_exe(struct inode *node, struct dentry **ret)
{
	(void)node;
	return go_to(fs_program(), ret);
}

static int64_t read_cwd(struct inode *node, char *buf, uint64_t room)
{
	(void)node;
	return read_place(fs_cwd(), buf, room);
}

static int go_cwd(struct inode *node, struct dentry **ret)
{
	(void)node;
	return go_to(fs_cwd(), ret);
}

static int64_t read_root(struct inode *node, char *buf, uint64_t room)
{
	(void)node;
	return read_place(fs_root(), buf, room);
}

static int go_root(struct inode *node, struct dentry **ret)
{
	(void)node;
	return go_to(fs_root(), ret);
}

/* --- descriptors ------------------------------------------------------- */

static int64_t read_fd(struct inode *node, char *buf, uint64_t room)
{
	struct file *f = fd_hold_any(node->arg);
	char path[512];

	if (!f)
		return -LINUX_ENOENT;
	fs_file_path(f, path, sizeof(path));
	file_put(f);
	return put(buf, room, path);
}

/* What has no state of its own can be opened once more: the console. */
static int open_again(struct inode *node, struct file *f)
{
	const struct file *old = node->file;

	if (old->ops->release)
		return -LINUX_ENXIO;
	f->ops = old->ops;
	f->data = old->data;
	return 0;
}

static void put_file(struct inode *node)
{
	file_put(node->file);
}

static int go_fd(struct inode *node, struct dentry **ret)
{
	static const struct inode_ops ops = { .open = open_again,
					      .free = put_file };
	struct file *f = fd_hold_any(node->arg);
	struct linux_stat st;
	struct inode *again;
	int rc;

	if (!f)
		return -LINUX_ENOENT;
	if (f->at) {
		*ret = dentry_get(f->at);
		file_put(f);
		return 0;
	}
	rc = f->ops->stat(f, &st);
	again = rc ? NULL : inode_new(FS_PIPE, st.mode);
	if (!again) {
		file_put(f);
		return rc ? rc : -LINUX_ENOMEM;
	}
	again->ops = &ops;
	again->file = f;
	again->ino = (uint32_t)st.ino;
	*ret = dentry_new(NULL, again, "anon_inode:[file]", 17, false);
	return *ret ? 0 : -LINUX_ENOMEM;
}

static const struct inode_ops fd_link_ops = { .readlink = read_fd,
					      .jump = go_fd };
static const struct proc_entry fd_link = { .name = "",
					   .mode = S_IFLNK | 0700,
					   .ops = &fd_link_ops };

/* --- directories of numbers -------------------------------------------- */

static int number_dentry(struct dentry *dir, const struct proc_entry *e,
			 uint32_t n, struct dentry **ret)
{
	char text[12];

	format(text, sizeof(text), "%u", n);
	return proc_dentry(dir, e, text, n, ret);
}

static int item(struct dir_item *ret, uint32_t n, uint32_t type)
{
	ret->name = ret->buf;
	ret->len = (unsigned)format(ret->buf, sizeof(ret->buf), "%u", n);
	ret->ino = n + 100ull;
	ret->type = type;
	ret->next_pos = n + 3ull;
	return 1;
}

static int look_up_fd(struct dentry *dir, const char *name, unsigned len,
		      struct dentry **ret)
{
	uint32_t n;

	if (!proc_number(name, len, &n) || fd_next(n) != n)
		return -LINUX_ENOENT;
	return number_dentry(dir, &fd_link, n, ret);
}

static int next_fd(struct dentry *dir, uint64_t pos, struct dir_item *ret)
{
	int64_t fd = fd_next(pos - 2);

	(void)dir;
	return fd < 0 ? 0 : item(ret, (uint32_t)fd, S_IFLNK);
}

static const struct inode_ops fd_dir_ops = { .open = dir_open,
					     .lookup = look_up_fd,
					     .next = next_fd };

/* --- texts ------------------------------------------------------------- */

static void fill_strings(struct text *t, unsigned skip, unsigned n)
{
	const char *s = machine.strings;

	for (; skip; skip--)
		s += strlen(s) + 1;
	for (; n; n--) {
		text_bytes(t, s, strlen(s) + 1);
		s += strlen(s) + 1;
	}
}

static void fill_cmdline(struct text *t, uint32_t tid)
{
	(void)tid;
	fill_strings(t, 0, machine.argc);
}

static void fill_environ(struct text *t, uint32_t tid)
{
	(void)tid;
	fill_strings(t, machine.argc, machine.envc);
}

/* A thread that ended while somebody had its directory has no name. */
static const char *name_of(uint32_t tid)
{
	const struct thread *t = thread_find((int)tid);

	return t ? t->name : "";
}

static char state_of(uint32_t tid)
{
	const struct thread *t = thread_find((int)tid);

	return t && t->state == THREAD_RUNNABLE ? 'R' : 'S';
}

static void fill_auxv(struct text *t, uint32_t tid)
{
	uint64_t len, gva = stack_auxv(&len), word;

	(void)tid;
	for (; len; len -= sizeof(word), gva += sizeof(word))
		if (!user_read(&word, gva, sizeof(word)))
			text_bytes(t, &word, sizeof(word));
}

static void fill_comm(struct text *t, uint32_t tid)
{
	text_add(t, "%s\n", name_of(tid));
}

static uint64_t resident_pages(void)
{
	return page_count_total() - page_count_free();
}

/* Of the process, or of another of its threads. */
static uint64_t busy_ticks(uint32_t tid)
{
	const struct thread *t = thread_find((int)tid);
	uint64_t ns = t ? thread_cpu_ns(t) : 0;

	if (tid == PROCESS_PID)
		ns = thread_cpu_total_ns();
	return ns / (NS_PER_SEC / 100);
}

static uint64_t mapped_bytes(void)
{
	struct vm_range range;
	uint64_t sum = 0;

	for (uint64_t at = 0; vm_next(at, &range); at = range.end)
		sum += range.end - range.start;
	return sum;
}

/* proc(5): 52 fields; what has no meaning here is 0. */
static void fill_stat(struct text *t, uint32_t tid)
{
	text_add(t, "%u (%s) %c 0 %d %d 0 -1 4194304 0 0 0 0 %lu 0 0 0 ", tid,
		 name_of(tid), state_of(tid), PROCESS_PID, PROCESS_PID,
		 busy_ticks(tid));
	text_add(t, "20 0 %u 0 0 %lu %lu 18446744073709551615 ", thread_count(),
		 mapped_bytes(), resident_pages());
	text_add(t, "0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

/* The path of what was mapped, or the name of what else it is. */
static void fill_mapping(struct text *t, const struct vm_range *r)
{
	const struct inode *node = r->file ? r->file->node : NULL;
	uint64_t dev = node ? inode_dev(node) : 0;
	char path[512] = "";
	uint64_t from = t->len;

	text_add(t, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", r->start,
		 r->end, r->prot & VM_READ ? 'r' : '-',
		 r->prot & VM_WRITE ? 'w' : '-', r->prot & VM_EXEC ? 'x' : '-',
		 r->flags & VM_SHARED ? 's' : 'p', r->file_off, dev >> 8,
		 dev & 0xff, (uint64_t)(node ? node->ino : 0));
	if (r->file)
		fs_file_path(r->file, path, sizeof(path));
	else if (r->name)
		str_copy(path, r->name, sizeof(path));
	/* Names stand in one column, as on Linux. */
	while (*path && t->len - from < 73 && !t->failed)
		text_bytes(t, " ", 1);
	text_bytes(t, path, strlen(path));
	text_bytes(t, "\n", 1);
}

static void fill_maps(struct text *t, uint32_t tid)
{
	struct vm_range range;

	(void)tid;
	for (uint64_t at = 0; vm_next(at, &range); at = range.end)
		fill_mapping(t, &range);
}

static void fill_statm(struct text *t, uint32_t tid)
{
	(void)tid;
	text_add(t, "%lu %lu 0 0 0 %lu 0\n",
		 (uint64_t)(mapped_bytes() / PAGE_LEN), resident_pages(),
		 resident_pages());
}

static void add_ids(struct text *t, const char *name, const uint32_t ids[IDS])
{
	text_add(t, "%s:\t%u\t%u\t%u\t%u\n", name, ids[ID_REAL],
		 ids[ID_EFFECTIVE], ids[ID_SAVED], ids[ID_FS]);
}

static void fill_status(struct text *t, uint32_t tid)
{
	uint64_t kib = resident_pages() * 4, mapped = mapped_bytes() / 1024;
	text_add(t, "Name:\t%s\nUmask:\t0%u%u%u\nState:\t%s\n", name_of(tid),
		 fs_umask >> 6 & 7, fs_umask >> 3 & 7, fs_umask & 7,
		 state_of(tid) == 'R' ? "R (running)" : "S (sleeping)");
	text_add(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%u\nPPid:\t0\nTracerPid:\t0\n",
		 PROCESS_PID, tid);
	add_ids(t, "Uid", identity_uids);
	add_ids(t, "Gid", identity_gids);
	text_add(t, "FDSize:\t%u\nGroups:\t \n", (unsigned)FD_MAX);
	text_add(t,
		 "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t       0 kB\n"
		 "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nVmData:\t%8lu kB\n",
		 mapped, mapped, kib, kib, kib);
	text_add(t, "VmStk:\t%8lu kB\nVmSwap:\t       0 kB\nThreads:\t%u\n",
		 (uint64_t)STACK_LEN / 1024, thread_count());
	text_add(t, "CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\n"
		    "CapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n"
		    "CapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\n");
	text_add(t, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n"
		    "Mems_allowed:\t1\nMems_allowed_list:\t0\n"
		    "voluntary_ctxt_switches:\t0\n"
		    "nonvoluntary_ctxt_switches:\t0\n");
}

static void limit_text(char *buf, size_t room, uint64_t value)
{
	if (value == UINT64_MAX)
		str_copy(buf, "unlimited", room);
	else
		format(buf, room, "%lu", value);
}

static void fill_limits(struct text *t, uint32_t tid)
{
	static const struct {
		const char *name, *unit;
	} limits[LIMITS] = {
		[LIMIT_CPU] = { "Max cpu time", "seconds" },
		[LIMIT_FSIZE] = { "Max file size", "bytes" },
		[LIMIT_DATA] = { "Max data size", "bytes" },
		[LIMIT_STACK] = { "Max stack size", "bytes" },
		[LIMIT_CORE] = { "Max core file size", "bytes" },
		[LIMIT_RSS] = { "Max resident set", "bytes" },
		[LIMIT_NPROC] = { "Max processes", "processes" },
		[LIMIT_NOFILE] = { "Max open files", "files" },
		[LIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
		[LIMIT_AS] = { "Max address space", "bytes" },
		[LIMIT_LOCKS] = { "Max file locks", "locks" },
		[LIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[LIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
		[LIMIT_NICE] = { "Max nice priority", "" },
		[LIMIT_RTPRIO] = { "Max realtime priority", "" },
		[LIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	char soft[24], hard[24];

	(void)tid;
	text_add(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
		 "Hard Limit", "Units");
	for (unsigned i = 0; i < LIMITS; i++) {
		const struct limit *l = limit_of((enum limit_id)i);

		limit_text(soft, sizeof(soft), l->soft);
		limit_text(hard, sizeof(hard), l->hard);
		text_add(t, "%-25s %-20s %-20s %-10s\n", limits[i].name, soft,
			 hard, limits[i].unit);
	}
}

static void fill_mounts(struct text *t, uint32_t tid)
{
	(void)tid;
	text_add(t, "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\n"
		    "sysfs /sys sysfs ro 0 0\n");
}

static void fill_mountinfo(struct text *t, uint32_t tid)
{
	(void)tid;
	text_add(t,
		 "1 1 0:%u / / rw - tmpfs tmpfs rw\n"
		 "2 1 0:%u / /proc rw - proc proc rw\n"
		 "3 1 0:%u / /sys ro - sysfs sysfs ro\n",
		 20u + FS_ROOT, 20u + FS_PROC, 20u + FS_SYS);
}

static void fill_cgroup(struct text *t, uint32_t tid)
{
	(void)tid;
	text_add(t, "0::/\n");
}

static void fill_zero(struct text *t, uint32_t tid)
{
	(void)tid;
	text_add(t, "0\n");
}

static const struct inode_ops exe_ops = { .readlink = read_exe,
					  .jump = go_exe };
static const struct inode_ops cwd_ops = { .readlink = read_cwd,
					  .jump = go_cwd };
static const struct inode_ops root_ops = { .readlink = read_root,
					   .jump = go_root };

#define OF_A_THREAD                                                            \
	PROC_FILE("stat", fill_stat), PROC_FILE("maps", fill_maps),            \
		PROC_FILE("statm", fill_statm),                                \
		PROC_FILE("status", fill_status),                              \
		PROC_FILE("auxv", fill_auxv),                                  \
		PROC_FILE("cmdline", fill_cmdline),                            \
		PROC_FILE("environ", fill_environ),                            \
		PROC_FILE("limits", fill_limits),                              \
		PROC_FILE("mounts", fill_mounts),                              \
		PROC_FILE("mountinfo", fill_mountinfo),                        \
		PROC_FILE("cgroup", fill_cgroup),                              \
		{ .name = "comm", .mode = S_IFREG | 0644, .fill = fill_comm }, \
		{ .name = "oom_score_adj",                                     \
		  .mode = S_IFREG | 0644,                                      \
		  .fill = fill_zero },                                         \
		PROC_FILE("oom_score", fill_zero),                             \
		PROC_SPECIAL("exe", S_IFLNK | 0777, &exe_ops),                 \
		PROC_SPECIAL("cwd", S_IFLNK | 0777, &cwd_ops),                 \
		PROC_SPECIAL("root", S_IFLNK | 0777, &root_ops),               \
		PROC_SPECIAL("fd", S_IFDIR | 0500, &fd_dir_ops)

static const struct proc_entry thread_entries[] = { OF_A_THREAD };
static const struct proc_entry thread_dir = PROC_DIR("", thread_entries);

static int look_up_task(struct dentry *dir, const char *name, unsigned len,
			struct dentry **ret)
{
	uint32_t tid;

	if (!proc_number(name, len, &tid) || !thread_find((int)tid))
		return -LINUX_ENOENT;
	return number_dentry(dir, &thread_dir, tid, ret);
}

/* The one with the lowest number from pos on. */
static int next_task(struct dentry *dir, uint64_t pos, struct dir_item *ret)
{
	uint64_t best = UINT64_MAX;

	(void)dir;
	for (const struct thread *t = thread_first(); t; t = t->next)
		if ((uint64_t)t->tid >= pos - 2)
			best = min_u64(best, (uint64_t)t->tid);
	return best == UINT64_MAX ? 0 : item(ret, (uint32_t)best, S_IFDIR);
}

static const struct inode_ops task_ops = { .open = dir_open,
					   .lookup = look_up_task,
					   .next = next_task };

static const struct proc_entry process_entries[] = {
	OF_A_THREAD,
	PROC_SPECIAL("task", S_IFDIR | 0555, &task_ops),
};

const struct proc_entry proc_process = PROC_DIR("1", process_entries);
