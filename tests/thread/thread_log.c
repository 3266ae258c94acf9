/* thread_log.c: threads log at once; lines arrive whole, and a guest's flood
 * is held back from all of them together. Run under TSan. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define THREADS 4
#define LINES   500
#define START   "mayfly: info: talk: thread "

#define MUST(e)                                                            \
	do {                                                               \
		if (!(e)) {                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#e);                                       \
			exit(1);                                           \
		}                                                          \
	} while (0)

static void *talk(void *arg)
{
	unsigned me = *(const unsigned *)arg;

	for (unsigned i = 0; i < LINES; i++) {
		log_info("talk", "thread %u line %u end", me, i);
		log_guest("flood", "thread %u", me);
	}
	return NULL;
}

int main(void)
{
	char path[] = "/tmp/thread_log.XXXXXX", line[256], want[256];
	unsigned me[THREADS], next[THREADS] = { 0 }, flood = 0;
	unsigned long t;
	pthread_t thread[THREADS];
	int fd = mkstemp(path);
	FILE *f;

	MUST(fd >= 0);
	MUST(unlink(path) == 0);
	MUST(fcntl(fd, F_SETFL, O_APPEND) == 0);
	log_setup(fd, LOG_INFO);
	for (unsigned i = 0; i < THREADS; i++) {
		me[i] = i;
		MUST(pthread_create(&thread[i], NULL, talk, &me[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		MUST(pthread_join(thread[i], NULL) == 0);

	MUST(lseek(fd, 0, SEEK_SET) == 0);
	f = fdopen(fd, "r");
	MUST(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, ": flood: ")) {
			flood++;
			continue;
		}
		MUST(strncmp(line, START, strlen(START)) == 0);
		t = strtoul(line + strlen(START), NULL, 10);
		MUST(t < THREADS);
		(void)snprintf(want, sizeof(want), START "%lu line %u end\n", t,
			       next[t]);
		MUST(strcmp(line, want) == 0);
		next[t]++;
	}
	for (unsigned i = 0; i < THREADS; i++)
		MUST(next[i] == LINES);
	/* 10 at once, 1 a second */
	MUST(flood >= 10 && flood < 40);
	MUST(fclose(f) == 0);
	printf("ok thread_log: %d threads, %d lines each, %u of %d guest "
	       "lines shown\n",
	       THREADS, LINES, flood, THREADS * LINES);
	return 0;
}
