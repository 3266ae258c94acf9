/* spawn_bench.c: how long processes take from spawn to first output byte, to
 * being reaped, and until nothing they started is left; and what many of them
 * alive at once cost the host.
 *
 *   spawn_bench time ROUNDS OUT.json -- NAME CMD... [-- NAME CMD...]...
 *   spawn_bench grow COUNT GUEST-BYTES OUT.json -- CMD...
 *
 * `time` interleaves: one run of each case a round, in order, so that a noisy
 * minute hits them all. stdout is a pipe read here, stdin and stderr are
 * /dev/null. Orphans are adopted (PR_SET_CHILD_SUBREAPER), so the teardown a
 * program leaves to a helper process is seen too: the column "gone".
 * `grow` starts COUNT copies that say a byte when they are up and then stay;
 * "{}" in an argument is the copy's number, from 0 on.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX  16
#define ARGS_MAX   64
#define ARG_LEN    256
#define WARMUP     2
#define NS_PER_US  1000.0
#define BYTE_LIMIT 60000 /* ms without a first byte before we give up */

extern char **environ;

/* Nanoseconds after the spawn call began; 0 when it did not happen. */
struct sample {
	uint64_t first_byte, reaped, gone;
	int status;
};

struct bench_case {
	const char *name;
	char **argv;
	struct sample *samples;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Starts argv with stdout to a new pipe; *ret_out is its read end. */
static pid_t spawn(char **argv, int *ret_out)
{
	posix_spawn_file_actions_t fa;
	int p[2], rc;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		die("pipe2");
	if (posix_spawn_file_actions_init(&fa) ||
	    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY,
					     0) ||
	    posix_spawn_file_actions_adddup2(&fa, p[1], 1) ||
	    posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0))
		die("posix_spawn_file_actions");
	rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	if (rc) {
		errno = rc;
		die(argv[0]);
	}
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(p[1]);
	*ret_out = p[0];
	return pid;
}

