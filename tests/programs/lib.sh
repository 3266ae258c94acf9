# lib.sh: what the tests of programs are written with, beside integ's lib.sh.
# The oracle is the same binary run by the Linux this runs on.
#
#   check "awk"
#   given 'a b\nc d\n'              input, and no root, options or environment
#   RUN="-m 256M --env A=b"         options of mayfly run
#   same "$PROGRAMS/bin/busybox" awk '{ print $2 }'
#
# Given by run.sh: PROGRAMS, the folder that setup.sh made; SCALE, how much of
# the work to do in per cent.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2153 # variables cross files
. "$LIB"

SCALE=${SCALE:-100}
INPUT=$PWD/input
: >"$INPUT"

# scaled N: that much of N, at least 1
scaled()
{
	t_n=$(($1 * SCALE / 100))
	[ "$t_n" -gt 0 ] || t_n=1
	echo "$t_n"
}

given()
{
	# shellcheck disable=SC2059 # a format, for its escapes
	printf "${1-}" >"$INPUT"
	RUN=
	ROOT=
	ENV=
}

# need NAME: the program $PROGRAMS/bin/NAME is there, PROGRAM is its path
need()
{
	PROGRAM=$PROGRAMS/bin/$1
	[ -x "$PROGRAM" ] || fail "no $PROGRAM, see tests/programs/setup.sh"
	[ -x "$PROGRAM" ]
}

# same PROGRAM ARG...: host and guest print the same on both outputs and end
# the same way. With ROOT, a folder, that is the guest's root, and the folder
# in which the host's run happens (a copy).
same()
{
	rm -rf host.dir
	mkdir host.dir
	t_root=
	if [ -n "$ROOT" ]; then
		cp -a "$ROOT/." host.dir/
		t_root="--rootfs $ROOT"
	fi
	t_env=
	for t_v in $ENV; do
		t_env="$t_env --env $t_v"
	done
	t_status=0
	# A shell that says what killed the program says it elsewhere.
	(
		cd host.dir || exit 99
		# shellcheck disable=SC2086 # words
		env -i $ENV timeout -s KILL "$RUN_LIMIT" "$@" \
			<"$INPUT" >../host.out 2>../host.err
		exit $?
	) 2>/dev/null || t_status=$?
	# Killed by the limit, the host says nothing about what is right; of
	# the programs only ends.c kills itself.
	if [ "$t_status" = 137 ] && [ "${1##*/}" != ends ]; then
		fail "the host's run took longer than $RUN_LIMIT s"
	fi
	# What is the root in the guest is a folder here.
	sed -i "s|$PWD/host.dir||g" host.out host.err
	# shellcheck disable=SC2086 # words
	run_mayfly_in "$INPUT" run $RUN $t_root $t_env "$@"
	[ "$status" = "$t_status" ] ||
		fail "exit status $status, the host's $t_status"
	cmp -s "$OUT" host.out || {
		diff host.out "$OUT" | head -n 20 | sed 's/^/# diff: /'
		fail "other output than on the host"
	}
	# A signal's report is the kit's own.
	[ "$status" -gt 128 ] || cmp -s "$ERR" host.err || {
		diff host.err "$ERR" | head -n 20 | sed 's/^/# diff: /'
		fail "other errors than on the host"
	}
	rm -rf host.dir
}
