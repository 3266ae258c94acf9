/* threads.c: POSIX threads and what they wait with, contended. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "abi.h"

#define THREADS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long total;
static long rounds;

static void *returns(void *arg)
{
	return (char *)arg + 1;
}

static void *leaves(void *arg)
{
	pthread_exit((char *)arg + 2);
}

static void create(void)
{
	pthread_t t[64];
	void *ret = NULL;
	long got = 0;

	NEED0(pthread_create(&t[0], NULL, returns, (void *)10));
	ERR(pthread_join(t[0], &ret));
	SAY("%ld", (long)ret);
	NEED0(pthread_create(&t[0], NULL, leaves, (void *)10));
	ERR(pthread_join(t[0], &ret));
	SAY("%ld", (long)ret);
	for (long i = 0; i < 64; i++)
		NEED0(pthread_create(&t[i], NULL, returns, (void *)i));
	for (int i = 0; i < 64; i++)
		if (!pthread_join(t[i], &ret))
			got += (long)ret;
	SAY("%ld", got);
}

static void churn(void)
{
	/* far more threads than memory would hold at once */
	long n = scaled(2000), got = 0;
	pthread_t t;
	void *ret;

	for (long i = 0; i < n; i++) {
		if (pthread_create(&t, NULL, returns, (void *)i) ||
		    pthread_join(t, &ret))
			break;
		got += (long)ret == i + 1;
	}
	YES(got == n);
}

static atomic_int detached;

static void *counts_up(void *arg)
{
	atomic_fetch_add(&detached, 1);
	return arg;
}

static void attributes(void)
{
	pthread_attr_t a;
	pthread_t t;
	size_t size = 0;

	ERR(pthread_attr_init(&a));
	ERR(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED));
	ERR(pthread_attr_setstacksize(&a, 256 << 10));
	ERR(pthread_attr_getstacksize(&a, &size));
	SAY("%zu", size);
	for (int i = 0; i < 20; i++)
		NEED0(pthread_create(&t, &a, counts_up, NULL));
	while (atomic_load(&detached) != 20)
		sleep_ms(1);
	ERR(pthread_attr_destroy(&a));
	NEED0(pthread_create(&t, NULL, counts_up, NULL));
	ERR(pthread_detach(t));
	while (atomic_load(&detached) != 21)
		sched_yield();
	SAY("%d", atomic_load(&detached));
}

static void *adds(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		pthread_mutex_lock(&lock);
		long was = total;

		if (i % 64 == 0)
			sched_yield();
		total = was + 1;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void all_run(void *(*f)(void *))
{
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		NEED0(pthread_create(&t[i], NULL, f, (void *)i));
	for (int i = 0; i < THREADS; i++)
		NEED0(pthread_join(t[i], NULL));
}

static void mutex(void)
{
	rounds = scaled(20000);
	total = 0;
	all_run(adds);
	YES(total == THREADS * rounds);
}

static volatile long spun[THREADS];
static volatile bool stop;

static void *spins(void *arg)
{
	while (!stop)
		spun[(long)arg]++;
	return NULL;
}

static void preempted(void)
{
	/* nobody yields, yet everybody gets on, and so does this one */
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		NEED0(pthread_create(&t[i], NULL, spins, (void *)i));
	for (int i = 0; i < THREADS; i++)
		while (!spun[i])
			;
	SAY("all run");
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void kinds(void)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	struct timespec past = { 1, 0 };

	ERR(pthread_mutexattr_init(&a));
	ERR(pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK));
	ERR(pthread_mutex_init(&m, &a));
	ERR(pthread_mutex_lock(&m));
	ERR(pthread_mutex_lock(&m));
	ERR(pthread_mutex_trylock(&m));
	ERR(pthread_mutex_unlock(&m));
	ERR(pthread_mutex_unlock(&m));
	ERR(pthread_mutex_destroy(&m));
	ERR(pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE));
	ERR(pthread_mutex_init(&m, &a));
	ERR(pthread_mutex_lock(&m));
	ERR(pthread_mutex_lock(&m));
	ERR(pthread_mutex_trylock(&m));
	ERR(pthread_mutex_unlock(&m));
	ERR(pthread_mutex_unlock(&m));
	ERR(pthread_mutex_unlock(&m));
	ERR(pthread_mutex_unlock(&m));
	ERR(pthread_mutex_destroy(&m));
	ERR(pthread_mutex_lock(&lock));
	ERR(pthread_mutex_timedlock(&lock, &past));
	ERR(pthread_mutex_unlock(&lock));
}

