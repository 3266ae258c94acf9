#!/bin/sh
# Bytes through the console, many and of every kind; and the terminal: who
# gets Ctrl-C, and that it is as before whatever happened.
# INTEG_BYTES: how much goes through (default 64 MiB).
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

BYTES=${INTEG_BYTES:-67108864}
PTY=$GUESTS/tests/integ/helpers/pty
RUN_LIMIT=$((60 + BYTES / 2000000))
guest tool && TOOL=$GUEST
guest raw_tty && RAW=$GUEST

# pattern BYTES: the same bytes every time, every value, no short period
pattern()
{
	dd if=/dev/zero bs=65536 count=$((($1 + 65535) / 65536)) 2>/dev/null |
		if command -v openssl >/dev/null; then
			openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 2>/dev/null
		else
			# numbers as text, compressed: bytes of every value
			cat >/dev/null
			seq 1 $(($1 / 2 + 100000)) | gzip -1 -n
		fi | head -c "$1"
}

# through DEED...: the pattern of $BYTES through a guest, sums compared
through()
{
	status=0
	{
		pattern "$BYTES" | tee sum.fifo |
			timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$@" 2>"$ERR"
		echo $? >st
	} | md5sum >sum.out
	wait
	status=$(cat st)
	expect_status 0
	expect "what came out differs" cmp -s sum.in sum.out
}

check "$((BYTES >> 20)) MiB through cat"
mkfifo sum.fifo
md5sum <sum.fifo >sum.in &
through "$TOOL" cat

BYTES=$((BYTES / 16))
check "odd pieces"
md5sum <sum.fifo >sum.in &
through "$TOOL" oddcat

check "small pieces"
md5sum <sum.fifo >sum.in &
BYTES=$((BYTES / 64))
through "$TOOL" cat 1

check "through the poll loop"
BYTES=$((BYTES * 64))
md5sum <sum.fifo >sum.in &
through --loop poll "$TOOL" cat

check "every byte value, from a file"
i=0
: >in
while [ $i -lt 256 ]; do
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $i)" >>in
	i=$((i + 1))
done
cat in in in in in in in in >in8
run_mayfly_in in8 run "$TOOL" cat
expect_status 0
expect "what came out differs" cmp -s in8 "$OUT"

check "to a file"
run_mayfly_in in8 run --console file:con "$TOOL" lines 100000
expect_status 0
expect "$(wc -c <con) bytes" [ "$(wc -c <con)" = 800000 ]

check "appending to a file"
echo first >log
"$MAYFLY" run "$TOOL" lines 2 </dev/null >>log 2>"$ERR"
expect "not appended" [ "$(cat log)" = "first
0000000
0000001" ]

check "a reader in fits and starts"
(
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run "$TOOL" lines 100000 \
		</dev/null 2>"$ERR"
	echo $? >st
) | (
	n=0
	while dd bs=65536 count=1 >piece 2>/dev/null && [ -s piece ]; do
		cat piece
		n=$((n + 1))
		[ $((n % 4)) != 0 ] || sleep 0.1
	done
) >"$OUT"
status=$(cat st)
expect_status 0
expect "$(wc -l <"$OUT") lines" [ "$(wc -l <"$OUT")" = 100000 ]

# --- terminals -------------------------------------------------------------------

# pty ARG...: the helper, its verdict ours
pty()
{
	status=0
	if [ ! -x "$PTY" ]; then
		skip "no pty helper in $GUESTS"
		return
	fi
	timeout -s KILL 60 "$PTY" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
	case $status in
	0) ;;
	77) skip "$(cat "$ERR")" ;;
	*) fail "$(tail -n 1 "$ERR")" ;;
	esac
}

# on_tty STEP... -- ARG...: the script with `mayfly ARG...`
on_tty()
{
	steps=0
	for word; do
		[ "$word" != -- ] || break
		steps=$((steps + 1))
	done
	# insert the monitor behind the "--"
	n=0
	for word; do
		set -- "$@" "$word"
		[ $n != "$steps" ] || set -- "$@" "$MAYFLY"
		n=$((n + 1))
	done
	shift $n
	pty "$@"
}

check "program: the terminal stays cooked, the shell's way"
on_tty cooked send:'hello\n' expect:hello expect:hello cooked \
	send:'again\n' expect:again expect:again send:'\x04' end:0 cooked \
	-- run "$TOOL" cat

