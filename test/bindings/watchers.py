"""Watchers, the reactor, and exceptions of callbacks."""

import gc
import os
import signal
import sys
import traceback
import unittest

import flux
from flux.core.inner import raw


class Watchers(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def tearDown(self):
        self.f.close()

    def test_a_timer_calls_once(self):
        seen = []
        watcher = self.f.timer_watcher_create(0.001, lambda h, w, r, a: seen.append((h, w, a)), args=5)
        self.assertFalse(watcher.is_active())
        self.assertIs(watcher.start(), watcher)
        self.assertTrue(watcher.is_active())
        self.assertEqual(self.f.reactor_run(), 0)
        self.assertEqual(seen, [(self.f, watcher, 5)])
        self.assertFalse(watcher.is_active())
        watcher.start()
        self.f.reactor_run()
        self.assertEqual(len(seen), 2)

    def test_a_started_watcher_needs_no_variable(self):
        seen = []
        self.f.timer_watcher_create(0.001, lambda *a: seen.append(1)).start()
        gc.collect()
        self.f.reactor_run()
        self.assertEqual(seen, [1])

    def test_a_repeating_timer_stops_itself(self):
        seen = []

        def cb(h, watcher, revents, args):
            seen.append(1)
            if len(seen) == 3:
                watcher.stop()

        self.f.timer_watcher_create(0, cb, repeat=0.001).start()
        self.f.reactor_run()
        self.assertEqual(len(seen), 3)

    def test_a_watcher_may_destroy_itself(self):
        def cb(h, watcher, revents, args):
            watcher.destroy()

        self.f.timer_watcher_create(0, cb, repeat=0.001).start()
        self.f.reactor_run()

    def test_descriptors(self):
        r, w = os.pipe()
        seen = []

        def cb(h, watcher, fd, revents, args):
            seen.append((fd, revents, os.read(fd, 10), args))
            watcher.stop()

        self.f.fd_watcher_create(r, cb, flux.FLUX_POLLIN, args="x").start()
        self.f.timer_watcher_create(0.001, lambda *a: os.write(w, b"hi")).start()
        self.f.reactor_run()
        self.assertEqual(seen, [(r, flux.FLUX_POLLIN, b"hi", "x")])
        os.close(r)
        os.close(w)

    def test_signals(self):
        seen = []

        def cb(h, watcher, signum, args):
            seen.append((signum, args))
            watcher.stop()

        self.f.signal_watcher_create(signal.SIGUSR1, cb, args=1).start()
        self.f.timer_watcher_create(0.001, lambda *a: os.kill(os.getpid(), signal.SIGUSR1)).start()
        self.f.reactor_run()
        self.assertEqual(seen, [(signal.SIGUSR1, 1)])

    def test_around_the_wait(self):
        seen = []

        def note(h, w, r, name):
            seen.append(name)
            if name == "idle":
                w.stop()

        prepare = self.f.prepare_watcher_create(note, "prepare").start()
        check = self.f.check_watcher_create(note, "check").start()
        self.f.idle_watcher_create(note, "idle").start()
        prepare.unref()
        check.unref()
        self.f.reactor_run()
        self.assertEqual({"prepare", "check", "idle"}, set(seen))
        self.assertLess(seen.index("prepare"), seen.index("check"))
        prepare.stop()
        check.stop()

    def test_unreferenced(self):
        watcher = self.f.timer_watcher_create(3600, print)
        watcher.start()
        watcher.unref()
        self.f.reactor_run()
        self.assertTrue(watcher.is_active())
        watcher.stop()

    def test_reset(self):
        watcher = self.f.timer_watcher_create(3600, lambda *a: None)
        watcher.reset(0.001)
        with watcher:
            self.assertLess(watcher.next_wakeup() - raw.flux_reactor_time(), 60)
            self.f.reactor_run()

    def test_wrong_arguments(self):
        with self.assertRaises(OSError):
            self.f.timer_watcher_create(-1, print)
        with self.assertRaises(OSError):
            self.f.signal_watcher_create(signal.SIGKILL, print)
        with self.assertRaises(TypeError):
            raw.flux_timer_watcher_create(self.f.get_reactor(), 1.0, 0.0, "no function")


class Reactor(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def test_stop_and_stop_error(self):
        self.f.timer_watcher_create(0, lambda h, w, r, a: h.reactor_stop(), repeat=0.001).start()
        self.assertGreaterEqual(self.f.reactor_run(self.f.get_reactor(), 0), 1)
        self.f.timer_watcher_create(0, lambda h, w, r, a: h.reactor_stop_error()).start()
        with self.assertRaises(OSError):
            self.f.reactor_run()

    def test_flags(self):
        self.assertEqual(self.f.reactor_run(flags=flux.FLUX_REACTOR_NOWAIT), 0)
        seen = []
        self.f.timer_watcher_create(0.001, lambda *a: seen.append(1), repeat=0.001).start()
        self.f.reactor_run(flags=flux.FLUX_REACTOR_ONCE)
        self.assertLessEqual(len(seen), 1)

    def test_an_exception_comes_out(self):
        def cb(*args):
            raise KeyError("from the callback")

        self.f.timer_watcher_create(0, cb).start()
        with self.assertRaisesRegex(KeyError, "from the callback"):
            self.f.reactor_run()
        self.assertEqual(self.f.reactor_run(), 0)
        self.f.rpc("attr.list").then(cb)
        with self.assertRaises(KeyError):
            self.f.reactor_run()
        self.f.event_subscribe("boom")
        watcher = self.f.msg_watcher_create(cb, flux.FLUX_MSGTYPE_EVENT, "boom").start()
        self.f.event_send("boom")
        try:
            self.f.reactor_run()
        except KeyError as e:
            names = [frame.name for frame in traceback.extract_tb(e.__traceback__)]
        self.assertEqual(names[-1], "cb")
        watcher.stop()

    def test_an_exception_passes_nested_reactors(self):
        def inner(*args):
            raise ZeroDivisionError

        def outer(h, watcher, revents, args):
            h.timer_watcher_create(0, inner).start()
            h.reactor_run()

        self.f.timer_watcher_create(0, outer).start()
        with self.assertRaises(ZeroDivisionError):
            self.f.reactor_run()

    def test_system_exit_too(self):
        self.f.timer_watcher_create(0, lambda *a: sys.exit(3)).start()
        with self.assertRaises(SystemExit):
            self.f.reactor_run()

    def test_blocking_calls_inside_a_callback(self):
        seen = []

        def cb(h, watcher, revents, args):
            seen.append(h.rpc("attr.get", {"name": "rank"}).get()["value"])
            h.event_subscribe("in.callback")
            h.event_publish("in.callback")
            seen.append(h.event_recv("in.callback").topic)

        self.f.timer_watcher_create(0, cb).start()
        self.f.reactor_run()
        self.assertEqual(seen, ["0", "in.callback"])

    def test_one_reactor_for_two_handles(self):
        other = flux.Flux()
        reactor = self.f.get_reactor()
        raw.flux_set_reactor(other, reactor)
        seen = []
        for h in (self.f, other):
            h.rpc("attr.get", {"name": "rank"}).then(lambda f: seen.append(f.get()["value"]))
        self.f.reactor_run(reactor)
        self.assertEqual(seen, ["0", "0"])
        with self.assertRaises(FileExistsError):
            raw.flux_set_reactor(other, raw.flux_reactor_create())


unittest.main()
