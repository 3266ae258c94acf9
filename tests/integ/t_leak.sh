#!/bin/sh
# Run after run after run: each works, and the host has as much left as
# before. INTEG_RUNS: how many (default 300).
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

RUNS=${INTEG_RUNS:-300}
[ "$LANE" = svm ] && RUNS=${INTEG_RUNS:-20}
guest hello && HELLO=$GUEST
guest raw_end && END=$GUEST

files()
{
	cut -f 1 /proc/sys/fs/file-nr
}

available_kib()
{
	sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

# Kernel memory that no page cache explains
slab_kib()
{
	sed -n 's/^SUnreclaim: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

# machines: how many KVM has, as far as it tells
machines()
{
	find /sys/kernel/debug/kvm -mindepth 1 -maxdepth 1 -type d 2>/dev/null |
		wc -l
}

measure()
{
	sleep 0.5
	f=$(files)
	m=$(available_kib)
	s=$(slab_kib)
	v=$(machines)
}

# many RUNS STATUS ARG...: without a failure and without a trace
many()
{
	runs=$1
	want=$2
	shift 2
	bad=0
	n=0
	# the first ones warm what the kernel keeps
	while [ $n -lt 10 ]; do
		"$MAYFLY" run "$@" </dev/null >/dev/null 2>&1
		n=$((n + 1))
	done
	measure
	f0=$f m0=$m s0=$s v0=$v
	n=0
	while [ $n -lt "$runs" ]; do
		n=$((n + 1))
		status=0
		"$MAYFLY" run "$@" </dev/null >"$OUT" 2>"$ERR" || status=$?
		[ $status = "$want" ] && continue
		bad=$((bad + 1))
		cp "$ERR" bad.err
		fail "run $n ended with $status, not $want"
	done
	[ $bad = 0 ] || cp bad.err "$ERR"
	measure
	# others may be at work on this host: look again before complaining
	for again in 1 2 3; do
		[ $((f - f0)) -ge $((runs / 2 + 100)) ] ||
			[ $((m0 - m)) -ge $((runs * 64 + 65536)) ] ||
			[ $((s - s0)) -ge $((runs * 16 + 16384)) ] || break
		sleep $again
		measure
	done
	echo "# $runs runs: open files $f0 -> $f, MemAvailable $m0 -> $m KiB," \
		"SUnreclaim $s0 -> $s KiB, machines $v0 -> $v"
	[ $bad = 0 ] || fail "$bad of $runs runs failed"
	[ $((f - f0)) -lt $((runs / 2 + 100)) ] ||
		fail "open files of the host went from $f0 to $f"
	[ $((m0 - m)) -lt $((runs * 64 + 65536)) ] ||
		fail "MemAvailable went from $m0 to $m KiB"
	[ $((s - s0)) -lt $((runs * 16 + 16384)) ] ||
		fail "SUnreclaim went from $s0 to $s KiB"
}

check "$RUNS runs of hello"
many "$RUNS" 0 "$HELLO"
expect_out_has ello

check "$((RUNS / 10)) triple faults"
many $((RUNS / 10)) 121 --kernel-args triple "$END"

check "$((RUNS / 10)) images that cannot run"
echo text >image
many $((RUNS / 10)) 126 ./image

check "$((RUNS / 20)) killed in the middle"
measure
f0=$f
n=0
while [ $n -lt $((RUNS / 20)) ]; do
	n=$((n + 1))
	status=0
	timeout -s KILL 0.2 "$MAYFLY" run --kernel-args spin "$END" \
		</dev/null >/dev/null 2>&1 || status=$?
	[ $status = 137 ] || fail "run $n ended with $status, not 137"
done
measure
[ $((f - f0)) -lt 200 ] || fail "open files of the host went from $f0 to $f"
