/* fuzz_rootfs.c: root images of strangers.
 *
 * Input: the image, filled up to a page with zeros; the length in its header
 * is set to what it has. The oracle: a refusal has a code and words; in what is
 * accepted every name is found where it is, everything lies in the image, and
 * no two files share a page. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/err.h"
#include "guest-kit/include/abi/rootfs.h"
#include "tests/support/archive_oracle.h"

#define IMAGE_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static _Alignas(8) uint8_t image[IMAGE_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t full = (len + ROOTFS_PAGE - 1) & ~(uint64_t)(ROOTFS_PAGE - 1);
	struct err err = { 0 };
	struct table t;
	le64 said;
	int code;

	if (full > sizeof(image))
		return 0;
	memset(image, 0, full);
	memcpy(image, data, len);
	if (len >= sizeof(struct rootfs_header)) {
		said = le64_of(full);
		memcpy(image + offsetof(struct rootfs_header, len), &said,
		       sizeof(said));
	}
	code = table_open(image, full, &t, &err);
	CHECK(code == err.code);
	if (code != 0) {
		CHECK((code == -EINVAL || code == -ENOMEM) && err.msg[0]);
		return 0;
	}
	table_oracle(&t);
	return 0;
}
