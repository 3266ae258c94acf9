#!/bin/sh
# mayfly.sh MAYFLY GUESTS: the guest kernel under mayfly itself: what it
# promises to programs, how they end, bytes in and out. Needs /dev/kvm.
# SPDX-License-Identifier: Apache-2.0
set -u

mayfly=$1
guests=$2
failed=0

if [ ! -r /dev/kvm ]; then
	echo "skip kit-mayfly: no /dev/kvm"
	exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# run ARG...: mayfly's exit status; output in $tmp/out and $tmp/err
run() {
	timeout 60 "$mayfly" run "$@" >"$tmp/out" 2>"$tmp/err"
}

# verdict NAME CONDITION...
verdict() {
	name=$1
	shift
	if "$@"; then
		echo "ok kit-mayfly $name"
	else
		echo "not ok kit-mayfly $name: $(cat "$tmp/out" "$tmp/err" |
			tr -c '[:print:]' ' ' | tail -c 300)"
		failed=$((failed + 1))
	fi
}

run "$guests/examples/hello" "with spaces in it" last </dev/null
status=$?
verdict "hello exits with 0" [ $status -eq 0 ]
verdict "arguments are not split" \
	grep -q '^argument 1: with spaces in it$' "$tmp/out"

for memory in 4M 64M 5G; do
	run -m $memory "$guests/tests/guests/kit_calls" a b </dev/null
	status=$?
	verdict "calls, $memory" [ $status -eq 0 ]
	grep '^not ok' "$tmp/out"
done

run "$guests/tests/guests/kit_window" </dev/null
status=$?
verdict "window of physical memory" [ $status -eq 0 ]
grep '^not ok' "$tmp/out"

head -c 67108864 /dev/urandom >"$tmp/in"
run "$guests/tests/guests/kit_cat" <"$tmp/in"
status=$?
verdict "cat ends when its input does" [ $status -eq 0 ]
verdict "64 MiB come back" cmp -s "$tmp/in" "$tmp/out"
rm "$tmp/in"

for how in null:139:SIGSEGV ud2:132:SIGILL div:136:SIGFPE text:139:SIGSEGV \
	stack:139:SIGSEGV abort:134:SIGABRT exec:139:SIGSEGV \
	memory:137:memory exit77:77:; do
	what=${how%%:*}
	rest=${how#*:}
	run -m 24M "$guests/tests/guests/kit_die" "$what" </dev/null
	status=$?
	verdict "$what ends with ${rest%%:*}" [ $status -eq "${rest%%:*}" ]
	[ -z "${rest#*:}" ] ||
		verdict "$what says ${rest#*:}" grep -q "${rest#*:}" "$tmp/err"
	verdict "$what: nothing on standard output" [ ! -s "$tmp/out" ]
done

cat >"$tmp/hello.c" <<'END'
#include <stdio.h>
int main(void) { puts("glibc"); return 5; }
END
for how in -static -static-pie; do
	if gcc $how -o "$tmp/hello" "$tmp/hello.c" 2>/dev/null; then
		run "$tmp/hello" </dev/null
		status=$?
		verdict "glibc $how" [ $status -eq 5 ]
	else
		echo "skip kit-mayfly glibc $how: gcc cannot link it"
	fi
done

exit $failed
