#!/bin/sh
# Jobs: output, exit codes, files, limits, dependencies.
. "$(dirname "$0")/sys.sh"

basics() {
    prints hello 'flux run shows the output' flux run echo hello
    prints '' 'stderr is not stdout' flux run sh -c 'echo oops >&2'
    says '^oops$' 'stderr is shown too' flux run sh -c 'echo oops >&2'
    exits 0 'true gives 0' flux run true
    exits 1 'false gives 1' flux run false
    exits 42 'the exit code is the job'\''s' flux run sh -c 'exit 42'
    exits 143 'SIGTERM gives 143' flux run sh -c 'kill -TERM $$'
    exits 137 'SIGKILL gives 137' flux run sh -c 'kill -KILL $$'
    exits 127 'a missing program gives 127' flux run no-such-program-here
    says 'no-such-program-here' 'and is named' flux run no-such-program-here
    echo data >notexec
    exits 126 'a program that may not be executed gives 126' flux run ./notexec
    prints "$PWD" 'the working directory is ours' flux run pwd
    prints / '--cwd changes it' flux run --cwd=/ pwd
    prints 'v1' 'the environment is passed on' env TESTVAR=v1 flux run sh -c 'echo $TESTVAR'
    prints 'v2' '--env=VAR=VALUE sets' flux run --env=TESTVAR=v2 sh -c 'echo $TESTVAR'
    prints 'gone' '--env=-PATTERN removes' \
        env TESTVAR=v1 flux run --env=-TESTVAR sh -c 'echo ${TESTVAR:-gone}'
    prints '0
1
2' 'tasks have ranks' sh -c 'flux run -n3 sh -c "echo \$FLUX_TASK_RANK" | sort'
    prints '3' 'and know how many they are' flux run -n3 sh -c \
        '[ "$FLUX_TASK_RANK" != 2 ] || echo $FLUX_JOB_SIZE'
    says '^ƒ[1-9A-HJ-NP-Za-km-z]+$' 'FLUX_JOB_ID is an F58 id' flux run sh -c 'echo $FLUX_JOB_ID'
    says '^1: hello$' '--label-io labels' flux run -n2 --label-io echo hello
    prints 1048576 'a megabyte of output is complete' \
        sh -c 'flux run head -c 1048576 /dev/zero | wc -c'
    exits 3 'the worst exit code of the tasks counts' flux run -n4 sh -c 'exit $FLUX_TASK_RANK'
}

files() {
    flux run --output='out.{{id}}.txt' echo to-file >stdout.txt
    prints '' 'output to a file is not shown' cat stdout.txt
    prints to-file 'it is in the file of the template' sh -c 'cat out.*.txt'
    flux run --output=o.txt --error=e.txt sh -c 'echo out; echo err >&2'
    prints out 'stdout file' cat o.txt
    prints err 'stderr file' cat e.txt
    echo input >in.txt
    prints input '--input reads a file' flux run --input=in.txt cat
    says '/no/such/dir/file' 'an unwritable output file is named' \
        flux run --output=/no/such/dir/file echo x
    if flux run --output=/no/such/dir/file true 2>/dev/null; then
        fail 'and the job fails'
    else
        pass 'and the job fails'
    fi
}

control() {
    says 'unsatisfiable' 'an impossible shape is refused at once' flux submit -N2 true
    says '2' 'and what is lacking is named' flux submit -N2 true
    exits 1 'with exit code 1' flux submit -N2 true
    says 'type=timeout' 'a job over its limit ends' flux run -t 0.5s sleep 60
    id=$(flux submit sleep 60)
    succeeds 'wait for the start' flux job wait-event "$id" start
    succeeds 'flux cancel' flux cancel "$id"
    succeeds 'the job is cleaned up' flux job wait-event "$id" clean
    prints CANCELED 'its result is CANCELED' flux jobs -n -o '{result}' "$id"
    id=$(flux submit sleep 60)
    succeeds 'wait for the start' flux job wait-event "$id" start
    succeeds 'flux job kill' flux job kill --signal=KILL "$id"
    exits 137 'the job died of it' flux job status "$id"
    id=$(flux submit --urgency=hold true)
    prints SCHED 'a held job waits' flux jobs -n -o '{state}' "$id"
    succeeds 'raising the urgency' flux job urgency "$id" default
    exits 0 'lets it run' flux job status "$id"
    a=$(flux submit --urgency=hold false)
    b=$(flux submit --dependency=afterok:"$a" true)
    c=$(flux submit --dependency=afterany:"$a" true)
    prints DEPEND 'a dependent job waits' flux jobs -n -o '{state}' "$b"
    flux job urgency "$a" default
    exits 1 'afterok fails with what it waited for' flux job status "$b"
    exits 0 'afterany runs' flux job status "$c"
    id=$(flux submit --begin-time=+2s true)
    prints DEPEND 'a job with a begin time waits' flux jobs -n -o '{state}' "$id"
    exits 0 'and runs in the end' flux job status "$id"
    id=$(flux submit --flags=waitable false)
    exits 1 'flux job wait tells failure' flux job wait "$id"
    exits 2 'and that there is no more' flux job wait
    says 'cron' 'an unknown dependency scheme is named' flux submit --dependency=cron:x true
    says 'invalid job id|unknown job id' 'an unknown id is refused' flux cancel 123456
    says "'xyzzy!'" 'and so is what is no id' flux cancel 'xyzzy!'
}

many() {
    prints 20 '--cc submits copies' sh -c 'flux submit --cc=1-20 --wait true | wc -l'
    prints '1
2
3' '{cc} and FLUX_JOB_CC' sh -c 'flux submit --cc=1-3 --watch sh -c "echo \$FLUX_JOB_CC" | grep "^[123]$" | sort'
    exits 1 '--wait gives the worst code' flux submit --cc=0-3 --quiet --wait sh -c \
        '[ "$FLUX_JOB_CC" != 2 ]'
    succeeds 'the queue drains' flux queue drain
    says '^0 running, [0-9]+ completed, 1 failed, 0 pending$' 'totals' flux jobs -a --stats-only
    says 'ƒ2 ' 'flux jobs -a lists the first job' flux jobs -a -c 0
    prints '3' '-c limits' sh -c 'flux jobs -an -c 3 | wc -l'
    prints 'FAILED' '-f failed filters' flux jobs -n -f failed -o '{result}'
    prints 'true' '--json is JSON' sh -c \
        'flux jobs -a --json | python3 -c "import json,sys; print(str(len(json.load(sys.stdin)[\"jobs\"]) > 20).lower())"'
    id=$(flux job last)
    says '^[0-9.]+ submit userid=' 'event log' flux job eventlog "$id"
    says '"version": ?1' 'jobspec' flux job info "$id" jobspec
    says '"R_lite"' 'R' flux job info "$id" R
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside basics --test-cores=8
    inside files --test-cores=8
    inside control --test-cores=8
    inside many --test-cores=8
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
