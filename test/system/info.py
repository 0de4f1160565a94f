#!/usr/bin/env python3
"""job-list and job-info as their clients see them: paging, filters, look-ups, event logs."""

import base64
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../wire"))
from checks import check, equal, failures, instance, of_build
from wire import *

of_build(sys.argv[1])
ENOENT, ENODATA = 2, 61
INACTIVE, SCHED, PENDING = 64, 8, 14


def flux(*argv, **how):
    return subprocess.run(["flux", *argv], capture_output=True, text=True, check=True, **how).stdout.strip()


def number(f58):
    return int(flux("job", "id", "--to=dec", f58))


def stream(c, topic, payload, tag=9):
    """All responses, and the error number at the end."""
    c.send(message(REQUEST, topic, payload, flags=STREAMING, aux2=tag))
    got = []
    while True:
        _, errnum, _, text = c.get()
        if errnum:
            return got, errnum, text
        got.append(json.loads(text))


def listing(attrs=("all",), **how):
    with client() as c:
        request = {"max_entries": 0, "attrs": list(attrs), **how}
        got, errnum, text = stream(c, "job-list.list", request)
    if errnum != ENODATA:
        return errnum, text
    return [j for m in got for j in m["jobs"]]


def ids(**how):
    return [j["id"] for j in listing(["id"], **how)]


def watch(id_, path="eventlog"):
    with client() as c:
        got, errnum, text = stream(c, "job-info.eventlog-watch", {"id": id_, "path": path, "flags": 0})
    return [json.loads(m["event"]) for m in got], errnum


# ---- job-list ----

