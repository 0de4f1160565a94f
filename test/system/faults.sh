#!/bin/sh
# What goes wrong outside of us: folders, a full disk, damaged files, bad modules and options. Each is
# named together with the way out, and nothing acknowledged is lost.
. "$(dirname "$0")/sys.sh"

broker=
mounted=
tidy() {
    [ -z "$broker" ] || kill -9 "$broker" 2>/dev/null
    [ -z "$mounted" ] || umount "$mounted"
    rm -rf "$TMP"
}
trap tidy EXIT

# up STATEDIR [OPTIONS]: a broker without an initial program, in the background; sets FLUX_URI
up() {
    state=$1
    shift
    flux broker -Sbroker.rc2_none=1 -Sstatedir="$state" -Stest.cores=4 "$@" </dev/null 2>>broker.log &
    broker=$!
    wait_for 20 test -S "$state/rundir/local-0"
    FLUX_URI=local://$(readlink "$state/rundir")/local-0
    export FLUX_URI
    wait_for 20 flux getattr rank || fail 'the broker came up' "$(cat broker.log)"
}

# down SIGNAL
down() {
    kill "-$1" "$broker"
    wait "$broker" 2>/dev/null
    broker=
    unset FLUX_URI
}

# refused PATTERN DESCRIPTION COMMAND...: exit code 1, at once, and a line that matches
refused() {
    pattern=$1 what=$2
    shift 2
    got=$(timeout 20 "$@" 2>&1)
    code=$?
    if [ $code -eq 1 ] && printf '%s\n' "$got" | grep -Eq -- "$pattern"; then
        pass "$what"
    else
        fail "$what" "exit $code: $got
wanted exit 1 and a match of: $pattern"
    fi
}

folders() {
    mkdir open && chmod 777 open
    refused "others may write to rundir $TMP/open: chmod 700" 'a rundir open to all' \
        flux start --rundir="$TMP/open" true
    refused "others may write to statedir $TMP/open" 'a statedir open to all' \
        flux start --statedir="$TMP/open" true
    mkdir target && ln -s target link
    refused "rundir $TMP/link is not a folder" 'a rundir that is a symbolic link' \
        flux start --rundir="$TMP/link" true
    refused "folder above it does not exist" 'a statedir without a parent' \
        flux start --statedir="$TMP/no/state" true
    if [ "$(id -u)" = 0 ]; then
        mkdir foreign && chown 65534 foreign
        refused "rundir $TMP/foreign belongs to user 65534" 'a foreign rundir' \
            flux start --rundir="$TMP/foreign" true
        refused "statedir $TMP/foreign belongs to user 65534" 'a foreign statedir' \
            flux start --statedir="$TMP/foreign" true
    else
        mkdir closed && chmod 500 closed
        refused "statedir $TMP/closed" 'an unwritable statedir' flux start --statedir="$TMP/closed" true
    fi
    refused "/proc/state" 'a statedir where none can be' flux start --statedir=/proc/state true
    refused 'set TMPDIR' 'no place for a rundir' env TMPDIR=/no/such/place flux start true
    up state
    refused "statedir $TMP/state is in use by the broker with process id $broker" \
        'a second broker on the same statedir' env -u FLUX_URI flux start --statedir="$TMP/state" true
    succeeds 'the first one does not mind' flux run true
    down TERM
}

