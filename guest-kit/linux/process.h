/* process.h: the one process: its heap, identity and end. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_PROCESS_H
#define LINUX_PROCESS_H

#include "kernel/types.h"

#define PROCESS_PID 1

/* uname(2) */
#define PROCESS_HOSTNAME "mayfly"
#define PROCESS_RELEASE  "6.1.0-mayfly"
#define PROCESS_VERSION  "guest kit"

/* The heap starts at this page, other mappings some way above it. */
void process_init(uint64_t heap_start);

#endif
