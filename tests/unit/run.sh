#!/bin/sh
# run.sh [--update] UNIT-TESTS: run the Criterion binary, one result line a
# test. A parameterized test counts once per parameter. Tests that vanish
# (from the linker section, or with a crash of the runner) are failures: the
# counts per suite are kept in EXPECTED; --update rewrites it.
# SPDX-License-Identifier: Apache-2.0
set -u
here=$(dirname "$0")
update=
if [ "${1-}" = --update ]; then
	update=1
	shift
fi
bin=${1:?usage: run.sh [--update] UNIT-TESTS}
expected=$here/EXPECTED
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$bin" --tap="$tmp/tap" >"$tmp/out" 2>&1
status=$?
if [ ! -s "$tmp/tap" ]; then
	cat "$tmp/out"
	echo "not ok unit/runner: no results, exit status $status"
	exit 1
fi

# TAP: "ok - suite::test  (0.00s)", "not ok - suite::test unexpected signal
# after file:line", "ok - suite::test  # SKIP why"; details are indented.
awk -v counts="$tmp/counts" '
function finish(why)
{
	if (failed == "")
		return
	why = detail
	if (why == "")
		why = tail
	print "not ok " failed ": " (why == "" ? "failed" : why)
	failed = ""
	detail = ""
}
/^(not )?ok - / {
	finish()
	total++
	bad = /^not /
	sub(/^(not )?ok - /, "")
	name = $1
	tail = substr($0, length(name) + 1)
	gsub(/^ +| +$/, "", tail)
	suite = name
	sub(/::.*/, "", suite)
	n[suite]++
	sub(/::/, "/", name)
	if (bad)
		failed = name
	else if (tail ~ /^# SKIP/)
		print "skip " name ": " substr(tail, 8)
	else
		print "ok " name
	next
}
/^  - / && failed != "" { where = $2; sub(/:$/, "", where); next }
/^      [^ ]/ && failed != "" && detail == "" {
	detail = $0
	sub(/^ +/, "", detail)
	detail = where " " detail
}
END {
	finish()
	for (s in n)
		print s, n[s] >counts
	print "#total", total + 0 >counts
}
' "$tmp/tap"

plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$tmp/tap")
total=$(sed -n 's/^#total //p' "$tmp/counts")
rc=0
if [ "${plan:-0}" != "$total" ] || [ "$total" = 0 ]; then
	echo "not ok unit/plan: ${plan:-no} tests planned, $total reported"
	rc=1
fi
# Sanitizer reports and the like are on the runner's own output.
if [ "$status" != 0 ]; then
	sed 's/^/# /' "$tmp/out"
	rc=1
	grep -q '^not ok' "$tmp/tap" ||
		echo "not ok unit/runner: exit status $status"
fi

grep -v '^#' "$tmp/counts" | sort >"$tmp/now"
if [ -n "$update" ]; then
	{
		echo "# Tests per suite; \`tests/unit/run.sh --update BIN\`" \
			"rewrites this file."
		cat "$tmp/now"
	} >"$expected"
fi

# More tests than listed: the list is behind, which only CI refuses.
grep -v '^#' "$expected" | sort | join -a 1 -a 2 -e 0 -o 0,1.2,2.2 \
	- "$tmp/now" >"$tmp/both"
less=$(awk '$3 < $2 { printf "%s%s %d of %d", sep, $1, $3, $2; sep = ", " }' \
	"$tmp/both")
more=$(awk '$3 > $2 { printf "%s%s %d (%d)", sep, $1, $3, $2; sep = ", " }' \
	"$tmp/both")
if [ -n "$less" ]; then
	echo "not ok unit/expected: tests are missing: $less"
	rc=1
elif [ -n "$more" ] && [ -n "${CI-}" ]; then
	echo "not ok unit/expected: EXPECTED is behind: $more"
	rc=1
else
	[ -z "$more" ] || echo "# EXPECTED is behind: $more"
	echo "ok unit/expected"
fi
exit $rc
