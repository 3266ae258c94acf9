#!/bin/sh
# inner-init.sh: /init of a Linux guest of mayfly in the SVM lane: a shell on
# the virtio console, or on the serial port when the command line has
# test.serial. What the shell reads is the test's input.
# SPDX-License-Identifier: Apache-2.0
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

if grep -q test.serial /proc/cmdline; then
	tty=/dev/ttyS0
else
	tty=/dev/hvc0
fi
if [ ! -d /sys/bus/virtio ]; then
	for m in virtio_ring virtio virtio_mmio virtio_console virtio-rng \
		virtio_blk virtio_balloon failover net_failover \
		virtio_net; do
		insmod "/lib/$m.ko"
	done
fi
n=0
while [ ! -c $tty ] && [ $n -lt 30 ]; do
	sleep 0.1
	n=$((n + 1))
done
if [ ! -c $tty ]; then
	echo "inner-init: no $tty" >/dev/console
	poweroff -f
fi

# Neither echo nor prompts: the output holds only what the commands print.
# A console's settings last while it is open, hence descriptor 3.
exec 3<>$tty
stty -echo -onlcr <&3
echo "shell ready" >&3
setsid sh /proc/self/fd/3 </dev/null >&3 2>&1
poweroff -f
