#!/bin/sh
# Stock Linux kernels as guests. Debian's has its virtio drivers as modules
# and learns of devices and second processors only from ACPI, so a shell on
# hvc0 and the right nproc prove the tables.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034 # guests expand; RUN_LIMIT is lib.sh's
. "$LIB"
RUN_LIMIT=40

# Statuses for the ways a guest machine can end without a program's own
STATUS_OFF=0
STATUS_REBOOT=120
STATUS_PANIC=120 # with panic=N the kernel reboots

# What the guest's shell runs in most checks
facts='echo cpus=$(nproc)
echo online=$(cat /sys/devices/system/cpu/online)
echo clock=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
echo virtio=$(ls /sys/bus/virtio/devices | wc -l)
echo drivers=$(ls -d /sys/bus/virtio/drivers/*/virtio* | wc -l)
echo bad=$(dmesg | grep -ciE "BUG:|WARNING:|soft lockup|ACPI.*Error|call trace")
dmesg | grep -iE "BUG:|WARNING:|soft lockup|ACPI.*Error" | head -n 5
echo random=$(cat /sys/class/misc/hw_random/rng_current)
'

# linux IMAGE COMMANDS OPTION...: boot, feed the shell, leave it all in $OUT
linux()
{
	t_image=$1
	printf '%s\n' "$2" >commands
	shift 2
	run_mayfly_in commands run -m 384M --initrd "$LINUX/initrd" "$@" \
		"$LINUX/$t_image"
	tr -d '\r' <"$OUT" >clean && cp clean "$OUT"
}

# boots IMAGE CPUS OPTION...: a whole life: boot, look around, power off
boots()
{
	image=$1
	cpus=$2
	shift 2
	linux "$image" "${facts}poweroff -f" -c "$cpus" "$@"
	expect_status $STATUS_OFF
	expect_out_has "cpus=$cpus"
	expect_out_has "clock=kvm-clock"
	expect_out_has "bad=0"
}

for cpus in 1 2; do
	check "bzImage $cpus cpu"
	boots bzImage "$cpus" --kernel-args "quiet"

	check "vmlinux pvh $cpus cpu"
	boots vmlinux "$cpus" --boot pvh --kernel-args "quiet"

	check "vmlinux linux $cpus cpu"
	boots vmlinux "$cpus" --boot linux --kernel-args "quiet"
done

check "shell exit status and arithmetic"
linux bzImage 'echo six=$((2 * 3)); cat /proc/uptime; poweroff -f'
expect_status $STATUS_OFF
expect_out_has "six=6"

check "console carries 64 KiB"
linux bzImage 'i=0; while [ $i -lt 1024 ]; do
echo "line $i ......................................................."
i=$((i + 1)); done | cut -c 1-63; poweroff -f'
expect_status $STATUS_OFF
expect "lost lines" [ "$(grep -c '^line [0-9]* \.*$' "$OUT")" = 1024 ]

check "reboot"
linux bzImage 'reboot -f'
expect_status $STATUS_REBOOT

check "panic"
linux bzImage 'echo c >/proc/sysrq-trigger' --kernel-args "quiet panic=-1"
expect_status $STATUS_PANIC

check "panic after a second, 2 cpus"
linux bzImage 'echo c >/proc/sysrq-trigger' -c 2 \
	--kernel-args "quiet panic=1"
expect_status $STATUS_PANIC

check "legacy serial"
linux bzImage "${facts}poweroff -f" --legacy serial \
	--kernel-args "console=ttyS0 test.serial"
expect_status $STATUS_OFF
expect_out_has "Linux version"
expect_out_has "cpus=1"

check "timeout"
linux bzImage 'sleep 60' --timeout 4s
expect_status 124
