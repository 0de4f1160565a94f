#!/usr/bin/env python3
"""Raw-socket clients that mean no good, against a whole instance with all its modules.

After each attack: an honest client is answered at once, the broker is the same process, it has given
back the descriptors, its memory has not jumped, and its log names what happened."""

import base64
import contextlib
import json
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../wire"))
from checks import check, failures, instance, of_build, sanitized
from wire import *

BUILD = of_build(sys.argv[1])
GUEST = 65534
SANITIZED = sanitized(BUILD)


# ---- the instance ----

class Instance:
    def __init__(self, process):
        self.flux = process
        with client() as c:
            self.pid = struct.unpack("iii", c.s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.honest()
        self.fds = self.count_fds()

    def count_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss(self):
        """KiB."""
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))

    def honest(self):
        """Seconds that an honest client waits for a module's answer."""
        t0 = time.monotonic()
        with client() as c:
            assert c.auth == 0, c.auth
            errnum, text = c.rpc("job-manager.ping", {"seq": 5})
            assert errnum == 0 and json.loads(text)["seq"] == 5, (errnum, text)
        return time.monotonic() - t0

    def settled(self):
        """Descriptors are back to what they were."""
        deadline = time.monotonic() + 5
        while self.count_fds() > self.fds and time.monotonic() < deadline:
            self.honest()
        return self.count_fds() <= self.fds

    def log(self):
        return subprocess.run(["flux", "dmesg"], capture_output=True, text=True).stdout


@contextlib.contextmanager
def started(*options):
    with tempfile.TemporaryDirectory(prefix="flux-hostile-") as where:
        os.chmod(where, 0o755)  # guests may come as far as the socket
        with instance("--rundir=" + where, "--test-cores=4", "-Slocal.frame-timeout=1s", *options) as p:
            yield Instance(p)


@contextlib.contextmanager
def attack(i, what, says=None, kib=4096, wait=1.0):
    """Run an attack and look at what it did to the others."""
    time.sleep(0.2)  # the log hears of at most eight in a sixth of the frame time-out
    subprocess.run(["flux", "dmesg", "--clear"], check=True)
    before = i.rss()
    try:
        yield
    except (OSError, EOFError, AssertionError) as e:
        check(False, what, repr(e))
    waited = i.honest()
    grown = i.rss() - before
    check(i.flux.poll() is None, what + ": the broker lives")
    check(waited < wait, what + ": others are answered", f"after {waited:.3f} s")
    check(SANITIZED or grown < kib, what + ": memory", f"{grown} KiB more")
    check(i.settled(), what + ": descriptors", f"{i.count_fds()} of {i.fds}")
    if says:
        log = i.log()
        check(says in log, what + ": the log says so", f"no '{says}' in:\n{log}")


# ---- frames ----

def frames(i):
    body = part(b"x" * 40)
    bad = {
        "HTTP": b"GET / HTTP/1.1\r\n\r\n",
        "zeros": bytes(64),
        "random bytes": os.urandom(4096),
        "the magic backwards": MAGIC[::-1] + b"\0\0\0\x20" + bytes(32),
        "a frame of nothing": frame(b""),
        "no header at the end": frame(body),
        "a header's wrong magic": message(topic="broker.ping", magic=0x8F),
        "a header's wrong version": message(topic="broker.ping", version=2),
        "a type that is none": message(type_=3, topic="broker.ping"),
        "a part longer than the frame": frame(b"\xff\xff\xff\xff\xff" + bytes(40)),
        "65,000 routes": message(topic="broker.ping", routes=[b"x"] * 65000),
        "a route of 300 bytes": message(topic="broker.ping", routes=[b"r" * 300]),
        "a route with a NUL": message(topic="broker.ping", routes=[b"a\0b"]),
        "a topic with a NUL": message(topic="broker\0.ping"),
    }
    with attack(i, "garbage", "it sent what is not a message"):
        for name, data in bad.items():
            with client() as c:
                c.send(data)
                check(c.hung_up(), name + " is hung up on")
    with attack(i, "a frame that claims 4 GiB", "it announced a message of more than", kib=2048):
        for _ in range(50):
            with client() as c:
                c.send(frame(b"", 0xFFFFFFFF))
                if not c.hung_up():
                    check(False, "4 GiB are hung up on")
    with attack(i, "64 MiB claimed, nothing sent", "half a message waited", kib=4096):
        claims = [Client() for _ in range(32)]
        for c in claims:
            c.send(frame(b"\1x", (64 << 20) - 1))
        check(i.honest() < 1, "others are answered meanwhile")
        check(all(c.hung_up() for c in claims), "they are hung up on in the end")
        for c in claims:
            c.close()
    with attack(i, "half a frame and gone"):
        for _ in range(100):
            with client() as c:
                c.send(message(topic="broker.ping", payload={})[:30])
    with attack(i, "slow loris", "half a message waited", kib=2048):
        slow = [Client() for _ in range(100)]
        data = message(topic="broker.ping", payload={"pad": "x" * 500})
        t0 = time.monotonic()
        for k in range(15):
            for c in slow:
                c.send(data[k:k + 1])
            select.select([c.s for c in slow], [], [], 0.1)  # one is hung up on, or it is time for a byte
        check(all(c.hung_up() for c in slow), "a byte now and then does not help")
        check(time.monotonic() - t0 < 6, "for long")
        for c in slow:
            c.close()


