"""The handle: a connection to a broker."""

import functools

from flux.core.inner import MissingFunctionError, encode_payload, encode_topic, find_function, raw
from flux.core.watchers import (CheckWatcher, FDWatcher, IdleWatcher, PrepareWatcher,
                                SignalWatcher, TimerWatcher)
from flux.future import Future
from flux.message import Message, MessageWatcher
from flux.rpc import RPC

__all__ = ["Flux"]


class Flux:
    """A connection to an instance: `url` is that of a broker (local://PATH, str or bytes), an ancestor
    of the enclosing instance ("/", "..", "../.."), or None for the enclosing instance.

    Every C function flux_x(handle, ...) is there as a method x(...), also where none is written
    down here: handle.get_size(), handle.log_set_appname("me"). See flux.core.inner.
    """

    def __init__(self, url=None, flags=0, handle=None):
        self.handle = None
        if handle is not None:
            self.handle = getattr(handle, "handle", handle)
            return
        try:
            self.handle = raw.flux_open(url, flags)
        except OSError as e:
            raise OSError(e.errno, f"Unable to connect to Flux: {e.strerror}") from None

    def __getattr__(self, name):
        function = None if name.startswith("__") else find_function(name)
        if not callable(function):
            raise MissingFunctionError(f"a Flux handle has no '{name}', and libflux neither")
        return functools.partial(function, self)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
        return False

    def close(self):
        """Disconnect. What was made on the handle is of no use any more. A second time is harmless."""
        if self.handle is not None:
            raw.flux_close(self.handle)
            self.handle = None

    def clone(self):
        """Another handle on the same connection."""
        return type(self)(handle=raw.flux_clone(self.handle))

    # -- messages --

    def send(self, message, flags=0):
        raw.flux_send(self.handle, message, flags)

    def recv(self, type_mask=raw.FLUX_MSGTYPE_ANY, match_tag=raw.FLUX_MATCHTAG_NONE,
             topic_glob=None, flags=0):
        """Wait for a message that matches; others are kept."""
        return Message(handle=raw.flux_recv(self.handle, type_mask, match_tag, topic_glob, flags))

    def requeue(self, message, flags=raw.FLUX_RQ_HEAD):
        raw.flux_requeue(self.handle, message, flags)

    def rpc(self, topic, payload=None, nodeid=raw.FLUX_NODEID_ANY, flags=0):
        """Send a request; returns the RPC, whose get() waits for the response."""
        return RPC(self, topic, payload, nodeid, flags)

    rpc_create = rpc

    def rpc_send(self, topic, payload=None, nodeid=raw.FLUX_NODEID_ANY, flags=0):
        """Send a request and wait for the response: its payload, decoded."""
        return self.rpc(topic, payload, nodeid, flags).get()

    def respond(self, message, *answer):
        """Answer a request: respond(message, payload=None), or as in 2018 respond(message, errnum,
        text)."""
        if len(answer) > 2:
            raise TypeError("respond() takes a message and a payload, or a message, errnum and text")
        if len(answer) == 2:
            errnum, payload = answer
            if errnum:
                return self.respond_error(message, errnum, payload)
        else:
            payload = answer[0] if answer else None
        return raw.flux_respond(self.handle, message, encode_payload(payload))

    def respond_error(self, message, errnum, errmsg=None):
        """Answer a request with an error and a text for a person."""
        raw.flux_respond_error(self.handle, message, errnum, errmsg)

    def service_register(self, name):
        """Requests NAME.* are to come to this handle. A future."""
        return Future(raw.flux_service_register(self.handle, name))

    def service_unregister(self, name):
        return Future(raw.flux_service_unregister(self.handle, name))

    # -- events --

    def event_subscribe(self, topic):
        """Events whose topic begins with `topic` are to come to this handle."""
        raw.flux_event_subscribe(self.handle, encode_topic(topic))

    def event_unsubscribe(self, topic):
        raw.flux_event_unsubscribe(self.handle, encode_topic(topic))

    def event_create(self, topic, payload=None):
        return Message.from_event_encode(topic, payload)

    def event_send(self, topic, payload=None):
        """Send an event; nothing tells whether it was published, see event_publish()."""
        self.send(self.event_create(topic, payload))

    def event_publish(self, topic, payload=None, flags=0):
        """Publish an event and wait until it is: its sequence number."""
        return raw.flux_event_publish_get_seq(raw.flux_event_publish(
            self.handle, encode_topic(topic), flags, encode_payload(payload)))

    def event_recv(self, topic=None, payload=None):
        """Wait for an event."""
        return self.recv(type_mask=raw.FLUX_MSGTYPE_EVENT, topic_glob=topic)

    # -- watchers --

    def msg_watcher_create(self, callback, type_mask=raw.FLUX_MSGTYPE_ANY, topic_glob="*", args=None,
                           match_tag=raw.FLUX_MATCHTAG_NONE, rolemask=None):
        """Call callback(handle, watcher, message, args) for messages. The type may come first."""
        if callable(type_mask):
            callback, type_mask = type_mask, callback
        return MessageWatcher(self, type_mask, callback, topic_glob, match_tag, rolemask, args)

    def timer_watcher_create(self, after, callback, repeat=0.0, args=None):
        return TimerWatcher(self, after, callback, repeat, args)

    def fd_watcher_create(self, fd_int, callback, events=None, args=None):
        if events is None:
            events = raw.FLUX_POLLIN | raw.FLUX_POLLOUT | raw.FLUX_POLLERR
        return FDWatcher(self, fd_int, events, callback, args)

    def signal_watcher_create(self, signum, callback, args=None):
        return SignalWatcher(self, signum, callback, args)

    def prepare_watcher_create(self, callback, args=None):
        return PrepareWatcher(self, callback, args)

    def check_watcher_create(self, callback, args=None):
        return CheckWatcher(self, callback, args)

    def idle_watcher_create(self, callback, args=None):
        return IdleWatcher(self, callback, args)

    # -- reactor --

    def reactor_run(self, reactor=None, flags=0):
        """Run callbacks until reactor_stop(), or until nothing is left to wait for. Returns the
        number of watchers still active. An exception of a callback, and KeyboardInterrupt, end it and
        are raised."""
        return raw.flux_reactor_run(self.get_reactor() if reactor is None else reactor, flags)

    def reactor_stop(self, reactor=None):
        raw.flux_reactor_stop(self.get_reactor() if reactor is None else reactor)

    def reactor_stop_error(self, reactor=None):
        """reactor_run() is to raise OSError."""
        raw.flux_reactor_stop_error(self.get_reactor() if reactor is None else reactor)

    # -- attributes, configuration, log --

    def attr_get(self, name):
        """The value of a broker attribute; FileNotFoundError if there is none."""
        return raw.flux_attr_get(self.handle, name)

    def attr_set(self, name, value, force=False):
        raw.flux_attr_set_ex(self.handle, name, None if value is None else str(value), force)

    def attr_remove(self, name):
        raw.flux_attr_set(self.handle, name, None)

    def conf_get(self, key=None, default=None, update=False):
        """The configuration, or one value of it by its dotted name."""
        conf = self.__dict__.get("_conf")
        if update or conf is None:
            conf = self._conf = self.rpc("config.get").get()
        for part in key.split(".") if key else []:
            if not isinstance(conf, dict) or part not in conf:
                return default
            conf = conf[part]
        return conf

    def get_rank(self):
        return raw.flux_get_rank(self.handle)

    def get_size(self):
        return raw.flux_get_size(self.handle)

    def log(self, level, text):
        """Log a text; level: syslog.LOG_x."""
        raw.flux_log(self.handle, level, text if isinstance(text, (str, bytes)) else str(text))

    def fatal_error(self, *reason):
        """As in 2018: the handle is of no use any more."""
        raise OSError(5, " ".join(str(r) for r in reason) or "fatal error on the Flux handle")
