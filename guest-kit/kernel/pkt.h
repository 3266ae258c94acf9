/* pkt.h: bytes on their way to somebody who has not asked for them yet: pieces
 * of memory, each in one queue at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_PKT_H
#define KERNEL_PKT_H

#include "kernel/io.h"
#include "kernel/types.h"

struct pkt {
	struct pkt *next;
	uint8_t *data;     /* the first byte that was not taken */
	uint32_t len;      /* bytes from there */
	uint32_t room;     /* free behind them */
	uint32_t size;     /* of it all */
	bool record_end;   /* of a record in pieces: the last */
	struct note *note; /* the socket layer's (net/message.h) */
};

#define PKT_LEN_MAX (1u << 21)

/* Empty, with room for len bytes or some more. NULL: no memory. */
WUR struct pkt *pkt_new(uint32_t len);
/* Its note is gone already. */
void pkt_free(struct pkt *p);

/* Zeroed: empty. */
struct pktq {
	struct pkt *first, *last;
	uint64_t len; /* bytes */
	uint32_t n;
};

void pktq_add(struct pktq *q, struct pkt *p);
WUR struct pkt *pktq_take(struct pktq *q);
/* As pktq_add, but a few bytes go behind the last ones, unless those end a
 * record: so that many small packets are not many pieces. */
void pktq_merge(struct pktq *q, struct pkt *p);
/* Takes bytes; how many, less than len if there are no more. No notes. */
uint64_t pktq_read(struct pktq *q, void *buf, uint64_t len);

#endif
