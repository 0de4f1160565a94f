#!/bin/sh
# Jobs that span nodes: four brokers on this host play them.
. "$(dirname "$0")/sys.sh"

# sorted COMMAND...
sorted() {
    "$@" | sort
}

# gone PATTERN: no process has this in its command line
gone() {
    ! pgrep -f -- "$1" >/dev/null
}

# told PATTERN JOBID: how many events match
told() {
    flux job eventlog "$2" | grep -Ec -- "$1"
}

places() {
    prints '0/8 4 0
1/8 4 1
2/8 4 0
3/8 4 1
4/8 4 0
5/8 4 1
6/8 4 0
7/8 4 1' 'tasks know their places' sorted flux run -N4 -n8 sh -c \
        'echo $FLUX_TASK_RANK/$FLUX_JOB_SIZE $FLUX_JOB_NNODES $FLUX_TASK_LOCAL_ID'
    prints '0: 0
1: 1
2: 2
3: 3' 'each talks to the broker of its node, and is labelled' \
        sorted flux run -N4 -l flux getattr rank
    prints 3 'a job on one node of many' flux run --requires=rank:3 flux getattr rank
    prints '0
0
1
2' 'tasks that do not divide evenly' sorted flux run -N3 -n4 flux getattr rank
    exits 7 'the worst exit code of all nodes counts' flux run -N4 -n8 sh -c 'exit $FLUX_TASK_RANK'
    exits 5 'also when it is that of one' flux run -N4 sh -c '[ $FLUX_TASK_RANK != 2 ] || exit 5'
    exits 143 'a signal counts as 128 and more' flux run -N2 sh -c \
        '[ $FLUX_TASK_RANK = 0 ] && kill $$; exit 3'
    exits 127 'a missing program' flux run -N4 no-such-program-here
    prints 400 'many jobs' sh -c 'flux submit --cc=1-200 --watch -N2 -n2 echo | grep -c "^$"'
    done_testing
}

output() {
    prints 400000 'no line is lost' sh -c 'flux run -N4 seq 100000 | wc -l'
    flux run -N4 -l seq 20000 >out.txt
    seq 20000 >out.seq
    for rank in 0 1 2 3; do
        prints ok "the lines of rank $rank are in order" sh -c \
            "grep '^$rank: ' out.txt | cut -d' ' -f2 | cmp - out.seq && echo ok"
    done
    prints 'late' 'output of a job on another node is kept' sh -c '
        id=$(flux submit --requires=rank:3 echo late); flux job wait-event $id clean >/dev/null
        pkill -9 -f -- "flux-shell.*$FLUX_TEST_MARK.*--rank=3"; flux job attach $id'
    flux run -N4 --label-io --output=all.txt sh -c 'echo hi; echo there'
    prints '0: hi
0: there
1: hi
1: there
2: hi
2: there
3: hi
3: there' 'one file for all nodes' sort all.txt
    flux run -N4 --output='o.{{node.id}}' flux getattr rank
    prints '0
1
2
3' 'a file for each node' cat o.0 o.1 o.2 o.3
    echo words >in.txt
    prints 'words
words
words
words' 'a file to read, for all' flux run -N4 --input=in.txt cat
    id=$(flux submit -N4 sh -c 'echo early $FLUX_TASK_RANK; while [ ! -f go ]; do sleep 0.1; done')
    flux job attach "$id" >follow.txt &
    if wait_for 30 sh -c '[ $(grep -c early follow.txt) = 4 ]'; then
        pass 'output is followed while the job runs'
    else
        fail 'output is followed while the job runs' "$(cat follow.txt)"
    fi
    touch go
    wait $!
    done_testing
}

