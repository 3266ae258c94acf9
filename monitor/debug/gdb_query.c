/* gdb_query.c: what the debugger asks about, and its settings (GDB manual,
 * "General Query Packets"). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "debug/gdb_priv.h"
#include "debug/gdb_regs.h"
#include "debug/stop.h"

/* Of an answer's text: binary bytes may double. */
#define WINDOW_MAX (GDB_PACKET_MAX / 2 - 16)

/* A document is made piece by piece each time; what lies in the window the
 * packet asks for is sent. */
struct window {
	struct gdb_output *out;
	uint64_t off, len;
	uint64_t at; /* bytes of the document so far */
};

static void put_bytes(struct window *w, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++, w->at++)
		if (w->at - w->off < w->len)
			gdb_out_binary(w->out, p + i, 1);
}

static void put_text(void *ctx, const char *text)
{
	put_bytes(ctx, text, strlen(text));
}

static void put_escaped(struct window *w, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			put_text(w, "&lt;");
		else if (*text == '&')
			put_text(w, "&amp;");
		else if (*text == '"')
			put_text(w, "&quot;");
		else
			put_bytes(w, text, 1);
	}
}

static void put_hex(struct window *w, uint32_t v)
{
	char text[9], *p = text + sizeof(text) - 1;

	*p = '\0';
	do
		*--p = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	put_text(w, p);
}

/* --- qXfer ------------------------------------------------------------------- */

static void document_features(const struct gdb *g, struct window *w)
{
	gdb_regs_describe(g->stop, put_text, w);
}

static void document_auxv(const struct gdb *g, struct window *w)
{
	const struct debug_stop *s = &g->stop->s;
	uint8_t buf[1024];

	if (s->auxv_len <= sizeof(buf))
		put_bytes(w, buf,
			  stop_read(g->stop, s->auxv_gva, buf, s->auxv_len));
}

static void document_threads(const struct gdb *g, struct window *w)
{
	put_text(w, "<?xml version=\"1.0\"?><threads>");
	for (uint32_t i = 0; i < g->stop->s.n_threads; i++) {
		put_text(w, "<thread id=\"");
		put_hex(w, g->stop->thread[i].tid);
		put_text(w, "\" name=\"");
		put_escaped(w, g->stop->thread[i].name);
		put_text(w, "\"/>");
	}
	put_text(w, "</threads>");
}

static void document_exec_file(const struct gdb *g, struct window *w)
{
	put_text(w, g->cfg.exec_file);
}

static void document_siginfo(const struct gdb *g, struct window *w)
{
	put_bytes(w, g->stop->s.siginfo, sizeof(g->stop->s.siginfo));
}

static const struct {
	const char *name; /* with the annex */
	void (*put)(const struct gdb *g, struct window *w);
	bool any_annex; /* exec-file: a process */
} documents[] = {
	{ "features:read:target.xml:", document_features, false },
	{ "auxv:read::", document_auxv, false },
	{ "threads:read::", document_threads, false },
	{ "siginfo:read::", document_siginfo, false },
	{ "exec-file:read:", document_exec_file, true },
};

static enum gdb_done transfer(struct gdb *g, const char *text)
{
	for (unsigned i = 0; i < ARRAY_SIZE(documents); i++) {
		const size_t len = strlen(documents[i].name);
		const char *s = text + len;
		struct window w = { .out = &g->out };
		size_t mark;

		if (strncmp(text, documents[i].name, len) != 0)
			continue;
		if (documents[i].any_annex)
			s += strcspn(s, ":") + (strchr(s, ':') != NULL);
		if (!gdb_number(&s, &w.off) || *s++ != ',' ||
		    !gdb_number(&s, &w.len) || *s)
			return GDB_ERROR;
		if (w.len > WINDOW_MAX)
			w.len = WINDOW_MAX;
		gdb_out_begin(&g->out);
		mark = g->out.len;
		gdb_out_text(&g->out, "m");
		documents[i].put(g, &w);
		if (w.at <= w.off || w.at - w.off <= w.len)
			g->out.bytes[mark] = 'l';
		gdb_out_end(&g->out);
		return GDB_DONE;
	}
	return GDB_UNKNOWN;
}

