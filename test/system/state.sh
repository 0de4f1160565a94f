#!/bin/sh
# The state of an instance: what is kept, how much room it takes, and what is said of it.
. "$(dirname "$0")/sys.sh"

# What one instance leaves for the next.
KEEP=${KEEP:-$TMP}
export KEEP

size_of() {
    wc -c <"$(flux getattr statedir)/store.sqlite"
}

fill() {
    flux kvs put old=1
    flux kvs getroot >"$KEEP/pinned.txt"
    flux kvs unlink old
    for i in 1 2 3 4 5 6; do
        head -c 200000 /dev/urandom | flux kvs put --raw "big.k$i=-"
    done
    flux kvs put kept=1
    flux kvs sync
    says ' last checkpoint [0-9T:-]+,  sequence [0-9]+$' 'uptime tells of the checkpoint' flux uptime
    says '^would delete 0 of ' 'nothing can be deleted' flux gc --dry-run
    for i in 2 3 4 5 6; do flux kvs unlink "big.k$i"; done
    flux kvs get --raw big.k1 >"$KEEP/k1.bin"
    says '^deleted 0 of ' 'versions that may be asked for are kept' flux gc
}

collect() {
    before=$(size_of)
    says '^would delete [1-9][0-9]* of [0-9]+ objects, 9[0-9]+ KiB$' 'there is something to delete' flux gc -n
    says '^deleted [1-9][0-9]* of .*; the file had 1\.[0-9]+ MiB, has ' 'gc' flux gc
    prints '' 'gc --quiet' flux gc --quiet
    succeeds 'the file shrinks' wait_for 20 smaller "$before"
    flux kvs get --raw big.k1 >k1.again
    succeeds 'what is left is whole' cmp "$KEEP/k1.bin" k1.again
    prints 1 'and all of it' flux kvs get kept
    prints 'big job kept resource' 'with its folders' sh -c 'echo $(flux kvs ls .)'
    prints '' 'and nothing else' flux kvs ls big.k2
    prints 1 'and a snapshot that getroot has told' flux kvs get --at "$(cat "$KEEP/pinned.txt")" old
    says 'takes no arguments' 'an argument is refused' flux gc x
}

smaller() {
    [ "$(size_of)" -lt $(($1 / 2)) ]
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside fill --statedir="$TMP/state"
    # A day later nobody holds the old roots any more.
    inside collect --statedir="$TMP/state"
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
