// function.js: a function in JavaScript: an event in JSON on standard input,
// its answer on standard output. With QuickJS, statically linked:
//
//   echo '{"words": ["one", "two", "two"]}' |
//           mayfly run --rootfs examples/js ./qjs --std /function.js
//
// SPDX-License-Identifier: Apache-2.0

function handle(event) {
	const counts = {};

	for (const word of event.words)
		counts[word] = (counts[word] || 0) + 1;
	return { words: event.words.length, counts: counts };
}

let status = 0;
try {
	const event = JSON.parse(std.in.readAsString());
	std.out.puts(JSON.stringify(handle(event)) + "\n");
} catch (e) {
	std.err.puts(String(e) + "\n");
	status = 1;
}
std.exit(status);
