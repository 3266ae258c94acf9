/* archive_oracle.c: see archive_oracle.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/archive_oracle.h"

#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/err.h"
#include "guest-kit/include/abi/rootfs.h"
#include "rootfs/walk.h"

static const char *name_of(const struct table *t, uint32_t i)
{
	return t->strings + le32_get(t->entry[i].name_off);
}

/* Writes the path of an entry from the end; NULL: longer than a walk takes. */
static const char *path_of(const struct table *t, uint32_t i,
			   char buf[WALK_PATH_MAX + 1])
{
	size_t at = WALK_PATH_MAX;

	for (buf[at] = '\0'; i != 0; i = le32_get(t->entry[i].parent)) {
		size_t n = le16_get(t->entry[i].name_len);

		CHECK(strlen(name_of(t, i)) == n && n > 0);
		CHECK(le32_get(t->entry[i].parent) < i);
		if (n + 1 >= at)
			return NULL;
		at -= n;
		memcpy(buf + at, name_of(t, i), n);
		buf[--at] = '/';
	}
	return buf + at;
}

void table_oracle(const struct table *t)
{
	char path[WALK_PATH_MAX + 1];
	uint64_t end = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct table_entry *e = &t->entry[i];
		const char *p = path_of(t, i, path);
		uint64_t off = le64_get(e->data), len = le64_get(e->size);
		uint32_t found;

		/* a link leads on, perhaps nowhere, but never out */
		if (p && table_find(t, p, &found) == 0)
			CHECK(found < t->n &&
			      (found == i || S_ISLNK(le32_get(e->mode))));
		else
			CHECK(!p || S_ISLNK(le32_get(e->mode)));
		if (!S_ISREG(le32_get(e->mode)) || len == 0 ||
		    le32_get(e->link) != ROOTFS_NO_LINK)
			continue;
		CHECK(off % ROOTFS_PAGE == 0 && off >= end);
		CHECK(off <= t->len && len <= t->len - off);
		end = off + len;
	}
}

void archive_oracle(const uint8_t *bytes, size_t len, archive_scan scan)
{
	struct err err = { 0 };
	struct table t;

	if (archive_image(bytes, len, scan, &t, &err) != 0)
		return; /* looked at there */
	table_oracle(&t);
	for (uint32_t i = 0; i < t.n; i++) {
		const struct table_entry *e = &t.entry[i];

		if (S_ISREG(le32_get(e->mode)) && le64_get(e->size) > 0)
			CHECK(memmem(bytes, len, t.bytes + le64_get(e->data),
				     le64_get(e->size)));
	}
	archive_image_fini(&t);
}
