/* ask.c: ask SOCK METHOD PATH [BODY]: one request to a control socket. Prints
 * the status and the body, each on a line; exits 0 for a status below 300.
 * "raw" as METHOD sends PATH as it is and prints all that comes back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char answer[1 << 20];

static int fail(const char *what)
{
	perror(what);
	return 2;
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *body = argc > 4 ? argv[4] : "";
	char *text, *blank;
	size_t n = 0;
	ssize_t r;
	int fd, len, status;

	if (argc < 4 || strlen(argv[1]) >= sizeof(a.sun_path))
		return 2;
	strcpy(a.sun_path, argv[1]);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fail(argv[1]);
	if (strcmp(argv[2], "raw") == 0)
		len = asprintf(&text, "%s", argv[3]);
	else
		len = asprintf(&text,
			       "%s %s HTTP/1.1\r\nHost: localhost\r\n"
			       "Connection: close\r\nContent-Length: %zu\r\n"
			       "\r\n%s",
			       argv[2], argv[3], strlen(body), body);
	if (len < 0 || write(fd, text, (size_t)len) != len)
		return fail("write");
	(void)shutdown(fd, SHUT_WR);
	while ((r = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
		n += (size_t)r;
	if (strcmp(argv[2], "raw") == 0)
		return fputs(answer, stdout) < 0;
	blank = strstr(answer, "\r\n\r\n");
	if (!blank || sscanf(answer, "HTTP/1.1 %d", &status) != 1)
		return fail("no answer");
	printf("%d\n%s\n", status, blank + 4);
	return status >= 300;
}
