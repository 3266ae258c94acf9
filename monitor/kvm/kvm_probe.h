/* kvm_probe.h: what this host's KVM can do, found out by asking and trying.
 * For `mayfly check`; starting a guest needs none of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_KVM_PROBE_H
#define KVM_KVM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct err;

#define KVM_PROBE_CAPS 32

struct kvm_probe_cap {
	const char *name; /* without KVM_CAP_ */
	const char *use;  /* what mayfly does with it */
	int id;
	bool required;
};
extern const struct kvm_probe_cap kvm_probe_caps[];
extern const unsigned kvm_probe_n_caps;

/* How far the attempt to run a guest came. Each step needs the one before. */
enum kvm_probe_step {
	KVM_PROBE_OPEN,
	KVM_PROBE_API,
	KVM_PROBE_VM,
	KVM_PROBE_MEMORY,
	KVM_PROBE_VCPU,
	KVM_PROBE_RUN,
	KVM_PROBE_DONE
};

struct kvm_probe {
	enum kvm_probe_step step; /* DONE, or the one that did not work */
	int code;                 /* negative errno of that step; 0 when done */
	bool timed_out;           /* the step did not come back */
	unsigned exit_reason; /* of RUN, when the guest ended in another way */

	int api; /* of the kernel; ours is api_want */
	int api_want;
	int cap[KVM_PROBE_CAPS]; /* KVM_CHECK_EXTENSION; order of the table */
	int vcpus_good, vcpus_max;
	unsigned cpuid_entries;

	uint64_t vm_ns, vcpu_ns; /* creation */
	uint64_t exit_ns;        /* a port write, out to us and back */
	uint64_t insn_ps;        /* picoseconds an instruction, ring 0 */
};

/*
 * Runs a few thousand instructions of real-mode code in a VM of its own, in a
 * child process that is killed after `timeout_ms`: whatever KVM does, the
 * caller comes back. What was found is in *ret_probe, also when a step did
 * not work. Negative errno only when the child could not be had. The caller
 * has one thread.
 */
WUR int kvm_probe(const char *path, unsigned timeout_ms,
		  struct kvm_probe *ret_probe, struct err *err);

#endif
