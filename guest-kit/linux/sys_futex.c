/* sys_futex.c: futexes. One process: a futex is its address. Who waits is in
 * the queue of the address's bucket, first come, first served; who wakes
 * takes it out, and that is what the waiter looks at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/futex.h"

#include "kernel/clock.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "kernel/vm.h"
#include "kernel/wait.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/time.h"

#define FUTEX_WAIT        0
#define FUTEX_WAKE        1
#define FUTEX_REQUEUE     3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP     5
#define FUTEX_LOCK_PI     6
#define FUTEX_UNLOCK_PI   7
#define FUTEX_TRYLOCK_PI  8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_LOCK_PI2    13

#define FUTEX_PRIVATE  128u
#define FUTEX_REALTIME 256u

#define ALL_BITS ~0u

#define BUCKETS 256

struct waiting {
	struct waiting *next, *prev;
	struct bucket *bucket; /* NULL: woken */
	uint64_t gva;
	uint32_t bitset;
	int owner; /* of a PI futex: the thread that has it; 0: another kind */
	struct thread *thread;
};

static LARGE struct bucket {
	struct waiting *first, *last;
} buckets[BUCKETS];

static unsigned n_pi; /* who wait for PI futexes */

static struct bucket *bucket_of(uint64_t gva)
{
	return &buckets[(gva >> 2 ^ gva >> 10) % BUCKETS];
}

static void enqueue(struct waiting *w, uint64_t gva)
{
	struct bucket *b = bucket_of(gva);

	w->gva = gva;
	w->bucket = b;
	w->next = NULL;
	w->prev = b->last;
	if (b->last)
		b->last->next = w;
	else
		b->first = w;
	b->last = w;
}

static void dequeue(struct waiting *w)
{
	struct bucket *b = w->bucket;

	if (w->prev)
		w->prev->next = w->next;
	else
		b->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		b->last = w->prev;
	w->bucket = NULL;
}

static volatile uint32_t *word(uint64_t gva)
{
	return user_ptr(gva);
}

static int check(uint64_t gva, unsigned access)
{
	if (gva & 3)
		return -LINUX_EINVAL;
	return vm_user_ok(gva, 4, access) ? 0 : -LINUX_EFAULT;
}

/* --- waiting and waking ---------------------------------------------------- */

/* Until somebody takes w out of its queue: 0. */
static int wait_queued(struct waiting *w, uint64_t until_ns)
{
	int rc = 0;

	while (w->bucket && !rc)
		rc = thread_sleep(until_ns);
	if (!w->bucket)
		return 0;
	dequeue(w);
	return rc;
}

static int64_t wait(uint64_t gva, uint32_t value, uint32_t bitset,
		    uint64_t until_ns)
{
	struct waiting w = { .bitset = bitset, .thread = thread_current() };
	int rc = check(gva, VM_READ);

	if (rc)
		return rc;
	if (!bitset)
		return -LINUX_EINVAL;
	if (*word(gva) != value)
		return -LINUX_EAGAIN;
	enqueue(&w, gva);
	rc = wait_queued(&w, until_ns);
	/* an interval would begin again */
	if (rc == -LINUX_ERESTARTSYS && until_ns != WAIT_FOREVER)
		return -LINUX_EINTR;
	return rc;
}

static int64_t wake(uint64_t gva, int64_t n, uint32_t bitset)
{
	struct waiting *w = bucket_of(gva)->first, *next;
	int64_t woken = 0;

	for (; w && woken < n; w = next) {
		next = w->next;
		if (w->gva != gva || w->owner || !(w->bitset & bitset))
			continue;
		dequeue(w);
		thread_wake(w->thread);
		woken++;
	}
	return woken;
}

int64_t futex_wake(uint64_t gva, int64_t n)
{
	return wake(gva, n, ALL_BITS);
}

/* Linux wakes one where the program says 0 or less. */
static int64_t count(uint64_t n)
{
	return (int32_t)n > 0 ? (int32_t)n : 1;
}

static int64_t wake_call(uint64_t gva, uint64_t n, uint32_t bitset)
{
	if (gva & 3 || !bitset)
		return -LINUX_EINVAL;
	if (gva >= VM_END)
		return -LINUX_EFAULT;
	return wake(gva, count(n), bitset);
}

static int64_t requeue(const struct regs *r, bool compare)
{
	uint64_t from = ARG1(r), to = ARG5(r);
	int32_t n_wake = (int32_t)ARG3(r), n_move = (int32_t)ARG4(r);
	struct waiting *w, *next;
	int64_t woken, moved = 0;
	int rc = check(from, VM_READ);

	if (n_wake < 0 || n_move < 0)
		return -LINUX_EINVAL;
	if (!rc)
		rc = check(to, VM_READ);
	if (rc)
		return rc;
	if (compare && *word(from) != (uint32_t)ARG6(r))
		return -LINUX_EAGAIN;
	woken = wake(from, n_wake, ALL_BITS);
	for (w = bucket_of(from)->first; w && moved < n_move; w = next) {
		next = w->next;
		if (w->gva != from || w->owner)
			continue;
		moved++;
		if (from != to) {
			dequeue(w);
			enqueue(w, to);
		}
	}
	return woken + moved;
}

