/* solo5.h: the interface of Solo5 guests, so that programs written for it build
 * unchanged with mayfly-cc. Names, types and results are Solo5's, what they
 * mean here is said below. No manifest is needed: devices are what `mayfly run`
 * was given.
 *
 *   block device NAME   --disk FILE,id=NAME
 *   network NAME        the --net that comes next: the first name that is
 *                       acquired is the first card
 *   command line        the ARGs, with blanks between */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SOLO5_H
#define API_SOLO5_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
	SOLO5_R_OK = 0, /* done */
	SOLO5_R_AGAIN,  /* nothing there yet */
	SOLO5_R_EINVAL, /* an argument is not allowed */
	SOLO5_R_EUNSPEC /* the device failed */
} solo5_result_t;

typedef uint64_t solo5_time_t; /* nanoseconds */
typedef uint64_t solo5_off_t;
typedef uint64_t solo5_handle_t;
typedef uint64_t solo5_handle_set_t; /* bit n: handle n */

/* The program's beginning: its result is the exit status. All memory that
 * nobody uses is its heap. */
struct solo5_start_info {
	const char *cmdline;
	uintptr_t heap_start;
	size_t heap_size;
};
int solo5_app_main(const struct solo5_start_info *info);

#define SOLO5_EXIT_SUCCESS 0
#define SOLO5_EXIT_FAILURE 1
#define SOLO5_EXIT_ABORT   255

void solo5_exit(int status) __attribute__((noreturn));
void solo5_abort(void) __attribute__((noreturn));

/* The base of fs. */
solo5_result_t solo5_set_tls_base(uintptr_t base);

solo5_time_t solo5_clock_monotonic(void);
solo5_time_t solo5_clock_wall(void);

/* Sleeps until a network has a packet, or solo5_clock_monotonic is `deadline`.
 * Which have one is in *ready_set, unless that is NULL. */
void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *ready_set);

void solo5_console_write(const char *buf, size_t size);

#define SOLO5_NET_ALEN 6
#define SOLO5_NET_HLEN 14

struct solo5_net_info {
	uint8_t mac_address[SOLO5_NET_ALEN];
	size_t mtu; /* without the SOLO5_NET_HLEN bytes before it */
};

/* EINVAL: there is no card left, or the name was acquired before. */
solo5_result_t solo5_net_acquire(const char *name, solo5_handle_t *handle,
				 struct solo5_net_info *info);
/* EINVAL: longer than mtu and SOLO5_NET_HLEN. */
solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *buf,
			       size_t size);
/* AGAIN: there is no packet. */
solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *buf, size_t size,
			      size_t *read_size);

struct solo5_block_info {
	solo5_off_t capacity; /* bytes */
	solo5_off_t block_size;
};

/* EINVAL: no disk has this id, or it was acquired before. */
solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle,
				   struct solo5_block_info *info);
/* `offset` and `size` are multiples of block_size, within the capacity; else
 * EINVAL. All or an error. A disk that caches writes is flushed at the end. */
solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset,
				 const uint8_t *buf, size_t size);
solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset,
				uint8_t *buf, size_t size);

#endif