store() {
    mkdir -m 700 bad
    head -c 8192 /dev/urandom >bad/store.sqlite
    refused "$TMP/bad/store.sqlite is damaged .*another statedir" 'a store that is garbage' \
        flux start --statedir="$TMP/bad" true
    mkdir -m 700 other newer torn
    python3 - <<'PY'
import sqlite3
c = sqlite3.connect("other/store.sqlite")
c.execute("create table t(x)")
c.commit()
PY
    refused "$TMP/other/store.sqlite is a database of another program" 'a foreign database' \
        flux start --statedir="$TMP/other" true
    succeeds 'a store' flux start --statedir="$TMP/newer" flux run true
    cp newer/store.sqlite* torn/
    python3 - <<'PY'
import sqlite3
c = sqlite3.connect("newer/store.sqlite")
c.execute("pragma user_version=99")
c.commit()
c.close()
PY
    refused "$TMP/newer/store.sqlite has format 99, written by a newer version" 'a newer format' \
        flux start --statedir="$TMP/newer" true
    rm -f torn/store.sqlite-*
    python3 - <<'PY'
f = open("torn/store.sqlite", "r+b")
size = f.seek(0, 2)
f.seek(4096)
f.write(b"\xa5" * (size - 4096))
PY
    refused "$TMP/torn/store.sqlite .*damaged.*another statedir" 'a store with damaged pages' flux start --statedir="$TMP/torn" true
    : >bad/store.sqlite
    exits 0 'an empty file is a new store' flux start --statedir="$TMP/bad" true
}

fill() {
    dd if=/dev/zero of="$mounted/ballast" bs=64k 2>/dev/null
    dd if=/dev/zero of="$mounted/ballast2" bs=1k 2>/dev/null
    true
}

completed() {
    [ "$(flux jobs -a --stats-only 2>&1 | sed 's/.* running, \([0-9]*\) completed.*/\1/')" = "$1" ]
}

full_disk() {
    if [ "$(id -u)" != 0 ] || ! mkdir full || ! mount -t tmpfs -o size=8m,mode=0700 tmpfs full; then
        echo '# not root: no small disk to fill'
        return
    fi
    mounted=$TMP/full
    up "$mounted"
    flux kvs put before=1
    succeeds 'jobs before' flux submit --cc=1-20 --wait --quiet true
    id=$(flux submit sh -c 'while [ ! -e go ]; do sleep 0.05; done; echo ran >>ran')
    flux job wait-event "$id" start >/dev/null
    fill
    n=0
    while flux submit --urgency=hold true >>ids.txt 2>refused.txt && [ $n -lt 400 ]; do n=$((n + 1)); done
    says "no space left for $mounted/store.sqlite: .*once some is freed" \
        'a submission is refused, the store named, and the way out' cat refused.txt
    says 'no space left' 'so is the next one' flux submit true
    prints 2 'of a thousand it is said once, and how many more' \
        sh -c 'flux submit --cc=1-1000 true 2>&1 | wc -l'
    says "no space left for $mounted" 'the log says so once' sh -c 'flux dmesg | grep -c "no space" | grep -qx 1 && flux dmesg'
    says 'the disk is full: nothing is written until' 'keys are refused, too' flux kvs put during=1
    prints 1 'and read' flux kvs get before
    touch go
    succeeds 'the running job ends meanwhile' timeout 20 flux job wait-event "$id" clean
    prints COMPLETED 'with its own result' flux jobs -an -o '{result}' "$id"
    succeeds 'the instance answers' timeout 10 flux jobs -a
    rm -f "$mounted/ballast2" "$mounted/ballast"
    if wait_for 10 flux submit true; then pass 'work goes on by itself'; else fail 'work goes on by itself'; fi
    says 'can be written again' 'and the log says so' flux dmesg
    succeeds 'keys are written again' flux kvs put after=1
    held=$(wc -l <ids.txt)
    down KILL
    up "$mounted"
    prints '1 1' 'and kept' sh -c 'echo $(flux kvs get before) $(flux kvs get after)'
    prints "$held" 'nothing acknowledged is lost' sh -c 'flux jobs -n -f pending -c 0 | wc -l'
    if wait_for 10 completed 22; then pass 'nor finished'; else fail 'nor finished' "$(flux jobs -a --stats-only)"; fi
    prints ran 'and the job ran once' cat ran
    flux cancel --all >/dev/null 2>&1
    down TERM
    wait_for 10 umount "$mounted" && mounted= # the shell lingers
}

