# linux_lib.sh: for tests with Linux guests, beside lib.sh: boots one and talks
# to its shell. $LINUX holds the kernels and the initial RAM disk; a test may
# name another in INITRD.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # RUN_LIMIT is lib.sh's

RUN_LIMIT=60
INITRD=$LINUX/initrd

# The lane's QEMU does not show KVM a guest's XSETBV, so KVM reports a size of
# XSAVE state that the guest's kernel warns about. Any monitor sees this.
LANE_ARGS=noxsave

# Waits until the guest's shell is there, then lets it have the commands. The
# reader may be gone by then: the guest timed out or never came up.
feed()
{
	n=0
	while ! grep -q "shell ready" "$OUT" && [ $n -lt 150 ]; do
		sleep 0.2
		n=$((n + 1))
	done
	cat commands
} 2>/dev/null

# linux IMAGE KERNEL-ARGS COMMANDS OPTION...: boot, feed the shell, leave all
# it says in $OUT
linux()
{
	t_image=$1
	t_args="$LANE_ARGS $2"
	printf '%s\n' "$3" >commands
	shift 3
	rm -f pipe
	mkfifo pipe
	feed >pipe &
	run_mayfly_in pipe run -m 384M --initrd "$INITRD" \
		--kernel-args "$t_args" "$@" "$LINUX/$t_image"
	wait
	tr -d '\r' <"$OUT" >clean && cp clean "$OUT"
}