/* Waits for every child, adopted ones included. */
static void reap_all(void)
{
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static struct sample run_once(char **argv)
{
	struct sample s = { 0 };
	uint64_t t0 = now_ns();
	char buf[4096];
	ssize_t n;
	int out;
	pid_t pid = spawn(argv, &out);

	/* A helper may keep the pipe open after the program has ended, so
	 * only the first read is waited for. */
	n = read(out, buf, sizeof(buf));
	if (n > 0)
		s.first_byte = now_ns() - t0;
	while (n > 0) {
		struct pollfd p = { .fd = out, .events = POLLIN };
		siginfo_t si = { 0 };

		if (waitid(P_PID, (id_t)pid, &si,
			   WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    si.si_pid == pid)
			break;
		if (poll(&p, 1, 1) > 0)
			n = read(out, buf, sizeof(buf));
	}
	if (waitpid(pid, &s.status, 0) != pid)
		die("waitpid");
	s.reaped = now_ns() - t0;
	reap_all();
	s.gone = now_ns() - t0;
	(void)close(out);
	return s;
}

static int cmp_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct summary {
	double median, p99, min, max; /* us */
};

static struct summary summarize(const struct sample *s, unsigned n, size_t off)
{
	uint64_t *v = calloc(n, sizeof(*v));
	struct summary r;
	unsigned i;

	if (!v)
		die("calloc");
	for (i = 0; i < n; i++)
		memcpy(&v[i], (const char *)&s[i] + off, sizeof(v[i]));
	qsort(v, n, sizeof(*v), cmp_u64);
	r.min = (double)v[0] / NS_PER_US;
	r.median = (double)(v[(n - 1) / 2] + v[n / 2]) / 2 / NS_PER_US;
	r.p99 = (double)v[(n * 99 + 99) / 100 - 1] / NS_PER_US;
	r.max = (double)v[n - 1] / NS_PER_US;
	free(v);
	return r;
}

static void json_string(FILE *f, const char *s)
{
	(void)fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			(void)fprintf(f, "\\u%04x", (unsigned)*s);
		else
			(void)fputc(*s, f);
	}
	(void)fputc('"', f);
}

static void json_command(FILE *f, char **argv)
{
	(void)fputs("\"command\": [", f);
	for (unsigned i = 0; argv[i]; i++) {
		if (i)
			(void)fputs(", ", f);
		json_string(f, argv[i]);
	}
	(void)fputc(']', f);
}

static void json_column(FILE *f, const char *name, const struct bench_case *c,
			unsigned n, size_t off)
{
	struct summary r = summarize(c->samples, n, off);
	uint64_t ns;

	(void)fprintf(f,
		      ",\n  \"%s\": {\"median\": %.1f, \"p99\": %.1f, "
		      "\"min\": %.1f, \"max\": %.1f, \"us\": [",
		      name, r.median, r.p99, r.min, r.max);
	for (unsigned i = 0; i < n; i++) {
		memcpy(&ns, (const char *)&c->samples[i] + off, sizeof(ns));
		(void)fprintf(f, "%s%.1f", i ? ", " : "",
			      (double)ns / NS_PER_US);
	}
	(void)fputs("]}", f);
}

static void report(const struct bench_case *c, unsigned n, FILE *f, bool last)
{
	static const struct {
		const char *name;
		size_t off;
	} columns[] = {
		{ "first_byte", offsetof(struct sample, first_byte) },
		{ "reaped", offsetof(struct sample, reaped) },
		{ "gone", offsetof(struct sample, gone) },
	};

	(void)fputs(" {\"name\": ", f);
	json_string(f, c->name);
	(void)fputs(", ", f);
	json_command(f, c->argv);
	printf("%-22s", c->name);
	for (unsigned i = 0; i < 3; i++) {
		struct summary r = summarize(c->samples, n, columns[i].off);

		json_column(f, columns[i].name, c, n, columns[i].off);
		printf(" %8.2f %8.2f %8.2f ", r.median / 1000, r.p99 / 1000,
		       r.min / 1000);
	}
	printf("\n");
	(void)fprintf(f, "}%s\n", last ? "" : ",");
}

static int bench_time(unsigned rounds, const char *path, char **args)
{
	struct bench_case cases[CASES_MAX];
	unsigned n_cases = 0, i, c;
	int bad = 0;
	FILE *f;

	/* The argument vector is cut into cases at each "--". */
	for (i = 0; args[i]; i++) {
		if (strcmp(args[i], "--") != 0)
			continue;
		args[i] = NULL;
		if (!args[i + 1] || !args[i + 2] || n_cases == CASES_MAX)
			return 2;
		cases[n_cases].name = args[i + 1];
		cases[n_cases].argv = &args[i + 2];
		cases[n_cases].samples = calloc(rounds, sizeof(struct sample));
		if (!cases[n_cases].samples)
			die("calloc");
		n_cases++;
	}
	for (i = 0; i < WARMUP + rounds; i++) {
		for (c = 0; c < n_cases; c++) {
			struct sample s = run_once(cases[c].argv);

			if (i >= WARMUP)
				cases[c].samples[i - WARMUP] = s;
			/* Some programs end by a debug-exit port's value. */
			if (i == 0 && s.status != 0) {
				(void)fprintf(stderr, "%s: wait status %#x\n",
					      cases[c].name,
					      (unsigned)s.status);
				bad |= WIFSIGNALED(s.status);
			}
		}
	}
	f = fopen(path, "w");
	if (!f)
		die(path);
	printf("%-22s %-27s %-27s %s\n", "ms, from the spawn to:", "first byte",
	       "reaped", "gone");
	printf("%-22s", "");
	for (i = 0; i < 3; i++)
		printf(" %8s %8s %8s ", "median", "p99", "min");
	printf("\n");
	(void)fputs("[\n", f);
	for (c = 0; c < n_cases; c++)
		report(&cases[c], rounds, f, c + 1 == n_cases);
	(void)fputs("]\n", f);
	(void)fclose(f);
	return bad;
}

/* --- grow ---------------------------------------------------------------- */

static const char *const meminfo_names[] = {
	"MemAvailable", "MemFree", "AnonPages",   "Shmem",       "Slab",
	"SUnreclaim",   "Percpu",  "VmallocUsed", "KernelStack", "PageTables",
};
#define N_MEMINFO (sizeof(meminfo_names) / sizeof(meminfo_names[0]))

static void meminfo(double *kib)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128], name[64];
	double v;

	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^:]: %lf", name, &v) != 2)
			continue;
		for (unsigned i = 0; i < N_MEMINFO; i++)
			if (strcmp(name, meminfo_names[i]) == 0)
				kib[i] = v;
	}
	(void)fclose(f);
}

struct pss {
	double own, guest; /* KiB */
	unsigned threads, procs;
};

/* A mapping of the guest's size or more is its RAM (perhaps in two parts of
 * different sizes, which a guest this small does not have). */
static void pss_of(const char *pid, uint64_t guest_len, struct pss *sum)
{
	char path[64], line[512];
	unsigned long lo, hi;
	uint64_t len = 0;
	double kib;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/smaps", pid);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
			len = hi - lo;
		else if (sscanf(line, "Pss: %lf", &kib) == 1)
			*(len >= guest_len ? &sum->guest : &sum->own) += kib;
	}
	(void)fclose(f);
	sum->procs++;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		unsigned n;

		if (sscanf(line, "Threads: %u", &n) == 1)
			sum->threads += n;
	}
	(void)fclose(f);
}

/* A process and all below it. */
static void pss_tree(const char *pid, uint64_t guest_len, struct pss *sum)
{
	char path[128], child[24];
	FILE *f;

	pss_of(pid, guest_len, sum);
	(void)snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/children",
		       pid, pid);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fscanf(f, "%23s", child) == 1)
		pss_tree(child, guest_len, sum);
	(void)fclose(f);
}

static int wait_byte(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	return poll(&p, 1, BYTE_LIMIT) == 1 && read(fd, &c, 1) == 1 ? 0 : -1;
}

