#!/bin/sh
# A program's sockets to the world, by Linux's calls: TCP and UDP through
# --publish and --egress, names, AF_VSOCK both ways. SOCKETS_BYTES: how many
# bytes each echo moves in all, like 1G (default 32M; with TEST_LIMIT to match).
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

INET=$GUESTS/tests/integ/helpers/inet
VSOCK=$GUESTS/tests/integ/helpers/vsock
HERE=127.0.0.1
guest kit_net && NET=$GUEST
[ "$NET_OWN" = no ] || ip link set lo up

if [ "$LANE" = svm ]; then
	TOTAL=${SOCKETS_BYTES:-1M} MANY=40 CHURN=100
	RUN_LIMIT=100
else
	TOTAL=${SOCKETS_BYTES:-32M} MANY=1000 CHURN=1000
	RUN_LIMIT=${TEST_LIMIT:-120}
fi
case $TOTAL in
*G) TOTAL=$((${TOTAL%G} << 30)) ;;
*M) TOTAL=$((${TOTAL%M} << 20)) ;;
esac

SOCK=$PWD/s
servers=

# server MODE [ADDR [WORD]...]: of TCP or UDP, in the background; its port is in
# $port
server()
{
	s_mode=$1
	s_addr=${2-$HERE}
	rm -f port
	[ $# -lt 2 ] || shift
	shift
	"$INET" "$s_mode" "$s_addr" port "$@" &
	servers="$servers $!"
	wait_for port
	port=$(cat port)
}

# vserver PORT WORD...: the same of AF_VSOCK
vserver()
{
	v_path=${SOCK}_$1
	v_mode=$2
	shift 2
	"$VSOCK" "$v_mode" "$v_path" "$@" &
	servers="$servers $!"
	w_n=0
	until [ -S "$v_path" ] || [ $w_n -ge 100 ]; do
		sleep 0.1
		w_n=$((w_n + 1))
	done
}

stop_servers()
{
	# shellcheck disable=SC2086 # a list
	kill $servers
	# shellcheck disable=SC2086
	wait $servers 2>/dev/null
	servers=
}

# wait_for FILE [TEXT]: it is there, and has the text
wait_for()
{
	w_n=0
	until grep -q "${2-.}" "$1" 2>/dev/null || [ $w_n -ge 200 ]; do
		sleep 0.1
		w_n=$((w_n + 1))
	done
	grep -q "${2-.}" "$1" || fail "no ${2-$1}"
}

# from_guest WORDS [OPTION]...: the program, to its end
from_guest()
{
	f_words=$1
	shift
	# shellcheck disable=SC2086 # words
	run_mayfly run -m 256M "$@" "$NET" $f_words
}

# up WORDS [OPTION]...: the program in the background, until it is ready
up()
{
	u_words=$1
	shift
	# shellcheck disable=SC2086 # words
	"$MAYFLY" run -m 256M --timeout "$RUN_LIMIT" "$@" "$NET" $u_words \
		</dev/null >"$OUT" 2>"$ERR" &
	up=$!
	wait_for "$OUT" ready
	port=$(sed -n 's/^mayfly: port 80.* is .*:\([0-9]*\)$/\1/p' "$ERR")
}

down()
{
	status=0
	# shellcheck disable=SC2034 # lib.sh looks at it
	wait "$up" || status=$?
	expect_status 0
}

# client HELPER WORD...: what it says is in `said`
client()
{
	if ! said=$("$@" 2>helper); then
		fail "client: $(cat helper)"
		kill "$up" 2>/dev/null # it may wait for this client
	fi
}

expect_said()
{
	[ "$said" = "$1" ] || fail "the client says '$said'"
}

# --- TCP out --------------------------------------------------------------------

server serve
for how in connect poll; do
	check "$how, to who is there"
	from_guest "$how $HERE $port" --egress "$HERE:$port"
	expect_status 0
	expect_out_has "peer $HERE $port"
	expect_out_has connected

	check "$how, to who is not"
	from_guest "$how $HERE 1" --egress "$HERE:*"
	expect_status 1
	expect_out_has "Connection refused"
	from_guest "$how $HERE $port"
	expect_status 1
	expect_out_has "Connection refused"
	from_guest "$how 10.20.30.40 1" --egress "$HERE:*"
	expect_status 1
	expect_out_has "Permission denied"
done

check "connect, by IPv6"
if ! grep -q lo /proc/net/if_inet6 2>/dev/null; then
	skip "no IPv6 on this host"
else
	from_guest "connect ::ffff:$HERE $port" --egress "$HERE:$port"
	expect_out_has "peer ::ffff:$HERE $port"
	server serve ::1
	from_guest "poll ::1 $port" --egress "[::1]:$port"
	expect_out_has "peer ::1 $port"
fi

check "the host's side resets"
server reset
from_guest "connect $HERE $port" --egress "$HERE:$port"
expect_status 1
expect_out_has "Connection reset"
stop_servers

# --- TCP in ---------------------------------------------------------------------

for n in 1 20 $MANY; do
	check "echo, $n clients"
	each=$((TOTAL / n))
	up "serve tcp 80 $n" --publish 0:80
	client "$INET" echo $HERE "$port" "$n" "$each"
	down
	expect_said "echoed $((each * n)) bytes"
	expect_out_has "served $n"
done

check "$CHURN clients one after the other"
up "serve tcp 80 $CHURN" --publish 0:80
client "$INET" churn $HERE "$port" "$CHURN"
down

check "a client stops sending"
up "serve tcp 80 1" --publish 0:80
client "$INET" half $HERE "$port" 3000000
down
expect_said ok

check "clients that reset"
up "serve tcp 80 3" --publish 0:80
client "$INET" abort $HERE "$port"
client "$INET" abort $HERE "$port"
client "$INET" half $HERE "$port" 10
down

# --- UDP ------------------------------------------------------------------------

check "datagrams out"
server udp
from_guest "send $HERE $port" --egress "$HERE:$port"
expect_status 0
expect_out answered
from_guest "send $HERE 1" --egress "$HERE:*"
expect_status 1
expect_out "recv: Connection refused"
from_guest "send $HERE $port"
expect_out "recv: Connection refused"
from_guest "send 10.20.30.40 1" --egress "$HERE:*"
expect_out "recv: Permission denied"

check "datagrams in"
up "udp 80 50" --publish 0:80/udp
port=$(sed -n 's/^mayfly: port 80\/udp of.*:\([0-9]*\)$/\1/p' "$ERR")
client "$INET" datagram $HERE "$port" 50
down
expect_said ok

check "names"
server dns
if [ "$NET_OWN" = no ]; then
	skip "no right to a network namespace here"
else
	ip addr add 10.20.30.40/32 dev lo
	from_guest "name x.good.test" --resolver "$HERE:$port" \
		--egress x.good.test:80
	expect_out_has 10.20.30.40
fi
stop_servers

# --- AF_VSOCK -------------------------------------------------------------------

# vguest WORDS: from_guest with a socket device
vguest()
{
	from_guest "$1" --vsock "cid=3,path=$SOCK"
	expect_status 0
}

check "its own address"
vguest cid
expect_out "cid 3"

vserver 9 serve stream
for n in 1 $((MANY / 2)); do
	check "vsock, $n connections of the guest"
	each=$((TOTAL / n))
	vguest "vecho 9 $n $each"
	expect_out "echoed $((each * n))"
done

check "vsock, a port that nobody has"
from_guest "vecho 10 1 1" --vsock "cid=3,path=$SOCK"
expect_status 1
expect_out "connect: Connection reset by peer"

check "vsock, records of the guest"
vserver 11 serve seq
vguest "vrecords 11 300"
expect_out "records 300"
stop_servers

for n in 1 $MANY; do
	check "vsock, $n clients"
	each=$((TOTAL / n))
	up "serve vsock 7 $n" --vsock "cid=3,path=$SOCK"
	client "$VSOCK" echo "$SOCK" 7 "$n" "$each"
	down
done

check "vsock, records of a client"
up "serve seq 7 1" --vsock "cid=3,path=$SOCK"
client "$VSOCK" records "$SOCK" 7
down
