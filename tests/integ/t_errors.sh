#!/bin/sh
# What can be wrong before a guest runs: each ends with a documented status
# and one message that names the thing and what is wrong with it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

KERNEL=$GUESTS/tests/guests/raw_hello

# poke FILE OFFSET BYTES: BYTES are octal escapes for printf
poke()
{
	# shellcheck disable=SC2059 # the format is the point
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# poke64 FILE OFFSET VALUE
poke64()
{
	v=$3
	bytes=
	n=0
	while [ $n -lt 8 ]; do
		bytes=$bytes$(printf '\\%03o' $((v & 255)))
		v=$((v >> 8))
		n=$((n + 1))
	done
	poke "$1" "$2" "$bytes"
}

# phdr N FIELD: offset of a field of program header N
phdr()
{
	case $2 in
	vaddr) f=16 ;;
	paddr) f=24 ;;
	filesz) f=32 ;;
	memsz) f=40 ;;
	esac
	echo $((64 + 56 * $1 + f))
}

# one_line: standard error is one line of ours
one_line()
{
	[ "$(wc -l <"$ERR")" = 1 ] || fail "$(wc -l <"$ERR") lines on stderr"
	grep -q '^mayfly' "$ERR" || fail "the message does not begin with mayfly"
	[ ! -s "$OUT" ] || fail "something on stdout"
}

# refused STATUS TEXT...: the last run said no, in these words
refused()
{
	expect_status "$1"
	shift
	for text; do
		expect_err_has "$text"
	done
	one_line
}

# --- the image ------------------------------------------------------------------

check "missing image"
run_mayfly run ./missing
refused 126 ./missing 'No such file or directory'

check "directory"
mkdir adir
run_mayfly run adir
refused 126 adir 'Is a directory'

check "device instead of image"
run_mayfly run /dev/null
refused 126 /dev/null 'not a regular file'

check "image under a file"
: >afile
run_mayfly run afile/image
refused 126 afile/image 'Not a directory'

# Root may read anything, unless it gives up the capability to.
check "unreadable image"
cp "$KERNEL" locked && chmod 000 locked
if [ "$(id -u)" != 0 ]; then
	run_mayfly run ./locked
	refused 126 ./locked 'Permission denied'
elif setpriv --bounding-set=-dac_override,-dac_read_search true 2>/dev/null; then
	status=0
	setpriv --bounding-set=-dac_override,-dac_read_search \
		"$MAYFLY" run ./locked </dev/null >"$OUT" 2>"$ERR" || status=$?
	refused 126 ./locked 'Permission denied'
else
	skip "no way to give up root's rights"
fi
rm -f locked

# not_an_image NAME TEXT...: runs ./image
not_an_image()
{
	check "$1"
	shift
	run_mayfly run ./image
	refused 126 ./image "$@"
}

: >image
not_an_image "empty image" 'an empty file'
printf 'Dear reader,\nthis is not a kernel.\n' >image
not_an_image "text" 'a text file'
printf '#!/bin/sh\nexit 0\n' >image
not_an_image "shell script" 'a script'
echo text | gzip >image
not_an_image "gzip" gzip gunzip
printf '\375\067\172\130\132\000\000' >image
not_an_image "xz" xz unxz
printf 'MZ\220\000\003\000' >image
not_an_image "PE file" 'a PE file'
printf '070701000000' >image
not_an_image "cpio archive" initrd
printf '\001\002\003\004binary' >image
not_an_image "unknown bytes" 'not a known kind of image' '01 02 03 04'

# cut FILE: truncated at several lengths, none of which may run
cut_at()
{
	check "$1 cut to $3"
	head -c "$3" "$2" >image
	run_mayfly run ./image
	refused 126 ./image "$4"
}

