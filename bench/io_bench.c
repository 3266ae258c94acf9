/* io_bench.c: runs programs that speak the protocol of bench/tally.h against
 * each other and tabulates what they did and what it cost the host.
 *
 *   io_bench ROUNDS OUT.json TITLE [cold FILE|warm FILE|count INTERFACE]
 *            [peer CMD...] -- NAME CMD... [-- NAME CMD...]...
 *
 * One run of each case a round, in order, after one that does not count, so
 * that a noisy minute hits them all. Before each run FILE is written back and
 * taken out of the page cache (cold) or read into it (warm). Operations are
 * frames that INTERFACE must have received (count). A peer is started for
 * each run, once it said "ready", and killed after it; its processor time is
 * not counted.
 *
 * The processor time is that of the process with all its threads, a monitor's
 * virtual CPUs among them, from "begin" to "end". What cases are compared with
 * is the first, the host, and the best whose name begins with QEMU.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX 16
#define WARMUP    1
#define NS_PER_US 1000.0
#define LIMIT_S   60   /* of one run */
#define LATE_NS   20e6 /* that a word may take to reach us */

extern char **environ;

/* As the program says it, but for the two that we measure. */
struct sample {
	double ops, bytes, ns, min_ns, p50_ns, p99_ns;
	double wall_ns, cpu_ns; /* from "begin" to "end" */
	double counted;
};

/* What is the same for all cases. */
struct bench {
	const char *cold, *warm, *count; /* FILE or INTERFACE, or NULL */
	char **peer;                     /* or NULL */
};

struct bench_case {
	const char *name;
	char **argv;
	struct sample *samples;
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts))
		die("clock_gettime");
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static pid_t helper;           /* the peer, or 0 */
static volatile pid_t running; /* killed when LIMIT_S have passed */

static void out_of_time(int signal)
{
	(void)signal;
	(void)kill(running, SIGKILL);
}

/* --- a run ---------------------------------------------------------------- */

static pid_t spawn(char **argv, int *ret_in, FILE **ret_out)
{
	posix_spawn_file_actions_t fa;
	int in[2], out[2], rc;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe2");
	if (posix_spawn_file_actions_init(&fa) ||
	    posix_spawn_file_actions_adddup2(&fa, in[0], 0) ||
	    posix_spawn_file_actions_adddup2(&fa, out[1], 1))
		die("posix_spawn_file_actions");
	rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	if (rc) {
		errno = rc;
		die(argv[0]);
	}
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(in[0]);
	(void)close(out[1]);
	*ret_in = in[1];
	*ret_out = fdopen(out[0], "r");
	if (!*ret_out)
		die("fdopen");
	return pid;
}

/* Frames that an interface of this network namespace has received. */
static double frames_of(const char *interface)
{
	FILE *f = fopen("/proc/self/net/dev", "r");
	char line[512], name[64];
	double n = -1, packets;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %63[^:]: %*s %lf", name, &packets) == 2 &&
		    strcmp(name, interface) == 0)
			n = packets;
	if (!f || n < 0 || fclose(f))
		die(interface);
	return n;
}

/* What passed between two words, while the program waits for us. */
static void look(const struct bench *b, clockid_t cpu, int in, double sign,
		 struct sample *s)
{
	if (b->count)
		s->counted += sign * frames_of(b->count);
	s->cpu_ns += sign * (double)clock_ns(cpu);
	s->wall_ns += sign * (double)clock_ns(CLOCK_MONOTONIC);
	if (write(in, "\n", 1) != 1)
		die("write");
}

/* The report; what else the program says is for people. */
static bool read_report(const struct bench *b, FILE *out, clockid_t cpu, int in,
			struct sample *s)
{
	char line[512];
	bool good = false;

	while (fgets(line, sizeof(line), out)) {
		line[strcspn(line, "\r\n")] = 0;
		if (strcmp(line, "begin") == 0) {
			look(b, cpu, in, -1, s);
		} else if (strcmp(line, "end") == 0) {
			look(b, cpu, in, 1, s);
		} else if (sscanf(line,
				  "ops=%lf bytes=%lf ns=%lf min=%lf p50=%lf "
				  "p99=%lf",
				  &s->ops, &s->bytes, &s->ns, &s->min_ns,
				  &s->p50_ns, &s->p99_ns) == 6) {
			good = s->ops > 0 && s->ns > 0;
		} else {
			(void)fprintf(stderr, "%s\n", line);
		}
	}
	return good;
}

static struct sample run_once(const struct bench *b, const struct bench_case *c)
{
	struct sample s = { 0 };
	FILE *out;
	int in, status, rc;
	pid_t pid = spawn(c->argv, &in, &out);
	clockid_t cpu;
	bool good;

