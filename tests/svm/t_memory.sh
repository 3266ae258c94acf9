#!/bin/sh
# The memory of a stock Linux: its balloon grows and shrinks while memory is
# in use, free memory is reported and hinted, and comes back where a program
# would else run out of it; and random numbers.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guests expand
. "$LIB"
. "$LINUX/linux_lib.sh"
# Looking is work for the one CPU there is.
export TRIES=300 PAUSE=0.5
. "$(dirname "$LIB")/control_lib.sh"

# linux_up WORDS KERNEL-ARGS: a Linux with this balloon; tell speaks to it
linux_up()
{
	rm -f pipe
	mkfifo pipe
	START_IN=pipe start -q -m 256M --initrd "$INITRD" --balloon "$1" \
		--timeout 300 --kernel-args "$LANE_ARGS quiet $2" "$LINUX/bzImage"
	exec 9>pipe
	hears "shell ready" || return 1
	tell 'mount -t tmpfs -o size=90% tmpfs /tmp; cd /tmp
bits() { awk "{ for (i = 1; i <= 24; i++)
if (substr(\$1, i, 1) == 1) printf \" %d\", i - 1; print \" .\" }" "$1"; }
echo features=$(bits /sys/bus/virtio/drivers/virtio_balloon/virtio*/features)'
}

tell()
{
	printf '%s\n' "$1" >&9
}
trap '' PIPE # a guest that is gone does not listen

# linux_down: it powers off, and its kernel found nothing wrong
linux_down()
{
	tell 'echo bad=$(dmesg | grep -ciE "BUG:|WARNING: CPU|soft lockup|call trace")
poweroff -f'
	exec 9>&-
	finish
	expect_status 0
	expect_out_has "bad=0"
}

# actual MIB: the driver says so
actual()
{
	[ "$(number actual_mib)" = "$1" ]
}

less_than()
{
	[ "$(number actual_mib)" -lt "$1" ]
}

# at_most MIB: are resident
at_most()
{
	[ "$(resident)" -le "$1" ]
}

# rose FROM BY: free memory did
rose()
{
	[ "$(number free_memory)" -ge $(($1 + $2)) ]
}

check "inflate to half and back, with memory in use"
if linux_up stats=1 ''; then
	hears "features= 0 1 ."
	# 32 MiB that must stay, 120 MiB that were used once
	tell 'dd if=/dev/urandom of=data bs=1M count=32 2>/dev/null
md5sum data >sum
dd if=/dev/zero of=ballast bs=1M count=120 2>/dev/null; rm ballast
(while [ ! -e enough ]; do md5sum -s -c sum || echo broken; sleep 1; done
echo checked) &
echo filled'
	hears filled
	full=$(resident)
	size_to 128
	within "the balloon did not reach 128 MiB" actual 128
	half=$(resident)
	expect "$full MiB of memory became $half" [ "$half" -le $((full - 70)) ]
	within "no statistics came" told_memory total_memory
	sleep 4 # the last ones may be from before; there are new ones each second
	total=$(number total_memory)
	free=$(number free_memory)
	expect "$free bytes are free, of $total" [ "$free" -lt 120000000 ]
	expect "$total bytes are all there is" [ "$total" -gt 60000000 ]
	echo "# resident MiB: full $full, half $half"
	size_to 0
	within "the balloon did not shrink" actual 0
	within "free memory did not come back" rose "$free" 100000000
	tell 'dd if=/dev/urandom of=more bs=1M count=80 2>/dev/null
md5sum more >sum2; touch enough; wait
md5sum -s -c sum && md5sum -s -c sum2 && echo same'
	hears checked
	hears same
	expect "data changed" [ "$(grep -c broken "$OUT")" = 0 ]
	echo "# resident MiB: $(resident) afterwards"
	linux_down
fi

check "free memory is reported"
if linux_up reporting ''; then
	hears "features= 0 5 ."
	tell 'dd if=/dev/urandom of=data bs=1M count=32 2>/dev/null; md5sum data >sum
dd if=/dev/zero of=ballast bs=1M count=120 2>/dev/null; echo filled'
	hears filled
	full=$(resident)
	tell 'rm ballast'
	within "$full MiB stay" at_most $((full - 80))
	echo "# resident MiB: full $full, reported $(resident)"
	tell 'dd if=/dev/zero of=ballast bs=1M count=120 2>/dev/null
tr -d "\000" <ballast | wc -c
md5sum -s -c sum && echo same'
	hears 0
	hears same
	linux_down
fi

check "a kernel that cleans what it frees"
if linux_up reporting init_on_free=1; then
	hears "features= 0 4 5 ."
	tell 'dd if=/dev/zero of=ballast bs=1M count=120 2>/dev/null; echo filled'
	hears filled
	full=$(resident)
	tell 'rm ballast'
	within "$full MiB stay" at_most $((full - 80))
	linux_down
fi

check "free memory is hinted"
if linux_up hinting ''; then
	hears "features= 0 3 ."
	tell 'dd if=/dev/urandom of=data bs=1M count=32 2>/dev/null; md5sum data >sum
dd if=/dev/zero of=ballast bs=1M count=120 2>/dev/null; rm ballast; echo filled'
	hears filled
	full=$(resident)
	asks PATCH /balloon/hinting/start
	within "the run did not end" hinted 1 0
	less=$(resident)
	expect "$full MiB of memory became $less" [ "$less" -le $((full - 80)) ]
	echo "# resident MiB: full $full, hinted $less"
	tell 'dd if=/dev/zero of=ballast bs=1M count=120 2>/dev/null
tr -d "\000" <ballast | wc -c
md5sum -s -c sum && echo same'
	hears 0
	hears same
	linux_down
fi

check "memory comes back rather than run out"
if linux_up stats=1,deflate-on-oom ''; then
	hears "features= 0 1 2 ."
	size_to 160
	within "the balloon did not reach 160 MiB" actual 160
	tell 'dd if=/dev/zero of=ballast bs=1M count=100 2>/dev/null && echo fits'
	hears fits
	within "nothing came back" less_than 160
	echo "# of 160 MiB in the balloon $(number actual_mib) are left"
	linux_down
fi

check "random numbers"
linux bzImage quiet 'echo current=$(cat /sys/class/misc/hw_random/rng_current)
dd if=/dev/hwrng of=a bs=512 count=8 2>/dev/null
dd if=/dev/hwrng of=b bs=512 count=8 2>/dev/null
echo bytes=$(cat a b | wc -c)
cmp -s a b || echo differ
poweroff -f'
expect_status 0
expect_out_has "current=virtio_rng.0"
expect_out_has "bytes=8192"
expect_out_has differ
