/* legacy_serial.c: COM1, a 16550A with an always drained transmitter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/attr.h"
#include "base/check.h"
#include "vmm/legacy_priv.h"

enum { THR_RBR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RX    0x1
#define IER_THRE  0x2
#define IIR_NONE  0x1
#define IIR_THRE  0x2
#define IIR_RX    0x4
#define IIR_FIFO  0xc0
#define LCR_DLAB  0x80
#define MCR_OUT2  0x8 /* gates the interrupt line on a PC */
#define MCR_LOOP  0x10
#define LSR_DR    0x1
#define LSR_THRE  0x20
#define LSR_TEMT  0x40
#define MSR_READY 0xb0 /* DCD, DSR, CTS */

static void raise_irq(struct serial *s)
{
	s->irq.fire(s->irq.ctx);
}

static void update_irq(struct serial *s)
{
	if ((s->ier & IER_RX && s->rx_at < s->rx_n) ||
	    (s->ier & IER_THRE && s->thr_empty_irq))
		raise_irq(s);
}

static void tx_kick(struct serial *s);

static void tx_consume(struct serial *s, size_t n)
{
	bool was_full = s->tx_n == SERIAL_TX_LEN;

	s->on_output(s->ctx, s->tx, n);
	memmove(s->tx, s->tx + n, s->tx_n - n);
	s->tx_n -= n;
	if (was_full) {
		s->thr_empty_irq = true;
		update_irq(s);
	}
}

static void tx_done(struct loop_op *op, int res)
{
	struct serial *s = CONTAINER_OF(op, struct serial, tx_op);

	s->tx_busy = false;
	if (res == -EAGAIN) {
		if (loop_poll(s->loop, &s->tx_op, s->out_fd, POLLOUT) == 0)
			s->tx_busy = true;
		s->tx_flight = 0;
		return;
	}
	if (res < 0 && res != -EINTR && s->tx_flight > 0) {
		s->tx_n = 0; /* nobody will take it */
		s->out_fd = -1;
		if (res != -ECANCELED)
			s->on_closed(s->ctx, res);
		return;
	}
	if (res > 0 && s->tx_flight > 0)
		tx_consume(s, (size_t)res);
	tx_kick(s);
}

static void tx_kick(struct serial *s)
{
	if (s->out_fd < 0)
		s->tx_n = 0;
	if (s->tx_busy || s->tx_n == 0)
		return;
	s->tx_iov = (struct iovec){ s->tx, s->tx_n };
	s->tx_flight = s->tx_n;
	s->tx_op.done = tx_done;
	if (loop_writev(s->loop, &s->tx_op, s->out_fd, &s->tx_iov, 1,
			LOOP_OFF_STREAM) == 0)
		s->tx_busy = true;
}

static void rx_kick(struct serial *s);

static void rx_done(struct loop_op *op, int res)
{
	struct serial *s = CONTAINER_OF(op, struct serial, rx_op);

	s->rx_busy = false;
	if (res == -EAGAIN || res == -EINTR) {
		if (loop_poll(s->loop, &s->rx_op, s->in_fd, POLLIN) == 0)
			s->rx_busy = true;
		s->rx_n = s->rx_at = 0;
		s->rx_iov.iov_len = 0;
		return;
	}
	if (s->rx_iov.iov_len == 0 && res > 0) { /* the poll said: readable */
		rx_kick(s);
		return;
	}
	if (res <= 0) {
		s->rx_ended = true;
		return;
	}
	s->rx_n = (size_t)res;
	s->rx_at = 0;
	if (s->filter)
		s->rx_n = s->filter(s->ctx, s->rx, s->rx_n);
	if (s->rx_n == 0)
		rx_kick(s);
	update_irq(s);
}

static void rx_kick(struct serial *s)
{
	if (s->in_fd < 0 || s->rx_busy || s->rx_ended || s->rx_at < s->rx_n)
		return;
	s->rx_iov = (struct iovec){ s->rx, sizeof(s->rx) };
	s->rx_op.done = rx_done;
	if (loop_readv(s->loop, &s->rx_op, s->in_fd, &s->rx_iov, 1,
		       LOOP_OFF_STREAM) == 0)
		s->rx_busy = true;
}

void serial_start(struct serial *s)
{
	rx_kick(s);
}

static uint8_t read_iir(struct serial *s)
{
	if (s->ier & IER_RX && s->rx_at < s->rx_n)
		return IIR_FIFO | IIR_RX;
	if (s->ier & IER_THRE && s->thr_empty_irq) {
		s->thr_empty_irq = false;
		return IIR_FIFO | IIR_THRE;
	}
	return IIR_FIFO | IIR_NONE;
}

static uint8_t read_rbr(struct serial *s)
{
	uint8_t b;

	if (s->rx_at == s->rx_n)
		return 0;
	b = s->rx[s->rx_at++];
	if (s->rx_at == s->rx_n)
		rx_kick(s);
	update_irq(s);
	return b;
}

uint8_t serial_in(struct serial *s, unsigned off)
{
	CHECK(off < SERIAL_LEN);
	switch (off) {
	case THR_RBR:
		return s->lcr & LCR_DLAB ? s->dll : read_rbr(s);
	case IER:
		return s->lcr & LCR_DLAB ? s->dlm : s->ier;
	case IIR_FCR:
		return read_iir(s);
	case LCR:
		return s->lcr;
	case MCR:
		return s->mcr;
	case LSR:
		return (uint8_t)((s->tx_n < SERIAL_TX_LEN ? LSR_THRE | LSR_TEMT
							  : 0) |
				 (s->rx_at < s->rx_n ? LSR_DR : 0));
	case MSR:
		/* loop-back shows the modem control outputs as its inputs */
		if (s->mcr & MCR_LOOP)
			return (uint8_t)((s->mcr & 1) << 5 | (s->mcr & 2) << 3 |
					 (s->mcr & 4) << 4 | (s->mcr & 8) << 4);
		return MSR_READY;
	default:
		return s->scr;
	}
}

static void write_thr(struct serial *s, uint8_t value)
{
	if (s->mcr & MCR_LOOP)
		return;
	if (s->tx_n < SERIAL_TX_LEN) /* else the guest did not look at LSR */
		s->tx[s->tx_n++] = value;
	tx_kick(s);
	if (s->tx_n < SERIAL_TX_LEN) {
		s->thr_empty_irq = true;
		update_irq(s);
	}
}

void serial_out(struct serial *s, unsigned off, uint8_t value)
{
	CHECK(off < SERIAL_LEN);
	switch (off) {
	case THR_RBR:
		if (s->lcr & LCR_DLAB)
			s->dll = value;
		else
			write_thr(s, value);
		break;
	case IER:
		if (s->lcr & LCR_DLAB) {
			s->dlm = value;
			break;
		}
		if (!(s->ier & IER_THRE) && value & IER_THRE)
			s->thr_empty_irq = s->tx_n < SERIAL_TX_LEN;
		s->ier = value & 0xf;
		update_irq(s);
		break;
	case LCR:
		s->lcr = value;
		break;
	case MCR:
		s->mcr = value & 0x1f;
		break;
	case SCR:
		s->scr = value;
		break;
	default: /* FCR: the FIFO is always there; LSR, MSR: read-only */
		break;
	}
}

bool serial_pending(const struct serial *s)
{
	return s->tx_n > 0;
}

void serial_stop(struct serial *s)
{
	s->rx_ended = true;
	s->in_fd = -1;
	s->out_fd = -1;
	if (s->tx_busy)
		loop_cancel(s->loop, &s->tx_op);
	if (s->rx_busy)
		loop_cancel(s->loop, &s->rx_op);
}
