#!/bin/sh
# Stock Linux kernels as guests. Debian's has its virtio drivers as modules
# and learns of devices and second processors only from ACPI, so a shell on
# hvc0 and the right nproc prove the tables.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guests expand
. "$LIB"
. "$LINUX/linux_lib.sh"

# Statuses for the ways a guest machine can end without a program's own
STATUS_OFF=0
STATUS_REBOOT=120
STATUS_PANIC=120 # with panic=N the kernel reboots

# What the guest's shell runs in most checks
facts='echo cpus=$(nproc)
echo online=$(cat /sys/devices/system/cpu/online)
echo clock=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
devices=$(ls /sys/bus/virtio/devices | wc -l)
bound=$(ls -d /sys/bus/virtio/drivers/*/virtio* | wc -l)
echo devices=$devices driverless=$((devices - bound))
echo bad=$(dmesg | grep -ciE "BUG:|WARNING: CPU|soft lockup|ACPI.*Error|call trace")
dmesg | grep -iE "BUG:|WARNING: CPU|soft lockup|ACPI.*Error" | head -n 5
echo random=$(cat /sys/class/misc/hw_random/rng_current)
'

# boots IMAGE CPUS OPTION...: a whole life: boot, look around, power off
boots()
{
	image=$1
	cpus=$2
	shift 2
	linux "$image" quiet "${facts}poweroff -f" -c "$cpus" "$@"
	expect_status $STATUS_OFF
	expect_err_empty
	expect_out_has "cpus=$cpus"
	expect_out_has "clock=kvm-clock"
	expect_out_has "driverless=0"
	expect_out_has "random=virtio_rng.0"
	expect_out_has "bad=0"
}

for cpus in 1 2; do
	check "bzImage $cpus cpu"
	boots bzImage "$cpus"

	check "vmlinux pvh $cpus cpu"
	boots vmlinux "$cpus" --boot pvh

	check "vmlinux linux $cpus cpu"
	boots vmlinux "$cpus" --boot linux
done

check "console carries 64 KiB"
linux bzImage quiet 'i=0; while [ $i -lt 1024 ]; do
echo "line $i ......................................................."
i=$((i + 1)); done | cut -c 1-63; poweroff -f'
expect_status $STATUS_OFF
expect "lost lines" [ "$(grep -c '^line [0-9]* \.*$' "$OUT")" = 1024 ]

check "disks"
dd if=/dev/urandom of=disk-a bs=65536 count=64 2>/dev/null
dd if=/dev/zero of=disk-b bs=65536 count=64 2>/dev/null
linux bzImage quiet 'cd /sys/block
echo ro=$(cat vda/ro vdb/ro) size=$(cat vda/size) serial=$(cat vda/serial)
echo cache=$(cat vdb/cache_type) queues=$(ls vdb/mq | wc -l)
echo discard=$(cat vdb/queue/discard_max_bytes) $(cat vda/queue/discard_max_bytes)
dd if=/dev/vda of=/dev/vdb bs=64k count=32 conv=fsync 2>/dev/null && echo copied
echo "write through" >vdb/cache_type
echo cache=$(cat vdb/cache_type)
dd if=/dev/vda of=/dev/vdb bs=64k skip=32 seek=32 conv=fsync 2>/dev/null && echo again
dd if=/dev/vdb of=/dev/vda bs=512 count=1 2>/dev/null || echo refused
echo bad=$(dmesg | grep -ciE "BUG:|WARNING: CPU|I/O error|call trace")
poweroff -f' -c 2 --disk disk-a,ro,serial=S3 --disk disk-b,queues=2
expect_status $STATUS_OFF
expect_out_has "ro=1 0 size=8192 serial=S3"
expect_out_has "cache=write back queues=2"
expect_out_has "discard=1073741824 0"
expect_out_has "copied"
expect_out_has "cache=write through"
expect_out_has "again"
expect_out_has "refused"
expect_out_has "bad=0"
expect "the copy differs" cmp -s disk-a disk-b

check "reboot"
linux bzImage quiet 'reboot -f'
expect_status $STATUS_REBOOT

check "panic"
linux bzImage "quiet panic=-1 reboot=a" 'echo c >/proc/sysrq-trigger'
expect_status $STATUS_PANIC

check "panic after a second, 2 cpus"
linux bzImage "quiet panic=1 reboot=a" 'echo c >/proc/sysrq-trigger' -c 2
expect_status $STATUS_PANIC

check "legacy serial"
linux bzImage "console=ttyS0 test.serial" "${facts}poweroff -f" \
	--legacy serial
expect_status $STATUS_OFF
expect_out_has "Linux version"
expect_out_has "cpus=1"

check "timeout"
linux bzImage quiet 'sleep 60' --timeout 6s
expect_status 124

check "input that is there before the guest"
printf '%s\n' 'echo six=$((2 * 3))' 'poweroff -f' >early
run_mayfly_in early run -m 384M --initrd "$LINUX/initrd" \
	--kernel-args "$LANE_ARGS quiet" "$LINUX/bzImage"
expect_status $STATUS_OFF
expect_out_has "six=6"

# The drivers of both consoles race, the kernel counts them as they come.
check "hvc1 is standard error"
linux bzImage quiet 'echo seven=$((6 + 1)) >/dev/hvc1; poweroff -f' -c 2
expect_status $STATUS_OFF
expect_err_has "seven=7"
