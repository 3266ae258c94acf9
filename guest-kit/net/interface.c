/* interface.c: the one network interface there is, for the ioctls that ask. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "net/socket.h"

enum {
	SIOCGIFNAME = 0x8910,
	SIOCGIFCONF = 0x8912,
	SIOCGIFFLAGS = 0x8913,
	SIOCGIFADDR = 0x8915,
	SIOCGIFNETMASK = 0x891b,
	SIOCGIFMTU = 0x8921,
	SIOCGIFHWADDR = 0x8927,
	SIOCGIFINDEX = 0x8933,
};

#define IFF_UP_LOOPBACK_RUNNING (0x1 | 0x8 | 0x40)
#define ARPHRD_LOOPBACK         772
#define LOOPBACK_MTU            65536

struct ifreq {
	char name[16];
	union {
		struct {
			uint16_t family, port;
			uint8_t ip[4];
			uint8_t zero[8];
		} addr;
		int32_t number;
		int16_t flags;
		uint8_t rest[24];
	};
};

_Static_assert(sizeof(struct ifreq) == 40, "ABI");

static int64_t list(uint64_t arg)
{
	const struct ifreq lo = {
		.name = "lo", .addr = { AF_INET, 0, { 127, 0, 0, 1 }, {} }
	};
	struct {
		int32_t len, pad;
		uint64_t buf;
	} conf;
	int64_t rc = user_read(&conf, arg, sizeof(conf));

	if (rc)
		return rc;
	if (conf.buf && conf.len < (int32_t)sizeof(lo))
		conf.len = 0;
	else if (conf.buf)
		rc = user_write(conf.buf, &lo, sizeof(lo));
	if (!conf.buf || conf.len)
		conf.len = sizeof(lo);
	return rc ? rc : user_write(arg, &conf, sizeof(conf));
}

int64_t interface_ioctl(uint32_t request, uint64_t arg)
{
	struct ifreq req;
	int64_t rc;

	if (request == SIOCGIFCONF)
		return list(arg);
	if (request < SIOCGIFNAME || request > SIOCGIFINDEX)
		return -LINUX_ENOTTY;
	rc = user_read(&req, arg, sizeof(req));
	if (rc)
		return rc;
	if (request == SIOCGIFNAME) {
		if (req.number != 1)
			return -LINUX_ENODEV;
		str_copy(req.name, "lo", sizeof(req.name));
		return user_write(arg, &req, sizeof(req));
	}
	req.name[sizeof(req.name) - 1] = '\0';
	if (!str_equal(req.name, "lo"))
		return -LINUX_ENODEV;
	memset(req.rest, 0, sizeof(req.rest));
	switch (request) {
	case SIOCGIFFLAGS:
		req.flags = IFF_UP_LOOPBACK_RUNNING;
		break;
	case SIOCGIFADDR:
		req.addr.family = AF_INET;
		req.addr.ip[0] = 127;
		req.addr.ip[3] = 1;
		break;
	case SIOCGIFNETMASK:
		req.addr.family = AF_INET;
		req.addr.ip[0] = 255;
		break;
	case SIOCGIFMTU:
		req.number = LOOPBACK_MTU;
		break;
	case SIOCGIFHWADDR:
		req.addr.family = ARPHRD_LOOPBACK;
		break;
	case SIOCGIFINDEX:
		req.number = 1;
		break;
	default:
		return -LINUX_ENOTTY;
	}
	return user_write(arg, &req, sizeof(req));
}
