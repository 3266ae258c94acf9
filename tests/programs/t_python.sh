#!/bin/sh
# Debian's own python3, dynamically linked, from a root directory with its
# libraries and its standard library: python-root.sh.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"
RUN_LIMIT=${PROGRAM_LIMIT:-60}
root=$PROGRAMS/python-root

cat >real.py <<'P'
import hashlib, http.server, io, json, os, re, socket, sqlite3, struct, sys
import threading, time, urllib.request, zlib
from collections import Counter

print(sys.version_info[:2], sys.platform, len(sys.argv))
print(json.dumps(json.loads('{"a": [1, 2.5, null, "\\u00e4"]}'), sort_keys=True))
print(re.sub(r"(\w+)@(\w+)\.org", r"\2 at \1", "ann@example.org"))
print(hashlib.sha256(b"mayfly" * 1000).hexdigest(), hashlib.md5(b"x").hexdigest())
print(zlib.crc32(zlib.decompress(zlib.compress(b"abc" * 10000))))
print(Counter("mississippi").most_common(2), struct.pack("<Iq", 7, -1).hex())

db = sqlite3.connect("/tmp/py.db")
db.execute("create table t(a, b)")
db.executemany("insert into t values(?, ?)", ((i, i * i % 101) for i in range(5000)))
db.commit()
print(db.execute("select count(*), sum(b), max(b) from t where a % 3").fetchone())
db.close()
os.unlink("/tmp/py.db")

lock, total = threading.Lock(), 0
def work():
    global total
    for _ in range(2000):
        with lock:
            total += 1
ts = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in ts]
[t.join() for t in ts]
print(total)

a, b = socket.socketpair()
a.sendall(b"pair")
print(b.recv(10))
a.close(); b.close()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d" % server.server_address[1]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for i in range(5):
    with opener.open(url + "/page/%d" % i) as r:
        print(r.status, r.read().decode())
server.shutdown()

with open("/tmp/f", "w") as f:
    f.write("line\n" * 1000)
print(os.path.getsize("/tmp/f"), sum(1 for _ in open("/tmp/f")))
os.unlink("/tmp/f")
start = time.monotonic()
time.sleep(0.01)
print(time.monotonic() - start >= 0.01)
try:
    open("/no/such/file")
except OSError as e:
    print(e)
print(socket.getaddrinfo("localhost", 80, socket.AF_INET, socket.SOCK_STREAM))
sys.stdout.flush()
sys.exit(23)
P

if [ ! -f "$root/.done" ]; then
	check "python3"
	fail "no $root, see tests/programs/setup.sh"
	exit 0
fi

# The host's python3 is the same one, with the same library. The SVM lane's
# outer machine has only the one in the root directory.
py()
{
	t_status=0
	if [ "$LANE" = svm ]; then
		env -i PYTHONDONTWRITEBYTECODE=1 chroot "$root" \
			/usr/bin/python3 "$@" <"$INPUT" >host.out 2>host.err ||
			t_status=$?
	else
		(cd "$root" && exec env -i PYTHONDONTWRITEBYTECODE=1 \
			/usr/bin/python3 "$@") <"$INPUT" >host.out \
			2>host.err || t_status=$?
	fi
	run_mayfly_in "$INPUT" run -m 512M --rootfs "$ROOT" \
		--env PYTHONDONTWRITEBYTECODE=1 "$root/usr/bin/python3" "$@"
	expect_status "$t_status"
	diff host.out "$OUT" | head -n 20 | sed 's/^/# diff: /'
	expect "other output than on the host" cmp -s host.out "$OUT"
}

check "python3: -c"
given
ROOT=$root
py -S -c 'import sys; print(sum(range(100000)), sys.argv); sys.exit(4)' x

check "python3: the modules of the issue"
given
if [ "$LANE" != svm ]; then # there the copy is ours alone
	cp -a "$root" python-root
	root=$PWD/python-root
fi
cp real.py "$root/"
ROOT=$root
py real.py
