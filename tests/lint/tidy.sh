#!/bin/sh
# tidy.sh CACHE FILE: clang-tidy over one source file, prints its findings. A
# pass is remembered in CACHE under a hash of all that went in.
# SPDX-License-Identifier: Apache-2.0
set -u
cache=$1
f=$2
set -- -std=gnu17 -Imonitor -I. -D_GNU_SOURCE '-DMAYFLY_VERSION="lint"'

key=$({
	cat .clang-tidy
	clang "$@" -E "$f" 2>/dev/null || date +%N
} | sha256sum | cut -c 1-32)
[ ! -e "$cache/$key" ] || exit 0
found=$(clang-tidy --quiet "$f" -- "$@" 2>/dev/null |
	grep -E ': (error|warning):' | sed "s|^$PWD/||")
if [ -n "$found" ]; then
	echo "$found"
else
	: >"$cache/$key"
fi
