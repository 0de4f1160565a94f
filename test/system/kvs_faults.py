#!/usr/bin/env python3
"""What the KVS refuses, and how: bad keys and values, loops of links, others' namespaces and snapshots.
Each time a clear error, and the rest goes on."""

import base64
import contextlib
import errno
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../wire"))
from checks import check, equal, failures, instance, of_build
from wire import *

of_build(sys.argv[1])
GUEST = 65534
READDIR, READLINK, TREEOBJ, WATCH, WAITCREATE = 1, 2, 16, 4, 8


def flux(*argv):
    return subprocess.run(["flux", *argv], capture_output=True, text=True, check=True).stdout.strip()


def with_guests(where):
    """Options of an instance, below that directory, where guests may come."""
    os.chmod(where, 0o755)  # as far as the socket
    return "--rundir=" + where, "--conf=access.allow-guest-user=true", "--test-cores=4"


# ---- requests ----

class User:
    def __init__(self, uid=None, namespace="primary"):
        self.uid = uid
        self.namespace = namespace

    def rpc(self, topic, payload):
        c = Client(uid=self.uid, timeout=20)
        try:
            return c.rpc(topic, payload)
        finally:
            c.close()

    def commit(self, *ops, namespace=None):
        return self.rpc("kvs.commit", {"namespace": namespace or self.namespace, "flags": 0, "ops": [
            {"key": k, "flags": 0, "dirent": o} for k, o in ops]})

    def lookup(self, key, flags=0, namespace=None, at=None):
        where = {"rootdir": at} if at else {"namespace": namespace or self.namespace}
        return self.rpc("kvs.lookup", {"key": key, "flags": flags, **where})

    def get(self, key, **how):
        errnum, text = self.lookup(key, **how)
        return base64.b64decode(json.loads(text)["val"]["data"]).decode() if errnum == 0 else errnum

    def put(self, key, value, **how):
        errnum, text = self.commit((key, val(value)), **how)
        return (errnum, text) if errnum else 0


def val(text):
    return {"ver": 1, "type": "val", "data": base64.b64encode(text.encode()).decode()}


def link(target, namespace=None):
    return {"ver": 1, "type": "symlink", "data": {"target": target, **({"namespace": namespace} if namespace else {})}}


def dirref(ref):
    return {"ver": 1, "type": "dirref", "data": [ref]}


def refused(answer, errnum, words, what):
    have, text = answer if isinstance(answer, tuple) else (answer, "")
    check(have == errnum and words in text, what, f"{errno.errorcode.get(have, have)}: {text!r}")


# ---- the instance owner's mistakes ----

def keys(o):
    for key, errnum, words, what in (
            ("", errno.EINVAL, "key", "an empty key"),
            ("x" * 1024, errno.ENAMETOOLONG, "", "a name that is too long"),
            (".".join("x" * 1000 for _ in range(17)), errno.ENAMETOOLONG, "", "a key that is too long"),
            (".".join("x" for _ in range(300)), errno.ENAMETOOLONG, "", "a key that is too deep")):
        refused(o.put(key, "1"), errnum, words, what + " is not put")
        refused(o.lookup(key), errnum, "", what + " is not looked up")
    refused(o.commit((".", val("1"))), errno.EINVAL, "", "the root is no value")
    refused(o.commit(("a", {"ver": 1, "type": "val", "data": "no base64!"})), errno.EPROTO, "",
            "a value that is no base64")
    refused(o.commit(("a", {"ver": 2, "type": "val", "data": ""})), errno.EPROTO, "", "an object of another version")
    refused(o.commit(("a", {"ver": 1, "type": "hole", "data": ""})), errno.EPROTO, "", "an object of no known kind")
    refused(o.commit(("a", dirref("sha1-" + "0" * 40))), errno.EINVAL, "no reference of this instance", "a reference of another hash")
    refused(o.rpc("kvs.commit", {"namespace": "primary"}), errno.EPROTO, "", "a commit of nothing at all")
    refused(o.rpc("kvs.commit", {"namespace": "x/y", "flags": 0, "ops": []}), errno.ENOTSUP, "no such namespace",
            "a bad name of a namespace")
    refused(o.rpc("kvs.lookup", {"key": "a"}), errno.EPROTO, "", "a lookup in no namespace")
    refused(o.lookup("a", flags=1 << 20), errno.EPROTO, "", "a lookup with flags of the future")
    refused(o.lookup("nix"), errno.ENOENT, "", "a key that is not there")
    refused(o.lookup("a", namespace="nix"), errno.ENOTSUP, "no such namespace 'nix'", "a namespace that is not there")


