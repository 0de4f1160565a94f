#!/bin/sh
# The jobs and the resources as they appear in the KVS, on two brokers.
. "$(dirname "$0")/sys.sh"

# key JOBID: of its directory
key() {
    flux job id --to=kvs "$1"
}

# there RANK COMMAND...: on another broker
there() {
    flux exec -r "$@"
}

# agrees KEY NAME JOBID: is it what the job's own service tells?
agrees() {
    [ "$(flux kvs get "$1.$2")" = "$(flux job info "$3" "$2")" ]
}

# lacks PATTERN DESCRIPTION COMMAND...: no line matches
lacks() {
    pattern=$1 what=$2
    shift 2
    got=$("$@" 2>&1)
    if printf '%s\n' "$got" | grep -Eq -- "$pattern"; then
        fail "$what" "printed: $got"
    else
        pass "$what"
    fi
}

mounts() {
    id=$(flux submit -n2 sh -c 'echo hello')
    flux job wait-event "$id" clean >/dev/null
    k=$(key "$id")
    for name in J jobspec R eventlog; do
        succeeds "$name below job is what the job's service tells" agrees "$k" $name "$id"
    done
    says '"name":"data".*hello' 'so is its output' flux kvs get "$k.guest.output"
    says '"name":"header"' 'and its input' flux kvs get "$k.guest.input"
    says '"name":"shell.start"' 'and the log of its execution' \
        flux kvs get "$k.guest.exec.eventlog"
    says ' alloc' 'an eventlog is formatted' flux kvs eventlog get "$k.eventlog"
    prints "$k.J
$k.R
$k.eventlog
$k.guest.
$k.jobspec" 'a job is a directory' flux kvs dir -d "$k"
    prints "$k.guest.exec.eventlog
$k.guest.input
$k.guest.output" 'and so is its own part' flux kvs dir -dR "$k.guest"
    prints 0000 'ids are cut into names' flux kvs ls job
    prints "$(flux kvs ls -R "$k")" 'another broker lists the same' \
        there 1 flux kvs ls -R "$k"
    prints "$(flux kvs get "$k.R")" 'and has the same values' there 1 flux kvs get "$k.R"
    prints 'R
eventlog' 'the resources are a directory' flux kvs ls -1 resource
    says '"R_lite"' 'the resources' flux kvs get resource.R
    says 'online' 'and their log' there 1 flux kvs eventlog get resource.eventlog
    flux kvs put a=1 resources.b=2
    prints 'a
job
resource
resources' 'mounts stand among the other names' flux kvs ls -1 .
    prints 2 'a name that begins like one is none' flux kvs get resources.b
    flux kvs link "$k" alias
    prints "$(flux kvs get "$k.R")" 'links lead there' flux kvs get alias.R
    succeeds 'a value can be copied' flux kvs copy "$k.R" copied
    prints "$(flux kvs get "$k.R")" 'and then is like any other' flux kvs get copied
    prints "$(flux kvs get "$k.R")" 'snapshots show the mounts, too' \
        there 1 flux kvs get --at "$(flux kvs getroot)" "$k.R"
    done_testing
}

# A log that gets no more events is no more to be watched: the last thing told is its end.
log_ends() {
    prints ended 'the watch of a log ends with the job' tail -n 1 whole.txt
    says '"name":"clean"' 'and not before its last event' tail -n 3 whole.txt
    prints ended 'so does that of its events' tail -n 1 log.txt
    says ' clean' 'after the last of them' tail -n 2 log.txt
    prints ended 'and that of its output' tail -n 1 output.txt
    says 'done' 'with all of it' cat output.txt
}

# The same of a job that has ended long ago.
ended_ends() {
    for name in eventlog R guest.output guest.exec.eventlog; do
        prints "$(flux kvs get "$k.$name")" "a watch of an ended job's $name ends" \
            timeout 60 flux kvs get -w "$k.$name"
    done
    exits 0 'one of its events, too' timeout 60 flux kvs eventlog get -w "$k.eventlog"
    says "event 'nix' never received" 'what has not come will not' \
        timeout 60 flux kvs eventlog wait-event "$k.eventlog" nix
    exits 1 'a log that is not there is an error' flux kvs eventlog get nix
    id=$(flux submit --urgency=0 true)
    flux cancel "$id"
    flux job wait-event "$id" clean >/dev/null
    says 'ended without it' 'nor does a job get resources after its end' \
        timeout 60 flux kvs get -W "$(key "$id").R"
}

