#!/bin/sh
# lint.sh [CHECK...]: every check, or the named ones; one result line each,
# what is wrong as "# file:line: ..." lines above it.
# Checks: layers headers calls spdx size format tidy shell.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317 # the checks are called by name
set -u
cd "$(dirname "$0")/../.." || exit 1
cache=build/lint
mkdir -p "$cache"
rc=0

# What is in the tree, committed or about to be, minus what git ignores.
files()
{
	git ls-files -co --exclude-standard -- "$@" | while read -r f; do
		[ ! -f "$f" ] || echo "$f"
	done
}

# verdict CHECK FILE: the check failed if FILE has anything in it
verdict()
{
	if [ -s "$2" ]; then
		sed 's/^/# /' "$2"
		echo "not ok lint/$1: $(grep -c '' "$2") lines above"
		rc=1
	else
		echo "ok lint/$1"
	fi
}

check_layers()
{
	files '*.c' '*.h' '*.S' | xargs tests/lint/layers.sh
}

check_headers()
{
	files '*.h' | xargs -r -n 1 -P 2 tests/lint/header.sh
}

check_calls()
{
	tests/lint/calls.sh guest-kit/linux/calls.h guest-kit/README.md
}

check_spdx()
{
	files '*.c' '*.h' '*.S' '*.sh' '*.ld' Makefile .ci/run | while read -r f; do
		head -n 60 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
			echo "$f:1: no SPDX line"
	done
}

# A warning only: a file past 600 lines deserves a hard look, not a ban.
check_size()
{
	files '*.c' '*.h' | xargs wc -l | awk '$1 > 600 && $2 != "total" {
		print "# warning: " $2 ": " $1 " lines" }' >&3
}

check_format()
{
	files '*.c' '*.h' | while read -r f; do
		clang-format --dry-run -Werror "$f" 2>&1 |
			grep -E ': (error|warning):' |
			awk -F: '{ n++; if (n == 1) at = $1 ":" $2 }
			END { if (n) print at ": " n " places (make format)" }'
	done
}

# Slow, so a file that passed is not looked at again until it, or anything
# it includes, changes.
check_tidy()
{
	mkdir -p "$cache/tidy"
	files 'monitor/*.c' 'virtio/*.c' 'jail/*.c' 'snapshot/*.c' |
		xargs -r -n 1 -P 2 tests/lint/tidy.sh "$cache/tidy"
}

# Tests source lib.sh by a variable; that is all that is excused.
check_shell()
{
	{
		files '*.sh'
		files .ci/run
	} | xargs shellcheck -f gcc -e SC1090,SC1091,SC2154 2>&1
}

[ $# -gt 0 ] || set -- layers headers calls spdx size format tidy shell
for c in "$@"; do
	exec 3>"$cache/$c.note"
	"check_$c" >"$cache/$c.log"
	exec 3>&-
	cat "$cache/$c.note"
	verdict "$c" "$cache/$c.log"
done
exit $rc
