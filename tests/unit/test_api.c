/* test_api.c: the control socket, with clients on a thread of their own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "api/api_http.h"
#include "base/attr.h"
#include "base/err.h"
#include "cli/unix_path.h"
#include "loop/loop.h"
#include "vmm/machine_priv.h"

static struct loop *loop;
static struct api *api;
static struct unix_listener l;
static char path[64];
static _Atomic bool stop;
static struct machine machine; /* nothing in it is needed here */

static void up(void)
{
	const struct api_env env = {
		.machine = &machine, .n_cpus = 1, .image = "x", .boot_args = ""
	};
	struct err err = { 0 };

	(void)snprintf(path, sizeof(path), "/tmp/mayfly-api-%d", getpid());
	cr_assert_eq(unix_listen(path, SOCK_STREAM, &l), 0);
	cr_assert_eq(loop_new(16, LOOP_AUTO, &loop, &err), 0);
	loop_lock(loop);
	cr_assert_eq(api_start(loop, l.fd, &env, &api, &err), 0);
	loop_unlock(loop);
}

static void down(void)
{
	loop_lock(loop);
	api_stop(api);
	loop_unlock(loop);
	cr_assert_eq(loop_run(loop, NULL, true), 0);
	api_free(api);
	unix_unlisten(&l);
	cr_expect_neq(access(path, F_OK), 0);
	loop_free(loop);
}

TestSuite(api, .init = up, .fini = down, .timeout = 20);

/* The clients' thread, and the loop until it ends. */
static void run(void *(*clients)(void *))
{
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, clients, NULL), 0);
	cr_assert_eq(loop_run(loop, &stop, false), 0);
	(void)pthread_join(t, NULL);
}

static void *ended(void)
{
	stop = true;
	loop_wake(loop);
	return NULL;
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(unix_connect(fd, path), 0);
	return fd;
}

