/* unix_path.c: sockets with a name in the file system: refused until it has
 * such inodes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/errno.h"
#include "net/unix_priv.h"

int unix_path_make(const char *path, struct unix_socket *u)
{
	(void)path;
	(void)u;
	return -LINUX_EROFS;
}

int unix_path_find(const char *path, struct unix_socket **ret)
{
	(void)path;
	(void)ret;
	return -LINUX_ENOENT;
}

void unix_path_leave(struct unix_socket *u)
{
	(void)u;
}
