#!/bin/sh
# coverage.sh: line coverage of the unit tests, a line per source file and one
# per folder, in build/cov/coverage.txt. Tests and headers are not counted.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
b=build/cov

find "$b" -name '*.gcda' -delete 2>/dev/null || :
make --no-print-directory FLAVOUR=cov "$b/tests/unit-tests"
tests/unit/run.sh "$b/tests/unit-tests" >"$b/unit.log" || {
	grep '^not ok' "$b/unit.log"
	echo "coverage: the unit tests fail" >&2
	exit 1
}

# An object no test touched has notes but no data: gcov calls it 0%.
find "$b" -name '*.gcno' ! -path '*/tests/*' | sort | while read -r notes; do
	gcov -n -o "$(dirname "$notes")" "$notes" 2>/dev/null
done | awk '
/^File / {
	file = $0
	gsub(/^File .|.$/, "", file)
}
/^Lines executed:/ && file ~ /^(monitor|virtio|jail|snapshot)\/.*\.c$/ {
	split($0, part, /[:% ]+/)
	pct = part[3]
	lines = $NF
	hit = int(pct * lines / 100 + 0.5)
	dir = file
	sub(/\/[^\/]*$/, "", dir)
	printf "%6.1f%% %5d  %s\n", pct, lines, file
	sum[dir] += lines; got[dir] += hit
	all += lines; ran += hit
	file = ""
}
END {
	print ""
	sort = "sort -k 3"
	for (d in sum)
		printf "%6.1f%% %5d  %s/\n", 100 * got[d] / sum[d], \
			sum[d], d | sort
	close(sort)
	if (all)
		printf "%6.1f%% %5d  all\n", 100 * ran / all, all
}' >"$b/coverage.txt"
cat "$b/coverage.txt"
