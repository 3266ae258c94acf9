/* vsock.c: sockets to the host: see mayfly.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/vsock.h"

#include "api/mayfly.h"
#include "linux/errno.h"

_Static_assert(MAYFLY_STREAM == (int)VSOCK_STREAM &&
		       MAYFLY_SEQPACKET == (int)VSOCK_SEQPACKET &&
		       MAYFLY_SHUT_READ == (int)VSOCK_RECEIVE &&
		       MAYFLY_SHUT_WRITE == (int)VSOCK_SEND &&
		       MAYFLY_ECONNRESET == -LINUX_ECONNRESET &&
		       MAYFLY_EPIPE == -LINUX_EPIPE &&
		       MAYFLY_EMFILE == -LINUX_EMFILE,
	       "one set of numbers");

int mayfly_vsock_open(uint32_t *ret_cid)
{
	return vsock_open(ret_cid) ? 0 : MAYFLY_ENODEV;
}

int mayfly_vsock_listen(uint32_t port)
{
	return vsock_listen(port);
}

int mayfly_vsock_connect(enum mayfly_vsock_type type, uint32_t port)
{
	return vsock_connect((enum vsock_type)type, port);
}

int mayfly_vsock_wait_open(int conn)
{
	return vsock_wait_open(conn);
}

int mayfly_vsock_next(uint64_t until)
{
	/* for the driver 0 is never */
	return vsock_next(until == MAYFLY_FOREVER ? 0 : until ? until : 1);
}

void mayfly_vsock_get(int conn, struct mayfly_vsock *ret)
{
	struct vsock_status s;

	vsock_get(conn, &s);
	*ret = (struct mayfly_vsock){ .type = (enum mayfly_vsock_type)s.type,
				      .port = s.port,
				      .peer_port = s.peer_port,
				      .incoming = s.incoming,
				      .open = s.open,
				      .over = s.reset };
}

int64_t mayfly_vsock_send(int conn, const void *buf, size_t len)
{
	return vsock_send(conn, buf, len);
}

int64_t mayfly_vsock_send_all(int conn, const void *buf, size_t len)
{
	return vsock_send_all(conn, buf, len);
}

int64_t mayfly_vsock_receive(int conn, void *buf, size_t len)
{
	return vsock_recv(conn, buf, len);
}

void mayfly_vsock_shutdown(int conn, unsigned what)
{
	vsock_shutdown(conn, what);
}

void mayfly_vsock_close(int conn)
{
	vsock_close(conn);
}
