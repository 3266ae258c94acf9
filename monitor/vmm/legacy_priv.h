/* legacy_priv.h: the PC devices of --legacy, for guests that insist.
 *
 * COM1 (16550A, 0x3f8, IRQ 4): output goes where the console's goes, and it
 * takes the console's input. RTC (MC146818, 0x70): the host's UTC, read-only.
 * i8042 (0x60, 0x64): the reset command and an answer to the self test. The
 * PIT is KVM's own. All calls with the machine lock held. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_LEGACY_PRIV_H
#define VMM_LEGACY_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include "virtio/vdev.h"

#define SERIAL_PORT   0x3f8
#define SERIAL_LEN    8
#define SERIAL_IRQ    4
#define SERIAL_TX_LEN 4096
#define SERIAL_RX_LEN 256

struct serial {
	struct loop *loop;
	struct irq_line irq;
	int in_fd, out_fd; /* -1: none */
	void (*on_output)(void *ctx, const uint8_t *bytes, size_t n);
	void (*on_closed)(void *ctx, int error); /* negative errno */
	size_t (*filter)(void *ctx, uint8_t *bytes, size_t n);
	void *ctx;
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	bool thr_empty_irq; /* the empty interrupt was not read yet */
	struct loop_op tx_op, rx_op;
	struct iovec tx_iov, rx_iov;
	bool tx_busy, rx_busy, rx_ended;
	size_t tx_n, tx_flight; /* bytes in tx; of these in the op */
	size_t rx_n, rx_at;
	uint8_t tx[SERIAL_TX_LEN];
	uint8_t rx[SERIAL_RX_LEN];
};

struct legacy {
	bool serial_on, rtc_on, i8042_on;
	struct serial serial;
	uint8_t rtc_index;
	uint8_t kbd_cmd, kbd_out, kbd_cmd_byte;
	bool kbd_full;
};

void serial_start(struct serial *s);
uint8_t serial_in(struct serial *s, unsigned off);
void serial_out(struct serial *s, unsigned off, uint8_t value);
bool serial_pending(const struct serial *s);
void serial_stop(struct serial *s); /* cancels what is in flight */

uint8_t rtc_in(const struct legacy *l, unsigned off);
void rtc_out(struct legacy *l, unsigned off, uint8_t value);

uint8_t i8042_in(struct legacy *l, unsigned off);
/* True when the guest asks for a reset. */
bool i8042_out(struct legacy *l, unsigned off, uint8_t value);

#endif
