#!/bin/sh
# glibc's getaddrinfo in a static program: /etc/hosts of the root answers. The
# host's own is another, so what is right is written down here.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"

need resolve || exit 0
mkdir -p root/etc
cat >root/etc/hosts <<'E'
127.0.0.1 localhost
192.0.2.7 seven.example seven
2001:db8::8 eight.example
E

check "names in /etc/hosts"
run_mayfly run -m 128M --rootfs root "$PROGRAM" seven.example seven \
	eight.example localhost 198.51.100.3
expect_status 0
expect_out 'seven.example: 192.0.2.7 port 80
seven: 192.0.2.7 port 80
eight.example: 2001:db8::8 port 80
localhost: 127.0.0.1 port 80
198.51.100.3: 198.51.100.3 port 80'

check "a name that nobody knows, without a network"
run_mayfly run -m 128M --rootfs root "$PROGRAM" nine.example
expect_status 0
expect "an answer" grep -q '^nine.example: [A-Z]' "$OUT"
