/* run_net.h: `--net tap=NAME|fd=N[,OPTION]...`: words in, an open tap out. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_NET_H
#define CLI_RUN_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "vmm/machine.h"

struct err;

struct run_net {
	char *spec; /* owned: a copy of the option's value; `tap` is in it */
	const char *tap; /* or NULL: `fd` */
	int fd;
	char name[32]; /* for messages: the word that names the tap */
	bool has_mac, guard;
	uint8_t mac[MACHINE_MAC_LEN];
	unsigned mtu; /* 0: the tap's */
	unsigned queues;
	struct machine_rate rate;
};

/* Fills *ret, for run_net_fini. Errors name the word and what is allowed. */
WUR int run_net_parse(const char *spec, struct run_net *ret, struct err *err);
void run_net_fini(struct run_net *n);

/*
 * Opens or takes over the tap. Fills *ret, for run_net_close; its name
 * belongs to `n`. A tap that does not exist is made and goes with its last
 * descriptor. Errors name the tap.
 */
WUR int run_net_open(const struct run_net *n, struct machine_net *ret,
		     struct err *err);
void run_net_close(struct machine_net *m);

#endif
