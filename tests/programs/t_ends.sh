#!/bin/sh
# Every way for a program to end: the same words and the same exit status as
# on the host, 128 + n for signal n.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"

for program in "$GUESTS"/tests/abi/*/ends; do
	library=${program%/*}
	library=${library##*/}
	for way in $("$program" --list); do
		check "$way.$library"
		given
		same "$program" "$way"
	done
done
