/* host_blk.c: one thread, io_uring, one registered file, DEPTH requests in
 * flight; what has ended is replaced, all of it with one system call. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/host.h"

#define DEPTH_MAX 256u
#define ALIGN     4096u
#define HUGE_LEN  (2u << 20)
#define NS_PER_MS 1000000u

static struct tally tally;

struct disk_work {
	struct io_uring ring;
	bool write, random;
	unsigned depth;
	uint32_t len;
	uint64_t blocks, state, next;
	void *buffer[DEPTH_MAX];
	uint64_t start_ns[DEPTH_MAX];
};

static void offer(struct disk_work *w, unsigned slot, uint64_t now)
{
	const uint64_t at =
		(w->random ? tally_random(&w->state) : w->next++) % w->blocks;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&w->ring);

	if (!sqe)
		host_die("io_uring_get_sqe");
	if (w->write)
		io_uring_prep_write(sqe, 0, w->buffer[slot], w->len,
				    at * w->len);
	else
		io_uring_prep_read(sqe, 0, w->buffer[slot], w->len,
				   at * w->len);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data64(sqe, slot);
	w->start_ns[slot] = now;
}

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	errno = -rc;
	host_die(what);
}

/* In huge pages, if there are any: a request is then one piece of memory to
 * the device below. */
static void make_buffers(struct disk_work *w)
{
	const size_t len = ((size_t)w->depth * w->len + HUGE_LEN - 1) &
			   ~(size_t)(HUGE_LEN - 1);
	uint64_t *b = aligned_alloc(HUGE_LEN, len);

	if (!b)
		host_die("aligned_alloc");
	(void)madvise(b, len, MADV_HUGEPAGE);
	for (size_t n = 0; n < len / sizeof(*b); n++)
		b[n] = tally_random(&w->state);
	for (unsigned i = 0; i < w->depth; i++)
		w->buffer[i] = (uint8_t *)b + (size_t)i * w->len;
}

static void open_disk(struct disk_work *w, const char *path, bool direct)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0));
	struct io_uring_params p = { .flags = IORING_SETUP_COOP_TASKRUN |
					      IORING_SETUP_SINGLE_ISSUER |
					      IORING_SETUP_DEFER_TASKRUN };
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		host_die(path);
	w->blocks = (uint64_t)st.st_size / w->len;
	if (w->blocks == 0)
		host_usage();
	check(io_uring_queue_init_params(DEPTH_MAX, &w->ring, &p), "io_uring");
	check(io_uring_register_files(&w->ring, &fd, 1), "register");
	w->state = 0x9e3779b97f4a7c15;
	make_buffers(w);
}

static void run_disk(struct disk_work *w, uint64_t ns)
{
	struct io_uring_cqe *cqes[DEPTH_MAX];
	unsigned in_flight = w->depth;
	uint64_t now, end;

	host_begin();
	now = host_now_ns();
	end = now + ns;
	for (unsigned i = 0; i < w->depth; i++)
		offer(w, i, now);
	while (in_flight > 0) {
		int rc = io_uring_submit_and_wait(&w->ring, 1);
		unsigned n;

		if (rc == -EINTR)
			continue;
		check(rc, "io_uring_submit_and_wait");
		n = io_uring_peek_batch_cqe(&w->ring, cqes, DEPTH_MAX);
		now = host_now_ns();
		for (unsigned i = 0; i < n; i++) {
			const unsigned slot =
				(unsigned)io_uring_cqe_get_data64(cqes[i]);

			if (cqes[i]->res != (int)w->len) {
				errno = cqes[i]->res < 0 ? -cqes[i]->res : EIO;
				host_die("request");
			}
			tally_add(&tally, now - w->start_ns[slot], w->len);
			if (now < end)
				offer(w, slot, now);
			else
				in_flight--;
		}
		io_uring_cq_advance(&w->ring, n);
	}
	host_end(&tally);
}

void host_blk(int n, char **arg)
{
	static struct disk_work w;

	if (n != 7)
		host_usage();
	w.write = strcmp(arg[2], "write") == 0;
	w.random = strcmp(arg[3], "random") == 0;
	w.depth = host_number(arg[4]);
	w.len = host_number(arg[5]);
	if (w.depth < 1 || w.depth > DEPTH_MAX || !w.len || w.len % ALIGN)
		host_usage();
	open_disk(&w, arg[0], strcmp(arg[1], "direct") == 0);
	run_disk(&w, (uint64_t)host_number(arg[6]) * NS_PER_MS);
}
