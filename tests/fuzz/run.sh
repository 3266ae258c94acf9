#!/bin/sh
# run.sh DIR SECONDS: every DIR/fuzz_* for SECONDS, two at a time. Seeds come
# from tests/fuzz/{corpus,regress}/<name>/ and stay untouched: new inputs go
# to DIR/../fuzz-new/<name>/, crashing ones to DIR/../crashes/. One result
# line a target. FUZZ_FLAGS is passed on.
# SPDX-License-Identifier: Apache-2.0
set -u
here=$(cd "$(dirname "$0")" && pwd)

# One target: `run.sh --one BIN SECONDS OUT`.
if [ "${1-}" = --one ]; then
	bin=$2 seconds=$3 out=$4
	name=$(basename "$bin")
	name=${name#fuzz_}
	new=$out/fuzz-new/$name
	log=$out/fuzz-new/$name.log
	mkdir -p "$new" "$out/crashes"
	set -- "$new"
	for d in corpus regress; do
		[ ! -d "$here/$d/$name" ] || set -- "$@" "$here/$d/$name"
	done
	[ ! -f "$here/$name.dict" ] || set -- -dict="$here/$name.dict" "$@"
	# shellcheck disable=SC2086 # FUZZ_FLAGS is a list of words
	timeout -k 10 $((seconds + 60)) "$bin" -max_total_time="$seconds" \
		-timeout=10 -rss_limit_mb=3072 -print_final_stats=1 \
		-artifact_prefix="$out/crashes/$name-" ${FUZZ_FLAGS-} "$@" \
		>"$log" 2>&1
	status=$?
	execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	if [ "$status" = 0 ] && [ "${execs:-0}" -gt 0 ]; then
		echo "# $name: $execs executions"
		echo "ok fuzz/$name"
	else
		tail -n 40 "$log" | sed 's/^/# /'
		why=$(grep -m 1 -E 'SUMMARY|ERROR:|runtime error' "$log")
		echo "not ok fuzz/$name: ${why:-exit status $status}"
	fi
	exit 0
fi

dir=${1:?usage: run.sh DIR SECONDS}
seconds=${2:?usage: run.sh DIR SECONDS}
out=$(cd "$dir/.." && pwd)
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Each target's lines arrive in one write, so two at a time do not mix.
# shellcheck disable=SC2016 # the inner shell expands
for bin in "$dir"/fuzz_*; do
	case $bin in *.d | *.o | "$dir/fuzz_*") continue ;; esac
	printf '%s\0' "$bin"
done | xargs -0 -r -n 1 -P 2 sh -c \
	'lines=$("$0" --one "$3" "$1" "$2"); printf "%s\n" "$lines"' \
	"$here/run.sh" "$seconds" "$out" | tee "$results"

if ! grep -q '^\(not \)\?ok ' "$results"; then
	echo "not ok fuzz: no targets in $dir"
	exit 1
fi
! grep -q '^not ok' "$results"
