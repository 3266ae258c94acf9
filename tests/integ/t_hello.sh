#!/bin/sh
# The smallest promise: a static program runs, and its words and its exit
# status come out.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

check "version"
run_mayfly version
expect_status 0
expect_out_has mayfly

check "hello"
if guest hello; then
	run_mayfly run "$GUEST"
	expect_status 0
	expect_out_has ello
fi

check "no such image"
run_mayfly run ./missing
expect_status 126
expect_err_has missing