control() {
    id=$(flux submit -N4 sleep 7001)
    succeeds 'start' flux job wait-event "$id" start
    flux cancel "$id"
    exits 143 'a canceled job ends on all nodes' flux job attach "$id"
    succeeds 'and nothing is left' gone 'sleep 7001'
    prints 1 'one exception' told 'exception type="cancel"' "$id"
    prints 1 'one final release' told 'release .*final=true' "$id"
    id=$(flux submit -N4 sh -c 'trap "exit 9" USR1; while :; do sleep 0.1; done')
    succeeds 'start' flux job wait-event "$id" start
    succeeds 'a signal for all' flux job kill --signal=USR1 "$id"
    exits 9 'arrives everywhere' flux job attach "$id"
    says 'type=timeout' 'the time limit' flux run -N4 -t 0.5s sleep 7002
    succeeds 'ends it everywhere' gone 'sleep 7002'
    says 'tasks on 3 of 4 nodes are still running' 'exit-timeout' \
        flux run -N4 -o exit-timeout=0.5s sh -c '[ $FLUX_TASK_RANK = 2 ] || sleep 7003'
    says 'task failed with code 4' 'exit-on-error' \
        flux run -N4 -o exit-on-error sh -c '[ $FLUX_TASK_RANK = 3 ] && exit 4; sleep 7003'
    succeeds 'and nothing is left' gone 'sleep 7003'
    says 'no/such/dir' 'a node that cannot open a file ends the job' \
        flux run -N4 --output='no/such/dir/{{node.id}}' sleep 7004
    done_testing
}

# A client of the wire; $1 is said, the answer printed.
pmi='ask() { echo "$*" >&$PMI_FD; read -r answer <&$PMI_FD; echo "$answer"; }
ask cmd=init pmi_version=1 pmi_subversion=1 >/dev/null
kvs=$(ask cmd=get_my_kvsname); kvs=${kvs##*=}
ask cmd=put kvsname=$kvs key=k$PMI_RANK value=of-$PMI_RANK >/dev/null
ask cmd=barrier_in >/dev/null'

pmi() {
    prints '0 of-1
1 of-2
2 of-3
3 of-4
4 of-5
5 of-6
6 of-7
7 of-0' 'keys travel between nodes' sorted flux run -N4 -n8 sh -c "$pmi"'
echo $PMI_RANK $(ask cmd=get kvsname=$kvs key=k$(((PMI_RANK + 1) % PMI_SIZE))) | sed s/cmd.*value=//
ask cmd=finalize >/dev/null'
    prints '(vector,(0,4,2))' 'so does the shape' sh -c "flux run -N4 -n8 sh -c '$pmi
[ \$PMI_RANK != 5 ] || ask cmd=get kvsname=\$kvs key=PMI_process_mapping' | sed s/.*value=//"
    prints 50 'fifty barriers' sh -c "flux run -N4 -n4 sh -c '$pmi
i=1; while [ \$i -lt 50 ]; do ask cmd=barrier_in >/dev/null; i=\$((i+1)); done
[ \$PMI_RANK != 3 ] || echo \$i'"
    says 'PMI_Abort: rank 6: enough' 'an abort ends all' flux run -N4 -n8 sh -c "$pmi"'
[ $PMI_RANK = 6 ] && echo "cmd=abort exitcode=3 error_msg=enough" >&$PMI_FD; sleep 7005'
    prints x 'none, when it is not wanted' flux run -o pmi=off sh -c 'echo ${PMI_FD}x'
    prints 4 'an instance in a job' flux run -N4 -n4 flux start flux getattr size
    prints '' 'whose program sees nothing of that' sh -c \
        'flux run -N2 -n2 flux start env | grep -E "^(PMI_|FLUX_JOB_ID=)"'
    done_testing
}

# Real MPI programs, where there are compilers for them.
mpi() {
    cat >hello.c <<'EOF'
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    int rank, size, sum;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    printf("%d of %d: %d\n", rank, size, sum);
    MPI_Finalize();
    return 0;
}
EOF
    hello='0 of 4: 6
1 of 4: 6
2 of 4: 6
3 of 4: 6'
    if mpicc.mpich -o hello.mpich hello.c 2>/dev/null; then
        prints "$hello" 'MPICH on one node' sorted flux run -n4 ./hello.mpich
        prints "$hello" 'MPICH on two nodes' sorted flux run -N2 -n4 ./hello.mpich
    fi
    # Shared memory would take ranks of other nodes on this host for its own node's.
    # It loads our libpmi, and with a sanitizer's runtime Open MPI 4.1 trips over itself
    # (opal_pmix_base_partial_commit_packed reads what it has freed).
    if ! ldd "$BUILD/lib/pmi/libpmi.so" | grep -q libasan &&
        mpicc.openmpi -o hello.ompi hello.c 2>/dev/null; then
        prints "$hello" 'Open MPI on one node' sorted flux run -n4 ./hello.ompi
        prints "$hello" 'Open MPI on two nodes' sorted flux run -N2 -n4 \
            --env=OMPI_MCA_btl=tcp,self ./hello.ompi
        prints '12' 'three at a time on one node' sh -c \
            'flux submit --cc=1-3 --watch -n4 ./hello.ompi | grep -c "of 4: 6"'
    fi
    done_testing
}

