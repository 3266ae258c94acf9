#!/bin/sh
# TCP and UDP over vsock: where --egress lets a guest connect, what --publish
# lets in, bytes, ends and resets both ways, datagrams, names, broken words.
# NETPROXY_BYTES: how many bytes each echo moves in all, like 1G (default 64M;
# with TEST_LIMIT to match). In a network namespace of its own, where there is
# the right to one.
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

INET=$GUESTS/tests/integ/helpers/inet
HERE=127.0.0.1
guest linked_netproxy && LINKED=$GUEST

if [ "$LANE" = svm ]; then
	TOTAL=${NETPROXY_BYTES:-2M} MANY=50 CHURN=100
	RUN_LIMIT=100
else
	TOTAL=${NETPROXY_BYTES:-64M} MANY=500 CHURN=2000
	RUN_LIMIT=${TEST_LIMIT:-120}
fi
case $TOTAL in
*G) TOTAL=$((${TOTAL%G} << 30)) ;;
*M) TOTAL=$((${TOTAL%M} << 20)) ;;
esac

servers=
if [ "$NET_OWN" = yes ]; then
	ip link set lo up
	ip addr add 10.20.30.40/32 dev lo # what the test's name server says
fi

# server MODE [ADDR [WORD]...]: in the background; its port is in $port
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

stop_servers()
{
	# shellcheck disable=SC2086 # a list
	kill $servers
	# shellcheck disable=SC2086
	wait $servers 2>/dev/null
	servers=
}

wait_for()
{
	w_n=0
	until [ -s "$1" ] || [ $w_n -ge 100 ]; do
		sleep 0.1
		w_n=$((w_n + 1))
	done
	[ -s "$1" ] || fail "no $1"
}

# from_guest WORDS [OPTION]...: the guest, to its end
from_guest()
{
	f_words=$1
	shift
	run_mayfly run -m 256M "$@" \
		--kernel-args "mayfly.platform=0xc0000000 -- $f_words" "$LINKED"
	expect_status 0
}

# up WORDS [OPTION]...: the guest in the background; port 80 is published, on
# a port that it says on stderr
up()
{
	u_words=$1
	shift
	"$MAYFLY" run -m 256M --timeout "$RUN_LIMIT" "$@" \
		--kernel-args "mayfly.platform=0xc0000000 -- $u_words" \
		"$LINKED" </dev/null >"$OUT" 2>"$ERR" &
	up=$!
	wait_for "$ERR"
	port=$(sed -n 's/^mayfly: port 80.* is .*:\([0-9]*\)$/\1/p' "$ERR")
	[ -n "$port" ] || fail "it does not say which port"
}

down()
{
	status=0
	wait "$up" || status=$?
}

# client WORD...: what the helper says is in `said`
client()
{
	if ! said=$("$INET" "$@" 2>helper); then
		fail "client: $(cat helper)"
		kill "$up" 2>/dev/null # it may wait for this client
	fi
}

expect_said()
{
	[ "$said" = "$1" ] || fail "the client says '$said'"
}

# --- out ------------------------------------------------------------------------

server serve
ALLOW="--egress $HERE:$port"

# verdict ERRNO ADDR PORT EGRESS: what a connection comes to
verdict()
{
	from_guest "connect $2 $3" --egress "$4"
	expect_out "errno $1"
}

check "an address that is allowed"
verdict 0 $HERE "$port" "$HERE:$port"
verdict 0 $HERE "$port" "none.test:1,127.0.0.0/8:$port-$port"
verdict 0 "6$HERE" "$port" "127.0.0.0/8:*"
expect_err_empty

check "addresses that are not"
verdict 111 $HERE "$port" none
verdict 111 $HERE "$port" all
verdict 111 $HERE "$port" "0.0.0.0/0:*,[::/0]:*"
verdict 111 $HERE "$port" "$HERE:1-$((port - 1)),$HERE:$((port + 1))-65535"
verdict 111 0.0.0.0 "$port" "$HERE:*"
verdict 111 "6$HERE" "$port" all
verdict 111 ::1 "$port" all
verdict 13 169.254.169.254 80 all
verdict 13 10.20.30.40 80 10.20.30.41:*
verdict 13 10.20.30.40 80 none

