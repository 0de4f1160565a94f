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

if [ -n "${FLUX_TEST_INSIDE:-}" ]; then
    "$FLUX_TEST_INSIDE"
fi
inside mounts -s2
inside refusals
done_testing
