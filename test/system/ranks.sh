#!/bin/sh
# Commands on an instance of four brokers that pretend to be on three hosts.
. "$(dirname "$0")/sys.sh"

look() {
    prints 4 'size' flux getattr size
    says '^ +free +4 +16 +0 alpha,beta,gamma,gamma$' 'all nodes are free' flux resource list
    prints 'alpha 0
beta 1
gamma 2-3' 'lookup of hosts' sh -c 'for h in alpha beta gamma; do echo $h $(flux overlay lookup $h); done'
    prints 'beta,gamma' 'lookup of ranks' flux overlay lookup 1-2
    prints 0 'parentof' flux overlay parentof 1
    prints 1 'parentof' flux overlay parentof 3
    says 'has no parent' 'parentof the root' flux overlay parentof 0
    prints full 'overlay status --summary' flux overlay status --summary
    prints '0 alpha: full
├─ 1 beta: full
│  └─ 3 gamma: full
└─ 2 gamma: full' 'overlay status' flux overlay status
    prints '1 beta: full
└─ 3 gamma: full' 'overlay status --rank' flux overlay status -r 1
    says '^<<2 gamma>>: full for [0-9.]+s$' 'overlay status -H -v' flux overlay status -v --no-pretty -H 2
    prints full 'overlay status --wait' flux overlay status --summary --wait=full -t 30
    says 'takes too long' 'a status that does not come' flux overlay status --wait=lost -t 0.1
    prints '' 'no errors' flux overlay errors
    says ' size 4' 'uptime' flux uptime
    says '^3!broker.ping .*time=' 'ping -r' flux ping -r 3 -c 1 broker
    says 'No route to host' 'ping of a rank that is not there' flux ping -r 4 -c 1 broker
    prints 2 'getattr elsewhere' flux exec -r 2 flux getattr rank
    prints 5 'setattr elsewhere' flux exec -r 2 sh -c 'flux setattr my.attr 5; flux getattr my.attr'
    says 'my.attr' 'is not ours' flux getattr my.attr
    says '\[3\]: ' 'rank 0 has the log of others' flux dmesg
    says 'resource' 'module list -r' flux module list -r 3
    succeeds 'module reload -r' flux module reload -r 1-3 resource
    says 'rank 2: .*nosuch' 'module load -r' flux module load -r 2-3 nosuch
}

processes() {
    prints '0: 0
1: 1
2: 2
3: 3' 'exec -l on all' sh -c 'flux exec -l flux getattr rank | sort'
    prints '1
3' 'exec -r -x' sh -c 'flux exec -r 1-3 -x 2 flux getattr rank | sort'
    exits 3 'the worst exit code' flux exec -q sh -c 'exit $(flux getattr rank)'
    says '\[3\]: Exit 3' 'is named' flux exec sh -c 'exit $(flux getattr rank)'
    exits 137 'a signal' flux exec -q -r 2 sh -c 'kill -9 $$'
    exits 68 'a rank that is not there' flux exec -r 1,9 true
    says 'rank 9: .*cannot be reached' 'is named' flux exec -r 9 true
    seq 1 20000 >in.txt
    prints '4 20000' 'stdin goes to all' sh -c 'flux exec wc -l <in.txt | sort | uniq -c | sed "s/^ *//"'
    prints '80000' 'much output of all' sh -c 'flux exec -n seq 1 20000 | wc -l'
    prints '4 20000' 'is put out in whole lines' sh -c \
        'flux exec -n -l seq 1 20000 | grep -E "^[0-3]: [0-9]+$" | cut -d: -f1 | sort | uniq -c |
         sed "s/^ *//; s/ [0-3]$//" | sort | uniq -c | sed "s/^ *//"'
    prints "$(cd / && pwd)" 'exec --dir' flux exec -r 3 -d / pwd
}

nodes() {
    succeeds 'drain by host' flux resource drain gamma warm
    says '^ +free +2 +8 +0 alpha,beta$' 'its nodes are not free' flux resource list
    says '^ +drained +✗ +2 gamma,gamma$' 'resource status' flux resource status
    prints '2-3 warm' 'drain lists' flux resource drain -n -o '{ranks} {reason}'
    says '2 drained' 'uptime counts' flux uptime
    prints '0
1' 'jobs go elsewhere' sh -c 'flux run -N2 flux getattr rank | sort'
    id=$(flux submit -N3 true)
    prints SCHED 'what needs more waits' flux jobs -n -o '{state}' "$id"
    succeeds 'undrain by rank, elsewhere' flux exec -r 1 flux resource undrain 2
    exits 0 'and starts' flux job status "$id"
    prints '3' 'one is still drained' flux resource status -n -s drain -o '{ranks}' --skip-empty
    succeeds 'undrain' flux resource undrain 3
    says 'not drained' 'undrain of what is not' flux resource undrain 3
    says 'no such host' 'drain of a strange host' flux resource drain delta
    says '^4 Nodes, 16 Cores' 'resource info' flux resource info
    says '^ +all +1 +4 +0 beta' 'list of one' flux resource list -s all -i beta
}

places() {
    job() { flux run "$@" flux getattr rank | sort | uniq -c | sed 's/^ *//'; }
    prints '1 0
1 1
1 2
1 3' '-N4' job -N4
    prints '4 0
4 1' '-N2 -n8' job -N2 -n8
    id=$(flux submit -N1 --exclusive true)
    flux job status "$id"
    prints '4' '--exclusive is a whole node' flux jobs -n -o '{ncores}' "$id"
    prints '4 16' '-n16 takes all' sh -c 'flux jobs -n -o "{nnodes} {ncores}" $(id=$(flux submit -n16 true); flux job status $id; echo $id)'
}

case ${FLUX_TEST_INSIDE:-} in
'')
    for fn in look processes nodes places; do
        inside $fn --test-size=4 --test-hosts=alpha,beta,gamma,gamma --test-cores=4 -Stbon.topo=kary:2
    done
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
