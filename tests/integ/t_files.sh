#!/bin/sh
# Files of a program: a root directory, /dev, /proc, and disks as files.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

check "disks are block devices"
if guest kit_disk; then
	truncate -s 4M vda
	truncate -s 9216 vdb
	printf 'vdb...' | dd of=vdb conv=notrunc 2>/dev/null
	run_mayfly run -m 64M --disk vda --disk vdb,ro "$GUEST"
	expect_status 0
	if grep '^not ok' "$OUT"; then
		fail "see above"
	fi
fi

# plant DIR: a tree of everything a root image carries
plant()
{
	mkdir -p "$1/tree/dir/deep/er" "$1/tree/many" "$1/tree/empty"
	printf 'one file, three names' >"$1/tree/hard1"
	ln "$1/tree/hard1" "$1/tree/hard2"
	ln "$1/tree/hard1" "$1/tree/dir/hard3"
	printf x >"$1/tree/dir/x"
	: >"$1/tree/nothing"
	ln -s ../hard1 "$1/tree/dir/deep/up"
	ln -s nowhere "$1/tree/link"
	mkfifo "$1/tree/fifo"
	dd if=/dev/zero bs=4096 count=3 2>/dev/null | tr '\0' p >"$1/tree/pages"
	i=0
	while [ $i -lt 300 ]; do
		echo "$i" >"$1/tree/many/file$i"
		i=$((i + 1))
	done
	cat "$1"/tree/many/* "$GUEST" >"$1/tree/big"
	chmod 750 "$1/tree/dir"
	chmod 4711 "$1/tree/big"
	find "$1/tree" -type f -exec touch -d '2021-03-04 05:06:07' {} +
}

check "a root is what the host has"
if guest kit_root; then
	plant host
	cp -a host packed
	"$GUEST" host >expected
	run_mayfly run -m 64M --rootfs packed "$GUEST" /
	expect_status 0
	cmp expected "$OUT" || fail "the two differ: $(diff expected "$OUT" |
		head -n 5)"
fi
