#!/bin/sh
# run.sh MAYFLY GUESTS [PART...]: the SVM lane. Boots Debian's kernel in
# QEMU's software-emulated AMD-V, where /dev/kvm has hardware semantics, and
# in there runs
#   integ  the integration suite of tests/integ/
#   linux  stock Debian kernels as guests of mayfly (t_linux.sh)
#   disk   file systems of such a guest (t_disk.sh)
#   linux_net  the same with network cards (t_linux_net.sh)
#   vsock  its sockets to the host (t_vsock.sh)
#   memory  its balloon and its random numbers (t_memory.sh)
#   programs  real programs, and those of tests/abi (tests/programs/)
#   PATH   any other t_*.sh, with the same kernels at hand in $LINUX
# One outer machine a part. Results come back over the second serial port and
# are printed with "svm/" before the name; the consoles are kept in
# build/svm/<part>.console. MAYFLY must be a static binary.
# Environment: SVM_LIMIT seconds an outer machine may take (default 600),
# SVM_TESTS the t_*.sh of a part to run (default all), SVM_JOBS machines at a
# time (default: as many as there are processors, at most 2).
#
# Inside, every test has a limit of its own, far below SVM_LIMIT. A machine
# that gets there is one that stands still as a whole, which the emulator does
# once in some hundred starts: its part is started once more, and says so.
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=$(readlink -f "${1:?usage: run.sh MAYFLY GUESTS [PART...]}")
guests=$(readlink -f "${2:?usage: run.sh MAYFLY GUESTS [PART...]}")
shift 2
[ $# -gt 0 ] || set -- programs integ linux disk linux_net vsock memory
cd "$(dirname "$0")/../.."
here=tests/svm
out=build/svm
limit=${SVM_LIMIT:-600}
jobs=${SVM_JOBS:-$(nproc)}
[ "$jobs" -le 2 ] || jobs=2

die()
{
	echo "not ok svm: $1"
	exit 1
}

[ -x "$mayfly" ] || die "no monitor at $mayfly"
if readelf -l "$mayfly" 2>/dev/null | grep -q INTERP; then
	die "$mayfly is not static: it cannot run in an initramfs"
fi
busybox=$(command -v busybox) || die "no busybox"
command -v qemu-system-x86_64 >/dev/null || die "no qemu-system-x86_64"
PATH=$PATH:/usr/sbin:/sbin
mkfs=$(command -v mkfs.ext4) || die "no mkfs.ext4"
fsck=$(command -v e2fsck) || die "no e2fsck"
socat=$(command -v socat) || die "no socat"
kernel=$($here/kernel.sh) || die "no Debian kernel"

mkdir -p "$out"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# pack ROOT ARCHIVE
pack()
{
	(cd "$1" && find . -mindepth 1 | sort | cpio -o -H newc -R 0:0 --quiet) \
		>"$2"
}

# root DIR INIT MODULE...: a busybox root with kernel modules
root()
{
	dir=$1
	mkdir -p "$dir/bin" "$dir/lib" "$dir/proc" "$dir/sys" "$dir/dev" \
		"$dir/tmp" "$dir/run"
	cp "$busybox" "$dir/bin/busybox"
	for applet in $("$busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
	done
	cp "$2" "$dir/init"
	chmod +x "$dir/init"
	shift 2
	for m; do
		cp "$kernel/modules/$m.ko" "$dir/lib/"
	done
}

# What every outer machine holds
root "$work/outer" $here/outer-init.sh irqbypass kvm kvm-amd loop tun
mkdir -p "$work/outer/m/guests" "$work/outer/m/integ" "$work/outer/m/svm"
cp "$mayfly" "$work/outer/m/mayfly"
cp tests/integ/*.sh "$work/outer/m/integ/"
cp $here/t_*.sh "$work/outer/m/svm/"
for d in tests/guests tests/integ/helpers examples; do
	[ -d "$guests/$d" ] || continue
	mkdir -p "$work/outer/m/guests/$d"
	find "$guests/$d" -maxdepth 1 -type f -perm -u+x \
		-exec cp {} "$work/outer/m/guests/$d/" \;
done
[ ! -f "$guests/kit.elf" ] || cp "$guests/kit.elf" "$work/outer/m/guests/"
gcc -static -O2 -o "$work/outer/m/kvm_probe" $here/kvm_probe.c
pack "$work/outer" "$work/outer.cpio"

# programs DIR FILE...: programs with the libraries they are linked with
programs()
{
	dir=$1
	shift
	for f; do
		cp "$f" "$dir/bin/"
		ldd "$f" | grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$dir$(dirname "$lib")"
			cp "$lib" "$dir$lib"
		done
	done
}

# What only the Linux guests need: kernels and their initramfs
pack_linux()
{
	[ ! -f "$work/linux.cpio" ] || return 0
	root "$work/inner" $here/inner-init.sh virtio virtio_ring virtio_mmio \
		virtio_console virtio-rng virtio_blk virtio_balloon virtio_net \
		net_failover failover
	for h in stream offload; do
		cp "$guests/tests/integ/helpers/$h" "$work/inner/bin/"
	done
	mkdir -p "$work/linux/m/linux"
	pack "$work/inner" "$work/linux/m/linux/initrd"
	# the same with tools for file systems
	mkdir -p "$work/tools/bin" "$work/tools/mnt"
	programs "$work/tools" "$mkfs" "$fsck"
	gcc -static -O2 -o "$work/tools/bin/seeded" $here/seeded.c
	pack "$work/tools" "$work/tools.cpio"
	cat "$work/linux/m/linux/initrd" "$work/tools.cpio" \
		>"$work/linux/m/linux/initrd-disk"
	cp -r "$work/tools/." "$work/linux/"
	# and for sockets
	mkdir -p "$work/sock/bin" "$work/sock/lib"
	programs "$work/sock" "$socat"
	for m in vsock vmw_vsock_virtio_transport_common \
		vmw_vsock_virtio_transport; do
		cp "$kernel/modules/$m.ko" "$work/sock/lib/"
	done
	pack "$work/sock" "$work/sock.cpio"
	cat "$work/linux/m/linux/initrd" "$work/sock.cpio" \
		>"$work/linux/m/linux/initrd-vsock"
	cp "$kernel/bzImage" "$kernel/vmlinux" "$work/linux/m/linux/"
	cp $here/linux_lib.sh "$work/linux/m/linux/linux_lib.sh"
	if [ -f build/cache/small-kernel/bzImage ]; then
		cp build/cache/small-kernel/bzImage \
			"$work/linux/m/linux/small-bzImage"
		cp build/cache/small-kernel/vmlinux \
			"$work/linux/m/linux/small-vmlinux"
	fi
	pack "$work/linux" "$work/linux.cpio"
}

# What tests/programs has and takes
pack_programs()
{
	dir=$work/programs/m
	tests/programs/setup.sh >/dev/null || die "no programs"
	mkdir -p "$dir/programs" "$dir/guests/tests"
	cp -r "$guests/tests/abi" "$dir/guests/tests/"
	find "$dir/guests/tests/abi" -type f -exec strip {} +
	cp tests/programs/*.sh "$dir/programs/"
	# where t_function.sh looks for it
	mkdir -p "$work/programs/examples"
	cp -r examples/js "$work/programs/examples/"
	cp -a build/programs/bin build/programs/python-root \
		build/programs/tree "$dir/programs/"
	pack "$work/programs" "$work/programs.cpio"
	rm -rf "$work/programs"
}

# name PART: what its files are called
name()
{
	part=$(basename "$1" .sh)
	echo "${part#t_}"
}

# prepare PART: what its machine needs beside the common things
prepare()
{
	case $1 in
	*/*)
		mkdir -p "$work/linux/m/svm"
		cp "$1" "$work/linux/m/svm/"
		;;
	esac
	case $1 in
	integ) ;;
	programs) pack_programs ;;
	*) pack_linux ;;
	esac
}

