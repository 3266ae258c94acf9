/* host_io.c: what the host does without a virtual machine, the bound of
 * bench-io's figures, and the other ends that guests talk to.
 *
 * The same work as in bench/guest/, the same words, the same report:
 *
 *   blk FILE direct|buffered read|write random|sequential DEPTH LEN MS
 *   stream PATH ping|send|receive LEN MS     over a Unix socket
 *   tap NAME ping|send|receive LEN MS        frames, as a monitor moves them
 *
 * Other ends, until they are killed; they say "ready" first:
 *
 *   serve PATH echo|sink|source LEN          a Unix socket, one client
 *   station NAME echo|source LEN             on the host's side of a tap
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/host.h"

static uint64_t begun_ns;

void host_die(const char *what)
{
	perror(what);
	exit(1);
}

void host_usage(void)
{
	(void)fputs("host_io: such work there is not; see bench/host_io.c\n",
		    stderr);
	exit(2);
}

uint64_t host_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint32_t host_number(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (*end || end == word || n > UINT32_MAX)
		host_usage();
	return (uint32_t)n;
}

/* Until whoever reads this has sent a byte. */
static void say(const char *line)
{
	(void)puts(line);
	(void)fflush(stdout);
	(void)getchar();
}

void host_begin(void)
{
	say("begin");
	begun_ns = host_now_ns();
}

void host_end(const struct tally *t)
{
	const uint64_t ns = host_now_ns() - begun_ns;

	say("end");
	printf("ops=%llu bytes=%llu ns=%llu min=%llu p50=%llu p99=%llu\n",
	       (unsigned long long)t->n, (unsigned long long)t->bytes,
	       (unsigned long long)ns, (unsigned long long)t->min_ns,
	       (unsigned long long)tally_quantile(t, 500),
	       (unsigned long long)tally_quantile(t, 990));
}

void host_ready(void)
{
	(void)puts("ready");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int n, char **arg);
	} works[] = {
		{ "blk", host_blk },         { "stream", host_stream },
		{ "serve", host_serve },     { "tap", host_tap },
		{ "station", host_station },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (argc > 1 && strcmp(argv[1], works[i].name) == 0) {
			works[i].run(argc - 2, argv + 2);
			return 0;
		}
	host_usage();
}