check "nothing is allowed unless it is said"
from_guest "connect 10.20.30.40 80" --publish 0:80
expect_out "errno 13"

check "a port that nobody has"
verdict 111 $HERE 1 "$HERE:*"

check "IPv6"
if [ ! -e /proc/net/if_inet6 ] || ! grep -q lo /proc/net/if_inet6; then
	skip "no IPv6 on this host"
else
	server serve ::1
	verdict 0 ::1 "$port" "[::1]:$port"
	verdict 111 ::1 "$port" "$HERE:*"
fi
server serve
ALLOW="--egress $HERE:$port"

for n in 1 20 $MANY; do
	check "echo, $n connections of the guest"
	each=$((TOTAL / n))
	# shellcheck disable=SC2086 # an option and its value
	from_guest "echo $HERE $port $n $each" $ALLOW
	expect_out "echoed $((each * n))"
	expect_err_empty
done

check "echo, poll loop"
# shellcheck disable=SC2086
from_guest "echo $HERE $port 3 3000001" $ALLOW --loop poll
expect_out "echoed 9000003"

check "$CHURN connections one after the other"
# shellcheck disable=SC2086
from_guest "churn $HERE $port $CHURN" $ALLOW
expect_out "ok 0"

check "the guest stops sending"
# shellcheck disable=SC2086
from_guest "half $HERE $port" $ALLOW
expect_out "ok 0"

check "the host resets"
server reset
from_guest "reset $HERE $port" --egress "$HERE:$port"
expect_out "errno 104"

check "the guest resets"
server witness $HERE log
from_guest "abort $HERE $port" --egress "$HERE:$port"
wait_for log
expect "the host saw '$(cat log)'" grep -q 'reset by peer' log

check "a guest that ends closes its connections"
rm -f log
from_guest "connect $HERE $port" --egress "$HERE:$port"
wait_for log
expect "the host saw '$(cat log)'" grep -q end log

# --- in -------------------------------------------------------------------------

for n in 1 20 $MANY; do
	check "echo, $n clients"
	each=$((TOTAL / n))
	up "serve 80 $n 16" --publish 0:80
	client echo $HERE "$port" "$n" "$each"
	down
	expect_said "echoed $((each * n)) bytes"
	expect_status 0
	expect_out_has "served $n"
done

check "a client's address"
up "serve 80 1 1" --publish 0:80
client half $HERE "$port" 3000000
down
expect_said ok
expect_out_has "client of 80 family 2 127.0.0.1"

check "an IPv4 client of an IPv6 socket"
up "serve 80 1 1 6" --publish 0:80
client half $HERE "$port" 1000
down
expect_out_has "client of 80 family 10 0.0.0.0 or 1" # ::ffff:127.0.0.1

check "an IPv6 client of an IPv4 socket"
if ! grep -q lo /proc/net/if_inet6 2>/dev/null; then
	skip "no IPv6 on this host"
else
	up "serve 80 1 1" --publish '[::1]:0:80'
	client half ::1 "$port" 1000
	down
	expect_out_has "client of 80 family 2 192.0.2.1"
fi

check "clients that reset"
up "serve 80 2 4" --publish 0:80
client abort $HERE "$port"
client abort $HERE "$port"
down
expect_status 0
expect_out_has "served 2"

check "a port listens while the guest does"
up "again 80" --publish 0:80
for _ in 1 2 3; do
	client once $HERE "$port"
done
down
expect_status 0
expect "$(grep -c served "$OUT") of 3 rounds" \
	[ "$(grep -c 'served 1' "$OUT")" = 3 ]

check "a port is refused until the guest listens"
up "udpserve 80 1" --publish 0:80/tcp --publish 0:80/udp
tcp=$(sed -n 's/^mayfly: port 80 of.*:\([0-9]*\)$/\1/p' "$ERR")
udp=$(sed -n 's/^mayfly: port 80\/udp of.*:\([0-9]*\)$/\1/p' "$ERR")
client refused $HERE "$tcp"
expect_said refused
client datagram $HERE "$udp" 1
down
expect_status 0

check "a port of the guest that is not published, or twice"
from_guest "unpublished 80" --publish 0:80
expect_out "errno 98"

check "a port that is taken"
server serve
run_mayfly run --publish "$port:80" "$LINKED"
expect_status 125
expect_err_has "--publish: $HERE:$port: Address already in use"

