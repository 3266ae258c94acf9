#!/bin/sh
# Network cards on taps, in a network namespace of this script's own: what is
# sent comes back byte for byte, links go down and up, words of --net, guards,
# hostile drivers. NET_FRAMES: datagrams of the long run (default 20000).
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

if [ "$NET_OWN" = no ]; then
	check "network"
	skip "no right to make taps and network namespaces here"
	exit
fi

[ "$RUN_LIMIT" -gt 60 ] || RUN_LIMIT=60
FRAMES=${NET_FRAMES:-20000}
[ "$LANE" = kvm ] || FRAMES=${NET_FRAMES:-1000}
MAC=02:00:00:00:09:02
PING=$(command -v ping || echo busybox ping)
guest responder && RESPONDER=$GUEST
guest bad_net && BAD=$GUEST

# tap_up NAME [multi]: a tap with the host at 10.9.0.1
tap_up()
{
	own_tap "$1" 10.9.0.1/24 "${2-}"
}

tap_gone()
{
	ip link del "$1" 2>/dev/null
}

# start COMMAND...: mayfly in the background, until the guest said where it is
start()
{
	"$@" </dev/null >>"$OUT" 2>>"$ERR" &
	monitor=$!
	said "MTU" || fail "the guest did not start"
}

# said TEXT: waits until the guest did
said()
{
	n=0
	while ! grep -q "$1" "$OUT" && [ $n -lt 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	grep -q "$1" "$OUT"
}

respond()
{
	start "$MAYFLY" run --timeout 100 "$@" --kernel-args ip=10.9.0.2 "$RESPONDER"
}

stop()
{
	kill "$monitor" 2>/dev/null
	wait "$monitor" 2>/dev/null
	status=$?
	[ $status = 143 ] || fail "exit status $status of a monitor that was to end"
}

# echoes COUNT BYTES WINDOW: all come back as they went
echoes()
{
	"$HELPERS/udp_echo" 10.9.0.2 7 "$@" >echoed 2>rate ||
		fail "$* datagrams: $(cat echoed)"
	echo "# $*: $(cat rate)"
}

# Also so that the host knows the way: what waits for its ARP may be dropped.
pings()
{
	$PING -c 3 -W 5 "$@" 10.9.0.2 >pinged 2>&1 ||
		fail "ping: $(tail -n 2 pinged | tr '\n' ' ')"
}

fds()
{
	find "/proc/$monitor/fd" | wc -l
}

# Both threads sleep; what counts is being woken, not time.
switches()
{
	cat "/proc/$monitor"/task/*/status |
		awk '/^voluntary/ { n += $2 } END { print n }'
}

# --- what is sent comes back ---------------------------------------------------

for engine in uring poll; do
	check "echoes, $engine"
	tap_up tap0
	respond --net tap=tap0,mac=$MAC --loop $engine
	if grep -q io_uring "$ERR"; then
		skip "no io_uring here"
		tap_gone tap0
		continue
	fi
	expect_out_has "10.9.0.2 at $MAC, MTU 1500, link up"
	before=$(fds)
	pings
	pings -s 1400
	echoes 1000 18 1
	echoes "$FRAMES" 100 48
	echoes 1000 1472 48
	echoes 1000 4 48
	expect "$before descriptors became $(fds)" [ "$before" = "$(fds)" ]
	stop
	expect_err_empty
	tap_gone tap0
done

check "echoes, MTU 9000"
tap_up tap0
ip link set tap0 mtu 9000
respond --net tap=tap0
expect_out_has "MTU 9000"
pings -s 8972
echoes 1000 8972 16
echoes 1000 1472 16
stop
tap_gone tap0

check "a smaller MTU of the guest's own"
tap_up tap0
respond --net tap=tap0,mtu=600
expect_out_has "MTU 600"
pings
echoes 100 572 4
"$HELPERS/udp_echo" 10.9.0.2 7 1 1000 1 >echoed 2>/dev/null &&
	fail "a frame beyond the MTU arrived"
echoes 100 572 4
stop
tap_gone tap0

check "several queues"
tap_up tap0 multi
respond --net tap=tap0,queues=2
pings
echoes 1000 100 16
stop
tap_gone tap0

check "two cards"
tap_up tap0
"$HELPERS/tap" make tap1
respond --net tap=tap0 --net tap=tap1
pings
stop
tap_gone tap0
tap_gone tap1

check "a descriptor"
tap_up tap0
start "$HELPERS/tap" with 7 tap0 0 vp "$MAYFLY" run \
	--timeout 100 --net fd=7,mac=$MAC \
	--kernel-args ip=10.9.0.2 "$RESPONDER"
pings
echoes 1000 1000 16
stop
tap_gone tap0

# The tap takes one frame at a time: the rest waits for it.
check "a tap that takes little at a time"
tap_up tap0
start "$HELPERS/tap" with 7 tap0 2000 vp "$MAYFLY" run \
	--timeout 100 --net fd=7,mac=$MAC \
	--kernel-args ip=10.9.0.2 "$RESPONDER"
pings
echoes 2000 1400 32
stop
tap_gone tap0

# What waits for its turn is not lost.
check "a rate"
tap_up tap0
respond --net tap=tap0,iops=200,bw=10M
pings
echoes 60 1000 8
stop
tap_gone tap0

# --- links ----------------------------------------------------------------------

check "a link that goes down and up"
tap_up tap0
respond --net tap=tap0
pings
before=$(fds)
for n in 1 2 3; do
	: >"$OUT"
	ip link set tap0 down
	said "link down" || fail "the guest was not told that it went down"
	ip link set tap0 up
	said "link up" || fail "the guest was not told that it came up"
	pings
done
expect "$before descriptors became $(fds)" [ "$before" = "$(fds)" ]
stop
tap_gone tap0

check "a link that is down at the start"
tap_up tap0
ip link set tap0 down
respond --net tap=tap0
expect_out_has "link down"
: >"$OUT"
ip link set tap0 up
said "link up" || fail "the guest was not told that it came up"
pings
stop
tap_gone tap0

check "a tap that is deleted"
tap_up tap0
respond --net tap=tap0
pings
: >"$OUT"
ip link del tap0
said "link down" || fail "the guest was not told that it is gone"
sleep 0.3
expect "the monitor is gone, too" kill -0 "$monitor"
before=$(switches)
sleep 1
after=$(switches)
expect "woken $((after - before)) times" [ $((after - before)) -lt 20 ]
stop

check "idle"
tap_up tap0
respond --net tap=tap0
pings
sleep 1
before=$(switches)
sleep 2
after=$(switches)
expect "woken $((after - before)) times" [ $((after - before)) -lt 20 ]
stop
tap_gone tap0

# --- guards ---------------------------------------------------------------------

# guard WORDS VERDICT
guard()
{
	check "source addresses, $1"
	tap_up tap0
	run_mayfly run -q --net "tap=tap0$1" --kernel-args spoof "$BAD"
	expect_status 0
	expect_out "ok $2"
	tap_gone tap0
}

check "segmentation of UDP"
tap_up tap0
"$HELPERS/udp_echo" segments 7777 5 1000 >pieces 2>&1 &
segments=$!
run_mayfly run -q --net tap=tap0 --kernel-args uso "$BAD"
kill $segments 2>/dev/null
wait $segments 2>/dev/null
expect_status 0
if grep -q "without" "$OUT"; then
	skip "the host's taps have none"
else
	expect_out "ok segmentation of UDP"
	expect "the host got $(grep -c '^1000 bytes' pieces) datagrams" \
		[ "$(grep -c '^1000 bytes' pieces)" = 5 ]
fi
tap_gone tap0

guard "" "with another's address"
guard ",mac=$MAC" "with its own address only"
guard ",mac=$MAC,spoof=on" "with another's address"
guard ",spoof=off" "with its own address only"

# --- what is refused --------------------------------------------------------------

# refused NAME OPTION TEXT...: --net OPTION ends with 125 and one line
refused()
{
	check "$1"
	run_mayfly run --net "$2" "$RESPONDER"
	shift 2
	expect_status 125
	for text; do
		expect_err_has "$text"
	done
	expect "$(wc -l <"$ERR") lines" [ "$(head -n 1 "$ERR" | grep -c ^mayfly)" = 1 ]
}

tap_up tap0
tap_up tap1 multi
echo "wait" >holding
"$HELPERS/tap" hold tap0 60 >holding &
holder=$!
n=0
while ! grep -q holding holding && [ $n -lt 50 ]; do
	sleep 0.1
	n=$((n + 1))
done
refused "tap that is in use" tap=tap0 '--net tap=tap0' 'another process uses it'
kill $holder
wait $holder 2>/dev/null
refused "not a tap" tap=lo '--net tap=lo' 'no tap'
refused "one queue too many" tap=tap0,queues=2 '--net tap=tap0' multi_queue
refused "long name" tap=abcdefghijklmnop "tap='abcdefghijklmnop'" '1 to 15'
refused "pattern for a name" tap=tap%d "tap='tap%d'"
refused "no name" tap= "tap=''"
refused "nothing" '' "''" 'allowed is tap=NAME or fd=N'
refused "both" tap=tap0,fd=5 'one of them'
refused "neither" mac=$MAC 'tap=NAME or fd=N'
refused "unknown word" tap=tap0,vhost "'vhost'" 'allowed is tap=NAME'
refused "empty word" tap=tap0,,mtu=900 "''" 'allowed is'
refused "address of a group" tap=tap0,mac=01:00:5e:00:00:01 mac= 'one station'
refused "address of five bytes" tap=tap0,mac=02:00:00:00:00 mac= xx:xx
refused "no MTU" tap=tap0,mtu= mtu "''"
refused "small MTU" tap=tap0,mtu=67 mtu "'67'" '68 to 65535'
refused "no queues" tap=tap0,queues=0 queues "'0'" '1 to 8'
refused "nine queues" tap=tap1,queues=9 queues "'9'" '1 to 8'
refused "spoofing of a kind" tap=tap0,spoof=maybe spoof "'maybe'" 'off'
refused "rate of letters" tap=tap0,bw=fast bw "'fast'"
refused "burst without a rate" tap=tap0,bw-burst=1M 'only with bw='
refused "standard output" fd=1 fd "'1'" '3 to'
refused "closed descriptor" fd=333 '--net fd=333' 'Bad file'
refused "two queues of a descriptor" fd=7,queues=2 'queues=2' 'allowed is 1'

check "descriptor of something else"
status=0
"$MAYFLY" run --net fd=7 "$RESPONDER" 7</dev/null >"$OUT" 2>"$ERR" || status=$?
expect_status 125
expect_err_has 'not the descriptor of a tap'

check "descriptor without vnet_hdr"
status=0
"$HELPERS/tap" with 7 tap0 0 p "$MAYFLY" run --net fd=7 "$RESPONDER" \
	</dev/null >"$OUT" 2>"$ERR" || status=$?
expect_status 125
expect_err_has 'vnet_hdr'

check "one tap, two cards"
run_mayfly run --net tap=tap0 --net tap=tap0 "$RESPONDER"
expect_status 125
expect_err_has 'tap=tap0: another --net has it'

check "five cards"
run_mayfly run --net tap=a --net tap=b --net tap=c --net tap=d --net tap=e \
	"$RESPONDER"
expect_status 125
expect_err_has 'allowed are 4 networks'

check "a tap that does not exist"
respond --net tap=tap7
expect_err_has "there was no tap 'tap7'"
expect "it was not made" ip link show tap7 >/dev/null 2>&1
stop
ip link show tap7 >/dev/null 2>&1 && fail "it is still there"
tap_gone tap0
tap_gone tap1

# --- drivers that mean harm --------------------------------------------------------

# While the host sends without mercy
flood()
{
	while :; do
		"$HELPERS/udp_echo" 10.9.0.2 7 3000 300 3000
	done >/dev/null 2>&1
}

# hostile NAME OPTION...
hostile()
{
	check "$1"
	shift
	tap_up tap0 multi
	flood &
	flood=$!
	run_mayfly run -q -c 2 "$@" "$BAD"
	kill $flood
	wait $flood 2>/dev/null
	tap_gone tap0
	if [ "$status" = 125 ] && grep -q io_uring "$ERR"; then
		skip "no io_uring here"
		return
	fi
	expect_status 0
	tail -n 1 "$OUT" | grep -aq '^ok a card' ||
		fail "verdict: $(tail -n 1 "$OUT" | tr -cd '[:print:]')"
}

hostile "hostile driver, uring" --loop uring --net tap=tap0
[ "$LANE" = svm ] || # twice is enough where all is slow
	hostile "hostile driver, poll" --loop poll --net tap=tap0

# above COUNTER...: each is more than 0 in the answer
above()
{
	for counter; do
		grep -q "$counter [1-9]" answer || return 1
	done
}

check "hostile driver, two queues: counters name what was refused"
tap_up tap0 multi
flood &
flood=$!
"$MAYFLY" run -q -c 2 --control sock --net "tap=tap0,queues=2,mac=$MAC" "$BAD" \
	</dev/null >"$OUT" 2>"$ERR" &
monitor=$!
n=0
: >answer
until above tx_bad_net rx_frames_net tx_frames_net ctrl_refused_net \
	guest_faults_virtio; do
	n=$((n + 1))
	if [ $n -gt 300 ] || ! kill -0 $monitor 2>/dev/null; then
		fail "not all were: $(grep _net answer | tr '\n' ' ')"
		break
	fi
	sleep 0.1
	"$HELPERS/ask" sock GET /mayfly/metrics >answer 2>/dev/null
done
wait $monitor
status=$?
kill $flood
wait $flood 2>/dev/null
expect_status 0
expect_out_has 'ok a card'
tap_gone tap0
exit 0
