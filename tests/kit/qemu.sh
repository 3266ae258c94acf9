#!/bin/sh
# qemu.sh KIT GUESTS: the same guest kernel boots where there is no mayfly: on
# QEMU's microvm machine, interpreted, with the semantics of real hardware.
# KIT is kit.elf, GUESTS the folder with tests/guests and examples built.
# SPDX-License-Identifier: Apache-2.0
set -u

kit=$1
guests=$2
qemu=${QEMU:-qemu-system-x86_64}
failed=0
disks=

if ! command -v "$qemu" >/dev/null; then
	echo "skip kit-qemu: no $qemu"
	exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# boot CPU MEMORY "OPTIONS" PROGRAM [ARG]...: the guest's exit status. isa-debug-exit
# makes 2 * status + 1 of it. Output goes to files: QEMU's console drops what
# a full pipe does not take.
boot() {
	cpu=$1 mem=$2 options=$3 program=$4
	shift 4
	# shellcheck disable=SC2086 # $disks is a list of words
	timeout 30 "$qemu" -accel tcg -cpu "$cpu" -m "$mem" \
		-M microvm,pit=off,pic=off,rtc=off,isa-serial=off,acpi=off \
		-nodefaults -no-user-config -nographic -no-reboot \
		-kernel "$kit" -initrd "$program" \
		-append "kit.exit=0x501 $options -- $*" \
		-global virtio-mmio.force-legacy=false \
		-device virtio-serial-device \
		-chardev stdio,id=c,signal=off -device virtconsole,chardev=c \
		-device virtio-rng-device \
		-device isa-debug-exit,iobase=0x501,iosize=4 $disks \
		>"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $((status & 1)) -eq 1 ] || return 255
	return $((status >> 1))
}

# verdict NAME CONDITION...
verdict() {
	name=$1
	shift
	if "$@"; then
		echo "ok kit-qemu $name"
	else
		echo "not ok kit-qemu $name: $(tr -c '[:print:]' ' ' \
			<"$tmp/out" | tail -c 300)"
		failed=$((failed + 1))
	fi
}

# shellcheck disable=SC2317 # called by name
says() {
	grep -q -- "$1" "$tmp/out"
}

boot max 64 "" "$guests/examples/hello" one two </dev/null
status=$?
verdict "hello exits with 0" [ $status -eq 0 ]
verdict "arguments" says "argument 2: two"

for cpu in max qemu64; do
	boot $cpu 64 "" "$guests/tests/guests/kit_calls" a </dev/null
	status=$?
	verdict "calls, cpu $cpu" [ $status -eq 0 ]
	grep '^not ok' "$tmp/out"
done

boot max 64 "" "$guests/tests/guests/kit_window" </dev/null
status=$?
verdict "window of physical memory" [ $status -eq 0 ]

boot max 5000 "" "$guests/tests/guests/kit_calls" </dev/null
status=$?
verdict "memory above 4 GiB" [ $status -eq 0 ]

head -c 8388608 /dev/urandom >"$tmp/in"
boot max 64 "" "$guests/tests/guests/kit_cat" 8388608 <"$tmp/in"
status=$?
verdict "cat exits with 0" [ $status -eq 0 ]
verdict "8 MiB come back" cmp -s "$tmp/in" "$tmp/out"

for how in null:139:SIGSEGV ud2:132:SIGILL div:136:SIGFPE text:139:SIGSEGV \
	stack:139:SIGSEGV abort:134: exec:139:SIGSEGV exit77:77:; do
	what=${how%%:*}
	rest=${how#*:}
	boot max 64 "" "$guests/tests/guests/kit_die" "$what" </dev/null
	status=$?
	# what a status of 8 bits holds of 2 * status + 1
	want=$((${rest%%:*} % 128))
	verdict "$what ends with ${rest%%:*}" [ $status -eq $want ]
	[ -z "${rest#*:}" ] || verdict "$what says ${rest#*:}" says "${rest#*:}"
done

printf 'no program\n' >"$tmp/text"
boot max 64 "" "$tmp/text" </dev/null
status=$?
verdict "a text file is refused" [ $status -eq 126 ]
verdict "and says so" says "not an ELF file"

boot max 64 kit.verbose "$guests/tests/guests/kit_calls" </dev/null
verdict "verbose names a missing call" says "system call 499"

# The kit's block driver, linked with a test of its own: a kernel without a
# program, two disks.
head -c 6291456 "$tmp/in" >"$tmp/from"
head -c 6291456 /dev/zero >"$tmp/to"
kit=$guests/tests/guests/linked_blk
disks="-drive if=none,id=from,file=$tmp/from,format=raw,readonly=on
	-device virtio-blk-device,drive=from
	-drive if=none,id=to,file=$tmp/to,format=raw
	-device virtio-blk-device,drive=to"
boot max 64 "" "$tmp/text" </dev/null
verdict "disks are copied" says copied
verdict "to the last byte" cmp -s "$tmp/from" "$tmp/to"

exit $failed
