#!/bin/sh
# Guests that mean harm. The monitor must stay the one who decides: such a
# guest runs to its own end, finds its devices mendable, and says so in one
# line; or it kills itself, with a status that says how. A monitor that dies
# of a signal, hangs, or gives up with 125 has lost.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

RUN_LIMIT=60

# The verdict is the last line; what came before may be any bytes.
verdict_ok()
{
	tail -c 300 "$OUT" | tail -n 1 >last
	grep -aq '^ok ' last ||
		fail "verdict: $(tr -cd '[:print:]' <last | cut -c 1-200)"
	cp last "$OUT" # so that no rubbish is shown
}

# harmless NAME GUEST [OPTION...]: ends by itself with 0 and "ok ..."
harmless()
{
	check "$1"
	shift
	guest "$1" || return 0
	shift
	run_mayfly run --timeout 40 "$@" "$GUEST"
	expect_status 0
	verdict_ok
}

# deadly GUEST WORD STATUS...: may end in one of these ways, and soon
deadly()
{
	check "$1 $2"
	guest "$1" || return 0
	word=$2
	shift 2
	rm -f rec
	run_mayfly run --timeout 2 --exit-record rec --kernel-args "$word" \
		"$GUEST"
	for allowed; do
		[ "$status" = "$allowed" ] || continue
		expect "the record has another status" \
			grep -q "\"status\": $status," rec
		return 0
	done
	fail "exit status $status, not one of $*"
}

# --- devices ---------------------------------------------------------------------

harmless "broken chains" bad_chain -q
harmless "broken chains, poll loop" bad_chain -q --loop poll
harmless "broken chains are logged, but not without end" bad_chain
expect_err_has 'virtio: rng: queue 0'
expect "$(wc -l <"$ERR") lines of log" [ "$(wc -l <"$ERR")" -lt 100 ]
harmless "impossible rings" bad_queue -q
harmless "wrong order, storms of kicks and resets" bad_life -q
harmless "storm over all registers" bad_storm -q
harmless "storm, with old devices, two CPUs" bad_storm -q -c 2 \
	--legacy serial,rtc,i8042

for engine in uring poll; do
	check "reset during output to a slow reader, $engine"
	guest bad_reset || break
	(
		timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run -q --timeout 40 \
			--loop $engine "$GUEST" </dev/null 2>"$ERR"
		echo $? >st
	) | (
		sleep 1
		cat
	) >"$OUT"
	status=$(cat st)
	if [ "$status" = 125 ] && grep -q uring "$ERR"; then
		: >"$OUT"
		skip "no io_uring here"
	else
		expect_status 0
		verdict_ok
	fi
done

check "reset during output, nobody reads"
if guest bad_reset; then
	status=0
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run -q --timeout 40 \
		--console none "$GUEST" </dev/null >"$OUT" 2>"$ERR" || status=$?
	expect_status 0
fi

harmless "rings rewritten by a second CPU" bad_race -q -c 2
harmless "rings rewritten by a second CPU, poll loop" bad_race -q -c 2 \
	--loop poll

# --- platform, interrupts, ports -------------------------------------------------

check "platform page"
if guest bad_platform; then
	run_mayfly run -q --timeout 20 --exit-record rec "$GUEST"
	expect_status 7
	verdict_ok
	expect "no such record" grep -q '"reason": "exited"' rec
fi

harmless "interrupt controllers" bad_irq -q
harmless "interrupt controllers, two CPUs" bad_irq -q -c 2
harmless "interrupt controllers in the kernel" bad_irq -q --legacy pit
for word in nmi smi init sipi extint reserved pins; do
	deadly bad_irq $word 0 120 121 122 124
done

harmless "ports" bad_ports -q

# The serial port shares the console and may have the last word.
check "ports, with old devices"
if guest bad_ports; then
	run_mayfly run -q --timeout 40 --legacy serial,rtc,i8042 "$GUEST"
	expect_status 0
	expect "no verdict" grep -aq 'ok ports' "$OUT"
	: >"$OUT"
fi

# --- code ------------------------------------------------------------------------

# What KVM cannot emulate is 122 where it emulates ring 0, else it just runs.
deadly bad_code sse 0 122
deadly bad_code x87 0 122
deadly bad_code halt 124
deadly bad_code spin 124
for word in run-device run-platform run-lapic run-end stack-device tables-gone \
	tables-device tables-nowhere no-paging bad-efer bad-cr4 gdt-gone debug; do
	deadly bad_code $word 0 121 122 124
done
for word in lapic-moves lapic-off x2apic clock-nowhere clock-device clock-end \
	async-pf steal eoi hypercall store-storm copy-device locked; do
	deadly bad_code $word 0 121 122 124
done

check "KVM error is explained"
if guest bad_code; then
	run_mayfly run --timeout 5 --exit-record rec --kernel-args run-device \
		"$GUEST"
	if [ "$status" = 122 ]; then
		expect_err_has 'KVM could not go on with the guest'
		expect_err_has 'rip    00000000c0001000'
		expect "no such record" grep -q '"reason": "kvm error"' rec
	else
		expect_status 121
	fi
fi

# --- programs --------------------------------------------------------------------

# program WORD STATUS...: bad_kit WORD ends in one of these ways
program()
{
	check "program: $1"
	guest bad_kit || return 0
	word=$1
	shift
	run_mayfly run -q --timeout 3 "$GUEST" "$word"
	for allowed; do
		[ "$status" != "$allowed" ] || return 0
	done
	fail "exit status $status, not one of $*"
}

program rng 0
expect_out_has 'ok the console does not mind'
program console 12 123 124
program leave 33
expect_out 'ok leaving'
program wipe 0 121 122 123 124 139
expect_out_has 'ok wiping'
program look 0
expect_out_has 'ok looked'
program storm 0
expect_out_has 'ok storm'