/* What FUTEX_WAKE_OP's last argument says: (op, comparison, operand,
 * what to compare with) in 4, 4, 12 and 12 bits. */
static int64_t wake_op(const struct regs *r)
{
	uint32_t code = (uint32_t)ARG6(r), old, new;
	int32_t operand = (int32_t)(code << 8) >> 20;
	int32_t value = (int32_t)(code << 20) >> 20;
	int rc = check(ARG1(r), VM_READ);
	int64_t woken;
	bool holds;

	if (!rc)
		rc = check(ARG5(r), VM_WRITE);
	if (rc)
		return rc;
	if (code >> 31)
		operand = (int32_t)(1u << (operand & 31));
	new = old = *word(ARG5(r));
	switch (code >> 28 & 7) {
	case 0:
		new = (uint32_t)operand;
		break;
	case 1:
		new = old + (uint32_t)operand;
		break;
	case 2:
		new = old | (uint32_t)operand;
		break;
	case 3:
		new = old & ~(uint32_t)operand;
		break;
	case 4:
		new = old ^ (uint32_t)operand;
		break;
	default:
		return -LINUX_ENOSYS;
	}
	switch (code >> 24 & 15) {
	case 0:
		holds = (int32_t)old == value;
		break;
	case 1:
		holds = (int32_t)old != value;
		break;
	case 2:
		holds = (int32_t)old < value;
		break;
	case 3:
		holds = (int32_t)old <= value;
		break;
	case 4:
		holds = (int32_t)old > value;
		break;
	case 5:
		holds = (int32_t)old >= value;
		break;
	default:
		return -LINUX_ENOSYS;
	}
	*word(ARG5(r)) = new;
	woken = wake(ARG1(r), count(ARG3(r)), ALL_BITS);
	if (holds)
		woken += wake(ARG5(r), count(ARG4(r)), ALL_BITS);
	return woken;
}

/* --- PI futexes ------------------------------------------------------------
 * The word holds the owner's tid. With one processor and turns there is no
 * priority to inherit; what is left is who owns it, also when the owner dies.
 */

static struct waiting *first_pi(uint64_t gva, const struct waiting *but)
{
	struct waiting *w = bucket_of(gva)->first;

	while (w && (w->gva != gva || !w->owner || w == but))
		w = w->next;
	return w;
}

/* To the first that waits, or to nobody. */
static void hand_over(uint64_t gva, uint32_t flags)
{
	struct waiting *heir = first_pi(gva, NULL), *w;
	uint32_t value = flags;

	if (heir) {
		dequeue(heir);
		value |= (uint32_t)heir->thread->tid;
		thread_wake(heir->thread);
		for (w = bucket_of(gva)->first; w; w = w->next)
			if (w->gva == gva && w->owner) {
				w->owner = heir->thread->tid;
				value |= FUTEX_WAITERS;
			}
	}
	*word(gva) = value;
}

static int64_t lock_pi(uint64_t gva, uint64_t until_ns, bool try)
{
	struct thread *me = thread_current();
	struct waiting w = { .bitset = ALL_BITS, .thread = me };
	uint32_t old, owner;
	int rc = check(gva, VM_WRITE);

	if (rc)
		return rc;
	old = *word(gva);
	owner = old & FUTEX_TID_MASK;
	if (owner == (uint32_t)me->tid)
		return -LINUX_EDEADLK;
	if (!owner && !first_pi(gva, NULL)) {
		*word(gva) = (old & FUTEX_OWNER_DIED) | (uint32_t)me->tid;
		return 0;
	}
	if (try)
		return -LINUX_EAGAIN;
	if (!thread_find((int)owner))
		return -LINUX_ESRCH;
	*word(gva) = old | FUTEX_WAITERS;
	w.owner = (int)owner;
	enqueue(&w, gva);
	n_pi++;
	rc = wait_queued(&w, until_ns);
	n_pi--;
	if (rc && !first_pi(gva, NULL) && !check(gva, VM_WRITE))
		*word(gva) &= ~FUTEX_WAITERS;
	/* Linux begins again, whatever SA_RESTART says */
	return rc == -LINUX_ERESTARTSYS ? -LINUX_ERESTARTNOINTR : rc;
}

