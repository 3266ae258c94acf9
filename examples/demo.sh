#!/bin/sh
# demo.sh MAYFLY: boots the example guests, each in a virtual machine of its
# own, and shows where the time of a boot goes. MAYFLY is a path from the top
# of the tree, or absolute.
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=${1:?usage: demo.sh MAYFLY}
cd "$(dirname "$0")/.."
guests=build/guest/examples

if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	echo "demo: no usable /dev/kvm here: on Linux with KVM, as root or in" \
		"group kvm" >&2
	exit 1
fi

say()
{
	printf '\n# %s\n' "$*"
}

# show ARG...: print the command, then run `mayfly` with these arguments
show()
{
	printf '$ mayfly %s\n' "$*"
	status=0
	"$mayfly" "$@" 2>&1 || status=$?
	[ $status = 0 ] || echo "exit status $status"
}

have()
{
	[ -x "$guests/$1" ]
}

say "what this host offers, in one line of many"
printf '$ mayfly check | tail -n 1\n'
"$mayfly" check | tail -n 1

if have hello; then
	say "an ordinary static Linux program, in a virtual machine of its own"
	show run "$guests/hello" big world
fi
if have echo; then
	say "arguments go in, input goes in, output comes out"
	printf '$ echo "from the host" | mayfly run %s\n' "$guests/echo"
	echo "from the host" | "$mayfly" run "$guests/echo" ||
		echo "exit status $?"
fi
if have clock; then
	say "time"
	show run "$guests/clock"
fi
if have hello; then
	say "where the time goes: microseconds since the process began"
	show run --trace "$guests/hello"
fi

say "how to go on: musl-gcc -static prog.c -o prog &&" \
	"$mayfly run ./prog; $mayfly help run"
