#!/bin/sh
# guest.sh MAYFLY GUESTS: what programs get from the kit's kernel, each beside
# the same binary run by the host. A table on stdout, all samples in
# build/bench/guest.json. Environment: ROUNDS (default 5) runs a case,
# interleaved, host and guest in turns; PARTS (default "start calls programs
# net instructions") what is measured; LOAD_MS (default 2000) how long a server
# is loaded. PROGRAMS: the folder of tests/programs/setup.sh (default
# build/programs, made if need be).
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=$(readlink -f "${1:?usage: guest.sh MAYFLY GUESTS}")
guests=$(readlink -f "${2:?usage: guest.sh MAYFLY GUESTS}")
rounds=${ROUNDS:-5}
parts=${PARTS:-start calls programs net instructions}
load_ms=${LOAD_MS:-2000}
cd "$(dirname "$0")/.."
out=build/bench
mkdir -p "$out"
[ -n "${PROGRAMS-}" ] || tests/programs/setup.sh >&2
bin=$(readlink -f "${PROGRAMS:-build/programs}")/bin
helpers=$guests/tests/integ/helpers

musl-gcc -O2 -std=gnu17 -Wall -Wextra -static -pthread -o "$out/micro" \
	bench/programs/micro.c
gcc -O2 -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -o "$out/spawn_bench" \
	bench/spawn_bench.c
tmp=$(mktemp -d)
background=
# shellcheck disable=SC2086,SC2317 # a list; called by trap
stop()
{
	[ -z "$background" ] || kill $background 2>/dev/null || :
	background=
}
trap 'stop; rm -rf "$tmp"' EXIT

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
kvm=$(cd /sys/module && echo kvm_*)
host="$cpu, $(nproc) CPUs, Linux $(uname -r), $kvm"
load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
echo "host: $host"
echo "load: $load_before"
echo "each: $rounds runs, host and guest in turns; median (min-max)"
echo

: >"$tmp/samples"
# sample NAME host|guest VALUE
sample()
{
	echo "$1 $2 $3" >>"$tmp/samples"
}

# row NAME TITLE UNIT [inverse]: a line of the table; "inverse" for what is
# better when it is more
row()
{
	awk -v name="$1" -v title="$2" -v unit="$3" -v inverse="${4-}" '
	function show(v, n,   i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
				t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
			}
		return sprintf("%.4g (%.4g-%.4g)", v[int((n + 1) / 2)], v[1], v[n])
	}
	$1 == name && $2 == "host" { h[++nh] = $3 }
	$1 == name && $2 == "guest" { g[++ng] = $3 }
	END {
		if (!nh || !ng) {
			printf "%-34s no figures\n", title
			exit
		}
		a = show(h, nh)
		b = show(g, ng)
		hm = h[int((nh + 1) / 2)]
		gm = g[int((ng + 1) / 2)]
		printf "%-34s %-26s %-26s %-6s %.2f\n", title, a, b, unit, \
			inverse ? gm / hm : hm / gm
	}' "$tmp/samples"
}

header()
{
	printf '%-34s %-26s %-26s %-6s %s\n' "$1" host mayfly unit "of the host"
}

