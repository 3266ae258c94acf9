/* echo.c: copies standard input to standard output until it ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

int main(void)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(STDOUT_FILENO, buf + done,
				  (size_t)(n - done));
			if (w < 0)
				return 1;
		}
	return n < 0;
}
