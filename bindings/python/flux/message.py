"""Messages, and watchers for them."""

import json

from flux.core.inner import encode_payload, encode_topic, raw, weakly
from flux.core.watchers import Watcher

__all__ = ["Message", "MessageWatcher", "msg_typestr"]


def msg_typestr(msg_type):
    return raw.flux_msg_typestr(msg_type)


def _number(name):
    getter, setter = getattr(raw, "flux_msg_get_" + name), getattr(raw, "flux_msg_set_" + name)
    return property(lambda self: getter(self.handle),
                    lambda self, value: setter(self.handle, value))


def _flag(name):
    getter, setter = getattr(raw, "flux_msg_is_" + name), getattr(raw, "flux_msg_set_" + name)
    bit = getattr(raw, "FLUX_MSGFLAG_" + name.upper())

    def put(self, value):
        if value:
            setter(self.handle)
        else:
            raw.flux_msg_clear_flag(self.handle, bit)

    return property(lambda self: getter(self.handle), put)


class Message:
    """A message: a new one of a type, or that around a C message (`handle`).

    Reading what a message of its type does not have raises OSError. A message that came from the
    connection is copied when it is changed.
    """

    def __init__(self, type_id=raw.FLUX_MSGTYPE_REQUEST, handle=None):
        self.handle = raw.flux_msg_create(type_id) if handle is None else handle

    @classmethod
    def from_event_encode(cls, topic, payload=None):
        return cls(handle=raw.flux_event_encode(encode_topic(topic), encode_payload(payload)))

    @classmethod
    def from_bytes(cls, data):
        """From its form on the wire, without the frame around it."""
        return cls(handle=raw.flux_msg_decode(data))

    def to_bytes(self):
        return raw.flux_msg_encode(self.handle)

    def copy(self, payload=True):
        return type(self)(handle=raw.flux_msg_copy(self.handle, payload))

    type = _number("type")
    nodeid = _number("nodeid")
    matchtag = _number("matchtag")
    errnum = _number("errnum")
    seq = _number("seq")
    userid = _number("userid")
    rolemask = _number("rolemask")
    private = _flag("private")
    streaming = _flag("streaming")
    noresponse = _flag("noresponse")
    upstream = _flag("upstream")
    user1 = _flag("user1")

    @property
    def type_str(self):
        return msg_typestr(self.type)

    @property
    def topic(self):
        return raw.flux_msg_get_topic(self.handle)

    @topic.setter
    def topic(self, value):
        raw.flux_msg_set_topic(self.handle, encode_topic(value))

    @property
    def payload_str(self):
        """The payload as text, None when there is none."""
        return raw.flux_msg_get_string(self.handle)

    @payload_str.setter
    def payload_str(self, value):
        raw.flux_msg_set_string(self.handle, value)

    @property
    def payload(self):
        """The payload, decoded from JSON; None when there is none."""
        text = self.payload_str
        return None if text is None else json.loads(text)

    @payload.setter
    def payload(self, value):
        self.payload_str = encode_payload(value)

    @property
    def payload_bytes(self):
        """The payload as it is, None when there is none."""
        if not raw.flux_msg_has_payload(self.handle):
            return None
        return raw.flux_msg_get_payload(self.handle)

    @payload_bytes.setter
    def payload_bytes(self, value):
        raw.flux_msg_set_payload(self.handle, None if value is None else bytes(value))

    @property
    def cred(self):
        """(userid, rolemask) of the sender."""
        return raw.flux_msg_get_cred(self.handle)

    @cred.setter
    def cred(self, value):
        raw.flux_msg_set_cred(self.handle, *value)

    @property
    def error_text(self):
        """The text of an error response, None when it has none."""
        return self.payload_str if self.errnum else None

    def authorize(self, userid):
        """OSError (EPERM) unless the sender is the owner, or this user."""
        raw.flux_msg_authorize(self.handle, userid)

    def decode(self):
        """(type, topic, payload text); OSError for an error response."""
        kind = self.type
        if kind == raw.FLUX_MSGTYPE_REQUEST:
            return (kind, *raw.flux_request_decode(self.handle))
        if kind == raw.FLUX_MSGTYPE_RESPONSE:
            return (kind, *raw.flux_response_decode(self.handle))
        return (kind, *raw.flux_event_decode(self.handle))

    def __repr__(self):
        try:
            topic = self.topic
        except OSError:
            topic = None
        return f"<flux.Message {self.type_str} {topic!r}>"


class MessageWatcher(Watcher):
    """Calls callback(flux_handle, watcher, message, args) for messages of a type that match.

    `rolemask`: who may send them besides the owner of the instance.
    """

    def __init__(self, flux_handle, type_mask, callback, topic_glob="*",
                 match_tag=raw.FLUX_MATCHTAG_NONE, rolemask=None, args=None):
        super().__init__(
            flux_handle,
            raw.flux_msg_handler_create(flux_handle, type_mask, match_tag, topic_glob, weakly(self._call)),
            callback, args)
        if rolemask is not None:
            raw.flux_msg_handler_allow_rolemask(self.handle, rolemask)

    def _call(self, _handle, msg):
        self.callback(self.flux_handle, self, Message(handle=msg), self.args)

    def start(self):
        raw.flux_msg_handler_start(self.handle, self)
        return self

    def stop(self):
        raw.flux_msg_handler_stop(self.handle)
        return self

    def destroy(self):
        if self.handle is not None:
            raw.flux_msg_handler_destroy(self.handle)
            self.handle = None

    def ref(self):
        raise TypeError("a message watcher always keeps the reactor running")

    unref = ref

    def is_active(self):
        raise TypeError("a message watcher does not tell")
