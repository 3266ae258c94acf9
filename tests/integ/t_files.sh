#!/bin/sh
# Files of a program: a root directory, /dev, /proc, and disks as files.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

check "disks are block devices"
if guest kit_disk; then
	truncate -s 4M vda
	truncate -s 9216 vdb
	printf 'vdb...' | dd of=vdb conv=notrunc 2>/dev/null
	run_mayfly run -m 64M --disk vda --disk vdb,ro "$GUEST"
	expect_status 0
	if grep '^not ok' "$OUT"; then
		fail "see above"
	fi
fi
