/* run_options.c: see run_options.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "vmm/machine.h"

#define MEM_DEFAULT (64ull << 20)
#define MEM_MIN     (1ull << 20)

const char run_help[] =
	"mayfly run - boot an image or a program in a virtual machine\n"
	"\n"
	"usage: mayfly run [OPTION]... IMAGE [ARG]...\n"
	"\n"
	"IMAGE is a Linux program (x86-64 ELF; static, or with a --rootfs "
	"that\n"
	"has what it needs), a kernel with a PVH entry, a Linux vmlinux or a\n"
	"bzImage. A program gets ARGs as its arguments and runs under "
	"mayfly's\n"
	"own guest kernel; a kernel takes none. mayfly exits with the guest's\n"
	"exit status.\n"
	"\n"
	"  -m, --memory SIZE       guest memory, like 64M or 2G (default 64M)\n"
	"  -c, --cpus N            virtual CPUs, 1 to 32 (default 1)\n"
	"      --kernel-args STR   kernel command line\n"
	"      --initrd FILE       initial RAM disk of a kernel\n"
	"      --rootfs SOURCE     root of a program: a directory, a tar or "
	"cpio\n"
	"                          archive, or an image of mayfly pack, read "
	"into\n"
	"                          guest memory; IMAGE may be a path in it\n"
	"      --disk FILE[,WORD]...\n"
	"                          a disk, up to 8, the first is vda; FILE is "
	"a\n"
	"                          regular file or a block device; words: ro,\n"
	"                          direct (O_DIRECT), id=NAME, serial=TEXT,\n"
	"                          queues=N (1 to 8, default 1); limits, on\n"
	"                          average: bw=RATE (bytes a second, like "
	"10M),\n"
	"                          iops=N; bw-burst=SIZE, iops-burst=N: what "
	"a\n"
	"                          pause saves up (default a tenth of a "
	"second)\n"
	"      --net tap=NAME|fd=N[,WORD]...\n"
	"                          a network card on a tap of the host, up to "
	"4;\n"
	"                          words: mac=ADDRESS, spoof=on|off, mtu=N,\n"
	"                          queues=N (1 to 8, default 1), limits as "
	"above\n"
	"      --vsock cid=N,path=SOCK\n"
	"                          sockets between guest (address N, from 3 "
	"on)\n"
	"                          and host: a client connects to SOCK and "
	"says\n"
	"                          CONNECT PORT, the guest's port P is SOCK_P\n"
	"      --publish [ADDR:]PORT:GUESTPORT[/tcp|/udp]\n"
	"                          a port of the host that is the program's;\n"
	"                          ADDR is 127.0.0.1 unless given, 0.0.0.0 "
	"for\n"
	"                          everybody, IPv6 in [brackets]; PORT 0 is "
	"any\n"
	"                          free one, named on stderr (repeatable)\n"
	"      --egress none|all|DEST:PORTS[,DEST:PORTS]...\n"
	"                          where a program may connect to: a name, an\n"
	"                          address or NET/BITS; PORTS like 443,\n"
	"                          8000-8999 or * (default none; all leaves "
	"out\n"
	"                          the host itself and link-local addresses)\n"
	"      --resolver ADDR[:PORT]\n"
	"                          who answers a program's DNS queries "
	"(default:\n"
	"                          as /etc/resolv.conf says)\n"
	"      --balloon on|WORD[,WORD]...\n"
	"                          a memory balloon; words: size=SIZE (to "
	"take\n"
	"                          at first), stats=SECONDS, reporting, "
	"hinting,\n"
	"                          deflate-on-oom\n"
	"      --control SOCK      control the machine by HTTP over this Unix\n"
	"                          socket (see the manual)\n"
	"      --env K=V           environment of a program (repeatable)\n"
	"      --strace            a program's system calls, a line each, on "
	"stderr\n"
	"      --core FILE         write a core file if the program dies of a\n"
	"                          signal\n"
	"      --gdb unix:PATH|PORT[,nowait]\n"
	"                          wait there (a port of 127.0.0.1) for gdb "
	"before\n"
	"                          the program starts; nowait: start at once\n"
	"      --console WHERE     stdio (default), none, file:PATH (output\n"
	"                          only), or unix:PATH: listen there and wait\n"
	"                          for one connection before the guest starts\n"
	"      --timeout DURATION  end the guest after this time: 10, 1.5s,\n"
	"                          200ms, 5m, 2h (exit status 124)\n"
	"      --boot HOW          auto (default), pvh, linux or program\n"
	"      --legacy LIST       add old PC devices: serial, pit, rtc, "
	"i8042\n"
	"      --huge-pages HOW    off (default, whatever the host does for "
	"others),\n"
	"                          or thp: transparent huge pages behind "
	"guest\n"
	"                          memory, quicker for large direct I/O and "
	"large\n"
	"                          guests, but 2 MiB at a time\n"
	"      --loop ENGINE       uring, poll or auto (default): uring, or "
	"poll\n"
	"                          on a terminal and where uring is forbidden\n"
	"      --trace             a timeline in microseconds on stderr\n"
	"      --exit-record FILE  write how the guest ended, as JSON\n"
	"  -v, --verbose           say more; twice: say much more\n"
	"  -q, --quiet             errors only\n"
	"  -h, --help              this text\n"
	"\n"
	"On a terminal, a kernel's console is raw: Ctrl-] ends the guest. A\n"
	"program's terminal stays as it is: Ctrl-C ends it.\n"
	"\n"
	"exit status:\n"
	"  0..255  the guest's own; 0 also when a kernel powers off\n"
	"  120     the guest asked for a reset (a reboot; a panic with "
	"panic=-1)\n"
	"  121     triple fault\n"
	"  122     KVM could not go on with the guest\n"
	"  123     the guest kernel of a program gave up\n"
	"  124     --timeout was reached\n"
	"  125     mayfly itself failed: options, host, files\n"
	"  126     the image cannot run\n"
	"  128+N   the guest died of signal N; or mayfly did\n";

enum {
	OPT_KERNEL_ARGS = 256,
	OPT_INITRD,
	OPT_ROOTFS,
	OPT_DISK,
	OPT_VSOCK,
	OPT_PUBLISH,
	OPT_EGRESS,
	OPT_RESOLVER,
	OPT_NET,
	OPT_BALLOON,
	OPT_CONTROL,
	OPT_ENV,
	OPT_STRACE,
	OPT_CORE,
	OPT_GDB,
	OPT_CONSOLE,
	OPT_TIMEOUT,
	OPT_BOOT,
	OPT_LEGACY,
	OPT_HUGE_PAGES,
	OPT_LOOP,
	OPT_TRACE,
	OPT_EXIT_RECORD,
};

static const struct option options[] = {
	{ "memory", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "kernel-args", required_argument, NULL, OPT_KERNEL_ARGS },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "rootfs", required_argument, NULL, OPT_ROOTFS },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "vsock", required_argument, NULL, OPT_VSOCK },
	{ "publish", required_argument, NULL, OPT_PUBLISH },
	{ "egress", required_argument, NULL, OPT_EGRESS },
	{ "resolver", required_argument, NULL, OPT_RESOLVER },
	{ "net", required_argument, NULL, OPT_NET },
	{ "balloon", required_argument, NULL, OPT_BALLOON },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "env", required_argument, NULL, OPT_ENV },
	{ "strace", no_argument, NULL, OPT_STRACE },
	{ "core", required_argument, NULL, OPT_CORE },
	{ "gdb", required_argument, NULL, OPT_GDB },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "boot", required_argument, NULL, OPT_BOOT },
	{ "legacy", required_argument, NULL, OPT_LEGACY },
	{ "huge-pages", required_argument, NULL, OPT_HUGE_PAGES },
	{ "loop", required_argument, NULL, OPT_LOOP },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "exit-record", required_argument, NULL, OPT_EXIT_RECORD },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct arg_word boot_words[] = {
	{ "auto", BOOT_AUTO },
	{ "pvh", BOOT_PVH },
	{ "linux", BOOT_LINUX },
	{ "program", BOOT_PROGRAM },
};
static const struct arg_word legacy_words[] = {
	{ "serial", MACHINE_LEGACY_SERIAL },
	{ "pit", MACHINE_LEGACY_PIT },
	{ "rtc", MACHINE_LEGACY_RTC },
	{ "i8042", MACHINE_LEGACY_I8042 },
};
static const struct arg_word huge_words[] = {
	{ "off", false },
	{ "thp", true },
};
static const struct arg_word loop_words[] = {
	{ "auto", LOOP_AUTO },
	{ "uring", LOOP_URING },
	{ "poll", LOOP_POLL },
};

static int parse_console(const char *s, struct run_options *o, struct err *err)
{
	if (strcmp(s, "stdio") == 0) {
		o->console = CONSOLE_STDIO;
	} else if (strcmp(s, "none") == 0) {
		o->console = CONSOLE_NONE;
	} else if (strncmp(s, "file:", 5) == 0 && s[5]) {
		o->console = CONSOLE_FILE;
		o->console_path = s + 5;
	} else if (strncmp(s, "unix:", 5) == 0 && s[5]) {
		o->console = CONSOLE_UNIX;
		o->console_path = s + 5;
	} else {
		return err_set(err, -EINVAL,
			       "'%s': allowed is stdio, none, file:PATH or "
			       "unix:PATH",
			       s);
	}
	return 0;
}

static int parse_env(char *s, struct run_options *o, struct err *err)
{
	if (!strchr(s, '=') || s[0] == '=')
		return err_set(err, -EINVAL, "'%s': allowed is NAME=VALUE", s);
	o->env[o->n_env++] = s;
	return 0;
}

static int parse_disk(const char *s, struct run_options *o, struct err *err)
{
	struct run_disk *d = &o->disk[o->n_disks];

	if (o->n_disks == MACHINE_DISKS_MAX)
		return err_set(err, -EINVAL, "'%s': allowed are %u disks", s,
			       MACHINE_DISKS_MAX);
	if (run_disk_parse(s, o->n_disks, d, err))
		return err->code;
	o->n_disks++;
	for (const struct run_disk *e = o->disk; e < d; e++)
		if (strcmp(e->id, d->id) == 0)
			return err_set(err, -EINVAL,
				       "id='%s': another disk has it", d->id);
	return 0;
}

static int parse_net(const char *s, struct run_options *o, struct err *err)
{
	struct run_net *n = &o->net[o->n_nets];

	if (o->n_nets == MACHINE_NETS_MAX)
		return err_set(err, -EINVAL, "'%s': allowed are %u networks", s,
			       MACHINE_NETS_MAX);
	if (run_net_parse(s, n, err))
		return err->code;
	o->n_nets++;
	for (const struct run_net *e = o->net; e < n; e++)
		if (strcmp(e->name, n->name) == 0)
			return err_set(err, -EINVAL, "%s: another --net has it",
				       n->name);
	return 0;
}

static int parse_balloon(const char *s, struct run_options *o, struct err *err)
{
	if (o->has_balloon)
		return err_set(err, -EINVAL, "'%s': a machine has one balloon",
			       s);
	o->has_balloon = true;
	return run_balloon_parse(s, &o->balloon, err);
}

static int parse_proxy(int (*parse)(struct run_proxy *p, const char *s,
				    struct err *err),
		       struct run_options *o, struct err *err)
{
	if (!o->proxy)
		o->proxy = run_proxy_new();
	if (!o->proxy)
		return err_set(err, -ENOMEM, "options");
	return parse(o->proxy, optarg, err);
}

static int parse_debug(int opt, struct run_debug *o, struct err *err)
{
	switch (opt) {
	case OPT_STRACE:
		o->strace = true;
		return 0;
	case OPT_CORE:
		o->core = optarg;
		return 0;
	default:
		return run_debug_parse_gdb(optarg, o, err);
	}
}

static int parse_vsock(const char *s, struct run_options *o, struct err *err)
{
	if (o->vsock.cid)
		return err_set(err, -EINVAL, "'%s': allowed is one vsock", s);
	return run_vsock_parse(s, &o->vsock, err);
}

/* What the machine reaches the world through. */
static int parse_device(int opt, struct run_options *o, struct err *err)
{
	switch (opt) {
	case OPT_DISK:
		return parse_disk(optarg, o, err);
	case OPT_NET:
		return parse_net(optarg, o, err);
	case OPT_VSOCK:
		return parse_vsock(optarg, o, err);
	case OPT_PUBLISH:
		return parse_proxy(run_proxy_publish, o, err);
	case OPT_EGRESS:
		return parse_proxy(run_proxy_egress, o, err);
	case OPT_RESOLVER:
		return parse_proxy(run_proxy_resolver, o, err);
	default:
		return parse_balloon(optarg, o, err);
	}
}

