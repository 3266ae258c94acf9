/* message.c: packets and what goes with them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/message.h"

#include "kernel/kmem.h"
#include "kernel/pkt.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/socket.h"

/* Files on their way, all sockets together: a cycle of sockets that hold one
 * another is never found, so it must not grow for ever. */
static unsigned in_flight;

struct rights *rights_new(unsigned room)
{
	struct rights *r;

	if (in_flight + room > FD_MAX)
		return NULL;
	r = kmem_alloc(sizeof(*r) + room * sizeof(r->file[0]));
	if (r) {
		r->room = room;
		in_flight += room;
	}
	return r;
}

void rights_free(struct rights *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++)
		file_put(r->file[i]);
	in_flight -= r->room;
	kmem_free(r, sizeof(*r) + r->room * sizeof(r->file[0]));
}

void message_drop(struct pkt *p)
{
	if (p->note) {
		rights_free(p->note->rights);
		kmem_free(p->note, sizeof(*p->note));
	}
	pkt_free(p);
}

void message_drop_all(struct pktq *q)
{
	struct pkt *p;

	while ((p = pktq_take(q)))
		message_drop(p);
}

int message_note(struct message *m, const struct sockaddr *from,
		 uint32_t from_len, struct pkt *p)
{
	struct note *note;

	if (!from_len && !m->rights && !m->has_creds)
		return 0;
	note = kmem_alloc(sizeof(*note));
	if (!note)
		return -LINUX_ENOBUFS;
	if (from_len)
		memcpy(&note->from, from, from_len);
	note->from_len = from_len;
	note->rights = m->rights;
	m->rights = NULL;
	note->has_creds = m->has_creds;
	note->creds = m->creds;
	p->note = note;
	return 0;
}

int message_pack(struct message *m, const struct sockaddr *from,
		 uint32_t from_len, struct pkt **ret)
{
	uint32_t len = (uint32_t)m->io.left;
	struct pkt *p = pkt_new(len);
	int rc = p ? 0 : -LINUX_ENOBUFS;

	if (p && io_get(&m->io, p->data, len) != (int64_t)len)
		rc = -LINUX_EFAULT;
	if (!rc)
		rc = message_note(m, from, from_len, p);
	if (rc) {
		if (p)
			pkt_free(p);
		return rc;
	}
	p->len = len;
	p->room -= len;
	p->record_end = true;
	*ret = p;
	return 0;
}

static struct rights *rights_copy(const struct rights *from)
{
	struct rights *r = rights_new(from->n);

	for (unsigned i = 0; r && i < from->n; i++)
		r->file[r->n++] = file_get(from->file[i]);
	return r;
}

void message_take_note(struct message *m, struct pkt *p)
{
	struct note *note = p->note;

	if (!note)
		return;
	m->addr = note->from;
	m->addr_len = note->from_len;
	m->has_creds = note->has_creds;
	m->creds = note->creds;
	if (!note->rights || m->rights)
		return;
	if (m->flags & MSG_PEEK) {
		m->rights = rights_copy(note->rights);
		return;
	}
	m->rights = note->rights;
	note->rights = NULL;
}

int64_t message_unpack(struct message *m, struct pktq *q)
{
	struct pkt *p = q->first;
	const uint32_t len = p->len;
	int64_t n = 0;

	if (len && m->io.left)
		n = io_put(&m->io, p->data, len);
	if (n >= 0 && (uint64_t)n < min_u64(len, (uint64_t)n + m->io.left))
		n = -LINUX_EFAULT;
	if (n >= 0) {
		if ((uint64_t)n < len)
			m->ret_flags |= MSG_TRUNC;
		message_take_note(m, p);
		if (m->flags & MSG_TRUNC)
			n = len;
	}
	if (!(m->flags & MSG_PEEK))
		message_drop(pktq_take(q));
	return n;
}
