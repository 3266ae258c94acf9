#!/bin/sh
# The JavaScript function of examples/js, run by QuickJS.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"

JS=$(readlink -f "${0%/*}/../../examples/js")

if need qjs; then
	check "function: an event in, an answer out"
	given
	echo '{"words": ["one", "two", "two"]}' >"$INPUT"
	run_mayfly_in "$INPUT" run --rootfs "$JS" "$PROGRAM" --std /function.js
	expect_status 0
	expect_out '{"words":3,"counts":{"one":1,"two":2}}'

	check "function: what is no event"
	echo '{"words"' >"$INPUT"
	run_mayfly_in "$INPUT" run --rootfs "$JS" "$PROGRAM" --std /function.js
	expect_status 1
	expect_err_has SyntaxError
fi
