#!/bin/sh
# Drivers that mean harm, again and again on one machine, which is looked at
# after each round, with the attacked device reset: no descriptor, operation or
# memory may have stayed. ROUNDS: how many (default 2).
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

ROUNDS=${ROUNDS:-2}
if [ "$LANE" = svm ]; then
	check "attacks in rounds"
	skip "minutes of emulation; the KVM lane does it"
	exit
fi
head -c 1048576 /dev/urandom >disk.img

# start ARG...: in the background; what is written to 3 is the guest's input
start()
{
	rm -f sock input
	mkfifo input
	"$MAYFLY" run -q --control sock "$@" <input >"$OUT" 2>"$ERR" &
	monitor=$!
	exec 3>input
}

stop()
{
	kill $monitor 2>/dev/null
	status=0
	wait $monitor 2>/dev/null || status=$?
	exec 3>&-
	[ $status = 143 ] || fail "exit status $status of a monitor that was to end"
}

# round N: waits until so many are over
round()
{
	n=0
	while [ "$(grep -ac '^round of' "$OUT")" -lt "$1" ]; do
		n=$((n + 1))
		if [ $n -ge 600 ] || ! kill -0 $monitor 2>/dev/null; then
			fail "round $1 did not end: $(tail -n 1 "$OUT" |
				tr -cd '[:print:]' | cut -c 1-100)"
			return 1
		fi
		sleep 0.1
	done
}

# metric NAME
metric()
{
	awk -v n="mayfly_$1" '$1 == n { print $2 }' metrics
}

# own_kib: private memory beside the guest's and other large reserves
own_kib()
{
	awk '/^Size:/ { size = $2 }
		/^Private_Dirty:/ && size < 32768 { n += $2 }
		END { print n }' "/proc/$monitor/smaps"
}

# slots_kib: what of the largest reserve, the sockets' buffers, is in memory
slots_kib()
{
	awk '/^Size:/ { size = $2 } /^Rss:/ && size > 262144 { n += $2 }
		END { print n + 0 }' "/proc/$monitor/smaps"
}

# look: what there is now, into `now`. Without the console's input, which is
# waited for, and this request.
look()
{
	"$HELPERS/ask" sock GET /mayfly/metrics >metrics
	{
		echo "descriptors $(find "/proc/$monitor/fd" | wc -l)"
		echo "operations $(metric in_flight_loop)"
		echo "requests $(metric in_flight_virtio)"
	} >now
}

# no_more: nothing in `now` is more than in `first`
no_more()
{
	awk 'NR == FNR { n[$1] = $2; next } $2 > n[$1] { more = 1 }
		END { exit more }' first now
}

# same: sooner or later there is no more than after the first round; what ends
# in its own time, like the poll of a socket, may take it
same()
{
	n=0
	look
	while ! no_more && [ $n -lt 50 ]; do
		sleep 0.1
		look
		n=$((n + 1))
	done
	no_more || fail "round $1: $(tr '\n' ' ' <first)became $(
		tr '\n' ' ' <now)"
}

# rounds: attacks, and looks after each
rounds()
{
	round 1 || return
	sleep 0.5
	look
	mv now first
	kib=$(own_kib)
	r=1
	while [ $r -lt "$ROUNDS" ]; do
		r=$((r + 1))
		echo >&3
		round $r || return
		same $r
	done
	faults=$(metric guest_faults_virtio)
	echo "# after $ROUNDS rounds and ${faults:-no} faults:" \
		"$(tr '\n' ' ' <now)own memory $kib -> $(own_kib) KiB," \
		"buffers of sockets $(slots_kib) KiB"
	expect "no device was stopped" [ "${faults:-0}" -gt 0 ]
	# the console's read of its input, and nothing else
	expect "$(metric in_flight_virtio) requests are in flight" \
		[ "$(metric in_flight_virtio)" -le 1 ]
	expect "own memory grew from $kib to $(own_kib) KiB" \
		[ "$(own_kib)" -le $((kib + 128)) ]
	expect "buffers of sockets hold $(slots_kib) KiB" [ "$(slots_kib)" -le 64 ]
}

check "a disk"
if guest bad_blk; then
	start --disk disk.img "$GUEST" rounds
	rounds
	stop
fi

check "a card"
if [ "$NET_OWN" = no ]; then
	skip "no right to make taps and network namespaces here"
elif guest bad_net; then
	own_tap tap0 10.9.0.1/24
	start -c 2 --net tap=tap0 --kernel-args rounds "$GUEST"
	rounds
	stop
	ip link del tap0
fi

check "sockets"
"$HELPERS/vsock" serve vs_9 stream &
server=$!
"$HELPERS/vsock" deaf vs_10 &
deaf=$!
n=0
while { [ ! -S vs_9 ] || [ ! -S vs_10 ]; } && [ $n -lt 100 ]; do
	sleep 0.1
	n=$((n + 1))
done
if guest bad_vsock; then
	start -c 2 --vsock cid=3,path=vs --kernel-args rounds "$GUEST"
	rounds
	stop
fi
kill $server $deaf
wait $server $deaf 2>/dev/null

check "a balloon"
if guest bad_balloon; then
	start -c 2 --balloon stats=1,reporting,hinting,deflate-on-oom \
		--kernel-args rounds "$GUEST"
	rounds
	stop
fi
