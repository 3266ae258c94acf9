#!/bin/sh
# Sockets between guest and host: bytes both ways over one connection and over
# a thousand, ends of every kind, clients and readers that misbehave, records,
# hostile drivers. VSOCK_BYTES: how many bytes each echo moves in all, like 4G
# (default 256M; with TEST_LIMIT to match).
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

HELP=$GUESTS/tests/integ/helpers/vsock
PLATFORM="mayfly.platform=0xc0000000 --"
guest vsock_echo && ECHO=$GUEST
guest vsock_client && CLIENT=$GUEST
guest linked_vsock && LINKED=$GUEST
guest bad_vsock && BAD=$GUEST

# The SVM lane interprets everything.
if [ "$LANE" = svm ]; then
	TOTAL=${VSOCK_BYTES:-4M} MANY=100 CHURN=300
	RUN_LIMIT=100
else
	TOTAL=${VSOCK_BYTES:-256M} MANY=1000 CHURN=10000
	RUN_LIMIT=${TEST_LIMIT:-120}
fi
case $TOTAL in
*G) TOTAL=$((${TOTAL%G} << 30)) ;;
*M) TOTAL=$((${TOTAL%M} << 20)) ;;
esac

SOCK=$PWD/s
servers=

# serve PORT HELPER-WORD...: a server of the host, until stop_servers
serve()
{
	s_port=$1
	shift
	s_mode=$1
	shift
	"$HELP" "$s_mode" "${SOCK}_$s_port" "$@" &
	servers="$servers $!"
	wait_for "${SOCK}_$s_port"
}

stop_servers()
{
	# shellcheck disable=SC2086 # a list
	kill $servers
	# shellcheck disable=SC2086
	wait $servers 2>/dev/null
	servers=
	rm -f "${SOCK}_"*
}

wait_for()
{
	w_n=0
	until [ -S "$1" ] || [ $w_n -ge 100 ]; do
		sleep 0.1
		w_n=$((w_n + 1))
	done
	[ -S "$1" ] || fail "no socket $1"
}

# up GUEST WORDS [OPTION]...: a guest in the background. It outlives the check it
# was started in, hence appends to what the next one empties.
up()
{
	u_guest=$1
	u_words=$2
	shift 2
	"$MAYFLY" run -m 512M --timeout "$RUN_LIMIT" \
		--vsock "cid=3,path=$SOCK" \
		--kernel-args "$PLATFORM $u_words" "$@" "$u_guest" \
		</dev/null >>"$OUT" 2>>"$ERR" &
	up=$!
	wait_for "$SOCK"
}

# Its end: the status, as run_mayfly has it
down()
{
	status=0
	wait "$up" || status=$?
	[ ! -e "$SOCK" ] || fail "the socket is left"
	[ ! -e "$SOCK.seqpacket" ] || fail "the other socket is left"
}

# client WORD...: what the helper says is in `said`
client()
{
	if said=$("$HELP" "$@" 2>helper); then
		grep '^#' helper
	else
		fail "client: $(cat helper)"
		kill "$up" # it may wait for this client
	fi
}

expect_said()
{
	[ "$said" = "$1" ] || fail "the client says '$said'"
}

# from_guest WORDS: linked_vsock against the host's servers
from_guest()
{
	run_mayfly run -m 512M --vsock "cid=3,path=$SOCK" \
		--kernel-args "$PLATFORM $1" "$LINKED"
	expect_status 0
	expect_out 'ok 3'
}

# --- bytes ----------------------------------------------------------------------

for n in 1 64 $MANY; do
	each=$((TOTAL / n))
	check "echo, $n clients"
	up "$ECHO" "7 $n"
	client echo "$SOCK" 7 "$n" "$each"
	down
	expect_said "echoed $((each * n)) bytes"
	expect_status 0
	expect_out_has "echoed $((each * n)) bytes"

	check "echo, $n connections of the guest"
	serve 9 serve stream
	run_mayfly run -m 512M --vsock "cid=3,path=$SOCK" --kernel-args \
		"$PLATFORM 9 $n $each" "$CLIENT"
	stop_servers
	expect_status 0
	expect_out_has "echoed $((each * n)) bytes"
	sed 's/^/# /' "$OUT"
done

for size in 1 4095 65537 1000000; do
	check "echo, $size bytes, poll loop"
	up "$ECHO" "7 3" --loop poll
	client echo "$SOCK" 7 3 $size
	down
	expect_said "echoed $((size * 3)) bytes"
	expect_status 0
	expect_err_empty
done

check "64 MiB through one connection"
up "$ECHO" "7 1"
client echo "$SOCK" 7 1 67108864
down
expect_said "echoed 67108864 bytes"

# --- ends -----------------------------------------------------------------------

