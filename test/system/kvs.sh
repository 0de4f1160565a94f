#!/bin/sh
# flux kvs with every option of each of its commands, on an instance of three brokers: what is written at
# one broker is read at another.
. "$(dirname "$0")/sys.sh"

# k COMMAND...: flux kvs, remembered; at the broker of rank 2, or at the leader with k0.
k() {
    echo "$*" >>used.txt
    FLUX_URI=$LEAF flux kvs "$@"
}

k0() {
    echo "$*" >>used.txt
    flux kvs "$@"
}

# The leader has that many watches.
watchers() {
    flux module stats kvs | grep -q "\"watches\":$1[,}]"
}

values() {
    prints '' 'put says nothing' k put a.b=1 a.c=two 'd.e.f={"x": 1}'
    prints 1 'get' k get a.b
    prints 1 'get at the leader' k0 get a.b
    prints '1
two' 'get of several keys' k get a.b a.c
    prints 'a.b=1
a.c=two' 'get --label' k get -l a.b a.c
    prints '{"x": 1}' 'a value is any text' k0 get d.e.f
    says 'no.key: No such file' 'a missing key' k get no.key
    says 'a: Is a directory' 'a directory' k get a
    says 'a.b.c: Not a directory' 'a key below a value' k get a.b.c
    says 'KEY=VALUE' 'put of no value' k put x
    exits 1 'a bad key' k put .=1
    printf 'a\000b' | k put --raw raw=-
    prints "$(printf 'a\000b' | od -c)" 'put and get --raw' sh -c "FLUX_URI=$LEAF flux kvs get -r raw | od -c"
    k put -r raw2=bytes
    prints bytes 'raw bytes are bytes' k get --raw raw2
    prints 'bytes.' 'no newline' sh -c "flux kvs get --raw raw2; echo ."
    prints '' 'an empty value' sh -c "flux kvs put e=; flux kvs get e"
    prints '' 'put --append' k put --append log=one
    k0 put -A log=two
    prints onetwo 'is read as a whole' k get log
    prints '{"data":"MQ==","type":"val","ver":1}' 'get --treeobj' k get -t a.b
    k put -t 'copy={"data":"MQ==","type":"val","ver":1}'
    prints 1 'put --treeobj' k get copy
    k get --treeobj a | k0 put --treeobj dircopy=-
    prints two 'put of a directory by its reference' k get dircopy.c
    says 'RFC 11' 'put of no object' k put -t x=1
    v=$(k put -s x=1)
    prints "$v" 'put --sequence' k version
    prints $((v + 1)) 'each commit is a version' k0 put --sequence x=2
    says '^version-[0-9a-f]{32}$' 'put --blobref' k put -b x=3
    says '^\{"data":\["version-[0-9a-f]{32}"\],"type":"dirref","ver":1\}$' 'put --treeobj-root' k put -O x=4
    says '^[0-9]+$' 'put --no-merge' k put -n -s x=5
    succeeds 'put --sync' k put -S x=6
    says '"checkpoints":[1-9]' 'a checkpoint was written' flux module stats kvs
    prints 6 'the value stays' k get x
}

conditions() {
    v=$(k put -s cas=1)
    says "last changed in version $v, not $((v - 1))" 'put --expect-version of another' \
        k put --expect-version=$((v - 1)) cas=2
    succeeds 'put --expect-version' k put --expect-version="$v" cas=2
    says 'expected value' 'put --expect-value of another' k put --expect-value=1 cas=3
    succeeds 'put --expect-value' k put --expect-value=2 cas=3
    says 'last changed' 'what exists is not new' k put --expect-version=0 cas=4
    succeeds 'what does not is' k put --expect-version=0 new.key=4
    prints 3 'nothing else happened' k get cas
    v=$(k0 put -s seen=1)
    prints 1 'get --min-version' k get --min-version="$v" seen
    k0 put seen=2
    prints 2 'get --linearizable' k get --linearizable seen
    succeeds 'wait for a version that is there' k wait "$v"
    k wait $((v + 3)) &
    k0 put seen=3
    k0 put seen=4
    wait $! && pass 'wait for one to come' || fail 'wait for one to come'
}

