#!/bin/sh
# A kernel without ACPI (small-kernel.sh): devices by virtio_mmio.device= on
# the command line, second processors by the MP table. It cannot power off
# without ACPI, so it reboots through the i8042.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guests expand
. "$LIB"
. "$LINUX/linux_lib.sh"
STATUS_REBOOT=120

for cpus in 1 2; do
	for image in bzImage vmlinux; do
		check "$image $cpus cpu"
		linux small-$image "quiet reboot=k panic=-1" 'echo cpus=$(nproc)
ls -d /sys/bus/virtio/drivers/*/virtio*
cat /proc/interrupts
reboot -f' -c $cpus --legacy i8042
		expect_status $STATUS_REBOOT
		expect_out_has "cpus=$cpus"
		expect_out_has "virtio_console/virtio"
		expect_out_has "virtio_rng/virtio"
	done
done
