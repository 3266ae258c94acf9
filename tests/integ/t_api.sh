#!/bin/sh
# The guest kit as a library: programs that are linked with it by mayfly-cc,
# and programs for Solo5's interface.
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

TESTS=$GUESTS/tests/guests
PING=$(command -v ping || echo busybox ping)

check "arguments, memory, time, console, exit status"
printf 'some\ninput' >in
run_mayfly_in in run "$TESTS/api_basics" 42 'two words'
expect_status 42
expect_out "1: 42
2: two words
some
input"
expect_err_has "to standard error"

check "arguments behind --"
run_mayfly run --kernel-args 'x -- 7 b' "$TESTS/api_basics"
expect_status 7
expect_out "1: 7
2: b"

check "input that comes late"
(
	sleep 0.3
	echo late
	sleep 0.3
) | {
	status=0
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TESTS/api_basics" \
		>"$OUT" 2>"$ERR" || status=$?
	echo "$status" >status
}
status=$(cat status)
expect_status 0
expect_out "late"

check "two processors are no harm"
run_mayfly run -c 2 "$TESTS/api_basics" 3
expect_status 3

check "little memory"
run_mayfly run -m 32M "$TESTS/api_basics" 3
expect_status 3
run_mayfly run -m 2M "$TESTS/api_basics" 3
[ "$status" = 126 ] || [ "$status" = 99 ] || fail "exit status $status"

for how in null:139 text:139 divide:136 illegal:132 system-call:159; do
	check "ends by a mistake, ${how%:*}"
	run_mayfly run "$TESTS/api_fault" "${how%:*}"
	expect_status "${how#*:}"
	expect_out "here"
done

check "disks by name"
dd if=/dev/zero of=data bs=1M count=8 2>/dev/null
printf 'the words of a disk' >plain
dd if=/dev/zero bs=1024 count=1 2>/dev/null >>plain
run_mayfly run -q --disk data,id=data --disk plain,ro "$TESTS/api_disk"
expect_status 0
expect_out "first words: the words of a disk"

check "solo5: all but a network"
dd if=/dev/zero of=store bs=64k count=1 2>/dev/null
run_mayfly run -q --disk plain,ro --disk store,id=storage "$TESTS/api_solo5" \
	x 'y z'
expect_status 0
expect_out "command line: 'x y z'
done"

check "solo5: abort"
run_mayfly run --disk store,id=storage "$TESTS/api_solo5" abort
expect_status 255

check "solo5: without its disk"
run_mayfly run "$TESTS/api_solo5"
expect_status 1
expect_out_has "wrong: acquire"

check "solo5: network"
if [ "$NET_OWN" = yes ]; then
	own_tap api 10.9.0.1/24
	# those that come too early, or after the third, have no answer
	$PING -c 20 -i 1 10.9.0.2 >pings 2>&1 &
	pid=$!
	run_mayfly run --timeout 18 --net tap=api "$TESTS/api_solo5_net"
	kill "$pid"
	wait "$pid" 2>/dev/null
	expect_status 0
	expect_out "MTU 1500"
	grep -q 'from 10.9.0.2' pings || fail "no ping was answered"
	ip link del api
else
	skip "no right to make taps and network namespaces here"
fi

# --- the compiler -------------------------------------------------------------

# Only where there is a tree to build with
CC_SCRIPT=${LIB%tests/integ/lib.sh}guest-kit/api/mayfly-cc
check "mayfly-cc"
if [ "$LANE" = kvm ] && [ -x "$CC_SCRIPT" ]; then
	cat >one.c <<-'END'
		#include <mayfly.h>
		const char *word(void);
		int main(void)
		{
			mayfly_printf("%s\n", word());
			return 5;
		}
	END
	echo 'const char *word(void) { return "linked"; }' >two.c
	if ! "$CC_SCRIPT" -c one.c || ! "$CC_SCRIPT" -O0 -c -o two.o two.c ||
		! "$CC_SCRIPT" -o guest.elf one.o two.o; then
		fail "mayfly-cc failed"
	fi
	run_mayfly run guest.elf
	expect_status 5
	expect_out "linked"
	echo 'int main(void) { return missing(); }' >bad.c
	"$CC_SCRIPT" -o bad.elf bad.c 2>"$ERR" && fail "linked what is not there"
	expect_err_has "missing"
else
	skip "no compiler here"
fi