trees() {
    k put t.a=1 t.s.b=2 t.s.c=3 long="$(printf '%0200d' 7)"
    prints 't.a = 1
t.s.' 'dir' k dir t
    prints 't.a = 1
t.s.b = 2
t.s.c = 3' 'dir --recursive' k dir -R t
    prints 't.a
t.s.' 'dir --directory' k dir -d t
    prints 'long = 000...' 'dir --width' sh -c "FLUX_URI=$LEAF flux kvs dir -w 13 . | grep long"
    prints 207 'dir --width=0' sh -c "flux kvs dir --width=0 . | grep ^long | tr -d '\n' | wc -c"
    says '^t\.$' 'dir of the root' k0 dir -w 80
    prints 'a    s' 'ls' k ls t
    prints 't:
a    s

t.s:
b    c' 'ls --recursive' k ls -R t
    prints 't' 'ls --directory' k ls -d t
    prints 'a
s.' 'ls --classify --one-column' k ls -F -1 t
    prints 'a
s' 'ls --width' k ls -w 4 t
    prints '' 'mkdir' k mkdir m.n
    prints 'n.' 'makes an empty directory' k0 ls -F m
    says '^[0-9]+$' 'mkdir --sequence' k mkdir -s m.o
    says '^version-' 'mkdir --blobref' k mkdir -b m.p
    says '"dirref"' 'mkdir --treeobj-root' k mkdir -O m.q
    says "cannot unlink 't': Directory not empty" 'unlink of a directory' k unlink t
    succeeds 'unlink --recursive' k unlink -R t
    says 'No such file' 'all of it is gone' k0 get t.s.b
    says 'No such file' 'unlink of nothing' k unlink t
    succeeds 'unlink --force' k unlink -f t
    k put u.a=1 u.b=2 u.c=3
    says '^[0-9]+$' 'unlink --sequence' k unlink -s u.a
    says '^version-' 'unlink --blobref' k unlink -b u.b
    says '"dirref"' 'unlink --treeobj-root' k unlink -O u.c
    prints '' 'the directory stays' k ls u
    k put src.a=1 src.b.c=2
    succeeds 'copy' k copy src dst
    k put src.a=9
    prints '1
2' 'the copy is another one' k get dst.a dst.b.c
    succeeds 'move' k move dst moved
    prints 2 'has a new name' k0 get moved.b.c
    says 'No such file' 'and not the old one' k get dst.a
    says 'No such file' 'copy of nothing' k copy no.such dst
}

snapshots() {
    k put snap.a=1 snap.b=2
    k link snap.a snap.l
    root=$(k getroot)
    says '^\{"data":\["sha256-[0-9a-f]{64}"\],"type":"dirref","ver":1\}$' 'getroot' echo "$root"
    says '^sha256-[0-9a-f]{64}$' 'getroot --blobref' k getroot -b
    prints "$(k version)" 'getroot --sequence' k getroot -s
    prints "$(id -u)" 'getroot --owner' k getroot -o
    cheap=$(k put -O snap.a=3)
    k0 put snap.a=4
    k0 unlink -R snap.l
    prints 1 'get --at' k get --at "$root" snap.a
    prints 3 'get --at a version' k get -a "$cheap" snap.a
    prints 'snap.a = 1
snap.b = 2
snap.l -> snap.a' 'dir --at' k dir -a "$root" snap
    prints snap.a 'readlink --at' k readlink -a "$root" snap.l
    prints 4 'now it is another' k get snap.a
    succeeds 'dropcache' k dropcache
    succeeds 'dropcache --all' k dropcache -a
    prints 1 'the snapshot is read again' k get --at "$root" snap.a
    succeeds 'sync' k sync
    prints "$(k version)" 'sync --sequence' k sync -s
    says '^version-' 'sync --blobref' k sync -b
    says '"dirref"' 'sync --treeobj-root' k sync -O
    says 'that snapshot is kept no more' 'get --at what is not there' k get \
        --at "{\"data\":[\"sha256-$(printf '%064d' 1)\"],\"type\":\"dirref\",\"ver\":1}" a
}

links() {
    k put real.x=1
    prints '' 'link' k link real lnk
    prints 1 'is followed' k0 get lnk.x
    k put lnk.y=2
    prints 2 'put through it' k get real.y
    prints real 'readlink' k readlink lnk
    prints 'lnk@' 'ls marks it' sh -c "FLUX_URI=$LEAF flux kvs ls -1F | grep lnk"
    k namespace create other
    k put -N other o.x=5
    k link --target-namespace=other o far
    prints 5 'a link to another namespace' k0 get far.x
    prints other::o 'readlink of it' k readlink far
    prints other 'readlink --namespace-only' k readlink -o far
    prints o 'readlink --key-only' k readlink -k far
    says '^[0-9]+$' 'link --sequence' k link -s real l1
    says '^version-' 'link --blobref' k link -b real l2
    says '"dirref"' 'link --treeobj-root' k link -O real l3
    k link -N other o.x in.other
    prints 5 'link --namespace' k get -N other in.other
    prints o.x 'readlink --namespace' k readlink -N other in.other
    k link loop2 loop1
    k link loop1 loop2
    says 'levels of symbolic links' 'links in a circle' k get loop1
}