modules() {
    echo 'not a library' >text.so
    says "$TMP/text.so" 'a module that is no library is named' flux module load "$TMP/text.so"
    says '/no/such/module.so' 'a missing module file is named' flux module load /no/such/module.so
    if [ -e "$BUILD/test/embed/libmod_none.so" ]; then
        refused 'libmod_none.so.*mod_main' 'a library that is no module' \
            flux module load "$BUILD/test/embed/libmod_none.so"
        refused 'classic|libmod_classic' 'a module whose start fails' \
            flux module load "$BUILD/test/embed/libmod_classic.so" fail
    fi
    if command -v cc >/dev/null && echo 'int nowhere(void); const char *mod_name = "undef";
        int mod_main(void *h, int c, char **v) { return nowhere(); }' >undef.c &&
        cc -shared -fPIC -o undef.so undef.c 2>/dev/null; then
        refused 'undef.so.*nowhere' 'a missing symbol is named' flux module load "$TMP/undef.so"
    fi
    exits 0 'the others work' flux run true
    says "already|exists|is loaded" 'a module twice' flux module load heartbeat
}

# deep N: a jobspec nested N deep
deep() {
    python3 -c "
import sys
n = int(sys.argv[1])
print('{\"resources\":' + '[' * n + ']' * n + ',\"version\":1}')" "$1"
}

good='{"resources":[{"type":"slot","count":1,"label":"t","with":[{"type":"core","count":1}]}],
"tasks":[{"command":["true"],"slot":"t","count":{"per_slot":1}}],"attributes":{"system":{"duration":0}},"version":1}'

jobspecs() {
    echo "$good" >good.json
    succeeds 'a good jobspec' flux job submit good.json
    deep 100000 >deep.json
    refused 'deep|nest' 'a nested bomb' flux job submit deep.json
    python3 -c "print('{\"version\":1,\"x\":[' + '0,' * 600000 + '0]}')" >wide.json
    refused 'large|big|many|limit' 'a wide bomb' flux job submit wide.json
    echo '{' >cut.json
    refused 'cut.json|jobspec|JSON' 'half a jobspec' flux job submit cut.json
    sed 's/"version":1/"version":9/' good.json >v9.json
    refused 'version' 'a version we do not know' flux job submit v9.json
    sed 's/"type":"core"/"type":"flux-capacitor"/' good.json >odd.json
    refused 'flux-capacitor' 'an unknown resource is named' flux job submit odd.json
    sed 's/"count":1}/"count":-4}/' good.json >neg.json
    refused 'count' 'a negative count' flux job submit neg.json
    sed 's/\["true"\]/[]/' good.json >nocmd.json
    refused 'command' 'no command' flux job submit nocmd.json
    sed 's/"duration":0/"duration":-1/' good.json >dur.json
    refused 'duration' 'a negative duration' flux job submit dur.json
    sed 's/"slot":"t"/"slot":"u"/' good.json >slot.json
    refused 'slot' 'a task without a slot' flux job submit slot.json
    sed 's/"count":1}/"count":4294967296}/' good.json >huge.json
    refused 'count|unsatisfiable' 'a huge count' flux job submit huge.json
    refused 'no-such-file' 'a missing file is named' flux job submit no-such-file
    refused 'unsatisfiable' 'too many nodes' flux submit -N3 true
    refused 'unsatisfiable' 'too many cores' flux submit -n99 true
    refused 'unsatisfiable' 'gpus that are not there' flux submit -g1 true
    succeeds 'the instance works' flux run true
}

