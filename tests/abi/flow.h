/* flow.h: many bytes through a stream socket, the same ones every time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_FLOW_H
#define ABI_FLOW_H

#include <sys/socket.h>

#include "abi.h"

/* Sends n bytes in pieces of changing lengths, then the end; their sum. */
static inline uint32_t send_seeded(int fd, long n)
{
	uint32_t r = 5, h = 0;
	static char out[50000];

	while (n > 0) {
		size_t len = rnd(&r) % sizeof(out) + 1;

		len = (long)len > n ? (size_t)n : len;
		for (size_t i = 0; i < len; i++)
			out[i] = (char)rnd(&r);
		h = sum(out, len, h);
		for (size_t at = 0; at < len;) {
			ssize_t k = send(fd, out + at, len - at, 0);

			NEED(k);
			at += (size_t)k;
		}
		n -= (long)len;
	}
	shutdown(fd, SHUT_WR);
	return h;
}

#endif