# ---- payloads ----

def payloads(i):
    depth = b"[" * 1_000_000
    with attack(i, "JSON nested a million deep", kib=32 << 10):
        with client() as c:
            for topic in ("job-ingest.submit", "job-manager.raise", "job-list.list", "job-info.lookup",
                          "config.load", "job-manager.submit"):
                for bomb in (depth, b'{"a":' * 200_000, b'{"J":' + depth):
                    errnum, _ = c.rpc(topic, bomb)
                    if errnum == 0:
                        check(False, topic, "it was taken")
    wide = b'{"id":1,"a":[' + b"0," * 10_000_000 + b"0]}"
    with attack(i, "20 MB of zeros", kib=80 << 10):
        with client() as c:
            errnum, _ = c.rpc("job-manager.raise", wide)
            check(errnum in (EFBIG, EPROTO), "is refused", f"error {errnum}")
    with attack(i, "odd payloads"):
        with client() as c:
            for data in (b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"id":1e999}', b'{"id":18446744073709551616}',
                         b'{"id":1,"id":2}', b'{"a":"\\ud800"}', b'{"id":"' + b"\0" * 50 + b'"}',
                         b'{"J":"not a signed thing","urgency":16,"flags":0}',
                         b'{"J":"..","urgency":16,"flags":0}', b'{"id":-1,"type":"x","severity":0}'):
                for topic in ("job-ingest.submit", "job-manager.raise", "job-list.list", "job-info.lookup",
                              "job-info.eventlog-watch", "event.publish", "attr.set", "service.add", "log.dmesg"):
                    errnum, _ = c.rpc(topic, data)
                    if errnum == 0:
                        check(topic == "log.dmesg", f"{topic} refuses {data[:40]}", "it did not")
    with attack(i, "a log record that would drive the terminal"):
        with client() as c:
            c.send(message(REQUEST, "log.append", b"<40>1 - - evil - - - \x1b]0;owned\x07\n<1>fake", flags=NORESPONSE))
        i.honest()
        check("\x1b" not in i.log(), "is escaped")


# ---- who is who ----

