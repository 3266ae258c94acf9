#!/bin/sh
# Programs of Go, Rust and C++, of the compilers' own runtimes and libraries.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"
RUN_LIMIT=${PROGRAM_LIMIT:-60}

# p NAME PROGRAM ARG...
p()
{
	check "$1"
	given "${INPUT_TEXT-}"
	RUN="-m 512M"
	ENV="GREETING=hi RUST_BACKTRACE=0"
	shift
	need "$1" || return 0
	shift
	same "$PROGRAM" "$@"
}

p "c++: exceptions and threads" cxx
p "go: hello" go-hello one two
p "go: goroutines" go-pingpong "$(scaled 100000)"
p "go: net/http, server and client" go-web
INPUT_TEXT='some input\n'
p "rust: hello" rust-hello one
p "rust: threads" rust-threads
p "rust: TcpListener" rust-tcp
