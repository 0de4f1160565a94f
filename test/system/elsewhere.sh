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
    says '^.: *$|No such file' 'relay of nothing' flux relay /no/such/socket
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
