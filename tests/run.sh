#!/bin/sh
# run.sh [LANE...]: every test lane, or the named ones. Logs in build/test/, a
# summary per lane, and as the last line "N passed, N failed[, N skipped]".
#
# A lane is a command that prints, among other things, one line a test:
#   ok NAME        not ok NAME: why        skip NAME: why
# One that ends badly or prints none of these counts as one failure.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 1
logs=build/test
mkdir -p "$logs"
jobs=$(nproc)

# lane NAME LIMIT-SECONDS COMMAND...
lane()
{
	name=$1
	limit=$2
	shift 2
	wanted "$name" || return 0
	log=$logs/$name.log
	printf '%-14s ' "$name"
	start=$(date +%s)
	timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null
	status=$?
	took=$(($(date +%s) - start))
	passed=$(grep -c '^ok ' "$log")
	failed=$(grep -c '^not ok ' "$log")
	skipped=$(grep -c '^skip ' "$log")
	why=
	if [ "$status" = 124 ] || [ "$status" = 137 ]; then
		why="longer than $limit s"
	elif [ "$status" != 0 ] && [ "$failed" = 0 ]; then
		why="exit status $status"
	elif [ $((passed + failed + skipped)) = 0 ]; then
		why="printed no results"
	fi
	if [ -n "$why" ]; then
		echo "not ok $name: $why" >>"$log"
		failed=$((failed + 1))
	fi
	count="$passed passed, $failed failed"
	[ "$skipped" = 0 ] || count="$count, $skipped skipped"
	printf '%4d s  %s\n' "$took" "$count"
	if [ -n "$why" ]; then
		grep -v '^ok ' "$log" | tail -n 20 | sed 's/^/    /'
	else
		grep -E '^(not ok|skip) ' "$log" | sed 's/^/    /'
	fi
	all_passed=$((all_passed + passed))
	all_failed=$((all_failed + failed))
	all_skipped=$((all_skipped + skipped))
}

wanted()
{
	[ -z "$lanes" ] && return 0
	case " $lanes " in *" $1 "*) return 0 ;; esac
	return 1
}

mk()
{
	make --no-print-directory -j"$jobs" "$@"
}

# Lanes of their own because a failure to build is a result like any other.
builds()
{
	for b in "FLAVOUR=release all" "FLAVOUR=debug all"; do
		# shellcheck disable=SC2086 # words
		if mk $b; then
			echo "ok build/${b#FLAVOUR=}"
		else
			echo "not ok build/${b#FLAVOUR=}: see $logs/build.log"
		fi
	done
}

case ${1-} in
--builds)
	builds
	exit 0
	;;
--mk) # a make under `timeout`, which runs programs only
	shift
	mk "$@"
	exit
	;;
esac

lanes=$*
all_passed=0
all_failed=0
all_skipped=0
self=tests/run.sh

lane build 600 $self --builds
lane unit 300 $self --mk FLAVOUR=debug unit
lane replay 300 $self --mk FLAVOUR=debug replay
lane threads 300 $self --mk FLAVOUR=debug threads
lane asan-unit 600 $self --mk FLAVOUR=asan unit
lane asan-replay 600 $self --mk FLAVOUR=asan replay
lane tsan-threads 600 $self --mk FLAVOUR=tsan threads
lane lint 600 tests/lint/lint.sh
lane integ 600 tests/integ/run.sh build/release/mayfly build/guest
lane programs 900 tests/programs/run.sh build/release/mayfly build/guest
if [ -x tests/kit/qemu.sh ]; then
	lane kit 300 tests/kit/qemu.sh build/guest/kit.elf build/guest
fi
lane fuzz-smoke 900 $self --mk fuzz-smoke
lane svm 2400 tests/svm/run.sh build/release/mayfly build/guest

echo
total="$all_passed passed, $all_failed failed"
[ "$all_skipped" = 0 ] || total="$total, $all_skipped skipped"
echo "$total"
[ "$all_failed" = 0 ] && [ "$all_passed" -gt 0 ]
