#!/bin/sh
# Damaged and old stores: what is bad is named and put aside, the rest goes on.
. "$(dirname "$0")/sys.sh"

GOLDEN=$(dirname "$SELF")/../golden
# What one instance leaves for the next.
KEEP=${KEEP:-$TMP}
export KEEP

# edit PYTHON: with `db`, the closed instance's store
edit() {
    python3 - "$TMP/state/store.sqlite" "$1" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
def flip(table, row, column="data"):
    data = bytearray(db.execute(f"select {column} from {table} where rowid=?", (row,)).fetchone()[0])
    data[len(data) // 2] ^= 1
    db.execute(f"update {table} set {column}=? where rowid=?", (bytes(data), row))
def first(where):
    return db.execute(f"select id from blob where {where} order by id").fetchone()[0]
exec(sys.argv[2])
db.commit()
P
}

# At its end the broker is killed: what was committed last is in the log only, and nobody
# hears of this script's exit code.
fill() {
    flux run true
    flux run true
    flux kvs put a.b=1 c=2
    seq 1 300 | sed 's/.*/many.k&=&/' | xargs flux kvs put
    head -c 100000 /dev/urandom | flux kvs put --raw big=-
    flux kvs sync
    prints 'all is sound' 'fsck of a sound instance' flux fsck
    prints '' 'fsck -q' flux fsck -q
    says 'takes no arguments' 'an argument is refused' flux fsck x
    flux kvs put late.one=1
    flux kvs put late.two=2
    [ "$failures" -gt 0 ] || touch "$KEEP/filled"
    kill -9 "$(flux getattr broker.pid)"
}

log_record() {
    prints 2 'the record behind a bad one counts' flux kvs get late.two
    prints 1 'so does the checkpoint before it' flux kvs get a.b
    says 'No such file' 'the bad one does not' flux kvs get late.one
    says 'kvs log record [0-9]+: its checksum is wrong: it is put aside' 'and it is told' flux dmesg
    says '^put aside before: kvs log record [0-9]+: its checksum is wrong' 'it is kept' flux fsck -v
}

rows() {
    says '^job 1: its record cannot be read' 'a bad job is named' flux fsck
    says 'big \(sha256-[0-9a-f]{64}\): it is damaged' 'a bad value is named' flux fsck
    says 'many \(sha256-[0-9a-f]{64}\): it is damaged' 'and a bad folder' flux fsck
    says 'big: ' 'reading it fails' flux kvs get --raw big
    prints 2 'other keys are read' flux kvs get c
    prints 2 'and written' sh -c 'flux kvs put d=2; flux kvs get d'
    says 'sha256-[0-9a-f]+: .*damaged|cannot be read' 'no dump is made of it' flux dump -q x.tar
    succeeds 'unless one says so' flux dump -q --ignore-failed-read x.tar
    says 'cannot be read, .*flux fsck --repair' 'no garbage is collected' flux gc
    says '^many: taken out' 'fsck --repair' flux fsck --repair
    says '^1 errors' 'leaves the job' flux fsck
    prints 252 'what could be read is kept' sh -c 'flux kvs dir lost+found.many | grep -c .'
    prints '' 'each with its value' sh -c 'flux kvs dir lost+found.many | grep -v "\.k\([0-9]*\) = \1\$"'
    prints CD 'the other job is there' flux jobs -n -a -o '{status_abbrev}' 2
    succeeds 'and new ones run' flux run true
}

old() {
    prints 4 'format 2: the log is replayed over the checkpoint' flux kvs get a.b.c
    prints a.b 'links' flux kvs readlink link
    prints 2 'links into other namespaces' flux kvs get far.y
    prints 1 'a namespace of the log' flux kvs get -N young z
    prints 299 'a large folder' sh -c 'flux kvs dir many | grep -c .'
    prints 80000 'a large value' sh -c 'flux kvs get --raw large | wc -c'
    says '^empty' 'an empty folder' flux kvs ls -1
    prints 'all is sound' 'all of it' sh -c 'flux fsck 2>&1'
    prints CD 'and its job' flux jobs -n -a -o '{status_abbrev}' 1
    succeeds 'it goes on' flux run true
}

refused() {
    says "$1" "$2" flux start --statedir="$TMP/state" true
}

case ${FLUX_TEST_INSIDE:-} in
'')
    FLUX_TEST_INSIDE=fill flux start --statedir="$TMP/state" sh "$SELF" "$BUILD"
    succeeds 'all was well before' test -e filled
    edit 'flip("log", db.execute("select max(seq)-1 from log").fetchone()[0], "rec")'
    inside log_record --statedir="$TMP/state"
    edit 'db.execute("update job set rec=? where id=1", ("{",))
flip("blob", first("length(data)>20000"))
flip("blob", db.execute("select id from blob where length(data) between 500 and 600 order by id").fetchone()[0])'
    inside rows --statedir="$TMP/state"
    prints 1 'offline: the job' sh -c 'flux fsck -q --statedir=state; echo $?'
    says 'No such file' 'a statedir that is not there' flux fsck --statedir=nosuch
    edit 'db.execute("pragma user_version=99")'
    refused 'format 99, written by a newer version' 'a newer format'
    truncate -s 10000 state/store.sqlite
    rm -f state/store.sqlite-wal state/store.sqlite-shm
    refused 'store.sqlite.* is damaged' 'a truncated file'
    says 'cannot be (opened|read)' 'fsck of it' flux fsck --statedir=state
    prints ok 'recovery starts all the same' flux start --recovery=state echo ok
    echo 'this is no database, this is a text' >state/store.sqlite
    refused 'store.sqlite is damaged' 'another file'
    prints ok 'recovery of that' flux start --recovery=state echo ok
    rm -rf state && mkdir state && cp "$GOLDEN/store-2-kvs.sqlite" state/store.sqlite
    inside old --statedir="$TMP/state"
    done_testing
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