# What the tasks could read.
inputs() {
    echo hello >in.txt
    id=$(flux submit --input="$PWD/in.txt" cat)
    flux job wait-event "$id" clean >/dev/null
    k=$(key "$id")
    says '"name":"header".*"encoding":\{"stdin":"UTF-8"\}' 'a log of the input' \
        flux kvs get "$k.guest.input"
    says "\"name\":\"redirect\".*\"path\":\"$PWD/in.txt\"" 'names the file that was read' \
        flux kvs get "$k.guest.input"
    id=$(flux submit cat)
    flux job wait-event "$id" clean >/dev/null
    k=$(key "$id")
    says '"stream":"stdin".*"eof":true' 'or says that there was nothing' \
        flux kvs get "$k.guest.input"
    for name in exec.eventlog input output; do
        prints "$(flux kvs get "$k.guest.$name")" "flux job info prints guest.$name, too" \
            flux job info "$id" "guest.$name"
    done
    prints "$(flux kvs get "$k.guest.input")" 'whatever namespace keys are of here' \
        env FLUX_KVS_NAMESPACE=nix flux job info "$id" guest.input
    says 'guest.nix: key not found' 'or that it is not there' flux job info "$id" guest.nix
    prints "$(flux kvs get "$k.guest.input")" 'a watch of the input ends with the job' \
        timeout 60 flux kvs get -w "$k.guest.input"
    done_testing
}

# Values below a mount change without a commit.
watches() {
    mkfifo go
    id=$(flux submit sh -c 'read -r l <go; echo done')
    k=$(key "$id")
    flux kvs get --waitcreate "$k.R" >R.txt &
    flux kvs eventlog wait-event "$k.eventlog" clean >clean.txt &
    there 1 flux kvs eventlog wait-event "$k.guest.exec.eventlog" done >exec.txt &
    flux kvs get -w "$k.eventlog" >whole.txt && echo ended >>whole.txt &
    there 1 flux kvs eventlog get -w "$k.eventlog" >log.txt && echo ended >>log.txt &
    there 1 flux kvs get -wW "$k.guest.output" >output.txt && echo ended >>output.txt &
    flux kvs eventlog wait-event "$k.eventlog" start >/dev/null
    echo >go
    wait
    log_ends
    says ' clean' 'an event is waited for' cat clean.txt
    prints "$(flux kvs get "$k.R")" 'so is a value' cat R.txt
    says ' done' 'what is appended is told' cat exec.txt
    says ' clean' 'one that was there already, too' flux kvs eventlog wait-event "$k.eventlog" clean
    ended_ends
    flux resource drain 0 because
    says 'because' 'the log of the resources' flux kvs eventlog wait-event resource.eventlog drain
    flux resource undrain 0
    done_testing
}

# dirwatch KEY >FILE: what a directory lists, a line each time it is told
dirwatch() {
    timeout 60 "$BUILD/test/system/dirwatch" "$@"
}

# has FILE LINE: so far
has() {
    grep -qx "$2" "$1"
}

# Directories below a mount: what they list comes and goes.
listings() {
    mkfifo go
    id=$(flux submit --urgency=hold sh -c 'read -r l <go; flux kvs put d.y=1; read -r l <go')
    k=$(key "$id")
    dirwatch job.0000.0000.0000 >jobs.txt &
    top=$!
    succeeds 'jobs are listed' wait_for 20 has jobs.txt "${k##*.}"
    dirwatch "$k" >job.txt &
    dirwatch "$k.guest" >guest.txt &
    succeeds 'a job has no resources at first' wait_for 20 has job.txt 'J eventlog guest jobspec'
    succeeds 'and nothing of its own' wait_for 20 has guest.txt ''
    flux job urgency "$id" default
    succeeds 'then it has' wait_for 20 has job.txt 'J R eventlog guest jobspec'
    succeeds 'and the logs of its tasks' wait_for 20 has guest.txt 'exec input output'
    echo >go
    succeeds 'what it writes is told' wait_for 20 has guest.txt 'd exec input output'
    dirwatch "$k.guest.d" >d.txt &
    succeeds 'below that, too' wait_for 20 has d.txt y
    flux kvs put "$k.guest.d.x=2"
    succeeds 'whoever wrote it' wait_for 20 has d.txt 'x y'
    flux kvs get -w "$k.guest.d.x" >x.txt && echo ended >>x.txt &
    succeeds 'a value of it is watched' wait_for 20 has x.txt 2
    flux kvs eventlog append "$k.guest.log" one
    flux kvs eventlog get -w "$k.guest.log" >log.txt && echo ended >>log.txt &
    succeeds 'so is a log' wait_for 20 grep -q ' one' log.txt
    flux kvs put "$k.guest.d.x=3"
    succeeds 'and told when it is written' wait_for 20 has x.txt 3
    flux kvs eventlog append "$k.guest.log" two
    succeeds 'and appended to' wait_for 20 grep -q ' two' log.txt
    echo >go
    for f in job guest d x log; do
        succeeds "the job's end is that of $f" wait_for 20 has "$f.txt" ended
    done
    prints 2 'and nothing is told twice' grep -c ' one\| two' log.txt
    says 'ended' 'of an ended job it is told at once' dirwatch "$k.guest"
    says 'has no reference that would change: watch what it lists' \
        'as an object it cannot be watched' dirwatch -t "$k"
    id=$(flux submit true)
    succeeds 'a new job is told of' wait_for 20 has jobs.txt "${k##*.} $(key "$id" | sed 's/.*[.]//')"
    flux job wait-event "$id" clean >/dev/null
    flux job purge -f --num-limit=0 >/dev/null
    succeeds 'jobs that go are told of' wait_for 20 has jobs.txt '.*No such file.*'
    wait "$top"
    done_testing
}

