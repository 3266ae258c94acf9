/* offload.c: the offloads of a network interface.
 *
 *   offload NAME on|off   sending: checksums, scatter-gather, segmentation
 *   offload NAME          says "csum N sg N tso N gso N"
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SIOCETHTOOL 0x8946

/* <linux/ethtool.h>, which musl's tools do not find: the command that asks;
 * the next number sets. In the order in which they depend on each other. */
static const struct {
	const char *name;
	uint32_t get;
} what[] = {
	{ "csum", 0x16 },
	{ "sg", 0x18 },
	{ "tso", 0x1e },
	{ "gso", 0x23 },
};

static int call(const char *name, uint32_t cmd, uint32_t *value)
{
	struct {
		uint32_t cmd, data;
	} v = { cmd, *value };
	struct ifreq r;
	int e;

	memset(&r, 0, sizeof(r));
	(void)strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	r.ifr_data = (void *)&v;
	e = ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCETHTOOL, &r);
	*value = v.data;
	return e;
}

int main(int argc, char **argv)
{
	const unsigned n = sizeof(what) / sizeof(*what);
	int bad = 0;

	if (argc < 2)
		return 2;
	for (unsigned i = 0; argc > 2 && i < n; i++) {
		uint32_t on = strcmp(argv[2], "on") == 0;

		bad |= call(argv[1], what[on ? i : n - 1 - i].get + 1, &on);
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t v = 9;

		bad |= call(argv[1], what[i].get, &v);
		printf("%s%s %u", i ? " " : "", what[i].name, v);
	}
	printf("\n");
	return bad != 0;
}