namespaces() {
    succeeds 'namespace create' k namespace create n1 n2
    succeeds 'namespace create --owner' k namespace create -o 4321 n3
    says '^n1 +'"$(id -u)" 'namespace list' k0 namespace list
    says '^n3 +4321 ' 'has the owner' k namespace list
    prints 4321 'getroot --namespace' k getroot -N n3 -o
    says 'exists' 'a name is taken' k namespace create n1
    says 'no such namespace' 'a namespace that is not there' k get -N nosuch a
    k put -N n1 a=1 d.b=2 d.l=3
    prints 1 'get --namespace' k0 get -N n1 a
    says 'No such file' 'its keys are its own' k get -N n2 a
    prints 1 'FLUX_KVS_NAMESPACE' env FLUX_KVS_NAMESPACE=n1 flux kvs get a
    prints "$(printf 'a = 1\nd.')" 'dir --namespace' k dir -N n1
    prints 'a    d' 'ls --namespace' k ls -N n1
    succeeds 'mkdir --namespace' k mkdir -N n1 m
    succeeds 'unlink --namespace' k unlink -N n1 m
    succeeds 'copy to another' k copy -S n1 -D n2 d far
    prints 2 'copy --src-namespace --dst-namespace' k0 get -N n2 far.b
    succeeds 'move from another' k move -S n2 -D n1 far.l back
    prints 3 'move --src-namespace --dst-namespace' k get -N n1 back
    prints 4 'version --namespace' k version -N n1
    succeeds 'wait --namespace' k wait -N n1 4
    prints 4 'sync --namespace' k sync -N n1 -s
    succeeds 'namespace create --rootref' k namespace create -r "$(k getroot -N n1 -b)" n4
    prints 2 'begins with that root' k get -N n4 d.b
    succeeds 'namespace remove' k namespace remove n1 n2 n3
    says 'no such namespace' 'is gone' k0 get -N n1 a
    says 'primary' 'the primary one stays' k namespace remove primary
}

# watch FILE OPTIONS...: in the background, until its first output.
watch() {
    file=$1
    shift
    echo get "$@" >>used.txt
    FLUX_URI=$LEAF flux kvs get "$@" >"$file" 2>&1 &
    wait_for 20 test -s "$file"
}

watches() {
    k put w.a=1 w.log=x. w.d.k=1
    watch w1 -w -c 3 w.a && p1=$!
    watch w2 --watch --uniq --count=3 w.a && p2=$!
    watch w3 -w -A -c 3 w.log && p3=$!
    watch w4 -w -f -c 2 w.d.k && p4=$!
    watch w5 -w -t -l -c 2 w.a && p5=$!
    k get -W w.new >w6 2>&1 &
    p6=$!
    k get --waitcreate -N later w.x >w7 2>&1 &
    p7=$!
    succeeds 'watches are at the leader' wait_for 20 watchers 7
    k0 put w.a=1
    k put w.a=2
    k0 put w.a=3
    k put -A w.log=y.
    k0 put -A w.log=z.
    k unlink -R w.d
    k put w.b=2
    k put w.new=5
    k namespace create later
    k0 put -N later w.x=6
    for p in "$p1" "$p2" "$p3" "$p4" "$p5" "$p6" "$p7"; do wait "$p"; done
    prints '1
1
2' 'get --watch: each commit that names the key' cat w1
    prints '1
2
3' 'get --uniq: other values only' cat w2
    prints 'x.
y.
z.' 'get --append' cat w3
    prints '1
flux-kvs: w.d.k: No such file or directory' 'get --full: a directory above has gone' cat w4
    prints 'w.a={"data":"MQ==","type":"val","ver":1}
w.a={"data":"MQ==","type":"val","ver":1}' 'get --watch --treeobj --label' cat w5
    prints 5 'get --waitcreate' cat w6
    prints 6 'get --waitcreate in a namespace to come' cat w7
    succeeds 'the leader forgets them' wait_for 20 watchers 0

    k put -N later w.log=x
    watch w8 -w -N later w.x && p8=$!
    k namespace remove later
    wait "$p8" && fail 'a namespace that goes ends its watches'
    says 'removed' 'a namespace that goes ends its watches' cat w8
    watch w9 -w -A w.log && p9=$!
    k put w.log=1
    wait "$p9" && fail 'get --append of what is overwritten fails'
    says 'overwritten' 'get --append of what is overwritten' cat w9
    watch w10 -w w.a && p10=$!
    kill "$p10"
    succeeds 'a watcher that dies is forgotten' wait_for 20 watchers 0
    python3 -c 'print("0123456789" * 100000, end="")' >big.txt
    k put -r big=- <big.txt
    succeeds 'get --stream' sh -c "FLUX_URI=$LEAF flux kvs get -S big | cmp - big.txt"
    echo get -S big >>used.txt
    says 'go together' 'options that do not go together' k get -u a.b
}