options() {
    names=$(flux help | sed -n 's/^  *\([a-z]*\)  .*/\1/p')
    [ "$(echo "$names" | wc -l)" -gt 20 ] || fail 'flux help lists the commands' "$names"
    for c in $names; do
        [ "$c" = python ] && continue
        refused 'no-such-option' "flux $c --no-such-option" flux "$c" --no-such-option
    done
    for c in attach cancel eventlog id info kill killall last list list-ids purge raise raiseall status \
        submit timeleft urgency wait wait-event; do
        refused 'no-such-option' "flux job $c --no-such-option" flux job "$c" --no-such-option
    done
    refused 'nosuch' 'an unknown subcommand is named' flux job nosuch
    refused 'ntasks' 'a count that is no number' flux submit -nmany true
    refused 'ntasks' 'no task at all' flux submit -n0 true
    refused 'nodes' 'a negative count' flux submit -N-1 true
    refused 'at least 2 tasks' 'fewer tasks than nodes' flux submit -N2 -n1 true
    refused '--ntasks' '--cores and --ntasks' flux submit --cores=2 -n2 true
    refused 'exclude' '--cc and --bcc' flux submit --cc=1-2 --bcc=1-2 true
    refused "--cc" 'copies of nothing' flux submit --cc=x true
    refused 'exclude' '--tasks-per-core and --tasks-per-node' \
        flux submit -N1 --tasks-per-core=1 --tasks-per-node=1 true
    refused 'need --nodes|needs --nodes' '--gpus-per-node alone' flux submit --gpus-per-node=1 true
    refused 'needs --nodes' '--exclusive alone' flux submit --exclusive true
    refused 'time-limit' 'a time limit that is none' flux submit -t never true
    refused 'time-limit' 'nor is this' flux submit -t nan true
    refused 'urgency' 'an urgency out of range' flux submit --urgency=32 true
    refused 'flags' 'an unknown flag' flux submit --flags=nosuch true
    refused 'dependency' 'a dependency without a value' flux submit --dependency=after true
    refused 'begin-time' 'a time that is none' flux submit --begin-time=later true
    refused 'rlimit' 'a limit that is none' flux submit --rlimit=nosuch=1 true
    refused 'requires' 'a broken constraint' flux submit --requires='(a' true
    refused 'signal' 'a signal that is none' flux submit --signal=NOSUCH@1s true
    refused 'command is needed' 'no command' flux submit
    refused 'command is needed' 'nor here' flux run
    refused 'no/such/file' 'a missing environment file' flux submit --env-file=/no/such/file true
    refused 'format' 'a broken format' flux jobs -o '{id'
    refused 'no_such_field' 'an unknown field' flux jobs -o '{no_such_field}'
    refused 'since' 'a broken date' flux jobs --since=yore
    refused 'argument' 'an option without its argument' flux submit --ntasks
    refused "allow an argument" 'an argument that is not wanted' flux submit --exclusive=1 true
}

nobody_home() {
    refused 'FLUX_URI|flux start' 'no instance: what to do is said' env -u FLUX_URI flux jobs
    refused 'local:///no/such/socket' 'a wrong address is named' env FLUX_URI=local:///no/such/socket flux jobs
    refused 'nosuch:' 'so is a wrong scheme' env FLUX_URI=nosuch://x flux jobs
}

orphan() {
    flux broker -Sbroker.rc2_none=1 -Srundir="$TMP/orphan" -Stest.cores=2 --conf=exec.orphan-timeout=1s \
        </dev/null 2>>broker.log &
    broker=$!
    FLUX_URI=local://$TMP/orphan/local-0
    export FLUX_URI
    wait_for 20 flux getattr rank
    flux submit sh -c 'echo $$ >task.pid; exec sleep 300' >/dev/null
    wait_for 10 test -s task.pid
    task=$(cat task.pid)
    shell=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$task/status")
    says flux-shell 'a task is the shell'\''s child' cat "/proc/$shell/comm"
    kill -9 "$broker"
    wait "$broker" 2>/dev/null
    broker=
    unset FLUX_URI
    if kill -0 "$task" 2>/dev/null; then pass 'it outlives the broker'; else fail 'it outlives the broker'; fi
    if wait_for 15 sh -c "! kill -0 $task"; then pass 'for a while'; else fail 'for a while'; kill -9 "$task"; fi
    if wait_for 15 sh -c "! kill -0 $shell"; then
        pass 'and the shell goes too'
    else
        fail 'and the shell goes too' "$(cat "/proc/$shell/status")"
        kill -9 "$shell"
    fi
}

case ${FLUX_TEST_INSIDE:-} in
'')
    unset FLUX_URI
    folders
    store
    full_disk
    nobody_home
    orphan
    inside modules
    inside jobspecs --test-cores=4
    inside options --test-cores=4
    done_testing
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
