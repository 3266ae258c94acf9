/* raw_hello.c: a kernel that greets, checks rng and powers off. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

void bare_main(void)
{
	EXPECT(console_open());
	EXPECT(rng_works());
	PASS("hello from a bare machine");
}
