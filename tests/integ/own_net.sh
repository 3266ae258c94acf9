# own_net.sh: sourced first by tests that need taps: runs the script again in
# a network namespace of its own. NET_OWN is "yes" there, or "no" where that is
# not permitted; such checks are skipped.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
HELPERS=$GUESTS/tests/integ/helpers
if [ -z "${NET_OWN-}" ]; then
	export NET_OWN=yes
	"$HELPERS/tap" own true 2>/dev/null || NET_OWN=no
	[ "$NET_OWN" = no ] || exec "$HELPERS/tap" own sh "$0"
fi

# own_tap NAME ADDRESS/LEN [multi]: a tap that is up, the host at the address
own_tap()
{
	# shellcheck disable=SC2086 # nothing, or a word
	"$HELPERS/tap" make "$1" ${3-}
	# the host's own chatter would wake the guest
	echo 1 2>/dev/null >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"
	ip addr add "$2" dev "$1"
	ip link set "$1" up
}
