"""RPCs, futures, services; the 2018 forms beside today's."""

import errno
import gc
import json
import unittest

import flux
from flux.future import WaitAllFuture, WaitAnyFuture
from flux.rpc import RPC


class Calls(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def tearDown(self):
        self.f.close()

    def test_get(self):
        rpc = self.f.rpc("attr.get", {"name": "rank"})
        self.assertIsInstance(rpc, RPC)
        self.assertEqual(rpc.get(), {"value": "0", "flags": rpc.get()["flags"]})
        self.assertEqual(json.loads(rpc.get_str()), rpc.get())
        self.assertEqual(json.loads(rpc.get_bytes().rstrip(b"\0")), rpc.get())

    def test_payload_may_be_text_or_bytes(self):
        for payload in ('{"name":"rank"}', b'{"name":"rank"}', {"name": "rank"}):
            self.assertEqual(self.f.rpc(b"attr.get", payload).get()["value"], "0")
        self.assertIn("names", self.f.rpc("attr.list").get())

    def test_errors_carry_the_services_text(self):
        with self.assertRaises(OSError) as cm:
            self.f.rpc("no-such-service.x").get()
        self.assertEqual(cm.exception.errno, errno.ENOSYS)
        self.assertIn("no-such-service", cm.exception.strerror)
        rpc = self.f.rpc("attr.get", {"name": "rank"}, nodeid=99).wait_for(60)
        self.assertTrue(rpc.has_error())
        self.assertTrue(rpc.error_string())
        with self.assertRaises(OSError) as cm:
            rpc.get()
        self.assertEqual(cm.exception.errno, errno.EHOSTUNREACH)

    def test_wrong_topics(self):
        with self.assertRaises(OSError):
            self.f.rpc(None)
        with self.assertRaises(TypeError):
            self.f.rpc(5)

    def test_wait_for_times_out_and_the_future_stays(self):
        self.f.service_register("pyslow").get()
        rpc = flux.Flux().rpc("pyslow.x")
        with self.assertRaises(TimeoutError):
            rpc.wait_for(0.01)
        self.assertFalse(rpc.is_ready())
        self.f.respond(self.f.recv(topic_glob="pyslow.x"), {"late": 1})
        self.assertEqual(rpc.wait_for(60).get(), {"late": 1})

    def test_then(self):
        seen = []

        def cb(rpc, a, b=None):
            seen.append((rpc.get()["value"], a, b))

        self.f.rpc("attr.get", {"name": "rank"}).then(cb, 1, b=2)
        self.f.rpc("attr.get", {"name": "size"}).then(cb, 3)
        gc.collect()
        self.assertGreaterEqual(self.f.reactor_run(), 0)
        self.assertEqual(seen, [("0", 1, 2), ("1", 3, None)])

    def test_then_of_old_programs(self):
        seen = []
        self.f.rpc("attr.get", {"name": "rank"}).then(lambda rpc, arg: seen.append(arg))
        self.f.rpc("attr.get", {"name": "rank"}).then(lambda rpc: seen.append("one"))
        self.f.reactor_run()
        self.assertEqual(seen, [None, "one"])

    def test_then_only_once_and_stop(self):
        seen = []
        rpc = self.f.rpc("attr.get", {"name": "rank"}).then(lambda f: seen.append(1))
        with self.assertRaises(FileExistsError):
            rpc.then(print)
        with self.assertRaises(ValueError):
            self.f.rpc("attr.list").then(None)
        rpc.stop()
        self.f.reactor_run()
        self.assertEqual(seen, [])

    def test_then_with_a_timeout(self):
        silent = flux.Flux()
        silent.service_register("pysilent").get()
        seen = []

        def cb(rpc):
            try:
                rpc.get()
            except TimeoutError as e:
                seen.append(e.errno)
            self.f.reactor_stop()

        self.f.rpc("pysilent.x").then(cb, timeout=0.01)
        self.f.reactor_run()
        self.assertEqual(seen, [errno.ETIMEDOUT])

    def test_streams(self):
        self.f.service_register("pystream").get()
        client = flux.Flux()
        rpc = client.rpc("pystream.count", {"n": 3}, flags=flux.FLUX_RPC_STREAMING)
        request = self.f.recv(topic_glob="pystream.count")
        self.assertTrue(request.streaming)
        for i in range(request.payload["n"]):
            self.f.respond(request, {"i": i})
        self.f.respond_error(request, errno.ENODATA)
        seen = []

        def cb(rpc):
            try:
                seen.append(rpc.get()["i"])
                rpc.reset()
            except OSError as e:
                seen.append(e.errno)

        rpc.then(cb)
        del rpc
        gc.collect()
        client.reactor_run()
        self.assertEqual(seen, [0, 1, 2, errno.ENODATA])

    def test_noresponse(self):
        self.f.service_register("pyquiet").get()
        rpc = self.f.rpc("pyquiet.x", flags=flux.FLUX_RPC_NORESPONSE)
        self.assertTrue(rpc.is_ready())
        self.assertIsNone(rpc.get())
        self.assertTrue(self.f.recv(topic_glob="pyquiet.x").noresponse)

    def test_message_and_raw(self):
        m = flux.message.Message()
        m.topic = "attr.get"
        m.payload = {"name": "rank"}
        self.assertIn("value", json.loads(flux.raw.flux_rpc_get(self.f.rpc_message(m))))
        future = self.f.rpc_raw("attr.get", b'{"name":"rank"}\0')
        self.assertIn(b"value", flux.raw.flux_rpc_get_raw(future))

    def test_2018(self):
        self.assertEqual(self.f.rpc_send("attr.get", {"name": "rank"})["value"], "0")
        self.assertEqual(self.f.rpc_send("attr.get", '{"name": "rank"}')["value"], "0")
        with self.f.rpc_create("attr.get", {"name": "rank"}) as rpc:
            rpc.wait_for(60)
            self.assertTrue(rpc.check())
            self.assertTrue(rpc.completed())


class Services(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()
        self.f.service_register("pytest").get()
        self.client = flux.Flux()

    def tearDown(self):
        self.f.close()

    def serve_one(self, handler, rolemask=None):
        def cb(h, watcher, message, args):
            handler(h, message)
            h.reactor_stop()

        self.f.msg_watcher_create(cb, flux.FLUX_MSGTYPE_REQUEST, "pytest.*",
                                  rolemask=rolemask).start()
        self.f.reactor_run()

    def test_answers_today(self):
        rpc = self.client.rpc("pytest.a", {"x": 1})
        self.serve_one(lambda h, m: h.respond(m, {"got": m.payload}))
        self.assertEqual(rpc.get(), {"got": {"x": 1}})
        rpc = self.client.rpc("pytest.a")
        self.serve_one(lambda h, m: h.respond(m))
        self.assertIsNone(rpc.get())

    def test_answers_of_2018(self):
        rpc = self.client.rpc("pytest.a")
        self.serve_one(lambda h, m: h.respond(m, 0, json.dumps({"jobid": 7})))
        self.assertEqual(rpc.get(), {"jobid": 7})
        rpc = self.client.rpc("pytest.a")
        self.serve_one(lambda h, m: h.respond(m, errno.EINVAL, "wrong"))
        with self.assertRaisesRegex(OSError, "wrong"):
            rpc.get()

    def test_error_answers(self):
        rpc = self.client.rpc("pytest.a")
        self.serve_one(lambda h, m: h.respond_error(m, errno.ENOENT, "no such thing"))
        with self.assertRaises(FileNotFoundError) as cm:
            rpc.get()
        self.assertEqual(cm.exception.strerror, "no such thing")

    def test_a_request_nobody_handles(self):
        rpc = self.client.rpc("pytest.b")
        self.f.msg_watcher_create(print, flux.FLUX_MSGTYPE_REQUEST, "pytest.other").start()
        self.f.timer_watcher_create(0.01, lambda h, w, r, a: None, repeat=0.01).start()
        while not rpc.is_ready():
            self.f.reactor_run(flags=flux.FLUX_REACTOR_ONCE)
            self.client.pollevents()
            try:
                rpc.wait_for(0)
            except TimeoutError:
                pass
        with self.assertRaisesRegex(OSError, "pytest.b"):
            rpc.get()

    def test_the_name_is_taken_and_given_back(self):
        with self.assertRaises(FileExistsError):
            self.client.service_register("pytest").get()
        self.f.service_unregister("pytest").get()
        self.client.service_register("pytest").get()
        self.client.service_unregister("pytest").get()
        self.f.service_register("pytest").get()

    def test_both_orders_of_a_message_watcher(self):
        seen = []

        def cb(h, watcher, message, args):
            seen.append((message.topic, args))
            h.respond(message)
            h.reactor_stop()

        self.f.msg_watcher_create(flux.FLUX_MSGTYPE_REQUEST, cb, "pytest.old", args=1).start()
        self.f.msg_watcher_create(cb, flux.FLUX_MSGTYPE_REQUEST, "pytest.new", args=2).start()
        for method in ("old", "new"):
            rpc = self.client.rpc("pytest." + method)
            self.f.reactor_run()
            rpc.get()
        self.assertEqual(seen, [("pytest.old", 1), ("pytest.new", 2)])


class Composites(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def test_wait_all(self):
        rpcs = [self.f.rpc("attr.get", {"name": n}) for n in ("rank", "size")]
        all_of_them = WaitAllFuture(rpcs)
        self.assertIs(all_of_them.wait_for(60), all_of_them)
        self.assertEqual([r.get()["value"] for r in rpcs], ["0", "1"])
        self.assertEqual(len(all_of_them.children), 2)

    def test_wait_all_with_a_continuation(self):
        seen = []
        both = WaitAllFuture()
        for name in ("rank", "size"):
            both.push(self.f.rpc("attr.get", {"name": name}), name)
        both.then(lambda f: seen.append(len(f.children)))
        self.f.reactor_run()
        self.assertEqual(seen, [2])
        self.assertEqual(both.get_flux().get_rank(), 0)

    def test_wait_any(self):
        self.f.service_register("pynever").get()
        never = self.f.rpc("pynever.x")
        WaitAnyFuture([never, self.f.rpc("attr.list")]).wait_for(60)
        self.assertFalse(never.is_ready())


unittest.main()
