/* loop_turns.c: see loop_turns.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/loop_turns.h"

#include "base/check.h"
#include "loop/loop.h"

struct tick {
	struct loop_op op;
	_Atomic bool stop;
};

static void on_tick(struct loop_op *op, int res)
{
	struct tick *t = CONTAINER_OF(op, struct tick, op);

	(void)res;
	atomic_store(&t->stop, true);
}

void loop_turns(struct loop *l)
{
	for (unsigned i = 0; i < 3; i++) {
		struct tick t = { .op.done = on_tick };
		int r = loop_timer(l, &t.op, 1);

		CHECK(r == 0);
		loop_unlock(l);
		r = loop_run(l, &t.stop, false);
		CHECK(r == 0);
		loop_lock(l);
	}
}
