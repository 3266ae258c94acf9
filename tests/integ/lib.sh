# lib.sh: what an integration test (t_*.sh) is written with. POSIX sh and
# busybox tools only: the same files run inside the SVM lane's initramfs.
#
#   . "$LIB"
#   check "hello says hello"
#   run_mayfly run "$GUESTS/examples/hello"
#   expect_status 0
#   expect_out "Hello, world"
#
# `check NAME` opens a check and closes the one before it; the last one is
# closed when the script ends. A check passes when every expect_ after it
# held. Given by run.sh: MAYFLY, GUESTS, LIB, LANE (kvm or svm); the working
# directory is private and disappears afterwards.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2153 # variables cross files

T_SUITE=$(basename "$0" .sh)
T_SUITE=${T_SUITE#t_}
T_OPEN=
T_WHY=
T_SKIP=
T_BAD=0
OUT=$PWD/out
ERR=$PWD/err
status=

# How long one run may take before it is killed; a test may raise it.
RUN_LIMIT=${RUN_LIMIT:-20}

# One result line, for tests that do without check/expect.
ok()
{
	echo "ok $T_SUITE/$1"
}

not_ok()
{
	echo "not ok $T_SUITE/$1: $2"
	T_BAD=1
}

t_close()
{
	[ -n "$T_OPEN" ] || return 0
	if [ -n "$T_WHY" ]; then
		[ ! -s "$OUT" ] || tail -n 20 "$OUT" | sed 's/^/# out: /'
		[ ! -s "$ERR" ] || tail -n 20 "$ERR" | sed 's/^/# err: /'
		not_ok "$T_OPEN" "$T_WHY"
	elif [ -n "$T_SKIP" ]; then
		echo "skip $T_SUITE/$T_OPEN: $T_SKIP"
	else
		ok "$T_OPEN"
	fi
	T_OPEN=
}

t_exit()
{
	t_code=$?
	if [ "$t_code" != 0 ] && [ -z "$T_WHY" ]; then
		T_WHY="the script died with status $t_code"
		[ -n "$T_OPEN" ] || T_OPEN=script
	fi
	t_close
	exit "$T_BAD"
}
trap t_exit EXIT

# Names have no blanks in result lines: those become '-'.
check()
{
	t_close
	T_OPEN=$(echo "$1" | tr ' ' '-')
	T_WHY=
	T_SKIP=
	: >"$OUT"
	: >"$ERR"
}

# The first thing that went wrong is the verdict.
fail()
{
	[ -n "$T_WHY" ] || T_WHY=$1
}

skip()
{
	T_SKIP=$1
}

# run_mayfly ARG...: no input; leaves stdout in $OUT, stderr in $ERR, the exit
# status in $status. 137 is ours: killed after RUN_LIMIT seconds.
run_mayfly()
{
	run_mayfly_in /dev/null "$@"
}

# run_mayfly_in FILE ARG...: the same with input
run_mayfly_in()
{
	t_in=$1
	shift
	status=0
	timeout -s KILL "$RUN_LIMIT" "$MAYFLY" "$@" \
		<"$t_in" >"$OUT" 2>"$ERR" || status=$?
}

expect_status()
{
	[ "$status" = "$1" ] || fail "exit status $status, not $1"
}

# expect_out TEXT: standard output is exactly TEXT, final newline aside
expect_out()
{
	t_text=$(cat "$OUT")
	[ "$t_text" = "$1" ] || fail "stdout is '$(t_short "$t_text")'"
}

expect_out_has()
{
	grep -qF -e "$1" "$OUT" || fail "stdout lacks '$1'"
}

expect_err_has()
{
	grep -qF -e "$1" "$ERR" || fail "stderr lacks '$1'"
}

expect_err_empty()
{
	[ ! -s "$ERR" ] || fail "stderr: $(t_short "$(cat "$ERR")")"
}

# expect WHY COMMAND...: the command succeeds
expect()
{
	t_why=$1
	shift
	"$@" || fail "$t_why"
}

t_short()
{
	printf '%s' "$1" | tr '\n\r' '  ' | cut -c 1-100
}

# guest NAME: path of a guest program; the check is skipped without it
guest()
{
	for t_dir in tests/guests examples; do
		if [ -x "$GUESTS/$t_dir/$1" ]; then
			GUEST=$GUESTS/$t_dir/$1
			return 0
		fi
	done
	fail "no guest program '$1' was built"
	return 1
}
