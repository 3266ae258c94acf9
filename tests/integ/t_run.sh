#!/bin/sh
# mayfly run as a command among commands: arguments, input, output, exit
# status, signals, and what it tells about a guest's end.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

# Everything takes ten times as long on an emulated host.
[ "$LANE" = svm ] && RUN_LIMIT=100 || RUN_LIMIT=40

guest tool && TOOL=$GUEST
guest raw_hello && RAW=$GUEST
guest raw_end && END=$GUEST

# tool ARG...: the tool in a guest, without input
tool()
{
	run_mayfly run "$TOOL" "$@"
}

# wait_for FILE TEXT: until FILE has TEXT, at most 20 s
wait_for()
{
	n=0
	until grep -qF -e "$2" "$1" 2>/dev/null; do
		n=$((n + 1))
		if [ $n -gt 400 ]; then
			fail "no '$2' in $1 after 20 s"
			return 1
		fi
		sleep 0.05
	done
}

# gone PID: no such process, at most 5 s from now
gone()
{
	n=0
	while kill -0 "$1" 2>/dev/null; do
		n=$((n + 1))
		if [ $n -gt 100 ]; then
			fail "process $1 is still there after 5 s"
			kill -KILL "$1"
			return 1
		fi
		sleep 0.05
	done
}

# --- exit status -----------------------------------------------------------------

check "every exit status"
all=$(seq 0 255)
[ "$LANE" = svm ] && all='0 1 2 77 119 120 124 125 126 127 128 137 255'
for n in $all; do
	tool exit "$n"
	[ "$status" = "$n" ] || fail "exit $n became $status"
	[ ! -s "$ERR" ] || fail "exit $n: something on stderr"
done

# --- arguments and environment ---------------------------------------------------

check "no arguments"
tool args
expect_status 0
expect_out ''

