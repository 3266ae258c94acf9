/* api_router.h: which part of the machine answers a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_ROUTER_H
#define API_API_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

struct api_answer;
struct api_request;
struct machine;
struct machine_balloon;
struct machine_disk;
struct machine_net;

/* What the handlers work on: the machine, and how it was made. All is
 * borrowed. */
/* A port of the host that is the guest's. */
struct api_port {
	const char *host; /* "127.0.0.1:8080" */
	unsigned guest_port;
	bool udp;
};

struct api_env {
	struct machine *machine;
	uint64_t mem_len;
	unsigned n_cpus;
	bool huge_pages;
	const char *image, *initrd, *boot_args; /* initrd may be NULL */
	const struct machine_disk *disk;
	unsigned n_disks;
	const struct machine_net *net;
	unsigned n_nets;
	unsigned vsock_cid; /* 0: no vsock */
	const char *vsock_path;
	const struct machine_balloon *balloon; /* NULL: none */
	const struct api_port *port;
	unsigned n_ports;
};

/* Answers a request, whatever it says. The machine lock is held. */
void api_route(const struct api_env *env, const struct api_request *r,
	       struct api_answer *a);

#endif
