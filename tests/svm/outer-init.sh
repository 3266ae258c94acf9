#!/bin/sh
# outer-init.sh: /init of the SVM lane's outer machine. Loads KVM, runs one
# part of the lane, sends results to ttyS1 and powers off.
# SPDX-License-Identifier: Apache-2.0
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
# The root of an initramfs is no mount that pivot_root and friends accept;
# what tests need of file systems they find under /tmp.

# param NAME: value of mayfly.NAME on the kernel's command line
param()
{
	tr ' ' '\n' </proc/cmdline | sed -n "s/^mayfly\.$1=//p"
}

stty -F /dev/ttyS1 raw
exec >/dev/ttyS1 2>&1

part=$(param part)
for m in irqbypass kvm kvm-amd loop tun; do
	insmod "/lib/$m.ko" || echo "# insmod $m failed"
done

tests=
for t in $(param tests | tr ',' ' '); do
	case $part in
	integ) tests="$tests /m/integ/t_$t.sh" ;;
	programs) tests="$tests /m/programs/t_$t.sh" ;;
	*) tests="$tests /m/svm/t_$t.sh" ;;
	esac
done

if /m/kvm_probe; then
	echo "ok $part/kvm"
	# Everything is some ten times slower in here: fewer bytes, more time.
	export LANE=svm LINUX=/m/linux INTEG_BYTES=2097152 TEST_LIMIT=300
	cd /tmp || exit
	# shellcheck disable=SC2086 # a list of words
	case $part in
	integ) sh /m/integ/run.sh /m/mayfly /m/guests $tests ;;
	programs)
		export PROGRAMS=/m/programs SCALE=3 RUN_LIMIT=60 \
			ABI_LIMIT=60 PROGRAM_LIMIT=120
		ip link set lo up
		sh /m/integ/run.sh /m/mayfly /m/guests \
			${tests:-/m/programs/t_*.sh}
		;;
	*)
		TEST_LIMIT=1000
		sh /m/integ/run.sh /m/mayfly /m/guests \
			${tests:-/m/svm/t_$part.sh}
		;;
	esac
else
	echo "not ok $part/kvm: KVM does not work in the outer machine"
fi
echo "# end $part"
sync
# The UART's buffer must be out before the machine is gone.
stty -F /dev/ttyS1 2>/dev/null >/dev/null
sleep 0.2
poweroff -f
