/* gdb_packet.h: the framing of GDB's remote serial protocol (GDB manual,
 * "Remote Protocol", overview): $text#checksum, acknowledgements, and the
 * lone byte of an interrupt. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_GDB_PACKET_H
#define DEBUG_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define GDB_PACKET_MAX 16384u /* bytes of a packet's text, either way */

/* --- in ------------------------------------------------------------------- */

enum gdb_event {
	GDB_EV_MORE,      /* nothing yet */
	GDB_EV_PACKET,    /* text and len hold one, escapes undone */
	GDB_EV_BAD,       /* a packet that was damaged or too long */
	GDB_EV_INTERRUPT, /* Ctrl-C */
};

struct gdb_input {
	enum { GDB_IN_IDLE, GDB_IN_TEXT, GDB_IN_SUM1, GDB_IN_SUM2 } state;
	bool escaped, too_long, bad_sum;
	uint8_t sum, want;
	size_t len;
	char text[GDB_PACKET_MAX + 1]; /* ended with NUL */
};

void gdb_input_init(struct gdb_input *in);
/* Takes bytes up to the next event; *ret_used says how many. */
WUR enum gdb_event gdb_input_feed(struct gdb_input *in, const char *bytes,
				  size_t n, size_t *ret_used);

/* --- out ------------------------------------------------------------------ */

#define GDB_OUTPUT_MAX ((size_t)3 * GDB_PACKET_MAX)

/* Packets to be sent. What does not fit sets `full`: the client is beyond
 * help. */
struct gdb_output {
	bool full;
	size_t start; /* of the open packet's text */
	size_t len;
	char bytes[GDB_OUTPUT_MAX];
};

/* A byte outside of packets: an acknowledgement. */
void gdb_out_raw(struct gdb_output *out, char c);
void gdb_out_begin(struct gdb_output *out);
void gdb_out_end(struct gdb_output *out);
/* Inside of one; binary bytes are escaped. */
void gdb_out_text(struct gdb_output *out, const char *text);
void gdb_out_fmt(struct gdb_output *out, const char *fmt, ...) PRINTF(2, 3);
void gdb_out_hex(struct gdb_output *out, const void *bytes, size_t n);
void gdb_out_binary(struct gdb_output *out, const void *bytes, size_t n);

/* --- hexadecimal ---------------------------------------------------------- */

/* The number at *s, 1 to 16 digits; *s moves behind it. False: none there. */
WUR bool gdb_number(const char **s, uint64_t *ret);
/* Bytes from pairs of digits: how many, at most n; stops at the first that is
 * no pair. */
WUR size_t gdb_bytes(const char *s, uint8_t *ret, size_t n);

#endif
