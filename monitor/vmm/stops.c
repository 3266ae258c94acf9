/* stops.c: a program that stops: abi/debug.h. Its vCPU's thread reads what
 * the guest tells, writes the core, or waits while the loop thread serves a
 * debugger. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "base/err.h"
#include "base/log.h"
#include "guest-kit/include/abi/startup.h"
#include "loop/loop.h"
#include "vmm/machine_priv.h"

/* --- what the debugger asks ----------------------------------------------- */

static void wake(struct stops *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	s->held = false;
	(void)pthread_cond_broadcast(&s->cond);
	(void)pthread_mutex_unlock(&s->mutex);
}

static void resume(void *ctx)
{
	struct machine *m = ctx;

	wake(&m->stops);
}

static void interrupt(void *ctx)
{
	struct machine *m = ctx;

	machine_fire(&m->stops.pin);
}

static void kill_guest(void *ctx)
{
	const struct outcome o = { .reason = OUTCOME_KILLED,
				   .signal = SIGKILL,
				   .status = STATUS_SIGNAL + SIGKILL };

	machine_end(ctx, &o); /* the debugger still gets its answer */
}

static void sent(void *ctx)
{
	struct machine *m = ctx;

	atomic_store(&m->progress, true);
}

static const struct gdb_ops ops = { resume, interrupt, kill_guest };

/* --- life ------------------------------------------------------------------- */

static int start_gdb(struct machine *m, struct err *err)
{
	const struct gdb_server_config cfg = {
		.loop = m->cfg.loop,
		.fd = m->cfg.gdb_fd,
		.gdb = { .ops = &ops,
			 .ctx = m,
			 .exec_file = m->cfg.exec_file,
			 .wait = m->cfg.gdb_wait },
		.sent = sent,
	};
	int r = gdb_server_new(&cfg, &m->stops.gdb, err);

	if (r)
		return r;
	loop_lock(m->cfg.loop);
	r = gdb_server_start(m->stops.gdb, err);
	loop_unlock(m->cfg.loop);
	return r;
}

int stops_init(struct machine *m, struct err *err)
{
	struct stops *s = &m->stops;
	int r;

	s->core.fd = -1;
	if (m->cfg.core_fd < 0 && m->cfg.gdb_fd < 0)
		return 0;
	(void)pthread_mutex_init(&s->mutex, NULL);
	(void)pthread_cond_init(&s->cond, NULL);
	s->on = true;
	s->pin = (struct irq_pin){ m, DEBUG_GSI };
	r = stop_init(&s->stop, &m->mem, err);
	if (!r && m->cfg.core_fd >= 0)
		r = core_init(&s->core, m->cfg.core_fd, m->cfg.exec_file, err);
	if (!r && m->cfg.gdb_fd >= 0)
		r = start_gdb(m, err);
	return r;
}

void stops_end(struct machine *m)
{
	if (m->stops.on)
		wake(&m->stops);
}

void stops_shutdown(struct machine *m)
{
	gdb_server_stop(m->stops.gdb);
}

void stops_fini(struct machine *m)
{
	struct stops *s = &m->stops;

	if (!s->on)
		return;
	gdb_server_free(s->gdb);
	core_fini(&s->core);
	stop_fini(&s->stop);
	(void)pthread_cond_destroy(&s->cond);
	(void)pthread_mutex_destroy(&s->mutex);
	s->on = false;
}

uint32_t stops_flags(const struct machine_config *cfg)
{
	uint32_t flags = 0;

	if (cfg->core_fd >= 0)
		flags |= STARTUP_CORE;
	if (cfg->gdb_fd >= 0)
		flags |= STARTUP_DEBUG | (cfg->gdb_wait ? STARTUP_WAIT : 0);
	return flags;
}

/* --- a stop ------------------------------------------------------------------ */

void stops_note(struct vcpu_thread *t, gpa_t gpa)
{
	struct stops *s = &t->m->stops;

	if (s->on && !s->busy && stop_load(&s->stop, gpa) == 0)
		s->busy = t->stopped = true;
	else
		log_guest("platform", "stop at 0x%llx ignored",
			  (unsigned long long)gpa);
}

static void write_core(struct stops *s, struct machine *m)
{
	if (s->core.fd < 0 || s->stop.s.reason != DEBUG_FATAL ||
	    s->core_state != MACHINE_CORE_NONE)
		return;
	s->core_state = core_write(&s->core, &s->stop, &m->stop, &s->core_err)
				? MACHINE_CORE_FAILED
				: MACHINE_CORE_WRITTEN;
}

/* True: the loop thread has it until `held` is false. */
static bool give_to_debugger(struct stops *s, struct machine *m)
{
	bool stays;

	loop_lock(m->cfg.loop);
	s->held = true; /* before anybody can let go of it */
	stays = s->gdb && gdb_server_stopped(s->gdb, &s->stop);
	loop_unlock(m->cfg.loop);
	return stays;
}

static void wait_for_debugger(struct stops *s, struct machine *m)
{
	(void)pthread_mutex_lock(&s->mutex);
	while (s->held && !atomic_load(&m->stop))
		(void)pthread_cond_wait(&s->cond, &s->mutex);
	(void)pthread_mutex_unlock(&s->mutex);
}

void stops_serve(struct vcpu_thread *t)
{
	struct machine *m = t->m;
	struct stops *s = &m->stops;

	t->stopped = false;
	write_core(s, m);
	if (give_to_debugger(s, m))
		wait_for_debugger(s, m);
	loop_lock(m->cfg.loop);
	stop_store(&s->stop);
	s->busy = false;
	loop_unlock(m->cfg.loop);
}

void stops_say_end(struct machine *m)
{
	const struct outcome *o = &m->outcome;
	const bool exited =
		o->reason == OUTCOME_EXITED || o->reason == OUTCOME_POWER_OFF;

	if (m->stops.gdb)
		gdb_server_ended(m->stops.gdb, o->status,
				 exited                       ? 0
				 : o->reason == OUTCOME_FAULT ? o->signal
							      : SIGKILL);
}

bool stops_pending(const struct machine *m)
{
	return m->stops.gdb && gdb_server_pending(m->stops.gdb);
}

enum machine_core machine_core(const struct machine *m, struct err *ret_err)
{
	if (m->stops.core_state == MACHINE_CORE_FAILED)
		*ret_err = m->stops.core_err;
	return m->stops.core_state;
}
