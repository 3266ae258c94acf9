#!/bin/sh
# The examples that are more than a line: what their first comments promise.
# SPDX-License-Identifier: Apache-2.0
. "${LIB%lib.sh}own_net.sh"
. "$LIB"

[ "$NET_OWN" = no ] || ip link set lo up

EXAMPLES=$GUESTS/examples

# store COMMANDS: its output is in $OUT
store()
{
	# shellcheck disable=SC2059 # a format, for its escapes
	printf "$1" >in
	run_mayfly_in in run --disk store.img,id=store "$EXAMPLES/kv"
}

check "kv: keys and values"
dd if=/dev/zero of=store.img bs=1024 count=32 2>/dev/null
store 'set colour green\nget colour\nset a b c d\nlist\nget nothing\nnonsense\n'
expect_status 0
expect_out "ok
green
ok
colour green
a b c d
not there
set KEY VALUE, get KEY, del KEY or list"

check "kv: another machine finds them"
store 'get a\nset a 2\ndel colour\nget colour\nget a'
expect_status 0
expect_out "b c d
ok
ok
not there
2"

check "kv: a full disk"
n=0
: >in
while [ $n -lt 70 ]; do
	echo "set key$((n % 7)) value$n" >>in
	n=$((n + 1))
done
echo 'get key3' >>in
run_mayfly_in in run --disk store.img,id=store "$EXAMPLES/kv"
expect_status 0
# four records were there
[ "$(grep -c '^ok$' "$OUT")" = 60 ] || fail "not 60 more records"
expect_out_has "the store is full"
[ "$(tail -n 1 "$OUT")" = value59 ] || fail "not the last value"

check "kv: a record that was cut short"
dd if=/dev/zero of=store.img bs=1 seek=$((63 * 512 + 300)) count=200 \
	conv=notrunc 2>/dev/null
printf 'junk' | dd of=store.img bs=1 seek=$((3 * 512 + 100)) conv=notrunc \
	2>/dev/null
store 'get a\nget colour\n'
expect_status 0
expect_out "2
green"

check "kv: no disk of that name"
run_mayfly run --disk store.img "$EXAMPLES/kv"
expect_status 1
expect_out_has "id=store"

# fetch PORT PATH: the body of the answer on standard output
fetch()
{
	if command -v curl >/dev/null; then
		curl -s -m 10 "http://127.0.0.1:$1$2"
	else
		printf 'GET %s HTTP/1.1\r\n\r\n' "$2" |
			busybox nc 127.0.0.1 "$1" | sed '1,/^.$/d'
	fi
}

check "http: a function behind a published port"
"$MAYFLY" run --timeout 60 --publish 127.0.0.1:0:80 "$EXAMPLES/http" \
	</dev/null >"$OUT" 2>"$ERR" &
monitor=$!
n=0
while ! grep -q ready "$OUT" && [ $n -lt 100 ]; do
	sleep 0.1
	n=$((n + 1))
done
port=$(sed -n 's/.*port 80 of the guest is 127.0.0.1:\([0-9]*\).*/\1/p' "$ERR")
n=1
while [ $n -le 20 ]; do
	got=$(fetch "$port" "/path$n")
	[ "$got" = "{\"path\": \"/path$n\", \"call\": $n}" ] ||
		fail "call $n: '$got'"
	n=$((n + 1))
done
kill "$monitor"
wait "$monitor" 2>/dev/null || :