/* A queue of one: producers and consumers, two conditions */
static long slot, produced, consumed, checksum;
static bool full;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;

static void *produces(void *arg)
{
	for (long i = 1; i <= rounds; i++) {
		pthread_mutex_lock(&lock);
		while (full)
			pthread_cond_wait(&not_full, &lock);
		slot = i;
		full = true;
		produced++;
		pthread_cond_signal(&cond);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void *consumes(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		pthread_mutex_lock(&lock);
		while (!full)
			pthread_cond_wait(&cond, &lock);
		checksum += slot;
		full = false;
		consumed++;
		pthread_cond_signal(&not_full);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void *either(void *arg)
{
	return (long)arg % 2 ? produces(arg) : consumes(arg);
}

static void conditions(void)
{
	struct timespec t;

	rounds = scaled(3000);
	all_run(either);
	YES(produced == consumed && produced == THREADS / 2 * rounds);
	YES(checksum == THREADS / 2 * rounds * (rounds + 1) / 2);
	NEED(clock_gettime(CLOCK_REALTIME, &t));
	t.tv_nsec += 5000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	ERR(pthread_mutex_lock(&lock));
	ERR(pthread_cond_timedwait(&cond, &lock, &t));
	ERR(pthread_mutex_unlock(&lock));
}

static bool open_gate;
static atomic_int through;

static void *waits_at_gate(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!open_gate)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	atomic_fetch_add(&through, 1);
	return arg;
}

static void broadcast(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		NEED0(pthread_create(&t[i], NULL, waits_at_gate, NULL));
	sleep_ms(5);
	ERR(pthread_mutex_lock(&lock));
	open_gate = true;
	ERR(pthread_cond_broadcast(&cond));
	ERR(pthread_mutex_unlock(&lock));
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	SAY("%d", atomic_load(&through));
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2];
static atomic_long torn;

static void *reads_and_writes(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		if ((i + (long)arg) % 8 == 0) {
			pthread_rwlock_wrlock(&rw);
			pair[0]++;
			if (i % 16 == 0)
				sched_yield();
			pair[1]++;
		} else {
			pthread_rwlock_rdlock(&rw);
			if (pair[0] != pair[1])
				atomic_fetch_add(&torn, 1);
		}
		pthread_rwlock_unlock(&rw);
	}
	return NULL;
}

static void rwlock(void)
{
	rounds = scaled(8000) & ~7l;
	all_run(reads_and_writes);
	SAY("%ld torn", atomic_load(&torn));
	YES(pair[0] == rounds);
	ERR(pthread_rwlock_rdlock(&rw));
	ERR(pthread_rwlock_tryrdlock(&rw));
	ERR(pthread_rwlock_trywrlock(&rw));
	ERR(pthread_rwlock_unlock(&rw));
	ERR(pthread_rwlock_unlock(&rw));
	ERR(pthread_rwlock_trywrlock(&rw));
	ERR(pthread_rwlock_tryrdlock(&rw));
	ERR(pthread_rwlock_unlock(&rw));
}

static pthread_barrier_t barrier;
static atomic_int serial, arrived, early;

static void *meets(void *arg)
{
	for (int i = 1; i <= rounds; i++) {
		atomic_fetch_add(&arrived, 1);
		int r = pthread_barrier_wait(&barrier);

		if (r == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_fetch_add(&serial, 1);
		if (atomic_load(&arrived) < i * THREADS)
			atomic_fetch_add(&early, 1);
	}
	return arg;
}

static void barriers(void)
{
	rounds = scaled(500);
	ERR(pthread_barrier_init(&barrier, NULL, THREADS));
	all_run(meets);
	ERR(pthread_barrier_destroy(&barrier));
	SAY("%d early", atomic_load(&early));
	YES(atomic_load(&serial) == rounds);
}

static sem_t sem, done;

static void *takes(void *arg)
{
	for (long i = 0; i < rounds; i++)
		sem_wait(&sem);
	sem_post(&done);
	return arg;
}

static void semaphores(void)
{
	pthread_t t[THREADS];
	struct timespec past = { 1, 0 };
	int v = -1;

	rounds = scaled(2000);
	NEED(sem_init(&sem, 0, 0));
	NEED(sem_init(&done, 0, 0));
	for (int i = 0; i < THREADS; i++)
		NEED0(pthread_create(&t[i], NULL, takes, NULL));
	for (long i = 0; i < THREADS * rounds; i++)
		NEED(sem_post(&sem));
	for (int i = 0; i < THREADS; i++)
		NEED(sem_wait(&done));
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	SHOW(sem_getvalue(&sem, &v));
	SAY("%d", v);
	SHOW(sem_trywait(&sem));
	SHOW(sem_timedwait(&sem, &past));
}

static __thread long mine = 7;
static __thread char zeroed[5000];
static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *p)
{
	atomic_fetch_add(&destroyed, (int)(long)p);
}

static void *locals(void *arg)
{
	long n = (long)arg, bad = 0;

	bad += mine != 7;
	for (size_t i = 0; i < sizeof(zeroed); i++)
		bad += zeroed[i] != 0;
	mine = n;
	memset(zeroed, (int)n, sizeof(zeroed));
	pthread_setspecific(key, (void *)(n + 1));
	for (int i = 0; i < 200; i++) {
		errno = (int)n;
		sched_yield();
		bad += errno != (int)n || mine != n || zeroed[4999] != (char)n;
		bad += pthread_getspecific(key) != (void *)(n + 1);
	}
	atomic_fetch_add(&torn, bad);
	return NULL;
}

static void thread_locals(void)
{
	atomic_store(&torn, 0);
	ERR(pthread_key_create(&key, destroy));
	all_run(locals);
	SAY("%ld wrong, %d destroyed, mine %ld", atomic_load(&torn),
	    atomic_load(&destroyed), mine);
	ERR(pthread_key_delete(key));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int once_runs;

static void only_once(void)
{
	sleep_ms(2);
	atomic_fetch_add(&once_runs, 1);
}

static void *tries_once(void *arg)
{
	pthread_once(&once, only_once);
	if (atomic_load(&once_runs) != 1)
		atomic_fetch_add(&torn, 1);
	return arg;
}

static void onces(void)
{
	all_run(tries_once);
	SAY("%d", atomic_load(&once_runs));
}

static pthread_mutex_t robust_lock;

static void *dies_holding(void *arg)
{
	pthread_mutex_lock(&robust_lock);
	return arg;
}

static void robust(void)
{
	pthread_mutexattr_t a;
	pthread_t t;

	ERR(pthread_mutexattr_init(&a));
	ERR(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	ERR(pthread_mutex_init(&robust_lock, &a));
	NEED0(pthread_create(&t, NULL, dies_holding, NULL));
	ERR(pthread_join(t, NULL));
	ERR(pthread_mutex_lock(&robust_lock));
	ERR(pthread_mutex_consistent(&robust_lock));
	ERR(pthread_mutex_unlock(&robust_lock));
	NEED0(pthread_create(&t, NULL, dies_holding, NULL));
	ERR(pthread_join(t, NULL));
	ERR(pthread_mutex_trylock(&robust_lock));
	/* not mended: gone for good */
	ERR(pthread_mutex_unlock(&robust_lock));
	ERR(pthread_mutex_lock(&robust_lock));
	ERR(pthread_mutex_destroy(&robust_lock));
	/* one waits while the owner goes */
	ERR(pthread_mutex_init(&robust_lock, &a));
	NEED0(pthread_create(&t, NULL, dies_holding, NULL));
	int r;

	do {
		r = pthread_mutex_lock(&robust_lock);
		if (!r)
			pthread_mutex_unlock(&robust_lock);
	} while (!r && (sched_yield(), true));
	SAY("%s", errname(r));
	ERR(pthread_join(t, NULL));
}

static atomic_int cleaned;

static void cleans(void *arg)
{
	atomic_fetch_add(&cleaned, (int)(long)arg);
}

static void *sleeps_long(void *arg)
{
	pthread_cleanup_push(cleans, (void *)1);
	pthread_cleanup_push(cleans, (void *)10);
	for (;;)
		sleep(1000);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return arg;
}

static void unlocks(void *arg)
{
	pthread_mutex_unlock(arg);
}

static void *waits_cond(void *arg)
{
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlocks, &lock);
	for (;;)
		pthread_cond_wait(&cond, &lock);
	pthread_cleanup_pop(1);
	return arg;
}

static atomic_bool deferred_ready;

static void *defers(void *arg)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	atomic_store(&deferred_ready, true);
	sleep_ms(10);
	atomic_fetch_add(&cleaned, 1000);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	atomic_fetch_add(&cleaned, 1000000);
	return arg;
}

static void *spins_cancelled(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	atomic_store(&deferred_ready, true);
	for (;;)
		total++;
	return arg;
}

static void cancel(void)
{
	pthread_t t;
	void *ret = NULL;

	NEED0(pthread_create(&t, NULL, sleeps_long, NULL));
	sleep_ms(5);
	ERR(pthread_cancel(t));
	ERR(pthread_join(t, &ret));
	SAY("%d, cancelled %d", atomic_load(&cleaned), ret == PTHREAD_CANCELED);
	NEED0(pthread_create(&t, NULL, waits_cond, NULL));
	sleep_ms(5);
	ERR(pthread_cancel(t));
	ERR(pthread_join(t, &ret));
	SAY("cancelled %d", ret == PTHREAD_CANCELED);
	ERR(pthread_mutex_trylock(&lock));
	ERR(pthread_mutex_unlock(&lock));
	NEED0(pthread_create(&t, NULL, defers, NULL));
	while (!atomic_load(&deferred_ready))
		sched_yield();
	ERR(pthread_cancel(t));
	ERR(pthread_join(t, &ret));
	SAY("%d, cancelled %d", atomic_load(&cleaned), ret == PTHREAD_CANCELED);
	atomic_store(&deferred_ready, false);
	NEED0(pthread_create(&t, NULL, spins_cancelled, NULL));
	while (!atomic_load(&deferred_ready))
		sched_yield();
	ERR(pthread_cancel(t));
	ERR(pthread_join(t, &ret));
	SAY("cancelled %d", ret == PTHREAD_CANCELED);
}

static double computed[THREADS];

static void *computes(void *arg)
{
	double x = (double)(long)arg + 1, y = 0;

	for (long i = 0; i < rounds; i++)
		y += x / (double)(i + 1);
	if (y < 0)
		atomic_fetch_add(&torn, 1);
	computed[(long)arg] = y;
	return NULL;
}

static void floating(void)
{
	/* every thread its own SSE registers, whoever is preempted when */
	rounds = scaled(2000000);
	double one = 0;

	all_run(computes);
	for (long i = 0; i < rounds; i++)
		one += 1.0 / (double)(i + 1);
	int good = 0;

	for (int i = 0; i < THREADS; i++) {
		double y = 0, x = i + 1;

		for (long k = 0; k < rounds; k++)
			y += x / (double)(k + 1);
		good += y == computed[i];
	}
	SAY("%d good", good);
}

static void scheduling(void)
{
	struct sched_param p = { 0 };
	cpu_set_t set;
	struct timespec t;

	SHOW(sched_yield());
	SHOW(syscall(SYS_sched_getscheduler, 0));
	SHOW(syscall(SYS_sched_getparam, 0, &p));
	SAY("%d", p.sched_priority);
	SHOW(sched_get_priority_max(SCHED_OTHER));
	SHOW(sched_get_priority_min(SCHED_FIFO));
	SHOW(sched_get_priority_max(SCHED_FIFO));
	SHOW(sched_get_priority_max(77));
	SHOW(sched_getaffinity(0, sizeof(set), &set));
	YES(CPU_COUNT(&set) >= 1 && CPU_ISSET(0, &set));
	YES(syscall(SYS_sched_rr_get_interval, 0, &t) == 0);
	YES(syscall(SYS_gettid) == getpid());
	unsigned cpu = 77, node = 77;

	SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
	YES(cpu < 64 && node == 0);
}

MAIN(CASE(create), CASE(churn), CASE(attributes), CASE(mutex), CASE(preempted),
     CASE(kinds), CASE(conditions), CASE(broadcast), CASE(rwlock),
     CASE(barriers), CASE(semaphores), CASE(thread_locals), CASE(onces),
     CASE(robust), CASE(cancel), CASE(floating), CASE(scheduling))
