/* unix_path.h: Unix sockets by the path of their file. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_UNIX_PATH_H
#define CLI_UNIX_PATH_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/attr.h"

/* The longest path. */
#define UNIX_PATH_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* 0 or negative errno; -ENAMETOOLONG. The file is the owner's alone. */
WUR int unix_bind(int fd, const char *path);
WUR int unix_connect(int fd, const char *path);

/* A socket that listens, and its file. */
struct unix_listener {
	int fd;
	const char *path; /* borrowed */
	dev_t dev;        /* of the file, to know it again */
	ino_t ino;
};

/*
 * Listens at `path` with a non-blocking socket of `type` (SOCK_STREAM ...).
 * The file of a socket that nobody listens on any more is replaced. Fills *ret
 * for unix_unlisten. -EADDRINUSE: somebody listens there; -EEXIST: a file that
 * is no socket.
 */
WUR int unix_listen(const char *path, int type, struct unix_listener *ret);
/* Closes it and removes the file, unless that is somebody else's by now. fd
 * -1: does nothing. */
void unix_unlisten(struct unix_listener *l);

#endif
