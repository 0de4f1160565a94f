#!/usr/bin/env python3
"""State of some size: listings, queries, a reader that stops, purge, and a restart, over tens of thousands of
jobs whose rows were repeated in the store."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))
from checks import equal, failures, of_build, sanitized
from state import MOCK, Instance, flux, repeat

BUILD = of_build(sys.argv[1])
INACTIVE, ACTIVE, SLOW_MAX = 60000, 2000, 12
SANITIZED = sanitized(BUILD)


def done(*argv):
    out = flux(*argv)
    if out.returncode:
        sys.exit(f"flux {' '.join(argv)}: {out.stderr}")
    return out.stdout


def fill(instance):
    """One finished job of each kind, one that waits, and copies of two of them. Their ids."""
    instance.start()
    done("run", "echo", "hello")
    ids = {"hello": done("job", "last").strip()}
    flux("submit", "--wait", "--job-name=fails", MOCK.replace("1s", "0.01s"),
         '-Sexec.test.mock_exception="run"', "true")
    done("submit", "--wait", "--job-name=many", MOCK.replace("1s", "0.01s"), "true")
    done("queue", "stop")
    done("submit", "--job-name=waits", MOCK.replace("1s", "0.01s"), "true")
    instance.stop()
    db = sqlite3.connect(instance.statedir + "/store.sqlite", isolation_level=None)
    by_name = dict(db.execute("SELECT name,id FROM job"))
    db.execute("BEGIN")
    repeat(db, by_name["many"], 1000, INACTIVE - 1)
    repeat(db, by_name["waits"], 1000000, ACTIVE - 1)
    db.execute("UPDATE meta SET v='2000000' WHERE k='job-manager.max-id'")
    db.execute("COMMIT")
    db.close()
    return ids


def count(*argv):
    return len(done("jobs", "-n", "-c", "0", "-o", "{id}", *argv).split())


def queries():
    total = INACTIVE + 2
    equal(done("jobs", "--stats-only").strip(), f"0 running, {total - 1} completed, 1 failed, {ACTIVE} pending",
          "statistics count the rows")
    equal(count("--name=many", "-a"), INACTIVE, "by name")
    equal(count("--name=fails", "-a"), 1, "by a rare name")
    equal(count("--filter=failed"), 1, "by result")
    equal(count("--filter=pending", "--name=waits"), ACTIVE, "active ones by name")
    equal(count("-a", "--name=nosuch"), 0, "by a name that nobody has")
    equal(count("-a", "--queue=nosuch"), 0, "by a queue that nobody has")
    equal(count("-a", "--user=12345"), 0, "by another user")
    equal(len(done("jobs", "-a", "-n").splitlines()), 1000, "a thousand by default")
    equal(len(done("jobs", "-n", "-c", "7").splitlines()), 7, "no more active ones than asked for")
    equal(len(json.loads(done("jobs", "-a", "-c", "0", "--json"))["jobs"]), total + ACTIVE, "all of them")


def mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"Pss:\s+(\d+)", f.read()).group(1)) / 1024.


def slow_reader(instance):
    """Its output is not read: what waits for it must not pile up in the broker."""
    argv = ["flux", "jobs", "-a", "-c", "0", "--json", "--filter=completed"]
    before = mib(instance.broker.pid)
    p = subprocess.Popen(argv, stdout=subprocess.PIPE)
    first = p.stdout.read(1)
    # Others are served meanwhile; a hundred round trips are time enough to read all rows.
    for _ in range(100):
        done("getattr", "rank")
    grown = mib(instance.broker.pid) - before
    equal(SANITIZED or grown < SLOW_MAX, True, f"a reader that stops makes the broker grow by {grown:.0f} MiB")
    rest = p.stdout.read()
    equal((p.wait(), len(json.loads(first + rest)["jobs"])), (0, INACTIVE + 1), "and gets everything in the end")


def answers(ids):
    return [done("jobs", "-a", "-n"), done("jobs", "--stats-only"), done("job", "info", "1500", "jobspec"),
            done("job", "info", "1500", "R"), done("job", "eventlog", "1500"), done("job", "attach", ids["hello"])]


def purge():
    equal(done("job", "purge", "--num-limit=50000"), f"use --force to purge 10002 of {INACTIVE + 2} inactive jobs\n",
          "purge tells what it would do")
    equal(done("job", "purge", "--force", "--num-limit=50000", "--batch=1000"),
          "purged 10002 inactive jobs, 50000 remaining\n", "purge does it")
    equal(done("job", "purge", "--force", "20000"), "purged 1 inactive jobs, 49999 remaining\n", "purge one by its id")
    equal(flux("job", "info", "20000", "R").returncode, 1, "which is gone")
    equal(count("--name=many", "-a"), 49999, "the others are there")


def main():
    top = tempfile.mkdtemp(prefix="flux-size-")
    instance = Instance(top)
    try:
        ids = fill(instance)
        instance.start()
        slow_reader(instance) # first: memory kept from another listing would hide what this one takes
        queries()
        before = answers(ids)
        equal("hello" in before[-1], True, "output of an old job")
        instance.stop()
        instance.start()
        equal(answers(ids), before, "the same answers after a restart")
        purge()
        instance.stop()
    finally:
        if instance.broker.poll() is None:
            instance.kill()
        shutil.rmtree(top)
    sys.exit(bool(failures))


main()