static int parse_one(int opt, struct run_options *o, struct err *err)
{
	unsigned v = 0;
	int r = 0;

	switch (opt) {
	case 'm':
		r = arg_size(optarg, MEM_MIN, LAYOUT_MEM_MAX, &o->mem_len, err);
		o->mem_len &= ~(PAGE_LEN - 1);
		break;
	case 'c':
		r = arg_number(optarg, 1, BOOT_CPUS_MAX, &o->n_cpus, err);
		break;
	case OPT_KERNEL_ARGS:
		o->kernel_args = optarg;
		break;
	case OPT_INITRD:
		o->initrd = optarg;
		break;
	case OPT_ROOTFS:
		o->rootfs = optarg;
		break;
	case OPT_DISK:
	case OPT_NET:
	case OPT_VSOCK:
	case OPT_PUBLISH:
	case OPT_EGRESS:
	case OPT_RESOLVER:
	case OPT_BALLOON:
		r = parse_device(opt, o, err);
		break;
	case OPT_CONTROL:
		o->control = optarg;
		break;
	case OPT_ENV:
		r = parse_env(optarg, o, err);
		break;
	case OPT_STRACE:
	case OPT_CORE:
	case OPT_GDB:
		r = parse_debug(opt, &o->debug, err);
		break;
	case OPT_CONSOLE:
		r = parse_console(optarg, o, err);
		break;
	case OPT_TIMEOUT:
		r = arg_duration(optarg, &o->timeout_ns, err);
		break;
	case OPT_BOOT:
		r = arg_choice(optarg, boot_words, ARRAY_SIZE(boot_words), &v,
			       err);
		o->boot = (enum boot_kind)v;
		break;
	case OPT_LEGACY:
		r = arg_set(optarg, legacy_words, ARRAY_SIZE(legacy_words),
			    &o->legacy, err);
		break;
	case OPT_HUGE_PAGES:
		r = arg_choice(optarg, huge_words, ARRAY_SIZE(huge_words), &v,
			       err);
		o->huge_pages = v;
		break;
	case OPT_LOOP:
		r = arg_choice(optarg, loop_words, ARRAY_SIZE(loop_words), &v,
			       err);
		o->loop = (enum loop_engine)v;
		break;
	case OPT_TRACE:
		o->trace = true;
		break;
	case OPT_EXIT_RECORD:
		o->exit_record = optarg;
		break;
	case 'v':
		o->verbose = o->verbose < 1 ? 1 : 2;
		break;
	case 'q':
		o->verbose = -1;
		break;
	default:
		o->help = true;
		break;
	}
	return r;
}

