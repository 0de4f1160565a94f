#!/bin/sh
# The commands that look at and steer an instance.
. "$(dirname "$0")/sys.sh"

all() {
    says '^0!broker.ping pad=0 seq=1 time=' 'flux ping' flux ping -i 0.01 -c 2 0
    says '^0!job-manager.ping' 'flux ping SERVICE' flux ping -c 1 job-manager
    says 'nosuch' 'a missing service is named' flux ping -c 1 nosuch
    succeeds 'setattr' flux setattr test.attr 42
    prints 42 'getattr' flux getattr test.attr
    says '^test.attr' 'lsattr' flux lsattr
    says 'may not be updated' 'a read-only attribute' flux setattr rank 5
    says 'no.such' 'a missing attribute is named' flux getattr no.such
    succeeds 'logger' flux logger --appname=tester 'a line of text'
    says 'tester.notice\[0\]: a line of text' 'dmesg' flux dmesg
    succeeds 'dmesg --clear' flux dmesg --clear
    prints '' 'the log is empty' sh -c 'flux dmesg | grep tester'
    flux event sub -c 1 t.topic >events.txt &
    sub=$!
    wait_for 10 sh -c 'flux event pub -s t.topic "{\"a\":1}" >/dev/null; [ -s events.txt ]'
    wait "$sub"
    says '^t.topic.\{"a": ?1\}' 'event pub and sub' cat events.txt
    says '^seq=[0-9]+' 'event pub -s' flux event pub -s other
    says 'not a JSON object' 'a bad payload is refused' flux event pub t '{'
    for m in resource job-manager job-ingest job-exec sched job-list job-info; do
        says "^$m " "module $m is listed" flux module list
    done
    says 'nosuch' 'a missing module is named' flux module load nosuch
    exits 1 'removing what is not there fails' flux module remove nosuch
    succeeds 'but not with -f' flux module remove -f nosuch
    succeeds 'a module can be reloaded' flux module reload heartbeat
    succeeds 'config set' flux config set mine.key=5
    prints 5 'config get' flux config get mine.key
    prints dflt 'config get --default' flux config get --default=dflt no.key
    says 'no.key is not set' 'config get of nothing' flux config get no.key
    says '^ +free +1 +4 +0 ' 'resource list' flux resource list
    says 'avail' 'resource status' flux resource status
    says '^1 Nodes, 4 Cores, 0 GPUs$' 'resource info' flux resource info
    succeeds 'drain' flux resource drain 0 a bad disk
    says 'a bad disk' 'the reason is kept' flux resource status
    id=$(flux submit true)
    prints SCHED 'no job starts on a drained node' flux jobs -n -o '{state}' "$id"
    succeeds 'undrain' flux resource undrain 0
    exits 0 'now it does' flux job status "$id"
    prints 'Job submission is disabled: closed' 'queue disable' flux queue disable -m closed
    says 'closed' 'submission is refused and told why' flux submit true
    prints 'Job submission is enabled' 'queue enable' flux queue enable
    prints 'Scheduling is stopped' 'queue stop' flux queue stop
    id=$(flux submit true)
    prints SCHED 'a job waits' flux jobs -n -o '{state}' "$id"
    prints 'Scheduling is started' 'queue start' flux queue start
    exits 0 'and runs' flux job status "$id"
    prints hello 'exec' flux exec echo hello
    exits 7 'exec gives the exit code' flux exec -q sh -c 'exit 7'
    prints '0: hello' 'exec -l' flux exec -l echo hello
    exits 127 'exec of nothing gives 127' flux exec -n no-such-program
    says ' run [0-9.]+s,  owner .*size 1' 'uptime' flux uptime
    says '^libflux-core:' 'version' flux version
    says 'submit ' 'help' flux help
    says '^FLUX_URI=' 'env' flux env
    prints dec:12 'job id forms' sh -c 'echo dec:$(flux job id --to=dec $(flux job id --to=f58 12))'
    says 'not a flux command' 'an unknown command' flux no-such-command
    prints 1 'flux-NAME works too' flux-getattr size
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside all --test-cores=4
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