if guest hello; then
	HELLO=$GUEST
	size=$(wc -c <"$HELLO")
	cut_at program "$HELLO" 3 'not a known kind'
	cut_at program "$HELLO" 4 truncated
	cut_at program "$HELLO" 40 truncated
	cut_at program "$HELLO" 63 truncated
	cut_at program "$HELLO" 64 truncated
	cut_at program "$HELLO" 100 truncated
	cut_at program "$HELLO" 5000 truncated
	cut_at program "$HELLO" $((size / 2)) truncated
	cut_at kernel "$KERNEL" 300 truncated
	cut_at kernel "$KERNEL" 5000 truncated

	cp "$HELLO" image
	poke image 18 '\267\000'
	not_an_image "program for aarch64" aarch64 x86-64
	poke image 18 '\363\000'
	not_an_image "program for riscv" riscv x86-64
	cp "$HELLO" image
	poke image 4 '\001'
	poke image 18 '\003\000'
	not_an_image "32-bit ELF" 32-bit 64-bit
	cp "$HELLO" image
	poke image 5 '\002'
	not_an_image "big-endian ELF" big-endian
	cp "$HELLO" image
	poke image 16 '\001\000'
	not_an_image "object file" 'link it first'
	poke image 16 '\004\000'
	not_an_image "core dump" 'a core dump'
	cp "$HELLO" image
	poke image 56 '\000\000'
	not_an_image "no program headers" 'no program headers'
	poke image 56 '\377\377'
	not_an_image "too many program headers" '65535 program headers'
	cp "$HELLO" image
	poke64 image 24 0x10
	not_an_image "entry outside" 'entry 0x10'

	# segments of a program: virtual addresses
	cp "$HELLO" image
	poke64 image "$(phdr 0 vaddr)" 0x7fffffffff000
	not_an_image "program beyond user addresses" 'not user addresses'
	cp "$HELLO" image
	poke64 image "$(phdr 1 vaddr)" 0x400000
	not_an_image "overlapping program segments" overlaps
	cp "$HELLO" image
	poke64 image "$(phdr 0 memsz)" 1
	not_an_image "more in the file than in memory" 'in memory'
	cp "$HELLO" image
	poke64 image "$(phdr 1 filesz)" 0x7fffffffffff0000
	poke64 image "$(phdr 1 memsz)" 0x7fffffffffff0000
	not_an_image "segment longer than the file" truncated
fi

# segments of a kernel: physical addresses
if [ -x "$KERNEL" ]; then
	cp "$KERNEL" image
	poke64 image "$(phdr 2 paddr)" 0x10000000000
	not_an_image "kernel beyond all memory" 'segment 2' 'beyond any guest memory'
	cp "$KERNEL" image
	poke64 image "$(phdr 2 paddr)" -4096
	not_an_image "kernel that wraps around" 'segment 2' 'beyond any guest memory'
	cp "$KERNEL" image
	poke64 image "$(phdr 2 paddr)" 0xc0000000
	not_an_image "kernel over devices" 'segment 2' 'devices are there'
	cp "$KERNEL" image
	poke64 image "$(phdr 2 paddr)" 0x401000
	not_an_image "overlapping kernel segments" 'segment' overlaps
	cp "$KERNEL" image
	poke64 image "$(phdr 2 paddr)" 0x8000000
	not_an_image "kernel beyond this memory" 'needs 129 MiB' 'there are 64 MiB'

	check "memory too small for a kernel"
	run_mayfly run -m 4M "$KERNEL"
	refused 126 'needs 5 MiB' 'there are 4 MiB'

	check "kernel takes no arguments: command line too long"
	long=$(head -c 5000 /dev/zero | tr '\0' a)
	run_mayfly run --kernel-args "$long" "$KERNEL"
	refused 125 'kernel command line' 'of them --kernel-args' 'at most'

	check "missing initrd"
	run_mayfly run --initrd ./nothing "$KERNEL"
	refused 125 --initrd ./nothing 'No such file'

	check "initrd is a directory"
	run_mayfly run --initrd adir "$KERNEL"
	refused 125 --initrd adir 'Is a directory'

	check "initrd does not fit"
	dd if=/dev/zero of=big bs=1M seek=80 count=0 2>/dev/null
	run_mayfly run --initrd ./big "$KERNEL"
	refused 126 ./big 'of guest memory' 'there are 64 MiB'
	rm -f big

	check "kernel as a program"
	run_mayfly run --boot program "$KERNEL"
	refused 126 'cannot run as a program'

	check "kernel as Linux"
	run_mayfly run --boot linux "$KERNEL"
	refused 126 'cannot boot as linux'
fi

