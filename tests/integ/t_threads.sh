#!/bin/sh
# Threads of a program: time slices, signals and system calls that meet, and
# what a machine full of them leaves behind.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

MS=2000
export RUN_LIMIT=60

check "registers survive whatever interrupts"
if guest kit_threads; then
	run_mayfly run "$GUEST" "$MS"
	expect_status 0
	expect_out "good"
fi
