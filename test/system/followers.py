#!/usr/bin/env python3
"""The KVS on four real brokers in a chain, 0-1-2-3, each of them killed with SIGKILL: what a client
has seen at a broker it finds there again, whatever happens; and what only the leader knows is asked
of it by the others."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../claims"))
from checks import check, equal, failures, of_build, sanitized
from tree import Tree

BUILD = of_build(sys.argv[1])
SIZE = 4


class Kvs:
    """flux kvs at one broker."""

    def __init__(self, tree, rank):
        self.tree, self.rank = tree, rank

    def run(self, *argv, guest=False):
        env = dict(os.environ, FLUX_URI=self.tree.uri(self.rank))
        if guest:
            env.update(FLUX_HANDLE_USERID="4711", FLUX_HANDLE_ROLEMASK="2")
        return subprocess.run(["flux", "kvs", *argv], env=env, capture_output=True, text=True, timeout=60)

    def __call__(self, *argv):
        out = self.run(*argv)
        return out.stdout.strip() if out.returncode == 0 else "error: " + out.stderr.strip()

    def sees(self, writer, ns="primary"):
        """Wait for what was written at another broker."""
        return self("wait", "-N", ns, writer("version", "-N", ns))

    def comes_to(self, text, *argv):
        """Other brokers hear of a removal by and by: each try is a round trip."""
        deadline = time.monotonic() + 60
        while text not in (out := self(*argv)) and time.monotonic() < deadline:
            pass
        return text in out

    def stats(self):
        return json.loads(self.tree.flux(self.rank, "module", "stats", "kvs").stdout)


def reads(at):
    at[0]("put", "a.b=1", "a.c=2", "top=" + "x" * 300)
    for rank in range(1, SIZE):
        at[rank].sees(at[0])
        equal(at[rank]("get", "a.b"), "1", f"rank {rank} reads what rank 0 has written")
        equal(at[rank]("get", "top"), "x" * 300, f"rank {rank} reads a value in a blob")
    equal(at[3]("put", "a.b=3"), "", "rank 3 writes")
    for rank in (3, 1, 2, 0):
        at[rank].sees(at[3])
        equal(at[rank]("get", "a.b"), "3", f"rank {rank} reads it")
    before = at[3].stats()
    for _ in range(3):
        at[3]("get", "a.b")
    after = at[3].stats()
    equal((after["lookups"] - before["lookups"], after["loads"] - before["loads"]), (3, 0),
          "what it has is not loaded again")
    at[3]("dropcache")
    equal(at[3]("get", "a.c"), "2", "but it is when it was forgotten")
    equal(at[2]("get", "--linearizable", "a.b"), "3", "rank 2 reads at the leader")
    check("No such" in at[3]("get", "a.none"), "a key that is not there")
    equal(at[3]("dir", "-R", "a"), "a.b = 3\na.c = 2", "rank 3 lists a directory")


def large(at):
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as f:
        f.write("flux kvs put " + " ".join(f"many.k{i}={i}" for i in range(2000)))
        f.flush()
        subprocess.run(["sh", f.name], env=dict(os.environ, FLUX_URI=at[0].tree.uri(0)), check=True)
    at[3].sees(at[0])
    listed = at[3]("dir", "many").splitlines()
    equal(len(listed), 2000, "rank 3 lists a directory of many nodes")
    at[2]("put", "value=" + "v" * 100000)
    at[3].sees(at[2])
    equal(at[3]("get", "value"), "v" * 100000, "rank 3 reads a value of many blobs")


def snapshots(at):
    at[0]("put", "s=old")
    at[3].sees(at[0])
    ref = at[3]("getroot")
    at[1]("put", "s=new")
    for rank in range(SIZE):
        at[rank].sees(at[1])
        equal(at[rank]("get", "--at", ref, "s"), "old", f"rank {rank} reads in a snapshot")
        equal(at[rank]("get", "s"), "new", f"rank {rank} reads the current version")
    out = at[3].run("get", "--at", ref, "s", guest=True)
    check(out.returncode != 0 and "permitted" in out.stderr, "a guest does not", out.stderr)


def namespaces(at):
    equal(at[3]("namespace", "create", "n"), "", "rank 3 makes a namespace")
    at[3]("put", "-N", "n", "x=1")
    at[2].sees(at[3], "n")
    equal(at[2]("get", "-N", "n", "x"), "1", "rank 2 reads there")
    equal(at[1]("link", "--target-namespace=n", "x", "over"), "", "rank 1 makes a link")
    at[3].sees(at[1])
    equal(at[3]("get", "over"), "1", "rank 3 follows a link to another namespace")
    out = at[2].run("get", "-N", "n", "x", guest=True)
    check(out.returncode != 0 and "permitted" in out.stderr, "a guest does not read there", out.stderr)
    out = at[2].run("put", "-N", "n", "x=9", guest=True)
    check(out.returncode != 0 and "permitted" in out.stderr, "nor write", out.stderr)
    out = at[2].run("put", "x=9", guest=True)
    check(out.returncode != 0 and "permitted" in out.stderr, "nor in the primary one", out.stderr)
    equal(at[1]("namespace", "remove", "n"), "", "rank 1 removes it")
    check("no such namespace" in at[1]("get", "-N", "n", "x"), "it is gone there")
    check(at[3].comes_to("no such namespace", "get", "-N", "n", "x"), "it is gone at rank 3")
    at[2]("namespace", "create", "n")
    check("No such" in at[3]("get", "-N", "n", "x"), "a new one of that name is empty at rank 3")
    at[2]("put", "-N", "n", "x=2")
    at[3].sees(at[2], "n")
    equal(at[3]("get", "-N", "n", "x"), "2", "and is read there")
    at[2]("namespace", "create", "-o", "4711", "theirs")
    equal(at[3].run("put", "-N", "theirs", "y=5", guest=True).returncode, 0, "a guest writes to their own")
    at[2].sees(at[3], "theirs")
    equal(at[2].run("get", "-N", "theirs", "y", guest=True).stdout.strip(), "5", "and reads there")


def private(tree):
    if sanitized(BUILD):
        return  # the interpreter has no sanitizer
    for topic, payload in (("kvs.root", '{"namespace":"primary","id":0,"version":0}'), ("kvs.fetch", "{}"),
                           ("kvs.follow", "{}")):
        env = dict(os.environ, FLUX_URI=tree.uri(2), FLUX_HANDLE_USERID="4711", FLUX_HANDLE_ROLEMASK="2",
                   PYTHONPATH=BUILD + "/bindings/python")
        code = f"import flux\nflux.Flux().rpc('{topic}', '{payload}').get()"
        out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
        check("ermission" in out.stderr or "permitted" in out.stderr or "owner" in out.stderr,
              f"{topic} is not for guests", out.stderr)


def watches(at):
    """Who has been told by a watch finds it with a lookup at the same broker."""
    at[0]("put", "w=0")
    at[3].sees(at[0])
    env = dict(os.environ, FLUX_URI=at[3].tree.uri(3))
    p = subprocess.Popen(["flux", "kvs", "get", "--watch", "--count=11", "w"], env=env,
                         stdout=subprocess.PIPE, text=True)
    stale = []
    for i in range(11):
        told = int(p.stdout.readline())
        found = int(at[3]("get", "w"))
        if found < told:
            stale.append((told, found))
        at[i % 3]("put", f"w={told + 1}")
    p.wait(60)
    equal(stale, [], "a lookup is not older than what a watch has told")


def wait_versions(at):
    version = int(at[0]("version"))
    out = []
    t = threading.Thread(target=lambda: out.append(at[3]("wait", str(version + 1))))
    t.start()
    late = threading.Thread(target=lambda: out.append(at[3]("get", f"--min-version={version + 1}", "w")))
    late.start()
    at[1]("put", "w=last")
    t.join(60)
    late.join(60)
    check(len(out) == 2 and "last" in out, "rank 3 waits for a version", out)


def recovers(tree, at, rank, what):
    """SIGKILL, and again; nobody may see less than before."""
    seen = {}
    for r in range(1, SIZE):
        at[r]("put", f"last{r}={what}")
        seen[r] = int(at[r]("version"))
    tree.signal(rank, signal.SIGKILL)
    below = [r for r in range(1, SIZE) if r > rank]
    for r in below[:1]:
        equal(at[r]("get", f"last{r}"), what, f"rank {r} reads what it has when {rank} is dead")
    tree.start(rank)
    tree.wait_full()
    for r in range(1, SIZE):
        version = int(at[r]("version"))
        check(version >= seen[r], f"rank {r} is at version {version} once {rank} is back", seen[r])
        equal(at[r]("get", f"last{r}"), what, f"rank {r} reads what it has written")
    at[0]("put", f"after={what}")
    for r in range(1, SIZE):
        at[r].sees(at[0])
    equal([at[r]("get", "after") for r in range(1, SIZE)], [what] * (SIZE - 1), "all read what comes after")


def main():
    top = tempfile.mkdtemp(prefix="flux-followers-")
    tree = Tree(top, SIZE, "-Stbon.topo=kary:1")
    at = [Kvs(tree, rank) for rank in range(SIZE)]
    tree.start_all()
    try:
        tree.wait_full()
        reads(at)
        large(at)
        snapshots(at)
        namespaces(at)
        private(tree)
        watches(at)
        wait_versions(at)
        for rank, what in ((3, "leaf"), (1, "inner"), (0, "leader")):
            recovers(tree, at, rank, what)
    finally:
        equal(tree.stop(), 0, "all leave in good order")
    if failures:
        for rank in range(SIZE):
            with open(f"{top}/broker-{rank}.log") as f:
                print(f"# rank {rank}\n" + "".join("# " + line for line in f))
    shutil.rmtree(top)
    sys.exit(bool(failures))


main()