# start PART: one outer machine; its results in $results, its exit status
start()
{
	set -- "$1" "$work/outer.cpio"
	case $1 in
	integ) ;;
	programs) set -- "$@" "$work/programs.cpio" ;;
	*) set -- "$@" "$work/linux.cpio" ;;
	esac
	part=$1
	shift
	cat "$@" >"$work/$part.initrd"
	: >"$out/$part.console"
	: >"$work/$part.results"
	status=0
	timeout -k 5 "$limit" qemu-system-x86_64 \
		-accel tcg -smp 1 -cpu EPYC,+svm -m 2048 \
		-nodefaults -display none -no-reboot \
		-serial "file:$out/$part.console" \
		-serial "file:$work/$part.results" \
		-kernel "$kernel/bzImage" -initrd "$work/$part.initrd" \
		-append "console=ttyS0 quiet panic=-1 tsc=reliable \
mayfly.part=$part mayfly.tests=$(echo "${SVM_TESTS-}" | tr ' ' ',')" \
		</dev/null >"$work/$part.qemu" 2>&1 || status=$?
	rm -f "$work/$part.initrd"
	return "$status"
}

# boot PART: run it, print its results
boot()
{
	part=$1
	begun=$(date +%s)
	status=0
	start "$part" || status=$?
	if [ "$status" = 124 ]; then
		echo "# svm/$part: stood still for $limit s, once more"
		tr -d '\r' <"$out/$part.console" | tail -n 5 |
			sed 's/^/# console: /'
		status=0
		start "$part" || status=$?
	fi
	took=$(($(date +%s) - begun))

	tr -d '\r' <"$work/$part.results" |
		sed -e 's|^ok |ok svm/|' -e 's|^not ok |not ok svm/|' \
			-e 's|^skip |skip svm/|'
	if ! grep -q "^# end $part" "$work/$part.results"; then
		grep -v "TCG doesn't support" "$work/$part.qemu" |
			sed 's/^/# qemu: /'
		tr -d '\r' <"$out/$part.console" | tail -n 25 |
			sed 's/^/# console: /'
		why="exit status $status"
		[ "$status" != 124 ] || why="longer than $limit s, twice"
		echo "not ok svm/$part: the outer machine died: $why"
	fi
	echo "# svm/$part: $took s"
}

# The parts in the order given, `jobs` at a time, each one's output in one
# piece.
mkfifo "$work/slots"
exec 8<>"$work/slots"
n=0
while [ $n -lt "$jobs" ]; do
	echo >&8
	n=$((n + 1))
done
parts=
for p; do
	prepare "$p"
	part=$(name "$p")
	parts="$parts $part"
done
for part in $parts; do
	read -r _ <&8
	{
		boot "$part" >"$work/$part.out" 2>&1
		mv "$work/$part.out" "$work/$part.done"
		echo >&8
	} &
done
wait
rc=0
for part in $parts; do
	cat "$work/$part.done" || rc=1
	if grep -q '^not ok' "$work/$part.done"; then
		rc=1
	fi
done
exit $rc
