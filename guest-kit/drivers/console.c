/* console.c: virtio console (virtio 1.2, 5.3), port 0. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "lib/string.h"
#include "linux/errno.h"

#define RX 0
#define TX 1

/* mayfly's addition to the configuration: bit 0, the input has ended. */
#define CONFIG_ENDED 12

#define RING         64 /* entries; both rings are in one page */
#define TX_LEN       (256u << 10)
#define RX_BUF_LEN   (16u << 10)
#define RX_BUFS      16
#define SMALL_MEMORY 2048 /* pages; with less the buffers are a quarter */

struct console {
	bool tried, usable, started;
	struct virtio dev;

	/* Output: a circle of bytes: [tail, sent) is with the device, [sent,
	 * head) waits for console_push. The three only grow. */
	uint8_t *tx;
	uint64_t tx_len, head, sent, tail;
	uint32_t slot_len[RING];      /* bytes of each request ... */
	bool slot_done[RING];         /* ... and whether they are out */
	uint16_t first_slot, n_slots; /* requests with the device */

	/* Input: buffers with the device, but for the one being read. */
	uint8_t *rx;
	uint32_t rx_len;   /* of each */
	unsigned returned; /* buffers given back since the last notification */
	bool ended;
	bool reading;
	unsigned rx_index, rx_off, rx_end;
};

static struct console consoles[2];

static uint32_t scaled(uint32_t len)
{
	return page_count_total() < SMALL_MEMORY ? len / 4 : len;
}

/* The device, found and with rings, but not started. */
static struct console *find(unsigned n)
{
	struct console *c = &consoles[n];
	uint64_t pages = scaled(TX_LEN) / PAGE_LEN;

	if (c->tried)
		return c->usable ? c : NULL;
	c->tried = true;
	if (!virtio_find(&c->dev, VIRTIO_ID_CONSOLE, n, IRQ_CONSOLE(n)) ||
	    !virtio_prepare(&c->dev, 2, RING))
		return NULL;
	while (pages && !(c->tx = page_alloc_run(pages)))
		pages /= 2;
	c->tx_len = pages * PAGE_LEN;
	c->usable = pages;
	return c->usable ? c : NULL;
}

static struct console *stream_console(enum console_stream stream)
{
	struct console *c = stream == CONSOLE_ERR ? find(1) : NULL;

	return c ? c : find(0);
}

static void start(struct console *c, unsigned notify)
{
	c->started = true;
	if (!virtio_start(&c->dev, notify))
		c->usable = false;
}

static void reap(struct console *c)
{
	unsigned slot;
	uint32_t len;

	while (virtq_pop(&c->dev, TX, &slot, &len))
		c->slot_done[slot] = true;
	while (c->n_slots && c->slot_done[c->first_slot]) {
		c->slot_done[c->first_slot] = false;
		c->tail += c->slot_len[c->first_slot];
		c->first_slot = (c->first_slot + 1) % RING;
		c->n_slots--;
	}
	/* Nothing out there: start over, in memory already touched. */
	if (c->tail == c->head)
		c->head = c->sent = c->tail = 0;
}

static void check_ended(struct console *c)
{
	unsigned at;

	if (!machine.platform)
		return;
	mmio_begin();
	at = mmio_read(c->dev.gpa + VIRTIO_CONFIG + CONFIG_ENDED);
	mmio_run();
	c->ended = mmio_value(at) & 1;
}

static void take_news(struct console *c)
{
	if (c->dev.config_changed) {
		c->dev.config_changed = false;
		check_ended(c);
	}
}

static void (*listener)(void); /* to be called when input may be there */

/* One round of waiting; news from the configuration is read at once. The
 * interrupt it takes may have been about input as well. */
static void wait(struct console *c, unsigned queue, uint64_t until_ns)
{
	virtio_wait(&c->dev, queue, until_ns);
	take_news(c);
	if (listener && (c->ended || virtq_has_used(&c->dev.q[RX])))
		listener();
}

/* One request for what lies in one piece. */
static void send(struct console *c)
{
	uint64_t off = c->sent % c->tx_len;
	uint64_t len = min_u64(c->head - c->sent, c->tx_len - off);
	unsigned slot = (c->first_slot + c->n_slots++) % RING;

	c->slot_len[slot] = (uint32_t)len;
	c->sent += len;
	virtq_add(&c->dev.q[TX], slot, phys_of(c->tx + off), (uint32_t)len,
		  false);
}

static void push(struct console *c)
{
	while (c->usable && c->sent != c->head) {
		while (c->sent != c->head && c->n_slots < RING)
			send(c);
		if (c->started)
			virtio_notify(&c->dev, TX);
		else
			start(c, TX);
		if (c->sent != c->head)
			wait(c, TX, 0);
		reap(c);
	}
}

