/* gdb_memory.c: the program's memory and the breakpoints in it. Nobody who
 * reads through here sees a breakpoint, and nobody who writes loses one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "debug/gdb_priv.h"
#include "debug/stop.h"

#define INT3 0xcc

/* Of one packet: two digits a byte, and room for its head. */
#define CHUNK_MAX (GDB_PACKET_MAX / 2 - 16)

/* ADDRESS,LENGTH; *s moves behind it. */
static bool parse_range(const char **s, uint64_t *ret_gva, uint64_t *ret_len)
{
	if (!gdb_number(s, ret_gva) || **s != ',')
		return false;
	++*s;
	return gdb_number(s, ret_len);
}

/* --- breakpoints ------------------------------------------------------------ */

static struct gdb_break *find_break(struct gdb *g, uint64_t gva)
{
	for (unsigned i = 0; i < g->n_breaks; i++)
		if (g->breaks[i].gva == gva)
			return &g->breaks[i];
	return NULL;
}

bool gdb_has_break(struct gdb *g, uint64_t gva)
{
	return find_break(g, gva);
}

/* The bytes at gva, in a host buffer, with what breakpoints replaced. */
static void hide_breaks(const struct gdb *g, uint64_t gva, uint8_t *buf,
			size_t len)
{
	for (unsigned i = 0; i < g->n_breaks; i++)
		if (g->breaks[i].gva - gva < len)
			buf[g->breaks[i].gva - gva] = g->breaks[i].byte;
}

static enum gdb_done write_bytes(struct gdb *g, uint64_t gva,
				 const uint8_t *buf, size_t len)
{
	uint64_t missing = gva;

	switch (stop_write(g->stop, gva, buf, len, g->populating, &missing)) {
	case 0:
		return GDB_OK;
	case -EAGAIN:
		g->stop->s.request_gva = missing;
		g->stop->s.request_len = len - (missing - gva);
		return GDB_POPULATE;
	default:
		return GDB_FAULT;
	}
}

static enum gdb_done insert_break(struct gdb *g, uint64_t gva)
{
	const uint8_t int3 = INT3;
	uint8_t byte;
	enum gdb_done d;

	if (find_break(g, gva))
		return GDB_OK;
	if (g->n_breaks == GDB_BREAKS_MAX)
		return GDB_ERROR;
	if (!g->populating && stop_lacks(g->stop, gva, 1))
		return write_bytes(g, gva, &int3, 1); /* populates */
	if (stop_read(g->stop, gva, &byte, 1) != 1)
		return GDB_FAULT;
	d = write_bytes(g, gva, &int3, 1);
	if (d == GDB_OK)
		g->breaks[g->n_breaks++] = (struct gdb_break){ gva, byte };
	return d;
}

/* A page that is gone has taken its breakpoint along. */
static void remove_break(struct gdb *g, struct gdb_break *b)
{
	uint64_t missing;
	uint8_t now;

	if (stop_read(g->stop, b->gva, &now, 1) == 1 && now == INT3)
		(void)!stop_write(g->stop, b->gva, &b->byte, 1, true, &missing);
	*b = g->breaks[--g->n_breaks];
}

enum gdb_done gdb_breakpoint(struct gdb *g, const char *args, bool insert)
{
	struct gdb_break *b;
	uint64_t gva, kind;

	if (args[0] != '0')
		return GDB_UNKNOWN; /* hardware ones */
	if (args[1] != ',')
		return GDB_ERROR;
	args += 2;
	if (!parse_range(&args, &gva, &kind) || *args)
		return GDB_ERROR;
	if (insert)
		return insert_break(g, gva);
	b = find_break(g, gva);
	if (b)
		remove_break(g, b);
	return GDB_OK;
}

void gdb_remove_breaks(struct gdb *g)
{
	while (g->n_breaks > 0)
		remove_break(g, &g->breaks[g->n_breaks - 1]);
}

/* --- memory ----------------------------------------------------------------- */

enum gdb_done gdb_read_memory(struct gdb *g, const char *args)
{
	uint8_t buf[CHUNK_MAX];
	uint64_t gva, len;
	size_t n;

	if (!parse_range(&args, &gva, &len) || *args)
		return GDB_ERROR;
	if (len > CHUNK_MAX)
		len = CHUNK_MAX;
	if (!g->populating && stop_lacks(g->stop, gva, len)) {
		g->stop->s.request_gva = gva;
		g->stop->s.request_len = len;
		return GDB_POPULATE;
	}
	n = stop_read(g->stop, gva, buf, len);
	if (n == 0 && len > 0)
		return GDB_FAULT;
	hide_breaks(g, gva, buf, n);
	gdb_out_begin(&g->out);
	gdb_out_hex(&g->out, buf, n);
	gdb_out_end(&g->out);
	return GDB_DONE;
}

/* Under a breakpoint the new byte waits for its turn. */
static enum gdb_done write_around(struct gdb *g, uint64_t gva, uint8_t *buf,
				  size_t len)
{
	uint8_t new[GDB_BREAKS_MAX];
	enum gdb_done d;

	for (unsigned i = 0; i < g->n_breaks; i++)
		if (g->breaks[i].gva - gva < len) {
			new[i] = buf[g->breaks[i].gva - gva];
			buf[g->breaks[i].gva - gva] = INT3;
		}
	d = write_bytes(g, gva, buf, len);
	for (unsigned i = 0; i < g->n_breaks && d == GDB_OK; i++)
		if (g->breaks[i].gva - gva < len)
			g->breaks[i].byte = new[i];
	return d;
}

enum gdb_done gdb_write_memory(struct gdb *g, const char *args, size_t args_len,
			       bool binary)
{
	const char *s = args;
	uint8_t buf[GDB_PACKET_MAX];
	uint64_t gva, len;
	size_t left;

	if (!parse_range(&s, &gva, &len) || *s++ != ':' || len > sizeof(buf))
		return GDB_ERROR;
	left = args_len - (size_t)(s - args);
	if (left != (binary ? len : 2 * len))
		return GDB_ERROR;
	if (binary)
		memcpy(buf, s, len);
	else if (gdb_bytes(s, buf, len) != len)
		return GDB_ERROR;
	return write_around(g, gva, buf, len);
}
