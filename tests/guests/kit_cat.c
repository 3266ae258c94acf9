/* kit_cat.c: copies standard input to standard output in 64 KiB pieces: all
 * of it, or as many bytes as the first argument says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char buf[65536];
	unsigned long long left =
		argc > 1 ? strtoull(argv[1], NULL, 10) : ~0ull;
	ssize_t n;

	while (left) {
		n = read(0, buf, left < sizeof(buf) ? left : sizeof(buf));
		if (n <= 0)
			return n < 0;
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(1, buf + done, (size_t)(n - done));
			if (w < 0)
				return 2;
		}
		left -= (unsigned long long)n;
	}
	return 0;
}