void console_push(enum console_stream stream)
{
	struct console *c = stream_console(stream);

	if (c)
		push(c);
}

void console_write(enum console_stream stream, const void *buf, uint64_t len)
{
	struct console *c = stream_console(stream);
	const uint8_t *p = buf;

	while (c && c->usable && len) {
		uint64_t off, n;

		reap(c);
		off = c->head % c->tx_len;
		n = min_u64(c->tx_len - (c->head - c->tail), c->tx_len - off);
		n = min_u64(n, len);
		memcpy(c->tx + off, p, n);
		c->head += n;
		p += n;
		len -= n;
		if (!n) {
			push(c);
			if (c->head - c->tail == c->tx_len)
				wait(c, TX, 0);
		}
	}
}

void console_print(const char *text)
{
	console_write(CONSOLE_ERR, text, strlen(text));
}

void console_flush(bool in_trouble)
{
	for (unsigned i = 0; i < ARRAY_LEN(consoles); i++) {
		struct console *c = &consoles[i];
		unsigned rounds = 200;

		push(c);
		while (c->usable && c->n_slots) {
			if (!in_trouble)
				wait(c, TX, 0);
			else if (!virtio_spin(&c->dev, TX) && !--rounds)
				return;
			reap(c);
		}
	}
}

static uint8_t *rx_buf(const struct console *c, unsigned index)
{
	return c->rx + (size_t)index * c->rx_len;
}

static void give_buffer(struct console *c, unsigned index)
{
	virtq_add(&c->dev.q[RX], index, phys_of(rx_buf(c, index)), c->rx_len,
		  true);
	c->returned++;
}

/* The device need not hear of each: it has others. */
static void notify_returned(struct console *c)
{
	c->returned = 0;
	virtio_notify(&c->dev, RX);
}

/* The first console with buffers for input. */
static struct console *input(void)
{
	struct console *c = find(0);

	if (!c || c->rx)
		return c;
	c->rx_len = scaled(RX_BUF_LEN);
	c->rx = page_alloc_run(c->rx_len / PAGE_LEN * RX_BUFS);
	if (!c->rx)
		return NULL;
	for (unsigned i = 0; i < RX_BUFS; i++)
		give_buffer(c, i);
	if (c->started)
		notify_returned(c);
	else
		start(c, RX);
	if (!c->usable)
		return NULL;
	check_ended(c);
	return c;
}

static bool next_buffer(struct console *c)
{
	uint32_t len;

	if (c->reading && c->rx_off < c->rx_end)
		return true;
	if (c->reading) {
		give_buffer(c, c->rx_index);
		c->reading = false;
	}
	while (virtq_pop(&c->dev, RX, &c->rx_index, &len)) {
		c->rx_index %= RX_BUFS;
		c->rx_off = 0;
		c->rx_end = len < c->rx_len ? len : c->rx_len;
		if (c->rx_end) {
			c->reading = true;
			return true;
		}
		give_buffer(c, c->rx_index);
	}
	return false;
}

int64_t console_read(void *buf, uint64_t len)
{
	struct console *c = input();
	uint8_t *p = buf;
	uint64_t done = 0;
	bool ended;

	if (!c)
		return 0;
	ended = c->ended; /* before the ring: no data comes after the end */
	while (done < len && next_buffer(c)) {
		uint64_t n = min_u64(len - done, c->rx_end - c->rx_off);

		memcpy(p + done, rx_buf(c, c->rx_index) + c->rx_off, n);
		c->rx_off += (unsigned)n;
		done += n;
	}
	if (c->returned > RX_BUFS / 2)
		notify_returned(c);
	if (done || !len || ended)
		return (int64_t)done;
	return -LINUX_EAGAIN;
}

bool console_readable(void)
{
	struct console *c = input();

	return !c || next_buffer(c) || c->ended;
}

void console_wait_input(uint64_t until_ns)
{
	struct console *c = input();

	if (!c || console_readable())
		return;
	if (virtio_spin(&c->dev, RX))
		return;
	notify_returned(c);
	wait(c, RX, until_ns);
}

static void input_came(void)
{
	struct console *c = input();

	if (!c)
		return;
	virtio_acknowledge(&c->dev);
	take_news(c);
	listener();
}

bool console_listen(void (*fn)(void))
{
	struct console *c = input();

	if (!c || console_readable())
		return true;
	listener = fn;
	irq_on(IRQ_CONSOLE(0), input_came);
	notify_returned(c);
	/* Setting up the interrupt may have taken the word of the end. */
	(void)virtio_listen(&c->dev, RX);
	take_news(c);
	return console_readable();
}