def loops(o):
    equal(o.commit(("l1", link("l2")), ("l2", link("l1")), ("self", link("self.x")))[0], 0, "links may lead anywhere")
    refused(o.lookup("l1"), errno.ELOOP, "", "two links that lead to each other")
    refused(o.lookup("self"), errno.ELOOP, "", "a link that leads below itself")
    refused(o.put("l1.x", "1"), errno.ELOOP, "", "nothing is put through them")
    o.rpc("kvs.namespace-create", {"namespace": "two", "rootref": "", "owner": os.getuid(), "flags": 0})
    o.commit(("across", link("across", "two")))
    o.commit(("across", link("across", "primary")), namespace="two")
    refused(o.lookup("across"), errno.ELOOP, "", "a loop over two namespaces")
    o.commit(("gone", link("x", "nix")))
    refused(o.lookup("gone"), errno.ENOTSUP, "no such namespace 'nix'", "a link to a namespace that is not there")
    refused(o.put("across.x", "1"), errno.EINVAL, "", "nothing is put through a link to another namespace")
    for i in range(12):
        o.commit((f"chain{i}", link(f"chain{i + 1}")))
    o.put("chain12", "end")
    refused(o.lookup("chain0"), errno.ELOOP, "", "a chain of links that is too long")
    equal(o.get("chain5"), "end", "and one that is not")


def snapshots(o):
    o.put("s", "1")
    root = json.loads(o.rpc("kvs.getroot", {"namespace": "primary", "flags": 0})[1])["rootref"]
    o.put("s", "2")
    equal(o.get("s", at=dirref(root)), "1", "a snapshot is as it was")
    refused(o.lookup("s", at=dirref("sha256-" + "0" * 64)), errno.ESTALE, "kept no more", "a snapshot that is not there")
    refused(o.lookup("s", at=dirref("nonsense")), errno.EINVAL, "no reference", "a reference that is none")
    refused(o.lookup("s", at=val("x")), errno.EINVAL, "dirref", "a value is no snapshot")
    refused(o.commit(("copy", dirref("sha256-" + "0" * 64))), errno.EIO, "cannot be read", "nor is it put anywhere")
    refused(o.commit(("copy", dirref("version-" + "0" * 32))), errno.ESTALE, "", "a version that is not there")


# ---- a guest ----

def strangers(o, g):
    o.put("secret", "1")
    o.put("link-me", "1")
    root = json.loads(o.rpc("kvs.getroot", {"namespace": "primary", "flags": 0})[1])["rootref"]
    version = json.loads(o.rpc("kvs.getroot", {"namespace": "primary"})[1])["rootref"]
    for what, answer in (
            ("a lookup", g.lookup("secret")), ("of the root", g.lookup(".", flags=READDIR)),
            ("a commit", g.commit(("secret", val("2")))), ("the root", g.rpc("kvs.getroot", {"namespace": "primary", "flags": 0})),
            ("a wait", g.rpc("kvs.wait-version", {"namespace": "primary", "rootseq": 1})),
            ("a snapshot by its hash", g.lookup("secret", at=dirref(root))),
            ("a snapshot by its version", g.lookup("secret", at=dirref(version))),
            ("the resources", g.lookup("resource.R")),
            ("a namespace of one's own", g.rpc("kvs.namespace-create", {"namespace": "mine", "rootref": "", "owner": GUEST, "flags": 0})),
            ("content", g.rpc("content.load", {}))):
        refused(answer, errno.EPERM, "", what + " is not for guests")
    equal(o.get("secret"), "1", "and nothing has changed")


def given(o, g):
    o.rpc("kvs.namespace-create", {"namespace": "given", "rootref": "", "owner": GUEST, "flags": 0})
    o.put("owners", "1", namespace="given")
    equal(g.put("a", "1", namespace="given"), 0, "a guest writes in a namespace that is theirs")
    equal(g.get("owners", namespace="given"), "1", "and reads what the instance owner wrote there")
    refused(g.commit(("l", link("secret", "primary")), namespace="given"), errno.EPERM, "instance owner's", "no links")
    refused(g.commit(("d", dirref("sha256-" + "0" * 64)), namespace="given"), errno.EPERM, "instance owner's", "no references")
    equal(g.put("b", "x" * 65536, namespace="given"), 0, "values up to 64 KiB")
    refused(g.put("b", "x" * 65537, namespace="given"), errno.EFBIG, "longer than 65536 bytes", "and no longer ones")
    o.commit(("trap", link("secret", "primary")), namespace="given")
    refused(g.lookup("trap", namespace="given"), errno.EPERM, "", "a link of the owner's leads only where one may")
    root = json.loads(g.rpc("kvs.getroot", {"namespace": "given", "flags": 0})[1])["rootref"]
    equal(g.get("a", at=dirref(root)), "1", "a snapshot of one's own")