static void tell(int fd, const char *s)
{
	cr_assert_eq(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

/* Reads until `end` came; false: the other side closed before. */
static bool hear(int fd, const char *end)
{
	static char buf[8192];
	size_t n = 0;

	memset(buf, 0, sizeof(buf));
	while (!strstr(buf, end)) {
		ssize_t r = read(fd, buf + n, sizeof(buf) - 1 - n);

		if (r <= 0)
			return false;
		n += (size_t)r;
	}
	return true;
}

static bool closed(int fd)
{
	char c;

	return read(fd, &c, 1) <= 0;
}

static void *pipelined(void *arg)
{
	int fd = dial();

	(void)arg;
	tell(fd, "GET /version HTTP/1.1\r\n\r\n"
		 "PUT /nothing HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
		 "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
		 "GET /never HTTP/1.1\r\n\r\n");
	cr_expect(hear(fd, "\"mayfly\"}"));
	cr_expect(closed(fd));
	(void)close(fd);
	return ended();
}

Test(api, requests_behind_one_another_are_answered_in_order)
{
	run(pipelined);
}

static void *wrong(void *arg)
{
	int fd = dial();

	(void)arg;
	tell(fd, "\x01garbage\r\n\r\n");
	cr_expect(hear(fd, "unanswered requests will be dropped.\" }"));
	tell(fd, "GET /version HTTP/1.1\r\n\r\n"); /* goes on */
	cr_expect(hear(fd, "firecracker_version"));
	(void)close(fd);
	return ended();
}

Test(api, garbage_costs_nothing_but_itself)
{
	run(wrong);
}

static void *crowd(void *arg)
{
	int fd[API_CLIENTS], more;

	(void)arg;
	for (unsigned i = 0; i < API_CLIENTS; i++) {
		fd[i] = dial();
		tell(fd[i], "GET /version HTTP/1.1\r\n\r\n");
		cr_expect(hear(fd[i], "firecracker_version"));
	}
	more = dial();
	cr_expect(hear(more, "{ \"error\": \"Too many open connections\" }"));
	cr_expect(closed(more));
	(void)close(more);
	(void)close(fd[3]);
	do { /* until it was noticed that one went */
		more = dial();
		tell(more, "GET /version HTTP/1.1\r\n\r\n");
		if (hear(more, "firecracker_version"))
			break;
		(void)close(more);
	} while (true);
	fd[3] = more;
	for (unsigned i = 0; i < API_CLIENTS; i++)
		(void)close(fd[i]);
	return ended();
}

Test(api, one_client_too_many_is_told_so)
{
	(void)signal(SIGPIPE, SIG_IGN);
	run(crowd);
}

static void *half(void *arg)
{
	int fd = dial(), other = dial();

	(void)arg;
	tell(fd, "PATCH /balloon HTTP/1.1\r\nContent-Length: 10\r\n\r\n{");
	(void)close(fd);
	tell(other, "PATCH /bal"); /* stays so until the end */
	fd = dial();
	tell(fd, "GET /version HTTP/1.1\r\n\r\n");
	cr_expect(hear(fd, "firecracker_version"));
	(void)close(fd);
	return ended();
}

Test(api, clients_that_go_or_stop_halfway)
{
	run(half);
}

static void *waits(void *arg)
{
	int fd = dial();

	(void)arg;
	tell(fd, "PUT /actions HTTP/1.1\r\nExpect: 100-continue\r\n"
		 "Content-Length: 2\r\n\r\n");
	cr_expect(hear(fd, "HTTP/1.1 100 \r\n"));
	tell(fd, "{}");
	cr_expect(hear(fd, "missing field"));
	(void)close(fd);
	return ended();
}

Test(api, a_client_that_waits_is_told_to_go_on)
{
	run(waits);
}

/* --- the socket's file ------------------------------------------------------ */

Test(api, a_socket_in_use_is_left_alone)
{
	struct unix_listener other = { .fd = -1 };

	cr_expect_eq(unix_listen(path, SOCK_STREAM, &other), -EADDRINUSE);
	cr_expect_eq(other.fd, -1);
	unix_unlisten(&other);
	cr_expect_eq(access(path, F_OK), 0);
}

Test(api, what_a_dead_one_left_is_replaced)
{
	struct unix_listener a = { .fd = -1 }, b = { .fd = -1 };
	char at[80];

	(void)snprintf(at, sizeof(at), "%s-2", path);
	cr_assert_eq(unix_listen(at, SOCK_STREAM, &a), 0);
	(void)close(a.fd);
	cr_assert_eq(unix_listen(at, SOCK_STREAM, &b), 0);
	unix_unlisten(&b);
	cr_expect_neq(access(at, F_OK), 0);
}

Test(api, a_file_that_is_somebody_elses_by_now_stays)
{
	struct unix_listener a = { .fd = -1 }, b = { .fd = -1 };
	char at[80], other[80];

	(void)snprintf(at, sizeof(at), "%s-2", path);
	(void)snprintf(other, sizeof(other), "%s-3", path);
	cr_assert_eq(unix_listen(at, SOCK_STREAM, &a), 0);
	cr_assert_eq(unix_listen(other, SOCK_STREAM, &b), 0);
	cr_assert_eq(rename(other, at), 0);
	unix_unlisten(&a);
	cr_expect_eq(access(at, F_OK), 0);
	b.path = at;
	unix_unlisten(&b);
	cr_expect_neq(access(at, F_OK), 0);
}

Test(api, other_files_are_left_alone)
{
	struct unix_listener a = { .fd = -1 };

	cr_expect_eq(unix_listen("/dev/null", SOCK_STREAM, &a), -EEXIST);
	cr_expect_eq(unix_listen("/nowhere/a", SOCK_STREAM, &a), -ENOENT);
}

/* --- no descriptors ---------------------------------------------------------- */

static void *wait_for_room(void *arg)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct rlimit was, low;
	struct timespec t0, t1;
	char got[256];

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	low = was;
	low.rlim_cur = 0; /* what is open stays open */
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	cr_assert_eq(unix_connect(fd, path), 0);
	(void)!write(fd, "GET /version HTTP/1.1\r\n\r\n", 25);
	(void)usleep(350000);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	/* a socket that is ready and refuses must not be asked all the time */
	cr_expect_lt((t1.tv_sec - t0.tv_sec) * 1000 +
			     (t1.tv_nsec - t0.tv_nsec) / 1000000,
		     20);
	cr_expect_gt(read(fd, got, sizeof(got)), 12);
	(void)close(fd);
	(void)arg;
	return ended();
}

Test(api, a_client_waits_until_there_are_descriptors)
{
	run(wait_for_room);
}
