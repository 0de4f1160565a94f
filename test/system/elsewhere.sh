#!/bin/sh
# Connections to instances that are somewhere else: ssh, relay, uri.
. "$(dirname "$0")/sys.sh"

# In ssh's place: writes down how it was called, and runs the command on this host.
cat >ssh <<'END'
#!/bin/sh
printf '%s|' "$@" >>ssh.log
echo >>ssh.log
[ "$1" = -p ] && shift 2
shift
exec sh -c "$*"
END
chmod +x ssh
FLUX_SSH=$TMP/ssh
export FLUX_SSH

all() {
    path=${FLUX_URI#local://}
    prints "$FLUX_URI" 'uri of this instance' flux uri .
    prints "$FLUX_URI" 'uri of the outermost instance' flux uri /
    prints "ssh://$(hostname)$path" 'uri --remote' flux uri --remote .
    prints "$FLUX_URI" 'uri --local' flux uri --local "ssh://there$path"
    prints "$FLUX_URI" 'uri of a process' flux uri "pid:$$"
    prints "$FLUX_URI" 'uri of a broker' flux uri "pid:$(flux getattr broker.pid)"
    says 'no such job' 'a job that is not there' flux uri f55
    says 'not a job id' 'a target that is none' flux uri 'what?local'
    id=$(flux submit sleep 600)
    says 'not an instance' 'a job that is no instance' flux uri "$id"
    flux cancel "$id"
    says 'has ended' 'a job that has ended' flux uri --wait "$id"
    says 'has no parent' 'no parent' flux uri ..

    prints 1 'ssh://' env FLUX_URI="ssh://there$path" flux getattr size
    prints 1 'ssh:// with user and port' env FLUX_URI="ssh://me@there:77$path" flux getattr size
    says "^-p[|]77[|]me@there[|].*/flux relay $path[|]$" 'ssh is called so' cat ssh.log
    prints hello 'a job over ssh' env FLUX_URI="ssh://there$path" flux run echo hello
    head -c 3000000 /dev/urandom >big
    if FLUX_URI=ssh://there$path flux exec cat <big | cmp - big; then
        pass 'megabytes over ssh, both ways'
    else
        fail 'megabytes over ssh, both ways'
    fi
    : >ssh.log
    prints 1 'FLUX_SSH_RCMD' env FLUX_SSH_RCMD="env A=b $BUILD/cmd/flux" \
        FLUX_URI="ssh://there$path" flux getattr size
    says "^there[|]env A=b .*/flux relay" 'is what runs there' cat ssh.log
    says 'No such file' 'no broker there' env FLUX_URI=ssh://there/no/such flux getattr size
    says 'ssh ended before' 'no connection' env FLUX_SSH=false FLUX_URI=ssh://there/x flux getattr size
    says 'nosuchssh.*|No such file' 'no ssh' env FLUX_SSH=/nosuchssh FLUX_URI=ssh://there/x flux getattr size
    : >ssh.log
    says 'not of the form' 'a host that is an option' env FLUX_URI=ssh://-oProxyCommand=x/y flux getattr size
    prints '' 'is never given to ssh' cat ssh.log
    mkdir "it's a folder"
    says "it's a folder/sock" 'odd paths arrive' env FLUX_URI="ssh://there$PWD/it's a folder/sock" flux getattr size
    says 'No such file' 'relay of nothing' flux relay /no/such/socket
    proxies
}

proxies() {
    : >ssh.log
    cat >inner.sh <<'END'
echo "$FLUX_PROXY_REMOTE"
flux getattr size
flux event sub -c 2 px. >events.txt &
sub=$!
until [ "$(wc -l <events.txt)" -ge 1 ]; do flux event pub -s px.first; done >/dev/null
flux event pub px.second '{"a":1}'
wait "$sub"
flux run echo job
flux exec echo process
flux job status 999 2>/dev/null
echo "${FLUX_URI#local://}" >socket.txt
exit 7
END
    prints 'there
1
job
process' 'a program behind a proxy' flux proxy "ssh://there$path" sh inner.sh
    says '^px.first' 'it hears events' cat events.txt
    prints 1 'all of it over one connection' sh -c 'wc -l <ssh.log'
    [ -n "$(cat socket.txt)" ] && [ ! -e "$(cat socket.txt)" ] &&
        pass 'the socket is gone' || fail 'the socket is gone'
    exits 7 "the program's exit code is given" flux proxy "$FLUX_URI" sh -c 'exit 7'
    exits 127 'a missing program' flux proxy "$FLUX_URI" no-such-program
    exits 143 'a program ended by a signal' flux proxy "$FLUX_URI" sh -c 'kill -TERM $$'
    says 'no such job' 'a missing instance' flux proxy f55 true
}

# An instance that goes away and comes back, with a proxy in front of it.
leaving() {
    mkfifo hold told
    start_other() {
        flux start --statedir="$TMP/state" sh -c 'echo "$FLUX_URI" >told; read -r x' <hold &
        other=$!
        exec 8>hold
        read -r uri <told
    }
    start_other
    flux proxy "$uri" sh -c 'trap "echo hup; exit 5" HUP; echo up; while :; do sleep 0.1; done' >hup.txt 2>err.txt &
    first=$!
    flux proxy --nohup "$uri" sh -c 'echo up; until [ -e go ]; do sleep 0.1; done; flux getattr size; exit 6' >nohup.txt 2>&1 &
    second=$!
    flux proxy --reconnect "$uri" sh -c 'echo up; until [ -e go ]; do sleep 0.1; done
        until flux getattr size; do sleep 0.1; done; exit 0' >again.txt 2>&1 &
    third=$!
    for f in hup nohup again; do wait_for 30 grep -q up $f.txt || fail "$f came up"; done
    kill -9 "$(FLUX_URI=$uri flux getattr broker.pid)"
    exec 8>&-
    wait "$other"
    wait "$first"
    code=$?
    [ "$code" -eq 5 ] && pass 'the program is hung up on' || fail 'the program is hung up on' "exit $code"
    says 'connection to the instance is lost' 'and the reason is told' cat err.txt
    start_other
    touch go
    wait "$second"
    code=$?
    [ "$code" -eq 6 ] && pass 'with --nohup it is not' || fail 'with --nohup it is not' "exit $code"
    says 'No route to host' 'but has nobody to talk to' cat nohup.txt
    wait "$third"
    code=$?
    [ "$code" -eq 0 ] && pass 'with --reconnect it goes on' || fail 'with --reconnect it goes on' "$(cat again.txt)"
    says '^1$' 'and is answered' cat again.txt
    exec 8>&-
    wait "$other"
}

case ${FLUX_TEST_INSIDE:-} in
'')
    inside all --test-cores=4
    leaving
    exit $((failures > 0))
    ;;
*)
    "$FLUX_TEST_INSIDE"
    done_testing
    ;;
esac
