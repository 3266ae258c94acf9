#!/bin/sh
# t_debug.sh: what docs/DEBUGGING.md shows: the page about a fault, --strace,
# --core and --gdb on examples/crash.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # dollars are for gdb
# shellcheck disable=SC2034 # status is for expect_status
. "$LIB"

SOCK=$PWD/gdb.sock
CORE=$PWD/crash.core

# gdb_says ARG...: runs gdb without start-up files; its words are in $OUT
gdb_says()
{
	timeout -s KILL 60 gdb -nx -batch "$@" >"$OUT" 2>"$ERR" </dev/null ||
		fail "gdb ended with $?: $(t_short "$(cat "$ERR")")"
}

# start_debugged ARG...: mayfly in the background, waiting at $SOCK
start_debugged()
{
	timeout -s KILL 90 "$MAYFLY" run --gdb "unix:$SOCK$WAIT" "$@" \
		</dev/null >"$PWD/guest.out" 2>"$PWD/guest.err" &
	mayfly_pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ ! -S "$SOCK" ] || break
		sleep 0.2
	done
}

end_debugged()
{
	status=0
	wait "$mayfly_pid" || status=$?
}

WAIT=

check "a page about the fault"
if guest crash; then
	run_mayfly run "$GUEST"
	expect_status 139
	expect_out "adding up"
	expect_err_has "the program died of SIGSEGV: reading address 0"
	expect_err_has "address 0: in no mapping"
	expect_err_has "code:"
	expect "rip is marked" grep -q '<[0-9a-f][0-9a-f]>' "$ERR"
	expect_err_has "word_len+0x"
	expect_err_has "total_len+0x"
	expect_err_has "main+0x"
fi

check "strace of a crash"
if guest crash; then
	run_mayfly run --strace "$GUEST"
	expect_status 139
	expect_err_has 'writev(1, [{iov_base="adding up", iov_len=9}, '
	expect_err_has ') = 10'
	expect_err_has 'ioctl(1, TIOCGWINSZ, '
	expect_err_has ' = -1 ENOTTY (Inappropriate ioctl for device)'
fi

check "strace of a good end"
if guest hello; then
	run_mayfly run --strace "$GUEST"
	expect_status 0
	expect "the last line" [ "$(tail -n 1 "$ERR")" = "exit_group(0) = ?" ]
fi

check "strace of threads that sleep"
if guest dbg_threads; then
	run_mayfly run --strace "$GUEST" now
	expect_status 139
	expect_err_has '[pid 1] nanosleep({tv_sec=0, tv_nsec=50000000}, '
	expect_err_has ' <unfinished ...>'
	expect_err_has '[pid 1] <... nanosleep resumed>'
fi

check "no core without a crash"
if guest hello; then
	echo old >"$CORE"
	run_mayfly run --core "$CORE" "$GUEST"
	expect_status 0
	expect "the old file is untouched" [ "$(cat "$CORE")" = old ]
	expect "nothing beside it" [ "$(echo crash.core*)" = crash.core ]
fi

check "a core"
if guest crash; then
	run_mayfly run --core "$CORE" "$GUEST"
	expect_status 139
	expect_err_has "mayfly: core: $CORE"
	expect "nothing beside it" [ "$(echo crash.core*)" = crash.core ]
	expect "mode" [ "$(stat -c %a "$CORE")" = 600 ]
	expect "it is an ELF file" \
		[ "$(dd if="$CORE" bs=1 skip=1 count=3 2>/dev/null)" = ELF ]
fi

check "a core that cannot be written"
if guest crash; then
	run_mayfly run --core /nowhere/core "$GUEST"
	expect_status 125
	expect_err_has "--core /nowhere/core"
	run_mayfly run --core "$PWD" "$GUEST"
	expect_status 125
	expect_err_has "not a regular file"
fi

check "words of --gdb"
if guest hello; then
	for bad in "" unix: tcp:1 0 65536 1x 70000000000000000000 nowait; do
		run_mayfly run --gdb "$bad" "$GUEST"
		expect_status 125
		expect_err_has "--gdb"
	done
fi

check "debugging is for programs"
if guest linked_idle; then
	run_mayfly run --strace "$GUEST"
	expect_status 125
	expect_err_has "is a kernel: this is for programs"
fi

check "waiting for gdb can be ended"
if guest hello; then
	rm -f "$SOCK"
	start_debugged --timeout 1 "$GUEST"
	end_debugged
	expect_status 124
	expect "the socket is gone" [ ! -e "$SOCK" ]
	start_debugged "$GUEST"
	kill -TERM "$mayfly_pid"
	end_debugged
	expect_status 143
	expect "nothing was said" [ ! -s guest.out ]
fi

if ! command -v gdb >/dev/null 2>&1; then
	check "gdb"
	skip "there is no gdb"
	exit 0
fi

