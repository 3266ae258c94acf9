/* balloon_format.h: what a balloon device and its driver say to each other
 * (virtio 1.2, 5.5), for the device and for what tests it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_BALLOON_FORMAT_H
#define VIRTIO_BALLOON_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"

#define BALLOON_ID        5u
#define BALLOON_PAGE      4096u /* whatever the guest's own pages are */
#define BALLOON_QUEUE_MAX 128u

/* virtio 1.2, 5.5.3 */
#define BALLOON_F_MUST_TELL_HOST (1ull << 0)
#define BALLOON_F_STATS_VQ       (1ull << 1)
#define BALLOON_F_DEFLATE_ON_OOM (1ull << 2)
#define BALLOON_F_FREE_PAGE_HINT (1ull << 3)
#define BALLOON_F_PAGE_POISON    (1ull << 4)
#define BALLOON_F_PAGE_REPORTING (1ull << 5)

/* virtio 1.2, 5.5.2: by number, and what each is for */
enum balloon_queue {
	BALLOON_INFLATE,
	BALLOON_DEFLATE,
	BALLOON_STATS,
	BALLOON_FREE_PAGE,
	BALLOON_REPORTING,
	BALLOON_QUEUES
};

/* virtio 1.2, 5.5.6.3: values of free_page_hint_cmd_id; others are runs */
#define BALLOON_CMD_STOP  0u
#define BALLOON_CMD_DONE  1u
#define BALLOON_CMD_FIRST 2u

/* virtio 1.2, 5.5.6.2: tags; from OOM_KILL on they are Linux's own */
enum balloon_tag {
	BALLOON_S_SWAP_IN,
	BALLOON_S_SWAP_OUT,
	BALLOON_S_MAJFLT,
	BALLOON_S_MINFLT,
	BALLOON_S_MEMFREE,
	BALLOON_S_MEMTOT,
	BALLOON_S_AVAIL,
	BALLOON_S_CACHES,
	BALLOON_S_HTLB_PGALLOC,
	BALLOON_S_HTLB_PGFAIL,
	BALLOON_S_OOM_KILL,
	BALLOON_S_ALLOC_STALL,
	BALLOON_S_ASYNC_SCAN,
	BALLOON_S_DIRECT_SCAN,
	BALLOON_S_ASYNC_RECLAIM,
	BALLOON_S_DIRECT_RECLAIM,
	BALLOON_TAGS
};

struct balloon_stat {
	le16 tag;
	le64 val;
} __attribute__((packed));

struct balloon_space { /* the configuration space */
	le32 num_pages, actual;
	le32 free_page_hint_cmd_id;
	le32 poison_val;
};

_Static_assert(sizeof(struct balloon_stat) == 10, "ABI");
_Static_assert(sizeof(struct balloon_space) == 16, "ABI");

#endif
