#!/bin/sh
# Archives: what flux dump writes is what flux restore brings back, and a damaged one changes
# nothing.
. "$(dirname "$0")/sys.sh"

KEEP=${KEEP:-$TMP}
export KEEP
A=$KEEP/a.tar

# The keys and the jobs, as a user sees them.
show() {
    flux kvs dir -R | grep -aEv '^(resource\.|job\..*guest\.output)'
    flux kvs dir -R -N other
    flux jobs -a -n -o '{id} {state} {name} {result}'
    flux job attach 1
    flux job info 1 jobspec
    flux kvs get --raw big | cksum
}

fill() {
    flux kvs put a.b.c=1 a.d=hello 'we%ird/key=5' 'n.u="\"l"'
    flux kvs link a.b link
    flux kvs mkdir empty.dir
    flux kvs namespace create other
    flux kvs put -N other x.y=2
    flux kvs link --target-namespace=other x far
    head -c 700000 /dev/urandom | flux kvs put --raw big=-
    seq 1 2500 | sed 's/.*/many.k&=&/' | xargs flux kvs put
    prints out 'a job' flux run echo out
    flux queue stop >stopped.txt
    flux submit --job-name=waits sleep 0 >waits.txt
    show >"$KEEP/before.txt"
    succeeds 'dump' flux dump -q "$A"
    says 'flux-dump: [0-9]{4} entries$' 'dump counts' flux dump "$KEEP/b.tar"
    says '^a/b/c$' 'dump -v lists' flux dump -v "$KEEP/c.tgz"
    prints 'c.tgz: gzip' 'compressed by name' sh -c 'cd "$KEEP"; gzip -t c.tgz && echo c.tgz: gzip'
    succeeds 'dump to the standard output' sh -c 'flux dump -q - | tar tf - >/dev/null'
    says 'no/such: |No such file' 'a folder that is not there' flux dump "$KEEP/no/such"
    says 'one FILE' 'no file' flux dump
    says 'has 2 jobs, .*content.restore' 'jobs do not come into a running instance' flux restore "$A"
    succeeds '--key' flux restore -q --key=old "$A"
    prints 1 'the keys are below it' flux kvs get old.a.b.c
    prints a.b 'links as they were' flux kvs readlink old.link
    prints '' 'nothing is left over' sh -c 'flux kvs namespace list | grep restore-'
}

outside() {
    mkdir x && tar -C x -xf "$A"
    prints 1 'tar unpacks it: a key is a file' cat x/a/b/c
    prints a.b 'a link is a link' readlink x/link
    says '"name":"submit"' 'a job has its eventlog' cat x/job/0000/0000/0000/0001/eventlog
}

back() {
    show >"$KEEP/after.txt"
    if cmp -s "$KEEP/before.txt" "$KEEP/after.txt"; then pass 'all is as it was'; else
        fail 'all is as it was' "$(diff "$KEEP/before.txt" "$KEEP/after.txt" | head -20)"
    fi
    succeeds 'the queue goes on' flux queue start
    succeeds 'the job that waited runs' flux job status "$(flux jobs -a -n -o '{id} {name}' | sed -n 's/ waits//p')"
    prints new 'and new ones do' flux run echo new
}

# refuse PATTERN DESCRIPTION: restoring x.tar fails, with such a line, and does nothing
refuse() {
    says "$1" "$2" flux restore x.tar
    prints '' "$2: nothing is changed" sh -c 'flux kvs ls -1 | grep -Ev "^(job|resource)$"'
}

damaged() {
    : >x.tar
    refuse 'x.tar: the archive ends without its last blocks at byte 0' 'an empty file'
    echo 'this is not an archive, but a text of some length' >x.tar
    refuse 'x.tar: the archive ends in the middle at byte' 'a short text'
    seq 1 1000 >x.tar
    refuse 'no tar archive' 'a text'
    head -c 100000 "$A" >x.tar
    refuse 'ends (in the middle|without its last blocks) at byte 1000' 'half of one'
    sed 's/hello/hullo/' "$A" >x.tar
    refuse "contents do not match their checksum at byte [0-9]+, entry 'a/d'" 'changed contents'
    sed 's,a/b/c,a/b/d,' "$A" >x.tar
    refuse "header is damaged at byte [0-9]+, entry 'flux.dump/format'" 'a changed header'
    (mkdir y; cd y; echo 1 >a.b; tar cf ../x.tar a.b)
    refuse "entry 'a.b' at byte 0: its name is not a key" 'a name that is no key'
    (cd y; mv a.b ab; tar cf ../x.tar ab)
    succeeds 'an archive of others' flux restore -q x.tar
    prints 1 'brings keys' flux kvs get ab
    head -c 5000 /dev/zero | tr '\0' x >y/large
    (cd y; tar czf ../x.tar .)
    says '^flux-restore: 1 larger' '--size-limit' flux restore --size-limit=1k x.tar
    prints '' 'leaves large values out' flux kvs get --raw large
    succeeds 'without it' sh -c 'flux restore -q - <x.tar'
    prints 5000 'they come' sh -c 'flux kvs get --raw large | wc -c'
    says 'no size' 'a bad size' flux restore --size-limit=x x.tar
    says 'No such file' 'no such archive' flux restore nosuch.tar
}

recover() {
    prints '' 'recovery: no scheduler' sh -c 'flux module list | grep -E "^(sched|job-exec)"'
    prints 1 'recovery of an archive: its keys' flux kvs get a.b.c
    prints 'SCHED waits' 'and its jobs' sh -c "flux jobs -n -o '{state} {name}' | grep waits"
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside fill --statedir="$TMP/one"
    outside
    inside back --statedir="$TMP/two" -Scontent.restore="$A"
    says 'has state of its own' 'only a new instance is restored' \
        flux start --statedir="$TMP/two" -Scontent.restore="$A" true
    inside damaged
    inside recover --recovery="$A"
    says 'of what' '--recovery alone' flux start --recovery true
    says 'No such file' '--recovery of nothing' flux start --recovery=nosuch true
    echo x >bad.tar
    says 'content.restore: exit code 1' 'a bad archive at the start' flux start -Scontent.restore=bad.tar true
    succeeds 'content.dump' flux start -Scontent.dump="$TMP/end.tar" flux kvs put last=1
    prints 1 'holds the end' tar -xOf end.tar last
    flux start sh -c 'flux kvs put last=2; flux shutdown --background --gc --dump=end2.tar; sleep 100'
    prints 2 'shutdown --gc --dump' tar -xOf end2.tar last
    done_testing
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