	rc = clock_getcpuclockid(pid, &cpu);
	if (rc) {
		errno = rc;
		die("clock_getcpuclockid");
	}
	running = pid;
	(void)alarm(LIMIT_S);
	good = read_report(b, out, cpu, in, &s);
	(void)fclose(out);
	(void)close(in);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	(void)alarm(0);
	if (!good) {
		(void)fprintf(stderr, "%s: no report, wait status %#x\n",
			      c->name, (unsigned)status);
		if (helper > 0)
			(void)kill(helper, SIGKILL);
		exit(1);
	}
	/* a guest's clock that runs at another speed would make figures */
	if (s.ns > 1.02 * s.wall_ns || s.ns < 0.98 * s.wall_ns - LATE_NS)
		(void)fprintf(stderr,
			      "%s: says %.1f ms, the host saw %.1f ms\n",
			      c->name, s.ns / 1e6, s.wall_ns / 1e6);
	if (b->count && (s.counted < 0.99 * s.ops || s.counted > 1.01 * s.ops))
		(void)fprintf(stderr, "%s: says %.0f frames, %s saw %.0f\n",
			      c->name, s.ops, b->count, s.counted);
	return s;
}

/* The same beside a peer. */
static struct sample run_with_peer(const struct bench *b,
				   const struct bench_case *c)
{
	char line[16] = "";
	struct sample s;
	FILE *out;
	int in;
	pid_t pid = spawn(b->peer, &in, &out);

	if (!fgets(line, sizeof(line), out) || strcmp(line, "ready\n") != 0) {
		(void)fprintf(stderr, "%s: not ready\n", b->peer[0]);
		exit(1);
	}
	helper = pid;
	s = run_once(b, c);
	helper = 0;
	(void)kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
	(void)fclose(out);
	(void)close(in);
	return s;
}

/* --- the page cache ------------------------------------------------------- */

static void set_cache(const struct bench *b)
{
	static char buf[1 << 20];
	const char *path = b->cold ? b->cold : b->warm;
	int fd;

	if (!path)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fdatasync(fd))
		die(path);
	if (b->cold && (errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)))
		die("posix_fadvise");
	while (b->warm && read(fd, buf, sizeof(buf)) > 0)
		;
	(void)close(fd);
}

/* --- the table ------------------------------------------------------------ */

/* What is made of a sample. */
enum column { OPS_PER_S, MIB_PER_S, P50_US, P99_US, CPU_US, COLUMNS };

static const char *const column_names[COLUMNS] = { "ops_per_s", "mib_per_s",
						   "p50_us", "p99_us",
						   "cpu_us_per_op" };

static double value_of(const struct sample *s, enum column col)
{
	switch (col) {
	case OPS_PER_S:
		return s->ops * 1e9 / s->ns;
	case MIB_PER_S:
		return s->bytes / (1 << 20) * 1e9 / s->ns;
	case P50_US:
		return s->p50_ns / NS_PER_US;
	case P99_US:
		return s->p99_ns / NS_PER_US;
	case CPU_US:
		return s->cpu_ns / s->ops / NS_PER_US;
	case COLUMNS:
		break;
	}
	abort();
}

static int cmp_double(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct summary {
	double median, min, max;
};

static struct summary summarize(const struct bench_case *c, unsigned n,
				enum column col)
{
	double *v = calloc(n, sizeof(*v));
	struct summary r;

	if (!v)
		die("calloc");
	for (unsigned i = 0; i < n; i++)
		v[i] = value_of(&c->samples[i], col);
	qsort(v, n, sizeof(*v), cmp_double);
	r = (struct summary){ (v[(n - 1) / 2] + v[n / 2]) / 2, v[0], v[n - 1] };
	free(v);
	return r;
}

static void json_string(FILE *f, const char *s)
{
	(void)fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)fputc('\\', f);
		(void)fputc((unsigned char)*s < 0x20 ? ' ' : *s, f);
	}
	(void)fputc('"', f);
}

static void write_json(const struct bench_case *c, unsigned n, FILE *f)
{
	(void)fputs("  {\"name\": ", f);
	json_string(f, c->name);
	(void)fputs(", \"command\": [", f);
	for (unsigned i = 0; c->argv[i]; i++) {
		if (i)
			(void)fputs(", ", f);
		json_string(f, c->argv[i]);
	}
	(void)fputc(']', f);
	for (enum column col = 0; col < COLUMNS; col++) {
		struct summary r = summarize(c, n, col);

		(void)fprintf(f,
			      ",\n   \"%s\": {\"median\": %.3f, \"min\": %.3f, "
			      "\"max\": %.3f, \"all\": [",
			      column_names[col], r.median, r.min, r.max);
		for (unsigned i = 0; i < n; i++)
			(void)fprintf(f, "%s%.3f", i ? ", " : "",
				      value_of(&c->samples[i], col));
		(void)fputs("]}", f);
	}
	(void)fputc('}', f);
}

/* Quantiles that nobody counted are 0. */
static void print_us(double us)
{
	if (us > 0)
		printf(" %8.1f", us);
	else
		printf(" %8s", "-");
}

