/* run_proxy.h: --publish, --egress and --resolver: words in, bound ports and a
 * policy out. What they mean is in net/netproxy.h and net/policy.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_PROXY_H
#define CLI_RUN_PROXY_H

#include "api/api_router.h"
#include "base/attr.h"
#include "net/netproxy.h"
#include "net/policy.h"
#include "vmm/machine.h"

struct err;
struct loop;

struct run_proxy {
	struct policy policy;
	struct netproxy_publish publish[NETPROXY_PUBLISH_MAX];
	unsigned n_publish, n_bound;
	/* of those that are bound, for the control socket */
	struct api_port port[NETPROXY_PUBLISH_MAX];
	char host[NETPROXY_PUBLISH_MAX][IP_TEXT_LEN];
	struct ip_port resolver[NETPROXY_RESOLVERS_MAX];
	unsigned n_resolvers;
	struct netproxy *np; /* while the guest runs */
};

/* NULL: no memory. */
struct run_proxy *run_proxy_new(void);
/* After the machine. Accepts NULL. */
void run_proxy_free(struct run_proxy *p);

/* One option each. Errors name the word and what is allowed. */
WUR int run_proxy_publish(struct run_proxy *p, const char *s, struct err *err);
WUR int run_proxy_egress(struct run_proxy *p, const char *s, struct err *err);
WUR int run_proxy_resolver(struct run_proxy *p, const char *s, struct err *err);

/* Reserves the ports and reads the host's resolvers, before there is a guest.
 * The message names the port. */
WUR int run_proxy_bind(struct run_proxy *p, struct err *err);
/* The network, on the loop, as the service of *vsock. */
WUR int run_proxy_open(struct run_proxy *p, struct loop *loop,
		       struct machine_vsock *vsock, struct err *err);
/* The nameservers of a resolv.conf(5), beside those that there are; at most
 * NETPROXY_RESOLVERS_MAX. What it does not understand it leaves out. */
void run_proxy_read_resolvers(struct run_proxy *p, const char *path);

#endif