check "arguments with blanks, empty, UTF-8, dashes"
tool args 'two words' '' 'Grüße, 世界' -m --help -- "a'b\"c\\d" "$(printf 'x\ny')"
expect_status 0
expect_out "[two words]
[]
[Grüße, 世界]
[-m]
[--help]
[--]
[a'b\"c\\d]
[x
y]"

check "many arguments"
# shellcheck disable=SC2046 # one argument a word
tool count $(seq 1 2000)
expect_status 0
expect_out "2000 6893"

check "one long argument"
tool count "$(head -c 60000 /dev/zero | tr '\0' a)"
expect_status 0
expect_out "1 60000"

check "environment"
run_mayfly run --env A=1 --env 'B=two words' --env C= --env A2=x=y "$TOOL" env
expect_status 0
expect_out_has 'A=1'
expect_out_has 'B=two words'
expect_out_has 'C='
expect_out_has 'A2=x=y'
# ours stays ours
if grep -q '^PATH=\|^MAYFLY' "$OUT"; then
	fail "the host's environment came through"
fi

# --- streams ---------------------------------------------------------------------

check "stdin to stdout"
echo 'through the guest' >in
run_mayfly_in in run "$TOOL" cat
expect_status 0
expect_out 'through the guest'
expect_err_empty

check "input without a newline"
printf 'no newline' >in
run_mayfly_in in run "$TOOL" cat
expect_status 0
expect_out 'no newline'

check "empty input"
tool cat
expect_status 0
expect_out ''

check "closed input"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" cat \
	<&- >"$OUT" 2>"$ERR" || status=$?
expect_status 0
expect_out ''

check "input from a pipe, in pieces"
status=0
(
	for i in 1 2 3 4 5; do
		echo "piece $i"
		sleep 0.1
	done
) | timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" cat \
	>"$OUT" 2>"$ERR" || status=$?
expect_status 0
expect_out 'piece 1
piece 2
piece 3
piece 4
piece 5'

check "input nobody reads"
head -c 1000000 /dev/zero >in
run_mayfly_in in run "$TOOL" exit 5
expect_status 5
expect_out ''
: >in

check "input that was not asked for stays for the next"
printf 'a\nb\n' >in
{
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" exit 0 2>"$ERR"
	cat
} <in >"$OUT"
expect_out 'a
b'
printf 'a\nb\n' | {
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" exit 0 2>"$ERR"
	cat
} >"$OUT"
expect_out 'a
b'
: >in

check "stdout and stderr of the guest stay apart"
tool both
expect_status 0
expect_out 'out 0
out 1
out 2'
printf 'err 0\nerr 1\nerr 2\n' >want
expect "standard error is not the guest's" cmp -s want "$ERR"

check "a console in a file takes both, in order"
run_mayfly run --console file:con "$TOOL" both
expect_status 0
printf 'out 0\nerr 0\nout 1\nerr 1\nout 2\nerr 2\n' >want
expect "the file has another order" cmp -s want con

check "stdout and stderr into one file"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" both </dev/null >"$OUT" 2>&1 ||
	status=$?
expect_status 0
expect "the lines of stdout" [ "$(grep out "$OUT")" = 'out 0
out 1
out 2' ]
expect "the lines of stderr" [ "$(grep err "$OUT")" = 'err 0
err 1
err 2' ]

check "nobody reads stderr"
{
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" both </dev/null \
		2>&1 >"$OUT"
	echo $? >st
} | true
status=$(cat st)
expect_status 0
expect_out 'out 0
out 1
out 2'

check "closed stderr"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" both </dev/null >"$OUT" 2>&- ||
	status=$?
expect_status 0
expect_out 'out 0
out 1
out 2'

check "closed output"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" exit 9 \
	</dev/null >&- 2>"$ERR" || status=$?
expect_status 9

check "closed output, a guest that writes"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" lines 1000 \
	</dev/null >&- 2>"$ERR" || status=$?
expect_status 125
expect_err_has 'Bad file descriptor'

check "all three closed"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" exit 3 \
	<&- >&- 2>&- || status=$?
expect_status 3

check "all three closed, with files of its own"
status=0
timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run --console file:out.txt \
	--exit-record rec "$TOOL" both <&- >&- 2>&- || status=$?
expect_status 0
expect "the console file lacks the output" grep -q 'err 2' out.txt
expect "the record is not one" grep -q '"status": 0' rec

check "full device as output"
if [ -c /dev/full ]; then
	status=0
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" lines 10 \
		</dev/null >/dev/full 2>"$ERR" || status=$?
	expect_status 125
	expect_err_has 'No space left'
else
	skip "no /dev/full"
fi

check "a reader that goes away"
(
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" lines 1000000 \
		</dev/null 2>"$ERR"
	echo $? >st
) | head -n 1 >"$OUT"
status=$(cat st)
expect_out 0000000
expect_status 141
expect_err_empty

check "a slow reader loses nothing"
(
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" lines 40000 \
		</dev/null 2>"$ERR"
	echo $? >st
) | (
	sleep 1
	cat
) >"$OUT"
status=$(cat st)
expect_status 0
expect "$(wc -l <"$OUT") lines, not 40000" [ "$(wc -l <"$OUT")" = 40000 ]
expect "the last line is $(tail -n 1 "$OUT")" [ "$(tail -n 1 "$OUT")" = 0039999 ]

# --- consoles --------------------------------------------------------------------

check "console none"
run_mayfly run --console none "$TOOL" both
expect_status 0
expect_out ''

check "console none has no input"
echo word >in
run_mayfly_in in run --console none "$TOOL" cat
expect_status 0
expect_out ''

check "console file"
echo old >con
run_mayfly run --console file:con "$TOOL" both
expect_status 0
[ ! -s "$OUT" ] || fail "something on stdout"
expect "the file has $(wc -l <con) lines" [ "$(wc -l <con)" = 6 ]

check "console unix socket"
if nc -h 2>&1 | grep -q -e 'local:' -e '-U'; then
	connect='nc local:sock'
	nc -h 2>&1 | grep -q 'local:' || connect='nc -U sock'
elif command -v python3 >/dev/null; then
	cat >connect.py <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect("sock")
		s.sendall(sys.stdin.buffer.read())
		s.shutdown(socket.SHUT_WR)
		while True:
		    b = s.recv(65536)
		    if not b:
		        break
		    sys.stdout.buffer.write(b)
	PY
	connect='python3 connect.py'
else
	connect=
fi
if [ -n "$connect" ]; then
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run --console unix:sock \
		"$TOOL" cat </dev/null 2>"$ERR" &
	pid=$!
	n=0
	while [ ! -S sock ] && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	expect "$(stat -c %a sock) is not its owner's alone" \
		[ "$(stat -c %a sock)" = 700 ]
	echo 'over a socket' | timeout 10 sh -c "$connect" >"$OUT"
	status=0
	wait $pid 2>/dev/null || status=$?
	expect_status 0
	expect_out 'over a socket'
	expect "the socket is still there" [ ! -e sock ]
else
	skip "nothing here connects to a Unix socket"
fi

check "no socket is left when waiting is ended"
"$MAYFLY" run --console unix:sock2 "$TOOL" exit 0 </dev/null 2>"$ERR" &
pid=$!
n=0
while [ ! -S sock2 ] && [ $n -lt 100 ]; do
	n=$((n + 1))
	sleep 0.05
done
kill -TERM $pid
status=0
wait $pid 2>/dev/null || status=$?
expect_status 143
expect "the socket is still there" [ ! -e sock2 ]

# --- limits and signals ----------------------------------------------------------

check "timeout"
start=$(date +%s)
run_mayfly run --timeout 500ms "$TOOL" spin
expect_status 124
expect_err_has 'the guest ran into --timeout'
expect_out 'spinning'
expect "that took long" [ $(($(date +%s) - start)) -le 4 ]

check "timeout of a guest that waits for input"
mkfifo idle
sleep 3 >idle &
sleeper=$!
run_mayfly_in idle run --timeout 300ms "$TOOL" cat
expect_status 124
kill -PIPE $sleeper 2>/dev/null
wait $sleeper 2>/dev/null

check "timeout in time for nothing"
run_mayfly run --timeout 20s "$TOOL" exit 4
expect_status 4
expect_err_empty

# ended_by SIGNAL STATUS: sent while the guest spins
ended_by()
{
	check "SIG$1"
	: >spin.out
	"$MAYFLY" run "$TOOL" spin </dev/null >spin.out 2>"$ERR" &
	pid=$!
	wait_for spin.out spinning
	kill -"$1" $pid
	gone $pid
	status=0
	wait $pid 2>/dev/null || status=$?
	expect_status "$2"
	expect_err_empty
}
ended_by TERM 143
ended_by HUP 129

# A shell's background jobs ignore SIGINT; start it where they do not.
check "SIGINT"
: >spin.out
status=0
timeout -s INT 1 "$MAYFLY" run "$TOOL" spin </dev/null >spin.out 2>"$ERR" ||
	status=$?
# timeout(1) reports its own 124, busybox's the command's end
case $status in
124 | 130 | 143) ;;
*) fail "exit status $status" ;;
esac
expect "it was not running" grep -q spinning spin.out

check "ignored SIGHUP stays ignored"
: >spin.out
(
	trap '' HUP
	exec "$MAYFLY" run --timeout 1 "$TOOL" spin </dev/null >spin.out 2>"$ERR"
) &
pid=$!
wait_for spin.out spinning
kill -HUP $pid
status=0
wait $pid 2>/dev/null || status=$?
expect_status 124

check "SIGKILL leaves nothing behind"
: >spin.out
"$MAYFLY" run "$TOOL" spin </dev/null >spin.out 2>"$ERR" &
pid=$!
wait_for spin.out spinning
kill -KILL $pid
wait $pid 2>/dev/null
gone $pid

check "SIGTERM while the output is stuck"
mkfifo stuck
# shellcheck disable=SC2217 # it holds the pipe open
sleep 4 <stuck &
sleeper=$!
"$MAYFLY" run "$TOOL" lines 1000000 </dev/null >stuck 2>"$ERR" &
pid=$!
sleep 0.5
kill -TERM $pid
gone $pid
status=0
wait $pid 2>/dev/null || status=$?
expect_status 143
kill -PIPE $sleeper 2>/dev/null
wait $sleeper 2>/dev/null

# --- how a guest ended -----------------------------------------------------------

# record WORD...: the exit record is JSON and has each of these
record()
{
	if command -v jq >/dev/null; then
		jq -e . rec >/dev/null 2>&1 || fail "the record is not JSON"
	fi
	expect "no such record" [ "$(head -n 1 rec)" = '{' ]
	expect "an unfinished record" [ "$(tail -n 1 rec)" = '}' ]
	for word; do
		grep -qF -e "$word" rec || fail "the record lacks $word"
	done
}

# recorded ARG...: runs with --exit-record rec
recorded()
{
	rm -f rec
	run_mayfly run --exit-record rec "$@"
}

check "record of an exit"
recorded "$TOOL" exit 7
expect_status 7
record '"status": 7' '"reason": "exited"' '"exits": {' '"mmio":' '"times_us": {' \
	'"guest_exit":' '"guest_main":' '"console_tail": ' '"version": 1'

check "record has the console's last lines"
recorded "$TOOL" lines 30
record '"0000029"' '"0000010"'
grep -q '"0000009"' rec && fail "more than 20 lines"

check "record of strange bytes on the console"
printf 'tab\there \033[1m\377"quote"\\ \000end\n' >in
rm -f rec
run_mayfly_in in run --exit-record rec "$TOOL" cat
expect_status 0
record '\\x1b' '\\xff' '\"quote\"'

check "record of a fault"
recorded "$TOOL" segv
expect_status 139
expect_out_has 'about to fault'
record '"status": 139' '"reason": "fault"' '"signal": 11' '"registers": {' \
	'"rip": "0x' '"fault_address": "0x18"'

check "illegal instruction"
recorded "$TOOL" ill
expect_status 132
record '"reason": "fault"' '"signal": 4'

check "abort"
recorded "$TOOL" abort
expect_status 134
record '"signal": 6'

check "triple fault"
rm -f rec
run_mayfly run --exit-record rec --kernel-args triple "$END"
expect_status 121
expect_err_has 'triple fault'
expect_out 'about to end: triple'
record '"status": 121' '"reason": "triple fault"'
# AMD's KVM resets a processor that shuts down: its registers are lost
if [ "$LANE" = kvm ] && ! grep -q 'rip *000000000000fff0 ' "$ERR"; then
	expect_err_has 'rip    0000000000'
	expect_err_has 'code at rip: 0f 0b'
	record '"registers": {' '"cr3": "0x' '"code": "0f 0b'
fi

check "power off"
rm -f rec
run_mayfly run --exit-record rec --kernel-args off "$END"
expect_status 0
record '"status": 0' '"reason": "power off"'

check "reset"
rm -f rec
run_mayfly run --exit-record rec --kernel-args reset "$END"
expect_status 120
record '"status": 120' '"reason": "reset"'

check "panic"
rm -f rec
run_mayfly run --exit-record rec --kernel-args panic "$END"
expect_status 123
expect_err_has 'guest kernel panic: on purpose?[31m'
record '"status": 123' '"reason": "panic"'

check "code at an address that is no memory"
rm -f rec
run_mayfly run --timeout 5 --exit-record rec --kernel-args nowhere "$END"
case $status in
122) record '"registers": {' '"rip": "0xd0000000"' ;;
121) record '"reason": "triple fault"' ;;
*) fail "exit status $status" ;;
esac

