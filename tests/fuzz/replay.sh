#!/bin/sh
# replay.sh DIR: every file of tests/fuzz/{corpus,regress}/<name>/ through
# DIR/fuzz_<name>, which is linked with replay_main.c or libFuzzer. One result
# line a target; a target without inputs still gets the empty one.
# SPDX-License-Identifier: Apache-2.0
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: replay.sh DIR}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/empty"

n=0
bad=0
for bin in "$dir"/fuzz_*; do
	case $bin in *.d | *.o | "$dir/fuzz_*") continue ;; esac
	name=$(basename "$bin")
	name=${name#fuzz_}
	n=$((n + 1))
	{
		printf '%s\0' "$tmp/empty"
		for d in corpus regress; do
			[ ! -d "$here/$d/$name" ] ||
				find "$here/$d/$name" -type f -print0
		done
	} >"$tmp/list"
	files=$(tr -dc '\0' <"$tmp/list" | wc -c)
	# Both kinds of main print each file's name before they run it.
	if timeout -k 10 300 xargs -0 "$bin" <"$tmp/list" >"$tmp/log" 2>&1; then
		echo "# $name: $files inputs"
		echo "ok replay/$name"
	else
		status=$?
		tail -n 30 "$tmp/log" | sed 's/^/# /'
		at=$(sed -n 's/^Running: //p' "$tmp/log" | tail -n 1)
		echo "not ok replay/$name: $(basename "${at:-?}"):" \
			"exit status $status"
		bad=1
	fi
done
if [ "$n" = 0 ]; then
	echo "not ok replay: no targets in $dir"
	exit 1
fi
exit $bad
