#!/bin/sh
# setup.sh [programs]: install what building and testing mayfly needs (Debian
# 12, apt). Does nothing, and needs no network, when everything is there
# already. `programs` adds what tests/programs/setup.sh wants.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."

packages="
gcc libc6-dev make musl-tools binutils git
libseccomp-dev liburing-dev libcap-dev libjansson-dev libhttp-parser-dev
libcriterion-dev
clang clang-format clang-tidy libclang-rt-14-dev shellcheck
qemu-system-x86 busybox-static acpica-tools cpio lz4 strace jq
e2fsprogs iproute2 socat gdb
"
if [ "${1-}" = programs ]; then
	packages="$packages
		bash-static liblua5.4-dev libsqlite3-dev zlib1g-dev libzstd-dev
		liblzma-dev g++ golang-go rustc python3"
fi

# dpkg-query prints nothing for a package it has never heard of.
missing()
{
	for p in $packages; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$p" \
			2>/dev/null) || state=
		[ "$state" = installed ] || echo "$p"
	done
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		DEBIAN_FRONTEND=noninteractive "$@"
	elif command -v sudo >/dev/null; then
		sudo DEBIAN_FRONTEND=noninteractive "$@"
	else
		echo "setup: root or sudo is needed for: $*" >&2
		return 1
	fi
}

if ! command -v dpkg-query >/dev/null; then
	echo "setup: not a Debian system; install the equivalents of:" >&2
	echo "$packages" >&2
	exit 1
fi

need=$(missing | tr '\n' ' ')
if [ -n "$need" ]; then
	echo "setup: installing $need"
	mkdir -p build
	log=build/setup.log
	# Package lists may be absent (fresh image) or old: try as is, then
	# after an update.
	# shellcheck disable=SC2086 # a list of words
	as_root apt-get install -y -q --no-install-recommends $need \
		>"$log" 2>&1 || {
		as_root apt-get update -q >>"$log" 2>&1 || :
		as_root apt-get install -y -q --no-install-recommends $need \
			>>"$log" 2>&1
	} || {
		tail -n 20 "$log" >&2
		echo "setup: apt-get failed, see $log" >&2
		exit 1
	}
	need=$(missing | tr '\n' ' ')
	if [ -n "$need" ]; then
		echo "setup: still missing: $need" >&2
		exit 1
	fi
fi

# The Linux guest of the SVM lane; nothing else needs it, so being offline
# is not an error here. The lane itself says so when it cannot run.
tests/svm/kernel.sh >/dev/null ||
	echo "setup: no Debian kernel: the SVM lane will not run" >&2
