#!/bin/sh
# Disks kept to rates: what a guest moves, by its own clock, against what it
# was allowed. RATE_MS: how long each guest asks for more (default 1000);
# from 10000 on the bursts are the usual ones and every figure has to be
# within 2 % (raise TEST_LIMIT to match).
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

MS=${RATE_MS:-1000}
export RUN_LIMIT=$((MS * 3 / 1000 + 20))
guest blk_copy && COPY=$GUEST
guest bad_blk && BAD=$GUEST

dd if=/dev/zero of=disk bs=1 count=0 seek=16M 2>/dev/null

# allowed RATE PIECE BURST: the guest that just ran moved pieces, of which
# RATE a second, BURST and one more piece were allowed. A busy machine may
# have kept it from asking for them in time, but never to more. A fourth word:
# that burst is there in a long run, too.
allowed()
{
	low=30
	slack=$(($3 + $2))
	if [ "$MS" -ge 10000 ] && [ $# -lt 4 ]; then
		low=98
		slack=0
	fi
	said=$(cat "$OUT")
	verdict=$(echo "$said" | awk -v rate="$1" -v piece="$2" \
		-v low="$low" -v slack="$slack" '
		$2 == "requests" && $4 > 0 {
			moved = $1 * piece
			may = rate * $4 / 1000000
			printf "%.2f %% of the rate", moved * 100 / may
			if (moved > may * 1.02 + slack)
				printf ": too much"
			if (moved < may * low / 100)
				printf ": too little"
			printf "\n"
			exit
		}
		{ print "no figures: too bad" }')
	echo "# $T_OPEN: $said, $verdict"
	case $verdict in
	*too*) fail "$verdict" ;;
	esac
}

# limited WORDS DEED...: a guest with a disk of these words
limited()
{
	words=$1
	shift
	run_mayfly run --loop "$engine" --disk "disk,$words" "$COPY" "$@"
	expect_status 0
}

# What a test of a second adds to the words: nothing saved up, or the burst
# would be a tenth of all
bytes=,bw-burst=64K
ops=,iops-burst=16
[ "$MS" -lt 10000 ] || bytes='' ops=''

for engine in uring poll; do
	check "read, bytes, $engine"
	limited "ro,bw=8M$bytes" moved 4 read 65536 "$MS"
	if [ "$status" = 125 ] && grep -q io_uring "$ERR"; then
		skip "no io_uring here"
		continue
	fi
	allowed 8388608 65536 65536

	check "write, bytes, $engine"
	limited "bw=8M$bytes" moved 32 write 4096 "$MS"
	allowed 8388608 4096 65536

	check "read, operations, one at a time, $engine"
	limited "ro,iops=400$ops" moved 1 read 512 "$MS"
	allowed 400 1 16

	check "write, operations, $engine"
	limited "iops=2000$ops" moved 32 write 4096 "$MS"
	allowed 2000 1 16
done

engine=auto
check "both, the operations are fewer"
limited "bw=64M,iops=500$ops" moved 8 read 4096 "$MS"
allowed 500 1 16

check "both, the bytes are fewer"
limited "bw=8M,iops=100000$bytes" moved 8 read 65536 "$MS"
allowed 8388608 65536 65536

check "a request larger than the bucket"
limited "bw=8M,bw-burst=4K" moved 2 read 131072 "$MS"
allowed 8388608 131072 4096 given

check "a burst passes first"
limited "bw=1M,bw-burst=4M" moved 4 read 65536 "$MS"
allowed 1048576 65536 4194304 given
read -r n rest <"$OUT" && expect "less than the burst: $n $rest" [ "$n" -ge 64 ]

check "a disk that waits does not keep the machine"
run_mayfly run --timeout 1 --disk disk,bw=1K \
	"$COPY" moved 8 read 1048576 60000
expect_status 124

for words in bw=1G,bw-burst=1K iops=20000,iops-burst=1; do
	check "hostile driver, $words"
	dd if=/dev/urandom of=kept bs=65536 count=96 2>/dev/null
	cp kept before
	RUN_LIMIT=60 run_mayfly run -q --disk "kept,$words" "$BAD"
	expect_status 0
	expect_out 'ok a disk'
	expect "the disk changed" cmp -s kept before
done