/* --- the rest ---------------------------------------------------------------- */

static void answer(struct gdb *g, const char *text)
{
	gdb_out_begin(&g->out);
	gdb_out_text(&g->out, text);
	gdb_out_end(&g->out);
}

static enum gdb_done supported(struct gdb *g, const char *text)
{
	g->swbreak = strstr(text, "swbreak+") != NULL;
	gdb_out_begin(&g->out);
	gdb_out_fmt(&g->out, "PacketSize=%x;QStartNoAckMode+;QPassSignals+;",
		    GDB_PACKET_MAX);
	gdb_out_text(&g->out, "vContSupported+;qXfer:features:read+;"
			      "qXfer:auxv:read+;qXfer:threads:read+;"
			      "qXfer:siginfo:read+");
	if (g->cfg.exec_file)
		gdb_out_text(&g->out, ";qXfer:exec-file:read+");
	if (g->swbreak)
		gdb_out_text(&g->out, ";swbreak+");
	gdb_out_end(&g->out);
	return GDB_DONE;
}

static enum gdb_done pass_signals(struct gdb *g, const char *s)
{
	uint64_t n;

	memset(g->pass_signals, 0, sizeof(g->pass_signals));
	for (; *s; s += *s == ';') {
		if (!gdb_number(&s, &n) || (*s && *s != ';'))
			return GDB_ERROR;
		if (n < 64 * ARRAY_SIZE(g->pass_signals))
			g->pass_signals[n / 64] |= 1ull << n % 64;
	}
	return GDB_OK;
}

static enum gdb_done thread_list(struct gdb *g)
{
	gdb_out_begin(&g->out);
	for (uint32_t i = 0; i < g->stop->s.n_threads; i++)
		gdb_out_fmt(&g->out, "%c%x", i ? ',' : 'm',
			    g->stop->thread[i].tid);
	gdb_out_end(&g->out);
	return GDB_DONE;
}

static enum gdb_done thread_name(struct gdb *g, const char *s)
{
	const struct debug_thread *t;
	uint64_t tid;

	if (!gdb_number(&s, &tid) || *s || tid > UINT32_MAX)
		return GDB_ERROR;
	t = stop_thread(g->stop, (uint32_t)tid);
	if (!t)
		return GDB_ERROR;
	gdb_out_begin(&g->out);
	gdb_out_hex(&g->out, t->name, strlen(t->name));
	gdb_out_end(&g->out);
	return GDB_DONE;
}

static const char *after(const char *s, const char *prefix)
{
	const size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

enum gdb_done gdb_query(struct gdb *g, const char *text, size_t len)
{
	const char *s;

	if (strlen(text) != len)
		return GDB_ERROR;
	if ((s = after(text, "qSupported")))
		return supported(g, s);
	if (strcmp(text, "QStartNoAckMode") == 0) {
		g->no_ack = true;
		return GDB_OK;
	}
	if ((s = after(text, "QPassSignals:")))
		return pass_signals(g, s);
	if (after(text, "qAttached")) {
		answer(g, g->cfg.wait ? "0" : "1");
		return GDB_DONE;
	}
	if (!g->stop) /* a setting we do not have */
		return GDB_UNKNOWN;
	if ((s = after(text, "qXfer:")))
		return transfer(g, s);
	if (strcmp(text, "qC") == 0) {
		gdb_out_begin(&g->out);
		gdb_out_fmt(&g->out, "QC%x", g->stop->s.tid);
		gdb_out_end(&g->out);
		return GDB_DONE;
	}
	if (strcmp(text, "qfThreadInfo") == 0)
		return thread_list(g);
	if (strcmp(text, "qsThreadInfo") == 0) {
		answer(g, "l");
		return GDB_DONE;
	}
	if ((s = after(text, "qThreadExtraInfo,")))
		return thread_name(g, s);
	return GDB_UNKNOWN;
}