/* The option as the user wrote it, for messages. */
static void name_option(int opt, int index, char *buf, size_t len)
{
	if (index >= 0)
		(void)snprintf(buf, len, "--%s", options[index].name);
	else
		(void)snprintf(buf, len, "-%c", opt);
}

int run_options_parse(int argc, char **argv, struct run_options *ret,
		      struct err *err)
{
	struct run_options o = { .mem_len = MEM_DEFAULT,
				 .n_cpus = 1,
				 .kernel_args = "" };
	int opt, index = -1, r = 0;
	char name[40];

	o.env = calloc((size_t)argc + 1, sizeof(*o.env));
	if (!o.env)
		return err_set(err, -ENOMEM, "options");
	opterr = 0;
	optind = 1;
	/* '+': what follows IMAGE belongs to the guest */
	while (!r && !o.help &&
	       (opt = getopt_long(argc, argv, "+:m:c:vqh", options, &index)) !=
		       -1) {
		if (opt == '?')
			r = err_set(err, -EINVAL,
				    "%s: no such option (or not one that "
				    "takes a value)",
				    argv[optind - 1]);
		else if (opt == ':')
			r = err_set(err, -EINVAL, "%s: needs a value",
				    argv[optind - 1]);
		else if (parse_one(opt, &o, err)) {
			name_option(opt, index, name, sizeof(name));
			r = err_wrap(err, "%s", name);
		}
		index = -1;
	}
	if (!r && !o.help && o.has_balloon)
		r = run_balloon_check(&o.balloon, o.mem_len, err);
	if (!r && !o.help && optind >= argc)
		r = err_set(err, -EINVAL, "no IMAGE given");
	if (r) {
		run_options_fini(&o);
		return r;
	}
	o.argv = argv + optind;
	*ret = o;
	return 0;
}

void run_options_fini(struct run_options *o)
{
	while (o->n_disks > 0)
		run_disk_fini(&o->disk[--o->n_disks]);
	while (o->n_nets > 0)
		run_net_fini(&o->net[--o->n_nets]);
	run_proxy_free(o->proxy);
	o->proxy = NULL;
	free(o->env);
	o->env = NULL;
}
