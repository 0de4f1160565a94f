"""Flux messages on a raw socket (RFC 3 with eight bytes in front): what tests say that no client
library would."""

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


def part(b):
    return (bytes([len(b)]) if len(b) < 255 else b"\xff" + struct.pack(">I", len(b))) + b


def message(type_=REQUEST, topic=None, payload=None, flags=0, cred=(ANY, 0), aux1=ANY, aux2=1,
            routes=None, magic=0x8E, version=1):
    out = b""
    if routes is not None:
        flags |= ROUTE
        out += b"".join(part(r) for r in routes) + part(b"")
    if topic is not None:
        flags |= TOPIC
        out += part(topic.encode())
    if payload is not None:
        flags |= PAYLOAD
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        out += part(data + b"\0")
    out += part(struct.pack(">BBBBIIII", magic, version, type_, flags, *cred, aux1, aux2))
    return frame(out)


def frame(body, length=None):
    return MAGIC + struct.pack(">I", len(body) if length is None else length) + body


class Client:
    """A connection; auth is the broker's first byte, None when it did not answer."""

    def __init__(self, timeout=10):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
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

    def get(self):
        """The next message: type, error number, matchtag, payload text."""
        head = self.exactly(8)
        body = self.exactly(struct.unpack(">I", head[4:])[0])
        _, _, type_, flags, _, _, aux1, aux2 = struct.unpack(">BBBBIIII", body[-20:])
        parts, at = [], 0
        while at < len(body) - 21:
            n, at = body[at], at + 1
            if n == 255:
                n, at = struct.unpack(">I", body[at:at + 4])[0], at + 4
            parts.append(body[at:at + n])
            at += n
        if flags & ROUTE:
            parts = parts[parts.index(b"") + 1:]
        if flags & TOPIC:
            parts = parts[1:]
        return type_, aux1, aux2, parts[0].rstrip(b"\0").decode() if flags & PAYLOAD else ""

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
