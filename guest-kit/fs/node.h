/* node.h: what the inodes of the tree do, by their type. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include "kernel/types.h"

struct file;
struct inode;
struct inode_ops;

const struct inode_ops *node_ops(uint32_t mode);

/* The open functions of struct inode_ops, by type. */
int regular_open(struct inode *node, struct file *f);
int dir_open(struct inode *node, struct file *f);
int fifo_open(struct inode *node, struct file *f);
int dev_open(struct inode *node, struct file *f);
int blkdev_open(struct inode *node, struct file *f);

/* What any file on an inode says for fstat. */
struct linux_stat;
int node_stat(struct file *f, struct linux_stat *ret);

#endif