if guest hello; then
	check "memory too small for a program"
	run_mayfly run -m 1M "$GUEST"
	refused 126 'of guest memory' 'needs' 'there are 1 MiB'

	check "arguments too long"
	# 24 pieces of 100 KB: below the host's own limit
	long=$(head -c 100000 /dev/zero | tr '\0' a)
	run_mayfly run "$GUEST" "$long" "$long" "$long" "$long" "$long" \
		"$long" "$long" "$long" "$long" "$long" "$long" "$long" \
		"$long" "$long"
	if [ "$status" = 126 ] || [ "$status" = 125 ]; then
		expect_err_has 'arguments and environment'
	else
		expect_status 0
	fi

	check "program as PVH kernel"
	run_mayfly run --boot pvh "$GUEST"
	refused 126 'no PVH note'
fi

check "dynamic executable"
dynamic=
for f in /bin/true /bin/ls /usr/bin/env /bin/sh; do
	# the interpreter's name comes soon after the headers
	if head -c 2048 "$f" 2>/dev/null | grep -aq /ld-linux; then
		dynamic=$f
		break
	fi
done
if [ -n "$dynamic" ]; then
	run_mayfly run "$dynamic"
	refused 126 "$dynamic" 'dynamically linked' ld-linux '-static'
elif guest hello; then
	# no dynamic program here: make one, its interpreter the ELF header
	cp "$GUEST" image
	poke image 64 '\003\000\000\000'
	run_mayfly run ./image
	refused 126 ./image 'dynamically linked' '-static'
fi

# --- KVM ----------------------------------------------------------------------

# Both in a mount namespace of their own, so that nobody else notices.
private()
{
	command -v unshare >/dev/null && unshare -m true 2>/dev/null
}

check "no /dev/kvm"
if private; then
	status=0
	mkdir -p emptydev
	# shellcheck disable=SC2016 # expands inside
	unshare -m sh -c 'mount --bind emptydev /dev && exec "$@"' sh \
		"$MAYFLY" run "$KERNEL" >"$OUT" 2>"$ERR" </dev/null || status=$?
	refused 125 /dev/kvm 'No such file'
else
	skip "no private mount namespace"
fi

check "/dev/kvm is something else"
if private; then
	status=0
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh \
		"$MAYFLY" run "$KERNEL" >"$OUT" 2>"$ERR" </dev/null || status=$?
	refused 125 /dev/kvm
else
	skip "no private mount namespace"
fi

check "/dev/kvm not permitted"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
	setpriv --help 2>&1 | grep -q reuid; then
	cp "$MAYFLY" mayfly.copy && chmod 755 mayfly.copy
	cp "$KERNEL" image && chmod 644 image
	chmod 711 . .. ../.. 2>/dev/null
	kvm_mode=$(stat -c %a /dev/kvm)
	case $kvm_mode in
	*[67]) skip "everybody may use /dev/kvm here" ;;
	*)
		status=0
		setpriv --reuid=65534 --regid=65534 --clear-groups \
			./mayfly.copy run ./image </dev/null >"$OUT" \
			2>"$ERR" || status=$?
		refused 125 /dev/kvm 'Permission denied'
		;;
	esac
	rm -f mayfly.copy
else
	skip "no way to give up root's rights"
fi

# --- the host's limits -----------------------------------------------------------

# limited OPTION N ARG...: `mayfly ARG...` under ulimit OPTION N
limited()
{
	limit=$1
	n=$2
	shift 2
	status=0
	(
		ulimit "$limit" "$n" && exec "$MAYFLY" "$@"
	) </dev/null >"$OUT" 2>"$ERR" || status=$?
}

check "no address space for the guest's memory"
limited -v 200000 run -m 8G "$KERNEL"
refused 125 'guest memory' 'Cannot allocate memory'

for n in 4 5 6 7 8 9; do
	check "$n open files"
	limited -n $n run "$KERNEL"
	case $status in
	0) ;;
	125 | 126)
		expect_err_has 'Too many open files'
		one_line
		;;
	*) fail "exit status $status" ;;
	esac
done

# --- the command line -------------------------------------------------------------

