/* outcome.h: how a guest ended, and everything worth telling about it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_OUTCOME_H
#define VMM_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "guest-kit/include/abi/platform.h"
#include "kvm/vcpu.h"

enum outcome_reason {
	OUTCOME_NONE, /* still running */
	OUTCOME_EXITED,
	OUTCOME_POWER_OFF,
	OUTCOME_RESET,
	OUTCOME_FAULT,  /* the guest's program died of a signal */
	OUTCOME_PANIC,  /* the guest kernel gave up */
	OUTCOME_NOEXEC, /* the guest kernel cannot run the program */
	OUTCOME_TRIPLE_FAULT,
	OUTCOME_KVM_ERROR, /* KVM cannot go on with this guest */
	OUTCOME_TIMEOUT,
	OUTCOME_KILLED,        /* the monitor got a signal, or the escape key */
	OUTCOME_OUTPUT_CLOSED, /* nobody reads the console any more */
	OUTCOME_MONITOR_ERROR,
	OUTCOME_REASONS
};

/* Exit statuses of `mayfly run` beyond the guest's own. docs/mayfly.1 */
#define STATUS_RESET        120
#define STATUS_TRIPLE_FAULT 121
#define STATUS_KVM_ERROR    122
#define STATUS_PANIC        123
#define STATUS_TIMEOUT      124
#define STATUS_ERROR        125
#define STATUS_NOEXEC       126
#define STATUS_SIGNAL       128 /* + signal */

struct outcome {
	enum outcome_reason reason;
	int status; /* what `mayfly run` exits with */
	int signal; /* of FAULT and KILLED */
	unsigned cpu;
	struct vcpu_exit exit; /* of TRIPLE_FAULT and KVM_ERROR */
	bool has_dump, has_report;
	struct vcpu_dump dump;
	struct platform_report report;
	struct err err; /* of MONITOR_ERROR */
};

/* Words for records: "exited", "triple fault", ... */
extern const char *const outcome_names[OUTCOME_REASONS];

#endif
