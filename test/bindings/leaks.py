"""Nothing is left behind: memory and objects are flat over many RPCs, messages, watchers, futures,
handles and exceptions."""

import gc
import sys
import unittest

import _flux
import flux
import flux.job
from flux.core.inner import raw

ROUNDS = 10000
FEWER = 2000
TYPES = tuple(getattr(_flux, n) for n in ("Handle", "Reactor", "Message", "Future", "Watcher",
                                          "MsgHandler"))


def objects():
    gc.collect()
    return sum(isinstance(o, TYPES) for o in gc.get_objects())


def memory():
    """Private memory in KiB; the kernel's peak is of no use here."""
    with open("/proc/self/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


class Leaks(unittest.TestCase):
    def flat(self, once, rounds=ROUNDS):
        for _ in range(rounds // 10):
            once()
        for _ in range(3):  # what leaks does so each time, what is only noise does not
            before, kib = objects(), memory()
            references = sys.getrefcount(None)
            for _ in range(rounds):
                once()
            self.assertEqual(objects(), before)
            self.assertLess(sys.getrefcount(None) - references, rounds // 2)
            grown = memory() - kib
            print(f"{self.id().split('.')[-1]}: {rounds} rounds, {grown} KiB", file=sys.stderr)
            if grown < 600:
                return
        self.fail("memory grows")

    def freed_at_once(self, make):
        """Without the cycle collector's help."""
        gc.collect()
        gc.disable()
        try:
            before = sum(isinstance(o, TYPES) for o in gc.get_objects())
            make()
            self.assertEqual(sum(isinstance(o, TYPES) for o in gc.get_objects()), before)
        finally:
            gc.enable()

    def setUp(self):
        self.f = flux.Flux()
        self.addCleanup(self.f.close)

    def test_rpcs(self):
        self.flat(lambda: self.f.rpc("attr.get", {"name": "rank"}).get())

    def test_rpcs_that_fail(self):
        def once():
            try:
                self.f.rpc("no-such-service.x").get()
            except OSError:
                pass

        self.flat(once, FEWER)

    def test_rpcs_forgotten(self):
        def once():
            for _ in range(10):
                self.f.rpc("attr.get", {"name": "rank"})
            self.f.rpc("attr.get", {"name": "rank"}).get()

        self.flat(once, FEWER)
        self.assertEqual(self.f.rpc("attr.get", {"name": "rank"}).get()["value"], "0")

    def test_rpcs_with_continuations(self):
        def once():
            self.f.rpc("attr.get", {"name": "rank"}).then(lambda rpc, x: rpc.get(), object())
            self.f.reactor_run()

        self.flat(once, FEWER)

    def test_messages(self):
        def once():
            m = flux.message.Message()
            m.topic = "a.b"
            m.payload = {"x": "y" * 100}
            raw.flux_msg_route_enable(m)
            raw.flux_msg_route_push(m, "origin")
            n = flux.message.Message.from_bytes(m.copy().to_bytes())
            n.topic = "c.d"
            n.payload

        self.flat(once)

    def test_events(self):
        self.f.event_subscribe("leak")

        def once():
            self.f.event_send("leak", {"a": 1})
            m = self.f.event_recv()
            m.topic = "changed"

        self.flat(once, FEWER)

    def test_watchers(self):
        def once():
            self.f.timer_watcher_create(0, lambda *a: None).start()
            watcher = self.f.timer_watcher_create(3600, print).start()
            self.f.msg_watcher_create(print, flux.FLUX_MSGTYPE_REQUEST, "x.y").start().stop()
            self.f.fd_watcher_create(0, print, flux.FLUX_POLLIN)
            self.f.idle_watcher_create(print).destroy()
            self.f.reactor_run(flags=flux.FLUX_REACTOR_NOWAIT)
            watcher.stop()

        self.flat(once, FEWER)

    def test_exceptions_of_callbacks(self):
        def raises(*args):
            raise KeyError

        def once():
            self.f.timer_watcher_create(0, raises).start()
            try:
                self.f.reactor_run()
            except KeyError:
                pass

        self.flat(once, FEWER)

    def test_composites(self):
        def once():
            flux.future.WaitAllFuture([self.f.rpc("attr.get", {"name": n})
                                       for n in ("rank", "size")]).wait_for(60).get()

        self.flat(once, FEWER // 4)

    def test_requests_served(self):
        self.f.service_register("leak").get()
        seen = []

        def cb(h, watcher, message, args):
            h.respond(message, message.payload)
            seen.append(1)

        self.f.msg_watcher_create(cb, flux.FLUX_MSGTYPE_REQUEST, "leak.*").start()
        client = flux.Flux()
        self.addCleanup(client.close)

        def once():
            rpc = client.rpc("leak.x", {"a": 1})
            want = len(seen) + 1
            while len(seen) < want:
                self.f.reactor_run(flags=flux.FLUX_REACTOR_ONCE)
            assert rpc.get() == {"a": 1}
            if want > 100:
                seen.clear()

        self.flat(once, FEWER)

    def test_what_is_finished_goes_at_once(self):
        def make():
            f = flux.Flux()
            f.timer_watcher_create(0, lambda *a: None).start()
            f.rpc("attr.list").then(lambda rpc: None)
            f.reactor_run()
            f.msg_watcher_create(print).start().stop()
            f.fd_watcher_create(0, print)
            flux.future.WaitAllFuture([f.rpc("attr.list")]).get()
            f.rpc("attr.list").get()
            try:
                f.rpc("no-such-service.x").get()
            except OSError:
                pass
            f.close()

        self.freed_at_once(make)

    def test_handles(self):
        def once():
            f = flux.Flux()
            f.get_reactor()
            f.msg_watcher_create(print, flux.FLUX_MSGTYPE_EVENT).start()
            f.rpc("attr.list").then(print)
            f.clone()

        self.flat(once, FEWER // 5)

    def test_results_of_jobs(self):
        import json
        spec = {"version": 1,
                "resources": [{"type": "slot", "count": 1, "label": "t",
                               "with": [{"type": "core", "count": 1}]}],
                "tasks": [{"command": ["true"], "slot": "t", "count": {"per_slot": 1}}],
                "attributes": {"system": {"duration": 0, "environment": {}, "cwd": "/"}}}
        jobid = flux.job.submit(self.f, json.dumps(spec))

        def once():
            assert flux.job.result(self.f, jobid).returncode == 0
            next(iter(flux.job.event_watch(self.f, jobid)))

        self.flat(once, FEWER // 4)


unittest.main()
