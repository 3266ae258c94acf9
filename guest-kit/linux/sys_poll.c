/* sys_poll.c: poll and select over the standard streams. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/clock.h"
#include "kernel/vm.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/files.h"
#include "linux/time.h"

#define POLLIN     0x001
#define POLLOUT    0x004
#define POLLNVAL   0x020
#define POLLRDNORM 0x040
#define POLLWRNORM 0x100

struct pollfd {
	int32_t fd;
	int16_t events, revents;
};

#define FOREVER UINT64_MAX

/* Waits for input or the time; false: the time has come. */
static bool wait(uint64_t until_ns, bool input)
{
	if (until_ns != FOREVER && clock_now() >= until_ns)
		return false;
	if (input)
		console_wait_input(until_ns == FOREVER ? 0 : until_ns);
	else
		clock_sleep_until(until_ns);
	return true;
}

static int64_t poll_once(struct pollfd *fds, uint64_t n, bool *ret_input)
{
	int64_t ready = 0;

	for (; n; n--, fds++) {
		const struct file *f = file_get((uint32_t)fds->fd);
		int got = 0;

		fds->revents = 0;
		if (fds->fd < 0)
			continue;
		if (!f) {
			got = POLLNVAL;
		} else {
			if (fds->events & (POLLIN | POLLRDNORM)) {
				*ret_input |= f->kind == FILE_IN;
				if (file_readable(f))
					got |= POLLIN | POLLRDNORM;
			}
			if (file_writable(f))
				got |= POLLOUT | POLLWRNORM;
			got &= fds->events;
		}
		fds->revents = (int16_t)got;
		ready += got != 0;
	}
	return ready;
}

static int64_t poll_until(uint64_t gva, uint64_t n, uint64_t until_ns)
{
	int64_t ready;
	bool input = false;

	if (n > FILES_MAX)
		return -LINUX_EINVAL;
	if (!vm_user_ok(gva, n * sizeof(struct pollfd), VM_WRITE))
		return -LINUX_EFAULT;
	do {
		ready = poll_once(user_ptr(gva), n, &input);
	} while (!ready && wait(until_ns, input));
	return ready;
}

int64_t sys_poll(struct regs *r)
{
	int ms = (int)ARG3(r);

	return poll_until(ARG1(r), ARG2(r),
			  ms < 0 ? FOREVER
				 : clock_now() + (uint64_t)ms * 1000000);
}

/* A struct timespec with an interval, or no pointer: for ever. */
static int64_t read_interval(uint64_t gva, uint64_t *ret_until)
{
	uint64_t ns;
	int64_t rc;

	*ret_until = FOREVER;
	if (!gva)
		return 0;
	rc = time_read_interval(gva, &ns);
	if (!rc)
		*ret_until = clock_now() + ns;
	return rc;
}

int64_t sys_ppoll(struct regs *r)
{
	uint64_t until;
	int64_t rc = read_interval(ARG3(r), &until);

	return rc ? rc : poll_until(ARG1(r), ARG2(r), until);
}

/* Which of the wanted descriptors are ready, as a set; a bad one is -EBADF. */
static int64_t select_once(const uint64_t *want, uint64_t n, uint64_t *ret,
			   bool (*ready)(const struct file *), bool *ret_input)
{
	int64_t count = 0;

	for (uint64_t fd = 0; fd < n; fd++) {
		uint64_t bit = 1ull << fd % 64;
		const struct file *f;

		if (!(want[fd / 64] & bit))
			continue;
		f = file_get(fd);
		if (!f)
			return -LINUX_EBADF;
		*ret_input |= f->kind == FILE_IN && ready == file_readable;
		if (ready(f)) {
			ret[fd / 64] |= bit;
			count++;
		}
	}
	return count;
}

static bool never(const struct file *f)
{
	(void)f;
	return false;
}

static int64_t select_until(struct regs *r, uint64_t until_ns)
{
	const uint64_t sets[3] = { ARG2(r), ARG3(r), ARG4(r) };
	bool (*const tests[3])(const struct file *) = { file_readable,
							file_writable, never };
	uint64_t n = ARG1(r), words = (n + 63) / 64;
	bool input = false;

	if (n > FILES_MAX)
		return -LINUX_EINVAL;
	for (unsigned i = 0; i < 3; i++)
		if (sets[i] && !vm_user_ok(sets[i], words * 8, VM_WRITE))
			return -LINUX_EFAULT;
	for (;;) {
		uint64_t out[3][FILES_MAX / 64] = { 0 };
		int64_t total = 0;

		for (unsigned i = 0; i < 3; i++) {
			int64_t rc = 0;

			if (sets[i])
				rc = select_once(user_ptr(sets[i]), n, out[i],
						 tests[i], &input);
			if (rc < 0)
				return rc;
			total += rc;
		}
		if (!total && wait(until_ns, input))
			continue;
		for (unsigned i = 0; i < 3; i++)
			for (uint64_t w = 0; sets[i] && w < words; w++)
				((uint64_t *)user_ptr(sets[i]))[w] = out[i][w];
		return total;
	}
}

int64_t sys_select(struct regs *r)
{
	uint64_t until = FOREVER;

	if (ARG5(r)) {
		const int64_t *tv = user_ptr(ARG5(r));

		if (!vm_user_ok(ARG5(r), 16, VM_READ))
			return -LINUX_EFAULT;
		if (tv[0] < 0 || tv[1] < 0 || tv[1] > 999999)
			return -LINUX_EINVAL;
		until = clock_now() +
			time_ns((uint64_t)tv[0], (uint64_t)tv[1] * 1000);
	}
	return select_until(r, until);
}

int64_t sys_pselect6(struct regs *r)
{
	uint64_t until;
	int64_t rc = read_interval(ARG5(r), &until);

	return rc ? rc : select_until(r, until);
}
