/* cmd_run.c: mayfly run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/run_console.h"
#include "cli/run_options.h"
#include "cli/tty.h"
#include "cli/unix_path.h"
#include "loop/loop.h"
#include "rootfs/rootfs.h"
#include "vmm/machine.h"
#include "vmm/outcome.h"

#define LOOP_ENTRIES      16
#define LOOP_ENTRIES_DEEP 256 /* what a guest's queue starts: one submission */

extern const uint8_t kit_image[], kit_image_end[];

/* A run while it runs: what the loop's callbacks need. */
struct run {
	struct run_options opt;
	struct machine *machine;
	struct loop *loop;
	struct rootfs rootfs; /* fd -1: none */
	uint64_t image_off;   /* of the program, when it is in the root */
	struct run_fds console;
	struct machine_disk disk[MACHINE_DISKS_MAX];
	unsigned n_disks; /* open */
	struct machine_net net[MACHINE_NETS_MAX];
	unsigned n_nets; /* open */
	struct unix_listener control;
	struct api *api; /* of the machine's loop, or NULL */
	struct run_vsock_host vsock_host;
	struct machine_vsock vsock;
	struct run_debug_host debug;
	int signal_fd;
	int early_signal; /* it came before there was a guest */
	struct loop_op signal_op, timeout_op;
	struct iovec signal_iov;
	struct signalfd_siginfo info;
	bool ending; /* do not listen for signals again */
};

/* --- signals and time ---------------------------------------------------- */

static void on_kick(int sig)
{
	(void)sig; /* its only use is to interrupt KVM_RUN */
}

/* Signals that end a run arrive through a descriptor; those the caller had
 * ignored (nohup, a background job) stay ignored. */
