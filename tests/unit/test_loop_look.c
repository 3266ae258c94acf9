/* test_loop_look.c: looking for work before the loop sleeps, each test over
 * both engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"

#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(loop_look, name)                          \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, loop_look, name,          \
			  .timeout = 20)

/* Says "awake" `awake` times, and submits a timer at look `submit`. */
struct looker {
	struct loop *l;
	struct loop_op op;
	unsigned looks, awake, submit, done;
};

static void timer_done(struct loop_op *op, int res)
{
	struct looker *k = CONTAINER_OF(op, struct looker, op);

	cr_expect_eq(res, 0);
	k->done++;
}

static bool look(void *ctx)
{
	struct looker *k = ctx;

	if (++k->looks == k->submit) {
		k->op.done = timer_done;
		cr_assert_eq(loop_timer(k->l, &k->op, 0), 0);
	}
	return k->looks <= k->awake;
}

static struct loop *make(enum loop_engine engine, struct looker *k)
{
	struct err err = { 0 };

	cr_assert_eq(loop_new(8, engine, &k->l, &err), 0, "%s", err.msg);
	loop_set_look(k->l, look, k);
	return k->l;
}

/* A timer far away keeps the loop from being quiet. */
static void run_until(struct loop *l, uint64_t ns)
{
	struct looker t = { .op.done = timer_done };

	loop_lock(l);
	cr_assert_eq(loop_timer(l, &t.op, clock_mono_ns() + ns), 0);
	loop_unlock(l);
	cr_assert_eq(loop_run(l, NULL, true), 0);
	cr_expect_eq(t.done, 1);
}

BOTH_ENGINES(it_is_asked_until_it_has_seen_enough)
{
	struct looker k = { .awake = 100 };
	struct loop *l = make(*engine, &k);

	run_until(l, 50000000);
	cr_expect_gt(k.looks, 100);
	cr_expect_lt(k.looks, 200, "asleep afterwards");
	loop_set_look(l, NULL, NULL);
	k.looks = 0;
	run_until(l, 1000000);
	cr_expect_eq(k.looks, 0);
	loop_free(l);
}

BOTH_ENGINES(what_a_look_submits_is_done)
{
	struct looker k = { .awake = 3, .submit = 4 };
	struct loop *l = make(*engine, &k);

	run_until(l, 50000000);
	cr_expect_eq(k.done, 1);
	loop_free(l);
}
