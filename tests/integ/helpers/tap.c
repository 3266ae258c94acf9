/* tap.c: taps and network namespaces for the tests.
 *
 *   tap own COMMAND...          in a network of its own, the loopback up;
 *                               status 77: that is not permitted
 *   tap make NAME [multi]       a tap that stays
 *   tap hold NAME SECONDS       is its user for so long; says "holding"
 *   tap with FD NAME SNDBUF FLAGS COMMAND...
 *                               COMMAND inherits the tap as descriptor FD;
 *                               SNDBUF 0: as it is; FLAGS: some of "vp", for
 *                               vnet_hdr and no packet information
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* <linux/if_tun.h>, which musl's tools do not find */
#define TUNSETIFF       _IOW('T', 202, int)
#define TUNSETPERSIST   _IOW('T', 203, int)
#define TUNSETSNDBUF    _IOW('T', 212, int)
#define IFF_TAP         0x0002
#define IFF_MULTI_QUEUE 0x0100
#define IFF_NO_PI       0x1000
#define IFF_VNET_HDR    0x4000

static int fail(const char *what)
{
	(void)fprintf(stderr, "tap: %s: %s\n", what, strerror(errno));
	return 1;
}

static int attach(const char *name, int flags)
{
	int fd = open("/dev/net/tun", O_RDWR);
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	(void)strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	r.ifr_flags = (short)(IFF_TAP | flags);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		exit(fail(name));
	return fd;
}

static int own(char **command)
{
	struct ifreq r;
	int fd;

	if (access("/dev/net/tun", R_OK | W_OK) || unshare(CLONE_NEWNET))
		return fail("own"), 77;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	memset(&r, 0, sizeof(r));
	(void)strcpy(r.ifr_name, "lo");
	r.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &r))
		return fail("lo");
	(void)close(fd);
	(void)execvp(command[0], command);
	return fail(command[0]);
}

static int with(char **arg)
{
	int want = atoi(arg[0]), sndbuf = atoi(arg[2]);
	int fd = attach(arg[1], (strchr(arg[3], 'v') ? IFF_VNET_HDR : 0) |
					(strchr(arg[3], 'p') ? IFF_NO_PI : 0));

	if (sndbuf && ioctl(fd, TUNSETSNDBUF, &sndbuf))
		return fail("sndbuf");
	if (fd != want) {
		if (dup2(fd, want) < 0)
			return fail("dup2");
		(void)close(fd);
	}
	(void)execvp(arg[4], arg + 4);
	return fail(arg[4]);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "own") == 0)
		return own(argv + 2);
	if (argc >= 3 && strcmp(argv[1], "make") == 0) {
		int fd = attach(argv[2],
				IFF_NO_PI | (argc > 3 ? IFF_MULTI_QUEUE : 0));

		return ioctl(fd, TUNSETPERSIST, 1ul) ? fail("persist") : 0;
	}
	if (argc == 4 && strcmp(argv[1], "hold") == 0) {
		(void)attach(argv[2], IFF_NO_PI);
		(void)puts("holding");
		(void)fflush(stdout);
		return (int)sleep((unsigned)atoi(argv[3]));
	}
	if (argc >= 7 && strcmp(argv[1], "with") == 0)
		return with(argv + 2);
	(void)fputs("tap: own, make, hold or with\n", stderr);
	return 2;
}
