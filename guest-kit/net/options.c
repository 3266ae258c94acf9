/* options.c: setsockopt and getsockopt, and what every socket has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"
#include "linux/time.h"
#include "net/message.h"
#include "net/socket.h"

#define SOL_SOCKET 1

enum {
	SO_DEBUG = 1,
	SO_REUSEADDR = 2,
	SO_TYPE = 3,
	SO_ERROR = 4,
	SO_DONTROUTE = 5,
	SO_BROADCAST = 6,
	SO_SNDBUF = 7,
	SO_RCVBUF = 8,
	SO_KEEPALIVE = 9,
	SO_OOBINLINE = 10,
	SO_PRIORITY = 12,
	SO_LINGER = 13,
	SO_REUSEPORT = 15,
	SO_PASSCRED = 16,
	SO_PEERCRED = 17,
	SO_RCVLOWAT = 18,
	SO_SNDLOWAT = 19,
	SO_RCVTIMEO = 20,
	SO_SNDTIMEO = 21,
	SO_ACCEPTCONN = 30,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE = 33,
	SO_MARK = 36,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
	SO_INCOMING_CPU = 49,
	SO_COOKIE = 57,
	SO_RCVTIMEO_NEW = 66,
	SO_SNDTIMEO_NEW = 67,
};

#define VALUE_MAX 256 /* bytes of any option */

#define BUFFER_MAX 212992u /* net.core.rmem_max and wmem_max */
#define RCVBUF_MIN 2304u
#define SNDBUF_MIN 4608u

/* The options that are a bit of socket.flags. */
static uint32_t flag_of(int name)
{
	switch (name) {
	case SO_REUSEADDR:
		return SOCKET_REUSEADDR;
	case SO_REUSEPORT:
		return SOCKET_REUSEPORT;
	case SO_KEEPALIVE:
		return SOCKET_KEEPALIVE;
	case SO_BROADCAST:
		return SOCKET_BROADCAST;
	case SO_PASSCRED:
		return SOCKET_PASSCRED;
	case SO_DONTROUTE:
		return SOCKET_DONTROUTE;
	case SO_OOBINLINE:
		return SOCKET_OOBINLINE;
	case SO_DEBUG:
		return SOCKET_DEBUG;
	default:
		return 0;
	}
}

static int set_linger(struct socket *s, const void *value, uint32_t len)
{
	int32_t v[2]; /* l_onoff, l_linger */

	if (len < sizeof(v))
		return -LINUX_EINVAL;
	memcpy(v, value, sizeof(v));
	s->flags &= ~SOCKET_LINGER;
	if (v[0]) {
		s->flags |= SOCKET_LINGER;
		s->linger_s = (uint16_t)min_u64((uint32_t)v[1], UINT16_MAX);
	}
	return 0;
}

static int set_timeout(uint64_t *ret_ns, const void *value, uint32_t len)
{
	int64_t tv[2];

	if (len < sizeof(tv))
		return -LINUX_EINVAL;
	memcpy(tv, value, sizeof(tv));
	if (tv[1] < 0 || tv[1] >= 1000000)
		return -LINUX_EDOM;
	/* a negative time is none: nothing is waited for, almost */
	*ret_ns = tv[0] < 0 ? 1
			    : time_ns((uint64_t)tv[0], (uint64_t)tv[1] * 1000);
	return 0;
}

/* Linux counts its own overhead: twice what was asked for. */
static uint32_t buffer_size(int32_t asked, uint32_t least, bool force)
{
	uint64_t size = (uint32_t)asked;

	if (!force)
		size = min_u64(size, BUFFER_MAX);
	size = min_u64(size, INT32_MAX / 2);
	return (uint32_t)max_u64(2 * size, least);
}

static int set_int(struct socket *s, int name, int32_t v)
{
	const uint32_t flag = flag_of(name);

	if (flag) {
		s->flags = v ? s->flags | flag : s->flags & ~flag;
		return 0;
	}
	switch (name) {
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		s->snd_max = buffer_size(v, SNDBUF_MIN, name != SO_SNDBUF);
		return 0;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		s->rcv_max = buffer_size(v, RCVBUF_MIN, name != SO_RCVBUF);
		return 0;
	case SO_PRIORITY:
		s->priority = v;
		return 0;
	case SO_MARK:
		s->mark = v;
		return 0;
	case SO_INCOMING_CPU:
		return v ? -LINUX_EINVAL : 0; /* there is one */
	case SO_TYPE:
	case SO_ERROR:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ACCEPTCONN:
	default:
		return -LINUX_ENOPROTOOPT;
	}
}