static int64_t unlock_pi(uint64_t gva)
{
	int rc = check(gva, VM_WRITE);

	if (rc)
		return rc;
	if ((*word(gva) & FUTEX_TID_MASK) != (uint32_t)thread_current()->tid)
		return -LINUX_EPERM;
	hand_over(gva, 0);
	return 0;
}

/* --- the end of a thread --------------------------------------------------- */

#define ROBUST_MAX 2048 /* entries, as on Linux: lists may be circles */

/* The word of a mutex that the thread may have held, or, if `pending`, may
 * have just let go without having woken anybody. */
static void owner_died(uint64_t gva, int tid, bool pi, bool pending)
{
	uint32_t value;

	if (check(gva, VM_WRITE))
		return;
	value = *word(gva);
	if (pending && !pi && !value)
		wake(gva, 1, ALL_BITS);
	if ((value & FUTEX_TID_MASK) != (uint32_t)tid)
		return;
	if (pi && first_pi(gva, NULL)) {
		hand_over(gva, FUTEX_OWNER_DIED);
		return;
	}
	*word(gva) = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
	if (!pi && (value & FUTEX_WAITERS))
		wake(gva, 1, ALL_BITS);
}

/* struct robust_list_head: the first entry, the way from an entry to its
 * futex, an entry that is being added or removed. Bit 0 of a pointer: PI. */
static void walk_robust_list(const struct thread *t)
{
	uint64_t head[3], at;
	unsigned n = 0;

	if (!t->robust_list || user_read(head, t->robust_list, sizeof(head)))
		return;
	for (at = head[0]; (at & ~1ull) != t->robust_list && n < ROBUST_MAX;
	     n++) {
		uint64_t next = 0;
		bool readable = !user_read(&next, at & ~1ull, sizeof(next));

		if ((at & ~1ull) != (head[2] & ~1ull))
			owner_died((at & ~1ull) + head[1], t->tid, at & 1,
				   false);
		if (!readable)
			break;
		at = next;
	}
	if (head[2] & ~1ull)
		owner_died((head[2] & ~1ull) + head[1], t->tid, head[2] & 1,
			   true);
}

void futex_thread_ends(const struct thread *t)
{
	walk_robust_list(t);
	for (unsigned i = 0; n_pi && i < BUCKETS; i++)
		for (struct waiting *w = buckets[i].first; w;)
			if (w->owner == t->tid) {
				hand_over(w->gva, FUTEX_OWNER_DIED);
				w = buckets[i].first;
			} else {
				w = w->next;
			}
}

/* --- the call -------------------------------------------------------------- */

/* The fourth argument of calls that wait. */
static int64_t read_deadline(const struct regs *r, bool absolute, bool wall,
			     uint64_t *ret_until)
{
	uint64_t ns;
	int64_t rc;

	*ret_until = WAIT_FOREVER;
	if (!ARG4(r))
		return 0;
	rc = time_read_interval(ARG4(r), &ns);
	if (rc)
		return rc;
	if (!absolute)
		*ret_until = clock_now() + ns;
	else
		*ret_until = wall ? clock_from_wall(ns) : ns;
	return 0;
}

int64_t sys_futex(struct regs *r)
{
	uint32_t op = (uint32_t)ARG2(r) & ~(FUTEX_PRIVATE | FUTEX_REALTIME);
	bool wall = ARG2(r) & FUTEX_REALTIME;
	uint64_t until;
	int64_t rc;

	if (wall && op != FUTEX_WAIT_BITSET && op != FUTEX_LOCK_PI2)
		return -LINUX_ENOSYS;
	switch (op) {
	case FUTEX_WAIT:
		rc = read_deadline(r, false, false, &until);
		return rc ? rc
			  : wait(ARG1(r), (uint32_t)ARG3(r), ALL_BITS, until);
	case FUTEX_WAIT_BITSET:
		rc = read_deadline(r, true, wall, &until);
		return rc ? rc
			  : wait(ARG1(r), (uint32_t)ARG3(r), (uint32_t)ARG6(r),
				 until);
	case FUTEX_WAKE:
		return wake_call(ARG1(r), ARG3(r), ALL_BITS);
	case FUTEX_WAKE_BITSET:
		return wake_call(ARG1(r), ARG3(r), (uint32_t)ARG6(r));
	case FUTEX_REQUEUE:
		return requeue(r, false);
	case FUTEX_CMP_REQUEUE:
		return requeue(r, true);
	case FUTEX_WAKE_OP:
		return wake_op(r);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		rc = read_deadline(r, true, wall || op == FUTEX_LOCK_PI,
				   &until);
		return rc ? rc : lock_pi(ARG1(r), until, false);
	case FUTEX_TRYLOCK_PI:
		return lock_pi(ARG1(r), 0, true);
	case FUTEX_UNLOCK_PI:
		return unlock_pi(ARG1(r));
	default:
		return -LINUX_ENOSYS;
	}
}
