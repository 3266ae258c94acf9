#!/bin/sh
# A machine with every device, all of which were used, and that has nothing
# to do: no thread of the monitor runs. What is compared is how often each was
# switched to and how long it ran, not time. IDLE_SECONDS: how long to look
# (default 3).
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

SECONDS_IDLE=${IDLE_SECONDS:-3}
guest linked_idle && IDLE=$GUEST
truncate -s 1M a.img b.img

# --- the machine -----------------------------------------------------------------

EVERY="--disk a.img,bw=100M,iops=10000 --disk b.img,queues=4"
EVERY="$EVERY --vsock cid=3,path=vs"
EVERY="$EVERY --publish 0:80 --publish 0:80/udp --egress all"
EVERY="$EVERY --balloon size=1M,reporting,hinting,deflate-on-oom"
USED="disks 2
sockets 1
networks 1
balloons 1
random sources 1"
if [ "$NET_OWN" = yes ]; then
	for n in 0 1; do
		own_tap tap$n 10.9.$n.1/24
	done
	EVERY="$EVERY --net tap=tap0,mac=02:00:00:00:09:02 --net tap=tap1"
	USED="$USED
cards 2"
else
	USED="$USED
cards 0"
fi

# no_uring: that is why the monitor did not start
no_uring()
{
	grep -q io_uring "$ERR"
}

# start WORD ARG...: in the background, until the guest said that it is idle
start()
{
	word=$1
	shift
	rm -f sock
	"$HELPERS/vsock" serve vs_7000 stream &
	server=$!
	n=0
	while [ ! -S vs_7000 ] && [ $n -lt 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	# shellcheck disable=SC2086 # words
	"$MAYFLY" run --control sock --kernel-args \
		"mayfly.platform=0xc0000000 $word" $EVERY "$@" "$IDLE" \
		</dev/null >"$OUT" 2>"$ERR" &
	monitor=$!
	n=0
	while ! grep -q '^idle' "$OUT" && [ $n -lt 200 ]; do
		kill -0 $monitor 2>/dev/null || break
		sleep 0.1
		n=$((n + 1))
	done
	grep -q '^idle' "$OUT" || no_uring || fail "the guest did not get idle"
}

stop()
{
	kill $server
	wait $server 2>/dev/null
	rm -f vs_7000
	kill $monitor 2>/dev/null
	status=0
	wait $monitor 2>/dev/null || status=$?
	[ $status = 143 ] || no_uring || fail "exit status $status of a monitor that was to end"
}

used_all()
{
	echo "$USED" | while read -r line; do
		grep -qxF "$line" "$OUT" || echo "$line"
	done >unused
	[ ! -s unused ] || fail "not used as it should be: $(tr '\n' ' ' <unused)"
	grep -q '^errors' "$ERR" || fail "no second console"
}

counter()
{
	"$HELPERS/ask" sock GET /mayfly/metrics |
		awk -v n="mayfly_$1" '$1 == n { print $2 }'
}

# --- how busy it is ---------------------------------------------------------------

# activity: a line for each thread: id, name, switches, ns on a CPU
activity()
{
	for t in "/proc/$monitor"/task/*; do
		echo "${t##*/}" "$(tr ' ' '_' <"$t/comm")" \
			"$(awk '/ctxt_switches/ { n += $2 } END { print n }' \
				"$t/status")" "$(cut -d ' ' -f 1 "$t/schedstat")"
	done 2>/dev/null
}

# frames: what the host sends of its own accord is none of ours
frames()
{
	grep '^ *tap' /proc/net/dev
}

# settle: until the guest is done, the timer that waits 2 s for a host to accept
# a connection has fired, and the kernel's io_uring workers, which wait for more
# work for 5 s, are gone
settle()
{
	n=0
	same=0
	activity >now
	while [ $same -lt 6 ] && [ $n -lt 60 ]; do
		mv now before
		sleep 0.5
		activity >now
		n=$((n + 1))
		same=$((same + 1))
		cmp -s before now && ! grep -q iou-wrk now || same=0
	done
	grep -q iou-wrk now && fail "a worker of the kernel stays"
}

# still: nothing ran for so many seconds
still()
{
	for again in 1 2 3; do
		settle
		frames >frames.before
		activity >before
		sleep "$SECONDS_IDLE"
		activity >after
		frames >frames.after
		if ! cmp -s frames.before frames.after; then
			echo "# the host sent frames, once more ($again)"
			continue
		fi
		# KVM wakes a processor now and then for its own clock
		cmp -s before after && break
		[ "$(grep "^$monitor " before)" = "$(grep "^$monitor " after)" ] ||
			break
		echo "# only a processor ran, once more ($again)"
	done
	awk 'NR == FNR { n[$1] = $3; ns[$1] = $4; next }
		{ printf "%s: %d switches, %d ns; ", $2, $3 - n[$1], $4 - ns[$1] }' \
		before after >ran
	echo "# in $SECONDS_IDLE s: $(cat ran)"
	cmp -s before after || fail "in $SECONDS_IDLE s: $(cat ran)"
}

# --- the checks -------------------------------------------------------------------

for engine in uring poll; do
	check "nothing runs, $engine"
	start "" --loop $engine
	if no_uring; then
		stop
		skip "no io_uring here"
		continue
	fi
	used_all
	still
	stop
done

check "nothing runs, two processors"
start "" -c 2
still
stop

check "looking at the rings ends"
start hot
still
# each question wakes the loop, which looks once more until it is cold
looked=
for again in 1 2 3 4 5 6 7 8 9 10; do
	now=$(counter looks_bus)
	[ "$now" != "$looked" ] || break
	looked=$now
done
echo "# the loop looked ${looked:-0} times"
if [ "$(nproc)" -gt 1 ]; then
	expect "it never looked" [ "${looked:-0}" -gt 0 ]
	expect "it goes on looking" [ "$looked" = "$now" ]
fi
stop