check "record of a timeout"
recorded --timeout 200ms "$TOOL" spin
expect_status 124
record '"status": 124' '"reason": "timeout"' '"spinning"'

check "record of a signal"
rm -f rec
: >spin.out
"$MAYFLY" run --exit-record rec "$TOOL" spin </dev/null >spin.out 2>"$ERR" &
pid=$!
wait_for spin.out spinning
kill -TERM $pid
status=0
wait $pid 2>/dev/null || status=$?
expect_status 143
record '"status": 143' '"reason": "killed"' '"signal": 15'

check "record of a reader gone"
rm -f rec
(
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run --exit-record rec \
		"$TOOL" lines 1000000 </dev/null 2>"$ERR"
) | head -n 1 >"$OUT"
record '"reason": "output closed"' '"signal": 13'

check "record of an image that cannot run"
echo text >image
recorded ./image
expect_status 126
record '"status": 126' '"reason": "cannot run"' '"image": "./image"'

check "record of a monitor that cannot start"
recorded --initrd ./nothing "$RAW"
expect_status 125
record '"status": 125' '"reason": "monitor error"' 'nothing'

# --- what it says ----------------------------------------------------------------

check "trace"
run_mayfly run --trace "$TOOL" lines 3
expect_status 0
sed -n 's/^trace: *\([0-9.]*\) *[0-9.-]*  \(.*\)/\1 \2/p' "$ERR" >trace
expect "not sorted by time" sort -n -c trace
for what in 'process start' 'set-up done' 'VM created' 'image loaded' \
	'guest started' 'first guest instruction' 'guest main' \
	'first console byte' 'guest exit' 'console drained' 'process exit'; do
	expect_err_has "$what"
