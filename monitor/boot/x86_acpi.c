/* x86_acpi.c: see x86_acpi.h. Section numbers are those of ACPI 6.4. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/x86_acpi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/aml.h"
#include "boot/boot.h"
#include "boot/place.h"
#include "guest-kit/include/abi/platform.h"
#include "mem/gmem.h"

struct table_header {
	char signature[4];
	le32 len;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	le32 oem_revision;
	char creator_id[4];
	le32 creator_revision;
};

/* 5.2.5.3; the 64-bit field is not aligned */
#define RSDP_LEN        36
#define RSDP_V1_LEN     20
#define RSDP_CHECKSUM   8
#define RSDP_OEM_ID     9
#define RSDP_REVISION   15
#define RSDP_LENGTH     20
#define RSDP_XSDT       24
#define RSDP_X_CHECKSUM 32

/* 5.2.9, offsets into the FADT; what is not named stays 0 */
#define FADT_LEN          276
#define FADT_DSDT         40
#define FADT_BOOT_ARCH    109
#define FADT_FLAGS        112
#define FADT_RESET_REG    116
#define FADT_RESET_VALUE  128
#define FADT_MINOR        131
#define FADT_X_DSDT       140
#define FADT_SLEEP_CTL    244
#define FADT_SLEEP_STATUS 256
#define FADT_HYPERVISOR   268

/* 5.2.9, Table 5.10 */
#define FADT_F_WBINVD     (1u << 0)
#define FADT_F_PROC_C1    (1u << 2)
#define FADT_F_PWR_BUTTON (1u << 4) /* set: there is no fixed one */
#define FADT_F_SLP_BUTTON (1u << 5)
#define FADT_F_RESET_REG  (1u << 10)
#define FADT_F_HW_REDUCED (1u << 20)

/* 5.2.9.3 */
#define ARCH_LEGACY_DEVICES (1u << 0)
#define ARCH_8042           (1u << 1)
#define ARCH_NO_VGA         (1u << 2)
#define ARCH_NO_CMOS_RTC    (1u << 5)

/* 5.2.12 */
#define MADT_BODY        8
#define MADT_PCAT_COMPAT 1u
#define MADT_LAPIC       0
#define MADT_IOAPIC      1
#define MADT_LAPIC_NMI   4

#define TABLE_ALIGN 16

_Static_assert(sizeof(struct table_header) == 36, "ACPI 5.2.6");
_Static_assert(PLATFORM_GPA == LAYOUT_PLATFORM, "two headers, one machine");
_Static_assert(ACPI_TABLES_MAX <= PLACE_ACPI_LEN, "room below 1 MiB");

static uint8_t sum_of(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	le16 x = le16_of(v);

	memcpy(p, &x, sizeof(x));
}

/* Characters without the NUL. */
static void put_text(uint8_t *p, const char *text)
{
	while (*text)
		*p++ = (uint8_t)*text++;
}

static void put32(uint8_t *p, uint32_t v)
{
	le32 x = le32_of(v);

	memcpy(p, &x, sizeof(x));
}

static void put64(uint8_t *p, uint64_t v)
{
	le64 x = le64_of(v);

	memcpy(p, &x, sizeof(x));
}

/* Appends a table of `len` bytes with its header filled in but for the
 * checksum; the rest is zero. */
static uint8_t *add_table(struct acpi_tables *t, const char *signature,
			  uint8_t revision, size_t len)
{
	struct table_header h = {
		.len = le32_of((uint32_t)len),
		.revision = revision,
		.oem_revision = le32_of(1),
		.creator_revision = le32_of(1),
	};
	uint8_t *p = t->bytes + t->len;

	CHECK(len <= sizeof(t->bytes) - t->len);
	memcpy(h.signature, signature, sizeof(h.signature));
	memcpy(h.oem_id, "MAYFLY", sizeof(h.oem_id));
	memcpy(h.oem_table_id, "MICROVM ", sizeof(h.oem_table_id));
	memcpy(h.creator_id, "MFLY", sizeof(h.creator_id));
	memcpy(p, &h, sizeof(h));
	return p;
}

/* Checksums the table at `p` and makes it part of the tables. */
static gpa_t finish_table(struct acpi_tables *t, uint8_t *p, size_t len)
{
	size_t off = (size_t)(p - t->bytes);

	p[offsetof(struct table_header, checksum)] = (uint8_t)-sum_of(p, len);
	t->len = round_up_u64(off + len, TABLE_ALIGN);
	CHECK(t->len <= sizeof(t->bytes));
	return PLACE_ACPI_GPA + off;
}

/* A generic address: one byte-wide register in memory (5.2.3.2). */
static void put_register(uint8_t *p, gpa_t gpa)
{
	p[0] = 0; /* system memory */
	p[1] = 8; /* bits */
	p[2] = 0;
	p[3] = 1; /* byte access */
	put64(p + 4, gpa);
}

