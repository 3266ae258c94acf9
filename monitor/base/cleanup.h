/* cleanup.h: things that clean up when their scope ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Initialise at the declaration: an fd with -1 or open(), a pointer. */
#define AUTO_FD   __attribute__((cleanup(cleanup_fd))) int
#define AUTO_FREE __attribute__((cleanup(cleanup_free)))

/* Gives the descriptor away: the scope no longer closes it. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Gives the allocation away: the scope no longer frees it. */
#define take_ptr(p)                         \
	__extension__({                     \
		__typeof__(*(p)) t_ = *(p); \
		*(p) = NULL;                \
		t_;                         \
	})

#endif