def owner(i):
    with attack(i, "messages that nobody asked for"):
        with client() as c:
            c.send(message(RESPONSE, "broker.ping", {"x": 1}, routes=[b"nobody"]))
            c.send(message(RESPONSE, "broker.ping", {"x": 1}, routes=[]))
            c.send(message(CONTROL, aux1=9, aux2=9))
            c.send(message(EVENT, payload={"x": 1}))
            c.send(message(REQUEST, payload={"x": 1}))
            check(c.rpc("broker.ping", {"seq": 1})[0] == 0, "are dropped")
    with attack(i, "the owner speaks for another"):
        with client() as c:
            answer = json.loads(c.rpc("broker.ping", {"seq": 1}, cred=(4242, USER))[1])
            check((answer["userid"], answer["rolemask"]) == (4242, USER | LOCAL), "may do so", answer)
            errnum, _ = c.rpc("attr.set", {"name": "x", "value": "y"}, cred=(4242, USER))
            check(errnum == EPERM, "and gets what that one gets", errnum)
    with attack(i, "service hijack"):
        with client() as c:
            for name in ("job-manager", "broker", "attr", "rexec"):
                check(c.rpc("service.add", {"service": name})[0] == EEXIST, f"{name} is taken")
            for name in ("", ".", "a\nb", "x" * 5000, ".job-manager"):
                check(c.rpc("service.add", {"service": name})[0] == EINVAL, f"{name[:8]!r} is no name")
            check(c.rpc("service.remove", {"service": "job-manager"})[0] != 0, "nor can it be removed")
    with attack(i, "route games"):
        with client() as c:
            c.send(message(REQUEST, "broker.ping", {"seq": 1}, routes=[b"x"] * 63))
            check(c.get()[1] == 0, "63 hops may have been made")
            c.send(message(REQUEST, "broker.ping", {"seq": 1}, routes=[b"x"] * 64))
            check(c.get()[1] == EMSGSIZE, "64 are too many")


def flood(i):
    with attack(i, "requests whose answers are not read", kib=64 << 10):
        with client() as c:
            data = message(REQUEST, "job-manager.ping", {"pad": "x" * 1000}) * 20
            c.s.setblocking(False)
            sent = 0
            deadline = time.monotonic() + 10
            while sent < 200 << 20 and time.monotonic() < deadline:
                if not select.select([], [c.s], [], 0.5)[1]:
                    break
                with contextlib.suppress(BlockingIOError):
                    sent += c.s.send(data)
            check(sent < 100 << 20, "are not taken without end", f"{sent >> 20} MiB")
            worst = max(i.honest() for _ in range(20))
            check(worst < 0.5, "others are answered meanwhile", f"after {worst:.3f} s")
    with attack(i, "3,000 connects"):
        for _ in range(3000):
            Client().close()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with attack(i, "700 connections at one time", kib=8192):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        many = [Client() for _ in range(700)]
        check(i.honest() < 1, "others are answered meanwhile")
        for c in many:
            c.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with attack(i, "1,000 streams and gone", kib=8192):
        with client() as c:
            for k in range(1000):
                c.send(message(REQUEST, "job-manager.events-journal", {}, flags=STREAMING, aux2=k + 1))
            c.rpc("broker.ping", {"seq": 1})


# ---- a guest ----

