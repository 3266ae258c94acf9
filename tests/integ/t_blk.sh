#!/bin/sh
# Disks: copies at several depths, words of --disk, locks, files that fail,
# hostile drivers, and monitors killed while guests write. BLK_CUTS: how many
# of these (default 6; 200 for a thorough run, with TEST_LIMIT to match).
# BLK_BYTES: how much is copied byte for byte (default 6M).
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

CUTS=${BLK_CUTS:-6}
BYTES=${BLK_BYTES:-6M}
guest blk_copy && COPY=$GUEST
guest blk_records && RECORDS=$GUEST
guest bad_blk && BAD=$GUEST
HELPERS=$GUESTS/tests/integ/helpers

# blank FILE SIZE: all holes
blank()
{
	rm -f "$1"
	dd if=/dev/zero of="$1" bs=1 count=0 seek="$2" 2>/dev/null
}

# random FILE SIZE
random()
{
	blank "$1" "$2"
	dd if=/dev/urandom of="$1" bs=65536 count=$(($(stat -c %s "$1") / 65536)) \
		2>/dev/null
}

# no_engine ENGINE: the last run says that the host has no such loop
no_engine()
{
	[ "$status" = 125 ] && [ "$1" = uring ] && grep -q io_uring "$ERR"
}

random source 6M
random large "$BYTES"

# --- copies -------------------------------------------------------------------

for engine in uring poll; do
	for depth in 1 4 32; do
		check "copy, $depth in flight, $engine"
		blank target "$BYTES"
		RUN_LIMIT=120 run_mayfly run --loop $engine \
			--disk large,ro --disk target "$COPY" copy $depth 16384
		if no_engine $engine; then
			skip "no io_uring here"
			continue
		fi
		expect_status 0
		expect_out "copied $(($(stat -c %s large) / 512)) sectors"
		expect "the copy differs" cmp -s large target
	done
done

rm -f large
check "copy in odd pieces"
blank target 6M
run_mayfly run --disk source,ro --disk target "$COPY" copy 7 3584
expect_status 0
expect "the copy differs" cmp -s source target

check "copy over several queues, two CPUs"
blank target 6M
run_mayfly run -c 2 --disk source,ro,queues=4 --disk target,queues=8 \
	"$COPY" copy 16 65536
expect_status 0
expect "the copy differs" cmp -s source target

check "direct"
blank target 6M
run_mayfly run --disk source,ro,direct --disk target,direct \
	"$COPY" copy 32 16384
if [ "$status" = 125 ] && grep -q 'no direct I/O' "$ERR"; then
	skip "no direct I/O here"
else
	expect_status 0
	expect "the copy differs" cmp -s source target
fi

# --- the kit's own driver --------------------------------------------------------

# Without a platform page such a guest has no better end than a triple fault.
for page in 0xc0000000 none; do
	check "kit driver, platform page $page"
	guest linked_blk || break
	blank target 6M
	run_mayfly run -q --kernel-args "mayfly.platform=$page" \
		--disk source,ro --disk target "$GUEST"
	[ $page = none ] || expect_status 0
	expect_out 'copied'
	expect "the copy differs" cmp -s source target
	[ $page = none ] || expect_err_empty
done

# --- what a disk says of itself -------------------------------------------------

check "a disk by default"
run_mayfly run --disk source "$COPY" info 0
expect_status 0
expect_out 'sectors 12288 block 512 queues 1 rw serial vda status 0'

check "serial number, queues, read-only"
run_mayfly run --disk source,ro --disk target,serial=S-1,queues=3,ro \
	"$COPY" info 1
expect_status 0
expect_out 'sectors 12288 block 512 queues 3 ro serial S-1 status 0'

check "an id is a serial number"
run_mayfly run --disk source,id=root_fs "$COPY" info 0
expect_out 'sectors 12288 block 512 queues 1 rw serial root_fs status 0'

check "eight disks"
set --
for n in 1 2 3 4 5 6 7 8; do
	blank "disk$n" "$n"M
	set -- "$@" --disk disk$n
done
run_mayfly run "$@" "$COPY" info 7
expect_status 0
expect_out 'sectors 16384 block 512 queues 1 rw serial vdh status 0'

