/* kit_window.c: the window of guest-physical memory that programs of the kit
 * may use (abi/kit.h): RAM, the platform page, device registers. On a machine
 * without a platform page only RAM is looked at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "abi/kit.h"
#include "abi/platform.h"

#define VIRTIO_MAGIC 0x74726976u

static int failures;

static void expect(int good, const char *name)
{
	printf("%s %s\n", good ? "ok" : "not ok", name);
	failures += !good;
}

static uint32_t load(uint64_t gpa)
{
	return *(volatile uint32_t *)KIT_PHYS(gpa);
}

static void test_batch(void)
{
	/* In the window, so that its guest-physical address is known: a page
	 * below 1 MiB nobody else uses. */
	struct platform_batch *batch = KIT_PHYS(0x90000);
	const uint32_t device = PLATFORM_GPA + PLATFORM_LEN;

	batch->n = 3;
	batch->op[0] = (struct platform_batch_op){ PLATFORM_GPA, 0, 0 };
	batch->op[1] = (struct platform_batch_op){ device, 0, 0 };
	batch->op[2] = (struct platform_batch_op){ device + 4, 0, 0 };
	*(volatile uint64_t *)KIT_PHYS(PLATFORM_GPA + PLATFORM_REG_BATCH) =
		0x90000;
	__asm__ volatile("" ::: "memory");
	expect(batch->op[0].value == PLATFORM_MAGIC, "batch reads the magic");
	expect(batch->op[1].value == VIRTIO_MAGIC, "batch reads a device");
	expect(batch->op[2].value == 2, "virtio-mmio version 2");
}

int main(void)
{
	static const unsigned char elf[4] = { 0x7f, 'E', 'L', 'F' };
	volatile uint32_t *word = KIT_PHYS(0x80000);

	*word = 0x12345678;
	expect(load(0x80000) == 0x12345678, "memory can be written");
	expect(load(KIT_LOAD_GPA) != 0, "the kernel can be read");
	expect(memcmp(KIT_PHYS(KIT_LOAD_GPA), elf, 4) != 0,
	       "and is not an ELF file");
	if (load(PLATFORM_GPA) == PLATFORM_MAGIC) {
		expect(load(PLATFORM_GPA + PLATFORM_REG_VERSION) ==
			       PLATFORM_ABI_VERSION,
		       "platform version");
		expect(load(PLATFORM_GPA + PLATFORM_LEN) == VIRTIO_MAGIC,
		       "device 0 is there");
		test_batch();
	}
	printf("%d failed\n", failures);
	return failures;
}