# bad_option OPTION VALUE TEXT...
bad_option()
{
	opt=$1
	value=$2
	shift 2
	check "$opt '$value'"
	run_mayfly run "$opt" "$value" "$KERNEL"
	expect_status 125
	[ -n "${opt#--?}" ] || fail "no option"
	expect_err_has "$opt"
	expect_err_has "'$value'"
	for text; do
		expect_err_has "$text"
	done
	expect_err_has 'mayfly run --help'
	[ ! -s "$OUT" ] || fail "something on stdout"
}

size='a size is digits and K, M, G or T'
for v in '' x 64X 64MB -1 +5 ' 5' 0x10 1.5G 64M64; do
	bad_option -m "$v" "$size"
done
for v in 0 1 1023K 2T 99999999999999999999 18446744073709551615T; do
	bad_option -m "$v" 1024K 1024G
done
bad_option --memory lots "$size"
for v in '' 0 33 -1 1x two 4294967297; do
	bad_option -c "$v" '1 to 32'
done
bad_option --cpus many '1 to 32'
for v in '' tty file: unix: file stdio:; do
	bad_option --console "$v" 'stdio, none, file:PATH or unix:PATH'
done
for v in '' 0 -1 x 5x 1..5 1. .5 0ms 999999h 1e3; do
	bad_option --timeout "$v" 'a time above 0'
done
for v in '' elf PVH auto,pvh; do
	bad_option --boot "$v" 'auto, pvh, linux or program'
done
bad_option --loop epoll 'auto, uring or poll'
bad_option --env NAME NAME=VALUE
bad_option --env =x NAME=VALUE

check "--legacy 'serial,floppy'"
run_mayfly run --legacy serial,floppy "$KERNEL"
expect_status 125
expect_err_has --legacy
expect_err_has "'floppy'"
expect_err_has 'serial, pit, rtc or i8042'

# bad_command NAME TEXT ARG...
bad_command()
{
	check "$1"
	text=$2
	shift 2
	run_mayfly "$@"
	expect_status 125
	expect_err_has "$text"
	[ ! -s "$OUT" ] || fail "something on stdout"
}

bad_command "unknown option" --frobnicate run --frobnicate "$KERNEL"
bad_command "unknown short option" -Z run -Z "$KERNEL"
bad_command "flag with a value" --trace run --trace=yes "$KERNEL"
bad_command "option without its value" 'needs a value' run -m
bad_command "long option without its value" 'needs a value' run --timeout
bad_command "no IMAGE" 'no IMAGE' run
bad_command "options but no IMAGE" 'no IMAGE' run -m 64M
bad_command "unknown command" "'fly' is not a command" fly
bad_command "no command" usage:
bad_command "unknown help" "'fly' is not a command" help fly

check "exit record cannot be written"
run_mayfly run --exit-record ./nowhere/record "$KERNEL"
refused 125 --exit-record ./nowhere/record 'No such file'

check "console file cannot be written"
run_mayfly run --console file:./nowhere/console "$KERNEL"
refused 125 --console ./nowhere/console 'No such file'

check "console socket cannot be made"
run_mayfly run --console unix:./nowhere/socket "$KERNEL"
refused 125 --console ./nowhere/socket 'No such file'

check "console socket's path too long"
long=$(head -c 200 /dev/zero | tr '\0' a)
run_mayfly run --console "unix:$long" "$KERNEL"
expect_status 125
expect_err_has 'at most 107'

# --- given, but of no use ---------------------------------------------------------

check "arguments for a kernel"
run_mayfly run "$KERNEL" one
refused 125 "'one'" 'is a kernel' '--kernel-args'

check "environment for a kernel"
run_mayfly run --env A=b "$KERNEL"
refused 125 '--env' 'is a kernel'

check "initrd for a program"
run_mayfly run --initrd "$KERNEL" "$GUESTS/examples/hello"
refused 125 '--initrd' 'is a program'

# --- help -------------------------------------------------------------------------

check "run --help"
run_mayfly run --help
expect_status 0
expect_err_empty
for word in --memory --cpus --kernel-args --initrd --env --console --timeout \
	--boot --legacy --loop --trace --exit-record 'exit status:' 124 125 126; do
	expect_out_has "$word"
done

check "help run"
run_mayfly help run
expect_status 0
expect_out_has --memory

check "help"
run_mayfly --help
expect_status 0
expect_out_has 'usage: mayfly COMMAND'