# Nobody else holds watches without end. as_guest COMMAND...
as_guest() {
    FLUX_HANDLE_USERID=4711 FLUX_HANDLE_ROLEMASK=2 "$@"
}

nwatches() {
    [ "$(flux module stats kvs | tr -d ' \n' | sed 's/.*"watches":\([0-9]*\).*/\1/')" = "$1" ]
}

limits() {
    flux kvs namespace create -o 4711 theirs
    printf '[kvs]\nguest-watch-limit = 2\n' >good.toml
    printf '[kvs]\nguest-watch-limit = -2\n' >bad.toml
    flux config load good.toml
    as_guest flux kvs get -W -N theirs a >a.txt &
    as_guest flux kvs get -W -N theirs b >b.txt &
    succeeds 'a guest has watches' wait_for 20 nwatches 2
    says 'user 4711 has 2 watches, and may have no more .kvs.guest-watch-limit.: end some' \
        'and no more than the limit' as_guest timeout 60 flux kvs get -W -N theirs c
    exits 0 'the refused one is not counted' nwatches 2
    for key in c d e; do
        flux kvs get -W -N theirs $key >$key.txt &
    done
    succeeds 'the owner may have more' wait_for 20 nwatches 5
    flux kvs put -N theirs c=1 d=1 e=1
    succeeds 'which end' wait_for 20 nwatches 2
    flux kvs put -N theirs a=1
    succeeds 'what ends makes room' wait_for 20 nwatches 1
    prints 1 'for another' as_guest timeout 60 flux kvs get -W -N theirs a
    says 'kvs.guest-watch-limit: a number of watches' 'the limit is checked' \
        flux config load bad.toml
    flux kvs put -N theirs b=1
    wait
    done_testing
}

refusals() {
    id=$(flux submit true)
    flux job wait-event "$id" clean >/dev/null
    k=$(key "$id")
    for key in job job.x "$k.R" "$k" resource.R; do
        says "$key: job and resource are mounted" "nobody writes $key" flux kvs put "$key=1"
        says "$key: job and resource are mounted" "nor makes a directory of $key" \
            flux kvs mkdir "$key"
        says "$key: job and resource are mounted" "nor links $key" flux kvs link a "$key"
    done
    says "mounted" 'nor unlinks it' flux kvs unlink "$k.R"
    flux kvs link job alias
    says 'mounted' 'a link is no way around' flux kvs put alias.x=1
    flux kvs put ok=1
    says 'mounted' 'a transaction fails as a whole' flux kvs put ok=2 job.x=1
    prints 1 'and changes nothing' flux kvs get ok
    says 'No such file' 'no such piece' flux kvs get "$k.nix"
    says 'No such file' 'no such key of its own' flux kvs get "$k.guest.nix"
    says 'No such file' 'no such job' flux kvs get job.0000.0000.0000.ffff.R
    says 'No such file' 'a name that is no id' flux kvs get job.zzzz
    says 'Is a directory' 'a job is no value' flux kvs get "$k"
    says 'Not a directory' 'and a value no directory' flux kvs dir "$k.R"
    says 'mounted directory' 'a mounted directory is not copied' flux kvs copy "$k" copied
    done_testing
}