check "two machines want one port"
up "serve 80 1 1" --publish 0:80
run_mayfly run --publish "$port:80" "$LINKED"
expect_status 125
expect_err_has "$HERE:$port: Address already in use"
client half $HERE "$port" 10
down
expect_status 0

# --- datagrams ------------------------------------------------------------------

check "datagrams of the guest"
server udp
from_guest "udp $HERE $port" --egress "$HERE:$port"
expect_out "ok 0"
from_guest "udp $HERE $port" --egress "$HERE:1"
expect_out "errno 111"
from_guest "udp 10.20.30.40 1" --egress "$HERE:*"
expect_out "errno 13"
from_guest "udp $HERE 1" --egress "$HERE:*" # ICMP says so
expect_out "errno 111"

check "datagrams to the guest"
up "udpserve 80 50" --publish 0:80/udp
client datagram $HERE "$port" 50
down
expect_said ok
expect_status 0
expect_out_has "ok 0"

# --- names ----------------------------------------------------------------------

server dns
ASK="--resolver $HERE:$port"

# name ANSWER NAME PORT EGRESS
name()
{
	# shellcheck disable=SC2086
	from_guest "dns $2 $3" $ASK --egress "$4"
	expect_out "$1"
}

check "names and what they allow"
if [ "$NET_OWN" = no ]; then
	skip "no right to a network namespace here"
else
	yes='rcode 0
errno 111'
	no='rcode 0
errno 13'
	name "$yes" x.good.test 9 x.good.test:9
	name "$yes" X.Good.Test 9 '*.good.test:1-100'
	name "$yes" x.good.test 9 all
	name "$no" x.good.test 10 x.good.test:9
	name "$no" x.good.test 10 'x.good.test:9,other.test:10'
fi

check "names that are refused"
name "rcode 5" y.good.test 9 x.good.test:9
name "rcode 5" x.good.test 9 10.20.30.40:9
name "rcode 5" x.good.test 9 none
name "rcode 3" nobody.test 9 all

check "a name that means the host itself"
name 'rcode 0
errno 111' x.local.test "$port" 'x.local.test:*'

check "a resolver that is not there"
ASK="--resolver $HERE:1"
# shellcheck disable=SC2086
run_mayfly run --timeout 3 $ASK --egress all --kernel-args \
	"mayfly.platform=0xc0000000 -- dns x.good.test 1" "$LINKED"
expect_out_has "answer"
expect_out_has "-111" # at once, as ICMP says

# --- broken words ---------------------------------------------------------------

server serve
for engine in uring poll; do
	check "hostile words, $engine"
	run_mayfly run -m 256M --loop $engine --egress "$HERE:$port" \
		--kernel-args \
		"mayfly.platform=0xc0000000 -- hostile $HERE $port" "$LINKED"
	if [ "$status" = 125 ] && grep -q uring "$ERR"; then
		skip "no io_uring here"
		continue
	fi
	expect_status 0
	expect_out "ok 0"
	expect_err_has "broken requests"
done
stop_servers

check "words of the options"
# says TEXT OPTION...
says()
{
	text=$1
	shift
	run_mayfly run "$@" "$LINKED"
	expect_status 125
	expect_err_has "$text"
}
for bad in '' 80 :80 80: 65536:80 80:0 80:65536 a:80 '1.2.3:80:80' '::1:80:80' \
	'[1.2.3.4]:80:80' 80:80/sctp 80:80/ '[::1:80:80'; do
	says "--publish: '$bad'" --publish "$bad"
done
for bad in '' host 'host:' ':80' 'host:0' 'host:65536' 'host:9-8' '1.2.3:80' \
	'1.2.3.4/33:80' '1.2.3.4/:80' '::1:80' '[::1]' '[1.2.3.4]:80' \
	'a..b:80' 'a b:80' '*:80' 'localhost:80' 'all,none' 'none,1.2.3.4:5'; do
	says "--egress: '" --egress "$bad"
done
for bad in '' x 1.2.3.4: '[::1' 1.2.3.4:0 name:53; do
	says "--resolver: '$bad'" --resolver "$bad"
done
says 'UDP port 80' --publish 1:80/udp --publish 2:80/udp
