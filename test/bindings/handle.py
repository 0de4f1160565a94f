"""The handle: opening and closing, sending and receiving, attributes, log, configuration."""

import errno
import os
import syslog
import time
import unittest

import flux
from flux.core.inner import MissingFunctionError, raw


class Opening(unittest.TestCase):
    def test_the_url_may_be_text_bytes_or_none(self):
        uri = os.environ["FLUX_URI"]
        for url in (uri, uri.encode(), None):
            with flux.Flux(url) as f:
                self.assertEqual(f.attr_get("local-uri"), uri)
        self.assertEqual(flux.Flux(url=uri, flags=0).get_rank(), 0)

    def test_a_failure_names_the_place(self):
        with self.assertRaises(FileNotFoundError) as cm:
            flux.Flux("local:///nonexistent/socket")
        self.assertIn("/nonexistent/socket", str(cm.exception))
        with self.assertRaises(OSError) as cm:
            flux.Flux("nonsense://x")
        self.assertEqual(cm.exception.errno, errno.EINVAL)
        with self.assertRaises(TypeError):
            flux.Flux(42)

    def test_a_closed_handle_is_of_no_use(self):
        f = flux.Flux()
        watcher = f.msg_watcher_create(print, flux.FLUX_MSGTYPE_EVENT)
        watcher.start()
        future = f.rpc("attr.get", {"name": "rank"})
        inner = f.handle
        f.close()
        f.close()
        with self.assertRaises(TypeError):
            f.get_rank()
        with self.assertRaisesRegex(ValueError, "closed"):
            raw.flux_get_rank(inner)
        with self.assertRaisesRegex(ValueError, "closed"):
            future.get()
        with self.assertRaisesRegex(ValueError, "closed"):
            future.then(print)
        watcher.stop()

    def test_what_has_arrived_outlives_the_handle(self):
        f = flux.Flux()
        future = f.rpc("attr.get", {"name": "rank"}).wait_for(60)
        f.close()
        self.assertEqual(future.get()["value"], "0")

    def test_a_future_keeps_its_handle_open(self):
        self.assertEqual(flux.Flux().rpc("attr.get", {"name": "rank"}).get()["value"], "0")

    def test_a_clone_shares_the_connection(self):
        f = flux.Flux()
        c = f.clone()
        self.assertEqual(c.rpc("attr.get", {"name": "rank"}).get()["value"], "0")
        del f
        self.assertEqual(c.get_rank(), 0)


class Using(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def tearDown(self):
        self.f.close()

    def test_every_c_function_is_a_method(self):
        self.assertEqual(self.f.get_size(), 1)
        self.assertEqual(self.f.flags_get(), 0)
        self.f.log_set_appname("me")
        self.f.flux_log_set_procid("7")
        self.assertGreater(self.f.get_instance_starttime(), 1e9)
        with self.assertRaises(MissingFunctionError):
            self.f.no_such_function()
        self.assertFalse(hasattr(self.f, "no_such_function"))

    def test_attributes(self):
        self.assertEqual(self.f.attr_get("size"), "1")
        with self.assertRaises(FileNotFoundError):
            self.f.attr_get("no.such.attribute")
        self.f.attr_set("test.attribute", 42)
        self.assertEqual(self.f.attr_get("test.attribute"), "42")
        self.f.attr_remove("test.attribute")
        with self.assertRaises(FileNotFoundError):
            self.f.attr_get("test.attribute")
        with self.assertRaises(OSError):
            self.f.attr_set("size", "5")

    def test_send_and_recv(self):
        m = self.f.event_create("test.send", {"a": 1})
        self.f.event_subscribe("test.send")
        self.f.send(m)
        self.f.event_send("test.send.other", "text")
        other = self.f.recv(topic_glob="test.send.other")
        self.assertEqual(other.payload_str, "text")
        first = self.f.recv()
        self.assertEqual((first.topic, first.payload), ("test.send", {"a": 1}))
        self.assertEqual(first.userid, os.getuid())
        with self.assertRaises(BlockingIOError):
            self.f.recv(flags=flux.FLUX_O_NONBLOCK)

    def test_requeue(self):
        self.f.requeue(self.f.event_create("test.again"))
        self.assertEqual(self.f.event_recv().topic, "test.again")

    def test_a_received_message_may_be_changed(self):
        self.f.event_subscribe("test.change")
        self.f.event_send("test.change")
        m = self.f.event_recv()
        m.topic = "changed"
        self.assertEqual(m.topic, "changed")

    def test_recv_with_a_timeout(self):
        import struct
        self.f.opt_set("flux::recv_timeout", struct.pack("d", 0.01))
        start = time.monotonic()
        with self.assertRaises(TimeoutError):
            self.f.recv()
        self.assertLess(time.monotonic() - start, 30)

    def test_log_reaches_the_broker(self):
        self.f.log_set_appname("bindings-test")
        self.f.log(syslog.LOG_INFO, "hello from %s python")
        stream = self.f.rpc("log.dmesg", {"follow": False, "nobacklog": False},
                            flags=flux.FLUX_RPC_STREAMING)
        lines = []
        while True:
            try:
                lines.append(stream.get_str())
            except OSError as e:
                self.assertEqual(e.errno, errno.ENODATA)
                break
            stream.reset()
        self.assertTrue(any("bindings-test" in s and "hello from %s python" in s for s in lines), lines)

    def test_configuration(self):
        self.assertIsInstance(self.f.conf_get(), dict)
        self.assertEqual(self.f.conf_get("no.such.key", default=5), 5)

    def test_matchtags_and_counters(self):
        a, b = self.f.matchtag_alloc(), self.f.matchtag_alloc()
        self.assertEqual((a, b), (1, 2))
        self.f.matchtag_free(a)
        self.f.matchtag_free(b)
        self.f.clr_msgcounters()
        self.f.rpc("attr.get", {"name": "rank"}).get()
        self.assertEqual(self.f.get_msgcounters()["request_tx"], 1)
        self.assertEqual(self.f.get_msgcounters()["response_rx"], 1)

    def test_pollfd_serves_a_foreign_loop(self):
        import select
        self.f.event_subscribe("test.poll")
        fd = self.f.pollfd()
        self.f.event_send("test.poll")
        self.assertTrue(select.select([fd], [], [], 60)[0])
        self.assertTrue(self.f.pollevents() & flux.FLUX_POLLIN)
        self.assertEqual(self.f.event_recv().topic, "test.poll")


unittest.main()