def paging(n, shuffled):
    """shuffled: ids by (t_inactive, id), the latest first; most have the same t_inactive."""
    equal(ids(), shuffled, f"{n} jobs, most of which ended at the same moment, come in order, each once")
    for m in (1, 999, 1000, 1001, 2000, n, n + 5):
        equal(ids(max_entries=m), shuffled[:m], f"max_entries={m}")
    equal(len(ids(constraint={"name": ["even"]})), n // 2, "a filter that takes every other one")
    equal(len(ids(constraint={"name": ["even"]}, max_entries=1100)), 1100, "and a limit")


def filters(times):
    uid = os.geteuid()
    for want, constraint in (
            (True, {"states": ["inactive"]}), (True, {"states": [INACTIVE]}), (False, {"states": ["pending"]}),
            (False, {"states": ["running"]}), (True, {"results": ["completed"]}),
            (False, {"results": ["failed", "canceled", "timeout"]}), (True, {"userid": [uid]}),
            (False, {"userid": [uid + 1]}), (False, {"name": ["nosuch"]}), (False, {"queue": ["nosuch"]}),
            (True, {"name": ["even", "odd"]}), (False, {"not": [{"name": ["even", "odd"]}]}),
            (True, {"or": [{"name": ["even"]}, {"name": ["odd"]}]}),
            (False, {"and": [{"name": ["even"]}, {"name": ["odd"]}]}),
            (True, {"ranks": ["0"]}), (False, {"ranks": ["1-5"]}), (True, {"t_submit": [">0"]}),
            (False, {"t_submit": ["<1"]}), (True, {}), (True, {"and": []})):
        equal(bool(ids(constraint=constraint, max_entries=10)), want, f"constraint {json.dumps(constraint)}")
    for text, constraint in (("nosuch", {"nosuch": ["x"]}), ("array", {"name": "x"}), ("string", {"name": [1]}),
                             ("states", {"states": ["nosuch"]}), ("integers", {"userid": ["root"]}),
                             ("t_run", {"t_run": ["soon"]}), ("object", {"and": [1]})):
        got = listing(constraint=constraint)
        check(got[0] == EINVAL and text in got[1], f"constraint {json.dumps(constraint)} is refused", got)
    deep = {"name": ["x"]}
    for _ in range(20):
        deep = {"not": [deep]}
    equal(listing(constraint=deep)[0], EINVAL, "a constraint nested 20 deep is refused")
    middle = times[len(times) // 2]
    equal(len(ids(since=middle)), sum(t > middle for t in times), "since")
    equal(ids(since=times[0] + 1), [], "since the future")
    equal(sorted(listing(["name", "state"])[0]), ["id", "name", "state"], "only the attributes asked for")
    equal(sorted(listing([])[0]), ["id"], "none but the id")
    check({"t_submit", "t_run", "t_inactive", "result", "nnodes", "ranks"} <= set(listing(max_entries=1)[0]),
          "all of them")


def active():
    held = [number(i) for i in flux("submit", "--urgency=hold", "--cc=1-3", "true").split()]
    equal(sorted(ids(constraint={"states": ["pending"]})), sorted(held), "pending jobs")
    equal(ids(max_entries=3, constraint={"states": [PENDING]}), ids(max_entries=3), "come first")
    equal(sorted(ids(since=time.time() + 100)), sorted(held), "whatever since says")
    with client() as c:
        got = json.loads(c.rpc("job-list.list-id", {"id": held[0], "attrs": ["state", "urgency"]})[1])["job"]
        equal((got["id"], got["state"], got["urgency"]), (held[0], SCHED, 0), "list-id of one that waits")
        equal(c.rpc("job-list.list-id", {"id": 1 << 40, "attrs": []})[0], ENOENT, "list-id of none")
        for topic, bad in (("list", {}), ("list", {"max_entries": -1, "attrs": []}), ("list-id", {"id": "x"})):
            equal(c.rpc("job-list." + topic, bad)[0], EPROTO, f"job-list.{topic} {bad} is refused")
        attrs = json.loads(c.rpc("job-list.list-attrs")[1])["attrs"]
        check("t_inactive" in attrs and "id" in attrs, "list-attrs")
        stats = json.loads(c.rpc("job-list.job-stats")[1])
        equal(stats["job_states"]["sched"], 3, "job-stats counts them")
    flux("cancel", *flux("jobs", "-n", "-f", "pending", "-o", "{id}").split())
    flux("queue", "drain")
    flux("job", "purge", "-f", *(str(i) for i in held[:2]))
    with client() as c:
        after = json.loads(c.rpc("job-list.job-stats")[1])
        equal(after["inactive_purged"] - stats["inactive_purged"], 2, "and those that are purged")


def cancel_list():
    with client() as c:
        c.send(message(REQUEST, "job-list.list", {"max_entries": 0, "attrs": ["all"]}, flags=STREAMING, aux2=3))
        c.send(message(REQUEST, "job-list.cancel", {"matchtag": 3}, flags=NORESPONSE, aux2=0))
        c.send(message(REQUEST, "job-list.ping", {"seq": 1}, aux2=4))
        ends, last = [], None
        while last != 4 or not ends:
            _, errnum, last, _ = c.get()
            if errnum:
                ends.append((last, errnum))
        equal(ends, [(3, ENODATA)], "a cancelled listing ends, once")
    for _ in range(20):  # gone in the middle
        with client() as c:
            c.send(message(REQUEST, "job-list.list", {"max_entries": 0, "attrs": ["all"]}, flags=STREAMING, aux2=3))
    equal(len(ids(max_entries=5)), 5, "clients that go away leave it working")


# ---- job-info ----

def lookup(id_, *keys, flags=0):
    with client() as c:
        errnum, text = c.rpc("job-info.lookup", {"id": id_, "keys": list(keys), "flags": flags})
    return (errnum, text) if errnum else json.loads(text)


def lookups():
    f58 = flux("submit", "--wait", "--job-name=looked", "sh", "-c", "exit 0",
               env=dict(os.environ, MARK="in the environment"))
    i = number(f58)
    got = lookup(i, "jobspec", "R", "eventlog", "J")
    equal(sorted(got), ["J", "R", "eventlog", "id", "jobspec"], "lookup of four keys")
    spec = json.loads(got["jobspec"])
    check("environment" not in spec["attributes"]["system"], "the jobspec is told without its environment", spec)
    equal(spec["tasks"][0]["command"], ["sh", "-c", "exit 0"], "the command too")
    equal(json.loads(got["R"])["version"], 1, "R")
    names = [json.loads(e)["name"] for e in got["eventlog"].splitlines()]
    equal(names[0], "submit", "the event log's first")
    equal(names[-1], "clean", "and last event")
    header, payload, mech = got["J"].split(".")
    equal(mech, "none", "J is signed by nobody")
    signed = json.loads(base64.b64decode(payload))
    equal(signed["attributes"]["system"].pop("environment")["MARK"], "in the environment", "it has the environment")
    equal(signed, spec, "and the jobspec")
    equal(json.loads(flux("job", "info", "--original", f58, "jobspec"))["attributes"]["system"]["environment"]["MARK"],
          "in the environment", "flux job info --original shows it")
    check(str(os.geteuid()) in base64.b64decode(header).decode(errors="replace"), "its header names the user")
    got = lookup(i, "jobspec", "R", flags=1)
    check(isinstance(got["jobspec"], dict) and isinstance(got["R"], dict), "flag 1: objects")
    equal(lookup(i)["id"], i, "no keys")
    got = lookup(i, "nosuch")
    check(got[0] == ENOENT and "nosuch" in got[1], "a missing key is named", got)
    equal(lookup(1 << 40, "R")[0], ENOENT, "a missing job")
    equal(lookup("x", "R")[0], EPROTO, "an id that is none")
    waits = number(flux("submit", "--urgency=hold", "true"))
    equal(lookup(waits, "R")[0], ENOENT, "R of a job that has none")
    events, errnum = watch(i)
    equal(([e["name"] for e in events], errnum), (names, ENODATA), "watch of a finished job")
    check(watch(1 << 40) == ([], ENOENT), "of none")
    check(watch(i, "nosuch") == ([], ENOENT), "of a log that is none")
    events, errnum = watch(i, "guest.exec.eventlog")
    equal((events[0]["name"], events[-1]["name"], errnum), ("init", "done", ENODATA), "guest.exec.eventlog")
    return waits


def live(waits):
    with client() as c, client() as other:
        for tag, path in ((3, "eventlog"), (4, "eventlog"), (5, "guest.exec.eventlog")):
            c.send(message(REQUEST, "job-info.eventlog-watch", {"id": waits, "path": path, "flags": 0},
                           flags=STREAMING, aux2=tag))
        seen = {3: [], 4: [], 5: []}
        while len(seen[3]) < 4 or len(seen[4]) < 4:
            _, errnum, tag, text = c.get()
            seen[tag].append(json.loads(json.loads(text)["event"])["name"])
        equal(seen[3], seen[4], "two watchers of a job that waits see the same")
        c.send(message(REQUEST, "job-info.eventlog-watch-cancel", {"matchtag": 4}, flags=NORESPONSE, aux2=0))
        _, errnum, tag, _ = c.get()
        equal((errnum, tag), (ENODATA, 4), "one is cancelled")
        equal(other.rpc("job-manager.urgency", {"id": waits, "urgency": 16})[0], 0, "the job is let go")
        ends = {}
        while len(ends) < 2:
            _, errnum, tag, text = c.get()
            if errnum:
                ends[tag] = errnum
            else:
                seen[tag].append(json.loads(json.loads(text)["event"])["name"])
        equal(ends, {3: ENODATA, 5: ENODATA}, "the other two end with the job")
        log = [json.loads(e)["name"] for e in lookup(waits, "eventlog")["eventlog"].splitlines()]
        equal(seen[3], log, "having seen every event once, in order")
        equal(seen[5][:1] + seen[5][-1:], ["init", "done"], "the execution log, too")
    f58 = flux("submit", "sh", "-c", "echo one; echo two >&2")
    events, errnum = watch(number(f58), "guest.output")
    data = {}
    for e in events:
        if e["name"] == "data":
            stream_ = e["context"]["stream"]
            data[stream_] = data.get(stream_, "") + e["context"].get("data", "")
    equal((data, errnum), ({"stdout": "one\n", "stderr": "two\n"}, ENODATA), "guest.output")


def fill(n):
    for name in ("even", "odd"):
        flux("submit", f"--cc=1-{n // 2}", "--quiet", "--job-name=" + name,
             "--setattr=exec.test.run_duration=0.0001s", "true")
    flux("queue", "drain")
    equal(len(ids()), n, "all jobs are listed")


def end_at_one_moment(state):
    """Most of the jobs. All of them: id, end."""
    with contextlib.closing(sqlite3.connect(state + "/store.sqlite")) as db:
        db.execute("update job set t_inactive=1700000000 where id % 50 <> 0")
        db.commit()
        return db.execute("select id, t_inactive from job order by t_inactive desc, id desc").fetchall()


def main():
    n = 3200
    with tempfile.TemporaryDirectory(prefix="flux-info-") as state:
        with instance("--statedir=" + state, "--test-cores=4"):
            fill(n)
        rows = end_at_one_moment(state)
        with instance("--statedir=" + state, "--test-cores=4"):
            paging(n, [r[0] for r in rows])
            filters([r[1] for r in rows])
            cancel_list()
            active()
            live(lookups())
    print(f"{len(failures)} failures")
    sys.exit(bool(failures))


main()
