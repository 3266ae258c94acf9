/* machine_priv.h: a machine's insides, for the units of this folder.
 *
 * The loop's lock protects everything but what a vCPU thread keeps for
 * itself and what machine_new wrote once. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_MACHINE_PRIV_H
#define VMM_MACHINE_PRIV_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "boot/boot.h"
#include "debug/core.h"
#include "debug/gdb_server.h"
#include "debug/stop.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "kvm/x86_ioapic.h"
#include "mem/gmem.h"
#include "virtio/vdev.h"
#include "vmm/legacy_priv.h"
#include "vmm/lookout.h"
#include "vmm/machine.h"
#include "vmm/outcome.h"

struct vcpu_thread {
	struct machine *m;
	struct vcpu vcpu;
	pthread_t thread;
	bool started;
	bool stopped;                    /* by stops_note: stops_serve is due */
	uint64_t exits[VCPU_EXIT_KINDS]; /* the vCPU thread's own */
};

/* A device's way to its interrupt input. */
struct irq_pin {
	struct machine *m;
	unsigned gsi;
};

/* A program's stops (stops.c); zeroed where nobody wants to know. */
struct stops {
	bool on;
	bool busy; /* `stop` is in use */
	struct stop stop;
	struct core core; /* fd -1: none */
	enum machine_core core_state;
	struct err core_err;
	struct gdb_server *gdb; /* or NULL */
	struct irq_pin pin;
	pthread_mutex_t mutex; /* of held; taken with the loop's, too */
	pthread_cond_t cond;
	bool held; /* the vCPU's thread waits */
};

struct machine {
	struct machine_config cfg;
	struct gmem mem;
	struct vm vm;
	struct ioapic ioapic;
	struct vcpu_thread cpu[BOOT_CPUS_MAX];
	unsigned n_vcpus; /* initialised */
	struct kvm_cpuid2 *cpuid;
	struct err cpuid_err; /* of the thread that asks for it */
	sem_t vcpus_made;     /* ... and waits for this */

	struct vdev *dev[LAYOUT_VIRTIO_MAX];
	struct irq_pin dev_pin[LAYOUT_VIRTIO_MAX];
	unsigned n_devs;
	struct lookout lookout;
	/* of dev[]; errors and balloon may be NULL */
	struct vdev *console, *errors, *balloon;
	struct legacy legacy;
	struct irq_pin legacy_pin;
	struct stops stops;

	struct boot_entry entry;
	_Atomic bool stop;     /* the guest has ended */
	_Atomic bool progress; /* output moved, or give up: for the drain */
	bool abandon;          /* do not wait for the console */
	struct outcome outcome;
	uint64_t mark[MACHINE_MARKS];
	uint8_t tail[MACHINE_TAIL_LEN]; /* a ring of console output */
	uint64_t tail_n;                /* bytes ever put in */
};

/* The device table (devices.c). `index` is the position on the bus. */
unsigned devices_count(const struct machine_config *cfg);
WUR int devices_create(struct machine *m, struct err *err);

/* bus.c: one guest access, the lock held. Counters, NULL at the end. */
extern struct metric *const bus_metrics[];
void bus_mmio(struct vcpu_thread *t, const struct vcpu_exit *x);
void bus_pio(struct vcpu_thread *t, const struct vcpu_exit *x);
/* The loop thread looks for work instead of sleeping; as loop_set_look has
 * it. */
bool bus_look(void *machine);
/* A write to a device's window; a kick's work is done to its end, with the
 * lock let go of in between. */
void bus_write_device(struct machine *m, struct vdev *v, unsigned off,
		      const void *buf, unsigned n);

/* platform.c: the platform page, the lock held. */
void platform_read(struct machine *m, unsigned off, void *buf, unsigned n);
void platform_write(struct vcpu_thread *t, unsigned off, const void *buf,
		    unsigned n);

/* stops.c. Without the lock: init, fini and serve; the rest with it. */
WUR int stops_init(struct machine *m, struct err *err);
void stops_shutdown(struct machine *m);
void stops_fini(struct machine *m); /* accepts a zeroed one */
uint32_t stops_flags(const struct machine_config *cfg); /* STARTUP_* */
/* The guest tells of a stop at gpa; t->stopped unless it is none. */
void stops_note(struct vcpu_thread *t, gpa_t gpa);
/* ... and this returns when the guest may go on. */
void stops_serve(struct vcpu_thread *t);
void stops_end(struct machine *m); /* whoever waits in stops_serve leaves */
void stops_say_end(struct machine *m);
bool stops_pending(const struct machine *m); /* ... has not said it yet */

/* vcpu_thread.c */
void *vcpu_thread_main(void *arg);

/* machine.c: ends the guest; the first call decides. The lock held. */
void machine_end(struct machine *m, const struct outcome *o);
void machine_note_output(void *ctx, const uint8_t *bytes, size_t n);
void machine_output_closed(void *ctx, int error);
size_t machine_filter_input(void *ctx, uint8_t *bytes, size_t n);
WUR int machine_build(struct machine *m, struct err *err);
void legacy_init(struct machine *m); /* the devices of cfg.legacy */
void machine_fire(void *pin);        /* an irq_line's fire */

#endif
