#!/bin/sh
# Clocks and sleep: a program's wall clock is the host's, a sleep takes as
# long as asked and costs the host nothing.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

guest tool && TOOL=$GUEST
NOW=$GUESTS/tests/integ/helpers/now
MS=1000000

# now: the host's wall clock in ns, or nothing
now()
{
	if [ -x "$NOW" ]; then
		"$NOW" | cut -d ' ' -f 1
	fi
}

# A host that emulates its CPUs is in no hurry.
SLACK=1 # ms
SETTLE=0.3
[ "$LANE" = svm ] && SLACK=50 SETTLE=2

# in_bounds: the guest's time in $OUT, against $before and $after
in_bounds()
{
	t=$(cut -d ' ' -f 1 "$OUT")
	if [ -z "$before" ] || [ -z "$t" ]; then
		fail "no time: '$before' '$t'"
		return
	fi
	early=$(((before - t) / 1000))
	late=$(((t - after) / 1000))
	[ $early -le $((SLACK * 1000)) ] || fail "$early us before it was started"
	[ $late -le $((SLACK * 1000)) ] || fail "$late us after it ended"
}

for n in 1 2 3; do
	check "wall clock at start, $n"
	if [ ! -x "$NOW" ]; then
		skip "no helper 'now' in $GUESTS"
		continue
	fi
	before=$(now)
	run_mayfly run "$TOOL" clock
	after=$(now)
	expect_status 0
	in_bounds
done

check "wall clock after 2 s"
if [ -x "$NOW" ]; then
	before=$(($(now) + 2000 * MS))
	run_mayfly run "$TOOL" clock 2000
	after=$(now)
	expect_status 0
	in_bounds
else
	skip "no helper 'now' in $GUESTS"
fi

check "the monotonic clock starts near 0 or at the host's"
run_mayfly run "$TOOL" clock
mono=$(cut -d ' ' -f 2 "$OUT")
expect "it reads ${mono}" [ "${mono:-0}" -gt 0 ]

# slept ASKED_US GOT_US
slept()
{
	if [ "${2:-0}" -lt "$1" ]; then
		fail "slept $2 us, not $1"
	elif [ "$2" -gt $(($1 + SLACK * 20000)) ]; then
		fail "slept $2 us, much more than $1"
	fi
}

for ms in 1 10 100 1000; do
	check "sleep of $ms ms"
	run_mayfly run "$TOOL" sleep $ms
	expect_status 0
	slept $((ms * 1000)) "$(sed -n 2p "$OUT")"
done

check "the host's second is the guest's"
start=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
run_mayfly run "$TOOL" sleep 3000
end=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
expect_status 0
slept 3000000 "$(sed -n 2p "$OUT")"
took=$((end - start)) # hundredths
[ $took -ge 299 ] || fail "3 s of the guest took $took/100 s"
[ $took -le $((330 + SLACK * 5)) ] || fail "3 s of the guest took $took/100 s"

# ticks PID: CPU time used, in hundredths of a second
ticks()
{
	# shellcheck disable=SC2046 # two words
	set -- $(cut -d ' ' -f 14,15 "/proc/$1/stat" 2>/dev/null)
	[ $# != 2 ] || echo $(($1 + $2))
}

# idle NAME WORD INPUT ARG...: `mayfly run ARG...`, once it has printed WORD,
# uses less than 100 ms in a second
idle()
{
	check "$1"
	word=$2
	in=$3
	shift 3
	: >idle.out
	"$MAYFLY" run --timeout 10 "$@" <"$in" >idle.out 2>"$ERR" &
	pid=$!
	n=0
	until [ -z "$word" ] || grep -q "$word" idle.out || [ $n -gt 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	sleep $SETTLE
	a=$(ticks $pid)
	sleep 1
	b=$(ticks $pid)
	if [ -z "$a" ] || [ -z "$b" ]; then
		fail "it has ended already"
	elif [ $((b - a)) -ge 10 ]; then
		fail "$(((b - a) * 10)) ms of CPU time in a second"
	fi
	kill -TERM $pid 2>/dev/null
	wait $pid 2>/dev/null || true
}

mkfifo quiet
# shellcheck disable=SC2217 # it holds the pipe open
sleep 20 >quiet &
holder=$!
idle "asleep" sleeping /dev/null "$TOOL" sleep 9000
idle "waiting for input" waiting quiet "$TOOL" wait
idle "asleep, poll loop" sleeping /dev/null --loop poll "$TOOL" sleep 9000
idle "two CPUs, asleep" sleeping /dev/null -c 2 "$TOOL" sleep 9000
guest bad_code &&
	idle "a kernel that halts" '' /dev/null --kernel-args halt "$GUEST"
kill -PIPE $holder
wait $holder 2>/dev/null
true
