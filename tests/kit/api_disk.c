/* api_disk.c: disks by name, through mayfly.h: fills "data" with a pattern in
 * transfers of all lengths and reads it back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <mayfly.h>
#include <string.h>

#define BIG (3u << 20)

static void expect(bool good, const char *what, int64_t n)
{
	if (good)
		return;
	mayfly_printf("wrong: %s (%ld)\n", what, (long)n);
	mayfly_exit(99);
}

static void fill(uint32_t *p, size_t len, uint64_t sector)
{
	for (size_t i = 0; i < len / 4; i++)
		p[i] = (uint32_t)(sector * 128 + i) * 2654435761u;
}

int main(void)
{
	static uint32_t small[1024], got[1024];
	int data = mayfly_disk_find("data"), plain = mayfly_disk_find("vdb");
	uint32_t *big = mayfly_alloc(BIG), *back = mayfly_alloc(BIG);
	struct mayfly_disk d;
	uint64_t at = 0;
	int rc;

	expect(data == 0 && plain == 1, "names", data * 10 + plain);
	expect(mayfly_disk_find("dat") == MAYFLY_ENODEV, "part of a name", 0);
	rc = mayfly_disk_info((unsigned)data, &d);
	expect(rc == 0 && !d.read_only && d.sectors == 16384, "info", rc);
	for (size_t len = MAYFLY_SECTOR; len <= BIG; len *= 3) {
		fill(big, len, at);
		rc = mayfly_disk_write((unsigned)data, at, big, len);
		expect(rc == 0, "write", rc);
		at += len / MAYFLY_SECTOR;
	}
	rc = mayfly_disk_flush((unsigned)data);
	expect(rc == 0, "flush", rc);
	fill(big, BIG, 0);
	rc = mayfly_disk_read((unsigned)data, 0, back, BIG);
	expect(rc == 0, "read", rc);
	expect(!memcmp(big, back, (at < BIG / 512 ? at : BIG / 512) * 512),
	       "what was read", 0);
	fill(small, sizeof(small), d.sectors - 8);
	rc = mayfly_disk_write((unsigned)data, d.sectors - 8, small,
			       sizeof(small));
	expect(rc == 0, "the end", rc);
	rc = mayfly_disk_read((unsigned)data, d.sectors - 8, got, sizeof(got));
	expect(rc == 0 && !memcmp(got, small, sizeof(got)), "its bytes", rc);
	rc = mayfly_disk_read((unsigned)data, d.sectors - 7, got, sizeof(got));
	expect(rc == MAYFLY_EINVAL, "beyond the end", rc);
	rc = mayfly_disk_read((unsigned)data, UINT64_MAX, got, 512);
	expect(rc == MAYFLY_EINVAL, "far beyond", rc);
	rc = mayfly_disk_read((unsigned)data, 0, got, 100);
	expect(rc == MAYFLY_EINVAL, "part of a sector", rc);
	rc = mayfly_disk_read((unsigned)data, 0, got, 0);
	expect(rc == 0, "nothing", rc);
	rc = mayfly_disk_write((unsigned)plain, 0, got, 512);
	expect(rc == MAYFLY_EROFS, "read-only", rc);
	rc = mayfly_disk_read((unsigned)plain, 0, got, 512);
	expect(rc == 0, "reading it", rc);
	mayfly_printf("first words: %s\n", (const char *)got);
	return 0;
}
