#!/bin/sh
# io.sh MAYFLY GUESTS: disk, network and vsock figures of mayfly, beside those
# of QEMU's microvm with the same guest kernel file and of the host without a
# virtual machine. Tables on stdout, all samples in build/bench/io.json.
# Environment: PARTS (default "blk net vsock") what is measured, WAITS (default
# "sleep poll") how guests wait, ROUNDS (default 3) runs a case, MS (default
# 300) the length of each, MIB (default 512) the size of the disk's file, DIR
# (default the folder for temporary files) where it lies.
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=${1:?usage: io.sh MAYFLY GUESTS}
guest=${2:?usage: io.sh MAYFLY GUESTS}/bench/io
rounds=${ROUNDS:-3}
ms=${MS:-300}
mib=${MIB:-512}
parts=${PARTS:-blk net vsock}
waits=${WAITS:-sleep poll}
here=$(dirname "$0")
out=build/bench

# The taps are in a network of our own; without the right to make one, the
# network is left out.
if [ -z "${IO_NETNS-}" ]; then
	export IO_NETNS=no
	if unshare -n true 2>/dev/null && [ -w /dev/net/tun ]; then
		export IO_NETNS=yes
		exec unshare -n "$0" "$@"
	fi
fi

mkdir -p "$out"
for p in host io_bench; do
	gcc -O2 -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -I"$here/.." \
		-o "$out/$p" "$here/$p"*.c -l:liburing.a
done
tmp=$(mktemp -d -p "${DIR:-${TMPDIR:-/tmp}}")
trap 'rm -rf "$tmp"' EXIT

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
kvm=$(cd /sys/module && echo kvm_*)
host="$cpu, $(nproc) CPUs, Linux $(uname -r), $kvm"
load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
qemu=
if command -v qemu-system-x86_64 >/dev/null; then
	qemu=$(qemu-system-x86_64 --version | sed -n 's/.*version \([^ ]*\).*/\1/p')
fi
echo "host: $host"
echo "load: $load_before"
echo "QEMU: ${qemu:-none}"
echo "each: $rounds runs of $ms ms, interleaved, after 1 to warm up"
echo "CPU: all threads of the process, virtual CPUs among them; not the other end"
echo

# measure TITLE CACHE... -- CASE...: io_bench, its table, its part of io.json
sep=
: >"$tmp/all.json"
measure()
{
	title=$1
	shift
	"$out/io_bench" "$rounds" "$tmp/one.json" "$title" "$@"
	printf '%s' "$sep" >>"$tmp/all.json"
	cat "$tmp/one.json" >>"$tmp/all.json"
	sep=,
	echo
}

# The guest's words after " -- ": the first thing it looks for. QEMU's
# smallest machine is that of boot.sh.
mayfly_args() { echo "mayfly.platform=0xc0000000 -- $*"; }
qemu_args() { echo "kit.exit=0x501 -- $*"; }
qemu_machine="qemu-system-x86_64
	-M microvm,x-option-roms=off,rtc=off,pic=off,pit=off,isa-serial=off,acpi=off
	-accel kvm -cpu host,-arch-capabilities -m 64
	-no-user-config -nodefaults -display none -no-reboot
	-global virtio-mmio.force-legacy=false
	-device isa-debug-exit,iobase=0x501 -device virtio-serial-device
	-chardev stdio,id=c -device virtconsole,chardev=c -kernel $guest"

# How a guest waits: `sleep`, as everybody does, a short look and then asleep;
# `poll`, never asleep, which shows what the device alone takes. Tables for
# which that matters are made for each of $waits, the others for `sleep`.
title_of() { [ "$2" = sleep ] && echo "$1" || echo "$1, guest polls"; }

# --- blk ----------------------------------------------------------------------
# blk MODE WAIT read|write random|sequential DEPTH LEN: one table. In QEMU the
# disk has a thread of its own and io_uring; where the page cache is used,
# threads are tried, too. QEMU's guest memory is in huge pages by default.
blk()
{
	mode=$1 wait=$2
	shift 2
	file=$tmp/disk
	title=$(title_of "$2 $1, $(($4 / 1024)) KiB, depth $3, $mode" "$wait")
	cache=warm disk=$file qcache=writeback aios="io_uring threads"
	if [ "$mode" = direct ]; then
		cache=cold disk=$file,direct qcache=none aios=io_uring
	fi
	work="$* $ms"
	args=$(mayfly_args blk "$work" "$wait")
	# shellcheck disable=SC2086 # a list of words
	set -- "$cache" "$file" \
		-- host "$out/host" blk "$file" "$mode" $work \
		-- mayfly "$mayfly" run -q --disk "$disk" \
		--kernel-args "$args" "$guest"
	case $work in
	*sequential*)
		set -- "$@" -- "mayfly, huge pages" "$mayfly" run -q \
			--huge-pages thp --disk "$disk" --kernel-args "$args" \
			"$guest"
		;;
	esac
	for aio in $aios; do
		[ "$qemu" ] || break
		# shellcheck disable=SC2086 # a list of words
		set -- "$@" -- "QEMU $aio" $qemu_machine \
			-append "$(qemu_args blk "$work" "$wait")" \
			-object iothread,id=t -drive \
			"if=none,id=d,file=$file,format=raw,cache=$qcache,aio=$aio" \
			-device virtio-blk-device,drive=d,iothread=t
	done
	measure "$title" "$@"
}

