#!/bin/sh
# kernel.sh: Debian's cloud kernel, unpacked under build/cache/, for the SVM
# lane. Prints the folder, which then holds
#   bzImage  vmlinux  modules/ (flat: every .ko we may load)  config  version
# Does nothing when it is there, with every module that is wanted today.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
cache=$PWD/build/cache
out=$cache/debian-kernel

# Dependencies first within a group; insmod takes no order from us.
modules="irqbypass kvm kvm-amd ccp rng-core virtio-rng virtio virtio_ring
virtio_mmio virtio_console virtio_blk virtio_balloon virtio_net net_failover
failover vsock vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport
loop tun"

if [ -f "$out/version" ] && [ "$(cat "$out/list" 2>/dev/null)" = "$modules" ]
then
	echo "$out"
	exit 0
fi
mkdir -p "$cache"

# linux-image-cloud-amd64 depends on the package of the current version.
resolve()
{
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

download()
{
	pkg=$(resolve)
	[ -n "$pkg" ] || return 1
	(cd "$cache" && apt-get download -q "$pkg") >"$cache/apt.log" 2>&1
}

update()
{
	if [ "$(id -u)" = 0 ]; then
		apt-get update -q
	else
		sudo apt-get update -q
	fi >"$cache/apt.log" 2>&1
}

deb=$(find "$cache" -maxdepth 1 -name 'linux-image-*-cloud-amd64_*.deb' |
	head -n 1)
if [ -z "$deb" ]; then
	download || { update && download; } || {
		tail -n 5 "$cache/apt.log" >&2
		echo "kernel: cannot download linux-image-cloud-amd64" >&2
		exit 1
	}
	deb=$(find "$cache" -maxdepth 1 \
		-name 'linux-image-*-cloud-amd64_*.deb' | head -n 1)
fi

tmp=$(mktemp -d "$cache/unpack.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
dpkg-deb -x "$deb" "$tmp/deb"
new=$tmp/new
mkdir -p "$new/modules"
cp "$tmp"/deb/boot/vmlinuz-* "$new/bzImage"
cp "$tmp"/deb/boot/config-* "$new/config"
version=$(basename "$tmp"/deb/boot/vmlinuz-*)
version=${version#vmlinuz-}

for m in $modules; do
	find "$tmp/deb/lib/modules" -name "$m.ko" -exec cp {} "$new/modules" \;
done

tests/svm/vmlinux.sh "$new/bzImage" >"$new/vmlinux"
echo "$modules" >"$new/list"
echo "$version" >"$new/version"
rm -rf "$out"
mv "$new" "$out"
echo "$out"
