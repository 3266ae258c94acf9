/* linger.c: see linger.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/linger.h"

bool linger_kicked(struct linger *g, uint64_t now)
{
	if (g->need == 0)
		return false;
	if (now - g->last_kick > LINGER_GAP_NS)
		g->kicks = 0;
	g->last_kick = now;
	if (g->heat > 0 || ++g->kicks < g->need)
		return false;
	g->kicks = 0;
	g->heat = LINGER_HEAT / 2;
	return true;
}

bool linger_start(const struct linger *g)
{
	return g->heat > 0;
}

/* Back to kicks, and not so soon again. */
static void give_up(struct linger *g)
{
	g->heat = 0;
	if (g->need < LINGER_KICKS_MAX)
		g->need *= 4;
}

/* The end of LINGER_NS without work. */
static void judge(struct linger *g)
{
	if (!g->found && --g->heat == 0)
		give_up(g);
	if (g->found && g->heat < LINGER_HEAT && ++g->heat == LINGER_HEAT)
		g->need = LINGER_KICKS;
}

bool linger_looked(struct linger *g, uint64_t now, bool worked)
{
	if (!g->looking) {
		g->looking = true;
		g->found = false;
		g->until = now + LINGER_NS;
	} else if (now - g->last_look > LINGER_STALL_NS) {
		/* a request may have waited all that time */
		g->looking = false;
		give_up(g);
		return false;
	}
	g->last_look = now;
	if (worked) {
		g->found = true;
		g->until = now + LINGER_NS;
	}
	if (now < g->until)
		return true;
	g->looking = false;
	judge(g);
	return false;
}
