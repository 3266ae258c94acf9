# control_lib.sh: for tests of machines with a control socket, beside lib.sh:
# one at a time runs in the background, is asked and listened to. The socket
# is "sock", the last answer is in the file "answer", what the guest says in
# $OUT.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # status is read by expect_status

ASK=$GUESTS/tests/integ/helpers/ask
# How often to look for what is to happen, and the seconds in between
TRIES=${TRIES:-300}
PAUSE=${PAUSE:-0.1}

# start ARG...: a monitor in the background, its pid in $monitor. It reads
# from $START_IN, when that is set.
start()
{
	rm -f sock
	"$MAYFLY" run --control sock "$@" <"${START_IN:-/dev/null}" \
		>"$OUT" 2>"$ERR" &
	monitor=$!
}

# within TEXT COMMAND...: the command succeeds, sooner or later
within()
{
	w_why=$1
	shift
	w_n=0
	until "$@" >/dev/null 2>&1; do
		w_n=$((w_n + 1))
		if [ $w_n -ge "$TRIES" ] ||
			! kill -0 "$monitor" 2>/dev/null; then
			fail "$w_why"
			return 1
		fi
		sleep "$PAUSE"
	done
}

# hears LINE: the guest says so
hears()
{
	within "the guest did not say '$1'" grep -qxF -e "$1" "$OUT"
}

ask()
{
	"$ASK" sock "$@" >answer 2>&1
}

# asks METHOD PATH [BODY]: and it succeeds
asks()
{
	ask "$@" || fail "$*: $(t_short "$(cat answer)")"
}

answer_has()
{
	grep -qF -e "$1" answer ||
		fail "the answer lacks '$1': $(t_short "$(cat answer)")"
}

size_to()
{
	asks PATCH /balloon "{\"amount_mib\": $1}"
}

# counter NAME: its value
counter()
{
	"$ASK" sock GET /mayfly/metrics | awk -v n="mayfly_$1" '$1 == n { print $2 }'
}

# resident: MiB of the monitor's memory
resident()
{
	awk '/^Rss:/ { print int($2 / 1024) }' "/proc/$monitor/smaps_rollup"
}

# above NAME: the counter is more than 0
above()
{
	[ "$(counter "$1")" -gt 0 ]
}

# hinted HOST GUEST: the commands that either side said last
hinted()
{
	ask GET /balloon/hinting/status &&
		grep -qF "{\"host_cmd\":$1,\"guest_cmd\":$2}" answer
}

# number NAME: of the statistics
number()
{
	"$ASK" sock GET /balloon/statistics | tr ',{}' '\n' |
		awk -F: -v n="\"$1\"" '$1 == n { print $2 }'
}

told_memory()
{
	[ -n "$(number "$1")" ]
}

# fell FROM BY: free memory did
fell()
{
	[ "$(number free_memory)" -le $(($1 - $2)) ]
}

finish()
{
	status=0
	wait "$monitor" 2>/dev/null || status=$?
}