blk_part()
{
	# Written, not only allocated: or reads find no blocks.
	head -c "${mib}M" /dev/urandom >"$tmp/disk"
	sync "$tmp/disk"
	echo "disk: a file of $mib MiB on" \
		"$(df --output=fstype,source "$tmp/disk" | tail -n 1)"
	echo
	for mode in direct buffered; do
		for way in read write; do
			for wait in $waits; do
				blk "$mode" "$wait" "$way" random 1 4096
			done
			blk "$mode" sleep "$way" random 32 4096
			blk "$mode" sleep "$way" sequential 4 $((1 << 20))
		done
	done
}

# --- net ----------------------------------------------------------------------
# net WAIT ping|send|receive LEN [WORD...]: one table. The words: what io_bench
# gets.
net()
{
	wait=$1
	title=$(title_of "$2 frames of $3 bytes" "$wait")
	work="$2 $3 $ms"
	shift 3
	# shellcheck disable=SC2086 # a list of words
	set -- "$@" -- host "$out/host" tap io0 $work \
		-- mayfly "$mayfly" run -q --net tap=io0 \
		--kernel-args "$(mayfly_args net "$work" "$wait")" "$guest"
	if [ "$qemu" ]; then
		# shellcheck disable=SC2086 # a list of words
		set -- "$@" -- QEMU $qemu_machine \
			-append "$(qemu_args net "$work" "$wait")" \
			-netdev tap,id=n,ifname=io0,script=no,downscript=no,vhost=off \
			-device virtio-net-device,netdev=n
	fi
	measure "$title" "$@"
}

net_part()
{
	if [ "$IO_NETNS" = no ]; then
		echo "net: no right to make a network namespace and taps"
		return
	fi
	ip tuntap add dev io0 mode tap
	echo 1 >/proc/sys/net/ipv6/conf/io0/disable_ipv6
	ip link set io0 up
	for wait in $waits; do
		net "$wait" ping 60 peer "$out/host" station io0 echo 60
	done
	for len in 60 1514; do
		net sleep send $len count io0
		net sleep receive $len peer "$out/host" station io0 source $len
	done
}

# --- vsock --------------------------------------------------------------------
# vsock WAIT ping|send|receive LEN OTHER: one table. QEMU's vsock is the host
# kernel's, which this is not compared with.
vsock()
{
	sock=$tmp/sock
	work="$2 $3 $ms"
	# shellcheck disable=SC2086 # a list of words
	measure "$(title_of "vsock $2, $3 bytes" "$1")" \
		peer "$out/host" serve "${sock}_7" "$4" "$3" \
		-- "host, Unix socket" "$out/host" stream "${sock}_7" $work \
		-- mayfly "$mayfly" run -q --vsock "cid=3,path=$sock" \
		--kernel-args "$(mayfly_args vsock 7 "$work" "$1")" "$guest"
}

vsock_part()
{
	for wait in $waits; do
		vsock "$wait" ping 64 echo
	done
	vsock sleep send 65536 sink
	vsock sleep receive 65536 source
}

for part in $parts; do
	case $part in
	blk | net | vsock) "${part}_part" ;;
	*)
		echo "io.sh: PARTS: no such part: $part" >&2
		exit 2
		;;
	esac
done

{
	printf '{"host": "%s", "qemu": "%s", "date": "%s", "load_before": "%s",' \
		"$host" "$qemu" "$(date -u +%FT%TZ)" "$load_before"
	printf ' "load_after": "%s",\n"rounds": %s, "ms": %s, "commit": "%s",\n' \
		"$(cut -d ' ' -f 1-3 /proc/loadavg)" "$rounds" "$ms" \
		"$(git rev-parse --short HEAD 2>/dev/null || echo none)"
	printf '"tables": [\n'
	cat "$tmp/all.json"
	printf ']}\n'
} >"$out/io.json"
echo "all samples: $out/io.json"
