#!/bin/sh
# Instances within instances.
. "$(dirname "$0")/sys.sh"

facts='flux getattr instance-level; flux getattr size; flux getattr jobid-path
    flux resource list -n -s all -o "{nnodes} {ncores} {ranks} {nodelist}"'

deep() {
    prints '0
4
/
4 16 0-3 a,b,c,d' 'the outermost' sh -c "$facts"
    flux submit -N1 -n1 -c4 sleep 600 >/dev/null # so that rank 0 is not free
    prints "1
2
/f3
2 6 0-1 b,c" 'one within, on the second and third node' flux run -N2 -n2 -c3 flux start sh -c "$facts"
    prints '3' 'cores keep their numbers' sh -c 'flux run -n1 -c1 true
        id=$(flux submit -N1 -n1 -c3 sleep 600); flux job wait-event $id start >/dev/null
        flux run -N1 -n1 -c1 flux start sh -c "flux resource R" | grep -o "\"core\":\"[0-9]*\"" | tr -dc 0-9
        flux cancel $id'
    flux cancel --all -q
    id=$(flux submit -N2 -n2 -c2 -t 10m flux start sh -c 'flux submit -N1 flux start sleep inf; sleep inf')
    uri=$(flux uri --wait "$id")
    says '^ssh://a/' 'it tells its URI' echo "$uri"
    prints "$uri" 'flux jobs shows it' flux jobs -n -o '{uri}' "$id"
    near=$(flux uri --local "$id")
    prints "$id" 'jobid' env FLUX_URI="$near" flux getattr jobid
    prints "$FLUX_URI" 'parent-uri' env FLUX_URI="$near" flux getattr parent-uri
    prints 4 'flux --parent' env FLUX_URI="$near" flux --parent getattr size
    prints "job-$(flux job id --to=dec "$id")" 'parent-kvs-namespace' env FLUX_URI="$near" flux exec -r 1 flux getattr parent-kvs-namespace
    prints 1 'on other ranks too' env FLUX_URI="$near" flux exec -r 1 flux getattr instance-level
    left=$(FLUX_URI=$near flux resource R | grep -o '"expiration":[0-9]*' | cut -d: -f2)
    now=$(date +%s)
    if [ "$left" -gt "$((now + 300))" ] && [ "$left" -le "$((now + 600))" ]; then
        pass 'it ends when the job does'
    else
        fail 'it ends when the job does' "$left at $now"
    fi
    wait_for 60 env FLUX_URI="$near" sh -c '[ -n "$(flux jobs -n -o "{uri}")" ]'
    inner=$(FLUX_URI=$near flux jobs -n -o '{id}')
    prints 2 'two deep by path' env FLUX_URI="$(flux uri --local "$id/$inner")" flux getattr instance-level
    prints "$(FLUX_URI=$near flux getattr jobid-path)/$(flux job id --to=f58plain "$inner")" 'jobid-path' \
        env FLUX_URI="$(flux uri --local "$id/$inner")" flux getattr jobid-path
    prints "$(flux uri "$id")" 'a path through the parent' env FLUX_URI="$near" flux uri "../$id"
    prints 2 'proxy by job id' flux proxy "$id?local" flux getattr size
    prints '.
└── flux
    └── flux' 'pstree' env FLUX_URI_RESOLVE_LOCAL=1 flux pstree
    succeeds 'shutdown by job id' flux shutdown "$id?local"
    flux job wait-event -q "$id" clean >/dev/null 2>&1
    says 'has ended' 'it is gone' flux uri "$id"
    id=$(flux submit -N2 -n4 --output=differ.txt flux start true)
    wait_for 60 grep -q brokers differ.txt
    says '4 brokers were started on the 2 nodes of job' 'brokers and nodes differ' cat differ.txt
    flux cancel "$id"
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside deep --test-size=4 --test-hosts=a,b,c,d --test-cores=4
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
