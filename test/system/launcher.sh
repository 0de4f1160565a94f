#!/bin/sh
# flux start --test-size: many brokers on this host, how they end, what they leave behind.
. "$(dirname "$0")/sys.sh"

pid_of() {
    ctl status | sed "s/.*\"rank\":$1,\"pid\":\([0-9]*\).*/\1/"
}

# ---- inside ----

all() {
    base=${FLUX_URI%/0/local-0}
    for rank in 0 1 2 3; do
        prints "$rank" "rank $rank answers at its own socket" \
            env FLUX_URI="$base/$rank/local-$rank" flux getattr rank
    done
    prints 4 'size' flux getattr size
    prints simple 'boot method' flux getattr broker.boot-method
    exits 1 'no jobid: the launcher is none' flux getattr jobid
    says '^ipc:///' 'brokers on one node meet at sockets' flux getattr tbon.endpoint
    says '"rank":3,"pid":[1-9]' 'the launcher tells who runs' ctl status
    says '^error expected: status' 'and what it understands' ctl dance
    says '^error there is no broker 4' 'and whom it has' ctl 'kill 4 9'
    says '^error broker 2 runs already' 'nobody is started twice' ctl 'run 2'
    done_testing
}

# Two levels: 0 - 1 - 3, 0 - 2
again() {
    for rank in 3 1; do
        pid=$(pid_of $rank)
        prints ok "broker $rank is killed" ctl "kill $rank 9"
        # 1 is to be missed by its parent, 3 by its own
        wait_for 30 sh -c "flux overlay status | grep -Eq ' $rank .*(lost|offline)'" ||
            fail "broker $rank is missed" "$(flux overlay status)"
        prints ok "broker $rank is started again" ctl "run $rank"
        if wait_for 60 is_full; then pass 'and all are back'; else fail 'and all are back' "$(flux overlay status)"; fi
        if [ "$(pid_of $rank)" != "$pid" ]; then pass 'as another process'; else fail 'as another process'; fi
    done
    pid=$(pid_of 2)
    prints ok 'broker 2 is stopped' ctl 'kill 2 19'
    prints ok 'and goes on' ctl 'kill 2 18'
    prints "$pid" 'as the same process' pid_of 2
    done_testing
}

leader() {
    prints 2 'the leader runs alone' flux getattr size
    says '"rank":1,"pid":0' 'the other is not started' ctl status
    prints ok 'it is started' ctl 'run 1'
    if wait_for 60 is_full; then pass 'and joins'; else fail 'and joins' "$(flux overlay status)"; fi
    done_testing
}

dies() {
    kill -9 "$(pid_of 1)"
    exec sleep 600 # until the launcher makes an end
}

if [ -n "${FLUX_TEST_INSIDE:-}" ]; then "$FLUX_TEST_INSIDE"; fi

# ---- outside ----

inside all -s4
inside again -s4 -Stbon.topo=kary:2
inside leader -s2 --test-start-mode=leader -Sbroker.quorum=1

exits 3 "the initial program's exit code" flux start -s3 sh -c 'exit 3'
exits 143 'a program ended by a signal' flux start -s2 sh -c 'kill -TERM $$'
exits 127 'a program that is not there' flux start -s2 ./no-such-program
prints 'h[0-2]' 'pretended hostnames' flux start -s3 --test-hosts='h[0-2]' flux getattr hostlist
says '^tcp://' 'brokers that are not told of each other meet at ports' \
    flux start -s2 --test-pmi-clique=none flux getattr tbon.endpoint
says '^tcp://' 'as do brokers on a node each' \
    flux start -s2 --test-pmi-clique=per-broker flux getattr tbon.endpoint
says '^ipc://' 'a task map' flux start -s4 --test-pmi-clique='[[0,1,2,2]]' flux getattr tbon.endpoint
says '^tcp://' 'a task map of two nodes' flux start -s4 --test-pmi-clique='[[0,2,2,1]]' flux getattr tbon.endpoint
says '^tcp://127.0.0.1:' 'an address of their own' \
    flux start -s2 -Stbon.endpoint='tcp://127.0.0.1:*' flux getattr tbon.endpoint
says '^tcp://' 'ports preferred' flux start -s2 -Stbon.prefertcp=1 flux getattr tbon.endpoint

rundir=$(flux start -s2 flux getattr rundir)
if [ -n "$rundir" ] && [ ! -e "${rundir%/0}" ]; then pass 'nothing is left'; else fail 'nothing is left' "$rundir"; fi
mkdir -m 700 kept
prints "$TMP/kept/0" 'a folder that is there' flux start -s2 --test-rundir=kept flux getattr rundir
prints '' 'is kept, empty' ls -A kept
exits 0 'or removed when asked to' flux start -s2 --test-rundir=kept --test-rundir-cleanup true
if [ -e kept ]; then fail 'it is gone'; else pass 'it is gone'; fi
prints "$TMP/new/0" 'a folder that is not' flux start -s2 --rundir=new flux getattr rundir
if [ -e new ]; then fail 'goes again'; else pass 'goes again'; fi
says 'new' 'one that must be there is named' flux start -s2 --test-rundir=new true

old=$(flux start -s2 --statedir="$TMP/state" flux getattr local-uri)
prints "$old" 'with a statedir, addresses stay' flux start -s2 --statedir="$TMP/state" flux getattr local-uri

exits 1 'no brokers at all' flux start -s0 true
says 'needs --test-size' 'test options are for test instances' flux start --test-hosts=h true
says "'x' are 1 hosts, but there are 2" 'hosts and brokers are counted' flux start -s2 --test-hosts=x true
says 'no task map of 2' 'a wrong map is named' flux start -s2 --test-pmi-clique='[[0,1,3,1]]' true
says "neither any nor leader" 'a wrong mode is named' flux start -s2 --test-exit-mode=all true
says 'seem to be on one node' 'a leader alone must know the others' \
    flux start -s2 --test-start-mode=leader --test-pmi-clique=none true
says 'limit of open files is 60, and 10 brokers need 84' 'a limit of the host is named' \
    sh -c 'ulimit -n 60; exec flux start -s10 true'
exits 1 'an attribute that is refused ends all' flux start -s2 -Srank=5 true
says 'attribute' 'and is told' printf '%s\n' "$out"

exits 137 'the death of one is that of all' \
    env FLUX_TEST_INSIDE=dies flux start -s2 --test-exit-timeout=0.1s sh "$SELF" "$BUILD"
says 'broker 1 was killed by signal 9' 'and is told' printf '%s\n' "$out"
exits 0 "unless only the leader's counts" flux start -s3 --test-exit-mode=leader \
    --test-exit-timeout=0.1s sh -c "kill -9 \$(FLUX_URI=\${FLUX_URI%/0/*}/2/local-2 flux getattr broker.pid)"

flux start -s3 sh -c 'echo $PPID >up; exec sleep 600' &
launcher=$!
if wait_for 60 test -s up; then pass 'an instance runs'; else fail 'an instance runs'; fi
kill -TERM $launcher
wait $launcher
code=$?
if [ $code = 143 ]; then pass 'and ends when its launcher is told to'; else fail 'ends when told to' "exit code $code"; fi
if kill -0 "$(cat up)" 2>/dev/null; then fail 'with all of its brokers'; else pass 'with all of its brokers'; fi
done_testing
