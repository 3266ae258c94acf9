#!/bin/sh
# vmlinux.sh BZIMAGE: write the kernel's ELF file to stdout. The setup header
# says where the compressed payload lies (boot protocol 2.08 and later).
# SPDX-License-Identifier: Apache-2.0
set -eu
image=$1

# field OFFSET BYTES: an unsigned little-endian field of the file
field()
{
	od -An -v "-tu$2" -j "$1" -N "$2" "$image" | tr -d ' '
}

if [ "$(field $((0x202)) 4)" != $((0x53726448)) ]; then # "HdrS"
	echo "vmlinux: $image: not a bzImage" >&2
	exit 1
fi
sects=$(field $((0x1f1)) 1)
[ "$sects" != 0 ] || sects=4
off=$(((sects + 1) * 512 + $(field $((0x248)) 4)))
len=$(field $((0x24c)) 4)

# All but gzip are followed by four bytes, the unpacked length.
magic=$(od -An -v -tx1 -j "$off" -N 4 "$image" | tr -d ' ')
case $magic in
1f8b*) unpack='gzip -dc' ;;
fd377a58) unpack='xz -dc' len=$((len - 4)) ;;
28b52ffd) unpack='zstd -dcq' len=$((len - 4)) ;;
02214c18) unpack='lz4 -dc' len=$((len - 4)) ;;
*)
	echo "vmlinux: $image: unknown compression ($magic)" >&2
	exit 1
	;;
esac
tail -c "+$((off + 1))" "$image" | head -c "$len" | $unpack
