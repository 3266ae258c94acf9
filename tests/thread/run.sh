#!/bin/sh
# run.sh BIN...: runs the thread tests; one line each, exit 1 if one failed.
# SPDX-License-Identifier: Apache-2.0
set -u

failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for bin in "$@"; do
	name=${bin##*/}
	timeout 120 "$bin" >"$out" 2>&1
	rc=$?
	if [ "$rc" -eq 0 ]; then
		echo "ok $name: $(sed -n 's/^ok [a-z_]*: //p' "$out" | tail -n 1)"
		continue
	fi
	failed=$((failed + 1))
	case $rc in
	66) why='ThreadSanitizer has something to say' ;;
	124) why='did not end in 120 s' ;;
	*) why="exit status $rc" ;;
	esac
	echo "not ok $name: $why"
	sed 's/^/    /' "$out"
done
[ "$failed" -eq 0 ]