done
grep -v '^trace: ' "$ERR" | grep -q . && fail "more than the trace on stderr"

check "quiet"
run_mayfly run -q --timeout 200ms "$TOOL" spin
expect_status 124
expect_err_empty

check "verbose keeps the output clean"
run_mayfly run -v "$TOOL" lines 3
expect_status 0
expect_out_has 0000002

check "very verbose"
run_mayfly run -v -v "$TOOL" exit 6
expect_status 6

# --- sizes -----------------------------------------------------------------------

for m in 4M 8M 64M 1G 3G 4G 6G; do
	check "memory $m"
	run_mayfly run -m $m "$TOOL" exit 11
	expect_status 11
	expect_err_empty
done

check "memory 2M"
run_mayfly run -m 2M "$TOOL" exit 11
case $status in
11) ;;
126) expect_err_has 'of guest memory' ;;
*) fail "exit status $status" ;;
esac

check "all of the memory is there"
run_mayfly run -m 128M "$TOOL" fill 100
expect_status 0
expect_out filled

check "memory above 4 GiB is used"
free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
if [ "$free" -gt 6000000 ]; then
	run_mayfly run -m 5G "$TOOL" fill 3500
	expect_status 0
	expect_out filled
else
	skip "$((free / 1024)) MiB free on the host"
