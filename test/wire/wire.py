"""Flux messages on a raw socket (RFC 3 with eight bytes in front): what tests say that no client
library would, and the codec of the recordings in data/."""

import collections
import contextlib
import json
import os
import select
import socket
import struct

MAGIC = struct.pack("=I", 0xFFEE0012)
REQUEST, RESPONSE, EVENT, CONTROL = 1, 2, 4, 8
TOPIC, PAYLOAD, NORESPONSE, ROUTE, STREAMING = 1, 2, 4, 8, 64
OWNER, USER, LOCAL = 1, 2, 4
ANY = 0xFFFFFFFF
EPERM, EAGAIN, EEXIST, EINVAL, ENOSYS, EPROTO, EMSGSIZE, EUSERS, EFBIG = 1, 11, 17, 22, 38, 71, 90, 87, 27

# routes: newest hop first, as they travel. payload: bytes, None when there is none.
Message = collections.namedtuple("Message",
                                 "type flags userid rolemask aux1 aux2 topic routes payload")


def part(b):
    return (bytes([len(b)]) if len(b) < 255 else b"\xff" + struct.pack(">I", len(b))) + b


def message(type_=REQUEST, topic=None, payload=None, flags=0, cred=(ANY, 0), aux1=ANY, aux2=1,
            routes=None, magic=0x8E, version=1):
    """A frame; a payload gets the NUL of a text at its end."""
    data = None
    if payload is not None:
        data = (payload if isinstance(payload, bytes) else json.dumps(payload).encode()) + b"\0"
    return frame(encode(Message(type_, flags, *cred, aux1, aux2, topic, routes, data), magic, version))


def encode(m, magic=0x8E, version=1):
    flags, out = m.flags, b""
    if m.routes is not None:
        flags |= ROUTE
        out += b"".join(part(r) for r in m.routes) + part(b"")
    if m.topic is not None:
        flags |= TOPIC
        out += part(m.topic.encode())
    if m.payload is not None:
        flags |= PAYLOAD
        out += part(m.payload)
    return out + part(struct.pack(">BBBBIIII", magic, version, m.type, flags, m.userid, m.rolemask,
                                  m.aux1, m.aux2))


def decode(body, tolerant=False):
    """The message in a frame's body; None if it is none. tolerant: with parts too many."""
    parts, at = [], 0
    while at < len(body):
        n, at = body[at], at + 1
        if n == 255:
            n, at = struct.unpack(">I", body[at:at + 4])[0], at + 4
        parts.append(body[at:at + n])
        at += n
    if at != len(body) or not parts or len(parts[-1]) != 20:
        return None
    magic, version, type_, flags, userid, rolemask, aux1, aux2 = struct.unpack(">BBBBIIII", parts.pop())
    routes = topic = payload = None
    if flags & ROUTE:
        if b"" not in parts:
            return None
        end = parts.index(b"")
        routes, parts = parts[:end], parts[end + 1:]
    if flags & TOPIC and parts:
        topic = parts.pop(0).decode()
    if flags & PAYLOAD and parts:
        payload = parts.pop(0)
    if (parts and not tolerant) or (magic, version) != (0x8E, 1):
        return None
    return Message(type_, flags, userid, rolemask, aux1, aux2, topic, routes, payload)


def frame(body, length=None):
    return MAGIC + struct.pack(">I", len(body) if length is None else length) + body


@contextlib.contextmanager
def acting_as(uid):
    """Only root can: what is done inside is another user's."""
    if uid is None:
        yield
        return
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


class Client:
    """A connection; auth is the broker's first byte, None when it did not answer."""

    def __init__(self, timeout=10, uid=None):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        with acting_as(uid):
            self.s.connect(os.environ["FLUX_URI"].removeprefix("local://"))
        first = self.s.recv(1)
        self.auth = first[0] if first else None

    def send(self, data):
        try:
            self.s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def hung_up(self, timeout=5):
        self.s.settimeout(timeout)
        try:
            return self.s.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def message(self):
        """The next message."""
        head = self.exactly(8)
        m = decode(self.exactly(struct.unpack(">I", head[4:])[0]))
        assert head[:4] == MAGIC and m, "the broker sent what is no message"
        return m

    def get(self):
        """The next message: type, error number, matchtag, payload text."""
        m = self.message()
        return m.type, m.aux1, m.aux2, m.payload.rstrip(b"\0").decode() if m.payload is not None else ""

    def rpc(self, topic, payload=None, **how):
        """The answer's error number and payload."""
        self.send(message(REQUEST, topic, {} if payload is None else payload, aux2=7, **how))
        _, errnum, _, text = self.get()
        return errnum, text

    def silent(self, timeout=0.2):
        return not select.select([self.s], [], [], timeout)[0]

    def close(self):
        self.s.close()


@contextlib.contextmanager
def client(**how):
    c = Client(**how)
    try:
        yield c
    finally:
        c.close()
