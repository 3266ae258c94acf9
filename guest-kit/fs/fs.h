/* fs.h: the file system as the rest of the kernel sees it: a tree in memory,
 * made from the root image when somebody first asks for a path. Paths are
 * strings of the kernel's; relative ones start at the working directory. The
 * process is root: permission bits are kept, and asked for x only. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_FS_H
#define FS_FS_H

#include "kernel/types.h"

struct file;
struct inode;

#define FS_PATH_MAX 4096 /* with the NUL */
#define FS_NAME_MAX 255

/* As open(2), without a descriptor: one reference. Files of the kernel's own
 * use: a FIFO is not waited for (O_NONBLOCK). */
WUR int fs_open(const char *path, uint32_t flags, struct file **ret);

/* A program or its interpreter: -EACCES unless it is a regular file with an x
 * bit. f->ops->store(f) has its contents, fs_read reads from them. */
WUR int fs_open_program(const char *path, struct file **ret);
/* At off, fewer bytes at the end only. */
WUR int64_t fs_read(struct file *f, uint64_t off, void *buf, uint64_t len);

/* The program that runs, for /proc/self/exe; takes a reference of its own.
 * Without it: machine.program, at / and the last part of argv[0]. */
void fs_set_program(struct file *f);
/* Its absolute path with a NUL; the length. */
uint64_t fs_program_path(char *buf, uint64_t room);

/* What /proc/self/fd/N and maps say of a file ("/etc/passwd", "pipe:[7]"),
 * with a NUL, cut to room; its length. */
uint64_t fs_file_path(struct file *f, char *buf, uint64_t room);

/* Sockets of AF_UNIX that are bound to a path. make: -EADDRINUSE if there is
 * something; find: -ECONNREFUSED if that is no socket. Both return owned:
 * inode_put (fs/inode.h). Who is bound there is inode->socket, which belongs
 * to the socket layer; NULL: nobody any more. */
WUR int fs_make_socket(const char *path, struct inode **ret);
WUR int fs_find_socket(const char *path, struct inode **ret);

#endif
