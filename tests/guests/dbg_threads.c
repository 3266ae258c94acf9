/* dbg_threads: three threads that each count their calls for ever, one more
 * that sleeps, and with an argument a wild pointer in the first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define WORKERS 3

static volatile long calls[WORKERS + 1];
static int *volatile wild;

static __attribute__((noinline)) void work(long id)
{
	calls[id]++;
}

static void *worker(void *arg)
{
	for (;;)
		work((long)arg);
	return NULL;
}

static void *sleeper(void *arg)
{
	for (;;)
		(void)sleep(1000);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;

	(void)argv;
	for (long id = 1; id <= WORKERS; id++)
		if (pthread_create(&t, NULL, worker, (void *)id))
			return 1;
	if (pthread_create(&t, NULL, sleeper, NULL))
		return 1;
	puts("running");
	fflush(stdout);
	(void)usleep(50000);
	if (argc > 1)
		*wild = 1;
	(void)pthread_join(t, NULL);
	return 0;
}
