/* fuzz_bus.c: a guest that may access any register at any width, and write
 * its own memory in between: buses, platform page, I/O APIC, devices and
 * legacy devices together.
 *
 * Input: first byte the legacy devices; then records of op, offset (2 bytes),
 * value (2 bytes). Memory is 4 KiB, so that rings and chains are near. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/log.h"
#include "tests/support/fake_machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define RAM_LEN 4096

static const uint64_t bases[] = {
	LAYOUT_VIRTIO_BASE,  LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_LEN,
	LAYOUT_PLATFORM,     LAYOUT_IOAPIC,
	LAYOUT_PLATFORM - 8, 0xf0000000,
};

static void one(struct fake_machine *f, uint8_t *ram, const uint8_t *p)
{
	unsigned size = 1u << (p[0] >> 6);
	unsigned off = p[1] | (unsigned)p[2] << 8;
	uint64_t value = p[3] | (uint64_t)p[4] << 8;
	unsigned kind = p[0] & 7;

	if (kind == 7) { /* the guest writes its memory */
		memcpy(ram + off % (RAM_LEN - 2), &p[3], 2);
	} else if (kind == 6) {
		fake_pio(f, (uint16_t)off, &value, size > 4 ? 4 : size, 1,
			 p[0] & 8);
	} else {
		fake_mmio(f, bases[kind] + off % 0x1000, &value, size,
			  p[0] & 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint64_t ram[RAM_LEN / 8];
	static int null_fd = -1;
	struct fake_machine *f;

	if (len < 1)
		return 0;
	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_setup(-1, LOG_ERR);
	memset(ram, 0, sizeof(ram));
	f = fake_machine_new(ram, sizeof(ram), null_fd, data[0]);
	for (size_t i = 1; i + 5 <= len; i += 5)
		one(f, (uint8_t *)ram, data + i);
	for (unsigned i = 0; i < f->m.n_devs; i++)
		CHECK(f->m.dev[i]->in_flight <= 64);
	CHECK(f->m.outcome.reason == OUTCOME_NONE || atomic_load(&f->m.stop));
	fake_machine_free(f);
	return 0;
}
