/* fuzz_cpio.c: cpio archives become root images.
 *
 * Input: the archive. The oracle is fuzz_tar's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/archive_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	archive_oracle(data, len, cpio_scan);
	return 0;
}
