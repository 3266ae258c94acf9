#!/bin/sh
# Debian's kernel with network cards, in a network namespace of this script's
# own: pings, TCP both ways with every byte compared, offloads on and off, MTU
# 1500 and 9000, several queues. How large the frames on the tap were tells
# whether the offloads were used.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2317 # the guests expand; functions run by name
HELPERS=$GUESTS/tests/integ/helpers
if [ -z "${NET_OWN-}" ]; then
	export NET_OWN=yes
	exec "$HELPERS/tap" own sh "$0"
fi
. "$LIB"
. "$LINUX/linux_lib.sh"

BYTES=${NET_BYTES:-8388608}
STATUS_OFF=0

# Finds the card's features by bit, from 0, in what sysfs says
look='ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up
has() { cut -c $(($1 + 1)) /sys/class/net/eth0/device/features; }
echo csum=$(has 0)$(has 1) tso=$(has 11)$(has 12)$(has 7)$(has 8) ecn=$(has 13)$(has 9)
echo uso=$(has 56)$(has 54)$(has 55) mrg=$(has 15) mac=$(has 5) mtu=$(has 3) status=$(has 16) event=$(has 29)
echo address=$(cat /sys/class/net/eth0/address) mtu=$(cat /sys/class/net/eth0/mtu)
echo carrier=$(cat /sys/class/net/eth0/carrier) queues=$(ls /sys/class/net/eth0/queues | wc -l)
'
pings='ping -c 3 -W 5 10.9.0.1 | grep received
'
last='echo bad=$(dmesg | grep -ciE "BUG:|WARNING: CPU|call trace|rx error|fail to set")
poweroff -f'

# streams NAME: TCP from the guest, then to it
streams()
{
	cat <<-EOF
	stream send 10.9.0.1 5001 $BYTES && echo $1-sent
	echo $1-got \$(stream get 10.9.0.1 5002 $BYTES)
	EOF
}

# frames WHICH: so many frames went through the tap, 3: from the guest, 11: to
# it, as /proc/net/dev counts them
frames()
{
	sed 's/:/ /' /proc/net/dev |
		awk -v which="$1" '$1 == "tap0" { print $which }'
}

# The host's ends of `streams`, $1 times; leaves how many frames each took.
listen()
{
	: >took
	n=0
	while [ "$n" -lt "$1" ]; do
		from=$(frames 3)
		"$HELPERS/stream" take 5001 "$BYTES" >>took 2>&1
		echo "sent $(($(frames 3) - from))" >>took
		from=$(frames 11)
		"$HELPERS/stream" give 5002 "$BYTES" >>took 2>&1
		echo "got $(($(frames 11) - from))" >>took
		n=$((n + 1))
	done
}

# host COMMAND...: on the host meanwhile; no job of this shell, since `linux`
# waits for those.
host()
{
	rm -f host-over
	( ("$@"; : >host-over) & echo $! >host-pid)
}

# What is not over soon will never be.
host_over()
{
	n=0
	while [ ! -f host-over ] && [ $n -lt 20 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	kill "$(cat host-pid)" 2>/dev/null
	killall stream 2>/dev/null
}

# tap_up MTU [multi]
tap_up()
{
	ip link del tap0 2>/dev/null
	# shellcheck disable=SC2086 # nothing, or a word
	"$HELPERS/tap" make tap0 ${2-}
	ip link set tap0 mtu "$1"
	ip addr add 10.9.0.1/24 dev tap0
	ip link set tap0 up
}

# network NAME ROUNDS COMMANDS OPTION...: a guest's whole life, with listeners
# for so many rounds of `streams`
network()
{
	check "$1"
	rounds=$2
	commands=$3
	shift 3
	host listen "$rounds"
	linux bzImage quiet "$look$pings$commands$last" "$@"
	host_over
	sed 's/^/# /' took
	expect_status $STATUS_OFF
	expect_err_empty
	expect_out_has "bad=0"
	expect_out_has "3 packets transmitted, 3 packets received"
	expect "the host received $(cat took)" \
		[ "$(grep -c "^$BYTES bytes" took)" = "$rounds" ]
	for round in one two; do
		[ "$rounds" -gt 1 ] || [ $round = one ] || break
		expect_out_has "$round-sent"
		expect_out_has "$round-got $BYTES bytes"
	done
}

# average WHICH ROUND OP LEN: frames of that stream were OP (-gt, -lt) so long
average()
{
	count=$(grep "^$1 " took | sed -n "$2s/.* //p")
	expect "$1 in ${count:-no} frames" \
		[ $((BYTES / ${count:-1000000000})) "$3" "$4" ]
}

# Offloads make frames of several segments, both ways.
tap_up 1500
network "offloads" 1 "$(streams one)
" --net tap=tap0,mac=02:00:00:00:09:02
expect_out_has "csum=11 tso=1111 ecn=11"
expect_out_has "mrg=1 mac=1 mtu=1 status=1 event=1"
expect_out_has "address=02:00:00:00:09:02 mtu=1500"
expect_out_has "carrier=1 queues=2"
average sent 1 -gt 3000
average got 1 -gt 3000

tap_up 1500
"$HELPERS/offload" tap0 off >host-offloads
network "no offloads" 1 "echo guest: \$(offload eth0 off)
$(streams one)
" --net tap=tap0
expect_out_has "guest: csum 0 sg 0 tso 0 gso 0"
average sent 1 -lt 1600
average got 1 -lt 1600

tap_up 9000
network "MTU 9000, then without offloads" 2 "$(streams one)
offload eth0 off
$(streams two)
" --net tap=tap0
expect_out_has "mtu=9000"
average sent 2 -gt 7000
average sent 2 -lt 9000
average got 1 -gt 3000

tap_up 1500 multi
network "two processors, two queues" 2 "$(streams one)
taskset 2 true 2>/dev/null && pin='taskset 2'
eval \"\$pin $(streams two | head -n 1)\"
$(streams two | tail -n 1)
" -c 2 --net tap=tap0,queues=2
expect_out_has "queues=4"

check "the link goes down and up"
flap()
{
	n=0
	while ! grep -q "carrier=1" "$OUT" && [ "$n" -lt 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	ip link set tap0 down
	while ! grep -q "now=0" "$OUT" && [ "$n" -lt 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	ip link set tap0 up
}
tap_up 1500
host flap
linux bzImage quiet "$look"'now() { cat /sys/class/net/eth0/carrier; }
n=0; while [ $(now) = 1 ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
echo now=$(now)
n=0; while [ $(now) = 0 ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
echo then=$(now)
sleep 1
'"$pings$last" --net tap=tap0
host_over
expect_status $STATUS_OFF
expect_out_has "now=0"
expect_out_has "then=1"
expect_out_has "3 packets transmitted, 3 packets received"
ip link del tap0
exit 0