check "a client stops sending"
up "$ECHO" "7 1"
client half "$SOCK" 7 3000000
down
expect_said ok
expect_status 0

check "the guest stops sending"
serve 9 serve stream
from_guest "half 9"

check "a port nobody has, and one that somebody has"
from_guest "refused 9"

check "connections reset by the guest"
from_guest "reset 9"

check "a reader of the host stalls itself only"
serve 10 deaf
from_guest "stall 9"
expect_err_empty

check "$CHURN clients one after the other"
up "$ECHO" 7
client churn "$SOCK" 7 10
sleep 1 # the last one's end crosses to the guest and back
before=$(find "/proc/$up/fd" | wc -l)
client churn "$SOCK" 7 $CHURN
expect_said ok
sleep 1
after=$(find "/proc/$up/fd" | wc -l)
expect "$before descriptors before, $after after" [ "$after" -le "$before" ]
kill "$up"
down
expect_status 143

check "10000 connections of the guest"
if [ "$LANE" = svm ]; then
	skip "too slow here"
else
	from_guest "churn 9"
fi
stop_servers

# --- clients --------------------------------------------------------------------

up "$ECHO" 7
client echo "$SOCK" 7 1 1 # it is up

check "CONNECT in pieces"
client say "$SOCK" CON NECT ' 7' '
'
case $said in
'OK 10737418'*) ;;
*) fail "the client says '$said'" ;;
esac

check "a port of the guest that nobody has"
client say "$SOCK" 'CONNECT 8
'
expect_said closed

check "no CONNECT"
client say "$SOCK" 'GET / HTTP/1.0
'
expect_said closed
client say "$SOCK" 'a line that is longer than thirty-two'
expect_said closed

check "a client that says nothing"
client say "$SOCK"
expect_said closed

check "a client that does not read stalls itself only"
each=$((TOTAL / 64))
client stall "$SOCK" 7 5 "$each"
expect_said "echoed $((each * 5)) bytes, the stalled one too"

check "records of a client"
client records "$SOCK" 7
expect_said ok
expect_err_has 'records that are too long'
kill "$up"
down

check "records of the guest"
serve 19 serve seq
from_guest "records 19"
stop_servers

# --- paths ----------------------------------------------------------------------

# refused WORDS TEXT: mayfly says TEXT and does not start
refused()
{
	run_mayfly run --vsock "$1" "$ECHO"
	expect_status 125
	expect_err_has "$2"
}

check "addresses out of range"
for cid in 0 1 2 4294967295 4294967296 -3 x; do
	refused "cid=$cid,path=$SOCK" '3 to 4294967294'
done

check "a path that is too long"
refused "cid=3,path=/$(printf '%096d' 0)" '1 to 96 bytes'

check "no such folder"
refused "cid=3,path=$PWD/none/s" "$PWD/none/s: No such file"

check "a file that is no socket"
: >file
refused "cid=3,path=$PWD/file" "$PWD/file: File exists"
expect "the file is gone" [ -f file ]

check "a socket in use"
serve 1 serve stream
refused "cid=3,path=${SOCK}_1" "${SOCK}_1: Address already in use"
expect "the socket is gone" [ -S "${SOCK}_1" ]
kill -KILL "${servers# }"
wait "${servers# }" 2>/dev/null
servers=

check "a socket that was left behind"
expect "it is not there" [ -S "${SOCK}_1" ]
mv "${SOCK}_1" "$SOCK"
up "$ECHO" "7 1"
client echo "$SOCK" 7 1 10
down
expect_status 0

check "two options"
run_mayfly run --vsock "cid=3,path=$SOCK" --vsock "cid=4,path=$PWD/t" "$ECHO"
expect_status 125
expect_err_has 'one vsock'

# --- guests that mean harm --------------------------------------------------------

for engine in uring poll; do
	check "hostile driver, $engine"
	serve 9 serve stream
	serve 10 deaf
	"$MAYFLY" run -c 2 --timeout "$RUN_LIMIT" --loop $engine \
		--vsock "cid=3,path=$SOCK" "$BAD" \
		</dev/null >"$OUT" 2>"$ERR" &
	up=$!
	wait_for "$SOCK"
	# clients come and go meanwhile
	while kill -0 "$up" 2>/dev/null; do
		"$HELP" say "$SOCK" 'CONNECT 7
' >/dev/null 2>&1
	done
	down
	stop_servers
	if [ "$status" = 125 ] && grep -q uring "$ERR"; then
		skip "no io_uring here"
		continue
	fi
	expect_status 0
	expect_out_has 'ok sockets'
	for why in 'bad request' 'beyond the credit' 'unknown kind' \
		'does not expect' 'shorter than they say'; do
		grep -q "$why" "$ERR" || fail "the log lacks '$why'"
	done
	: >"$ERR"
done
