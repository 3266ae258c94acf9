/* test_acpi.c: checksums, fields and structure of the ACPI tables; iasl, the
 * reference compiler, takes them apart and puts the DSDT together again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "boot/aml.h"
#include "boot/boot.h"
#include "boot/place.h"
#include "boot/x86_acpi.h"
#include "guest-kit/include/abi/platform.h"
#include "mem/gmem.h"

#define MIB        (1ULL << 20)
#define HEADER_LEN 36

static struct acpi_tables t;

/* `len` bytes at a guest address within the tables. */
static const uint8_t *at(gpa_t gpa, size_t len)
{
	cr_assert_geq(gpa, PLACE_ACPI_GPA);
	cr_assert_leq(len, t.len);
	cr_assert_leq(gpa - PLACE_ACPI_GPA, t.len - len, "%#llx %zu",
		      (unsigned long long)gpa, len);
	return t.bytes + (gpa - PLACE_ACPI_GPA);
}

static uint64_t get(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return v;
}

static void check_sum(const uint8_t *p, size_t len, const char *what)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	cr_assert_eq(sum, 0, "%s", what);
}

static const uint8_t *table(gpa_t gpa, const char *signature)
{
	size_t len = get(at(gpa, HEADER_LEN) + 4, 4);
	const uint8_t *p = at(gpa, len);

	cr_assert_eq(memcmp(p, signature, 4), 0, "%s", signature);
	cr_assert_geq(len, HEADER_LEN);
	check_sum(p, len, signature);
	return p;
}

static const uint8_t *by_signature(const char *signature)
{
	const uint8_t *xsdt = table(get(t.bytes + 24, 8), "XSDT");
	size_t n = (get(xsdt + 4, 4) - HEADER_LEN) / 8;

	if (strcmp(signature, "DSDT") == 0)
		return table(get(by_signature("FACP") + 140, 8), "DSDT");
	for (size_t i = 0; i < n; i++) {
		gpa_t gpa = get(xsdt + HEADER_LEN + 8 * i, 8);

		if (memcmp(at(gpa, 4), signature, 4) == 0)
			return table(gpa, signature);
	}
	cr_assert_fail("no %s", signature);
	abort();
}

static struct boot_config config(unsigned n_cpus, unsigned n_devices,
				 unsigned legacy)
{
	return (struct boot_config){
		.cmdline = "",
		.n_cpus = n_cpus,
		.n_devices = n_devices,
		.legacy_serial = legacy & 1,
		.legacy_pic = legacy & 2,
		.legacy_i8042 = legacy & 4,
		.legacy_rtc = legacy & 8,
	};
}

static void build(unsigned n_cpus, unsigned n_devices, unsigned legacy)
{
	struct boot_config cfg = config(n_cpus, n_devices, legacy);

	memset(&t, 0xa5, sizeof(t));
	acpi_build(&cfg, &t);
}

Test(x86_acpi, rsdp_is_revision_2, .timeout = 5)
{
	build(1, 1, 0);
	cr_assert_eq(memcmp(t.bytes, "RSD PTR ", 8), 0);
	cr_assert_eq(t.bytes[15], 2);
	cr_assert_eq(get(t.bytes + 20, 4), 36);
	cr_assert_eq(get(t.bytes + 16, 4), 0, "no RSDT");
	check_sum(t.bytes, 20, "first 20 bytes");
	check_sum(t.bytes, 36, "all of it");
}

Test(x86_acpi, gaps_carry_no_host_bytes, .timeout = 5)
{
	build(1, 1, 0);
	for (size_t i = 36; i < 48; i++)
		cr_assert_eq(t.bytes[i], 0, "behind the RSDP");
	cr_assert_eq(t.bytes[t.len], 0);
}

Test(x86_acpi, all_tables_of_every_size, .timeout = 20)
{
	for (unsigned cpus = 1; cpus <= BOOT_CPUS_MAX; cpus++)
		for (unsigned devs = 0; devs <= LAYOUT_VIRTIO_MAX; devs++) {
			build(cpus, devs, (cpus + devs) & 15);
			(void)by_signature("FACP");
			(void)by_signature("APIC");
			(void)by_signature("DSDT");
		}
}