eventlogs() {
    k eventlog append ev first
    k eventlog append -t 2.5 ev second '{"n":1}'
    prints '2.500000 second n=1' 'eventlog append --timestamp' sh -c "flux kvs eventlog get ev | tail -1"
    prints 'first second' 'eventlog get' sh -c "FLUX_URI=$LEAF flux kvs eventlog get ev | cut -d' ' -f2 | xargs"
    says '^\{"timestamp":2.5[0]*,"name":"second","context":\{"n":1\}\}$' 'eventlog get --unformatted' \
        k eventlog get -u ev
    k eventlog get -w -c 3 ev >ev1 &
    e1=$!
    wait_for 20 test -s ev1
    k eventlog get -W -w -c 1 evn >ev2 &
    e2=$!
    k eventlog wait-event -W evn third >ev3 &
    e3=$!
    wait_for 20 watchers 3
    k0 eventlog append -t 3 ev third
    k unlink ev
    k0 eventlog append -t 3 evn third
    wait "$e1"
    prints '3.000000 third' 'eventlog get --watch --count' tail -1 ev1
    wait "$e2"
    prints '3.000000 third' 'eventlog get --waitcreate' cat ev2
    wait "$e3"
    prints '3.000000 third' 'eventlog wait-event --waitcreate' cat ev3
    k eventlog append -t 4 evn fourth
    prints '4.000000 fourth' 'eventlog wait-event' k eventlog wait-event evn fourth
    prints '3.000000 third
4.000000 fourth' 'eventlog wait-event --verbose' k eventlog wait-event -v evn fourth
    prints '' 'eventlog wait-event --quiet' k eventlog wait-event -q evn fourth
    says '"name":"fourth"' 'eventlog wait-event --unformatted' k eventlog wait-event -u evn fourth
    exits 1 'eventlog wait-event --timeout' k eventlog wait-event -t 0.05 evn never
    k namespace create evns
    k eventlog append -N evns -t 1 l one
    prints '1.000000 one' 'eventlog append, get --namespace' k eventlog get -N evns l
    prints '1.000000 one' 'eventlog wait-event --namespace' k eventlog wait-event -N evns l one
}

# Each option that the help of a command has must have been used above.
unused() {
    python3 - used.txt <<'END'
import re, subprocess, sys

used = [line.split() for line in open(sys.argv[1])]
groups = {"namespace": ["create", "remove", "list"], "eventlog": ["get", "append", "wait-event"]}
help_text = subprocess.run(["flux", "kvs", "--help"], capture_output=True, text=True).stdout
commands = re.findall(r"^  ([a-z]+) ", help_text.split("Options:")[0], re.M)
assert len(commands) == 17, commands
for command in commands:
    for words in [[command, sub] for sub in groups[command]] if command in groups else [[command]]:
        calls = [c[len(words):] for c in used if c[:len(words)] == words]
        if not calls:
            print(*words)
        text = subprocess.run(["flux", "kvs", *words, "--help"], capture_output=True, text=True).stdout
        for short, name in re.findall(r"^  (?:-(\S), |    )--([a-z-]+)", text, re.M):
            if name != "help" and not any(
                    re.match(rf"--{name}(=|$)", w) or short and re.match(rf"-\w*{short}", w)
                    for c in calls for w in c):
                print(*words, "--" + name)
END
}

all() {
    LEAF=$(flux exec -r 2 flux getattr local-uri)
    values
    conditions
    trees
    snapshots
    links
    namespaces
    watches
    eventlogs
    prints '' 'every option was used' unused
    says '"damaged":0' 'nothing is damaged' flux module stats kvs
    prints '' 'no alarm' sh -c "flux dmesg | grep -E 'kvs[.](crit|alert|emerg|err)'"
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside all -s 3
    count=1
    ;;
*) "$FLUX_TEST_INSIDE" ;;
esac
done_testing
