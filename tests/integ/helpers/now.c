/* now.c: CLOCK_REALTIME and CLOCK_MONOTONIC of the host, in ns. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec r, m;

	(void)clock_gettime(CLOCK_REALTIME, &r);
	(void)clock_gettime(CLOCK_MONOTONIC, &m);
	return printf("%lld%09ld %lld%09ld\n", (long long)r.tv_sec, r.tv_nsec,
		      (long long)m.tv_sec, m.tv_nsec) < 0;
}