def as_guest(what, fn):
    """Run fn as another user; it returns a list of complaints."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        os.setgroups([])
        os.setresgid(GUEST, GUEST, GUEST)
        os.setresuid(GUEST, GUEST, GUEST)
        try:
            text = "\n".join(fn())
        except BaseException as e:
            text = repr(e)
        os.write(w, text.encode()[:60000])
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    os.waitpid(pid, 0)
    check(not text, what, text)


def guest_refused():
    with client() as c:
        if c.auth != EPERM:
            yield f"first byte {c.auth}"


def guest_forges():
    for cred in ((0, OWNER), (0, 0xFFFFFFFF), (ANY, OWNER), (GUEST, OWNER), (ANY, 0), (1000, USER), (0, LOCAL)):
        with client() as c:
            answer = json.loads(c.rpc("broker.ping", {"seq": 1}, cred=cred)[1])
            if (answer["userid"], answer["rolemask"]) != (GUEST, USER | LOCAL):
                yield f"{cred} became {answer}"


def guest_denied():
    topics = ("attr.set", "log.dmesg", "log.clear", "log.append", "rexec.exec", "rexec.kill", "rexec.list",
              "module.load", "module.remove", "config.load", "shutdown.start", "job-manager.submit",
              "job-manager.exec-hello", "job-manager.sched-hello", "job-manager.sched-ready",
              "job-manager.events-journal", "job-manager.exec-results", "job-manager.sched-results",
              "job-exec.start", "job-exec.shell-hello", "job-exec.shell-results", "job-exec.output",
              "resource.acquire", "resource.drain", "resource.undrain", "sched.alloc", "sched.free",
              "sched.cancel", "job-manager.queue-enable", "job-manager.queue-start", "job-manager.purge")
    with client() as c:
        for topic in topics:
            errnum, text = c.rpc(topic, {}, cred=(0, OWNER))
            if errnum != EPERM:
                yield f"{topic}: error {errnum} {text}"


def guest_meddles(victim, ids):
    with client() as c:
        for topic, payload in (("job-manager.raise", {"id": ids, "type": "cancel", "severity": 0}),
                               ("job-manager.kill", {"id": ids, "signum": 9}),
                               ("job-manager.urgency", {"id": ids, "urgency": 0}),
                               ("job-info.lookup", {"id": ids, "keys": ["jobspec"], "flags": 0}),
                               ("job-info.lookup", {"id": ids, "keys": ["eventlog"], "flags": 0}),
                               ("job-info.lookup", {"id": ids, "keys": ["R"], "flags": 0})):
            errnum, text = c.rpc(topic, payload)
            if errnum != EPERM:
                yield f"{topic}: error {errnum} {text}"
        errnum, text = c.rpc("job-info.eventlog-watch", {"id": ids, "path": "eventlog", "flags": 0},
                             flags=STREAMING)
        if errnum != EPERM:
            yield f"eventlog-watch: error {errnum} {text}"
        errnum, text = c.rpc("job-list.list-id", {"id": ids, "attrs": ["all"]})
        if errnum == 0 and victim in text:
            yield "job-list shows the environment"


def guest_spoofs():
    with client() as c:
        for topic in ("job-state", "heartbeat.pulse", "0-x", "655340-x", "x"):
            c.send(message(EVENT, topic, {"forged": 1}))
        c.send(message(RESPONSE, "job-manager.ping", {"forged": 1}, routes=[b"x"]))
        c.send(message(CONTROL, aux1=1, aux2=1))
        if c.rpc("event.publish", {"topic": "job-state", "flags": 0})[0] == 0:
            yield "event.publish"
        for name in ("x", "job-manager", "0-shell", "655340-shell", f"{GUEST}"):
            if c.rpc("service.add", {"service": name})[0] == 0:
                yield "service " + name
        if c.rpc("service.add", {"service": f"{GUEST}-mine"})[0] != 0:
            yield "own service refused"
        errnum, _ = c.rpc("broker.ping", {"seq": 1}, routes=[b"some-other-client"])
        if errnum != EPERM:
            yield f"routes: {errnum}"


def guest_connections():
    many = []
    while len(many) < 300:
        c = Client()
        many.append(c)
        if c.auth:
            break
    if len(many) != 257 or many[-1].auth != EUSERS:
        yield f"{len(many)} connections, the last one got {many[-1].auth}"


def guest_jobs():
    """A guest's own job: what it keeps others from doing with it, and what it may not do."""
    def submit(system):
        spec = {"version": 1, "resources": [{"type": "slot", "count": 1, "label": "t", "with": [
            {"type": "core", "count": 1}]}], "tasks": [{"command": ["touch", "/tmp/flux-guest-ran"], "slot": "t",
                                                        "count": {"per_slot": 1}}],
            "attributes": {"system": {"duration": 0, **system}}}
        header = f"version\0i1\0userid\0i{GUEST}\0mechanism\0snone\0".encode()
        J = ".".join(base64.b64encode(x).decode() for x in (header, json.dumps(spec).encode())) + ".none"
        with client() as c:
            return c.rpc("job-ingest.submit", {"J": J, "urgency": 16, "flags": 0})

    def watching(id_, pad=0, **how):
        return message(REQUEST, "job-info.eventlog-watch",
                       {"id": id_, "path": "eventlog", "flags": 0, "pad": "x" * pad}, **how)

    errnum, text = submit({"exec": {"test": {"run_duration": "30s"}}})
    if errnum:
        yield f"submit: {text}"
        return
    own = json.loads(text)["id"]
    with client() as c:
        c.send(watching(own, flags=STREAMING, aux2=0))
        if c.get()[1] != EPROTO:
            yield "a stream without a matchtag"
        c.send(watching(own, flags=STREAMING | NORESPONSE, aux2=5))
        c.send(watching(own, flags=STREAMING, aux2=5))
        if c.get()[1] != 0:
            yield "its own event log"
        c.send(watching(own, flags=STREAMING, aux2=5))
        while (got := c.get())[1] == 0:
            pass
        if got[1] != EPROTO:
            yield "a matchtag that is in use"
    with client() as c:
        refused = 0
        for k in range(20):
            c.send(watching(own, pad=1 << 20, flags=STREAMING, aux2=k + 10))
        c.send(message(REQUEST, "broker.ping", {"seq": 1}, aux2=5000))
        while (got := c.get())[2] != 5000:
            refused += got[1] == EAGAIN
        if refused < 10:
            yield f"20 MiB in requests that wait: {refused} were refused"
    with client() as c:
        c.rpc("job-manager.raise", {"id": own, "type": "cancel", "severity": 0})
    errnum, text = submit({})
    if errnum == 0:
        with client() as c:
            c.send(watching(json.loads(text)["id"], flags=STREAMING, aux2=3))
            log = ""
            while (got := c.get())[1] == 0:
                log += got[3]
            if "exception" not in log or os.path.exists("/tmp/flux-guest-ran"):
                yield "a guest's job was run by the owner: " + log


