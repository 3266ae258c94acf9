/* netlink.c: AF_NETLINK for those who ask which interfaces and addresses there
 * are (rtnetlink(7)): the loopback's. Nothing can be changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"
#include "net/message.h"
#include "net/socket.h"

#define SOCK_RAW 3

#define NETLINK_ROUTE 0

#define NLMSG_ERROR  2
#define NLMSG_DONE   3
#define RTM_NEWLINK  16
#define RTM_GETLINK  18
#define RTM_NEWADDR  20
#define RTM_GETADDR  22
#define RTM_GETROUTE 26

#define NLM_F_MULTI 0x002u
#define NLM_F_DUMP  0x300u

enum { IFLA_ADDRESS = 1, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU };
enum { IFA_ADDRESS = 1, IFA_LOCAL, IFA_LABEL };

#define IFF_UP_LOOPBACK_RUNNING 0x10049u /* and IFF_LOWER_UP */
#define ARPHRD_LOOPBACK         772
#define LOOPBACK_MTU            65536u
#define IFA_F_PERMANENT         0x80
#define RT_SCOPE_HOST           254

#define REQUEST_MAX 4096u
#define ANSWER_MAX  512u

struct sockaddr_nl {
	uint16_t family, pad;
	uint32_t pid, groups;
};

struct nlmsghdr {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, pid;
};

struct ifinfomsg {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};

struct ifaddrmsg {
	uint8_t family, prefix_len, flags, scope;
	uint32_t index;
};

struct netlink_socket {
	struct socket s;
	uint32_t pid; /* 0: not bound */
};

static struct netlink_socket *of(struct socket *s)
{
	return (struct netlink_socket *)s;
}

/* --- answers ------------------------------------------------------------------ */

/* One message that is being written into a packet. */
struct writer {
	struct pkt *p;
	uint32_t start;
};

static void put(struct writer *w, const void *bytes, uint32_t len)
{
	const uint32_t padded = (len + 3) & ~3u;

	memset(w->p->data + w->p->len, 0, padded);
	memcpy(w->p->data + w->p->len, bytes, len);
	w->p->len += padded;
	w->p->room -= padded;
}

static void begin(struct writer *w, const struct nlmsghdr *request,
		  uint16_t type, uint16_t flags)
{
	const struct nlmsghdr h = { .type = type,
				    .flags = flags,
				    .seq = request->seq,
				    .pid = request->pid };

	w->start = w->p->len;
	put(w, &h, sizeof(h));
}

static void attribute(struct writer *w, uint16_t type, const void *bytes,
		      uint16_t len)
{
	const uint16_t h[2] = { (uint16_t)(len + sizeof(h)), type };

	put(w, h, sizeof(h));
	put(w, bytes, len);
}

static void end(struct writer *w)
{
	const uint32_t len = w->p->len - w->start;

	memcpy(w->p->data + w->start, &len, sizeof(len));
}

static void put_link(struct writer *w, const struct nlmsghdr *request,
		     uint16_t flags)
{
	const struct ifinfomsg info = { .type = ARPHRD_LOOPBACK,
					.index = 1,
					.flags = IFF_UP_LOOPBACK_RUNNING };
	static const uint8_t mac[6];
	const uint32_t mtu = LOOPBACK_MTU;

	begin(w, request, RTM_NEWLINK, flags);
	put(w, &info, sizeof(info));
	attribute(w, IFLA_IFNAME, "lo", 3);
	attribute(w, IFLA_MTU, &mtu, sizeof(mtu));
	attribute(w, IFLA_ADDRESS, mac, sizeof(mac));
	attribute(w, IFLA_BROADCAST, mac, sizeof(mac));
	end(w);
}

static void put_address(struct writer *w, const struct nlmsghdr *request,
			uint8_t family)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };
	const bool is_v4 = family == AF_INET;
	const struct ifaddrmsg info = { .family = family,
					.prefix_len = is_v4 ? 8 : 128,
					.flags = IFA_F_PERMANENT,
					.scope = RT_SCOPE_HOST,
					.index = 1 };

	begin(w, request, RTM_NEWADDR, NLM_F_MULTI);
	put(w, &info, sizeof(info));
	attribute(w, IFA_ADDRESS, is_v4 ? v4 : v6, is_v4 ? 4 : 16);
	if (is_v4) {
		attribute(w, IFA_LOCAL, v4, 4);
		attribute(w, IFA_LABEL, "lo", 3);
	}
	end(w);
}

static void put_error(struct writer *w, const struct nlmsghdr *request,
		      int32_t error)
{
	begin(w, request, NLMSG_ERROR, 0);
	put(w, &error, sizeof(error));
	put(w, request, sizeof(*request));
	end(w);
}

static void put_done(struct writer *w, const struct nlmsghdr *request)
{
	const int32_t zero = 0;

	begin(w, request, NLMSG_DONE, NLM_F_MULTI);
	put(w, &zero, sizeof(zero));
	end(w);
}

