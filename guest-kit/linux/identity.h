/* identity.h: whom the process says to be. It starts as root and may become
 * somebody else, which files and answers then say; it stops nothing: the wall
 * is the virtual machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_IDENTITY_H
#define LINUX_IDENTITY_H

#include "kernel/types.h"

struct identity {
	uint32_t real, effective, saved;
};

extern struct identity identity_user, identity_group;

#endif