check "part of a sector at the end"
head -c 1000 source >odd
run_mayfly run --disk odd,ro "$COPY" info 0
expect_status 0
expect_out 'sectors 1 block 512 queues 1 ro serial vda status 0'
expect_err_has 'odd: the last 488 bytes'

if [ -b "${BLK_DEVICE:-}" ]; then
	check "block device"
	run_mayfly run --disk "$BLK_DEVICE,ro" "$COPY" try 0 0 4096
	expect_out 'status 0'
fi

# --- writing --------------------------------------------------------------------

check "read-only"
cp source kept
run_mayfly run --disk kept,ro "$COPY" try 1 0 512
expect_status 0
expect_out 'status 1'
expect "the file changed" cmp -s source kept

check "a file without the right to write, read-only"
chmod 400 kept
run_mayfly run --disk kept,ro "$COPY" try 0 0 512
expect_out 'status 0'
chmod 600 kept

check "zeroes"
run_mayfly run --disk kept "$COPY" zero 8 16 0
expect_out 'status 0'
expect "not zero" [ -z "$(dd if=kept bs=512 skip=8 count=16 2>/dev/null |
	tr -d '\000')" ]
dd if=source bs=512 skip=24 of=s1 2>/dev/null
dd if=kept bs=512 skip=24 of=s2 2>/dev/null
expect "more than that" cmp -s s1 s2

check "a full file system"
mkdir -p full
if mount -t tmpfs -o size=256k none full 2>/dev/null; then
	blank full/disk 6M
	run_mayfly run --disk source,ro --disk full/disk "$COPY" copy 4 16384
	umount full
	expect_status 1
	expect "stdout is '$(cat "$OUT")'" grep -q '^write at .*status 1' "$OUT"
else
	skip "no right to mount"
fi

check "a file that may not grow"
blank target 6M
status=0
(
	ulimit -f 200
	exec timeout -s KILL "$RUN_LIMIT" "$MAYFLY" run --disk source,ro \
		--disk target "$COPY" copy 4 16384 </dev/null
) >out2 2>"$ERR" || status=$?
expect_status 1
expect "the guest was not told" grep -q '^write at .*status 1' out2

check "a file cut short"
cp source kept
(
	sleep 0.1
	dd if=/dev/null of=kept bs=512 seek=100 2>/dev/null
) &
run_mayfly run --disk kept,ro "$COPY" rate 4 read 3000
wait
expect_status 1
expect_out_has 'status -1'

# --- one writer -------------------------------------------------------------------

# holding WORD: a machine that has ./held with this word
holding()
{
	blank held 1M
	"$MAYFLY" run --disk "held$1" "$COPY" rate 1 read 5000 \
		</dev/null >held.out 2>&1 &
	holder=$!
	n=0
	while [ $n -lt 50 ] &&
		! grep -q "$(stat -c %i held)" /proc/locks 2>/dev/null; do
		sleep 0.1
		n=$((n + 1))
	done
}

release()
{
	kill -KILL $holder 2>/dev/null
	wait $holder 2>/dev/null
}

locked()
{
	expect_status 125
	expect_err_has '--disk held: '
	expect_err_has 'locked'
	expect "$(wc -l <"$ERR") lines" [ "$(wc -l <"$ERR")" = 1 ]
}

holding ''
check "two writers"
run_mayfly run --disk held "$COPY" info 0
locked
check "a reader beside a writer"
run_mayfly run --disk held,ro "$COPY" info 0
locked
release
holding ,ro
check "a writer beside a reader"
run_mayfly run --disk held "$COPY" info 0
locked
check "two readers"
run_mayfly run --disk held,ro "$COPY" info 0
expect_status 0
release
check "the lock ends with the monitor"
run_mayfly run --disk held "$COPY" info 0
expect_status 0
check "one file, two disks"
run_mayfly run --disk held --disk held "$COPY" info 0
locked

# --- what is refused --------------------------------------------------------------

# refused NAME OPTION TEXT...: --disk OPTION ends with 125 and one line
refused()
{
	check "$1"
	run_mayfly run --disk "$2" "$COPY" info 0
	expect_status 125
	shift 2
	for text; do
		expect_err_has "$text"
	done
	grep -q '^mayfly' "$ERR" || fail "the message does not begin with mayfly"
}