Test(x86_acpi, fadt_is_hardware_reduced, .timeout = 5)
{
	const uint8_t *f;

	build(1, 1, 0);
	f = by_signature("FACP");
	cr_assert_eq(get(f + 4, 4), 276);
	cr_assert_eq(f[8], 6);
	cr_assert_eq(f[131], 4);
	cr_assert_eq(get(f + 40, 4), get(f + 140, 8), "DSDT and X_DSDT");
	cr_assert(get(f + 112, 4) & 1U << 20, "HW_REDUCED_ACPI");
	cr_assert(get(f + 112, 4) & 1U << 10, "RESET_REG_SUP");
	cr_assert_eq(f[116], 0, "system memory");
	cr_assert_eq(f[117], 8);
	cr_assert_eq(get(f + 120, 8), PLATFORM_GPA + PLATFORM_REG_RESET);
	cr_assert_eq(f[128], PLATFORM_RESET_VALUE);
	cr_assert_eq(get(f + 248, 8), PLATFORM_GPA + PLATFORM_REG_SLEEP);
	cr_assert_eq(get(f + 260, 8), PLATFORM_GPA + PLATFORM_REG_SLEEP_STATUS);
	/* hardware-reduced: no PM1 event or control block, no SCI */
	cr_assert_eq(get(f + 46, 2), 0);
	cr_assert_eq(get(f + 56, 4) | get(f + 64, 4), 0);
}

