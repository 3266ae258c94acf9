/* udp_echo.c: sends numbered datagrams to an echo and looks at every byte that
 * comes back.
 *
 *   udp_echo ADDRESS PORT COUNT BYTES WINDOW
 *   udp_echo segments PORT COUNT BYTES
 *
 * The second waits for COUNT datagrams of BYTES each, and sends all of it back
 * in one call that has the kernel cut it. The first:
 *
 * At most WINDOW are on their way at a time, so that no queue on the way can
 * overflow; whatever is missing a second after the last answer is lost. Says
 * "sent N received N wrong N" and the rate; the status is 0 when all came back
 * as they went. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LEN_MAX 65000u

#ifndef UDP_SEGMENT /* Linux 4.18 */
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

static unsigned char out[LEN_MAX], in[LEN_MAX], want[LEN_MAX];

static void fill(unsigned char *p, size_t len, uint32_t number)
{
	uint32_t x = number * 2654435761u + 1;

	memcpy(p, &number, sizeof(number));
	for (size_t i = sizeof(number); i < len; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (unsigned char)(x >> 24);
	}
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int segments(int port, unsigned count, int len)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };
	socklen_t a_len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &len, sizeof(len)))
		return 2;
	for (unsigned i = 0; i < count; i++) {
		unsigned char *p = out + (size_t)i * (unsigned)len;

		if (recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&a,
			     &a_len) != len)
			return 1;
		memcpy(p, in, (size_t)len);
		printf("%d bytes of '%c'\n", len, p[0]);
		if (p[0] != 'a' + (int)i ||
		    memcmp(p, p + 1, (size_t)len - 1) != 0)
			return 1;
	}
	return sendto(fd, out, count * (size_t)len, 0, (struct sockaddr *)&a,
		      a_len) < 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned long count, sent = 0, received = 0, wrong = 0;
	unsigned window, room = 4 << 20;
	struct pollfd p;
	size_t len;
	double start;
	char *seen;

	if (argc == 5 && strcmp(argv[1], "segments") == 0)
		return segments(atoi(argv[2]), (unsigned)atoi(argv[3]),
				atoi(argv[4]));
	if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	count = strtoul(argv[3], NULL, 10);
	len = strtoul(argv[4], NULL, 10);
	window = (unsigned)atoi(argv[5]);
	seen = calloc(count + 1, 1);
	if (!seen || len < sizeof(uint32_t) || len > LEN_MAX || !window)
		return 2;
	p.fd = socket(AF_INET, SOCK_DGRAM, 0);
	p.events = POLLIN;
	(void)setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (p.fd < 0 || connect(p.fd, (struct sockaddr *)&to, sizeof(to)))
		return 2;
	start = now();
	while (received < count) {
		uint32_t number;
		ssize_t n;

		while (sent < count && sent - received < window) {
			fill(out, len, (uint32_t)sent);
			if (send(p.fd, out, len, 0) != (ssize_t)len)
				break;
			sent++;
		}
		n = recv(p.fd, in, sizeof(in), MSG_DONTWAIT);
		if (n < 0) {
			if (poll(&p, 1, 1000) <= 0)
				break;
			continue;
		}
		memcpy(&number, in, sizeof(number));
		fill(want, len, number);
		if ((size_t)n != len || number >= sent || seen[number] ||
		    memcmp(in, want, len) != 0)
			wrong++;
		else
			seen[number] = 1;
		received++;
	}
	printf("sent %lu received %lu wrong %lu\n", sent, received, wrong);
	(void)fprintf(stderr, "%.0f a second\n",
		      (double)received / (now() - start));
	return !(sent == count && received == count && wrong == 0);
}