static void print_ratio(double value, double reference)
{
	if (reference > 0)
		printf(" %5.2f", value / reference);
	else
		printf(" %5s", "-");
}

/* Large operations are told in MiB/s, small ones in thousands a second. */
static enum column rate_of(const struct bench_case *c)
{
	const struct sample *s = &c->samples[0];

	return s->bytes / s->ops < 65536 ? OPS_PER_S : MIB_PER_S;
}

/* The best median of those whose names begin so; 0: there is none. */
static double best(const struct bench_case *cases, unsigned n_cases, unsigned n,
		   const char *name)
{
	double max = 0;

	for (unsigned c = 0; c < n_cases; c++) {
		double v = summarize(&cases[c], n, rate_of(cases)).median;

		if (strncmp(cases[c].name, name, strlen(name)) == 0 && v > max)
			max = v;
	}
	return max;
}

static void print_table(const char *title, const struct bench_case *cases,
			unsigned n_cases, unsigned n)
{
	const enum column rate = rate_of(cases);
	const double unit = rate == OPS_PER_S ? 1000 : 1;
	const double first = summarize(&cases[0], n, rate).median;
	const double qemu = best(cases, n_cases, n, "QEMU");

	printf("%s\n  %-20s %8s %18s %5s %5s %8s %8s %8s\n", title, "",
	       rate == OPS_PER_S ? "k ops/s" : "MiB/s", "min..max", "/host",
	       "/QEMU", "p50 us", "p99 us", "CPU us/op");
	for (unsigned c = 0; c < n_cases; c++) {
		const struct summary r = summarize(&cases[c], n, rate);

		printf("  %-20s %8.1f %8.1f..%-8.1f", cases[c].name,
		       r.median / unit, r.min / unit, r.max / unit);
		print_ratio(r.median, first);
		print_ratio(r.median, qemu);
		print_us(summarize(&cases[c], n, P50_US).median);
		print_us(summarize(&cases[c], n, P99_US).median);
		printf(" %8.2f\n", summarize(&cases[c], n, CPU_US).median);
	}
}

static void write_table(const char *title, const struct bench_case *cases,
			unsigned n_cases, unsigned n, FILE *f)
{
	(void)fputs("{\"title\": ", f);
	json_string(f, title);
	(void)fputs(", \"cases\": [\n", f);
	for (unsigned c = 0; c < n_cases; c++) {
		write_json(&cases[c], n, f);
		(void)fputs(c + 1 < n_cases ? ",\n" : "\n", f);
	}
	(void)fputs("]}\n", f);
}

/* The argument vector is cut into cases at each "--". */
static unsigned cut(char **args, struct bench_case *cases, unsigned rounds)
{
	unsigned n = 0;

	for (; *args; args++) {
		if (strcmp(*args, "--") != 0)
			continue;
		*args = NULL;
		if (!args[1] || !args[2] || n == CASES_MAX)
			return 0;
		cases[n] = (struct bench_case){
			args[1], args + 2, calloc(rounds, sizeof(struct sample))
		};
		if (!cases[n++].samples)
			die("calloc");
	}
	return n;
}

/* The words before the first case. False: one means nothing. */
static bool parse(char **arg, struct bench *b)
{
	for (; *arg && strcmp(*arg, "--") != 0; arg += 2) {
		if (strcmp(*arg, "peer") == 0) {
			b->peer = arg + 1;
			return true;
		}
		if (strcmp(*arg, "cold") == 0)
			b->cold = arg[1];
		else if (strcmp(*arg, "warm") == 0)
			b->warm = arg[1];
		else if (strcmp(*arg, "count") == 0)
			b->count = arg[1];
		else
			return false;
		if (!arg[1])
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct bench_case cases[CASES_MAX];
	struct bench b = { 0 };
	unsigned n_cases = 0, rounds;
	FILE *f;

	rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	if (argc > 4 && rounds && parse(argv + 4, &b))
		n_cases = cut(argv + 4, cases, rounds);
	if (n_cases == 0) {
		(void)fputs("usage: see bench/io_bench.c\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a program that died is reported */
	(void)signal(SIGALRM, out_of_time);
	for (unsigned i = 0; i < WARMUP + rounds; i++) {
		for (unsigned c = 0; c < n_cases; c++) {
			struct sample s;

			set_cache(&b);
			s = b.peer ? run_with_peer(&b, &cases[c])
				   : run_once(&b, &cases[c]);
			if (i >= WARMUP)
				cases[c].samples[i - WARMUP] = s;
		}
	}
	f = fopen(argv[2], "w");
	if (!f)
		die(argv[2]);
	print_table(argv[3], cases, n_cases, rounds);
	write_table(argv[3], cases, n_cases, rounds, f);
	if (fclose(f))
		die(argv[2]);
	return 0;
}
