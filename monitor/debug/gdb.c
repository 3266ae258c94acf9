/* gdb.c: see gdb.h. The protocol's states: the program runs (stop is NULL:
 * the client says nothing but Ctrl-C), or it is stopped and every packet is
 * answered at once; a few wait for the guest first (`populating`). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "debug/gdb.h"

#include <string.h>

#include "base/check.h"
#include "debug/gdb_priv.h"
#include "debug/gdb_regs.h"
#include "debug/stop.h"

void gdb_init(struct gdb *g, const struct gdb_config *cfg)
{
	memset(g, 0, sizeof(*g));
	g->cfg = *cfg;
}

struct debug_thread *gdb_thread(const struct gdb *g)
{
	CHECK(g->stop);
	return g->tid ? stop_thread(g->stop, g->tid) : g->stop->thread;
}

static void answer(struct gdb *g, const char *text)
{
	gdb_out_begin(&g->out);
	gdb_out_text(&g->out, text);
	gdb_out_end(&g->out);
}

/* --- stopping and going on ---------------------------------------------------- */

static unsigned signal_of(const struct debug_stop *s)
{
	switch (s->reason) {
	case DEBUG_INTERRUPT:
		return 2; /* SIGINT */
	case DEBUG_SIGNAL:
		return gdb_signal_from_linux(s->signal);
	default:
		return 5; /* SIGTRAP */
	}
}

static void say_stopped(struct gdb *g)
{
	const struct stop *stop = g->stop;

	CHECK(stop);
	g->owes_reply = false;
	gdb_out_begin(&g->out);
	gdb_out_fmt(&g->out, "T%02xthread:%x;", signal_of(&stop->s),
		    stop->s.tid);
	if (stop->s.reason == DEBUG_BREAK && g->swbreak &&
	    gdb_has_break(g, stop->thread->regs[DEBUG_RIP]))
		gdb_out_text(&g->out, "swbreak:;");
	gdb_out_end(&g->out);
}

static void resume(struct gdb *g)
{
	g->stop = NULL;
	g->tid = 0;
	g->cfg.ops->resume(g->cfg.ctx);
}

/* Nobody is there to go on with it. */
static void let_go(struct gdb *g)
{
	struct stop *s = g->stop;

	gdb_remove_breaks(g);
	for (uint32_t i = 0; i < s->s.n_threads; i++)
		s->thread[i].action = DEBUG_RUN;
	s->s.request = DEBUG_NONE;
}

static bool may_pass(const struct gdb *g, const struct debug_stop *s)
{
	const unsigned n = gdb_signal_from_linux(s->signal);

	return s->reason == DEBUG_SIGNAL &&
	       (g->pass_signals[n / 64] >> n % 64 & 1);
}

/* What the client does not want to hear of. */
static bool is_idle_stop(const struct gdb *g, const struct debug_stop *s)
{
	return s->reason == DEBUG_FATAL ||
	       (s->reason == DEBUG_INTERRUPT && !g->asking) || may_pass(g, s);
}

static enum gdb_done packet(struct gdb *g);
static void conclude(struct gdb *g, enum gdb_done d);

bool gdb_stopped(struct gdb *g, struct stop *stop)
{
	struct debug_thread *t = stop->thread;

	g->stop = stop;
	if (g->populating) { /* once: what is missing now stays missing */
		conclude(g, packet(g));
		return g->stop != NULL;
	}
	/* ours: the instruction it replaced has not been executed */
	if (stop->s.reason == DEBUG_BREAK &&
	    gdb_has_break(g, t->regs[DEBUG_RIP] - 1)) {
		t->regs[DEBUG_RIP]--;
		stop->s.signal = 0;
	}
	if (!g->client && !(g->cfg.wait && stop->s.reason == DEBUG_START)) {
		if (stop->s.reason != DEBUG_FATAL)
			let_go(g);
		g->asking = false;
		g->stop = NULL;
		return false;
	}
	if (is_idle_stop(g, &stop->s)) {
		g->stop = NULL;
		return false;
	}
	g->asking = false;
	if (g->later) {
		g->later = false;
		conclude(g, packet(g));
	} else if (g->owes_reply) {
		say_stopped(g);
	}
	return g->stop != NULL;
}

