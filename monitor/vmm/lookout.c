/* lookout.c: see lookout.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/lookout.h"

bool lookout_kicked(struct lookout *g, uint64_t now)
{
	const unsigned need = g->heat > 0 ? LOOKOUT_KICKS_HOT : g->need;

	if (need == 0 || g->looking)
		return false;
	if (now - g->last_kick > LOOKOUT_GAP_NS)
		g->kicks = 0;
	g->last_kick = now;
	if (++g->kicks < need)
		return false;
	g->kicks = 0;
	if (g->heat == 0)
		g->heat = LOOKOUT_HEAT / 2;
	return true;
}

bool lookout_start(const struct lookout *g)
{
	return g->heat > 0;
}

/* Back to kicks, and not so soon again. */
static void give_up(struct lookout *g)
{
	g->heat = 0;
	if (g->need < LOOKOUT_KICKS_MAX)
		g->need *= 4;
}

/* The end of LOOKOUT_NS without work. */
static void judge(struct lookout *g)
{
	if (!g->found && --g->heat == 0)
		give_up(g);
	if (g->found && g->heat < LOOKOUT_HEAT && ++g->heat == LOOKOUT_HEAT)
		g->need = LOOKOUT_KICKS;
}

bool lookout_looked(struct lookout *g, uint64_t now, bool worked)
{
	if (!g->looking) {
		g->looking = true;
		g->found = false;
		g->until = now + LOOKOUT_NS;
	} else if (now - g->last_look > LOOKOUT_STALL_NS) {
		/* a request may have waited all that time */
		g->looking = false;
		give_up(g);
		return false;
	}
	g->last_look = now;
	if (worked) {
		g->found = true;
		g->until = now + LOOKOUT_NS;
	}
	if (now < g->until)
		return true;
	g->looking = false;
	judge(g);
	return false;
}
