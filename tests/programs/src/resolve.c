/* resolve.c NAME...: what glibc's resolver says of names; /etc/hosts has to
 * answer, there is no network. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
		int r = getaddrinfo(argv[i], "80", &hints, &list);

		if (r) {
			printf("%s: %s\n", argv[i], gai_strerror(r));
			continue;
		}
		for (struct addrinfo *a = list; a; a = a->ai_next) {
			char host[64], port[16];

			r = getnameinfo(a->ai_addr, a->ai_addrlen, host,
					sizeof(host), port, sizeof(port),
					NI_NUMERICHOST | NI_NUMERICSERV);
			printf("%s: %s port %s\n", argv[i],
			       r ? gai_strerror(r) : host, port);
		}
		freeaddrinfo(list);
	}
	return 0;
}