check "program: Ctrl-C"
on_tty expect:spinning cooked send:'\x03' end:130 cooked -- run "$TOOL" spin

check "program: Ctrl-C while it waits for input"
on_tty send:'x\n' expect:x expect:x send:'\x03' end:130 cooked \
	-- run "$TOOL" cat

check "program: Ctrl-] is a byte"
on_tty send:'\x1d\n' send:'more\n' expect:more expect:more send:'\x04' end:0 \
	cooked -- run "$TOOL" cat

check "program: SIGTERM"
on_tty expect:spinning signal:15 end:143 cooked -- run "$TOOL" spin

check "program: the terminal goes away"
on_tty expect:spinning hangup end:129 -- run "$TOOL" spin

check "program: Ctrl-Z and back"
cat >job.sh <<'JOB'
set -m
"$@"
echo "stopped: $?"
fg
echo "ended: $?"
JOB
pty send:'one\n' expect:one expect:one send:'\x1a' expect:'stopped: 148' \
	cooked send:'two\n' expect:two expect:two send:'\x04' expect:'ended: 0' \
	end:0 cooked -- sh job.sh "$MAYFLY" run "$TOOL" cat

cat >job.sh <<'JOB'
set -m
"$@" &
sleep 2
echo "state: $(cut -d ' ' -f 3 /proc/$!/stat)"
kill -KILL $!
wait $!
echo over
JOB
for engine in auto poll; do
	check "program: in the background it stops when it wants input, $engine"
	pty send:'input\n' expect:'state: T' expect:over end:0 cooked \
		-- sh job.sh "$MAYFLY" run --loop $engine "$TOOL" cat
done

check "kernel: raw, keys as they are, exit"
on_tty expect:ready raw send:'a\x03\x04\x1a\n' expect:'key 61' \
	expect:'key 3' expect:'key 4' expect:'key 1a' expect:'key a' raw \
	send:q end:5 cooked -- run "$RAW"

check "kernel: Ctrl-]"
on_tty expect:ready raw send:'\x1d' end:143 cooked -- run "$RAW"

check "kernel: Ctrl-] among other keys"
on_tty expect:ready raw send:'abc\x1ddef' end:143 cooked -- run "$RAW"

check "kernel: Ctrl-] when the guest does not listen"
guest raw_end && on_tty expect:spinning raw send:'abc' send:'\x1d' end:143 \
	cooked -- run --kernel-args spin "$GUEST"

check "kernel: Ctrl-] while it floods the terminal"
on_tty expect:ready raw send:s expect:'flood flood' send:'\x1d' end:143 cooked \
	-- run "$RAW"

check "kernel: SIGTERM"
on_tty expect:ready raw signal:15 end:143 cooked -- run "$RAW"

check "kernel: SIGHUP"
on_tty expect:ready raw signal:1 end:129 cooked -- run "$RAW"

check "kernel: the terminal goes away"
on_tty expect:ready raw hangup end:129 -- run "$RAW"

check "kernel: SIGINT from elsewhere"
on_tty expect:ready raw signal:2 end:130 cooked -- run "$RAW"

check "kernel: SIGQUIT"
on_tty expect:ready raw signal:3 end:131 cooked -- run "$RAW"

check "kernel: a crash of the monitor"
on_tty expect:ready raw signal:11 end:139 cooked -- run "$RAW"

check "kernel: guest fault"
on_tty expect:ready raw send:f expect:'triple fault' end:121 cooked \
	-- run "$RAW"

check "kernel: power off"
on_tty expect:ready raw send:o end:0 cooked -- run "$RAW"

check "kernel: timeout"
on_tty expect:ready raw end:124 cooked -- run --timeout 2 "$RAW"

check "kernel: console elsewhere leaves the terminal alone"
on_tty cooked end:124 cooked -- run --console file:con --timeout 1 "$RAW"
expect "nothing in the file" grep -q ready con

check "kernel: an image that cannot run leaves the terminal alone"
echo text >image
on_tty expect:'a text file' end:126 cooked -- run ./image

check "kernel: size of the terminal, and a new one"
on_tty size:132x43 expect:'ready' raw size:99x44 expect:'new size 99x44' \
	send:q end:5 cooked -- run "$RAW"