static void put_dump(struct writer *w, const struct nlmsghdr *request,
		     uint8_t family)
{
	switch (request->type) {
	case RTM_GETLINK:
		put_link(w, request, NLM_F_MULTI);
		break;
	case RTM_GETADDR:
		if (family == AF_UNSPEC || family == AF_INET)
			put_address(w, request, AF_INET);
		if (family == AF_UNSPEC || family == AF_INET6)
			put_address(w, request, AF_INET6);
		break;
	case RTM_GETROUTE:
		break; /* none that could be told */
	default:
		put_error(w, request, -LINUX_EOPNOTSUPP);
		return;
	}
	put_done(w, request);
}

/* The answer to one request, in a packet. body: what follows its header. */
static int answer(struct netlink_socket *u, const struct nlmsghdr *request,
		  const uint8_t *body, uint32_t len)
{
	const struct sockaddr from = { .family = AF_NETLINK }; /* the kernel */
	struct writer w = { .p = pkt_new(ANSWER_MAX) };
	struct message m = { 0 };
	struct ifinfomsg info = { 0 };

	if (!w.p)
		return -LINUX_ENOBUFS;
	memcpy(&info, body, min_u64(len, sizeof(info)));
	if ((request->flags & NLM_F_DUMP) == NLM_F_DUMP)
		put_dump(&w, request, info.family);
	else if (request->type == RTM_GETLINK && info.index <= 1)
		put_link(&w, request, 0);
	else if (request->type == RTM_GETLINK)
		put_error(&w, request, -LINUX_ENODEV);
	else
		put_error(&w, request, -LINUX_EOPNOTSUPP);
	if (message_note(&m, &from, sizeof(struct sockaddr_nl), w.p)) {
		pkt_free(w.p);
		return -LINUX_ENOBUFS;
	}
	pktq_add(&u->s.rcv, w.p);
	socket_wake(&u->s, POLL_READABLE);
	return 0;
}

/* --- the socket ----------------------------------------------------------------- */

static int bind(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	struct sockaddr_nl nl;

	if (len < sizeof(nl))
		return -LINUX_EINVAL;
	memcpy(&nl, a, sizeof(nl));
	if (nl.family != AF_NETLINK || of(s)->pid)
		return -LINUX_EINVAL;
	of(s)->pid = nl.pid ? nl.pid : PROCESS_PID;
	return 0;
}

static int connect(struct socket *s, const struct sockaddr *a, uint32_t len,
		   uint64_t until_ns)
{
	(void)until_ns;
	if (len < sizeof(a->family))
		return -LINUX_EINVAL;
	if (a->family != AF_NETLINK)
		return a->family == AF_UNSPEC ? 0 : -LINUX_EINVAL;
	if (!of(s)->pid)
		of(s)->pid = PROCESS_PID;
	return 0;
}

static int name(struct socket *s, bool peer, struct sockaddr *ret,
		uint32_t *ret_len)
{
	const struct sockaddr_nl nl = { .family = AF_NETLINK,
					.pid = peer ? 0 : of(s)->pid };

	*ret = (struct sockaddr){ 0 };
	memcpy(ret, &nl, sizeof(nl));
	*ret_len = sizeof(nl);
	return 0;
}

static int64_t send(struct socket *s, struct message *m, uint64_t until_ns)
{
	const int64_t len = (int64_t)m->io.left;
	uint8_t bytes[REQUEST_MAX];
	struct nlmsghdr h;
	int rc = 0;

	(void)until_ns;
	if (len > (int64_t)sizeof(bytes))
		return -LINUX_EMSGSIZE;
	if (io_get(&m->io, bytes, (uint64_t)len) != len)
		return -LINUX_EFAULT;
	for (uint32_t off = 0; !rc && off + sizeof(h) <= (uint64_t)len;) {
		memcpy(&h, bytes + off, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - off)
			break;
		if (!h.pid)
			h.pid = of(s)->pid ? of(s)->pid : PROCESS_PID;
		rc = answer(of(s), &h, bytes + off + sizeof(h),
			    h.len - (uint32_t)sizeof(h));
		off += (h.len + 3) & ~3u;
	}
	return rc ? rc : len;
}

static int64_t receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	while (!s->rcv.first) {
		int rc = socket_wait(s, until_ns);

		if (rc)
			return rc;
	}
	return message_unpack(m, &s->rcv);
}

static int shutdown(struct socket *s, unsigned how)
{
	(void)s;
	(void)how;
	return -LINUX_EOPNOTSUPP;
}

static unsigned poll(struct socket *s)
{
	return POLL_WRITABLE | (s->rcv.first ? POLL_READABLE : 0);
}

static void close(struct socket *s)
{
	(void)s;
}

int netlink_new(unsigned type, int protocol, struct socket **ret)
{
	static const struct socket_ops ops = {
		.size = sizeof(struct netlink_socket),
		.bind = bind,
		.connect = connect,
		.name = name,
		.send = send,
		.receive = receive,
		.shutdown = shutdown,
		.poll = poll,
		.close = close,
	};

	if (type != SOCK_DGRAM && type != SOCK_RAW)
		return -LINUX_ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -LINUX_EPROTONOSUPPORT;
	*ret = socket_new(&ops, AF_NETLINK, (uint8_t)type, protocol);
	return *ret ? 0 : -LINUX_ENOMEM;
}
