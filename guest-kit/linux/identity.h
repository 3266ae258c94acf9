/* identity.h: the ids of the process, which files that it makes get. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_IDENTITY_H
#define LINUX_IDENTITY_H

#include "kernel/types.h"

enum { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FS, IDS };

extern uint32_t identity_uids[IDS], identity_gids[IDS];

#endif
