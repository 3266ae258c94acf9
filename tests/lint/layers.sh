#!/bin/sh
# layers.sh FILE...: who may include whom. Prints file:line for each include
# that goes up or sideways, uses "../", names a private header of another
# folder, or brings in a system header that has a home of its own.
# SPDX-License-Identifier: Apache-2.0
set -eu

exec awk '
BEGIN {
	# folder: the folders it may include, itself apart
	may["monitor/base"] = ""
	may["monitor/mem"] = "monitor/base"
	may["monitor/loop"] = "monitor/base"
	may["jail"] = "monitor/base"
	may["snapshot"] = "monitor/base monitor/mem"
	may["virtio"] = "monitor/base monitor/mem monitor/loop snapshot"
	may["monitor/kvm"] = "monitor/base monitor/mem snapshot"
	may["monitor/rootfs"] = "monitor/base guest-kit/include/abi"
	may["monitor/boot"] = "monitor/base monitor/mem monitor/rootfs " \
		"guest-kit/include/abi"
	may["monitor/debug"] = "monitor/base monitor/mem monitor/loop " \
		"guest-kit/include/abi"
	may["monitor/net"] = "monitor/base monitor/loop virtio " \
		"guest-kit/include/abi"
	may["monitor/vmm"] = "monitor/base monitor/mem monitor/loop jail " \
		"snapshot virtio monitor/kvm monitor/boot monitor/net " \
		"monitor/debug guest-kit/include/abi"
	may["monitor/api"] = "monitor/base monitor/loop monitor/vmm"
	may["monitor/cli"] = "monitor/base monitor/loop monitor/rootfs " \
		"monitor/boot monitor/net monitor/vmm monitor/api jail"
	may["monitor/include"] = ""
	may["guest-kit"] = ""
	may["examples"] = "monitor/include"
	may["bench"] = "monitor/include"
	# Guest programs see the ABI headers, unit tests see everything.
	may["tests/guests"] = "guest-kit/include/abi"

	# Of the snapshot folder the devices see only these units.
	snapshot_units = "part field reader writer"

	# A system header and the one folder that may include it
	home["linux/kvm.h"] = "monitor/kvm"
	home["liburing.h"] = "monitor/loop"
	home["seccomp.h"] = "jail"
	home["sys/capability.h"] = "jail"
	home["http_parser.h"] = "monitor/api"
}

function has(list, word)
{
	return index(" " list " ", " " word " ") > 0
}

function bad(why)
{
	print FILENAME ":" FNR ": " why
}

# The folder whose row of the table applies to a path
function folder_of(path, part, n)
{
	n = split(path, part, "/")
	if (part[1] == "monitor")
		return part[1] "/" part[2]
	if (path ~ /^guest-kit\/include\/abi\//)
		return "guest-kit/include/abi"
	if (path ~ /^(bench\/guest|examples\/kit)\//) # linked with the kit
		return "guest-kit"
	if (path ~ /^tests\/guests\//)
		return "tests/guests"
	if (path ~ /^examples\/kit\//)
		return "guest-kit" # linked with it
	return n > 1 ? part[1] : "."
}

# An include as written -> a path from the top of the tree
function resolve(inc, first)
{
	if (inc !~ /\//) # a bare name: this folder
		return from "/" inc
	first = inc
	sub(/\/.*/, "", first)
	if (has("base mem loop rootfs kvm boot net debug vmm api cli include", first))
		return "monitor/" inc
	if (first == "abi")
		return "guest-kit/include/" inc
	return inc
}

FNR == 1 {
	from = folder_of(FILENAME)
	known = from in may
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	inc = $0
	sub(/^[^<]*</, "", inc)
	sub(/>.*/, "", inc)
	if (inc in home && home[inc] != from && from !~ /^tests|^bench/)
		bad("<" inc "> belongs to " home[inc] "/ alone")
	next
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	inc = $0
	sub(/^[^"]*"/, "", inc)
	sub(/".*/, "", inc)
	if (inc ~ /\.\.\//) {
		bad("\"" inc "\": name the layer instead of ../")
		next
	}
	if (from == "guest-kit" || from == "guest-kit/include/abi") {
		# Its own include paths: anything of ours must not appear.
		if (inc ~ /^(monitor|base|mem|loop|kvm|boot\/boot|vmm|api\/|cli|virtio|jail|snapshot)\//)
			bad("\"" inc "\": the kit includes only itself")
		next
	}
	path = resolve(inc)
	to = folder_of(path)
	if (to == "." && from !~ /^tests/) {
		bad("\"" inc "\": name the layer")
		next
	}
	if (inc ~ /_priv\.h$/ && to != from && from !~ /^tests/)
		bad("\"" inc "\" is private to " to "/")
	if (!known || to == from)
		next
	if (!has(may[from], to)) {
		bad(from "/ must not include " to "/ (\"" inc "\")")
		next
	}
	if (to == "snapshot" && from ~ /^(virtio|monitor\/kvm)$/) {
		unit = inc
		gsub(/.*\/|\.h$/, "", unit)
		if (!has(snapshot_units, unit))
			bad("of snapshot/ only part, field, reader and writer (\"" inc "\")")
	}
}
' "$@"
