#!/bin/sh
# A kernel without ACPI (small-kernel.sh): devices by virtio_mmio.device= on
# the command line, second processors by the MP table. It cannot power off
# without ACPI, so it reboots through the i8042.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034 # guests expand; RUN_LIMIT is lib.sh's
. "$LIB"
RUN_LIMIT=40
STATUS_REBOOT=120

for cpus in 1 2; do
	for image in bzImage vmlinux; do
		check "$image $cpus cpu"
		printf '%s\n' 'echo cpus=$(nproc)' \
			'echo on=$(ls -d /sys/bus/virtio/drivers/*/virtio*)' \
			'cat /proc/interrupts' 'reboot -f' >commands
		run_mayfly_in commands run -m 256M -c $cpus --legacy i8042 \
			--initrd "$LINUX/initrd" \
			--kernel-args "quiet reboot=k panic=-1" \
			"$LINUX/small-$image"
		expect_status $STATUS_REBOOT
		expect_out_has "cpus=$cpus"
		expect_out_has "virtio_console/virtio"
	done
done