mkdir -p adir
: >empty
mkfifo pipe
refused "no file" missing --disk missing 'No such file'
refused "no name" '' --disk 'allowed is FILE'
refused "no name but words" ',ro' --disk 'allowed is FILE'
refused "directory" adir adir 'Is a directory'
refused "empty file" empty empty '0 bytes are too few'
refused "pipe" pipe pipe 'neither a regular file nor a block device'
refused "character device" /dev/null /dev/null 'neither a regular file'
refused "unknown word" source,rw "'rw'" 'allowed is id=NAME'
refused "empty word" source,,ro "''" 'allowed is'
refused "no queues" source,queues=0 queues "'0'" '1 to 8'
refused "too many queues" source,queues=9 "'9'" '1 to 8'
refused "queues of letters" source,queues=x "'x'"
refused "empty id" source,id= "id=''"
refused "id with blanks" 'source,id=a b' "id='a b'" letters
refused "long id" source,id=abcdefghijklmnopqrstu 1 to 20
refused "empty serial number" source,serial= "serial=''"
refused "long serial number" source,serial=abcdefghijklmnopqrstu 1 to 20
refused "bandwidth of words" source,bw=fast bw "'fast'" 'like 64M'
refused "no bandwidth" source,bw=0 bw "'0'" '1K to 1024G'
refused "no operations" source,iops=0 iops "'0'" '1 to 1000000000'
refused "a burst of nothing" source,bw-burst=1M 'only with bw=RATE'

check "the same id twice"
run_mayfly run --disk source,ro,id=x --disk target,id=x "$COPY" info 0
expect_status 125
expect_err_has "id='x': another disk has it"

check "nine disks"
set --
for n in 1 2 3 4 5 6 7 8 9; do
	set -- "$@" --disk source,ro
done
run_mayfly run "$@" "$COPY" info 0
expect_status 125
expect_err_has 'allowed are 8 disks'

# --- drivers that mean harm --------------------------------------------------------

for engine in uring poll; do
	check "hostile driver, $engine"
	cp source kept
	RUN_LIMIT=60 run_mayfly run -q --loop $engine --disk kept "$BAD"
	if no_engine $engine; then
		skip "no io_uring here"
		continue
	fi
	expect_status 0
	expect_out 'ok a disk'
	expect "the disk changed" cmp -s source kept
done

check "hostile driver, direct, several queues"
cp source kept
RUN_LIMIT=60 run_mayfly run -q --disk kept,direct,queues=2 "$BAD"
if [ "$status" = 125 ] && grep -q 'no direct I/O' "$ERR"; then
	skip "no direct I/O here"
elif grep -q 'the last' "$ERR" || [ "$status" = 1 ]; then
	skip "direct I/O wants blocks of 4096 bytes here"
else
	expect_status 0
	expect_out 'ok a disk'
	expect "the disk changed" cmp -s source kept
fi

check "a guest that ends with requests in flight"
cp source kept
run_mayfly run --timeout 0.3 --disk kept "$COPY" rate 32 write 10000
expect_status 124

# --- monitors that die --------------------------------------------------------------

# A random part of 100 ms, as sleep takes it
moment()
{
	od -An -N1 -tu1 /dev/urandom | awk '{ printf "0.%03d", $1 * 100 / 255 }'
}

# cut WORD: kills a monitor while its guest writes; every record that was
# said to be safe is
cut()
{
	blank records 64M
	rm -f said
	: >said
	"$MAYFLY" run --disk records "$RECORDS" "$1" </dev/null >said 2>"$ERR" &
	monitor=$!
	waited=0
	while [ ! -s said ] && [ $waited -lt 100 ]; do
		sleep 0.05
		waited=$((waited + 1))
	done
	sleep "$(moment)"
	kill -KILL $monitor 2>/dev/null
	wait $monitor 2>/dev/null
	# the last line may be cut, too
	safe=$(sed '$d' said | tail -n 1)
	[ "${safe:-0}" -gt 0 ] || return 0
	useful=$((useful + 1))
	"$HELPERS/records" records "$safe" >lost || fail "$(cat lost)"
}

for word in flush through; do
	check "killed while writing, $word"
	useful=0
	n=0
	while [ $n -lt $((CUTS / 2)) ]; do
		cut $word
		n=$((n + 1))
	done
	expect "no record was written in $n cuts" [ $useful -gt 0 ]
	echo "# $useful of $n cuts with records, the last with ${safe:-0}"
done
