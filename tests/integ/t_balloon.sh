#!/bin/sh
# The balloon and the control socket: memory that leaves the process and comes
# back, statistics, reports, hints, out of memory; words of the options; who
# may connect; drivers that mean harm.
# SPDX-License-Identifier: Apache-2.0
. "$LIB"

guest linked_balloon && KIT=$GUEST
guest bad_balloon && BAD=$GUEST
guest tool && TOOL=$GUEST
. "$(dirname "$LIB")/control_lib.sh"
ALL=stats=1,reporting,hinting,deflate-on-oom

# --- memory goes and comes back --------------------------------------------------

check "inflate to half and back"
start -q -m 96M --balloon $ALL --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears filled; then
	hears "features 2f"
	full=$(resident)
	size_to 24
	hears "actual 6144"
	half=$(resident)
	expect "$full MiB of memory became $half, not some 24 less" \
		[ "$half" -le $((full - 20)) ]
	asks GET /balloon/statistics
	answer_has '"target_pages":6144,"actual_pages":6144'
	asks GET /balloon
	answer_has '"amount_mib":24,'
	size_to 1
	hears "actual 256"
	hears intact
	back=$(resident)
	expect "$half MiB of memory became $back, not some 23 more" \
		[ "$back" -ge $((half + 18)) ]
	echo "# resident MiB: full $full, half $half, back $back"
	expect "the counters know nothing of it" \
		[ "$(counter inflated_bytes_balloon)" -ge 25165824 ]
	expect "the counters know nothing of deflation" \
		[ "$(counter deflated_bytes_balloon)" -ge 24117248 ]
	size_to 4
	finish
	expect_status 0
	expect_err_empty
	expect "the socket is still there" [ ! -e sock ]
fi

check "reports"
start -q -m 96M --balloon reporting --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears filled; then
	full=$(resident)
	size_to 2
	hears reported
	less=$(resident)
	expect "$full MiB of memory became $less, not some 24 less" \
		[ "$less" -le $((full - 20)) ]
	echo "# resident MiB: full $full, reported $less"
	expect "the counters know nothing of it" \
		[ "$(counter reported_bytes_balloon)" = 25165824 ]
	size_to 1
	hears intact
	size_to 4
	finish
	expect_status 0
fi

# at_most MIB: are resident
at_most()
{
	[ "$(resident)" -le "$1" ]
}

check "hints"
start -q -m 96M --balloon hinting --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears filled; then
	hears "features 9"
	full=$(resident)
	asks GET /balloon/hinting/status
	answer_has '{"host_cmd":0,"guest_cmd":null}'
	asks PATCH /balloon/hinting/start '{"acknowledge_on_stop": false}'
	within "the guest did not stop" hinted 2 0
	within "$full MiB of memory did not become some 24 less" \
		at_most $((full - 20))
	echo "# resident MiB: full $full, hinted $(resident)"
	asks PATCH /balloon/hinting/stop
	size_to 1
	hears intact
	asks PATCH /balloon/hinting/start
	within "the run did not end" hinted 1 0
	size_to 4
	finish
	expect_status 0
fi

check "statistics"
start -q -m 96M --balloon stats=1 --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears filled; then
	within "no statistics came" told_memory total_memory
	first=$(number free_memory)
	size_to 24
	hears "actual 6144"
	within "no newer statistics came" fell "$first" 20000000
	echo "# free bytes: $first, then $(number free_memory)"
	asks PATCH /balloon/statistics '{"stats_polling_interval_s": 2}'
	ask PATCH /balloon/statistics '{"stats_polling_interval_s": 0}'
	answer_has 'Statistics cannot be enabled/disabled after activation.'
	size_to 4
	finish
	expect_status 0
fi

check "deflate on out of memory"
start -q -m 96M --balloon deflate-on-oom --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears filled; then
	size_to 3
	hears "relieved 256"
	finish
	expect_status 0
fi

check "no deflation where it is not allowed"
start -q -m 96M --balloon on --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears filled; then
	hears "features 1"
	size_to 3
	hears "relieved 0"
	finish
	expect_status 0
fi

check "a first size"
start -q -m 96M --balloon size=16M --kernel-args mayfly.platform=0xc0000000 "$KIT"
if hears "actual 4096"; then
	size_to 4
	finish
	expect_status 0
fi

# --- the control socket ----------------------------------------------------------

