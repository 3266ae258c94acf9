#!/bin/sh
# python-root.sh DIR: a root directory for Debian's own python3: interpreter,
# the libraries it and its extension modules are linked with, the standard
# library without tests and documentation, and what /etc a resolver reads.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${1:?usage: python-root.sh DIR}
[ ! -f "$root/.done" ] || exit 0
python=$(readlink -f /usr/bin/python3)
version=${python##*/}
lib=/usr/lib/$version
rm -rf "$root"
mkdir -p "$root"
root=$(cd "$root" && pwd)
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/etc" "$root/tmp" "$root/proc" \
	"$root/dev" "$root/root"
cp "$python" "$root/usr/bin/python3"
mkdir -p "$root$lib"
(cd "$lib" && find . \( -path ./test -o -path ./idlelib -o -path ./pydoc_data \
	-o -path ./tkinter -o -path ./turtledemo -o -path ./lib2to3 \
	-o -path ./ensurepip -o -path './config-*' -o -name '_tkinter*.so' \
	-o -name '_*test*.so' -o -name 'xx*.so' -o -name '*.opt-?.pyc' \) -prune -o -type f -print |
	cpio -pdm --quiet "$root$lib")
# the libraries, at the paths the loader looks for them
{
	ldd "$python"
	find "$root$lib/lib-dynload" -name '*.so' -exec ldd {} +
} | grep -o '/[^ :]*\.so[^ :]*' | sort -u | while read -r so; do
	case $so in "$root"/*) continue ;; esac
	mkdir -p "$root$(dirname "$so")"
	cp -L "$so" "$root$so"
done
printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$root/etc/hosts"
printf 'hosts: files\n' >"$root/etc/nsswitch.conf"
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
touch "$root/.done"
