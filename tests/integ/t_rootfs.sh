#!/bin/sh
# Roots for programs: directories, archives and packed images; what mayfly
# says about those that cannot be one; mayfly pack.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

HELLO=$GUESTS/examples/hello

mkdir -p root/bin root/etc root/usr
cp "$HELLO" root/bin/hello
ln -s /bin/hello root/hi
ln -s ../bin/../hi root/usr/up
echo 'a line' >root/etc/motd
: >root/etc/empty

# pack SOURCE FILE
pack()
{
	status=0
	# shellcheck disable=SC2034 # lib.sh looks at it
	"$MAYFLY" pack "$1" "$2" >"$OUT" 2>"$ERR" || status=$?
}

check "program of the host beside a root"
run_mayfly run --rootfs root "$HELLO"
expect_status 0
expect_out "hello from $HELLO"

check "program in the root"
run_mayfly run --rootfs root /bin/hello
expect_status 0
expect_out "hello from /bin/hello"

check "symbolic links lead inside the root"
run_mayfly run --rootfs root /usr/up
expect_status 0
expect_out "hello from /usr/up"

check "packed image"
pack root root.img
expect_status 0
run_mayfly run --rootfs root.img /hi
expect_status 0
expect_out "hello from /hi"

check "image that others may write to is copied"
chmod 666 root.img
run_mayfly run --rootfs root.img /hi
expect_status 0
expect_out "hello from /hi"
chmod 644 root.img

check "the same source packs to the same bytes"
pack root again.img
expect_status 0
cmp -s root.img again.img || fail "two images differ"

check "an image packs to itself"
pack root.img again.img
expect_status 0
cmp -s root.img again.img || fail "they differ"

check "tar archive"
tar -c -f root.tar -C root .
run_mayfly run --rootfs root.tar /hi
expect_status 0
expect_out "hello from /hi"

check "cpio archive"
(cd root && find . | cpio -o -H newc 2>/dev/null) >root.cpio
run_mayfly run --rootfs root.cpio /hi
expect_status 0
expect_out "hello from /hi"

check "tar and cpio make the same image"
touch -d '2020-01-02 03:04:05' root/* root/*/* root
tar -c -f root.tar -C root .
(cd root && find . | cpio -o -H newc 2>/dev/null) >root.cpio
pack root.tar tar.img
expect_status 0
pack root.cpio cpio.img
expect_status 0
cmp -s tar.img cpio.img || fail "they differ"

check "root that does not fit"
dd if=/dev/zero of=root/usr/big bs=1M count=20 2>/dev/null
run_mayfly run -m 16M --rootfs root /hi
expect_status 126
expect_err_has "--rootfs root"
expect_err_has "there are 16 MiB"
rm root/usr/big

check "no such root"
run_mayfly run --rootfs nothing "$HELLO"
expect_status 125
expect_err_has "--rootfs: nothing: open: No such file"

check "neither directory nor archive"
run_mayfly run --rootfs root/etc/motd "$HELLO"
expect_status 125
expect_err_has "neither a directory nor a tar or cpio archive"

check "compressed archive"
gzip -c root.tar >root.tar.gz
run_mayfly run --rootfs root.tar.gz "$HELLO"
expect_status 125
expect_err_has "compressed with gzip: unpack it first"

check "truncated archive"
head -c 5000 root.tar >cut.tar
run_mayfly run --rootfs cut.tar "$HELLO"
expect_status 125
expect_err_has "truncated"

check "truncated image"
head -c 8192 root.img >cut.img
run_mayfly run --rootfs cut.img "$HELLO"
expect_status 125
expect_err_has "broken root image"

check "program that is in neither place"
run_mayfly run --rootfs root /bin/nothing
expect_status 126
expect_err_has "/bin/nothing: No such file"

check "program that is no file"
run_mayfly run --rootfs root /etc
expect_status 126
expect_err_has "/etc in --rootfs root: not a file"

check "program that is no program"
run_mayfly run --rootfs root /etc/motd
expect_status 126
run_mayfly run --rootfs root /etc/empty
expect_status 126

check "interpreter that is not in the root"
dynamic=
for f in /bin/ls /usr/bin/env; do
	# the interpreter's name comes soon after the headers
	if head -c 2048 "$f" 2>/dev/null | grep -aq /ld-linux; then
		dynamic=$f
	fi
done
if [ -n "$dynamic" ]; then
	run_mayfly run --rootfs root "$dynamic"
	expect_status 126
	expect_err_has "$dynamic: dynamically linked, it needs "
	expect_err_has "which is not in --rootfs root"
else
	skip "no dynamic program here"
fi

check "kernel with a root"
run_mayfly run --rootfs root "$GUESTS/tests/guests/raw_hello"
expect_status 125
expect_err_has "is a kernel"

check "pack replaces a file at once or not at all"
cp root.img old.img
pack root/etc/motd old.img
expect_status 125
cmp -s root.img old.img || fail "the old image changed"
pack root nowhere/x.img
expect_status 125
expect_err_has "nowhere/x.img"
left=$(find . -name '*.img.*')
[ -z "$left" ] || fail "left behind: $left"

check "pack needs two names"
pack root ''
expect_status 125
"$MAYFLY" pack root >"$OUT" 2>"$ERR" && fail "one name was enough"
expect_err_has "needs SOURCE and FILE"
