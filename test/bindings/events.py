"""Events: subscribing, publishing, receiving."""

import errno
import json
import unittest

import flux
from flux.core.inner import raw


class Events(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def tearDown(self):
        self.f.close()

    def test_publish_tells_the_sequence(self):
        self.f.event_subscribe("ev.pub")
        seqs = [self.f.event_publish("ev.pub", {"n": n}) for n in range(3)]
        self.assertEqual(seqs, [seqs[0], seqs[0] + 1, seqs[0] + 2])
        got = [self.f.event_recv() for _ in seqs]
        self.assertEqual([m.seq for m in got], seqs)
        self.assertEqual([m.payload["n"] for m in got], [0, 1, 2])

    def test_prefix_and_counting(self):
        with self.assertRaises(FileNotFoundError):
            self.f.event_unsubscribe("ev.count")
        self.f.event_subscribe("ev.count")
        self.f.event_subscribe("ev.count")
        self.f.event_unsubscribe("ev.count")
        self.f.event_publish("ev.count.longer")
        self.assertEqual(self.f.event_recv().topic, "ev.count.longer")
        self.f.event_unsubscribe("ev.count")
        self.f.event_publish("ev.count.longer")
        with self.assertRaises(BlockingIOError):
            self.f.recv(flags=flux.FLUX_O_NONBLOCK)

    def test_private_and_raw(self):
        self.f.event_subscribe("ev.")
        self.f.event_publish("ev.private", "text", flux.FLUX_MSGFLAG_PRIVATE)
        m = self.f.event_recv("ev.private")
        self.assertTrue(m.private)
        self.assertEqual(m.payload_str, "text")
        f = raw.flux_event_publish_raw(self.f, "ev.raw", 0, b"\1\2")
        self.assertGreater(raw.flux_event_publish_get_seq(f), 0)
        self.assertEqual(self.f.event_recv("ev.raw").payload_bytes, b"\1\2")

    def test_wrong_topics(self):
        with self.assertRaises(OSError) as cm:
            self.f.event_subscribe(None)
        self.assertEqual(cm.exception.errno, errno.EINVAL)
        with self.assertRaises(TypeError):
            self.f.event_subscribe(5)

    def test_a_watcher_gets_them(self):
        seen = []

        def cb(handle, watcher, message, args):
            self.assertIs(handle, self.f)
            seen.append((message.topic, message.payload, args))
            if len(seen) == 3:
                watcher.stop()

        self.f.event_subscribe("ev.watch")
        with self.f.msg_watcher_create(cb, flux.FLUX_MSGTYPE_EVENT, "ev.watch.*", args="x") as w:
            for n in range(4):
                self.f.event_send("ev.watch.%d" % n, json.dumps({"n": n}))
            self.f.reactor_run()
            self.assertEqual(seen, [("ev.watch.%d" % n, {"n": n}, "x") for n in range(3)])
            w.destroy()
            w.destroy()


unittest.main()