# --- start ----------------------------------------------------------------------
start_part()
{
	set -- -- "mayfly run hello" "$mayfly" run -q "$guests/examples/hello" \
		-- "the same, 16 MiB" "$mayfly" run -q -m 16M \
		"$guests/examples/hello" \
		-- "host: hello" "$guests/examples/hello"
	if command -v qemu-system-x86_64 >/dev/null; then
		set -- "$@" -- "QEMU microvm hello" qemu-system-x86_64 \
			-M microvm,x-option-roms=off,rtc=off,pic=off,pit=off,isa-serial=off,acpi=off \
			-accel kvm -cpu host,-arch-capabilities -m 64 \
			-no-user-config -nodefaults -display none -no-reboot \
			-global virtio-mmio.force-legacy=false \
			-device isa-debug-exit,iobase=0x501 \
			-device virtio-serial-device \
			-chardev stdio,id=c -device virtconsole,chardev=c \
			-kernel "$guests/kit.elf" \
			-initrd "$guests/examples/hello" \
			-append "kit.exit=0x501"
	fi
	"$out/spawn_bench" time $((rounds * 4)) "$tmp/start.json" "$@"
	# What the guest itself takes, by the monitor's marks
	i=0
	while [ $i -lt $((rounds * 4)) ]; do
		"$mayfly" run --trace "$guests/examples/hello" 2>&1 >/dev/null |
			awk '/first guest instruction/ { a = $2 }
				/guest main/ { print $2 - a }'
		i=$((i + 1))
	done | sort -n | awk '{ v[NR] = $1 } END {
		printf "\nfirst instruction to main: %.1f us, min %.1f, max %.1f\n\n", \
			v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# --- calls ----------------------------------------------------------------------
calls_part()
{
	names="getpid clock_gettime read_1 write_1 touch_64M switch futex pipe cpu"
	i=0
	while [ $i -lt "$rounds" ]; do
		for n in $names; do
			sample "$n" host "$("$out/micro" "$n" | cut -d ' ' -f 2)"
			sample "$n" guest "$("$mayfly" run -q -m 256M \
				"$out/micro" "$n" | cut -d ' ' -f 2)"
		done
		i=$((i + 1))
	done
	header "one call"
	row getpid "getpid" ns
	row clock_gettime "clock_gettime" ns
	row read_1 "read of a byte, /dev/zero" ns
	row write_1 "write of a byte, /dev/null" ns
	row touch_64M "mmap, touch, munmap of 64 MiB" ns
	row switch "sched_yield to another thread" ns
	row futex "futex, there and back" ns
	row pipe "pipe, 64 KiB at a time" MiB/s inverse
	row cpu "a loop of arithmetic, an iteration" ns
	echo
}

# --- programs -------------------------------------------------------------------
# seconds COMMAND...: how long it takes, with its start
seconds()
{
	s_start=$(date +%s.%N)
	"$@" >/dev/null
	echo "$(date +%s.%N) $s_start" | awk '{ print $1 - $2 }'
}

programs_part()
{
	cat >"$tmp/bench.lua" <<-'L'
		local function fib(n) return n < 2 and n or fib(n-1) + fib(n-2) end
		local start, t = os.clock(), {}
		fib(30)
		for i = 1, 300000 do t[i] = tostring(i * 7919 % 100003) end
		table.sort(t)
		local s = table.concat(t, " ")
		for w in s:gmatch("%d+") do t[w] = (t[w] or 0) + 1 end
		print(os.clock() - start)
	L
	mkdir -p "$tmp/root/tmp"
	cp "$tmp/bench.lua" "$tmp/root/"
	i=0
	while [ $i -lt "$rounds" ]; do
		for where in host guest; do
			run=
			[ $where = host ] || run="$mayfly run -q -m 512M"
			# shellcheck disable=SC2086 # words
			sample sqlite $where "$(seconds $run "$bin/speedtest1" \
				--memdb --size 20)"
			# shellcheck disable=SC2086
			sample sqlfile $where "$(cd "$tmp/root/tmp" && seconds \
				$run "$bin/speedtest1" --size 10 \
				/tmp/bench-$$.db)"
			rm -f /tmp/bench-$$.db
			# shellcheck disable=SC2086
			sample zstd $where "$(seconds $run "$bin/zstd-trip" 32)"
			# shellcheck disable=SC2086
			sample go $where "$(seconds $run "$bin/go-pingpong")"
			[ $where = host ] || run="$run --rootfs $tmp/root"
			# shellcheck disable=SC2086
			sample lua $where "$(cd "$tmp/root" && \
				$run "$bin/lua" bench.lua)"
		done
		i=$((i + 1))
	done
	header "a program, with its start"
	row sqlite "SQLite speedtest1, in memory" s
	row sqlfile "SQLite speedtest1, a file" s
	row lua "Lua, processor time" s
	row zstd "zstd, 32 MiB and back" s
	row go "Go, goroutines" s
	echo
}

# --- net ------------------------------------------------------------------------
net_part()
{
	next_port=$((20000 + $$ % 10000))
	i=0
	while [ $i -lt "$rounds" ]; do
		for server in httpd go-web; do
			for where in host guest; do
				one_server $server $where
			done
		done
		i=$((i + 1))
	done
	header "HTTP through --publish"
	row httpd.1 "httpd.c, 1 client" req/s inverse
	row httpd.20 "httpd.c, 20 clients" req/s inverse
	row go-web.1 "Go net/http, 1 client" req/s inverse
	row go-web.20 "Go net/http, 20 clients" req/s inverse
	echo
}

# one_server httpd|go-web host|guest
one_server()
{
	port=$next_port
	next_port=$((next_port + 1))
	path=$guests/tests/guests/httpd
	at=$port
	[ "$1" = httpd ] || { path=$bin/go-web at=:$port; }
	if [ "$2" = host ]; then
		"$path" "$at" >/dev/null 2>&1 &
	else
		"$mayfly" run -q -m 512M --publish "$port:$port" "$path" \
			"$at" >/dev/null 2>&1 &
	fi
	background=$!
	n=0
	until "$helpers/http_load" "$port" 0 0 >/dev/null 2>&1 ||
		[ $n -ge 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	for clients in 1 20; do
		sample "$1.$clients" "$2" "$("$helpers/http_load" "$port" \
			$clients "$load_ms" | awk '{ print $5 }')"
	done
	stop
	wait
}

# --- instructions ----------------------------------------------------------------
# How many instructions a getpid takes in all: QEMU executes them one by one
# and says so; the difference of two runs, without what is the same in both.
executed()
{
	qemu-system-x86_64 -accel tcg -singlestep -cpu max -m 64 \
		-M microvm,pit=off,pic=off,rtc=off,isa-serial=off,acpi=off \
		-nodefaults -no-user-config -nographic -no-reboot \
		-kernel "$guests/kit.elf" -initrd "$out/micro" \
		-append "kit.exit=0x501 -- getpid $1" \
		-global virtio-mmio.force-legacy=false \
		-device isa-debug-exit,iobase=0x501,iosize=4 \
		-d exec,nochain -D /dev/fd/3 3>&1 >/dev/null 2>/dev/null |
		grep -c '^Trace'
}

instructions_part()
{
	command -v qemu-system-x86_64 >/dev/null || return 0
	few=$(executed 1000)
	many=$(executed 3000)
	echo "instructions of a getpid, from the program and back to it: $((
		(many - few) / 2000))"
	echo "(QEMU, processor as on hardware: SYSCALL enters ring 0)"
	echo
}

for part in $parts; do
	case $part in
	start | calls | programs | net | instructions) "${part}_part" ;;
	*)
		echo "guest.sh: PARTS: no such part: $part" >&2
		exit 2
		;;
	esac
done

{
	printf '{"host": "%s", "date": "%s", "load_before": "%s",' \
		"$host" "$(date -u +%FT%TZ)" "$load_before"
	printf ' "load_after": "%s",\n"rounds": %s, "commit": "%s",\n' \
		"$(cut -d ' ' -f 1-3 /proc/loadavg)" "$rounds" \
		"$(git rev-parse --short HEAD 2>/dev/null || echo none)"
	printf '"start": '
	cat "$tmp/start.json" 2>/dev/null || echo null
	printf ',\n"samples": [\n'
	awk '{ printf "%s{\"name\": \"%s\", \"where\": \"%s\", \"value\": %s}",
		(NR > 1 ? ",\n" : ""), $1, $2, $3 }' "$tmp/samples"
	printf '\n]}\n'
} >"$out/guest.json"
echo "all samples: $out/guest.json"
