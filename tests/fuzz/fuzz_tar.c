/* fuzz_tar.c: tar archives become root images.
 *
 * Input: the archive; wrong checksums of headers are mended, or nothing else
 * would ever be reached. The oracle: a refusal has a code and words; what is
 * accepted becomes an image that the checker of images accepts, and each file
 * in it is bytes of the archive. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/err.h"
#include "tests/support/archive_make.h"
#include "tests/support/archive_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct archive_make a;

	if (len > sizeof(a.bytes))
		return 0;
	a.len = len;
	memcpy(a.bytes, data, len);
	for (size_t off = 0; off + 512 <= len; off += 512)
		if (memcmp(a.bytes + off + 257, "ustar", 5) == 0)
			tar_make_sum(&a, off);
	archive_oracle(a.bytes, len, tar_scan);
	return 0;
}
