/* machine.h: a virtual machine as a whole: configuration in, outcome out.
 *
 * Created, run and freed by one thread, which becomes the loop thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "boot/boot.h"

struct err;
struct loop;
struct machine;
struct outcome;
struct vsock_service;

#define MACHINE_LEGACY_SERIAL 1u
#define MACHINE_LEGACY_PIT    2u
#define MACHINE_LEGACY_RTC    4u
#define MACHINE_LEGACY_I8042  8u

#define MACHINE_DISKS_MAX       8u
#define MACHINE_DISK_QUEUES_MAX 8u
#define MACHINE_SERIAL_LEN      20u /* of a disk's serial number */
#define MACHINE_NETS_MAX        4u
#define MACHINE_NET_PAIRS_MAX   8u
#define MACHINE_MAC_LEN         6u

/* What a device may do, on average; 0: no limit, or its usual burst. See
 * virtio/ratelimit.h. */
struct machine_rate {
	uint64_t bytes, ops; /* a second */
	uint64_t bytes_burst, ops_burst;
};

/* An open file that becomes a virtio block device; see virtio/blk.h. */
struct machine_disk {
	int fd;       /* borrowed while the machine lives */
	uint64_t len; /* bytes */
	bool read_only;
	unsigned queues;              /* 1..MACHINE_DISK_QUEUES_MAX */
	uint32_t block_len;           /* logical block, 512..4096 */
	uint32_t physical_len;        /* at least block_len */
	uint32_t io_align, mem_align; /* O_DIRECT: its alignments; else 0 */
	struct machine_rate rate;
	const char *name; /* for messages */
	const char *serial;
	const char *id; /* what it is called by who controls the machine */
};

/* The virtio balloon; see virtio/balloon.h. */
struct machine_balloon {
	uint64_t target;  /* bytes to take from the guest at first */
	unsigned stats_s; /* seconds between statistics; 0: none */
	bool reporting, hinting, deflate_on_oom;
};

/* An open tap that becomes a virtio network device; see virtio/net.h. */
struct machine_net {
	int fd[MACHINE_NET_PAIRS_MAX]; /* borrowed, as above; `pairs` of them */
	unsigned pairs;                /* 1..MACHINE_NET_PAIRS_MAX */
	unsigned offloads;             /* TUN_F_* that the tap has */
	int link_fd; /* borrowed; hears of changes of the tap; or -1 */
	int if_index;
	bool link_up;
	struct machine_rate rate; /* of each direction */
	bool guard;               /* only frames from `mac` leave */
	uint8_t mac[MACHINE_MAC_LEN];
	uint16_t mtu;
	const char *name; /* for messages */
};

#define MACHINE_CID_MIN         3u
#define MACHINE_CID_MAX         0xfffffffeu
#define MACHINE_VSOCK_CONNS_MAX 4096u

/* Sockets between guest and host; see virtio/vsock.h. */
struct machine_vsock {
	uint64_t cid;   /* MACHINE_CID_MIN..MACHINE_CID_MAX */
	unsigned conns; /* 1..MACHINE_VSOCK_CONNS_MAX */
	int listen_fd, listen_seqpacket_fd; /* borrowed; -1: none */
	/* A non-blocking socket, returned owned, or negative errno. */
	int (*connect_port)(void *ctx, uint32_t port, bool seqpacket);
	void *ctx; /* borrowed while the machine lives */
	/* Ports that the monitor serves, as net/netproxy.h does; or NULL. */
	const struct vsock_service *service;
	void *service_ctx; /* borrowed, as above */
};

struct machine_config {
	int kvm_fd;                  /* borrowed; see machine_open_kvm */
	struct loop *loop;           /* borrowed */
	uint64_t mem_len;            /* bytes, a multiple of 4 KiB */
	bool huge_pages;             /* transparent ones behind it */
	unsigned n_cpus;             /* 1..BOOT_CPUS_MAX */
	unsigned legacy;             /* MACHINE_LEGACY_* */
	int console_in, console_out; /* borrowed; -1: none */
	int console_err; /* borrowed; a program's errors; -1: on the console */
	uint16_t console_cols, console_rows;   /* 0: unknown */
	const struct machine_disk *disk;       /* read by machine_new only */
	unsigned n_disks;                      /* 0..MACHINE_DISKS_MAX */
	const struct machine_net *net;         /* read by machine_new only */
	unsigned n_nets;                       /* 0..MACHINE_NETS_MAX */
	const struct machine_vsock *vsock;     /* the same; NULL: none */
	const struct machine_balloon *balloon; /* the same; NULL: none */
	bool verbose;  /* a program's guest kernel says what it lacks */
	bool strace;   /* ... and every system call */
	int core_fd;   /* borrowed; an empty file for a program's core; or -1 */
	int gdb_fd;    /* borrowed; listens for debuggers of a program; or -1 */
	bool gdb_wait; /* the first one, before the program starts */
	const char *exec_file; /* the program's path here, or NULL; borrowed */
	bool trace;            /* work out the guest's own times */
	/* Sees console input before the guest; returns how much is left. */
	size_t (*filter_input)(void *ctx, uint8_t *bytes, size_t n);
	void *filter_ctx;
	struct boot_config boot; /* n_cpus, n_devices, legacy_*: filled here */
};

/* Moments, CLOCK_MONOTONIC nanoseconds, 0 when they did not happen. */
enum machine_mark {
	MARK_CREATE,
	MARK_VM,
	MARK_IMAGE,
	MARK_RUN, /* the first entry into the guest */
	MARK_GUEST_ENTRY,
	MARK_GUEST_MAIN,
	MARK_FIRST_BYTE,
	MARK_GUEST_EXIT,
	MARK_DRAINED, /* the console's last byte is out */
	MACHINE_MARKS
};

#define MACHINE_TAIL_LEN 2048

/* Opens /dev/kvm; the message says how to mend what is missing. Returns the
 * descriptor. */
WUR int machine_open_kvm(struct err *err);

/* Builds the machine and loads the image: nothing runs yet. -ENOEXEC: the
 * image cannot run, or not with this much memory; else the host's errors. */
WUR int machine_new(const struct machine_config *cfg, struct machine **ret_m,
		    struct err *err);

/*
 * Runs the guest until it ends or machine_kill, writes out what its console
 * still holds, and tells how it went. Once per machine.
 */
void machine_run(struct machine *m, struct outcome *ret_outcome);

/* Ends the guest from a loop callback or another thread holding the loop's
 * lock: `reason` is TIMEOUT, KILLED or MONITOR_ERROR. A second call while
 * the console drains gives up the rest of the output. */
void machine_kill(struct machine *m, int reason, int signal);

/* The terminal has a new size. Loop's lock held. */
void machine_resize(struct machine *m, uint16_t cols, uint16_t rows);

const uint64_t *machine_marks(const struct machine *m); /* MACHINE_MARKS */
uint64_t machine_exits(const struct machine *m, unsigned kind);
enum boot_kind machine_kind(const struct machine *m);
/* True for a program, and for what is linked with the guest kit. */
bool machine_takes_arguments(const struct machine *m);

enum machine_core {
	MACHINE_CORE_NONE, /* the program did not die of a signal */
	MACHINE_CORE_WRITTEN,
	MACHINE_CORE_FAILED, /* *ret_err says why */
};
enum machine_core machine_core(const struct machine *m, struct err *ret_err);

/* The last bytes of console output, oldest first; at most MACHINE_TAIL_LEN. */
size_t machine_tail(const struct machine *m, uint8_t *buf);

/* After machine_run, or when it was never run. */
void machine_free(struct machine *m);

#endif