static int set_common(struct socket *s, int name, const void *value,
		      uint32_t len)
{
	int32_t v;

	switch (name) {
	case SO_LINGER:
		return set_linger(s, value, len);
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return set_timeout(&s->rcv_timeout_ns, value, len);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return set_timeout(&s->snd_timeout_ns, value, len);
	default:
		break;
	}
	if (len < sizeof(v))
		return -LINUX_EINVAL;
	memcpy(&v, value, sizeof(v));
	return set_int(s, name, v);
}

static int get_int(struct socket *s, int name, int32_t *ret)
{
	const uint32_t flag = flag_of(name);

	switch (name) {
	case SO_TYPE:
		*ret = s->type;
		return 0;
	case SO_DOMAIN:
		*ret = s->family;
		return 0;
	case SO_PROTOCOL:
		*ret = s->protocol;
		return 0;
	case SO_ERROR:
		*ret = -socket_take_error(s);
		return 0;
	case SO_ACCEPTCONN:
		*ret = s->state == SOCKET_LISTENS;
		return 0;
	case SO_SNDBUF:
		*ret = (int32_t)s->snd_max;
		return 0;
	case SO_RCVBUF:
		*ret = (int32_t)s->rcv_max;
		return 0;
	case SO_PRIORITY:
		*ret = s->priority;
		return 0;
	case SO_MARK:
		*ret = s->mark;
		return 0;
	case SO_RCVLOWAT:
	case SO_SNDLOWAT:
		*ret = 1;
		return 0;
	case SO_INCOMING_CPU:
		*ret = 0;
		return 0;
	default:
		*ret = flag && (s->flags & flag);
		return flag ? 0 : -LINUX_ENOPROTOOPT;
	}
}

static void get_timeout(uint64_t ns, int64_t ret[2])
{
	ret[0] = (int64_t)(ns / NS_PER_SEC);
	ret[1] = (int64_t)(ns % NS_PER_SEC / 1000);
}

/* At most VALUE_MAX bytes; *ret_len is set. */
static int get_common(struct socket *s, int name, void *ret, uint32_t *ret_len)
{
	int64_t tv[2];
	int32_t v[3] = { 0 };
	int rc;

	switch (name) {
	case SO_LINGER:
		v[0] = !!(s->flags & SOCKET_LINGER);
		v[1] = s->linger_s;
		*ret_len = 8;
		break;
	case SO_PEERCRED:
		v[0] = s->state == SOCKET_CONNECTED ? PROCESS_PID : 0;
		v[1] = v[2] = s->state == SOCKET_CONNECTED ? 0 : -1;
		*ret_len = sizeof(struct ucred);
		break;
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		get_timeout(name == SO_RCVTIMEO || name == SO_RCVTIMEO_NEW
				    ? s->rcv_timeout_ns
				    : s->snd_timeout_ns,
			    tv);
		memcpy(ret, tv, sizeof(tv));
		*ret_len = sizeof(tv);
		return 0;
	case SO_COOKIE:
		memcpy(ret, &(uint64_t){ (uintptr_t)s }, 8);
		*ret_len = 8;
		return 0;
	default:
		rc = get_int(s, name, v);
		if (rc)
			return rc;
		*ret_len = 4;
		break;
	}
	memcpy(ret, v, *ret_len);
	return 0;
}

int64_t sys_setsockopt(struct regs *r)
{
	const int level = (int)ARG2(r), name = (int)ARG3(r);
	uint8_t value[VALUE_MAX];
	uint32_t len = (uint32_t)ARG5(r);
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	if ((int32_t)len < 0) {
		rc = -LINUX_EINVAL;
	} else {
		len = (uint32_t)min_u64(len, sizeof(value));
		rc = user_read(value, ARG4(r), len);
	}
	if (!rc && level == SOL_SOCKET)
		rc = set_common(s, name, value, len);
	else if (!rc)
		rc = s->ops->set ? s->ops->set(s, level, name, value, len)
				 : -LINUX_EOPNOTSUPP;
	file_put(s->file);
	return rc;
}

int64_t sys_getsockopt(struct regs *r)
{
	const int level = (int)ARG2(r), name = (int)ARG3(r);
	uint8_t value[VALUE_MAX];
	uint32_t room, len = 0;
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = user_read(&room, ARG5(r), sizeof(room));
	if (!rc && (int32_t)room < 0)
		rc = -LINUX_EINVAL;
	if (!rc && level == SOL_SOCKET)
		rc = get_common(s, name, value, &len);
	else if (!rc)
		rc = s->ops->get ? s->ops->get(s, level, name, value, &len)
				 : -LINUX_EOPNOTSUPP;
	if (!rc) {
		len = (uint32_t)min_u64(len, room);
		rc = user_write(ARG4(r), value, len);
	}
	if (!rc)
		rc = user_write(ARG5(r), &len, sizeof(len));
	file_put(s->file);
	return rc;
}
