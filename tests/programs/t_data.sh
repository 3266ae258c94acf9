#!/bin/sh
# SQLite, zstd and xz: much data through one process.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2016 # lib.sh reads them; words for awk and sh
. "${0%/*}/lib.sh"
RUN_LIMIT=${PROGRAM_LIMIT:-120}
MIB=$(scaled 100)

# The lines of the speed test end with a time.
speed()
{
	sed 's/ *[0-9]*\.[0-9]*s$//'
}

# sql DATABASE [SQL]: the shell with $SQL or this on its input
sql()
{
	ENV=HOME=/
	echo "${2-$SQL}" >"$INPUT"
	same "$PROGRAM" "$1"
}

if need zstd-trip; then
	check "zstd: $MIB MiB and back"
	given
	RUN="-m 1G"
	same "$PROGRAM" "$MIB"
fi
if need xz-trip; then
	check "xz: $MIB MiB and back"
	given
	RUN="-m 1G"
	same "$PROGRAM" "$MIB"
fi

SQL='
create table t(id integer primary key, name text, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000)
	insert into t select i, hex(i * 7919), i / 3.0 from c;
create index by_name on t(name);
begin; update t set n = n + 1 where id % 7 = 0; rollback;
begin; update t set n = n + 1 where id % 7 = 0; commit;
select count(*), sum(n), min(name), max(name) from t;
select name, n from t where name glob "37*" order by n desc limit 5;
delete from t where id > 15000; vacuum;
select count(*) from t; pragma integrity_check; pragma page_count;
select json_extract(json_object("a", json_array(1, 2)), "$.a[1]");
select printf("%.3f", sqrt(2)), upper("abc"), date(0, "unixepoch");
select * from nowhere;
'
if need sqlite3; then
	check "sqlite: in memory"
	given
	sql :memory:
	check "sqlite: a file on the root"
	mkdir -p db/tmp
	given
	ROOT=$PWD/db
	sql test.db
	check "sqlite: write-ahead log"
	given
	ROOT=$PWD/db
	sql wal.db "pragma journal_mode=wal;$SQL
		pragma wal_checkpoint(truncate);"
	check "sqlite: import and export"
	mkdir -p db/in
	i=0
	while [ $i -lt 500 ]; do
		echo "$i,name $i,$((i * i % 97))"
		i=$((i + 1))
	done >db/in/rows.csv
	given
	ROOT=$PWD/db
	sql csv.db "$(printf '%s\n' '.mode csv' '.import in/rows.csv r' \
		'.output out.sql' '.dump' '.output' \
		'select count(*) from r;' '.schema')"
fi

if need speedtest1; then
	check "sqlite: speed test in memory"
	size=$(scaled 20)
	"$PROGRAM" --memdb --size "$size" --verify | speed >host.out
	run_mayfly run -m 512M "$PROGRAM" --memdb --size "$size" --verify
	expect_status 0
	speed <"$OUT" >guest.out
	expect "other lines than on the host" cmp host.out guest.out
	check "sqlite: speed test on the root, verified"
	mkdir -p host.dir
	(cd host.dir && "$PROGRAM" --size "$size" --verify x.db) | speed >host.out
	run_mayfly run -m 512M "$PROGRAM" --size "$size" --verify /tmp/x.db
	expect_status 0
	speed <"$OUT" >guest.out
	expect "other lines than on the host" cmp host.out guest.out
fi
