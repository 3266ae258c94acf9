#!/bin/sh
# Servers of others in the guest, reached through --publish, and their clients
# let out by --egress: busybox, Go, Rust, Python and our own example. LOAD_MS:
# how long each is loaded (default 1000 here).
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"
HELPERS=$GUESTS/tests/integ/helpers
load_ms=${LOAD_MS:-$(scaled 1000)}
BB=$PROGRAMS/bin/busybox
server=

# serve OPTION... PROGRAM ARG...: in the background, port 80 published; its
# port on the host is $port
serve()
{
	: >server.err
	"$MAYFLY" run --timeout "$RUN_LIMIT" --publish 0:80 "$@" \
		</dev/null >server.out 2>server.err &
	server=$!
	port=
	s_n=0
	while [ -z "$port" ] && [ $s_n -lt 100 ]; do
		port=$(sed -n 's/^mayfly: port 80.* is .*:\([0-9]*\)$/\1/p' \
			server.err)
		[ -n "$port" ] || sleep 0.1
		s_n=$((s_n + 1))
	done
	[ -n "$port" ] || fail "no port: $(t_short "$(cat server.err)")"
	# Published is not yet listened to.
	s_n=0
	until ${ready-get} ${ready:+$port} 2>/dev/null || [ $s_n -ge 50 ]; do
		s_n=$((s_n + 1))
		sleep 0.1
	done
}

get()
{
	"$HELPERS/http_load" "$port" 0 0 "${1-/}" >got
}

stop()
{
	kill "$server" || fail "the server ended: $(t_short \
		"$(cat server.err)")"
	wait "$server" 2>/dev/null
	server=
}

# fetch PATH WANTED: what the server says
fetch()
{
	get "$1" || fail "no $1"
	[ "$(cat got)" = "$2" ] || fail "$1 is '$(t_short "$(cat got)")'"
}

load()
{
	"$HELPERS/http_load" "$port" "$1" "$load_ms" >load.out 2>&1 ||
		fail "under load: $(cat load.out)"
	echo "# $T_OPEN: $(cat load.out)"
}

check "httpd"
if guest httpd; then
	serve "$GUEST"
	load 1
	load 20
	get /a/path || fail "no /a/path"
	grep -q '^request [0-9]* for /a/path$' got ||
		fail "got '$(t_short "$(cat got)")'"
	stop
fi

check "busybox httpd"
skip "httpd -f makes a process for each connection, there is one only"
mkdir -p www/html
echo "a page" >www/html/index.html
head -c 30000 /dev/urandom >www/html/large
for page in / /large /none; do
	check "busybox httpd -i $page"
	given "GET $page HTTP/1.0\r\n\r\n"
	ROOT=$PWD/www
	same "$BB" httpd -i -h html
done

check "go net/http"
serve -m 512M "$PROGRAMS/bin/go-web" :80
load 1
load 20
fetch /page "hello, GET /page"
get /large || fail "no /large"
[ "$(wc -c <got)" = 1048576 ] || fail "$(wc -c <got) bytes of /large"
# A client of Go's in another machine, let out to this one
run_mayfly run -m 512M --egress "127.0.0.1:$port" "$PROGRAMS/bin/go-web" get \
	"http://127.0.0.1:$port/from/go"
expect_status 0
expect_out '200 20 bytes: "hello, GET /from/go\n"'
stop

check "busybox wget and nc"
if guest httpd; then
	serve "$GUEST"
	run_mayfly run --egress "127.0.0.1:$port" "$BB" wget -q -O - \
		"http://127.0.0.1:$port/x"
	expect_status 0
	expect_out_has "for /x"
	printf 'GET /nc HTTP/1.1\r\nConnection: close\r\n\r\n' >question
	run_mayfly_in question run --egress "127.0.0.1:$port" "$BB" \
		nc 127.0.0.1 "$port"
	expect_status 0
	expect_out_has "for /nc"
	stop
fi

check "rust TcpListener"
ready="$HELPERS/inet once 127.0.0.1"
serve -m 128M "$PROGRAMS/bin/rust-tcp" 0.0.0.0:80
"$HELPERS/inet" echo 127.0.0.1 "$port" 5 "$(scaled 1000000)" >echo.out 2>&1 ||
	fail "echo: $(t_short "$(cat echo.out)")"
stop
unset ready

check "egress is asked"
run_mayfly run "$BB" wget -q -T 5 -O - "http://127.0.0.1:9/"
[ "$status" != 0 ] || fail "out without --egress"
