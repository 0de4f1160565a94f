"""Messages: fields, flags, payloads, routes, coding; no broker is needed."""

import errno
import unittest

import flux
from flux.core.inner import raw
from flux.message import Message


class Messages(unittest.TestCase):
    def test_a_new_request_is_empty(self):
        m = Message()
        self.assertEqual(m.type, flux.FLUX_MSGTYPE_REQUEST)
        self.assertEqual(m.type_str, "request")
        self.assertIsNone(m.payload_str)
        self.assertIsNone(m.payload)
        self.assertIsNone(m.payload_bytes)
        self.assertEqual(m.cred, (flux.FLUX_USERID_UNKNOWN, flux.FLUX_ROLE_NONE))
        with self.assertRaises(OSError):
            m.topic

    def test_topic_takes_text_and_bytes(self):
        m = Message()
        m.topic = "a.b"
        self.assertEqual(m.topic, "a.b")
        m.topic = b"c.d"
        self.assertEqual(m.topic, "c.d")
        with self.assertRaises(TypeError):
            m.topic = 5
        with self.assertRaises(OSError) as cm:
            m.topic = None
        self.assertEqual(cm.exception.errno, errno.EINVAL)
        with self.assertRaises(ValueError):
            m.topic = "a\0b"

    def test_payloads(self):
        m = Message()
        m.payload = {"a": [1, "ü"]}
        self.assertEqual(m.payload, {"a": [1, "ü"]})
        self.assertEqual(m.payload_str, '{"a": [1, "ü"]}')
        m.payload_bytes = b"\0\1\2"
        self.assertEqual(m.payload_bytes, b"\0\1\2")
        with self.assertRaises(OSError) as cm:
            m.payload_str
        self.assertEqual(cm.exception.errno, errno.EPROTO)
        m.payload = None
        self.assertIsNone(m.payload_bytes)

    def test_numbers_of_each_type(self):
        m = Message()
        m.nodeid = 3
        m.matchtag = 7
        m.userid = 1000
        m.rolemask = flux.FLUX_ROLE_USER | flux.FLUX_ROLE_LOCAL
        self.assertEqual((m.nodeid, m.matchtag, m.userid, m.rolemask), (3, 7, 1000, 6))
        m.nodeid = -1
        self.assertEqual(m.nodeid, flux.FLUX_NODEID_ANY)
        with self.assertRaises(OSError):
            m.errnum
        r = Message(flux.FLUX_MSGTYPE_RESPONSE)
        r.errnum = errno.EPERM
        r.payload_str = "not today"
        self.assertEqual(r.errnum, errno.EPERM)
        self.assertEqual(r.error_text, "not today")
        e = Message(flux.FLUX_MSGTYPE_EVENT)
        e.seq = 2**32 - 1
        self.assertEqual(e.seq, 2**32 - 1)
        with self.assertRaises(OverflowError):
            e.seq = 2**32
        with self.assertRaises(TypeError):
            e.seq = "1"

    def test_flags(self):
        m = Message()
        for name in ("private", "streaming", "upstream", "user1"):
            self.assertFalse(getattr(m, name))
            setattr(m, name, True)
            self.assertTrue(getattr(m, name), name)
            setattr(m, name, False)
            self.assertFalse(getattr(m, name), name)
        m.noresponse = True
        self.assertTrue(raw.flux_msg_has_flag(m, flux.FLUX_MSGFLAG_NORESPONSE))
        self.assertEqual(raw.flux_msg_get_flags(m) & flux.FLUX_MSGFLAG_NORESPONSE,
                         flux.FLUX_MSGFLAG_NORESPONSE)

    def test_credentials_authorize(self):
        m = Message()
        m.cred = (1000, flux.FLUX_ROLE_USER)
        m.authorize(1000)
        with self.assertRaises(PermissionError):
            m.authorize(1001)
        self.assertFalse(raw.flux_msg_is_local(m))

    def test_routes(self):
        m = Message()
        with self.assertRaises(OSError):
            raw.flux_msg_route_push(m, "early")
        raw.flux_msg_route_enable(m)
        raw.flux_msg_route_push(m, "origin")
        raw.flux_msg_route_push(m, "hop")
        self.assertEqual(raw.flux_msg_route_count(m), 2)
        self.assertEqual(raw.flux_msg_route_first(m), "origin")
        self.assertEqual(raw.flux_msg_route_last(m), "hop")
        raw.flux_msg_route_delete_last(m)
        self.assertEqual(raw.flux_msg_route_last(m), "origin")
        self.assertTrue(raw.flux_msg_route_match_first(m, m.copy()))

    def test_coding(self):
        m = Message.from_event_encode("x.y", {"n": 1})
        m.seq = 5
        other = Message.from_bytes(m.to_bytes())
        self.assertEqual((other.topic, other.payload, other.seq), ("x.y", {"n": 1}, 5))
        with self.assertRaises(OSError):
            Message.from_bytes(b"nonsense")

    def test_a_copy_is_independent(self):
        m = Message()
        m.topic = "a"
        m.payload = {"x": 1}
        c = m.copy()
        c.topic = "b"
        self.assertEqual((m.topic, c.topic, c.payload), ("a", "b", {"x": 1}))
        self.assertIsNone(m.copy(payload=False).payload)

    def test_decode(self):
        m = Message(handle=raw.flux_request_encode("a.b", "{}"))
        self.assertEqual(m.decode(), (flux.FLUX_MSGTYPE_REQUEST, "a.b", "{}"))
        r = Message(handle=raw.flux_response_encode_error("a.b", errno.ENOENT, "no such"))
        with self.assertRaises(FileNotFoundError) as cm:
            r.decode()
        self.assertEqual(cm.exception.strerror, "no such")
        e = Message.from_event_encode("e", None)
        self.assertEqual(e.decode(), (flux.FLUX_MSGTYPE_EVENT, "e", None))

    def test_match(self):
        m = Message(handle=raw.flux_request_encode("a.b", None))
        self.assertTrue(raw.flux_msg_cmp(m, flux.FLUX_MSGTYPE_REQUEST, 0, "a.*"))
        self.assertFalse(raw.flux_msg_cmp(m, flux.FLUX_MSGTYPE_EVENT))

    def test_wrong_arguments_are_told(self):
        with self.assertRaisesRegex(TypeError, "argument 1 must be message, not str"):
            raw.flux_msg_get_topic("x")
        with self.assertRaisesRegex(TypeError, "takes 2 arguments"):
            raw.flux_msg_set_topic(Message())
        with self.assertRaises(TypeError):
            type(Message().handle)()


class Raw(unittest.TestCase):
    def test_names_with_and_without_prefix(self):
        self.assertIs(raw.flux_open, raw.open)
        self.assertEqual(raw.MSGTYPE_EVENT, flux.FLUX_MSGTYPE_EVENT)
        with self.assertRaises(AttributeError):
            raw.flux_no_such_function
        self.assertIn("flux_rpc", dir(raw))

    def test_constants_are_in_both_places(self):
        self.assertEqual(flux.FLUX_MSGTYPE_REQUEST, flux.constants.FLUX_MSGTYPE_REQUEST)
        self.assertEqual(flux.constants.FLUX_JOBID_ANY, 2**64 - 1)
        self.assertEqual(flux.constants.FLUX_NODEID_ANY, 2**32 - 1)


unittest.main()
