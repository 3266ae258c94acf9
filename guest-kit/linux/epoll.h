/* epoll.h: sets of watched files. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_EPOLL_H
#define LINUX_EPOLL_H

struct file;

/* The file's last reference is going: it leaves every set. */
void epoll_forget(struct file *f);

#endif
