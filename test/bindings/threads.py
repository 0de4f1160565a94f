"""Threads and signals: who may use a handle, what runs while a call waits, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
import unittest

import flux


class Threads(unittest.TestCase):
    def test_others_run_while_a_call_waits(self):
        """Each thread waits for what the next one does: with Python held they would lock up."""
        server = flux.Flux()
        server.service_register("pythread").get()
        answers = []

        def client():
            answers.append(flux.Flux().rpc("pythread.x").get()["n"])

        threads = [threading.Thread(target=client) for _ in range(4)]
        for t in threads:
            t.start()
        for n in range(4):
            server.respond(server.recv(topic_glob="pythread.x"), {"n": n})
        for t in threads:
            t.join(60)
        self.assertEqual(sorted(answers), [0, 1, 2, 3])

    def test_reactors_in_threads(self):
        counts = []

        def run():
            f = flux.Flux()
            f.event_subscribe("thread.event")
            seen = []

            def cb(h, watcher, message, args):
                seen.append(message.payload["n"])
                if len(seen) == 50:
                    h.reactor_stop()

            f.msg_watcher_create(cb, flux.FLUX_MSGTYPE_EVENT, "thread.event").start()
            ready.release()
            f.reactor_run()
            counts.append(seen)

        ready = threading.Semaphore(0)
        threads = [threading.Thread(target=run) for _ in range(3)]
        for t in threads:
            t.start()
            ready.acquire()
        f = flux.Flux()
        for n in range(50):
            f.event_publish("thread.event", {"n": n})
        for t in threads:
            t.join(60)
        self.assertEqual(counts, [list(range(50))] * 3)

    def test_a_handle_in_use_is_refused_to_others(self):
        f = flux.Flux()
        f.service_register("pybusy").get()
        started = threading.Event()
        future = f.rpc("pybusy.x")

        def run():
            f.timer_watcher_create(0, lambda *a: started.set()).start()
            f.timer_watcher_create(0, lambda h, w, r, a: stop.is_set() and h.reactor_stop(),
                                   repeat=0.01).start()
            f.reactor_run()

        stop = threading.Event()
        t = threading.Thread(target=run)
        t.start()
        self.assertTrue(started.wait(60))
        # The reactor's thread is in a callback now and then, but owns the handle all along.
        for use in (f.get_rank, lambda: f.rpc("attr.list"), future.get, future.is_ready,
                    lambda: f.timer_watcher_create(0, print), f.close):
            with self.assertRaisesRegex(RuntimeError, "another thread"):
                use()
        # To drop one's last reference is allowed.
        del future
        stop.set()
        t.join(60)
        self.assertFalse(t.is_alive())
        self.assertEqual(f.get_rank(), 0)

    def test_a_handle_may_move_to_another_thread(self):
        f = flux.Flux()
        f.get_rank()
        seen = []
        t = threading.Thread(target=lambda: seen.append(f.rpc("attr.get", {"name": "rank"}).get()))
        t.start()
        t.join(60)
        self.assertEqual(seen[0]["value"], "0")
        self.assertEqual(f.get_size(), 1)


INTERRUPTED = """
import os, signal, sys, flux
f = flux.Flux()
f.service_register("pyinterrupt%d" % os.getpid()).get()
rpc = f.rpc("pyinterrupt%d.x" % os.getpid())
def say():
    print("waiting", flush=True)
def in_reactor():
    f.timer_watcher_create(0, lambda *a: say()).start()
    f.timer_watcher_create(3600, print).start()
    f.reactor_run()
def in_get():
    say()
    rpc.get()
def in_composite():
    say()
    flux.future.WaitAllFuture([rpc]).get()
def in_recv():
    f.recv()
    say()
    f.recv()
def in_callback():
    def cb(*args):
        say()
        rpc.get()
    f.timer_watcher_create(0, cb).start()
    f.reactor_run()
try:
    locals()["in_" + sys.argv[1]]()
except KeyboardInterrupt:
    # The handle is as good as before.
    assert f.rpc("attr.get", {"name": "rank"}).get()["value"] == "0"
    print("interrupted", flush=True)
"""


class Signals(unittest.TestCase):
    def interrupt(self, where):
        p = subprocess.Popen([sys.executable, "-c", INTERRUPTED, where], stdout=subprocess.PIPE,
                             text=True)
        self.addCleanup(p.stdout.close)
        self.assertEqual(p.stdout.readline(), "waiting\n")
        p.send_signal(signal.SIGINT)
        started = time.monotonic()
        self.assertEqual(p.stdout.readline(), "interrupted\n")
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(p.wait(60), 0)

    def test_ctrl_c_in_the_reactor(self):
        self.interrupt("reactor")

    def test_ctrl_c_in_get(self):
        self.interrupt("get")

    def test_ctrl_c_in_a_composite(self):
        self.interrupt("composite")

    def test_ctrl_c_in_recv(self):
        self.interrupt("recv")

    def test_ctrl_c_in_a_callback_that_waits(self):
        self.interrupt("callback")

    def test_handlers_of_python_run_and_the_reactor_goes_on(self):
        f = flux.Flux()
        seen = []
        before = signal.signal(signal.SIGUSR2, lambda s, frame: seen.append(s))
        self.addCleanup(signal.signal, signal.SIGUSR2, before)

        def look(h, watcher, revents, args):
            if seen:
                watcher.stop()

        f.timer_watcher_create(0, lambda *a: os.kill(os.getpid(), signal.SIGUSR2)).start()
        f.timer_watcher_create(0.005, look, repeat=0.005).start()
        f.reactor_run()
        self.assertEqual(seen, [signal.SIGUSR2])

    def test_the_wakeup_descriptor_of_another_loop_gets_its_bytes(self):
        r, w = os.pipe()
        os.set_blocking(w, False)
        os.set_blocking(r, False)
        before = signal.set_wakeup_fd(w)
        f = flux.Flux()
        old = signal.signal(signal.SIGUSR2, lambda s, frame: f.reactor_stop())
        try:
            f.timer_watcher_create(0, lambda *a: os.kill(os.getpid(), signal.SIGUSR2)).start()
            f.timer_watcher_create(3600, print).start()
            f.reactor_run()
            self.assertEqual(signal.set_wakeup_fd(w), w)
            self.assertEqual(os.read(r, 10), bytes([signal.SIGUSR2]))
        finally:
            signal.signal(signal.SIGUSR2, old)
            signal.set_wakeup_fd(before)
            os.close(r)
            os.close(w)


unittest.main()