def submit(g):
    spec = {"version": 1, "resources": [{"type": "slot", "count": 1, "label": "t", "with": [
        {"type": "core", "count": 1}]}], "tasks": [{"command": ["true"], "slot": "t", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 0, "exec": {"test": {"run_duration": "300s"}}}}}
    header = f"version\0i1\0userid\0i{GUEST}\0mechanism\0snone\0".encode()
    J = ".".join(base64.b64encode(x).decode() for x in (header, json.dumps(spec).encode())) + ".none"
    return json.loads(g.rpc("job-ingest.submit", {"J": J, "urgency": 16, "flags": 0})[1])["id"]


def jobs(o, g):
    theirs = flux("submit", "true")
    flux("job", "wait-event", theirs, "clean")
    others = flux("job", "id", "--to=kvs", theirs)
    own = submit(g)
    key = flux("job", "id", "--to=kvs", str(own))
    flux("job", "wait-event", str(own), "start")
    refused(g.lookup(others + ".R"), errno.EPERM, "restricted to job/instance owner", "another's job")
    refused(g.lookup(others, flags=READDIR), errno.EPERM, "restricted", "its directory")
    refused(g.lookup(others + ".guest.x"), errno.EPERM, "restricted", "its own part")
    check('"submit"' in str(g.get(key + ".eventlog")), "one's own job")
    names = json.loads(g.lookup(key, flags=READDIR)[1])["val"]["data"]
    equal(sorted(names), ["J", "R", "eventlog", "guest", "jobspec"], "and its directory")
    top = json.loads(g.lookup("job.0000.0000.0000", flags=READDIR)[1])["val"]["data"]
    equal(list(top), [key[-4:]], "others' jobs are not listed")
    equal(len(json.loads(o.lookup("job.0000.0000.0000", flags=READDIR)[1])["val"]["data"]), 2, "but for the instance owner")
    namespace = f"job-{own}"
    refused(g.put("x", "1", namespace=f"job-{int(flux('job', 'id', '--to=dec', theirs))}"), errno.ENOTSUP, "the job has ended",
            "the namespace of a job that has ended")
    equal(g.get("x", namespace=namespace), errno.ENOENT, "a job's namespace is empty at first")
    equal(g.put("x", "1", namespace=namespace), 0, "its user writes")
    equal(g.put(key + ".guest.y", "2"), 0, "by the other name, too")
    equal([g.get("y", namespace=namespace), g.get(key + ".guest.x"), o.get(key + ".guest.x")], ["2", "1", "1"], "and reads")
    o.commit(("trap", link("secret")), namespace=namespace)
    o.put("waiting", "1")
    watch(g, key)
    flux("cancel", str(own))
    flux("job", "wait-event", str(own), "clean")
    equal(g.get(key + ".guest.x"), "1", "also when the job has ended")
    refused(g.lookup(key + ".guest.trap"), errno.ENOENT, "", "a link there leads no further than before")
    refused(User(uid=GUEST - 1).lookup(key + ".guest.x"), errno.EPERM, "restricted", "still nobody else")
    refused(g.put("z", "1", namespace=namespace), errno.EROFS if namespace in flux("kvs", "namespace", "list") else errno.ENOTSUP,
            "ended", "nobody writes any more")


def watch(g, key):
    """The log of one's own job, as it grows."""
    with contextlib.closing(Client(uid=GUEST, timeout=20)) as c:
        c.send(message(REQUEST, "kvs-watch.lookup", {"key": key + ".eventlog", "namespace": "primary",
                                                     "flags": WATCH | WAITCREATE | 256}, flags=STREAMING, aux2=5))
        log = ""
        while '"start"' not in log:
            _, errnum, _, text = c.get()
            if errnum:
                break
            log += base64.b64decode(json.loads(text)["val"]["data"]).decode()
        check('"start"' in log, "a guest watches the log of their job", f"{errnum}: {text}")
        c.send(message(REQUEST, "kvs-watch.lookup", {"key": "secret", "namespace": "primary", "flags": WATCH},
                       flags=STREAMING, aux2=6))
        while (got := c.get())[2] != 6:
            pass
        equal(got[1], errno.EPERM, "and nothing else")


def main():
    o = User()
    with tempfile.TemporaryDirectory(prefix="flux-kvs-faults-") as where, instance(*with_guests(where)):
        keys(o)
        loops(o)
        snapshots(o)
        if os.getuid() == 0:
            g = User(uid=GUEST)
            strangers(o, g)
            given(o, g)
            jobs(o, g)
        equal(o.put("end", "1"), 0, "the rest goes on")
    sys.exit(len(failures) > 0)


main()
