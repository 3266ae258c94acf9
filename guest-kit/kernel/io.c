/* io.c: moves bytes to and from pieces of memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/io.h"

#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/errno.h"

void io_user(struct io *io, uint64_t gva, uint64_t len)
{
	len = min_u64(len, IO_LEN_MAX);
	*io = (struct io){ .n = 1, .left = len, .one = { gva, len } };
	io->vec = &io->one;
}

void io_kernel(struct io *io, void *p, uint64_t len)
{
	io_user(io, (uintptr_t)p, len);
	io->kernel = true;
}

int io_vectors(struct io *io, const struct io_vec *vec, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		if (vec[i].len > INT64_MAX)
			return -LINUX_EINVAL;
		if (vec[i].len > VM_END || vec[i].base > VM_END - vec[i].len)
			return -LINUX_EFAULT;
		sum += vec[i].len;
	}
	*io = (struct io){ .vec = vec,
			   .n = n,
			   .left = min_u64(sum, IO_LEN_MAX) };
	return 0;
}

enum direction { PUT, GET, ZERO };

/* The piece at hand: as much as it has, at most len; if not all of that can be
 * reached, up to the end of the page; -EFAULT if nothing can. */
static int64_t move_one(struct io *io, uint8_t *ours, uint64_t len,
			enum direction dir)
{
	uint64_t at = io->vec->base + io->off;
	const unsigned right = dir == GET ? VM_READ : VM_WRITE;
	void *p = (void *)(uintptr_t)at;

	len = min_u64(len, io->vec->len - io->off);
	if (!io->kernel && !vm_user_ok(at, len, right)) {
		len = min_u64(len, PAGE_LEN - (at & PAGE_MASK));
		if (!vm_user_ok(at, len, right))
			return -LINUX_EFAULT;
	}
	if (dir == PUT)
		memcpy(p, ours, len);
	else if (dir == GET)
		memcpy(ours, p, len);
	else
		memset(p, 0, len);
	io->off += len;
	io->left -= len;
	return (int64_t)len;
}

static int64_t move(struct io *io, uint8_t *ours, uint64_t len,
		    enum direction dir)
{
	uint64_t done = 0;

	len = min_u64(len, io->left);
	while (done < len) {
		int64_t n;

		if (io->off == io->vec->len) {
			io->vec++;
			io->n--;
			io->off = 0;
			continue;
		}
		n = move_one(io, ours ? ours + done : NULL, len - done, dir);
		if (n < 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t io_put(struct io *io, const void *src, uint64_t len)
{
	return move(io, (uint8_t *)(uintptr_t)src, len, PUT);
}

int64_t io_get(struct io *io, void *dst, uint64_t len)
{
	return move(io, dst, len, GET);
}

int64_t io_zero(struct io *io, uint64_t len)
{
	return move(io, NULL, len, ZERO);
}
