#!/bin/sh
# run.sh MAYFLY GUESTS [TEST...]: every t_*.sh (or those named) against real
# virtual machines. Each gets a private folder and a time limit, and must
# leave no process and no file behind. Runs under busybox ash too: LANE=svm.
# SPDX-License-Identifier: Apache-2.0
set -u
MAYFLY=$(readlink -f "${1:?usage: run.sh MAYFLY GUESTS [TEST...]}")
GUESTS=$(readlink -f "${2:?usage: run.sh MAYFLY GUESTS [TEST...]}")
shift 2
here=$(cd "$(dirname "$0")" && pwd)
LIB=$here/lib.sh
LANE=${LANE:-kvm}
limit=${TEST_LIMIT:-120}
export MAYFLY GUESTS LIB LANE
rc=0

[ $# -gt 0 ] || set -- "$here"/t_*.sh
if [ ! -f "$1" ]; then
	echo "not ok integ: no tests in $here"
	exit 1
fi

if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	for t; do
		name=$(basename "$t" .sh)
		echo "skip ${name#t_}: no usable /dev/kvm, see the SVM lane"
	done
	exit 0
fi

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT

# One binary for all tests, whoever links the next one meanwhile.
cp "$MAYFLY" "$top/mayfly" || exit 1
MAYFLY=$top/mayfly

# Processes a test started carry its tag in their environment, so that other
# people's virtual machines on this host do not count.
tagged()
{
	grep -lF "MAYFLY_TEST=$tag" /proc/[0-9]*/environ 2>/dev/null |
		sed 's|/proc/\([0-9]*\)/.*|\1|'
}

# Tearing down may happen behind the user's back, but not for long.
settle()
{
	n=0
	while left=$(tagged) && [ -n "$left" ] && [ $n -lt 20 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	[ -z "$left" ] && return
	for pid in $left; do
		echo "# left: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		kill -KILL "$pid"
	done
	echo "not ok $name/leftovers: processes 2 s after the test's end"
	rc=1
}

for t; do
	t=$(readlink -f "$t")
	name=$(basename "$t" .sh)
	name=${name#t_}
	tag=$$.$name.
	work=$top/$name
	mkdir -p "$work/cwd" "$work/tmp"
	log=$top/$name.log
	start=$(date +%s)
	(
		cd "$work/cwd" || exit 1
		export MAYFLY_TEST="$tag" TMPDIR="$work/tmp" \
			XDG_RUNTIME_DIR="$work/tmp"
		exec timeout -s KILL "$limit" sh "$t" </dev/null
	) >"$log" 2>&1
	status=$?
	cat "$log"
	echo "# $name: $(($(date +%s) - start)) s"
	if [ "$status" = 137 ]; then
		echo "not ok $name/timeout: longer than $limit s"
	elif [ "$status" != 0 ] && ! grep -q '^not ok' "$log"; then
		echo "not ok $name: exit status $status without a result"
	elif ! grep -qE '^(ok|not ok|skip) ' "$log"; then
		echo "not ok $name: no results"
		status=1
	fi
	[ "$status" = 0 ] || rc=1
	settle
	if [ -n "$(ls -A "$work/tmp")" ]; then
		find "$work/tmp" | sed 's/^/# left: /'
		echo "not ok $name/leftovers: temporary files"
		rc=1
	fi
done
exit $rc