static gpa_t add_fadt(struct acpi_tables *t, const struct boot_config *cfg,
		      gpa_t dsdt)
{
	uint8_t *p = add_table(t, "FACP", 6, FADT_LEN);
	unsigned arch = ARCH_NO_VGA;

	if (cfg->legacy_serial || cfg->legacy_pic || cfg->legacy_i8042 ||
	    cfg->legacy_rtc)
		arch |= ARCH_LEGACY_DEVICES;
	if (cfg->legacy_i8042)
		arch |= ARCH_8042;
	if (!cfg->legacy_rtc)
		arch |= ARCH_NO_CMOS_RTC;
	put32(p + FADT_DSDT, (uint32_t)dsdt);
	put64(p + FADT_X_DSDT, dsdt);
	put16(p + FADT_BOOT_ARCH, (uint16_t)arch);
	put32(p + FADT_FLAGS, FADT_F_WBINVD | FADT_F_PROC_C1 |
				      FADT_F_PWR_BUTTON | FADT_F_SLP_BUTTON |
				      FADT_F_RESET_REG | FADT_F_HW_REDUCED);
	put_register(p + FADT_RESET_REG, PLATFORM_GPA + PLATFORM_REG_RESET);
	p[FADT_RESET_VALUE] = PLATFORM_RESET_VALUE;
	p[FADT_MINOR] = 4;
	put_register(p + FADT_SLEEP_CTL, PLATFORM_GPA + PLATFORM_REG_SLEEP);
	put_register(p + FADT_SLEEP_STATUS,
		     PLATFORM_GPA + PLATFORM_REG_SLEEP_STATUS);
	put_text(p + FADT_HYPERVISOR, "MAYFLY");
	return finish_table(t, p, FADT_LEN);
}

static gpa_t add_madt(struct acpi_tables *t, const struct boot_config *cfg)
{
	size_t len = sizeof(struct table_header) + MADT_BODY +
		     (size_t)8 * cfg->n_cpus + 12 + 6;
	uint8_t *table = add_table(t, "APIC", 5, len);
	uint8_t *p = table + sizeof(struct table_header);

	put32(p, LAYOUT_LAPIC);
	put32(p + 4, cfg->legacy_pic ? MADT_PCAT_COMPAT : 0);
	p += MADT_BODY;
	for (unsigned i = 0; i < cfg->n_cpus; i++, p += 8) {
		p[0] = MADT_LAPIC;
		p[1] = 8;
		p[2] = (uint8_t)i; /* _UID of the processor device */
		p[3] = (uint8_t)i; /* APIC id */
		put32(p + 4, 1);   /* enabled */
	}
	p[0] = MADT_IOAPIC;
	p[1] = 12;
	p[2] = (uint8_t)cfg->n_cpus; /* unique among the APIC ids */
	put32(p + 4, LAYOUT_IOAPIC);
	put32(p + 8, 0); /* first GSI */
	p += 12;
	p[0] = MADT_LAPIC_NMI;
	p[1] = 6;
	p[2] = 0xff; /* all processors */
	p[5] = 1;    /* LINT1 */
	return finish_table(t, table, len);
}

static void add_virtio(struct aml *a, unsigned n)
{
	gpa_t base = LAYOUT_VIRTIO_BASE + n * LAYOUT_VIRTIO_LEN;
	struct aml_crs crs = { 0 };
	char name[5];
	size_t dev;

	(void)snprintf(name, sizeof(name), "VR%02u", n % 100);
	crs_memory32_fixed(&crs, (uint32_t)base, LAYOUT_VIRTIO_LEN);
	crs_interrupt(&crs, LAYOUT_VIRTIO_GSI + n);
	dev = aml_device_begin(a, name);
	aml_name(a, "_HID");
	aml_string(a, "LNRO0005");
	aml_name(a, "_UID");
	aml_int(a, n);
	aml_name(a, "_CCA");
	aml_int(a, 1);
	aml_crs(a, &crs);
	aml_end(a, dev);
}

/* The device behind a processor's UID in the MADT (8.4). */
static void add_cpu(struct aml *a, unsigned n)
{
	char name[5];
	size_t dev;

	(void)snprintf(name, sizeof(name), "CP%02u", n % 100);
	dev = aml_device_begin(a, name);
	aml_name(a, "_HID");
	aml_string(a, "ACPI0007");
	aml_name(a, "_UID");
	aml_int(a, n);
	aml_end(a, dev);
}

static void add_legacy(struct aml *a, const char *name, const char *id,
		       const struct aml_crs *crs)
{
	size_t dev = aml_device_begin(a, name);

	aml_name(a, "_HID");
	aml_eisa_id(a, id);
	aml_name(a, "_UID");
	aml_int(a, 0);
	aml_crs(a, crs);
	aml_end(a, dev);
}

