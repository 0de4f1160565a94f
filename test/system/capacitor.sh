#!/bin/sh
# flux capacitor: lines of files and pipes as jobs.
. "$(dirname "$0")/sys.sh"

capacitor() {
    cat >lines <<'L'
-n2 sh -c 'echo two.$FLUX_TASK_RANK'   # a comment
# no job

echo "a  b" c\ d
--command_file more
-N2 sh -c 'echo "node $(flux getattr rank)"'
L
    echo 'echo nested' >more
    prints 'a  b c d
nested
node 0
node 1
two.0
two.1' 'a file, and one named in it' sh -c 'flux capacitor -c lines | sort'
    printf '%s\n' '-n1 true' 'sh -c "exit 3"' false >bad
    exits 3 'the worst exit code' flux capacitor --command-file=bad
    says '2 of 3 did not succeed' 'and how many' flux capacitor --command_file bad
    printf '%s\n' 'echo good' "echo 'open" '-n5000 true' '--command_file none' '--no-such' >wrong
    exits 1 'lines that are no jobs fail' flux capacitor -c wrong
    says '^good$' 'the others run' printf '%s\n' "$out"
    says 'wrong:2: a quote is not closed' 'each is named: a quote' printf '%s\n' "$out"
    says 'unsatisfiable' 'a request that nothing can fulfil' printf '%s\n' "$out"
    says 'none: No such file' 'a file that is not there' printf '%s\n' "$out"
    says "wrong:5: unrecognized option '--no-such'" 'an option' printf '%s\n' "$out"
    exits 1 'no such file at all' flux capacitor -c none
    prints 20100 'a pipe' sh -c 'seq 200 | sed "s/^/echo /" | flux capacitor | awk "{ s += \$1 } END { print s }"'
    prints 200 'a few at a time' sh -c 'seq 200 | sed "s/^/echo /" | flux capacitor --pending=2 | wc -l'
    says '^ƒ[1-9A-Za-z]*\.1: x$' 'a label' flux capacitor -P -n2 echo x
    prints '' 'no output' flux capacitor -q echo x
    says '2 submitted, 0 pending, 0 running, 1 done, 1 failed' 'progress' \
        sh -c 'printf "true\nfalse\n" | flux capacitor --progress'

    # the first line runs before the second is there
    mkfifo pipe
    flux capacitor -c pipe >out 2>&1 &
    pid=$!
    exec 3>pipe
    echo 'sh -c "echo first; exec sleep 1000"' >&3
    if wait_for 30 grep -q first out; then pass 'lines run as they come'; else fail 'lines run as they come'; fi
    kill -TERM $pid
    wait $pid
    prints 143 'SIGTERM ends it' echo $?
    exec 3>&-
    prints '' 'and cancels what runs' flux jobs -no '{id}'
    done_testing
}
if [ -n "${FLUX_TEST_INSIDE:-}" ]; then "$FLUX_TEST_INSIDE"; fi
exits 1 'there must be an instance' env FLUX_URI=local:///none flux capacitor true
inside capacitor --test-size=2 --test-cores=4
done_testing