/* Starts copy `nth`. */
static pid_t spawn_nth(char **argv, unsigned nth, int *ret_out)
{
	char *args[ARGS_MAX + 1], text[ARGS_MAX][ARG_LEN];
	unsigned i = 0;

	for (; argv[i]; i++) {
		const char *hole = strstr(argv[i], "{}");

		if (i == ARGS_MAX)
			die("too many arguments");
		args[i] = argv[i];
		if (!hole)
			continue;
		if (snprintf(text[i], ARG_LEN, "%.*s%u%s",
			     (int)(hole - argv[i]), argv[i], nth,
			     hole + 2) >= ARG_LEN)
			die("a long argument");
		args[i] = text[i];
	}
	args[i] = NULL;
	return spawn(args, ret_out);
}

static int bench_grow(unsigned count, uint64_t guest_len, const char *path,
		      char **argv)
{
	double before[N_MEMINFO] = { 0 }, after[N_MEMINFO] = { 0 };
	pid_t *pids = calloc(count, sizeof(*pids));
	struct timespec settle = { .tv_sec = 2 };
	struct pss one = { 0 }, all = { 0 };
	int *outs = calloc(count, sizeof(*outs));
	uint64_t t0, up_ns, down_ns;
	unsigned i, up = 0;
	FILE *f = fopen(path, "w");
	char pid[24];

	if (!pids || !outs || !f)
		die("grow");
	/* One that is thrown away fills the page cache with the program. */
	pids[0] = spawn_nth(argv, 0, &outs[0]);
	if (wait_byte(outs[0]))
		die("the command printed nothing");
	(void)snprintf(pid, sizeof(pid), "%d", pids[0]);
	pss_tree(pid, guest_len, &one);
	(void)kill(pids[0], SIGTERM);
	reap_all();
	(void)close(outs[0]);
	(void)nanosleep(&settle, NULL);

	meminfo(before);
	t0 = now_ns();
	for (i = 0; i < count; i++) {
		pids[i] = spawn_nth(argv, i, &outs[i]);
		up += wait_byte(outs[i]) == 0;
	}
	up_ns = now_ns() - t0;
	(void)nanosleep(&settle, NULL);
	meminfo(after);
	for (i = 0; i < count; i++) {
		(void)snprintf(pid, sizeof(pid), "%d", pids[i]);
		pss_tree(pid, guest_len, &all);
	}
	t0 = now_ns();
	for (i = 0; i < count; i++)
		(void)kill(pids[i], SIGTERM);
	reap_all();
	down_ns = now_ns() - t0;

	(void)fputs("{", f);
	json_command(f, argv);
	(void)fprintf(f,
		      ", \"count\": %u, \"up\": %u,\n \"alone_pss_kib\": "
		      "{\"own\": %.0f, \"guest\": %.0f}, \"pss_kib_per_vm\": "
		      "{\"own\": %.1f, \"guest\": %.1f},\n"
		      " \"processes_per_vm\": %.2f, \"threads_per_vm\": %.2f, "
		      "\"start_ms_per_vm\": %.3f, \"stop_ms_per_vm\": %.3f,\n"
		      " \"meminfo_kib_per_vm\": {",
		      count, up, one.own, one.guest, all.own / count,
		      all.guest / count, (double)all.procs / count,
		      (double)all.threads / count, (double)up_ns / 1e6 / count,
		      (double)down_ns / 1e6 / count);
	printf("%u of %u up, %.2f ms each to start, %.2f ms each to stop\n", up,
	       count, (double)up_ns / 1e6 / count,
	       (double)down_ns / 1e6 / count);
	printf("KiB per VM: PSS beside guest RAM %.1f (alone %.0f), guest RAM "
	       "%.1f (alone %.0f); %.2f processes, %.2f threads\n",
	       all.own / count, one.own, all.guest / count, one.guest,
	       (double)all.procs / count, (double)all.threads / count);
	printf("KiB per VM, change of /proc/meminfo:");
	for (i = 0; i < N_MEMINFO; i++) {
		double d = (after[i] - before[i]) / count;

		(void)fprintf(f, "%s\"%s\": %.2f", i ? ", " : "",
			      meminfo_names[i], d);
		printf(" %s %+.1f", meminfo_names[i], d);
	}
	printf("\n");
	(void)fputs("}}\n", f);
	(void)fclose(f);
	free(pids);
	free(outs);
	return up == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("prctl");
	if (argc > 5 && strcmp(argv[1], "time") == 0)
		return bench_time((unsigned)atoi(argv[2]), argv[3], argv + 4);
	if (argc > 6 && strcmp(argv[1], "grow") == 0 &&
	    strcmp(argv[5], "--") == 0)
		return bench_grow((unsigned)atoi(argv[2]),
				  strtoull(argv[3], NULL, 0), argv[4],
				  argv + 6);
	(void)fprintf(stderr, "usage: see the top of bench/spawn_bench.c\n");
	return 2;
}
