/* futex.c: the futex call itself, every operation libraries make. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "abi.h"

/* musl's packages have no kernel headers */
enum {
	WAIT,
	WAKE,
	REQUEUE = 3,
	CMP_REQUEUE,
	WAKE_OP,
	LOCK_PI,
	UNLOCK_PI,
	TRYLOCK_PI,
	WAIT_BITSET,
	WAKE_BITSET,
	PRIVATE = 128,
	CLOCK_REAL = 256,
};
#define WAITERS    0x80000000u
#define OWNER_DIED 0x40000000u
#define ANY        0xffffffffu

static atomic_uint word, other;
static atomic_int locked, may_unlock, awake;

static long futex(void *addr, int op, uint32_t val, const void *timeout,
		  void *addr2, uint32_t val3)
{
	return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static void answers(void)
{
	struct timespec zero = { 0, 0 }, bad = { 0, 1000000000 },
			neg = { -1, 0 }, some = { 0, 2000000 };

	atomic_store(&word, 1);
	SHOW(futex(&word, WAIT, 2, NULL, NULL, 0));
	SHOW(futex(&word, WAIT | PRIVATE, 2, NULL, NULL, 0));
	SHOW(futex(&word, WAIT | PRIVATE, 1, &zero, NULL, 0));
	SHOW(futex(&word, WAIT | PRIVATE, 1, &some, NULL, 0));
	SHOW(futex(&word, WAIT | PRIVATE, 1, &bad, NULL, 0));
	SHOW(futex(&word, WAIT | PRIVATE, 1, &neg, NULL, 0));
	SHOW(futex(&word, WAIT | PRIVATE, 1, (void *)8, NULL, 0));
	SHOW(futex(&word, WAKE | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, WAKE, 1000, NULL, NULL, 0));
	SHOW(futex((char *)&word + 1, WAIT | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex((char *)&word + 2, WAKE | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex((void *)16, WAIT | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex((void *)0xffff800000000000, WAIT | PRIVATE, 0, NULL, NULL,
		   0));
	SHOW(futex(&word, WAIT_BITSET | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, WAKE_BITSET | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, WAIT_BITSET | PRIVATE, 1, &zero, NULL, ANY));
	SHOW(futex(&word, WAIT_BITSET | PRIVATE | CLOCK_REAL, 1, &zero, NULL,
		   ANY));
	SHOW(futex(&word, 77, 1, NULL, NULL, 0));
	SHOW(futex(&word, CMP_REQUEUE | PRIVATE, 1, (void *)1, &other, 9));
	SHOW(futex(&word, CMP_REQUEUE | PRIVATE, 1, (void *)1, &other, 1));
	SHOW(futex(&word, REQUEUE | PRIVATE, 1, (void *)1, &other, 0));
}

static void *sleeper(void *arg)
{
	uint32_t bits = (uint32_t)(uintptr_t)arg;
	long r;

	r = bits ? futex(&word, WAIT_BITSET | PRIVATE, 0, NULL, NULL, bits)
		 : futex(&word, WAIT | PRIVATE, 0, NULL, NULL, 0);
	if (r == 0)
		atomic_fetch_add(&awake, bits ? (int)bits : 1);
	return NULL;
}

/* Starts n sleepers and is sure that they and those before them, `all` in
 * number, sleep: a requeue to another place counts without waking. */
static void put_to_sleep(pthread_t *t, int n, uintptr_t bits, int all)
{
	static atomic_uint parking;

	atomic_store(&word, 0);
	for (int i = 0; i < n; i++)
		NEED0(pthread_create(&t[i], NULL, sleeper, (void *)bits));
	for (;;) {
		long there = futex(&word, CMP_REQUEUE | PRIVATE, 0,
				   (void *)1000, &parking, 0);

		futex(&parking, CMP_REQUEUE | PRIVATE, 0, (void *)1000, &word,
		      0);
		if (there == all)
			return;
		sched_yield();
	}
}

static void join_all(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	SAY("%d awake", atomic_exchange(&awake, 0));
}

static void wakes(void)
{
	pthread_t t[6];

	put_to_sleep(t, 6, 0, 6);
	SHOW(futex(&word, WAKE | PRIVATE, 2, NULL, NULL, 0));
	SHOW(futex(&word, WAKE | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, WAKE | PRIVATE, 1000, NULL, NULL, 0));
	SHOW(futex(&word, WAKE | PRIVATE, 1000, NULL, NULL, 0));
	join_all(t, 6);
}

static void bitsets(void)
{
	pthread_t t[2];

	put_to_sleep(t, 1, 1, 1);
	put_to_sleep(t + 1, 1, 6, 2);
	SHOW(futex(&word, WAKE_BITSET | PRIVATE, 9, NULL, NULL, 8));
	SHOW(futex(&word, WAKE_BITSET | PRIVATE, 9, NULL, NULL, 4));
	SHOW(futex(&word, WAKE_BITSET | PRIVATE, 9, NULL, NULL, 6));
	SHOW(futex(&word, WAKE | PRIVATE, 9, NULL, NULL, 0));
	join_all(t, 2);
}

static void requeues(void)
{
	pthread_t t[5];

	put_to_sleep(t, 5, 0, 5);
	SHOW(futex(&word, CMP_REQUEUE | PRIVATE, 1, (void *)2, &other, 0));
	SHOW(futex(&word, WAKE | PRIVATE, 1000, NULL, NULL, 0));
	SHOW(futex(&other, WAKE | PRIVATE, 1000, NULL, NULL, 0));
	join_all(t, 5);
	put_to_sleep(t, 3, 0, 3);
	SHOW(futex(&word, REQUEUE | PRIVATE, 1, (void *)1000, &other, 0));
	SHOW(futex(&word, WAKE | PRIVATE, 1000, NULL, NULL, 0));
	SHOW(futex(&other, WAKE | PRIVATE, 1000, NULL, NULL, 0));
	join_all(t, 3);
}

/* op, argument, comparison, its argument */
static uint32_t wake_op(uint32_t op, uint32_t oparg, uint32_t cmp,
			uint32_t cmparg)
{
	return op << 28 | cmp << 24 | (oparg & 0xfff) << 12 | (cmparg & 0xfff);
}

static void wake_ops(void)
{
	pthread_t t[2];

	for (uint32_t op = 0; op < 5; op++) {
		atomic_store(&other, 12);
		futex(&word, WAKE_OP | PRIVATE, 1, (void *)1, &other,
		      wake_op(op, 10, 0, 1));
		SAY("operation %u: %u", op, atomic_load(&other));
	}
	atomic_store(&other, 1);
	SHOW(futex(&word, WAKE_OP | PRIVATE, 1, (void *)1, &other,
		   wake_op(8 | 1, 5, 0, 1)));
	SAY("%u", atomic_load(&other));
	SHOW(futex(&word, WAKE_OP | PRIVATE, 1, (void *)1, &other,
		   wake_op(7, 5, 0, 1)));
	SHOW(futex(&word, WAKE_OP | PRIVATE, 1, (void *)1, (void *)8,
		   wake_op(0, 5, 0, 1)));
	/* sleepers on the second word: woken if the comparison holds */
	put_to_sleep(t, 2, 0, 2);
	SHOW(futex(&other, WAKE_OP | PRIVATE, 5, (void *)5, &word,
		   wake_op(0, 0, 0, 1)));
	SHOW(futex(&other, WAKE_OP | PRIVATE, 5, (void *)5, &word,
		   wake_op(0, 9, 0, 0)));
	SAY("%u", atomic_load(&word));
	join_all(t, 2);
}

static void *pi_owner(void *arg)
{
	(void)arg;
	futex(&word, LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	atomic_store(&locked, 1);
	while (!atomic_load(&may_unlock))
		sched_yield();
	futex(&word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void inheritance(void)
{
	struct timespec past = { 1, 0 };
	uint32_t tid = (uint32_t)syscall(SYS_gettid);
	pthread_t t;

	atomic_store(&word, 0);
	SHOW(futex(&word, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	YES(atomic_load(&word) == tid);
	SHOW(futex(&word, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	YES(atomic_load(&word) == 0);
	SHOW(futex(&word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	atomic_store(&locked, 0);
	NEED0(pthread_create(&t, NULL, pi_owner, NULL));
	while (!atomic_load(&locked))
		sched_yield();
	SHOW(futex(&word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, LOCK_PI | PRIVATE, 0, &past, NULL, 0));
	atomic_store(&may_unlock, 1);
	SHOW(futex(&word, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	YES((atomic_load(&word) & ~WAITERS) == tid);
	SHOW(futex(&word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	ERR(pthread_join(t, NULL));
}

struct robust_head {
	void *list;
	long offset;
	void *pending;
};

static struct {
	void *next;
	atomic_uint word;
} robust_node;

static long dies_ret[2];

static void *dies(void *arg)
{
	static struct robust_head head;

	head.list = &robust_node;
	robust_node.next = &head;
	head.offset = (long)((char *)&robust_node.word - (char *)&robust_node);
	atomic_store(&robust_node.word,
		     (uint32_t)syscall(SYS_gettid) | WAITERS);
	dies_ret[0] = syscall(SYS_set_robust_list, &head, sizeof(head));
	dies_ret[1] = syscall(SYS_set_robust_list, &head, 5);
	return arg;
}

static void robust(void)
{
	pthread_t t;
	struct robust_head *head = NULL;
	size_t len = 0;

	SHOW(syscall(SYS_get_robust_list, 0, &head, &len));
	SAY("%zu", len);
	NEED0(pthread_create(&t, NULL, dies, NULL));
	ERR(pthread_join(t, NULL));
	SAY("%ld %ld", dies_ret[0], dies_ret[1]);
	while (!(atomic_load(&robust_node.word) & OWNER_DIED))
		sched_yield();
	SAY("%x", atomic_load(&robust_node.word));
}

static void *ponger(void *arg)
{
	long n = *(long *)arg;

	for (long i = 0; i < n; i++) {
		while (atomic_load(&word) != 1)
			futex(&word, WAIT | PRIVATE, 0, NULL, NULL, 0);
		atomic_store(&word, 0);
		futex(&word, WAKE | PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void ping_pong(void)
{
	long n = scaled(5000);
	pthread_t t;

	atomic_store(&word, 0);
	NEED0(pthread_create(&t, NULL, ponger, &n));
	for (long i = 0; i < n; i++) {
		atomic_store(&word, 1);
		futex(&word, WAKE | PRIVATE, 1, NULL, NULL, 0);
		while (atomic_load(&word) != 0)
			futex(&word, WAIT | PRIVATE, 1, NULL, NULL, 0);
	}
	ERR(pthread_join(t, NULL));
	SAY("%u", atomic_load(&word));
}

static void deadlines(void)
{
	struct timespec t;
	pthread_t thread;

	/* an absolute deadline that passes, one that does not matter */
	NEED(clock_gettime(CLOCK_MONOTONIC, &t));
	t.tv_sec += 1000;
	put_to_sleep(&thread, 1, 0, 1);
	SHOW(futex(&word, WAKE | PRIVATE, 1, NULL, NULL, 0));
	join_all(&thread, 1);
	NEED(clock_gettime(CLOCK_MONOTONIC, &t));
	t.tv_nsec += 3000000;
	if (t.tv_nsec > 999999999) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	SHOW(futex(&word, WAIT_BITSET | PRIVATE, 0, &t, NULL, ANY));
	NEED(clock_gettime(CLOCK_REALTIME, &t));
	t.tv_nsec += 3000000;
	if (t.tv_nsec > 999999999) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	SHOW(futex(&word, WAIT_BITSET | PRIVATE | CLOCK_REAL, 0, &t, NULL,
		   ANY));
}

MAIN(CASE(answers), CASE(wakes), CASE(bitsets), CASE(requeues), CASE(wake_ops),
     CASE(inheritance), CASE(robust), CASE(ping_pong), CASE(deadlines))
