/* clock.c: prints the time a few times, a tenth of a second apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
	struct timespec now, pause = { 0, 100000000 };
	char text[32];

	for (long i = 0; i < n; i++) {
		if (i)
			nanosleep(&pause, NULL);
		clock_gettime(CLOCK_REALTIME, &now);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S",
			 gmtime(&now.tv_sec));
		printf("%s.%06ld UTC, ", text, now.tv_nsec / 1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		printf("up %lld.%06ld s\n", (long long)now.tv_sec,
		       now.tv_nsec / 1000);
		fflush(stdout);
	}
	return 0;
}
