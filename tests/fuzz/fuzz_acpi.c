/* fuzz_acpi.c: ACPI tables of any machine, and the AML emitter.
 *
 * Input: processors, devices, legacy flags, a buffer size (2 bytes), then
 * steps of the emitter. The oracle is a reader of its own: checksums and
 * lengths of tables that do not overlap, and AML whose packages nest and are
 * filled to the last byte. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/check.h"
#include "boot/aml.h"
#include "boot/boot.h"
#include "boot/place.h"
#include "boot/x86_acpi.h"

#define DEPTH_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t get(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return v;
}

/* --- reading AML ---------------------------------------------------------- */

struct reader {
	const uint8_t *p, *end;
	unsigned devices, buffers;
};

static void walk(struct reader *r, unsigned depth);

static uint8_t byte(struct reader *r)
{
	CHECK(r->p < r->end);
	return *r->p++;
}

static void skip(struct reader *r, size_t n)
{
	CHECK(n <= (size_t)(r->end - r->p));
	r->p += n;
}

/* Reads a package length; the end of the package lies in its parent. */
static const uint8_t *package_end(struct reader *r)
{
	const uint8_t *from = r->p;
	uint8_t lead = byte(r);
	size_t n = lead >> 6, len = n ? lead & 0xf : lead;

	CHECK(n == 0 || (lead & 0x30) == 0);
	for (size_t i = 0; i < n; i++)
		len |= (size_t)byte(r) << (4 + 8 * i);
	CHECK(len >= 1 + n && len <= (size_t)(r->end - from));
	return from + len;
}

static uint64_t integer(struct reader *r)
{
	uint8_t op = byte(r);
	unsigned n = op == 0x0a ? 1 : op == 0x0b ? 2 : op == 0x0c ? 4 : 8;
	uint64_t v;

	if (op <= 1)
		return op;
	CHECK(op == 0x0a || op == 0x0b || op == 0x0c || op == 0x0e);
	CHECK(n <= (size_t)(r->end - r->p));
	v = get(r->p, n);
	r->p += n;
	CHECK(v >> (4 * n) != 0 || n == 1); /* the shortest form */
	return v;
}

/* Small and large resource items up to the end tag (ACPI 6.4, 6.4). */
static void resources(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p != 0x79) {
		size_t n;

		CHECK(end - p >= 3);
		n = *p & 0x80 ? 3 + get(p + 1, 2) : 1 + (*p & 7u);
		CHECK(n <= (size_t)(end - p));
		p += n;
	}
	CHECK(end - p == 2 && p[0] == 0x79);
}

static void nested(struct reader *r, const uint8_t *end, unsigned depth)
{
	const uint8_t *outer = r->end;

	r->end = end;
	walk(r, depth + 1);
	CHECK(r->p == end);
	r->end = outer;
}

static void walk(struct reader *r, unsigned depth)
{
	CHECK(depth <= DEPTH_MAX + 2);
	while (r->p < r->end) {
		const uint8_t *end;

		switch (*r->p) {
		case 0x08: /* name */
			skip(r, 5);
			break;
		case 0x0d: /* string */
			for (skip(r, 1); byte(r) != '\0';)
				;
			break;
		case 0x10: /* scope */
			skip(r, 1);
			end = package_end(r);
			skip(r, 4);
			nested(r, end, depth);
			break;
		case 0x11: /* buffer */
			skip(r, 1);
			end = package_end(r);
			CHECK(integer(r) == (uint64_t)(end - r->p));
			resources(r->p, end);
			r->p = end;
			r->buffers++;
			break;
		case 0x12: /* package */
			skip(r, 1);
			end = package_end(r);
			skip(r, 1);
			nested(r, end, depth);
			break;
		case 0x5b: /* device */
			skip(r, 1);
			CHECK(byte(r) == 0x82);
			end = package_end(r);
			skip(r, 4);
			nested(r, end, depth);
			r->devices++;
			break;
		default:
			(void)integer(r);
		}
	}
}

/* --- the tables ----------------------------------------------------------- */

static struct acpi_tables t;

static uint8_t sum_of(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum;
}

static const uint8_t *table(gpa_t gpa, const char *signature)
{
	uint64_t off = gpa - PLACE_ACPI_GPA;
	const uint8_t *p = t.bytes + off;

	CHECK(off >= 36 && off <= t.len - 36);
	CHECK(memcmp(p, signature, 4) == 0);
	CHECK(get(p + 4, 4) >= 36 && get(p + 4, 4) <= t.len - off);
	CHECK(sum_of(p, get(p + 4, 4)) == 0);
	return p;
}

