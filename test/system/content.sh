#!/bin/sh
# Blobs by their hash: flux content.
. "$(dirname "$0")/sys.sh"

HELLO=sha256-$(printf 'hello\n' | sha256sum | cut -d' ' -f1)
# What one instance leaves for the next.
KEEP=${KEEP:-$TMP}
export KEEP

store() {
    prints "$HELLO" 'a blob is named by its hash' sh -c 'echo hello | flux content store'
    prints hello 'and loaded by it' flux content load "$HELLO"
    prints hello 'on another broker, too' flux exec -r 1 flux content load "$HELLO"
    prints "$HELLO" 'again, it is the same' \
        flux exec -r 1 sh -c 'echo hello | flux content store --bypass-cache'
    prints "sha256-$(printf '' | sha256sum | cut -d' ' -f1)" 'an empty one' \
        flux content store </dev/null
    head -c 3000000 /dev/urandom >big
    flux content store --chunksize=1000000 <big >"$KEEP/refs"
    prints 3 'a long one is cut' sh -c 'wc -l <"$KEEP/refs"'
    flux content load <"$KEEP/refs" >again
    succeeds 'and put together' cmp big again
    flux content load "$(head -n1 "$KEEP/refs")" >again
    succeeds 'the first piece is the beginning' cmp -n 1000000 big again
    succeeds 'flush' flux content flush
    succeeds 'dropcache' flux content dropcache
    flux kvs put long="$(printf '%0500d' 7)"
    ref=$(flux kvs get --treeobj long | grep -o 'sha256-[0-9a-f]*')
    prints "$(printf '%0500d' 7)" 'values of the KVS are blobs' flux content load "$ref"
    flux kvs put --treeobj kept="{\"ver\":1,\"type\":\"valref\",\"data\":[\"$HELLO\"]}"
    prints hello 'and blobs become values' flux kvs get kept
    done_testing
}

# root: of the primary namespace, as the store has it
root() {
    flux content checkpoint list | awk '$4 == "primary" { print $3 }'
}

checkpoint() {
    flux kvs put a=1 dir.b=2
    flux kvs namespace create other
    flux kvs put -N other --sync x=1
    flux kvs put --sync c=3
    version=$(flux kvs version)
    says "^$version +20[0-9-]*T[0-9:]*Z +$(flux kvs getroot --blobref) primary" \
        'the root in the store is that of the last checkpoint' flux content checkpoint list
    says '^1 .* other' 'other namespaces have one, too' flux content checkpoint list
    says '"value":\[\{"version":1,"rootref":"sha256-' 'as the service answers' \
        flux content checkpoint list --json
    old=$(root)
    flux kvs put --sync a=5 d=4
    succeeds 'another root can be put there' flux content checkpoint update "$old"
    prints 1 'then all is as it was' flux kvs get a
    says 'No such file' 'and only that' flux kvs get d
    prints "$old" 'in the store, too' root
    prints $((version + 2)) 'which is a commit' flux kvs version
    says 'is no reference' 'what is none' flux content checkpoint update x
    exits 1 'a blob that is not there' \
        flux content checkpoint update "sha256-$(printf '%064d' 0)"
    ref=$(echo hello | flux content store)
    exits 1 'one that is no directory' flux content checkpoint update "$ref"
    prints 1 'change nothing' flux kvs get a
    done_testing
}

refuse() {
    other=sha256-$(printf 'other' | sha256sum | cut -d' ' -f1)
    exits 1 'what is not there' flux content load "$other"
    says 'there is no such blob' 'is said so' flux content load "$other"
    for ref in x sha1-f572d396fae9206628714fb2ce00f72e94f2258f "${HELLO}0" sha256- \
        sha256-"$(printf '%064d' 0 | tr 0 z)"; do
        says 'no reference' "$ref" flux content load "$ref"
    done
    head -c 34000000 /dev/zero >huge
    says 'at most 33554432 bytes' 'a blob that is too long' sh -c 'flux content store <huge'
    says 'chunksize' 'a bad size' sh -c 'flux content store --chunksize=0 <huge'
    done_testing
}

collect() {
    flux content load <"$KEEP/refs" >again
    prints 3000000 'blobs are there after a restart' sh -c 'wc -c <again'
    flux gc >/dev/null
    says 'no such blob' 'nothing keeps them from being collected' \
        flux content load "$(head -n1 "$KEEP/refs")"
    prints hello 'but for those that a key leads to' flux content load "$HELLO"
    done_testing
}

if [ -n "${FLUX_TEST_INSIDE:-}" ]; then
    "$FLUX_TEST_INSIDE"
fi
inside store -s2 --statedir="$TMP/state"
inside checkpoint --statedir="$TMP/state2"
inside refuse
inside collect --statedir="$TMP/state"
exit $((failures > 0))
