#!/bin/sh
# stats.sh: the numbers that drift: lines per folder, tests, binary sizes.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."

# code_lines FILE...: neither blank nor only comment
code_lines()
{
	cat "$@" /dev/null | awk '
	{ line = $0; gsub(/[ \t]/, "", line) }
	in_comment { if (line ~ /\*\//) in_comment = 0; next }
	line ~ /^\/\*/ { if (line !~ /\*\//) in_comment = 1; next }
	line != "" && line !~ /^#!/ && line !~ /^#[^a-z]/ { n++ }
	END { print n + 0 }'
}

echo "lines of code (no blanks, no comment lines)"
for d in monitor/* virtio jail snapshot guest-kit tests examples bench; do
	[ -d "$d" ] || continue
	# shellcheck disable=SC2046 # names here have no spaces
	n=$(code_lines $(find "$d" -name '*.[chS]' -o -name '*.sh'))
	[ "$n" = 0 ] || printf '%8d  %s\n' "$n" "$d"
done

echo "tests"
count()
{
	printf '%8d  %s\n' "$(eval "$2" | wc -l)" "$1"
}
count "unit tests, parameters apart" \
	"grep -hE '^(Parameterized)?Test\(' tests/unit/*.c 2>/dev/null"
count "integration checks" \
	"grep -hE '^[[:space:]]*check ' tests/integ/t_*.sh 2>/dev/null"
count "fuzz targets" "ls tests/fuzz/fuzz_*.c 2>/dev/null"
count "fuzz inputs kept" "find tests/fuzz -path '*corpus/*' -type f"
count "thread tests" "ls tests/thread/*.c 2>/dev/null"

echo "bytes, stripped"
for f in build/release/mayfly build/guest/kit.elf build/guest/examples/*; do
	[ -f "$f" ] || continue
	t=$(mktemp)
	strip -o "$t" "$f"
	printf '%8d  %s\n' "$(stat -c %s "$t")" "$f"
	rm -f "$t"
done