static void check_madt(const uint8_t *m, unsigned n_cpus)
{
	const uint8_t *end = m + get(m + 4, 4), *p;
	unsigned cpus = 0, ioapics = 0;

	for (p = m + 44; p < end; p += p[1]) {
		CHECK(end - p >= 2 && p[1] >= 2 && p[1] <= end - p);
		if (p[0] == 0)
			CHECK(p[3] == cpus++);
		if (p[0] == 1)
			CHECK(p[2] >= n_cpus && ioapics++ == 0);
	}
	CHECK(p == end && cpus == n_cpus && ioapics == 1);
}

static void check_tables(const struct boot_config *cfg)
{
	const uint8_t *xsdt, *fadt, *dsdt;
	struct reader r = { 0 };

	CHECK(t.len <= ACPI_TABLES_MAX);
	CHECK(memcmp(t.bytes, "RSD PTR ", 8) == 0);
	CHECK(sum_of(t.bytes, 20) == 0 && sum_of(t.bytes, 36) == 0);
	xsdt = table(get(t.bytes + 24, 8), "XSDT");
	CHECK(get(xsdt + 4, 4) == 36 + 16);
	fadt = table(get(xsdt + 36, 8), "FACP");
	check_madt(table(get(xsdt + 44, 8), "APIC"), cfg->n_cpus);
	dsdt = table(get(fadt + 140, 8), "DSDT");
	r.p = dsdt + 36;
	r.end = dsdt + get(dsdt + 4, 4);
	walk(&r, 0);
	CHECK(r.devices == cfg->n_cpus + cfg->n_devices + cfg->legacy_serial +
				   cfg->legacy_i8042 + cfg->legacy_rtc);
	CHECK(r.buffers == r.devices - cfg->n_cpus);
}

/* --- the emitter ---------------------------------------------------------- */

static void emit(struct aml *a, const uint8_t *steps, size_t n)
{
	size_t begin[DEPTH_MAX];
	unsigned depth = 0;

	for (size_t i = 0; i < n; i++) {
		const uint64_t v = steps[i] * 0x0101010101010101ULL;
		struct aml_crs crs = { 0 };

		switch (steps[i] & 7) {
		case 0:
			if (depth < DEPTH_MAX)
				begin[depth++] = aml_scope_begin(a, "S___");
			break;
		case 1:
			if (depth < DEPTH_MAX)
				begin[depth++] = aml_device_begin(a, "D___");
			break;
		case 2:
			if (depth < DEPTH_MAX)
				begin[depth++] = aml_package_begin(a, 1);
			break;
		case 3:
			if (depth > 0)
				aml_end(a, begin[--depth]);
			break;
		case 4:
			aml_int(a, v >> (steps[i] / 8 * 2));
			break;
		case 5:
			for (unsigned k = 0; k < steps[i]; k++)
				aml_string(a, "a string of some length");
			break;
		case 6:
			aml_eisa_id(a, "PNP0501");
			break;
		default:
			for (unsigned k = 0; k < steps[i] / 8 % 3; k++)
				crs_memory32_fixed(&crs, (uint32_t)v, 1);
			crs_interrupt(&crs, steps[i]);
			crs_io16(&crs, (uint16_t)v, steps[i]);
			aml_crs(a, &crs);
		}
	}
	while (depth > 0)
		aml_end(a, begin[--depth]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t buf[65536 + 1];
	struct boot_config cfg;
	struct aml a;

	if (len < 5)
		return 0;
	cfg = (struct boot_config){
		.n_cpus = 1 + data[0] % BOOT_CPUS_MAX,
		.n_devices = data[1] % (LAYOUT_VIRTIO_MAX + 1),
		.legacy_serial = data[2] & 1,
		.legacy_pic = data[2] & 2,
		.legacy_i8042 = data[2] & 4,
		.legacy_rtc = data[2] & 8,
	};
	memset(&t, 0xa5, sizeof(t));
	acpi_build(&cfg, &t);
	check_tables(&cfg);

	a = (struct aml){ .buf = buf, .cap = get(data + 3, 2) };
	buf[a.cap] = 0x5a;
	emit(&a, data + 5, len - 5);
	CHECK(buf[a.cap] == 0x5a && a.len <= a.cap);
	if (!a.is_full) {
		struct reader r = { .p = buf, .end = buf + a.len };

		walk(&r, 0);
	}
	return 0;
}