fi

check "more than there is ends the program, not the monitor"
run_mayfly run -m 32M "$TOOL" fill 100
case $status in
0 | 121 | 122 | 125) fail "exit status $status" ;;
esac

for engine in uring poll; do
	check "loop $engine"
	seq 1 5000 >in
	run_mayfly_in in run --loop $engine "$TOOL" cat
	if [ "$status" = 125 ] && [ $engine = uring ]; then
		skip "no io_uring here"
	else
		expect_status 0
		expect "input and output differ" cmp -s in "$OUT"
	fi
done

for n in 1 2 4 32; do
	check "$n CPUs"
	run_mayfly run -c $n "$TOOL" exit 12
	expect_status 12
	run_mayfly run -c $n "$RAW"
	expect_status 0
done

check "kernel guest"
run_mayfly run "$RAW"
expect_status 0
expect_out 'ok hello from a bare machine'
expect_err_empty

check "kernel guest goes on unheard"
status=0
(
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run --kernel-args late "$END" \
		</dev/null 2>"$ERR"
	echo $? >st
) | true
status=$(cat st)
expect_status 42

check "two at once"
"$MAYFLY" run "$TOOL" lines 20000 </dev/null >one 2>"$ERR" &
a=$!
"$MAYFLY" run "$TOOL" lines 20000 </dev/null >two 2>"$ERR" &
b=$!
status=0
wait $a || status=$?
wait $b || status=$?
expect_status 0
expect "they differ" cmp -s one two
expect "$(wc -l <one) lines" [ "$(wc -l <one)" = 20000 ]

check "guest after guest in a pipe"
status=0
seq 1 1000 | "$MAYFLY" run "$TOOL" cat 2>"$ERR" |
	"$MAYFLY" run "$TOOL" oddcat 2>>"$ERR" >"$OUT" || status=$?
expect_status 0
seq 1 1000 >in
expect "what came out differs" cmp -s in "$OUT"

check "huge pages behind guest memory"
if guest hello; then
	run_mayfly run --huge-pages thp "$GUEST"
	if [ -d /sys/kernel/mm/transparent_hugepage ]; then
		expect_status 0
		expect "no greeting" grep -q '^hello from' "$OUT"
	else
		expect_status 125
		expect_err_has "huge pages"
	fi
	run_mayfly run --huge-pages 1G "$GUEST"
	expect_status 125
	expect_err_has "1G"
fi