# A broker dies and returns.
deaths() {
    id=$(flux submit -N4 sh -c 'i=0; while [ ! -f go ]; do echo $i; i=$((i + 1)); sleep 0.1; done
        echo $i >last.$FLUX_TASK_RANK; exit $((FLUX_TASK_RANK + 3))')
    flux job wait-event "$id" start >/dev/null
    ctl 'kill 3 9' >/dev/null
    wait_for 30 sh -c "flux overlay status | grep -Eq ' 3 .*(lost|offline)'" || fail 'rank 3 is missed'
    touch go
    if wait_for 30 test -s last.3; then
        pass 'the job goes on without its broker'
    else
        fail 'the job goes on without its broker'
    fi
    prints 0 'and has not ended for the instance' told ' (finish|exception) ' "$id"
    ctl 'run 3' >/dev/null
    wait_for 60 is_full || fail 'rank 3 returns'
    exits 6 'it ends with its own code' flux job attach "$id"
    for rank in 0 1 2 3; do
        prints "$(cat last.$rank)" "output of rank $rank is complete" sh -c \
            "flux job attach -l $id 2>/dev/null | grep -c '^$rank: '"
    done
    prints 0 'no exception' told ' exception ' "$id"

    id=$(flux submit -N4 sleep 7006)
    flux job wait-event "$id" start >/dev/null
    pkill -9 -f -- "flux-shell.*$FLUX_TEST_MARK.*--rank=2"
    exits 143 'the shell of a rank dies' flux job attach "$id"
    prints 1 'the job is lost once' told 'exception type="lost-shell"' "$id"
    succeeds 'and gone everywhere' gone 'sleep 7006'
    exits 0 'the next job runs there' flux run -N4 true
    done_testing
}

# ... too late.
lost() {
    id=$(flux submit -N4 sh -c "trap '' TERM; sleep 7007")
    flux job wait-event "$id" start >/dev/null
    ctl 'kill 3 9' >/dev/null
    says 'no word from .* \(rank 3\) for 2s' 'a rank that stays away is named' flux job attach "$id"
    prints 1 'the job is lost' told 'exception type="lost-shell"' "$id"
    succeeds 'and ends' flux job wait-event "$id" clean
    if gone 'sleep 7007'; then fail 'on that node it goes on'; else pass 'on that node it goes on'; fi
    ctl 'run 3' >/dev/null
    wait_for 60 is_full || fail 'rank 3 returns'
    if wait_for 60 gone 'sleep 7007'; then
        pass 'until the node returns'
    else
        fail 'until the node returns' "$(flux dmesg | tail -n 20)"
    fi
    prints 1 'nothing is told twice' told ' finish ' "$id"
    exits 0 'the next job runs there' flux run -N4 true
    done_testing
}

case ${FLUX_TEST_INSIDE:-} in
'')
    # The path of its rundir tells a shell of ours from others on this host.
    FLUX_TEST_MARK=$TMP/run
    export FLUX_TEST_MARK
    mkdir "$FLUX_TEST_MARK"
    inside places -s4 --test-cores=8
    inside output -s4 --test-cores=8 --test-rundir="$FLUX_TEST_MARK"
    inside control -s4 --test-cores=8
    inside pmi -s4 --test-cores=8
    inside mpi -s4 --test-cores=8
    inside deaths -s4 --test-cores=8 --test-rundir="$FLUX_TEST_MARK" --conf=exec.orphan-timeout=none
    inside lost -s4 --test-cores=8 --conf=exec.lost-timeout=2s --conf=exec.orphan-timeout=none
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    ;;
esac
