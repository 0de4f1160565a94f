#!/bin/sh
# How brokers find each other: keys, configurations, lists, launchers; and flux pmi.
. "$(dirname "$0")/sys.sh"

free_ports() {
    python3 -c '
import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
for x in s: x.bind(("127.0.0.1", 0))
print(*[x.getsockname()[1] for x in s])' "$1"
}

# ---- inside ----

tasks() {
    says 'completed pmi exchange on 4 tasks' 'by a descriptor' flux run -N2 -n4 flux pmi exchange --count=2
    # our own library, in place of another launcher's
    says 'completed pmi exchange on 4 tasks' 'by a library' \
        flux run -N2 -n4 flux pmi exchange --method="libpmi:$BUILD/lib/pmi/libpmi.so"
    prints '(vector,(0,2,2))' 'what the launcher set' flux run -N2 -n4 flux pmi get PMI_process_mapping
    says 'there is no key x' 'or did not' flux run -N2 -n4 flux pmi get x
    prints '2 libpmi' 'an instance by a library' flux run -N2 -n2 \
        env PMI_LIBRARY="$BUILD/lib/pmi/libpmi.so" FLUX_PMI_CLIENT_METHODS=libpmi \
        flux start sh -c 'echo $(flux getattr size) $(flux getattr broker.boot-method)'
    done_testing
}
if [ -n "${FLUX_TEST_INSIDE:-}" ]; then "$FLUX_TEST_INSIDE"; fi

# ---- keys ----

succeeds 'flux keygen' flux keygen -n test --meta=a=b,c=d key
prints 600 'a key is for its owner' stat -c %a key
says '^ *c = "d"$' 'and carries notes' cat key
grep '^key' key >old
succeeds 'it is made anew' flux keygen key
if grep '^key' key | cmp -s - old; then fail 'as another one'; else pass 'as another one'; fi
succeeds 'one of the user' env HOME="$TMP" flux keygen
prints 600 'has its place' stat -c %a .flux/curve
says 'no/such/place' 'a folder that is not there is named' flux keygen no/such/place/key
says 'KEY=VALUE' 'notes have names' flux keygen --meta=x key

# ---- a configuration ----

read -r p0 p1 <<EOF
$(free_ports 2)
EOF
cat >boot.toml <<EOF
[bootstrap]
curve_cert = "$TMP/key"
default_connect = "tcp://127.0.0.1:%p"
default_port = 1
hosts = [
    { host = "fake0", bind = "tcp://lo:$p0", connect = "tcp://127.0.0.1:$p0" },
    { host = "fake1", bind = "tcp://127.0.0.1:$p1", connect = "tcp://127.0.0.1:$p1" },
    { host = "fake[2-3]" },
]
[tbon]
topo = "kary:2"
EOF
prints '4 config fake[0-3] full' 'four hosts of a configuration' \
    flux start -s4 --test-hosts='fake[0-3]' -c boot.toml \
    sh -c 'echo $(flux getattr size) $(flux getattr broker.boot-method) $(flux getattr hostlist) $(flux overlay status --summary)'
exits 3 'end as others do' flux start -s4 --test-hosts='fake[0-3]' -c boot.toml sh -c 'exit 3'
chmod 644 key
says 'others may read key file' 'a key that others can read is refused' \
    env FLUX_FAKE_HOSTNAME=fake0 flux start -c boot.toml true
chmod 600 key
says 'no entry for this host, fake9' 'a host that is not listed is refused' \
    env FLUX_FAKE_HOSTNAME=fake9 flux start -c boot.toml true
says "parent broker 0 at tcp://127.0.0.1:$p0 does not answer" 'a parent that is not there is named' \
    env FLUX_FAKE_HOSTNAME=fake1 flux start -c boot.toml -Stbon.connect_timeout=0.2s true
sed 's/fake\[2-3\]/fake[0-3]/' boot.toml >twice.toml
says 'fake0 is rank 0 and rank 2' 'a host that is listed twice is named' \
    env FLUX_FAKE_HOSTNAME=fake0 flux start -c twice.toml true

# ---- a list of addresses ----

cat >list.conf <<EOF
session-id = "listed"
curve_cert = "$TMP/key"
tbon-endpoints = ["ipc://$TMP/e0", "ipc://$TMP/e1"]
EOF
echo 'rank = 1' | cat list.conf - >list1.conf
flux broker -Sboot.config_file=list1.conf -Srundir="$TMP/run1" >one.txt 2>&1 &
one=$!
prints '2 config listed' 'two brokers of a list' flux broker -Sboot.config_file=list.conf -Srundir="$TMP/run0" \
    sh -c 'echo $(flux getattr size) $(flux getattr broker.boot-method) $(flux getattr session-id)'
if wait $one; then pass 'end together'; else fail 'end together' "$(cat one.txt)"; fi
echo 'rank = 2' | cat list.conf - >list2.conf
says 'rank is 2, but the last of 2' 'a rank too many is named' flux broker -Sboot.config_file=list2.conf true
flux keygen other
sed "s|$TMP/key|$TMP/other|" list1.conf >foreign.conf
flux broker -Sboot.config_file=foreign.conf -Stbon.connect_timeout=60s \
    -Slog-stderr-level=6 -Slog-stderr-mode=local >foreign.txt 2>&1 &
foreign=$!
says '^1$' 'one with another key is not let in' flux broker -Sboot.config_file=list.conf -Srundir="$TMP/run0" \
    -Sbroker.quorum=1 sh -c "
        until flux dmesg | grep -q 'refused'; do sleep 0.1; done
        flux exec -r 0 echo 1"
kill $foreign 2>/dev/null
wait $foreign 2>/dev/null
says 'its key is not ours' 'and told why' cat foreign.txt

# ---- flux pmi ----

says '^singleton: completed pmi exchange on 1 tasks in 0' 'flux pmi, alone' flux pmi exchange
says 'no launcher' 'without the launcher it asks for' flux pmi get --method=simple x
says '/no/such/libpmi.so' 'or the library' flux pmi barrier --method=libpmi:/no/such/libpmi.so
inside tasks -s2 --test-cores=4

# ---- a launcher of others ----

if command -v mpiexec.hydra >/dev/null; then
    says '^4$' "MPICH's mpiexec" mpiexec.hydra -n 4 flux start flux getattr size
    exits 3 'has the exit code' mpiexec.hydra -n 2 flux start sh -c 'exit 3'
fi
done_testing
