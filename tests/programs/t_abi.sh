#!/bin/sh
# Every program of tests/abi, with both C libraries: what the kit answers is
# what Linux answers. A program that differs is run again, case by case, to say
# which. ABI names programs (default all).
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"
RUN_LIMIT=${ABI_LIMIT:-60}

for program in "$GUESTS"/tests/abi/*/*; do
	name=${program##*/}
	library=${program%/*}
	library=${library##*/}
	[ -x "$program" ] || continue
	[ "$name" != ends ] || continue # t_ends.sh
	case " ${ABI-$name} " in *" $name "*) ;; *) continue ;; esac
	check "$name.$library"
	given
	RUN="-m 256M"
	ENV="ABI_SCALE=$SCALE"
	same "$program"
	[ -n "$T_WHY" ] || continue
	for c in $("$program" --list); do
		RUN_LIMIT=10
		T_WHY=
		same "$program" "$c" >case.diff 2>&1
		[ -z "$T_WHY" ] || {
			echo "# $name.$library $c: $T_WHY"
			cat case.diff
			tail -n 3 "$ERR" | sed 's/^/# err: /'
		}
	done
	RUN_LIMIT=${ABI_LIMIT:-60}
	fail "see the cases above"
done
