#!/bin/sh
# header.sh HEADER: does it compile alone, and has it the guard its path asks
# for (FOLDER_UNIT_H)? Prints what is wrong.
# SPDX-License-Identifier: Apache-2.0
set -eu
h=$1

flags='-std=gnu17 -fsyntax-only -Wall -Wextra -Werror -D_GNU_SOURCE'
case $h in
guest-kit/include/abi/*) flags="$flags -Iguest-kit/include" ;;
guest-kit/*) flags="$flags -Iguest-kit -Iguest-kit/include -ffreestanding" ;;
bench/guest/*) flags="$flags -Iguest-kit -Iguest-kit/include -I. -ffreestanding" ;;
tests/guests/*) flags="$flags -Iguest-kit/include -Itests/guests" ;;
*) flags="$flags -Imonitor -I." ;;
esac

# As the sole include of a file, so that "main file" warnings do not apply.
# shellcheck disable=SC2086 # flags are a list of words
printf '#include "%s"\n' "$PWD/$h" | gcc $flags -xc - 2>&1 |
	grep -E 'error:|warning:' || :

dir=$(basename "$(dirname "$h")")
guard=$(printf '%s_%s' "$dir" "$(basename "$h" .h)" |
	tr 'a-z.-' 'A-Z__')_H
grep -q "^#ifndef ${guard}\$" "$h" || echo "$h:1: include guard is not $guard"