check "gdb reads the core"
if guest crash; then
	gdb_says "$GUEST" "$CORE" -ex bt -ex 'frame function total_len' \
		-ex 'print *w' -ex 'info threads'
	expect_out_has "Program terminated with signal SIGSEGV"
	expect_out_has "in word_len (w=0x"
	expect_out_has "in total_len (w=0x"
	expect_out_has "in main () at"
	expect_out_has '{text = 0x0, next = 0x'
	expect "one thread" grep -q '^\* 1 .*strlen ()' "$OUT"
	expect "no complaints" [ ! -s "$ERR" ]
fi

check "gdb stops, steps and looks"
if guest crash; then
	rm -f "$SOCK"
	start_debugged "$GUEST"
	gdb_says "$GUEST" -ex "target remote $SOCK" -ex 'break total_len' \
		-ex continue -ex bt -ex 'print w->text' -ex next -ex next \
		-ex 'print $_siginfo.si_signo' -ex 'delete' -ex 'stepi' \
		-ex 'info threads' -ex continue -ex bt -ex 'print $rdi' \
		-ex continue
	end_debugged
	expect_status 139
	expect_out_has "Breakpoint 1, total_len (w=0x"
	expect_out_has '"first"'
	expect_out_has "Program received signal SIGSEGV"
	expect_out_has "in word_len (w=0x"
	expect "rdi" grep -q '^\$[0-9]* = 0$' "$OUT"
	expect_out_has "Program terminated with signal SIGSEGV"
	expect "the program said its part" [ "$(cat guest.out)" = "adding up" ]
fi

check "gdb mends the program"
if guest crash; then
	rm -f "$SOCK"
	start_debugged "$GUEST"
	gdb_says "$GUEST" -ex "target remote $SOCK" -ex 'break total_len' \
		-ex continue -ex 'set w->next->text = w->text' -ex continue
	end_debugged
	expect_status 0
	expect_out_has "exited normally"
	expect "the sum" grep -q '^15 letters$' guest.out
fi

check "gdb kills"
if guest crash; then
	rm -f "$SOCK"
	start_debugged "$GUEST"
	gdb_says "$GUEST" -ex "target remote $SOCK" -ex kill
	end_debugged
	expect_status 137
	expect "it never ran" [ ! -s guest.out ]
fi

check "gdb and threads"
if guest dbg_threads; then
	rm -f "$SOCK"
	start_debugged "$GUEST"
	gdb_says "$GUEST" -ex "target remote $SOCK" -ex 'break work if id == 2' \
		-ex continue -ex 'print id' -ex continue -ex continue \
		-ex 'info threads' -ex 'delete' -ex 'stepi' -ex 'stepi' \
		-ex 'thread apply all -q backtrace 1' -ex 'print calls[2]' \
		-ex 'set scheduler-locking on' -ex 'print calls[3]' \
		-ex 'stepi 100' -ex 'print calls[3]' -ex kill
	end_debugged
	expect_status 137
	expect "a thread of its own" grep -q '^\$1 = 2$' "$OUT"
	expect "five threads" [ "$(grep -c '^[* ] [1-5] .*Thread [1-5] ' "$OUT")" = 5 ]
	expect "the others were held" \
		[ "$(sed -n 's/^\$3 = //p' "$OUT")" = "$(sed -n 's/^\$4 = //p' "$OUT")" ]
fi

check "gdb interrupts"
if guest dbg_threads; then
	rm -f "$SOCK"
	WAIT=,nowait
	start_debugged "$GUEST"
	WAIT=
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s guest.out ] || break
		sleep 0.2
	done
	for _ in 1 2 3; do # each comes, stops the program, looks, and goes
		gdb_says "$GUEST" -ex "target remote $SOCK" \
			-ex 'info threads' -ex 'print calls' -ex detach
		expect "five threads" [ "$(grep -c '^[* ] [1-5] .*Thread [1-5] ' "$OUT")" = 5 ]
		expect "places in the program" [ "$(grep -c 0xffff "$OUT")" = 0 ]
	done
	kill "$mayfly_pid"
	end_debugged
	expect_status 143
fi

check "a core with threads"
if guest dbg_threads; then
	run_mayfly run --core "$CORE" "$GUEST" now
	expect_status 139
	gdb_says "$GUEST" "$CORE" -ex 'info threads' -ex 'thread apply all backtrace'
	expect "five threads" [ "$(grep -c '^[* ] [1-5] .*LWP [1-5]' "$OUT")" = 5 ]
	expect "the first is at fault" grep -q '^\* 1 .*LWP 1.* main (argc=' "$OUT"
	expect "workers" [ "$(grep -c '^#[01] .*worker (arg=0x[123])' "$OUT")" = 3 ]
fi

check "gdb detaches"
if guest hello; then
	rm -f "$SOCK"
	start_debugged "$GUEST"
	gdb_says -ex "target remote $SOCK" -ex detach
	end_debugged
	expect_status 0
	expect "it ran" grep -q '^hello' guest.out
fi