static int catch_signals(struct run *r, struct err *err)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	struct sigaction kick = { .sa_handler = on_kick };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	sigset_t set;

	(void)sigaction(VCPU_KICK_SIGNAL, &kick, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL); /* EFBIG will do */
	(void)sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigaction(ending[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			(void)sigaddset(&set, ending[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (r->signal_fd < 0)
		return err_set(err, -errno, "signalfd");
	return 0;
}

static int listen_signals(struct run *r)
{
	r->signal_iov = (struct iovec){ &r->info, sizeof(r->info) };
	return loop_readv(r->loop, &r->signal_op, r->signal_fd, &r->signal_iov,
			  1, LOOP_OFF_STREAM);
}

static void on_signal(struct loop_op *op, int res)
{
	struct run *r = CONTAINER_OF(op, struct run, signal_op);
	uint16_t cols, rows;

	if (r->ending || res == -ECANCELED)
		return;
	if (res == (int)sizeof(r->info)) {
		if (r->info.ssi_signo == SIGWINCH) {
			tty_size(r->console.out, &cols, &rows);
			machine_resize(r->machine, cols, rows);
		} else {
			machine_kill(r->machine, OUTCOME_KILLED,
				     (int)r->info.ssi_signo);
		}
	}
	if (listen_signals(r))
		machine_kill(r->machine, OUTCOME_MONITOR_ERROR, 0);
}

static void on_timeout(struct loop_op *op, int res)
{
	struct run *r = CONTAINER_OF(op, struct run, timeout_op);

	if (res == 0)
		machine_kill(r->machine, OUTCOME_TIMEOUT, 0);
}

static size_t on_input(void *ctx, uint8_t *bytes, size_t n)
{
	struct run *r = ctx;

	if (tty_is_raw() && memchr(bytes, TTY_ESCAPE, n)) {
		machine_kill(r->machine, OUTCOME_KILLED, SIGTERM);
		return 0;
	}
	return n;
}

/* --- set-up --------------------------------------------------------------- */

static void close_src(struct boot_src *src)
{
	if (src->fd >= 0)
		(void)close(src->fd);
}
#define AUTO_SRC __attribute__((cleanup(close_src)))

static int open_file(const char *path, const char *what, struct boot_src *ret,
		     struct err *err)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno, "%s%s", what, path);
	if (fstat(fd, &st))
		return err_set(err, -errno, "%s%s", what, path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "%s%s", what, path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s%s: not a regular file", what,
			       path);
	*ret = (struct boot_src){ .name = path,
				  .fd = take_fd(&fd),
				  .len = (uint64_t)st.st_size };
	return 0;
}

/* A program is looked for in the root first, if its path is absolute, and then
 * on the host. */
static int open_image(struct run *r, struct boot_src *ret, struct err *err)
{
	const char *path = r->opt.argv[0];
	struct rootfs_file file;
	int code = -ENOENT;

	if (r->rootfs.fd >= 0 && path[0] == '/')
		code = rootfs_find(&r->rootfs, path, &file);
	if (code == 0) {
		r->image_off = file.off;
		*ret = (struct boot_src){
			.name = path,
			.bytes = rootfs_bytes(&r->rootfs, file.off),
			.len = file.len,
			.fd = -1,
		};
		return 0;
	}
	if (code == -EACCES)
		return err_set(err, -ENOEXEC, "%s in --rootfs %s: not a file",
			       path, r->rootfs.name);
	if (code != -ENOENT && code != -ENOTDIR)
		return err_set(err, code, "%s in --rootfs %s", path,
			       r->rootfs.name);
	return open_file(path, "", ret, err);
}

static int open_rootfs(struct run *r, struct err *err)
{
	if (r->opt.rootfs && rootfs_open(r->opt.rootfs, &r->rootfs, err))
		return err_wrap(err, "--rootfs");
	return 0;
}

static int open_disks(struct run *r, struct err *err)
{
	for (unsigned i = 0; i < r->opt.n_disks; i++) {
		if (run_disk_open(&r->opt.disk[i], &r->disk[i], err))
			return err->code;
		r->n_disks++;
	}
	return 0;
}

static bool has_vsock(const struct run_options *o)
{
	return o->vsock.cid || o->proxy;
}

static int open_vsock(struct run *r, struct err *err)
{
	const struct run_options *o = &r->opt;

	if (!has_vsock(o))
		return 0;
	if (o->proxy && run_proxy_bind(o->proxy, err))
		return err->code;
	return run_vsock_open(o->vsock.cid ? &o->vsock : NULL, &r->vsock_host,
			      &r->vsock, err);
}

static int open_proxy(struct run *r, struct err *err)
{
	return r->opt.proxy
		       ? run_proxy_open(r->opt.proxy, r->loop, &r->vsock, err)
		       : 0;
}

static bool is_deep(const struct run_options *o)
{
	return o->n_disks > 0 || has_vsock(o);
}

static int open_nets(struct run *r, struct err *err)
{
	for (unsigned i = 0; i < r->opt.n_nets; i++) {
		if (run_net_open(&r->opt.net[i], &r->net[i], err))
			return err->code;
		r->n_nets++;
	}
	return 0;
}

static int make_machine(struct run *r, const struct boot_src *image,
			const struct boot_src *initrd, int kvm_fd,
			struct err *err)
{
	const struct run_options *o = &r->opt;
	struct machine_config cfg = {
		.kvm_fd = kvm_fd,
		.loop = r->loop,
		.mem_len = o->mem_len,
		.huge_pages = o->huge_pages,
		.n_cpus = o->n_cpus,
		.legacy = o->legacy,
		.console_in = r->console.in,
		.console_out = r->console.out,
		.console_err = r->console.err,
		.disk = r->disk,
		.n_disks = r->n_disks,
		.net = r->net,
		.n_nets = r->n_nets,
		.vsock = has_vsock(o) ? &r->vsock : NULL,
		.balloon = o->has_balloon ? &o->balloon : NULL,
		.verbose = o->verbose > 0,
		.strace = o->debug.strace,
		.core_fd = r->debug.core_fd,
		.gdb_fd = r->debug.gdb_fd,
		.gdb_wait = !o->debug.gdb_nowait,
		.exec_file = r->debug.exec_file,
		.trace = o->trace || o->exit_record,
		.boot = {
			.image = *image,
			.initrd = o->initrd ? initrd : NULL,
			.kind = o->boot,
			.cmdline = o->kernel_args,
			.kit = { .name = "guest kit",
				 .bytes = kit_image,
				 .len = (uint64_t)(kit_image_end - kit_image),
				 .fd = -1 },
			.argv = o->argv,
			.envp = o->env,
			.rootfs = o->rootfs ? &r->rootfs : NULL,
			.image_off = r->image_off,
		},
	};

	if (r->console.in >= 0 && isatty(r->console.in)) {
		cfg.filter_input = on_input;
		cfg.filter_ctx = r;
	}
	if (r->console.out >= 0 && isatty(r->console.out))
		tty_size(r->console.out, &cfg.console_cols, &cfg.console_rows);
	return machine_new(&cfg, &r->machine, err);
}

/* A kernel draws its own lines on a terminal; a program is a command there. */
static void take_terminal(const struct run *r)
{
	if (r->opt.console == CONSOLE_STDIO && r->console.in >= 0 &&
	    !machine_takes_arguments(r->machine) && isatty(r->console.in))
		tty_raw(r->console.in);
}

static int open_control(struct run *r, struct err *err)
{
	const char *path = r->opt.control;
	int e = path ? unix_listen(path, SOCK_STREAM, &r->control) : 0;

	return e ? err_set(err, e, "--control %s", path) : 0;
}

static int start_api(struct run *r, struct err *err)
{
	const struct run_options *o = &r->opt;
	const struct api_env env = {
		.machine = r->machine,
		.mem_len = o->mem_len,
		.n_cpus = o->n_cpus,
		.huge_pages = o->huge_pages,
		.image = o->argv[0],
		.initrd = o->initrd,
		.boot_args = o->kernel_args,
		.disk = r->disk,
		.n_disks = r->n_disks,
		.net = r->net,
		.n_nets = r->n_nets,
		.vsock_cid = o->vsock.cid,
		.vsock_path = o->vsock.path,
		.balloon = o->has_balloon ? &o->balloon : NULL,
		.port = o->proxy ? o->proxy->port : NULL,
		.n_ports = o->proxy ? o->proxy->n_bound : 0,
	};

	return o->control
		       ? api_start(r->loop, r->control.fd, &env, &r->api, err)
		       : 0;
}

static int arm(struct run *r, struct err *err)
{
	int e;

	r->signal_op.done = on_signal;
	r->timeout_op.done = on_timeout;
	loop_lock(r->loop);
	e = listen_signals(r);
	if (!e && r->opt.timeout_ns)
		e = loop_timer(r->loop, &r->timeout_op,
			       clock_mono_ns() + r->opt.timeout_ns);
	if (e)
		(void)err_set(err, e, "event loop");
	else
		e = start_api(r, err);
	loop_unlock(r->loop);
	return e;
}

static void disarm(struct run *r)
{
	loop_lock(r->loop);
	r->ending = true;
	loop_cancel(r->loop, &r->signal_op);
	loop_cancel(r->loop, &r->timeout_op);
	api_stop(r->api);
	loop_unlock(r->loop);
}

/* --- the run --------------------------------------------------------------- */

static void free_machine(struct run *r)
{
	if (r->machine)
		machine_free(r->machine); /* runs the loop until quiet */
	api_free(r->api);
	unix_unlisten(&r->control);
	loop_free(r->loop);
	if (r->signal_fd >= 0)
		(void)close(r->signal_fd);
	run_console_close(&r->console);
	while (r->n_disks > 0)
		(void)close(r->disk[--r->n_disks].fd);
	while (r->n_nets > 0)
		run_net_close(&r->net[--r->n_nets]);
	run_vsock_close(&r->vsock_host);
	run_debug_close(&r->debug);
	rootfs_close(&r->rootfs);
}

/* The outcome of a set-up that failed. */
static void set_failed(struct outcome *out, const struct err *err, int status)
{
	*out = (struct outcome){ .reason = status == STATUS_NOEXEC
						   ? OUTCOME_NOEXEC
						   : OUTCOME_MONITOR_ERROR,
				 .status = status,
				 .err = *err };
}

/* Up to Linux 6.1 at least, io_uring reads a terminal in a kernel worker, where
 * job control cannot stop a background process: it gets an error instead. Disks
 * matter more: poll would wait for them. */
static enum loop_engine engine(const struct run_options *o)
{
	if (o->loop == LOOP_AUTO && o->console == CONSOLE_STDIO &&
	    o->n_disks == 0 && isatty(STDIN_FILENO))
		return LOOP_POLL;
	return o->loop;
}

/* What was given must also be used. */
static int check_used(const struct run *r, struct err *err)
{
	const struct run_options *o = &r->opt;

	if (machine_kind(r->machine) == BOOT_PROGRAM) {
		if (o->initrd)
			return err_set(err, -EINVAL,
				       "--initrd: %s is a program: it has none",
				       o->argv[0]);
		return 0;
	}
	if (o->argv[1] && !machine_takes_arguments(r->machine))
		return err_set(err, -EINVAL,
			       "'%s': %s is a kernel: it takes --kernel-args, "
			       "no arguments",
			       o->argv[1], o->argv[0]);
	if (o->rootfs)
		return err_set(err, -EINVAL,
			       "--rootfs: %s is a kernel: it takes --initrd",
			       o->argv[0]);
	if (o->n_env && !machine_takes_arguments(r->machine))
		return err_set(err, -EINVAL,
			       "--env: %s is a kernel: it has no environment",
			       o->argv[0]);
	if (o->debug.strace || o->debug.core || o->debug.gdb)
		return err_set(err, -EINVAL,
			       "--%s: %s is a kernel: this is for programs",
			       o->debug.strace ? "strace"
			       : o->debug.core ? "core"
					       : "gdb",
			       o->argv[0]);
	return 0;
}

static int set_up(struct run *r, int kvm_fd, struct err *err)
{
	AUTO_SRC struct boot_src image = { .fd = -1 };
	AUTO_SRC struct boot_src initrd = { .fd = -1 };
	int e;

	if (open_rootfs(r, err))
		return STATUS_ERROR;
	e = open_image(r, &image, err);
	if (e) /* the image's fault, unless this process may open no more */
		return e == -EMFILE || e == -ENFILE ? STATUS_ERROR
						    : STATUS_NOEXEC;
	if (r->opt.initrd &&
	    open_file(r->opt.initrd, "--initrd ", &initrd, err))
		return STATUS_ERROR;
	if (open_disks(r, err) || open_nets(r, err) || open_vsock(r, err) ||
	    open_control(r, err) ||
	    run_debug_open(&r->opt.debug, image.fd >= 0 ? r->opt.argv[0] : NULL,
			   &r->debug, err) ||
	    loop_new(is_deep(&r->opt) ? LOOP_ENTRIES_DEEP : LOOP_ENTRIES,
		     engine(&r->opt), &r->loop, err) ||
	    open_proxy(r, err) || catch_signals(r, err) ||
	    run_console_open(&r->opt, r->signal_fd, &r->console,
			     &r->early_signal, err))
		return STATUS_ERROR;
	e = make_machine(r, &image, &initrd, kvm_fd, err);
	if (e)
		return e == -ENOEXEC ? STATUS_NOEXEC : STATUS_ERROR;
	return check_used(r, err) || arm(r, err) ? STATUS_ERROR : 0;
}

static void run_guest(struct run *r, struct outcome *out)
{
	struct err err = { 0 };
	AUTO_FD kvm_fd = machine_open_kvm(&err);
	int status;

	if (kvm_fd < 0)
		status = STATUS_ERROR;
	else
		status = set_up(r, kvm_fd, &err);
	if (r->early_signal) {
		*out = (struct outcome){ .reason = OUTCOME_KILLED,
					 .signal = r->early_signal,
					 .status = STATUS_SIGNAL +
						   r->early_signal };
		return;
	}
	if (status && r->machine) { /* made, but not to be run */
		disarm(r);
		machine_free(r->machine);
		r->machine = NULL;
	}
	if (status) {
		set_failed(out, &err, status);
		report_failed(&err);
		return;
	}
	take_terminal(r);
	machine_run(r->machine, out);
	disarm(r);
	tty_restore();
}

/* Ends as the signal would have ended a command without handlers. */
static void die_of(int sig)
{
	sigset_t set;

	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(sig);
}

static int finish(struct run *r, const struct outcome *out, int record_fd,
		  uint64_t start_ns)
{
	struct report rep = { r->opt.argv[0], r->machine, out, start_ns };
	struct err err = { 0 };
	int status = out->status;
	bool has_core = false;

	if (r->machine && r->opt.verbose >= 0)
		report_end(&rep);
	if (r->machine &&
	    run_debug_finish(&r->debug, r->machine, &has_core, &err))
		report_failed(&err);
	if (has_core && r->opt.verbose >= 0)
		(void)fprintf(stderr, "mayfly: core: %s\n", r->opt.debug.core);
	err = (struct err){ 0 };
	if (record_fd >= 0 && report_record(&rep, record_fd, &err)) {
		report_failed(&err);
		status = STATUS_ERROR;
	}
	if (r->machine && r->opt.trace)
		report_trace(&rep);
	return status;
}

/* When this process began, as near as it can tell from the CPU it used. */
static uint64_t process_start_ns(void)
{
	return clock_mono_ns() - clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static int run_with(struct run *r, uint64_t start_ns)
{
	struct outcome out = { 0 };
	AUTO_FD record_fd = -1;
	int status;

	log_setup(STDERR_FILENO,
		  (enum log_level)((int)LOG_WARN + r->opt.verbose));
	if (r->opt.exit_record) {
		record_fd =
			open(r->opt.exit_record,
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (record_fd < 0) {
			(void)fprintf(stderr, "mayfly: --exit-record %s: %s\n",
				      r->opt.exit_record, strerror(errno));
			return STATUS_ERROR;
		}
	}
	run_guest(r, &out);
	status = finish(r, &out, record_fd, start_ns);
	free_machine(r);
	if (out.reason == OUTCOME_KILLED || out.reason == OUTCOME_OUTPUT_CLOSED)
		die_of(out.signal);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .signal_fd = -1,
			 .control = { .fd = -1 },
			 .debug = { .core_fd = -1,
				    .gdb_unix = { .fd = -1 },
				    .gdb_fd = -1 },
			 .rootfs = { .fd = -1 },
			 .console = { -1, -1, -1, { -1, -1 }, NULL } };
	uint64_t start_ns = process_start_ns();
	struct err err = { 0 };
	int status;

	if (run_options_parse(argc, argv, &r.opt, &err)) {
		(void)fprintf(stderr,
			      "mayfly run: %s\nTry 'mayfly run --help'.\n",
			      err.msg);
		return STATUS_ERROR;
	}
	if (r.opt.help)
		status = fputs(run_help, stdout) < 0 || fflush(stdout)
				 ? STATUS_ERROR
				 : 0;
	else
		status = run_with(&r, start_ns);
	run_options_fini(&r.opt);
	return status;
}
