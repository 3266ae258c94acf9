/* unix_path.c: sockets with a name in the file system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs.h"
#include "fs/inode.h"
#include "net/unix_priv.h"

int unix_path_make(const char *path, struct unix_socket *u)
{
	struct inode *node;
	int rc = fs_make_socket(path, &node);

	if (rc)
		return rc;
	u->node = node;
	node->socket = u;
	return 0;
}

int unix_path_find(const char *path, struct unix_socket **ret)
{
	struct inode *node;
	int rc = fs_find_socket(path, &node);

	if (rc)
		return rc;
	*ret = node->socket;
	inode_put(node);
	return 0;
}

void unix_path_leave(struct unix_socket *u)
{
	if (!u->node)
		return;
	u->node->socket = NULL;
	inode_put(u->node);
	u->node = NULL;
}