# A job's own namespace, while it is there.
own() {
    mkfifo go
    id=$(flux submit sh -c 'flux kvs get x; flux kvs namespace list; flux kvs put x=1 d.y=2
        echo $FLUX_KVS_NAMESPACE; flux kvs get x; read -r l <go; flux kvs put z=3')
    k=$(key "$id")
    ns=job-$(flux job id --to=dec "$id")
    prints 1 'others can wait for it' flux kvs get --waitcreate "$k.guest.x"
    prints "$ns::." 'it is seen as a link to a namespace' flux kvs readlink "$k.guest"
    says "^$ns " 'which is there' flux kvs namespace list
    prints 2 'what a job writes can be read elsewhere' there 1 flux kvs get "$k.guest.d.y"
    succeeds 'and is written as others see it' there 1 flux kvs put "$k.guest.w=4"
    prints 4 'in the namespace' flux kvs get --namespace="$ns" w
    says 'mounted' 'not together with other keys' flux kvs put "$k.guest.v=1" other=1
    prints "$k.guest.d.y
$k.guest.exec.eventlog
$k.guest.input
$k.guest.output
$k.guest.w
$k.guest.x" 'all of it is listed' there 1 flux kvs dir -dR "$k.guest"
    echo >go
    flux job wait-event "$id" clean >/dev/null
    says "x: No such file" 'in the job nothing is there at first' flux job attach "$id"
    lacks "$ns::" 'and no namespace' flux job attach "$id"
    says "^$ns\$" 'whose name it knows' flux job attach "$id"
    succeeds 'the namespace goes' wait_for 20 is_gone "$ns"
    prints 3 'what was written stays' flux kvs get "$k.guest.z"
    prints "$k.guest.d.y
$k.guest.exec.eventlog
$k.guest.input
$k.guest.output
$k.guest.w
$k.guest.x
$k.guest.z" 'all of it' there 1 flux kvs dir -dR "$k.guest"
    says 'the job has ended' 'nobody writes there any more' flux kvs put "$k.guest.x=5"
    says 'the job has ended' 'nor in the namespace' flux kvs put --namespace="$ns" x=5
    flux kvs copy "$k.guest" saved
    prints 2 'it can be copied' flux kvs get saved.d.y
    flux job purge -f --num-limit=0 >/dev/null
    says 'No such file' 'a purged job leaves nothing' flux kvs get "$k.guest.x"
    says "no such namespace 'job-777'" 'there is none of a job that never was' \
        flux kvs put --namespace=job-777 x=1
    says "no such namespace 'job-777'" 'nor to be read' \
        there 1 flux kvs get --namespace=job-777 x
    id=$(flux submit true)
    flux job wait-event "$id" clean >/dev/null
    lacks '^job-' 'who does not write has none' flux kvs namespace list
    done_testing
}

is_gone() {
    ! flux kvs namespace list | grep -q "^$1 "
}

# What one instance leaves for the next.
KEEP=${KEEP:-$TMP}
export KEEP

begin() {
    mkfifo "$KEEP/go"
    id=$(flux submit sh -c 'flux kvs put x=1; read -r l <"$1"; flux kvs put y=2' sh "$KEEP/go")
    echo "$id" >"$KEEP/id"
    prints 1 'a job writes' flux kvs get --waitcreate "$(key "$id").guest.x"
    other=$(flux submit flux kvs put old=7)
    flux job wait-event "$other" clean >/dev/null
    echo "$other" >"$KEEP/other"
    done_testing
}

go_on() {
    id=$(cat "$KEEP/id")
    k=$(key "$id")
    prints 1 'after a restart it is still there' flux kvs get "$k.guest.x"
    prints 7 'and what an ended job has left' flux kvs get "$(key "$(cat "$KEEP/other")").guest.old"
    echo >"$KEEP/go"
    flux job wait-event "$id" clean >/dev/null
    prints 2 'the job goes on writing' flux kvs get "$k.guest.y"
    done_testing
}

remember() {
    k=$(key "$(cat "$KEEP/id")")
    prints '1
2' 'and after another, all is' flux kvs get "$k.guest.x" "$k.guest.y"
    succeeds 'the namespace goes' wait_for 20 is_gone "job-$(flux job id --to=dec "$(cat "$KEEP/id")")"
    prints '1
2' 'to the same place' flux kvs get "$k.guest.x" "$k.guest.y"
    says '"R_lite"' 'with the rest of the job' flux kvs get "$k.R"
    done_testing
}

if [ -n "${FLUX_TEST_INSIDE:-}" ]; then
    "$FLUX_TEST_INSIDE"
fi
inside mounts -s2
inside refusals
inside watches -s2
inside own -s2
inside listings -s2
inside limits -s2
inside inputs
inside begin --statedir="$TMP/state"
inside go_on --statedir="$TMP/state"
inside remember --statedir="$TMP/state"
exit $((failures > 0))