def guest_floods():
    with client() as c:
        c.send(frame(b"", (4 << 20) + 1))
        if not c.hung_up():
            yield "more than 4 MiB"
    with client() as c:
        for k in range(1500):
            c.send(message(REQUEST, "job-manager.wait", {"id": 0}, aux2=k + 1))
        c.send(message(REQUEST, "broker.ping", {"seq": 1}, aux2=5000))
        while True:
            _, errnum, tag, _ = c.get()
            if tag == 5000:
                break


def guests(i, ids, secret):
    with attack(i, "a guest's forged credentials"):
        as_guest("are overwritten", guest_forges)
    with attack(i, "a guest asks for what is the owner's"):
        as_guest("and is denied", guest_denied)
    with attack(i, "a guest meddles with another's job"):
        as_guest("and is denied", lambda: guest_meddles(secret, ids))
    with attack(i, "a guest spoofs events, responses, services, routes"):
        with client() as c:
            for topic in ("job-state", "heartbeat", "x", "0-"):
                assert c.rpc("event.subscribe", {"topic": topic})[0] == 0
            as_guest("in vain", guest_spoofs)
            i.honest()
            seen = b""
            while not c.silent(0.1):
                seen += c.s.recv(65536)
            check(b"forged" not in seen, "nobody has seen them", seen)
    with attack(i, "a guest's connections", "too many connections", kib=8192):
        as_guest("are counted", guest_connections)
    with attack(i, "a guest's own jobs", kib=32 << 10):
        as_guest("are his, and he is kept within limits", guest_jobs)
    with attack(i, "a guest's flood", kib=8192):
        as_guest("is contained", guest_floods)


def main():
    with started() as i:
        frames(i)
        payloads(i)
        owner(i)
        flood(i)
        if os.geteuid() == 0:
            with attack(i, "a guest who may not come in", "only the owner may connect"):
                as_guest("is told so", guest_refused)
    if os.geteuid() == 0:
        with started("--conf=access.allow-guest-user=true") as i:
            env = dict(os.environ, SECRET="this-is-secret")
            f58 = subprocess.run(["flux", "submit", "sleep", "60"], env=env, capture_output=True, text=True,
                                 check=True).stdout.strip()
            ids = int(subprocess.run(["flux", "job", "id", "--to=dec", f58], capture_output=True, text=True).stdout)
            subprocess.run(["flux", "job", "wait-event", f58, "start"], capture_output=True, check=True)
            i.fds = i.count_fds()  # the shell is connected now
            guests(i, ids, "this-is-secret")
            subprocess.run(["flux", "cancel", f58], check=True)
    print(f"{len(failures)} failures")
    sys.exit(bool(failures))


main()