check "what the machine is"
start -q -m 80M -c 2 --timeout 20 "$TOOL" sleep 1000
if within "no socket" ask GET /; then
	answer_has '"state":"Running"'
	asks GET /version
	answer_has firecracker_version
	asks GET /machine-config
	answer_has '"vcpu_count":2,"mem_size_mib":80,'
	asks GET /vm/config
	answer_has "\"kernel_image_path\":\"$TOOL\""
	answer_has '"balloon":null'
	ask GET /balloon
	answer_has 'No balloon device found.'
	ask PUT /actions '{"action_type": "InstanceStart"}'
	answer_has 'not supported after starting the microVM.'
	ask PUT /unknown '{}'
	answer_has 'Invalid request method and/or path: PUT unknown.'
	ask POST /balloon '{}'
	answer_has 'Invalid HTTP Method: POST'
	ask raw 'garbage

'
	answer_has 'HTTP/1.1 400'
	ask raw 'GET /version HTTP/1.1

GET / HTTP/1.1

'
	expect "two requests at once had no two answers" \
		[ "$(grep -c 'HTTP/1.1 200' answer)" = 2 ]
	mode=$(stat -c %a sock)
	expect "the socket's mode is $mode" [ "$mode" = 700 ] || [ "$mode" = 600 ]
	"$MAYFLY" run --control sock "$TOOL" exit 0 >other 2>&1
	expect "a socket in use was taken" grep -q 'control sock:' other
	asks GET /version
	kill -TERM "$monitor"
	finish
	expect "the socket is still there" [ ! -e sock ]
fi

check "what a dead monitor left is replaced"
start -q --timeout 20 "$TOOL" sleep 1000
if within "no socket" ask GET /; then
	kill -KILL "$monitor"
	wait "$monitor" 2>/dev/null
	expect "the socket is gone" [ -S sock ]
	run_mayfly run --control sock "$TOOL" exit 3
	expect_status 3
	expect "the socket is still there" [ ! -e sock ]
fi

check "a file that is no socket is left alone"
echo precious >file
run_mayfly run --control file "$TOOL" exit 0
expect_status 125
expect_err_has '--control file: File exists'
expect "the file is gone" grep -q precious file

check "other users may not connect"
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 true 2>/dev/null; then
	open=/tmp/mayfly-open.$$ # where strangers come by
	mkdir "$open"
	cp "$ASK" "$open/ask"
	chmod 755 "$open" "$open/ask"
	ln -s "$open/sock" sock
	"$MAYFLY" run -q --timeout 20 --control "$open/sock" "$TOOL" \
		sleep 1000 </dev/null >"$OUT" 2>"$ERR" &
	monitor=$!
	if within "no socket" ask GET /; then
		chmod 777 "$open/sock"
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$open/ask" "$open/sock" GET / >answer 2>&1
		expect "a stranger heard $(cat answer)" \
			grep -Eq '^(no answer|write):' answer
		asks GET /
		expect "he was not counted" [ "$(counter refused_clients_api)" = 1 ]
		kill -TERM "$monitor"
		finish
	fi
	rm -rf "$open"
else
	skip "needs root, and a setpriv that changes users"
fi

# --- words -----------------------------------------------------------------------

# refused NAME VALUE TEXT...: status 125, and the texts on standard error
refused()
{
	check "refused: $1"
	run_mayfly run --balloon "$2" "$TOOL" exit 0
	expect_status 125
	shift 2
	for text; do
		expect_err_has "$text"
	done
}

refused "unknown word" inflate "--balloon: 'inflate'" 'allowed is'
refused "empty" '' "''" 'allowed is'
refused "on and more" on,reporting "'on'" 'on alone'
refused "no seconds" stats=0 "stats: '0'" '1 to 65535'
refused "all of memory" size=64M '67108864' 'less than'
refused "no size" size=x "size: 'x'"

check "two balloons"
run_mayfly run --balloon on --balloon on "$TOOL" exit 0
expect_status 125
expect_err_has 'a machine has one balloon'

# --- drivers that mean harm --------------------------------------------------------

for engine in uring poll; do
	check "hostile driver, $engine"
	RUN_LIMIT=90 run_mayfly run -q -c 2 --loop $engine --balloon $ALL "$BAD"
	if [ "$status" = 125 ] && [ $engine = uring ] && grep -q io_uring "$ERR"; then
		skip "no io_uring here"
		continue
	fi
	expect_status 0
	expect_out 'ok a balloon'
done

check "counters name what was refused"
rm -f sock
"$MAYFLY" run -q -c 2 --control sock --balloon $ALL "$BAD" </dev/null \
	>"$OUT" 2>"$ERR" &
monitor=$!
within "no socket" ask GET /
within "no page was refused" above foreign_pages_balloon
within "no hint was refused" above stale_hints_balloon
within "no poison was kept" above poisoned_bytes_balloon
within "no fault was counted" above guest_faults_virtio
finish
expect_status 0

check "a guest that gives its page tables away"
run_mayfly run -q -c 2 --timeout 10 --kernel-args tables --balloon $ALL "$BAD"
expect "exit status $status" [ "$status" = 121 ] || [ "$status" = 122 ] ||
	[ "$status" = 124 ]
