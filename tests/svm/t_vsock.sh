#!/bin/sh
# AF_VSOCK of a stock Linux, by socat: streams and records, both ways, byte by
# byte, one end closed before the other; then the features in use.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guests expand
. "$LIB"
. "$LINUX/linux_lib.sh"

export INITRD="$LINUX/initrd-vsock" RUN_LIMIT=200
HELP=$GUESTS/tests/integ/helpers/vsock
SOCK=$PWD/s

# In every guest: its modules, 3 MiB in /tmp/a, and the features in use.
guest_lib='for m in vsock vmw_vsock_virtio_transport_common \
vmw_vsock_virtio_transport; do insmod /lib/$m.ko; done
dd if=/dev/urandom of=/tmp/a bs=64k count=48 2>/dev/null
bits() { awk "{ for (i = 1; i <= length(\$1); i++)
if (substr(\$1, i, 1) == 1) printf \" %d\", i - 1; print \" .\" }" \
/sys/bus/virtio/drivers/vmw_vsock_virtio_transport/virtio*/features; }
bad() { echo bad=$(dmesg | grep -ciE "BUG:|WARNING: CPU|call trace"); }
'

# serve PORT HELPER-WORD...: a server of the host; no child of this shell, which
# waits for all it has
serve()
{
	s_port=$1
	shift
	(
		"$HELP" serve "${SOCK}_$s_port" "$@" &
		echo $! >>servers
	)
}

stop_servers()
{
	xargs kill <servers
	rm -f servers "${SOCK}_"*
}

check "guest to host"
serve 9 stream
serve 19 seq
linux bzImage quiet "$guest_lib"'
socat -t 60 - VSOCK-CONNECT:2:9 </tmp/a >/tmp/b && cmp /tmp/a /tmp/b && echo same stream
socat -b 30000 -t 60 - VSOCK-CONNECT:2:19,type=5 </tmp/a >/tmp/b && cmp /tmp/a /tmp/b && echo same records
socat -u /tmp/a VSOCK-CONNECT:2:10 || echo refused
i=0; while [ $i -lt 20 ]; do echo $i | socat -t 9 - VSOCK-CONNECT:2:9; i=$((i + 1)); done | tr -d "\n"
echo; echo bits=$(bits); bad; poweroff -f' -c 2 --vsock "cid=77,path=$SOCK"
stop_servers
expect_status 0
expect_out_has 'same stream'
expect_out_has 'same records'
expect_out_has 'refused'
expect_out_has '012345678910111213141516171819'
expect_out_has 'bits= 1 28 29 32 .' # this kernel knows no bit 0
expect_err_empty
expect_out_has 'bad=0'

# Bytes there and back, the client's end first; then a connection to port 8
# tells the guest that this was all.
clients()
{
	n=0
	until [ -S "$SOCK" ] || [ $n -ge 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	"$HELP" echo "$SOCK" 7 1 3145728
	"$HELP" echo "$SOCK" 7 20 50000
	"$HELP" half "$SOCK" 7 1000000
	"$HELP" say "$SOCK" 'CONNECT 6
'
	"$HELP" say "$SOCK" 'CONNECT 8
'
}

check "host to guest"
clients >said 2>said.err &
linux bzImage quiet "$guest_lib"'
socat VSOCK-LISTEN:7,fork EXEC:cat &
socat -u VSOCK-LISTEN:8 OPEN:/dev/null
bad; poweroff -f' -c 2 --vsock "cid=77,path=$SOCK"
wait
grep -v '^#' said.err
expect_status 0
expect "clients: $(tr '\n' ' ' <said) $(tr '\n' ' ' <said.err)" \
	[ "$(sed 's/OK .*/OK/' said)" = "echoed 3145728 bytes
echoed 1000000 bytes
ok
closed
OK" ]
expect_out_has 'bad=0'
expect "the socket is left" [ ! -e "$SOCK" ]
