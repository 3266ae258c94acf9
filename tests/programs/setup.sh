#!/bin/sh
# setup.sh [DIR]: obtains the programs that nobody here wrote, for the tests in
# this folder and for bench/guest.sh: Debian's packages, and what is built from
# Debian's sources or from the small sources in src/ with Debian's compilers and
# libraries. Everything ends up in DIR (default build/programs); what is there
# and not older than its sources stays. Sources come over apt with lists of
# their own, /etc is not touched.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
src=tests/programs/src
out=${1:-build/programs}
mkdir -p "$out/bin" "$out/sources"
out=$(cd "$out" && pwd)
log=$out/setup.log
: >"$log"

tests/setup.sh programs

# Debian's sources. QuickJS came to Debian after 12; it is built from the
# source package of the release after it.
apt_sources()
{
	dir=$out/sources
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" \
		"$dir/downloads"
	mirror=http://deb.debian.org/debian
	echo "deb-src $mirror bookworm main" >"$dir/sources.list"
	echo "deb-src $mirror trixie main" >>"$dir/sources.list"
	set -- -q -o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=- -o Dir::State::lists="$dir/lists" \
		-o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root
	apt-get "$@" update
	(cd "$dir/downloads" && apt-get "$@" source --download-only \
		sqlite3/bookworm lua5.4/bookworm quickjs/trixie)
	for p in sqlite3 lua5.4 quickjs; do
		mkdir -p "$dir/$p"
		tar -xf "$dir/downloads/$p"_*.orig.tar.[gx]z -C "$dir/$p" \
			--strip-components=1
	done
	rm -rf "$dir/lists" "$dir/cache" "$dir/downloads"
}

if [ ! -f "$out/sources/done" ]; then
	echo "programs: fetching sources"
	apt_sources >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		echo "programs: apt-get source failed, see $log" >&2
		exit 1
	}
	touch "$out/sources/done"
fi
sqlite=$out/sources/sqlite3
lua=$out/sources/lua5.4/src
qjs=$out/sources/quickjs

# build NAME SOURCE -- COMMAND...: makes $out/bin/NAME when it is missing or
# older than SOURCE. $out/bin/NAME.new is what the command makes.
build()
{
	to=$out/bin/$1
	from=$2
	shift 3
	[ -f "$from" ] || {
		echo "programs: no $from" >&2
		exit 1
	}
	[ -z "$(find "$to" ! -newer "$from" 2>/dev/null)" ] && [ -f "$to" ] &&
		return 0
	echo "programs: building ${to##*/}"
	"$@" >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		echo "programs: building ${to##*/} failed, see $log" >&2
		exit 1
	}
	mv "$to.new" "$to"
}

cc()
{
	name=$1
	from=$2
	shift 2
	build "$name" "$from" -- gcc -O2 -static -o "$out/bin/$name.new" "$from" "$@"
}

# SQLite's shell is assembled from pieces, as its makefile does: a line
# "INCLUDE file" stands for the file, whose own inclusions are there already.
sqlite_shell()
{
	awk -v dir="$sqlite/src/" '
	function emit(file,   line) {
		while ((getline line < file) > 0)
			if (line !~ /^# *include "(sqlite3|..\/ext)/)
				print line
		close(file)
	}
	/^INCLUDE / { emit(dir $2); next }
	{ print }' "$sqlite/src/shell.c.in" >"$out/sources/shell.c"
	gcc -O2 -static -DSQLITE_OMIT_LOAD_EXTENSION -I"$sqlite/src" \
		-o "$out/bin/sqlite3.new" "$out/sources/shell.c" \
		-lsqlite3 -lm -lz -lpthread
}

quickjs()
{
	make -C "$qjs" -j"$(nproc)" CONFIG_LTO= LDFLAGS=-static \
		CONFIG_WERROR= qjs
	cp "$qjs/qjs" "$out/bin/qjs.new"
}

# $1 the name of a Go program
go_program()
{
	GO111MODULE=off CGO_ENABLED=0 GOCACHE=$out/sources/go-cache \
		GOFLAGS=-trimpath /usr/bin/go build -o "$out/bin/go-$1.new" "$src/$1.go"
}

rust_program()
{
	/usr/bin/rustc -O -C strip=symbols -C target-feature=+crt-static -o "$out/bin/rust-$1.new" \
		"$src/$1.rs"
}

cp -u "$(command -v busybox)" "$out/bin/busybox"
cp -u /bin/bash-static "$out/bin/bash"
cc lua "$lua/lua.c" -I/usr/include/lua5.4 -l:liblua5.4.a -lm
build sqlite3 "$sqlite/src/shell.c.in" -- sqlite_shell
cc speedtest1 "$sqlite/test/speedtest1.c" -lsqlite3 -lm -lpthread
build qjs "$qjs/qjs.c" -- quickjs
cc zstd-trip "$src/zstd-trip.c" -l:libzstd.a
cc xz-trip "$src/xz-trip.c" -l:liblzma.a -lpthread
cc resolve "$src/resolve.c"
build cxx "$src/cxx.cc" -- g++ -std=c++17 -O2 -static -pthread \
	-o "$out/bin/cxx.new" "$src/cxx.cc"
for p in hello pingpong web; do
	build go-$p "$src/$p.go" -- go_program $p
done
for p in hello threads tcp; do
	build rust-$p "$src/$p.rs" -- rust_program $p
done
tests/programs/python-root.sh "$out/python-root"

# Files for busybox to work on, the same every time
tree()
{
	dir=$out/tree
	rm -rf "$dir"
	mkdir -p "$dir/etc" "$dir/tmp" "$dir/data/sub" "$dir/data/empty"
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$dir/etc/passwd"
	printf 'root:x:0:\n' >"$dir/etc/group"
	printf 'one\ntwo\nthree\n' >"$dir/data/a"
	printf 'one\n2\nthree\nfour\n' >"$dir/data/b"
	printf 'some longer text\nwith lines\n' >"$dir/data/sub/c"
	ln -s a "$dir/data/link"
	seq -f 'line %g of a file that compresses' 200 >"$dir/data/long"
	gzip -n -k "$dir/data/long"
	bzip2 -k "$dir/data/long"
	xz -k "$dir/data/long"
	tar -C "$dir/data" --owner=0 --group=0 --sort=name \
		--mtime=@1600000000 -cf "$dir/data.tar" a b sub
	find "$dir" -exec touch -h -d @1600000000 {} +
	touch "$out/tree.done"
}

[ -n "$(find "$out/tree.done" -newer tests/programs/setup.sh 2>/dev/null)" ] ||
	tree