void gdb_ended(struct gdb *g, int status, int signal)
{
	g->ended = true;
	g->stop = NULL;
	if (!g->client)
		return;
	gdb_out_begin(&g->out);
	if (signal)
		gdb_out_fmt(&g->out, "X%02x",
			    gdb_signal_from_linux((unsigned)signal));
	else
		gdb_out_fmt(&g->out, "W%02x", (unsigned)status & 0xff);
	gdb_out_end(&g->out);
}

static void interrupt(struct gdb *g)
{
	if (g->asking || g->stop || g->ended || !g->client)
		return;
	g->asking = true;
	g->cfg.ops->interrupt(g->cfg.ctx);
}

void gdb_attach(struct gdb *g)
{
	g->client = true;
	g->no_ack = g->owes_reply = g->swbreak = g->later = false;
	g->tid = 0;
	memset(g->pass_signals, 0, sizeof(g->pass_signals));
	gdb_input_init(&g->in);
	g->out.len = 0;
	g->out.full = false;
	interrupt(g);
}

void gdb_detach(struct gdb *g)
{
	g->client = g->populating = g->later = g->owes_reply = false;
	g->cfg.wait = false; /* whoever left has seen the first stop */
	if (g->stop) {
		let_go(g);
		resume(g);
	} else if (g->n_breaks > 0 && !g->asking && !g->ended) {
		g->asking = true; /* and gdb_stopped takes them out */
		g->cfg.ops->interrupt(g->cfg.ctx);
	}
}

/* --- going on ------------------------------------------------------------------ */

/* One action: c, s, C and S with their signal. *s moves behind it. */
static bool parse_action(const char **s, uint32_t *ret_action,
			 uint32_t *ret_signal)
{
	const char c = *(*s)++;
	uint64_t n = 0;

	*ret_action = c == 's' || c == 'S' ? DEBUG_STEP : DEBUG_RUN;
	if (c == 'C' || c == 'S') {
		if (!gdb_number(s, &n) || n > 0xff)
			return false;
	} else if (c != 'c' && c != 's') {
		return false;
	}
	*ret_signal = gdb_signal_to_linux((unsigned)n);
	return true;
}

static void act(struct gdb *g, struct debug_thread *t, uint32_t action,
		uint32_t signal)
{
	if (t->action != DEBUG_HOLD) /* the first that fits it counts */
		return;
	t->action = action;
	if (t == g->stop->thread)
		g->stop->s.signal = signal;
}

static void hold_all(struct gdb *g)
{
	g->stop->s.signal = 0;
	for (uint32_t i = 0; i < g->stop->s.n_threads; i++)
		g->stop->thread[i].action = DEBUG_HOLD;
}

static enum gdb_done go_on(struct gdb *g)
{
	g->owes_reply = true;
	resume(g);
	return GDB_DONE;
}

/* vCont;ACTION[:TID]... The leftmost that fits a thread is its action. */
static enum gdb_done vcont(struct gdb *g, const char *s)
{
	hold_all(g);
	while (*s == ';') {
		uint32_t action, signal;
		uint64_t tid = 0;

		s++;
		if (!parse_action(&s, &action, &signal))
			return GDB_ERROR;
		if (*s == ':' && s[1] == '-' && s[2] == '1')
			s += 3;
		else if (*s == ':') {
			s++;
			if (!gdb_number(&s, &tid))
				return GDB_ERROR;
		}
		for (uint32_t i = 0; i < g->stop->s.n_threads; i++)
			if (!tid || g->stop->thread[i].tid == tid)
				act(g, &g->stop->thread[i], action, signal);
	}
	return *s ? GDB_ERROR : go_on(g);
}

/* c, s, C and S of old: the thread that stopped, and all the others run. */
static enum gdb_done old_action(struct gdb *g, const char *s)
{
	uint32_t action, signal;