Test(x86_acpi, boot_flags_follow_legacy_devices, .timeout = 5)
{
	static const struct {
		unsigned legacy, arch;
	} cases[] = {
		{ 0, 1 << 2 | 1 << 5 }, /* no VGA, no RTC */
		{ 1, 1 << 0 | 1 << 2 | 1 << 5 },
		{ 2, 1 << 0 | 1 << 2 | 1 << 5 },
		{ 4, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 5 },
		{ 8, 1 << 0 | 1 << 2 },
		{ 15, 1 << 0 | 1 << 1 | 1 << 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		build(1, 1, cases[i].legacy);
		cr_assert_eq(get(by_signature("FACP") + 109, 2), cases[i].arch,
			     "%zu", i);
		cr_assert(get(by_signature("FACP") + 112, 4) & 1U << 20);
		cr_assert_eq(get(by_signature("APIC") + 40, 4),
			     cases[i].legacy & 2 ? 1 : 0, "PCAT_COMPAT");
	}
}

Test(x86_acpi, madt_lists_cpus_and_ioapic, .timeout = 5)
{
	unsigned cpus = 0, ioapics = 0, nmis = 0;
	const uint8_t *m, *p, *end;

	build(7, 1, 0);
	m = by_signature("APIC");
	cr_assert_eq(get(m + 36, 4), LAYOUT_LAPIC);
	end = m + get(m + 4, 4);
	for (p = m + 44; p < end; p += p[1]) {
		cr_assert_geq(p[1], 2);
		if (p[0] == 0) {
			cr_assert_eq(p[1], 8);
			cr_assert_eq(p[2], cpus, "uid");
			cr_assert_eq(p[3], cpus, "APIC id");
			cr_assert_eq(get(p + 4, 4), 1, "enabled");
			cpus++;
		} else if (p[0] == 1) {
			cr_assert_eq(p[1], 12);
			cr_assert_eq(p[2], 7, "an id no processor has");
			cr_assert_eq(get(p + 4, 4), LAYOUT_IOAPIC);
			cr_assert_eq(get(p + 8, 4), 0, "first GSI");
			ioapics++;
		} else {
			cr_assert_eq(p[0], 4);
			cr_assert_eq(p[1], 6);
			cr_assert_eq(p[2], 0xff);
			cr_assert_eq(p[5], 1);
			nmis++;
		}
	}
	cr_assert_eq(p, end);
	cr_assert_eq(cpus, 7);
	cr_assert_eq(ioapics, 1);
	cr_assert_eq(nmis, 1);
}

Test(x86_acpi, written_at_rsdp, .timeout = 5)
{
	struct boot_config cfg = config(2, 3, 0);
	struct err err = { 0 };
	struct gmem mem = { 0 };
	char magic[8];
	gpa_t rsdp;

	cr_assert_eq(gmem_init(&mem, MIB, &err), 0);
	cr_assert_eq(acpi_write(&cfg, &mem, &rsdp, &err), 0);
	cr_assert_eq(rsdp, 0xe0000);
	cr_assert_eq(gmem_read(&mem, rsdp, magic, 8), 0);
	cr_assert_eq(memcmp(magic, "RSD PTR ", 8), 0);
	gmem_fini(&mem);
	cr_assert_eq(gmem_init(&mem, 0xe0000, &err), 0);
	cr_assert_eq(acpi_write(&cfg, &mem, &rsdp, &err), -ENOMEM);
	gmem_fini(&mem);
}

/* --- AML ------------------------------------------------------------------ */

static void check_aml(const struct aml *a, const char *bytes, size_t len)
{
	cr_assert_not(a->is_full);
	cr_assert_eq(a->len, len, "%zu bytes, not %zu", a->len, len);
	cr_assert_arr_eq(a->buf, bytes, len);
}

Test(aml, integers_take_the_shortest_form, .timeout = 5)
{
	static const char want[] = "\x00\x01\x0a\x02\x0a\xff\x0b\x00\x01"
				   "\x0b\xff\xff\x0c\x00\x00\x01\x00"
				   "\x0c\xff\xff\xff\xff"
				   "\x0e\x00\x00\x00\x00\x01\x00\x00\x00";
	uint8_t buf[64];
	struct aml a = { .buf = buf, .cap = sizeof(buf) };

	aml_int(&a, 0);
	aml_int(&a, 1);
	aml_int(&a, 2);
	aml_int(&a, 0xff);
	aml_int(&a, 0x100);
	aml_int(&a, 0xffff);
	aml_int(&a, 0x10000);
	aml_int(&a, 0xffffffff);
	aml_int(&a, 0x100000000);
	check_aml(&a, want, sizeof(want) - 1);
}

Test(aml, eisa_id, .timeout = 5)
{
	uint8_t buf[8];
	struct aml a = { .buf = buf, .cap = sizeof(buf) };

	aml_eisa_id(&a, "PNP0501");
	check_aml(&a, "\x0c\x41\xd0\x05\x01", 5);
	a.len = 0;
	aml_eisa_id(&a, "PNP0B00");
	check_aml(&a, "\x0c\x41\xd0\x0b\x00", 5);
}

/* The length of a package counts its own one to four bytes. */
Test(aml, package_length_at_every_border, .timeout = 5)
{
	static const struct {
		size_t body; /* content behind the length, name included */
		unsigned n;  /* bytes of the length */
	} cases[] = {
		{ 4, 1 },       { 62, 1 },       { 63, 2 },   { 64, 2 },
		{ 4093, 2 },    { 4094, 3 },     { 4095, 3 }, { 0xffffc, 3 },
		{ 0xffffd, 4 }, { 0x100000, 4 },
	};
	static uint8_t buf[2 * MIB];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aml a = { .buf = buf, .cap = sizeof(buf) };
		size_t begin = aml_scope_begin(&a, "_SB_");
		size_t total = cases[i].body + cases[i].n;
		size_t n = buf[0], len;

		cr_assert_eq(buf[0], 0x10);
		for (size_t k = 4; k < cases[i].body; k++)
			aml_int(&a, 1);
		aml_end(&a, begin);
		cr_assert_not(a.is_full);
		n = buf[1] >> 6;
		cr_assert_eq(n + 1, cases[i].n, "%zu", cases[i].body);
		len = n == 0 ? buf[1] : buf[1] & 0xf;
		for (size_t k = 0; k < n; k++)
			len |= (size_t)buf[2 + k] << (4 + 8 * k);
		cr_assert_eq(len, total, "%zu", cases[i].body);
		cr_assert_eq(a.len, 1 + total);
		cr_assert_eq(memcmp(buf + 2 + n, "_SB_", 4), 0);
		cr_assert_eq(buf[a.len - 1], cases[i].body > 4 ? 1 : '_');
	}
}

