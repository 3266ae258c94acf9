/* unix_path.c: see unix_path.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/unix_path.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

static int address(const char *path, struct sockaddr_un *ret)
{
	const size_t len = strlen(path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len > UNIX_PATH_LEN)
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, len);
	return 0;
}

int unix_bind(int fd, const char *path)
{
	struct sockaddr_un a;
	int r = address(path, &a);
	mode_t mask;

	if (r)
		return r;
	mask = umask(0077); /* from the start */
	r = bind(fd, (const struct sockaddr *)&a, sizeof(a)) ? -errno : 0;
	(void)umask(mask);
	return r;
}

int unix_connect(int fd, const char *path)
{
	struct sockaddr_un a;
	int r = address(path, &a);

	if (r)
		return r;
	return connect(fd, (const struct sockaddr *)&a, sizeof(a)) ? -errno : 0;
}

/* 0: nobody listens there, or never did. */
static int probe(const char *path, int type)
{
	AUTO_FD fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = unix_connect(fd, path);
	if (r == 0 || r == -EAGAIN)
		return -EADDRINUSE;
	return r == -ECONNREFUSED || r == -ENOENT ? 0 : r;
}

/* A process that was killed may be gone before its io_uring is, which the
 * kernel tears down afterwards and which holds the socket until then. */
static int probe_patiently(const char *path, int type)
{
	const struct timespec pause = { 0, 20000000 };
	int r = probe(path, type);

	for (unsigned i = 0; i < 25 && r == -EADDRINUSE; i++) {
		(void)nanosleep(&pause, NULL);
		r = probe(path, type);
	}
	return r;
}

/* What a machine that died left behind goes. */
static int clear_path(const char *path, int type)
{
	struct stat st;
	int r;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = probe_patiently(path, type);
	if (r)
		return r;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int unix_listen(const char *path, int type, struct unix_listener *ret)
{
	AUTO_FD fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) > UNIX_PATH_LEN)
		return -ENAMETOOLONG;
	r = clear_path(path, type);
	if (!r)
		r = unix_bind(fd, path);
	if (r)
		return r;
	if (lstat(path, &st) || listen(fd, SOMAXCONN)) {
		r = -errno;
		(void)unlink(path);
		return r;
	}
	*ret = (struct unix_listener){ take_fd(&fd), path, st.st_dev,
				       st.st_ino };
	return 0;
}

void unix_unlisten(struct unix_listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	(void)close(l->fd);
	l->fd = -1;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		(void)unlink(l->path);
}
