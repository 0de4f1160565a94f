#!/usr/bin/env python3
"""Garbage is collected again and again while commits, checkpoints and snapshots go on: there is garbage, nobody
waits for its end, and every key and every snapshot that was told of stays whole, also for the next instance."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../wire"))
from checks import check, equal, failures, instance, of_build
from wire import *

of_build(sys.argv[1])
ROUNDS = 10     # of garbage collection
COMMITS = 40    # between two of them
KEYS = 40
SYNC = 4


def ask(c, topic, payload):
    errnum, text = c.rpc(topic, payload)
    if errnum:
        raise RuntimeError(f"{topic}: {errnum}: {text}")
    return json.loads(text) if text else {}


def value(n):
    """That of commit n: in the node, a blob of its own, or a rope of several."""
    return f"{n} " + "v" * (5, 9000, 40, 70000)[n % 4]


class Load(threading.Thread):
    """Commits one after another, some with a checkpoint, and takes a snapshot now and then."""

    def __init__(self):
        super().__init__()
        self.turn = threading.Condition()
        self.commits = 0
        self.keys = {}
        self.snapshots = []  # (reference, what it has)
        self.over = False
        self.error = None

    def commit(self, c, n):
        key = f"load.d{n % 7}.k{n * 31 % KEYS}"
        data = base64.b64encode(value(n).encode()).decode()
        gone = [] if n % 9 else sorted(self.keys)[:1]
        ops = [{"key": k, "flags": 0, "dirent": None} for k in gone] + \
            [{"key": key, "flags": 0, "dirent": {"ver": 1, "type": "val", "data": data}}]
        ask(c, "kvs.commit", {"namespace": "primary", "flags": 0 if n % 15 else SYNC, "ops": ops})
        for k in gone:
            del self.keys[k]
        self.keys[key] = n

    def run(self):
        try:
            with client(timeout=60) as c:
                while not self.over:
                    n = self.commits + 1
                    self.commit(c, n)
                    if n % 25 == 0:
                        root = ask(c, "kvs.getroot", {"namespace": "primary", "flags": 0})["rootref"]
                        self.snapshots.append((root, dict(self.keys)))
                    with self.turn:
                        self.commits = n
                        self.turn.notify()
        except Exception as e:
            with self.turn:
                self.error = e
                self.turn.notify()

    def wait(self, n):
        """Until there were that many commits: false when there will not be."""
        with self.turn:
            self.turn.wait_for(lambda: self.commits >= n or self.error)
        return not self.error


def differences(c, keys, at=None):
    """What is not as it was told: the keys that are there, and all of their values."""
    where = {"rootdir": {"ver": 1, "type": "dirref", "data": [at]}} if at else {"namespace": "primary"}
    bad = []
    for k, n in keys.items():
        errnum, text = c.rpc("kvs.lookup", {"key": k, "flags": 0, **where})
        if errnum or base64.b64decode(json.loads(text)["val"]["data"]).decode() != value(n):
            bad.append((k, n, errnum, text[:80]))
    return bad


def look(load, when):
    with client(timeout=60) as c:
        ask(c, "kvs.dropcache", {})
        equal(differences(c, load.keys), [], f"{when} all keys are whole")
        bad = [d for root, keys in load.snapshots for d in differences(c, keys, root)]
        equal(bad[:3], [], f"{when} all {len(load.snapshots)} snapshots are")
    fsck = subprocess.run(["flux", "fsck"], capture_output=True, text=True)
    check(fsck.returncode == 0, f"{when} fsck finds nothing", fsck.stdout + fsck.stderr)


def collect_beside_commit(c, n):
    """Objects deleted, and whether a commit that was sent later was answered first."""
    ops = [{"key": "beside", "flags": 0, "dirent": {"ver": 1, "type": "val", "data": base64.b64encode(b"%d" % n).decode()}}]
    c.send(message(REQUEST, "kvs.gc", {}, aux2=1))
    c.send(message(REQUEST, "kvs.commit", {"namespace": "primary", "flags": 0, "ops": ops}, aux2=2))
    answers = [c.get()[1:] for _ in range(2)]
    equal([errnum for errnum, _, _ in answers], [0, 0], "neither fails")
    return next(json.loads(text)["blobs"] for _, tag, text in answers if tag == 1), answers[0][1] == 2


def collect(load):
    freed = during = rounds = 0
    with client(timeout=60) as c:
        for rounds in range(1, ROUNDS + 1):
            ask(c, "kvs.dropcache", {})
            before = load.commits
            blobs, first = collect_beside_commit(c, rounds)
            freed += blobs
            during += first
            if not load.wait(before + COMMITS):
                break
    check(rounds == ROUNDS and not load.error, "the load goes on", load.error)
    check(freed > 0, "there was garbage")
    check(during > 0, "commits do not wait for the end of it")
    print(f"# {rounds} collections, {freed} objects deleted; {load.commits} commits, {during} answered meanwhile")


def main():
    load = Load()
    with tempfile.TemporaryDirectory(prefix="flux-kvs-gc-") as where:
        options = ("--statedir=" + where + "/state", "--test-cores=1")
        with instance(*options):
            load.start()
            try:
                if load.wait(COMMITS):
                    collect(load)
            finally:
                load.over = True
                load.join()
            equal(load.error, None, "no request fails")
            look(load, "afterwards")
        with instance(*options):
            with client(timeout=60) as c:
                ask(c, "kvs.gc", {})  # nothing is in memory: what is kept is kept by roots and pins
            look(load, "in the next instance, after one more collection,")
    sys.exit(len(failures) > 0)


main()