/*
 * IRQ 1 and 4 are below the virtio GSIs. The clock chip gets none: IRQ 8 is
 * virtio device 3's, and a chip without alarm has nothing to say.
 */
static void add_legacy_devices(struct aml *a, const struct boot_config *cfg)
{
	if (cfg->legacy_serial) {
		struct aml_crs crs = { 0 };

		crs_io16(&crs, 0x3f8, 8);
		crs_interrupt(&crs, 4);
		add_legacy(a, "COM1", "PNP0501", &crs);
	}
	if (cfg->legacy_i8042) {
		struct aml_crs crs = { 0 };

		crs_io16(&crs, 0x60, 1);
		crs_io16(&crs, 0x64, 1);
		crs_interrupt(&crs, 1);
		add_legacy(a, "KBD_", "PNP0303", &crs);
	}
	if (cfg->legacy_rtc) {
		struct aml_crs crs = { 0 };

		crs_io16(&crs, 0x70, 2);
		add_legacy(a, "RTC_", "PNP0B00", &crs);
	}
}

static gpa_t add_dsdt(struct acpi_tables *t, const struct boot_config *cfg)
{
	/* revision 2: integers have 64 bits */
	uint8_t *p = add_table(t, "DSDT", 2, sizeof(struct table_header));
	struct aml a = {
		.buf = p,
		.cap = sizeof(t->bytes) - t->len,
		.len = sizeof(struct table_header),
	};
	size_t scope, package;

	aml_name(&a, "_S5_");
	package = aml_package_begin(&a, 4);
	aml_int(&a, PLATFORM_SLP_TYP_S5);
	for (int i = 0; i < 3; i++)
		aml_int(&a, 0);
	aml_end(&a, package);
	scope = aml_scope_begin(&a, "_SB_");
	for (unsigned i = 0; i < cfg->n_cpus; i++)
		add_cpu(&a, i);
	for (unsigned i = 0; i < cfg->n_devices; i++)
		add_virtio(&a, i);
	add_legacy_devices(&a, cfg);
	aml_end(&a, scope);
	CHECK(!a.is_full);
	put32(p + offsetof(struct table_header, len), (uint32_t)a.len);
	return finish_table(t, p, a.len);
}

static gpa_t add_xsdt(struct acpi_tables *t, gpa_t fadt, gpa_t madt)
{
	size_t len = sizeof(struct table_header) + 2 * sizeof(le64);
	uint8_t *p = add_table(t, "XSDT", 1, len);

	put64(p + sizeof(struct table_header), fadt);
	put64(p + sizeof(struct table_header) + sizeof(le64), madt);
	return finish_table(t, p, len);
}

void acpi_build(const struct boot_config *cfg, struct acpi_tables *ret)
{
	uint8_t *rsdp = ret->bytes;
	gpa_t dsdt, fadt, madt, xsdt;

	CHECK(cfg->n_cpus >= 1 && cfg->n_cpus <= BOOT_CPUS_MAX);
	CHECK(cfg->n_devices <= LAYOUT_VIRTIO_MAX);
	memset(ret, 0, sizeof(*ret)); /* the gaps are the guest's to read */
	ret->len = round_up_u64(RSDP_LEN, TABLE_ALIGN);
	dsdt = add_dsdt(ret, cfg);
	fadt = add_fadt(ret, cfg, dsdt);
	madt = add_madt(ret, cfg);
	xsdt = add_xsdt(ret, fadt, madt);
	put_text(rsdp, "RSD PTR ");
	put_text(rsdp + RSDP_OEM_ID, "MAYFLY");
	rsdp[RSDP_REVISION] = 2;
	put32(rsdp + RSDP_LENGTH, RSDP_LEN);
	put64(rsdp + RSDP_XSDT, xsdt);
	rsdp[RSDP_CHECKSUM] = (uint8_t)-sum_of(rsdp, RSDP_V1_LEN);
	rsdp[RSDP_X_CHECKSUM] = (uint8_t)-sum_of(rsdp, RSDP_LEN);
}

int acpi_write(const struct boot_config *cfg, const struct gmem *mem,
	       gpa_t *ret_rsdp, struct err *err)
{
	struct acpi_tables t;

	acpi_build(cfg, &t);
	if (gmem_write(mem, PLACE_ACPI_GPA, t.bytes, t.len) < 0)
		return err_set(err, -ENOMEM,
			       "the ACPI tables need 1 MiB of guest memory, "
			       "there are %llu KiB",
			       (unsigned long long)(gmem_total(mem) >> 10));
	*ret_rsdp = PLACE_ACPI_GPA;
	return 0;
}
