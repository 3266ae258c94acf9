#!/bin/sh
# idle.sh MAYFLY GUESTS: host memory beyond guest RAM of idle machines that
# have every device and used each: two disks with rate limits, two network
# cards, sockets, the balloon, the control socket. Beside them machines without. A
# table on stdout, the figures in build/bench/idle.json. Fails when a machine
# takes more than LIMIT_KIB (default 1536) of MemAvailable, which others on
# this host move, too: the median of ROUNDS (default 3) counts. VMS (default
# 100): machines at once. Needs the right to make taps.
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=$(readlink -f "${1:?usage: idle.sh MAYFLY GUESTS}")
guests=$(readlink -f "${2:?usage: idle.sh MAYFLY GUESTS}")
vms=${VMS:-100}
rounds=${ROUNDS:-3}
limit=${LIMIT_KIB:-1536}
tap=$guests/tests/integ/helpers/tap
if [ -z "${BENCH_OWN-}" ]; then
	BENCH_OWN=yes exec "$tap" own "$0" "$@"
fi
out=$PWD/build/bench
guest=$guests/tests/guests/linked_idle
mem=16M
mem_bytes=$((16 << 20))

mkdir -p "$out"
gcc -O2 -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -o "$out/spawn_bench" \
	"$(dirname "$0")/spawn_bench.c"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
host="$cpu, $(nproc) CPUs, Linux $(uname -r)"
echo "host: $host"
echo "load: $(cut -d ' ' -f 1-3 /proc/loadavg)"

# The taps and files are the user's, and there before.
i=0
while [ $i -lt "$vms" ]; do
	truncate -s 1M "a$i.img" "b$i.img"
	for n in 0 1; do
		"$tap" make "t$i.$n"
		echo 1 >"/proc/sys/net/ipv6/conf/t$i.$n/disable_ipv6" || true
		ip addr add 10.9.$n.1/24 dev "t$i.$n"
		ip link set "t$i.$n" up
	done
	# as they will be: a page in the page cache is not the monitor's
	head -c 4096 /dev/zero | tee "a$i.img" |
		dd of="b$i.img" conv=notrunc status=none
	truncate -s 1M "a$i.img"
	i=$((i + 1))
done 2>/dev/null

# grow NAME OPTION...
grow()
{
	name=$1
	shift
	echo
	echo "$name, round $round, $vms at once, $mem each:"
	"$out/spawn_bench" grow "$vms" "$mem_bytes" "$name.$round" -- \
		"$mayfly" run -q -m $mem \
		--kernel-args mayfly.platform=0xc0000000 "$@" "$guest"
}

# beyond NAME: the median of what is not the guest's own pages
beyond()
{
	for f in "$1".*; do
		sed -n 's/.*"guest": \([0-9.]*\)},$/\1/p
			s/.*"MemAvailable": \(-*[0-9.]*\).*/\1/p' "$f" |
			tr '\n' ' '
		echo
	done | awk '{ printf "%.0f\n", -$2 - $1 }' | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# json NAME: its rounds
json()
{
	sep=
	for f in "$1".*; do
		printf '%s' "$sep"
		cat "$f"
		sep=,
	done
}

round=1
while [ $round -le "$rounds" ]; do
	grow plain
	grow every \
		--disk "a{}.img,bw=100M,iops=10000" \
		--disk "b{}.img,bw=100M,iops=10000" \
		--net "tap=t{}.0" --net "tap=t{}.1" \
		--vsock "cid=3,path=v{}.sock" \
		--balloon size=1M,reporting,hinting,deflate-on-oom \
		--control "s{}.sock"
	round=$((round + 1))
done
every=$(beyond every)
{
	printf '{"host": "%s", "date": "%s", ' "$host" "$(date -u +%FT%TZ)"
	printf '"beyond_guest_kib": {"plain": %s, "every": %s},' \
		"$(beyond plain)" "$every"
	printf '\n"plain": [%s],\n"every": [%s]}\n' "$(json plain)" "$(json every)"
} >"$out/idle.json"
echo
echo "host memory beyond guest RAM, KiB each, median of $rounds rounds:"
echo "plain $(beyond plain), with every device $every (limit $limit)"
echo "all figures: $out/idle.json"
[ "$every" -le "$limit" ]