Test(aml, full_buffer_is_remembered, .timeout = 5)
{
	uint8_t buf[16];

	for (size_t cap = 0; cap <= sizeof(buf); cap++) {
		struct aml a = { .buf = buf, .cap = cap };
		size_t begin;

		memset(buf, 0xee, sizeof(buf));
		begin = aml_scope_begin(&a, "_SB_");
		aml_int(&a, 0x1234);
		aml_end(&a, begin);
		cr_assert_eq(a.is_full, cap < 9, "%zu", cap);
		for (size_t i = cap; i < sizeof(buf); i++)
			cr_assert_eq(buf[i], 0xee, "beyond %zu", cap);
	}
}

Test(aml, names_are_four_characters, .timeout = 5, .signal = SIGABRT)
{
	uint8_t buf[16];
	struct aml a = { .buf = buf, .cap = sizeof(buf) };

	aml_name(&a, "_S5");
}

/* --- iasl ----------------------------------------------------------------- */

static void write_file(const char *dir, const char *name, const void *p,
		       size_t len)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, p, len), (ssize_t)len);
}

static size_t read_file(const char *dir, const char *name, void *p, size_t cap)
{
	char path[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", path);
	n = read(fd, p, cap);
	cr_assert_geq(n, 0);
	return (size_t)n;
}

/* Runs a shell command in `dir`; its output must have no complaint. */
static void run(const char *dir, const char *command)
{
	static char log[100000];
	char line[300];
	int code;

	(void)snprintf(line, sizeof(line), "cd %s && (%s) >log 2>&1", dir,
		       command);
	code = system(line);
	log[read_file(dir, "log", log, sizeof(log) - 1)] = '\0';
	cr_assert_eq(code, 0, "%s: %s", command, log);
	if (strstr(log, "0 Errors, 0 Warnings, 0 Remarks"))
		return;
	cr_assert(!strstr(log, "Error") && !strstr(log, "Warning") &&
			  !strstr(log, "****") && !strstr(log, "Invalid"),
		  "%s: %s", command, log);
}

static void check_with_iasl(unsigned n_cpus, unsigned n_devices,
			    unsigned legacy)
{
	static const char *const names[] = { "DSDT", "FACP", "APIC", "XSDT" };
	static uint8_t back[ACPI_TABLES_MAX];
	char dir[] = "/tmp/mayfly-acpi.XXXXXX", line[100];
	const uint8_t *dsdt;
	size_t len;

	build(n_cpus, n_devices, legacy);
	cr_assert(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const uint8_t *p = i == 3 ? table(get(t.bytes + 24, 8), "XSDT")
					  : by_signature(names[i]);

		(void)snprintf(line, sizeof(line), "%s.dat", names[i]);
		write_file(dir, line, p, get(p + 4, 4));
		(void)snprintf(line, sizeof(line), "iasl -d %s.dat", names[i]);
		run(dir, line);
	}
	run(dir, "iasl -p again DSDT.dsl");
	len = read_file(dir, "again.aml", back, sizeof(back));
	dsdt = by_signature("DSDT");
	/* the compiler puts its own name and version into the header */
	cr_assert_eq(len, get(dsdt + 4, 4));
	cr_assert_arr_eq(back + HEADER_LEN, dsdt + HEADER_LEN,
			 len - HEADER_LEN);
	(void)snprintf(line, sizeof(line), "rm -r %s", dir);
	cr_assert_eq(system(line), 0);
}

Test(x86_acpi, iasl_finds_nothing_wrong, .timeout = 60)
{
	if (system("command -v iasl >/dev/null") != 0)
		cr_skip_test("no iasl: install acpica-tools");
	check_with_iasl(1, 0, 0);
	check_with_iasl(1, 1, 0);
	check_with_iasl(4, 5, 15);
	check_with_iasl(BOOT_CPUS_MAX, LAYOUT_VIRTIO_MAX, 15);
}
