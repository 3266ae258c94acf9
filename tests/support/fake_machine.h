/* fake_machine.h: a machine without KVM: plain memory, the real buses, the
 * real devices, interrupts counted. For unit tests and fuzzing. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_FAKE_MACHINE_H
#define SUPPORT_FAKE_MACHINE_H

#include <stddef.h>

#include "vmm/machine_priv.h"

struct fake_machine {
	struct machine m;
	unsigned interrupts;
};

/* `mem` is borrowed: guest RAM from gpa 0. `out_fd` takes console output.
 * Aborts on failure. The caller holds the loop's lock afterwards. */
struct fake_machine *fake_machine_new(void *mem, size_t len, int out_fd,
				      unsigned legacy);
/* Checks that nothing stays in flight. */
void fake_machine_free(struct fake_machine *f);

/* One guest access; `data` is read or written, size bytes. */
void fake_mmio(struct fake_machine *f, uint64_t gpa, void *data, unsigned size,
	       bool is_write);
void fake_pio(struct fake_machine *f, uint16_t port, void *data, unsigned size,
	      unsigned count, bool is_write);

#endif