	if (!parse_action(&s, &action, &signal) || *s)
		return GDB_ERROR; /* from another address: not from a gdb */
	hold_all(g);
	act(g, g->stop->thread, action, signal);
	for (uint32_t i = 0; i < g->stop->s.n_threads; i++)
		act(g, &g->stop->thread[i], DEBUG_RUN, 0);
	return go_on(g);
}

/* --- registers and threads ------------------------------------------------------ */

static void put_register(struct gdb *g, const struct debug_thread *t,
			 unsigned n)
{
	uint8_t value[GDB_REG_LEN_MAX];

	if (gdb_reg_read(g->stop, t, n, value))
		gdb_out_hex(&g->out, value, gdb_reg_len(n));
	else
		for (unsigned i = 0; i < gdb_reg_len(n); i++)
			gdb_out_text(&g->out, "xx");
}

static enum gdb_done read_registers(struct gdb *g)
{
	const struct debug_thread *t = gdb_thread(g);

	if (!t)
		return GDB_ERROR;
	gdb_out_begin(&g->out);
	for (unsigned n = 0; n < gdb_regs_count(g->stop); n++)
		put_register(g, t, n);
	gdb_out_end(&g->out);
	return GDB_DONE;
}

/* What is x in the text stays as it is. */
static enum gdb_done write_registers(struct gdb *g, const char *s)
{
	struct debug_thread *t = gdb_thread(g);
	uint8_t value[GDB_REG_LEN_MAX];

	if (!t)
		return GDB_ERROR;
	for (unsigned n = 0; n < gdb_regs_count(g->stop) && *s; n++) {
		const size_t len = gdb_reg_len(n);

		if (strnlen(s, 2 * len) < 2 * len)
			return GDB_ERROR;
		if (gdb_bytes(s, value, len) == len)
			(void)!gdb_reg_write(g->stop, t, n, value);
		s += 2 * len;
	}
	return *s ? GDB_ERROR : GDB_OK;
}

static enum gdb_done read_register(struct gdb *g, const char *s)
{
	const struct debug_thread *t = gdb_thread(g);
	uint64_t n;

	if (!t || !gdb_number(&s, &n) || *s || n >= gdb_regs_count(g->stop))
		return GDB_ERROR;
	gdb_out_begin(&g->out);
	put_register(g, t, (unsigned)n);
	gdb_out_end(&g->out);
	return GDB_DONE;
}

static enum gdb_done write_register(struct gdb *g, const char *s)
{
	struct debug_thread *t = gdb_thread(g);
	uint8_t value[GDB_REG_LEN_MAX];
	uint64_t n;

	if (!t || !gdb_number(&s, &n) || *s++ != '=' ||
	    n >= gdb_regs_count(g->stop) ||
	    strlen(s) != 2ul * gdb_reg_len((unsigned)n) ||
	    gdb_bytes(s, value, gdb_reg_len((unsigned)n)) !=
		    gdb_reg_len((unsigned)n))
		return GDB_ERROR;
	return gdb_reg_write(g->stop, t, (unsigned)n, value) ? GDB_OK
							     : GDB_ERROR;
}

/* H: which thread the next packets mean; T: is it alive? */
static enum gdb_done choose_thread(struct gdb *g, const char *s, bool set)
{
	uint64_t tid;

	if (set && strcmp(s, "-1") == 0) {
		g->tid = 0;
		return GDB_OK;
	}
	if (!gdb_number(&s, &tid) || *s || tid > UINT32_MAX)
		return GDB_ERROR;
	if (tid && !stop_thread(g->stop, (uint32_t)tid))
		return GDB_ERROR;
	if (set)
		g->tid = (uint32_t)tid;
	return GDB_OK;
}

/* --- packets --------------------------------------------------------------------- */

static enum gdb_done end_session(struct gdb *g, bool kill)
{
	if (kill) {
		g->cfg.ops->kill(g->cfg.ctx);
		return GDB_DONE;
	}
	answer(g, "OK");
	gdb_detach(g);
	return GDB_DONE;
}

