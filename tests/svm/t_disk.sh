#!/bin/sh
# A stock Linux with file systems on its disks: what is written is there after
# the power was off, discarded space comes back to the host, and every feature
# of the block device is in use.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guests expand
. "$LIB"
. "$LINUX/linux_lib.sh"

export INITRD="$LINUX/initrd-disk" RUN_LIMIT=300
MIB=${DISK_MIB:-200}

# blank FILE MIB: all holes
blank()
{
	rm -f "$1"
	dd if=/dev/zero of="$1" bs=1 count=0 seek="$2"M 2>/dev/null
}

# In every guest: io DEVICE prints requests and sectors written so far;
# bits DEVICE the numbers of the features in use.
guest_lib='io() { awk "{ print \$5, \$7 }" /sys/block/$1/stat; }
bits() { awk "{ for (i = 1; i <= length(\$1); i++)
if (substr(\$1, i, 1) == 1) printf \" %d\", i - 1; print \" .\" }" \
/sys/block/$1/device/features; }
bad() { echo bad=$(dmesg | grep -ciE "BUG:|WARNING: CPU|I/O error|EXT4-fs error|call trace")
dmesg | grep -iE "BUG:|WARNING: CPU|I/O error|EXT4-fs error" | head -n 5; }
'

# kib FILE: what it takes on the host
kib()
{
	du -k "$1" | awk '{ print $1 }'
}

# sum_of: what seeded said in the guest
sum_of()
{
	grep -o '[0-9]* files sum [0-9a-f]*' "$OUT" | head -n 1
}

check "a file system is made and filled"
blank disk 512
linux bzImage quiet "$guest_lib"'
echo features=$(bits vda)
cd /sys/block/vda/queue
echo blocks=$(cat logical_block_size physical_block_size minimum_io_size)
echo segments=$(cat max_segments max_segment_size) zeroes=$(cat write_zeroes_max_bytes)
echo cache=$(cat ../cache_type)
cd /
mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt && echo made
seeded write /mnt '"$MIB"' 7
sync
bad
poweroff -f' --disk disk
expect_status 0
# SIZE_MAX SEG_MAX BLK_SIZE FLUSH TOPOLOGY CONFIG_WCE DISCARD WRITE_ZEROES
# INDIRECT_DESC EVENT_IDX VERSION_1
expect_out_has "features= 1 2 6 9 10 11 13 14 28 29 32 ."
expect_out_has "blocks=512 4096 4096"
expect_out_has "segments=126 "
expect_out_has "zeroes=1073741824"
expect_out_has "cache=write back"
expect_out_has "made"
expect_out_has "bad=0"
before=$(sum_of)
full=$(kib disk)
expect "no sum" [ -n "$before" ]
expect "only $full KiB on the host" [ "$full" -ge $((MIB * 1024)) ]

# The file system was mounted when the power went: its journal is replayed.
check "all is there after the power was off"
linux bzImage quiet "$guest_lib"'
mount -t ext4 /dev/vda /mnt && seeded check /mnt '"$MIB"' 7
dmesg | grep -o "recovery complete"
umount /mnt
e2fsck -fn /dev/vda; echo fsck=$?
bad
poweroff -f' --disk disk
expect_status 0
expect_out_has "recovery complete"
after=$(sum_of)
expect "before: $before, after: $after" [ "$before" = "$after" ]
expect_out_has "fsck=0"
expect_out_has "bad=0"

check "discarded space comes back"
linux bzImage quiet "$guest_lib"'
mount -t ext4 /dev/vda /mnt
rm -r /mnt/d[1-7]
sync
fstrim /mnt && echo trimmed
mount -t ext4 -o remount,discard /mnt && rm -r /mnt/d0 && sync && echo removed
seeded write /mnt 8 9
umount /mnt
e2fsck -fn /dev/vda; echo fsck=$?
bad
poweroff -f' --disk disk
expect_status 0
expect_out_has "trimmed"
expect_out_has "removed"
expect_out_has "fsck=0"
expect_out_has "bad=0"
now=$(kib disk)
echo "# $full KiB on the host, then $now"
expect "$now KiB left of $full" [ "$now" -lt $((full / 4)) ]
rm -f disk

# A file system of the host that has direct I/O and can make zeroes
blank host.img 128
mkdir -p host
losetup /dev/loop0 host.img && mkfs.ext4 -q /dev/loop0 &&
	mount -t ext4 /dev/loop0 host
seeded fill host/data 32 5 >sum
seeded fill host/fixed 2 6 >sum

check "zeroes, segments, write-through, direct"
linux bzImage quiet "$guest_lib"'
echo features=$(bits vda) $(bits vdb)
echo ro=$(blockdev --getro /dev/vda) $(blockdev --getro /dev/vdb) serial=$(cat /sys/block/vdb/serial) queues=$(ls /sys/block/vdb/mq | wc -l)
seeded same /dev/vdb 32 5
dd if=/dev/zero of=/dev/vda bs=4096 count=1 2>/dev/null || echo refused
set -- $(io vdb); seeded zero /dev/vdb 4194304 8388608
set -- $1 $2 $(io vdb); echo zeroing took $(($3 - $1)) requests $(($4 - $2)) sectors
set -- $(io vdb); seeded scatter /dev/vdb 16777216 64 3
set -- $1 $2 $(io vdb); echo scattering took $(($3 - $1)) requests $(($4 - $2)) sectors
seeded scatter /dev/vdb 20971520 512 4
echo "write through" >/sys/block/vdb/cache_type
echo cache=$(cat /sys/block/vdb/cache_type)
seeded scatter /dev/vdb 25165824 64 6
echo "write back" >/sys/block/vdb/cache_type
echo cache=$(cat /sys/block/vdb/cache_type)
seeded scatter /dev/vdb 29360128 64 8
bad
poweroff -f' -c 2 --disk host/fixed,ro \
	--disk host/data,direct,queues=2,serial=direct-1
expect_status 0
# the read-only disk: RO, neither DISCARD nor WRITE_ZEROES; the other: MQ
expect_out_has "features= 1 2 5 6 9 10 11 28 29 32 . 1 2 6 9 10 11 12 13 14 28 29 32 ."
expect_out_has "ro=1 0 serial=direct-1 queues=2"
expect_out_has "refused"
expect_out_has "zeroing took 1 requests 16384 sectors"
expect_out_has "scattering took 1 requests 512 sectors"
expect_out_has "cache=write through"
expect_out_has "cache=write back"
expect "scattered pages" [ "$(grep -c '^scattered' "$OUT")" = 4 ]
expect_out_has "bad=0"
expect "the read-only disk changed" seeded same host/fixed 2 6 >sum
expect "something else changed" seeded same host/data 4 5 >sum
dd if=host/data bs=65536 skip=64 count=128 2>/dev/null | tr -d '\000' >left
expect "not all is zero" [ ! -s left ]
expect "zeroes beyond the range" [ -n "$(dd if=host/data bs=4096 skip=3072 \
	count=1 2>/dev/null | tr -d '\000' | od -An -N1)" ]
umount host
losetup -d /dev/loop0
