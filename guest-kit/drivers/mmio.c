/* mmio.c: register accesses, many at a time where the machine can do that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mmio.h"

#include "abi/platform.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/machine.h"

/* struct platform_batch with room. */
static struct {
	uint32_t n;
	struct platform_batch_op op[PLATFORM_BATCH_MAX];
} list;

void mmio_begin(void)
{
	list.n = 0;
}

static unsigned add(uint32_t gpa, uint32_t flags, uint32_t value)
{
	if (list.n == PLATFORM_BATCH_MAX)
		machine_panic("register list too long");
	list.op[list.n] = (struct platform_batch_op){ gpa, flags, value };
	return list.n++;
}

void mmio_write(uint32_t gpa, uint32_t value)
{
	(void)add(gpa, PLATFORM_BATCH_WRITE, value);
}

unsigned mmio_read(uint32_t gpa)
{
	return add(gpa, 0, 0);
}

uint32_t mmio_value(unsigned index)
{
	return *(volatile uint32_t *)&list.op[index].value;
}

void mmio_write_now(uint32_t gpa, uint32_t value)
{
	compiler_barrier();
	*(volatile uint32_t *)phys_ptr(gpa) = value;
}

void mmio_run(void)
{
	compiler_barrier();
	if (machine.platform) {
		*(volatile uint64_t *)phys_ptr(
			machine.platform + PLATFORM_REG_BATCH) = phys_of(&list);
		compiler_barrier();
		return;
	}
	for (unsigned i = 0; i < list.n; i++) {
		struct platform_batch_op *op = &list.op[i];
		volatile uint32_t *reg = phys_ptr(op->gpa);

		if (op->flags & PLATFORM_BATCH_WRITE)
			*reg = op->value;
		else
			op->value = *reg;
	}
}