static enum gdb_done v_packet(struct gdb *g, const char *text)
{
	if (strcmp(text, "vCont?") == 0) {
		answer(g, "vCont;c;C;s;S");
		return GDB_DONE;
	}
	if (strncmp(text, "vCont;", 6) == 0)
		return vcont(g, text + 5);
	if (strncmp(text, "vKill;", 6) == 0) {
		answer(g, "OK");
		return end_session(g, true);
	}
	return GDB_UNKNOWN;
}

/* The packet in g->in, of a program that is stopped. */
static enum gdb_done stopped_packet(struct gdb *g)
{
	const char *text = g->in.text;

	switch (text[0]) {
	case '?':
		say_stopped(g);
		return GDB_DONE;
	case 'g':
		return read_registers(g);
	case 'G':
		return write_registers(g, text + 1);
	case 'p':
		return read_register(g, text + 1);
	case 'P':
		return write_register(g, text + 1);
	case 'm':
		return gdb_read_memory(g, text + 1);
	case 'M':
	case 'X':
		return gdb_write_memory(g, text + 1, g->in.len - 1,
					text[0] == 'X');
	case 'Z':
	case 'z':
		return gdb_breakpoint(g, text + 1, text[0] == 'Z');
	case 'c':
	case 'C':
	case 's':
	case 'S':
		return old_action(g, text);
	case 'H':
		/* Hc is of the old actions, which ask for no thread here */
		return choose_thread(g, text + 1 + (text[1] != '\0'),
				     text[1] == 'g');
	case 'T':
		return choose_thread(g, text + 1, false);
	case 'v':
		return v_packet(g, text);
	default:
		return GDB_UNKNOWN;
	}
}

/* What needs no stopped program. */
static bool is_setting(const char *text)
{
	return text[0] == 'Q' || strncmp(text, "qSupported", 10) == 0;
}

static enum gdb_done packet(struct gdb *g)
{
	const char *text = g->in.text;

	if (!g->client) /* it has said D: there is nothing more to say */
		return GDB_ERROR;
	if (text[0] == 'k' || text[0] == 'D')
		return end_session(g, text[0] == 'k');
	if (!g->stop && !is_setting(text))
		return g->asking ? GDB_LATER : GDB_ERROR;
	if (text[0] == 'q' || text[0] == 'Q')
		return gdb_query(g, text, g->in.len);
	return stopped_packet(g);
}

static void conclude(struct gdb *g, enum gdb_done d)
{
	if (d == GDB_POPULATE && !g->populating) {
		g->populating = true;
		g->stop->s.request = DEBUG_POPULATE;
		g->stop = NULL;
		g->cfg.ops->resume(g->cfg.ctx);
		return;
	}
	g->populating = false;
	switch (d) {
	case GDB_DONE:
		break;
	case GDB_LATER:
		g->later = true;
		break;
	case GDB_OK:
		answer(g, "OK");
		break;
	case GDB_ERROR:
		answer(g, "E01");
		break;
	case GDB_FAULT:
	case GDB_POPULATE:
		answer(g, "E0e");
		break;
	case GDB_UNKNOWN:
		answer(g, "");
		break;
	}
}

bool gdb_is_busy(const struct gdb *g)
{
	return g->out.len > 0 || g->populating || g->later;
}

size_t gdb_feed(struct gdb *g, const char *bytes, size_t n)
{
	size_t at = 0;

	while (at < n && !gdb_is_busy(g)) {
		size_t used;
		const enum gdb_event e =
			gdb_input_feed(&g->in, bytes + at, n - at, &used);

		at += used;
		switch (e) {
		case GDB_EV_MORE:
			break;
		case GDB_EV_PACKET:
			if (!g->no_ack)
				gdb_out_raw(&g->out, '+');
			conclude(g, packet(g));
			break;
		case GDB_EV_BAD:
			gdb_out_raw(&g->out, '-');
			break;
		case GDB_EV_INTERRUPT:
			interrupt(g);
			break;
		}
	}
	return at;
}
