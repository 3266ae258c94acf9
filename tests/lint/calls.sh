#!/bin/sh
# calls.sh CALLS_H README: the table of system calls says of every one of
# Linux's, up to 6.1, what the kit does with it, once: those of CALLS_H outside
# the rows that begin with "not", the others in them. A row of the table begins
# with one of the words below; in its second column every word outside
# parentheses is a call.
# SPDX-License-Identifier: Apache-2.0
set -eu
calls=${1:?usage: calls.sh CALLS_H README}
readme=${2:?usage: calls.sh CALLS_H README}
last=450 # of Linux 6.1: set_mempolicy_home_node

# First "linux NAME NUMBER" and "kit NAME NUMBER", then the table.
{
	echo '#include <asm/unistd_64.h>' | "${CC:-cc}" -E -dM - |
		sed -n 's/^#define __NR_\([a-z_0-9]*\) \([0-9]*\)$/linux \1 \2/p'
	sed -n 's/^.*X(\([0-9]*\), \([a-z_0-9]*\)).*$/kit \2 \1/p' "$calls"
} | awk -v readme="$readme" -v calls="$calls" -v last="$last" '
function complain(what, at) { print readme ":" (at ? at : line) ": " what }

$1 == "linux" { if ($3 <= last) { linux[$2] = $3; n_linux++ } next }
$1 == "kit" { kit[$2] = $3; n_kit++; next }
/^## / { inside = $0 == "## System calls"; if (inside) line = FNR }
inside {
	if (split($0, column, "|") != 4)
		next
	class = column[2]
	gsub(/^ +| +$|:.*/, "", class)
	if (class !~ /^(full|partial|accepted|refused|not)$/)
		next
	text = column[3]
	while (gsub(/\([^()]*\)/, " ", text))
		;
	n = split(text, words, /[ ,;]+/)
	for (i = 1; i <= n; i++) {
		name = words[i]
		if (name == "")
			continue
		if (name in seen)
			complain(name " is in line " seen[name] ", too", FNR)
		else if (!(name in linux) && !(name in kit))
			complain(name " is no call of Linux up to number " last, FNR)
		else if (name in kit && class == "not")
			complain(name " is in " calls ", but in a row \"not\"", FNR)
		else if (!(name in kit) && class != "not")
			complain(name " is not in " calls ", but in a row \"" class "\"", FNR)
		if (!(name in seen))
			seen[name] = FNR
	}
}

END {
	if (!n_linux)
		print "asm/unistd_64.h:1: no system calls found"
	if (!n_kit)
		print calls ":1: no system calls found"
	for (name in kit) {
		if (name in linux && linux[name] != kit[name])
			print calls ":1: " name " is " linux[name] ", not " kit[name]
		if (!(name in seen))
			complain(name " is in " calls ", but in no row")
	}
	for (name in linux)
		if (!(name in kit) && !(name in seen))
			complain(name " is in no row, it belongs into \"not\"")
}' - "$readme" | sort -t: -k1,1 -k2,2n
