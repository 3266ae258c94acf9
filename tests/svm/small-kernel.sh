#!/bin/sh
# small-kernel.sh [--build] | [MAYFLY GUESTS]: a small Linux kernel without
# ACPI, which finds its processors by the MP table and its devices by
# virtio_mmio.device= on the command line, and has the virtio console built
# in. Built once from Debian's source into build/cache/small-kernel (about
# ten minutes a core); then boots it under mayfly in the SVM lane. Not part of
# `make test`. JOBS=n sets make's -j (default 1), CPUs are shared kindly.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
cache=$PWD/build/cache
out=$cache/small-kernel

build()
{
	need=
	for p in flex bison bc xz-utils libelf-dev; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' $p 2>/dev/null)" \
			= installed ] || need="$need $p"
	done
	if [ -n "$need" ]; then
		# shellcheck disable=SC2086 # a list of words
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends $need >"$cache/apt.log" 2>&1
	fi
	src=$cache/linux-source
	if [ ! -f "$src/Makefile" ]; then
		(cd "$cache" && apt-get download -q linux-source-6.1) \
			>"$cache/apt.log" 2>&1
		rm -rf "$src" "$src.deb"
		mkdir -p "$src"
		dpkg-deb -x "$cache"/linux-source-6.1_*.deb "$src.deb"
		tar -xJf "$src.deb/usr/src/linux-source-6.1.tar.xz" \
			-C "$src" --strip-components 1
		rm -rf "$src.deb"
	fi

	# From nothing at all, then what the guest needs.
	cat >"$src/mayfly.config" <<-EOF
	CONFIG_64BIT=y
	CONFIG_SMP=y
	CONFIG_NR_CPUS=8
	CONFIG_PRINTK=y
	CONFIG_BUG=y
	CONFIG_MULTIUSER=y
	CONFIG_POSIX_TIMERS=y
	CONFIG_FUTEX=y
	CONFIG_EPOLL=y
	CONFIG_SHMEM=y
	CONFIG_TMPFS=y
	CONFIG_PROC_FS=y
	CONFIG_PROC_SYSCTL=y
	CONFIG_SYSFS=y
	CONFIG_DEVTMPFS=y
	CONFIG_BINFMT_ELF=y
	CONFIG_BINFMT_SCRIPT=y
	CONFIG_BLK_DEV_INITRD=y
	CONFIG_HIGH_RES_TIMERS=y
	CONFIG_NO_HZ_IDLE=y
	CONFIG_HYPERVISOR_GUEST=y
	CONFIG_PARAVIRT=y
	CONFIG_KVM_GUEST=y
	CONFIG_PVH=y
	CONFIG_X86_MPPARSE=y
	CONFIG_X86_X2APIC=y
	CONFIG_TTY=y
	CONFIG_UNIX98_PTYS=y
	CONFIG_SERIAL_8250=y
	CONFIG_SERIAL_8250_CONSOLE=y
	CONFIG_SERIAL_EARLYCON=y
	CONFIG_VIRTIO_MENU=y
	CONFIG_VIRTIO_MMIO=y
	CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y
	CONFIG_VIRTIO_CONSOLE=y
	CONFIG_HW_RANDOM=y
	CONFIG_HW_RANDOM_VIRTIO=y
	CONFIG_MAGIC_SYSRQ=y
	CONFIG_KERNEL_GZIP=y
	CONFIG_CC_OPTIMIZE_FOR_SIZE=y
	CONFIG_UNWINDER_FRAME_POINTER=y
	# CONFIG_ACPI is not set
	# CONFIG_PCI is not set
	# CONFIG_VT is not set
	# CONFIG_MODULES is not set
	# CONFIG_SPECULATION_MITIGATIONS is not set
	# CONFIG_RETPOLINE is not set
	# CONFIG_MODIFY_LDT_SYSCALL is not set
	# CONFIG_RELOCATABLE is not set
	EOF
	mk="nice -n 19 make -C $src -j${JOBS:-1}"
	$mk KCONFIG_ALLCONFIG=mayfly.config allnoconfig >"$cache/small.log"
	missing=$(grep '=y$' "$src/mayfly.config" | while read -r line; do
		grep -qxF "$line" "$src/.config" || echo "$line"
	done)
	[ -z "$missing" ] || echo "small-kernel: not taken: $missing" >&2
	$mk vmlinux bzImage >>"$cache/small.log" 2>&1 || {
		tail -n 20 "$cache/small.log" >&2
		exit 1
	}
	mkdir -p "$out"
	cp "$src/arch/x86/boot/bzImage" "$src/vmlinux" "$src/.config" "$out/"
	ls -l "$out"
}

if [ "${1-}" = --build ]; then
	build
	exit 0
fi
[ -f "$out/bzImage" ] || build
exec tests/svm/run.sh "${1:-build/release/mayfly}" "${2:-build/guest}" small
