#!/bin/sh
# boot.sh MAYFLY GUESTS: boot time, memory per VM and teardown, beside QEMU's
# microvm with the same guest and a plain process. A table on stdout, all
# samples in build/bench/boot.json. Environment: ROUNDS (default 40) runs a
# case, VMS (default 500) virtual machines at once, 0 to leave that out.
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=${1:?usage: boot.sh MAYFLY GUESTS}
guests=${2:?usage: boot.sh MAYFLY GUESTS}
rounds=${ROUNDS:-40}
vms=${VMS:-500}
here=$(dirname "$0")
out=build/bench
hello=$guests/examples/hello
sleeper=$guests/tests/guests/tool
mem=16M
mem_bytes=$((16 << 20))

mkdir -p "$out"
gcc -O2 -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -o "$out/spawn_bench" \
	"$here/spawn_bench.c"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
kvm=$(cd /sys/module && echo kvm_*)
host="$cpu, $(nproc) CPUs, Linux $(uname -r), $kvm"
load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
echo "host: $host"
echo "load: $load_before"
echo "each: $rounds runs, interleaved, after 2 to warm up"
echo

# --- time -------------------------------------------------------------------
set -- \
	-- "mayfly hello" "$mayfly" run -q "$hello" \
	-- "mayfly hello -m $mem" "$mayfly" run -q -m $mem "$hello" \
	-- "mayfly hello -c 2" "$mayfly" run -q -c 2 "$hello"

# The guest kit's other home: QEMU's smallest machine with all it does not
# need left out. The program is the initial RAM disk; the kit ends QEMU
# through the debug-exit port, hence its exit status 1.
if command -v qemu-system-x86_64 >/dev/null; then
	set -- "$@" -- "qemu microvm hello" qemu-system-x86_64 \
		-M microvm,x-option-roms=off,rtc=off,pic=off,pit=off,isa-serial=off,acpi=off \
		-accel kvm -cpu host,-arch-capabilities -m 64 \
		-no-user-config -nodefaults -display none -no-reboot \
		-global virtio-mmio.force-legacy=false \
		-device isa-debug-exit,iobase=0x501 -device virtio-serial-device \
		-chardev stdio,id=c -device virtconsole,chardev=c \
		-kernel "$guests/kit.elf" -initrd "$hello" \
		-append "kit.exit=0x501"
fi
"$out/spawn_bench" time "$rounds" "$tmp/time.json" "$@" \
	-- "process: echo" /bin/echo hello \
	-- "process: true" /bin/true

# --- inside -----------------------------------------------------------------
# The monitor's own marks, in runs of their own: tracing is not free.
echo
echo "mayfly run --trace, us from process start, median of $rounds:"
i=0
while [ $i -lt "$rounds" ]; do
	"$mayfly" run --trace "$hello" 2>&1 >/dev/null |
		sed -n 's/^trace: *\([0-9][0-9.]*\) *[0-9.]*  \(.*\)/\1 \2/p'
	i=$((i + 1))
done >"$tmp/trace"
cut -d ' ' -f 2- "$tmp/trace" | awk '!seen[$0]++' >"$tmp/marks"
printf '{' >"$tmp/trace.json"
sep=
while IFS= read -r mark; do
	# shellcheck disable=SC2046 # three numbers
	set -- $(awk -v m="$mark" \
		'substr($0, index($0, " ") + 1) == m { print $1 }' \
		"$tmp/trace" | sort -n | awk '{ v[NR] = $1 } END {
		print v[int((NR + 1) / 2)], v[int((NR * 99 + 99) / 100)], v[1] }')
	printf '%10.1f  p99 %8.1f  min %8.1f  %s\n' "$1" "$2" "$3" "$mark"
	printf '%s\n  "%s": {"median": %s, "p99": %s, "min": %s}' "$sep" \
		"$mark" "$1" "$2" "$3" >>"$tmp/trace.json"
	sep=,
done <"$tmp/marks"
printf '}\n' >>"$tmp/trace.json"

# --- memory -----------------------------------------------------------------
echo null >"$tmp/grow.json"
if [ "$vms" != 0 ] && [ -x "$sleeper" ]; then
	echo
	echo "$vms virtual machines at once, $mem each:"
	"$out/spawn_bench" grow "$vms" "$mem_bytes" "$tmp/grow.json" \
		-- "$mayfly" run -q -m $mem "$sleeper" sleep 3600000 ||
		echo "not all came up"
fi

{
	printf '{"host": "%s", "date": "%s", "load_before": "%s",' \
		"$host" "$(date -u +%FT%TZ)" "$load_before"
	printf ' "load_after": "%s",\n"rounds": %s, "commit": "%s",\n"time": ' \
		"$(cut -d ' ' -f 1-3 /proc/loadavg)" "$rounds" \
		"$(git rev-parse --short HEAD 2>/dev/null || echo none)"
	cat "$tmp/time.json"
	printf ',\n"trace_us": '
	cat "$tmp/trace.json"
	printf ',\n"memory": '
	cat "$tmp/grow.json"
	printf '}\n'
} >"$out/boot.json"
echo
echo "all samples: $out/boot.json"
