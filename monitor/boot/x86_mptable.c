/* x86_mptable.c: see x86_mptable.h. Section numbers are those of the Intel
 * MultiProcessor Specification 1.4. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/x86_mptable.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/place.h"
#include "mem/gmem.h"

#define IOAPIC_PINS  24
#define APIC_VERSION 0x14 /* integrated local APIC */

enum { ENTRY_CPU, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_IRQ, ENTRY_LINT };
enum { IRQ_INT, IRQ_NMI, IRQ_SMI, IRQ_EXTINT };

#define CPU_ENABLED     1
#define CPU_BSP         2
#define CPU_SIGNATURE   0x600 /* family 6; kernels ask CPUID instead */
#define CPU_FEATURES    0x201 /* FPU, APIC */
#define IRQ_HIGH_EDGE   0x5   /* active high 01, edge 01 */
#define ALL_LOCAL_APICS 0xff

/* 4.1 */
struct floating_pointer {
	char signature[4];
	le32 table;
	uint8_t len, revision, checksum, feature[5];
};

/* 4.2 */
struct mp_header {
	char signature[4];
	le16 len;
	uint8_t revision, checksum;
	char oem_id[8], product_id[12];
	le32 oem_table;
	le16 oem_table_len, n_entries;
	le32 lapic;
	le16 extended_len;
	uint8_t extended_checksum, reserved;
};

/* 4.3.1 to 4.3.5 */
struct mp_cpu {
	uint8_t type, apic_id, apic_version, flags;
	le32 signature, features, reserved[2];
};

struct mp_bus {
	uint8_t type, id;
	char name[6];
};

struct mp_ioapic {
	uint8_t type, id, version, flags;
	le32 gpa;
};

struct mp_irq {
	uint8_t type, kind;
	le16 flags;
	uint8_t bus, bus_irq, apic_id, pin;
};

struct mp_table {
	struct mp_header header;
	uint8_t entries[BOOT_CPUS_MAX * sizeof(struct mp_cpu) +
			sizeof(struct mp_bus) + sizeof(struct mp_ioapic) +
			(IOAPIC_PINS + 2) * sizeof(struct mp_irq)];
};

_Static_assert(sizeof(struct floating_pointer) == 16, "MP 1.4");
_Static_assert(sizeof(struct mp_header) == 44, "MP 1.4");
_Static_assert(sizeof(struct mp_cpu) == 20, "MP 1.4");
_Static_assert(sizeof(struct mp_bus) == 8, "MP 1.4");
_Static_assert(sizeof(struct mp_ioapic) == 8, "MP 1.4");
_Static_assert(sizeof(struct mp_irq) == 8, "MP 1.4");
_Static_assert(sizeof(struct floating_pointer) + sizeof(struct mp_table) <=
		       PLACE_MP_LEN,
	       "both fit in the KiB");

struct list {
	struct mp_table *table;
	size_t len;
	uint16_t n;
};

static void add(struct list *l, const void *entry, size_t len)
{
	CHECK(len <= sizeof(l->table->entries) - l->len);
	memcpy(l->table->entries + l->len, entry, len);
	l->len += len;
	l->n++;
}

static uint8_t checksum(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + b[i]);
	return (uint8_t)-sum;
}

static void add_cpus(struct list *l, unsigned n_cpus)
{
	for (unsigned i = 0; i < n_cpus; i++) {
		struct mp_cpu cpu = {
			.type = ENTRY_CPU,
			.apic_id = (uint8_t)i,
			.apic_version = APIC_VERSION,
			.flags = CPU_ENABLED | (i == 0 ? CPU_BSP : 0),
			.signature = le32_of(CPU_SIGNATURE),
			.features = le32_of(CPU_FEATURES),
		};

		add(l, &cpu, sizeof(cpu));
	}
}

static void add_interrupts(struct list *l, uint8_t ioapic_id)
{
	struct mp_irq lint = {
		.type = ENTRY_LINT,
		.kind = IRQ_EXTINT,
		.apic_id = ALL_LOCAL_APICS,
	};

	for (uint8_t i = 0; i < IOAPIC_PINS; i++) {
		struct mp_irq irq = {
			.type = ENTRY_IRQ,
			.kind = IRQ_INT,
			.flags = le16_of(IRQ_HIGH_EDGE),
			.bus_irq = i,
			.apic_id = ioapic_id,
			.pin = i,
		};

		add(l, &irq, sizeof(irq));
	}
	add(l, &lint, sizeof(lint)); /* LINT0: the PIC */
	lint.kind = IRQ_NMI;
	lint.pin = 1;
	add(l, &lint, sizeof(lint));
}

int mptable_write(const struct gmem *mem, unsigned n_cpus, struct err *err)
{
	const struct mp_bus bus = { ENTRY_BUS,
				    0,
				    { 'I', 'S', 'A', ' ', ' ', ' ' } };
	const struct mp_ioapic ioapic = {
		.type = ENTRY_IOAPIC,
		.id = (uint8_t)n_cpus, /* unique among the APIC ids */
		.version = 0x11,
		.flags = 1, /* enabled */
		.gpa = le32_of(LAYOUT_IOAPIC),
	};
	struct floating_pointer fp = {
		.table = le32_of(PLACE_MP_GPA + sizeof(fp)),
		.len = sizeof(fp) / 16,
		.revision = 4,
	};
	struct mp_table t = { 0 };
	struct list l = { .table = &t };
	size_t len;

	add_cpus(&l, n_cpus);
	add(&l, &bus, sizeof(bus));
	add(&l, &ioapic, sizeof(ioapic));
	add_interrupts(&l, ioapic.id);
	len = sizeof(t.header) + l.len;
	memcpy(t.header.signature, "PCMP", 4);
	memcpy(t.header.oem_id, "MAYFLY  ", 8);
	memcpy(t.header.product_id, "MICROVM     ", 12);
	t.header.len = le16_of((uint16_t)len);
	t.header.revision = 4;
	t.header.n_entries = le16_of(l.n);
	t.header.lapic = le32_of(LAYOUT_LAPIC);
	t.header.checksum = checksum(&t, len);
	memcpy(fp.signature, "_MP_", 4);
	fp.checksum = checksum(&fp, sizeof(fp));
	if (gmem_write(mem, PLACE_MP_GPA, &fp, sizeof(fp)) < 0 ||
	    gmem_write(mem, PLACE_MP_GPA + sizeof(fp), &t, len) < 0)
		return err_set(err, -ENOMEM,
			       "the MP table needs 1 MiB of guest memory");
	return 0;
}
