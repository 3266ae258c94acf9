/* stream.c: a TCP stream whose every byte is known to both ends.
 *
 *   stream send ADDRESS PORT BYTES   connects and sends
 *   stream get ADDRESS PORT BYTES    connects and receives
 *   stream give PORT BYTES           waits for one connection and sends
 *   stream take PORT BYTES           waits for one connection and receives
 *
 * Who receives says "N bytes" when these were the right ones and all; who
 * sends waits until the other side has closed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static unsigned char buf[256 << 10];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* The stream is a sequence of 64-bit numbers, which never repeats. */
static unsigned char byte_at(uint64_t off)
{
	uint64_t x = (off / 8 + 1) * 0x9e3779b97f4a7c15;

	x ^= x >> 29;
	return (unsigned char)(x >> 8 * (off % 8));
}

static int sending(int fd, uint64_t left)
{
	uint64_t off = 0;

	while (left > 0) {
		size_t n = left < sizeof(buf) ? left : sizeof(buf);
		ssize_t r;

		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(off + i);
		for (size_t at = 0; at < n; at += (size_t)r) {
			r = write(fd, buf + at, n - at);
			if (r <= 0)
				return fail("write");
		}
		off += n;
		left -= n;
	}
	(void)shutdown(fd, SHUT_WR);
	return read(fd, buf, 1) == 0 ? 0 : fail("the other side");
}

static int receiving(int fd, uint64_t want)
{
	uint64_t off = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, off++)
			if (buf[i] != byte_at(off)) {
				printf("wrong byte at %llu\n",
				       (unsigned long long)off);
				return 1;
			}
	printf("%llu bytes\n", (unsigned long long)off);
	return n < 0 ? fail("read") : off != want;
}

static int connection(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (address) {
		if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
			exit(fail(address));
		/* the other side may not be there yet */
		for (int i = 0; i < 200; i++) {
			if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
				return fd;
			(void)nanosleep(&(struct timespec){ 0, 100000000 },
					NULL);
		}
		exit(fail(address));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		exit(fail("listen"));
	return accept(fd, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "send") == 0)
		return sending(connection(argv[2], atoi(argv[3])),
			       strtoull(argv[4], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "get") == 0)
		return receiving(connection(argv[2], atoi(argv[3])),
				 strtoull(argv[4], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "give") == 0)
		return sending(connection(NULL, atoi(argv[2])),
			       strtoull(argv[3], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "take") == 0)
		return receiving(connection(NULL, atoi(argv[2])),
				 strtoull(argv[3], NULL, 10));
	(void)fputs("stream: send, get, give or take\n", stderr);
	return 2;
}
