#!/bin/sh
# bash-static, Lua and QuickJS: interpreters that one process is enough for.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"

if need bash; then
	check "bash: arithmetic, arrays, strings"
	given
	same "$PROGRAM" -c '
		declare -A h=([one]=1 [two]=2)
		a=(x "y z" w)
		echo "${a[@]}" "${#a[@]}" "${a[1]}" "${h[two]}"
		s=hello; echo "${s^^}" "${s:1:3}" "${s/l/L}" "${s//l/L}"
		for ((i = 0, n = 1; i < 20; i++)); do ((n *= 2)); done; echo $n
		printf "%s|%5.2f|%q\n" text 3.14159 "a b"
		[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[2]}"
		case $s in h*) echo starts ;; esac
		echo {a..e} {1..10..3}
		f() { local v=$1; (( v > 0 )) && { echo -n "$v "; f $((v - 1)); }; }
		f 10; echo
		exit 42'
	check "bash: input, traps, errors"
	given 'first line\nsecond one\nthird\n'
	same "$PROGRAM" -c '
		trap "echo leaving" EXIT
		trap "echo usr1" USR1
		read -r a b; echo "$b/$a"
		mapfile -t rest; echo "${#rest[@]} ${rest[1]}"
		kill -USR1 $$
		set -u; (( ${#a} == 5 )) && echo five
		printf -v text "%04x" 48879; echo "$text"
		time_is() { printf "%(%Y)T\n" 1234567890; }; TZ=UTC time_is
		unset nothing; echo "${nothing?not there}"'
	check "bash: files"
	given
	mkdir -p shell/tmp
	printf 'three\none\ntwo\n' >shell/words
	ROOT=$PWD/shell
	same "$PROGRAM" -c '
		while read -r w; do echo "<$w>"; done <words
		echo out >tmp/file; echo more >>tmp/file
		exec 5<tmp/file; read -r -u 5 x; read -r -u 5 y; echo "$x $y"
		[[ -f tmp/file && ! -e none ]] && echo tmp/*
		mapfile -t all <words; echo "${#all[*]}"
		cd tmp && echo "$PWD" && pwd -P
		cd none || echo "not there: $?"'
fi

if need lua; then
	check "lua"
	given 'input for lua\nsecond 17\n'
	cat >test.lua <<-'L'
		print(_VERSION, ...)
		local t = {}
		for i = 1, 1000 do t[i] = (i * 7919) % 1009 end
		table.sort(t)
		print(t[1], t[500], t[1000], #t)
		print(string.format("%5.3f %x %q", math.pi, 255, 'a"b'))
		print(("one two three"):gsub("%w+", string.upper))
		print(select(2, pcall(error, {code = 7})).code)
		print(select(2, pcall(function() return nil + 1 end)))
		local co = coroutine.wrap(function(a)
			for i = 1, 3 do a = coroutine.yield(a * 2) end
			return "end"
		end)
		print(co(1), co(2), co(3), co(4))
		print(io.read("l"), io.read("l", "n"))
		local name = os.tmpname()
		local f = assert(io.open(name, "w"))
		for i = 1, 100 do f:write(i, "\n") end
		f:close()
		local n = 0
		for line in io.lines(name) do n = n + line end
		print(n, os.remove(name), io.open(name) == nil)
		print(os.time{year=2020, month=1, day=1, hour=12} > 0, os.date("!%F", 0))
		local function fib(n) return n < 2 and n or fib(n-1) + fib(n-2) end
		print(fib(22))
		local s = {}
		for i = 1, 20000 do s[#s+1] = tostring(i) end
		print(#table.concat(s), collectgarbage("count") > 0)
		print(utf8.char(228, 8364, 128512), utf8.len("äöü"))
		print(require and package.path ~= nil)
		os.exit(7)
	L
	mkdir -p lua/tmp
	cp test.lua lua/
	ROOT=$PWD/lua
	same "$PROGRAM" test.lua one two
	check "lua: an error"
	given
	same "$PROGRAM" -e 'local function f() error("oops") end f()'
	check "lua: no such script"
	given
	same "$PROGRAM" none.lua
fi

if need qjs; then
	mkdir -p js/tmp
	cat >js/test.js <<-'J'
		import * as std from "std";
		import * as os from "os";
		print([3, 1, 2].sort(), JSON.stringify({a: [1, {b: null}], c: "ä"}));
		print([..."a1b22c333".matchAll(/\d+/g)].map(m => m[0]).join());
		class P { #x = 1; get x() { return this.#x; } static of() { return new P(); } }
		print(P.of().x, 2n ** 200n, 0.1 + 0.2, parseInt("z", 36));
		const m = new Map([["k", 1]]); m.set("l", 2); print([...m.keys()]);
		try { null.x } catch (e) { print(e instanceof TypeError) }
		function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
		print(fib(20));
		let a = new Float64Array(1000).map((_, i) => Math.sin(i));
		print(a.reduce((x, y) => x + y).toFixed(9));
		const f = std.open("/tmp/js-file", "w"); f.puts("from js\n"); f.close();
		print(std.loadFile("/tmp/js-file").trim(), os.remove("/tmp/js-file"));
		print(os.readdir("/none")[1] !== 0, std.getenv("NAME"));
		(async () => {
			await new Promise(r => os.setTimeout(r, 5));
			print("after a while");
			std.exit(11);
		})();
	J
	check "javascript"
	given
	ENV="NAME=value"
	ROOT=$PWD/js
	same "$PROGRAM" --std -m test.js
	check "javascript: a thrown error"
	given
	same "$PROGRAM" -e 'function f() { throw new Error("oops") } f()'
fi
