#!/bin/sh
# run.sh MAYFLY GUESTS [TEST...]: real programs, and the libc test programs of
# tests/abi, in virtual machines and beside that on the host. PROGRAMS names
# the folder that setup.sh made; by default it is build/programs, and setup.sh
# is run for it. SCALE: how much of the work to do, in per cent.
# SPDX-License-Identifier: Apache-2.0
set -eu
mayfly=${1:?usage: run.sh MAYFLY GUESTS [TEST...]}
guests=${2:?usage: run.sh MAYFLY GUESTS [TEST...]}
shift 2
here=$(dirname "$0")
if [ -z "${PROGRAMS-}" ] && ! "$here/setup.sh"; then
	echo "not ok programs/setup: see above"
	exit 1
fi
PROGRAMS=$(readlink -f "${PROGRAMS:-$here/../../build/programs}")
export PROGRAMS TEST_LIMIT="${TEST_LIMIT:-600}"
[ $# -gt 0 ] || set -- "$here"/t_*.sh
exec "$here/../integ/run.sh" "$mayfly" "$guests" "$@"
