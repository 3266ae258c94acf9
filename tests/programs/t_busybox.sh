#!/bin/sh
# Debian's static busybox: one applet after the other, inputs and outputs
# compared with the host's byte by byte. What needs another process (sh -c with
# a pipe, xargs, find -exec) is not here: there is one process.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"

need busybox || exit 0
BB=$PROGRAM
TEXT='pear 3\napple 1\nfig 22\napple 1\n\nzebra  stripes\n'

# Several checks of one applet are told apart by their number. Where all is
# slow one in four is made.
NUMBER=0
numbered()
{
	NUMBER=$((NUMBER + 1))
	[ "$LANE" != svm ] || [ $((NUMBER % 4)) = 0 ] || return 1
	check "$NUMBER $1"
}

# t APPLET ARG...: the applet with $TEXT on its standard input
t()
{
	numbered "$1" || return 0
	given "$TEXT"
	same "$BB" "$@"
}

t cat
t cat -n
t head -n 2
t head -c 7
t tail -n 2
t tail -n +3
t tac
t rev
t sort
t sort -k 2 -n -r
t sort -u
t uniq -c
t wc
t cut -c 2-4
t cut -d ' ' -f 2
t tr a-z A-Z
t tr -d aeiou
t grep -n a
t grep -c '^apple'
t grep -E -v '(fig|pear) [0-9]+'
t grep nothing-there
t sed 's/a\(.\)/<\1>/g'
t sed -n '2,3p;$='
t awk '{ n[$1] += $2 } END { print n["apple"], n["fig"], length(n) }'
t awk '{ print NR ": " $NF, length($0) }'
t awk 'BEGIN { for (i = 0; i < 5; i++) printf "%d %.3f %s\n", i, sqrt(i), sprintf("%x", i * 16) }'
t fold -w 5
t expand -t 4
t unexpand -a
t nl
t paste - -
t od -c
t od -A x -t x1
t hexdump -C
t xxd
t md5sum
t sha1sum
t sha256sum
t sha512sum
t sha3sum
t cksum
t crc32
t base64
t base32
t uuencode name
t gzip -c
t bzip2 -c
t tee
t cmp - /dev/null
t strings
t seq 3 4 30
t seq 10 -3 -5
t factor 60 97 1000003 18446744073709551557
t expr 7 '*' 6
t expr abcdef : 'abc\(.*\)'
t printf '%s-%5d-%-5s|\n' a 42 b
t echo -e 'a\tb\\n'
t basename /usr/lib/libx.so .so
t dirname /usr/lib/libx.so
t true
t false
t test 3 -lt 4
t test -d /nowhere
t '[' a = b ']'
t cal 9 1752
t date -u -d @1234567890 '+%F %T %j %A'
t bc
t dc
t env
t printenv PATH
t yes-not-an-applet
t sleep 0.01
t usleep 100
t sum
t shuf -i 1-1
t tsort
t ascii
t uname -s -m
t id -u
t tty
t ttysize
t timeout
t sh -c 'x=3; while [ $x -gt 0 ]; do echo $x; x=$((x - 1)); done; case abc in a*) echo yes;; esac; exit 9'
t sh -c 'f() { local a=$1; echo "${a%.*} ${a##*.} ${#a}"; }; f name.txt; printf "%03d\n" 7; IFS=:; for w in a:b; do echo "$w"; done; set -- x y; echo $# $*'
t sh -c 'read a b; echo "$b $a"; while read -r l; do echo "<$l>"; done; trap "echo bye" EXIT; kill -0 $$ && echo alive'

# Files: the same folder is the guest's root and the host's working place
# f APPLET ARG...: an applet among files
f()
{
	numbered "$1" || return 0
	given ''
	ROOT=$PROGRAMS/tree
	same "$BB" "$@"
}

# The guest's working folder is the root.
f cat data/a data/b
f diff data/a data/b
f diff -r data/sub data/empty
f cmp data/a data/b
f comm data/a data/b
f join data/a data/b
f paste data/a data/b
f ls -1 data
f ls -lnR --full-time data/sub data/a data/link
f find data/sub -type f
f find data/sub data/long -type f -size +1k
f du -a data/sub
f stat -c '%n %s %F %a %u' data/a data/sub data/link
f readlink data/link
f readlink -f data/link
f realpath data/sub/../a
f grep -rn three data/a data/b data/sub
f grep -l one data/a data/sub/c
f wc data/a data/long
f head -n 1 data/a data/b
f tail -c 20 data/long
f gunzip -k data/long.gz -f
f gunzip -c data/long.gz
f bunzip2 -c data/long.bz2
f xzcat data/long.xz
f tar -tvf data.tar
f tar -xOf data.tar sub/c
f md5sum data/a data/b data/long.gz
f sha256sum -c /dev/null
f sort -o data/sorted data/long
f cp -r data copy
f mv data/a data/moved
f rm -r data/sub
f mkdir -p x/y/z
f rmdir data/empty
f touch -d 2001-02-03 data/a
f chmod 700 data/a
f ln -s here there
f dd if=data/long of=data/out bs=100 skip=3 count=5
f truncate -s 10 data/a
f split -l 50 data/long data/part-
f sed -i s/one/ONE/ data/a
f install -m 600 data/a data/installed
f tar -cf - data/a
f cpio -t
f unzip -l none.zip
f awk -F: '{ print $1, $3 }' etc/passwd
f sh -c 'cd data && for n in *; do [ -f "$n" ] && echo "$n"; done; echo new >created; read x <created; echo "$x"; cd sub; pwd'
f vi --help
f stat none
f cat none
