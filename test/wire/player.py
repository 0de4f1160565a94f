"""Plays the client's side of a conversation against a broker and collects what comes back.

A client's step is made once all that the recording shows before it has come; what does not come in
time is simply missing in the end. Responses are matched to requests by matchtag, so that the order
of answers to different requests does not matter.
"""

import collections
import select
import time

from wire import ANY, EVENT, NORESPONSE, REQUEST, RESPONSE, STREAMING, Client, Message, encode, frame

PATIENCE = 10  # seconds for what the recording says comes next
PROBE = 0xBEEF  # matchtag of our own request at the end


class Exchange:
    """A request and its responses, those recorded and ours; or all messages of another kind."""

    def __init__(self, request, what=""):
        self.request = request
        self.what = what
        self.recorded = []
        self.ours = []

    def is_over(self, responses):
        streaming = self.request.flags & STREAMING
        return bool(responses) and (not streaming or responses[-1].aux1 != 0)

    def is_behind(self):
        return len(self.ours) < len(self.recorded) and not (self.request and self.is_over(self.ours))


class Link:
    """One connection of a conversation."""

    def __init__(self):
        self.client = None
        self.hello = self.recorded_hello = None
        self.exchanges = []
        self.events = Exchange(None, "events")
        self.requests = Exchange(None, "requests")  # that come to a service of ours
        self.strays = []
        self.closed = self.recorded_closed = False  # by the broker, before we did
        self.sent = 0  # bytes
        self.torn = False  # the last of them were no message

    def file(self, m, side):
        """Put a message where it belongs: a response to the oldest call of its tag that waits."""
        if m.type == EVENT:
            getattr(self.events, side).append(m)
            return
        if m.type == REQUEST:
            getattr(self.requests, side).append(m)
            return
        for x in self.exchanges:
            if x.request.aux2 == m.aux2 and not x.is_over(getattr(x, side)):
                getattr(x, side).append(m)
                return
        self.strays.append(m)

    def is_behind(self):
        """Is there less than the recording has by now?"""
        return any(x.is_behind() for x in (self.events, self.requests, *self.exchanges))

    def is_idle(self):
        """Behind, but all calls are answered: others have to do something first."""
        return self.is_behind() and all(x.ours for x in self.exchanges)

    def receive(self, deadline):
        """One message, if it comes in time."""
        left = max(0, deadline - time.monotonic())
        if self.closed or not select.select([self.client.s], [], [], left)[0]:
            return
        try:
            self.file(self.client.message(), "ours")
        except (EOFError, ConnectionResetError):
            self.closed = True

    def wait_until(self, done, meanwhile=None):
        deadline = time.monotonic() + PATIENCE
        while not done() and not self.closed and time.monotonic() < deadline:
            if meanwhile:
                meanwhile()
            self.receive(deadline)

    def flush_out(self):
        """Whatever is on its way comes before the answer to one more request."""
        if self.closed or self.torn or self.hello != b"\0":
            return
        x = Exchange(Message(REQUEST, 0, ANY, 0, ANY, PROBE, "broker.ping", [], b'{"seq":0}\0'))
        self.exchanges.append(x)
        self.client.send(frame(encode(x.request)))
        self.wait_until(lambda: x.ours)
        self.exchanges.remove(x)

    def close(self):
        if self.client:
            self.client.close()
            self.client = None


class Player:
    """translate(message) -> message puts what the recording says into this instance's terms. during(),
    unless None, is called once, when the conversation waits for others."""

    def __init__(self, conversation, translate, during=None):
        self.conversation = conversation
        self.translate = translate
        self.during = during
        self.links = collections.defaultdict(Link)

    def play(self):
        pending = []  # of the client, in a row
        for step in self.conversation.steps:
            if step.client and step.what != "close":
                pending.append(step)
                continue
            self.write(pending)
            pending = []
            link = self.links[step.conn]
            if step.client:
                self.end(link)
            else:
                self.expect(link, step)
        for link in self.links.values():
            link.close()

    def end(self, link):
        self.catch_up(link)
        link.flush_out()
        link.close()

    def expect(self, link, step):
        if step.what == "hello":
            link.client = Client(timeout=PATIENCE, uid=65534 if self.conversation.guest else None)
            link.hello = b"" if link.client.auth is None else bytes([link.client.auth])
            link.recorded_hello = step.data
        elif step.what == "message":
            link.file(step.message, "recorded")
        elif link.client:
            link.recorded_closed = True
            link.wait_until(lambda: False)

    def catch_up(self, link):
        link.wait_until(lambda: not link.is_behind(), lambda: self.let_others(link))

    def let_others(self, link):
        if self.during and link.is_idle():
            during, self.during = self.during, None
            during()

    # -- the client's side --

    def write(self, steps):
        """One by one; raw conversations tell how the bytes were cut into writes."""
        cut = self.conversation.writes
        for group in [steps] if cut and steps else [[s] for s in steps]:
            link = self.links[group[0].conn]
            self.catch_up(link)
            for s in group:
                self.note_request(link, s.message)
                link.torn = s.message is None
            data = b"".join(self.bytes_of(link, s) for s in group)
            if cut:
                self.write_cut(link, data)
            else:
                link.client.send(data)

    @staticmethod
    def note_request(link, m):
        if m and m.type == REQUEST and not m.flags & NORESPONSE and m.topic is not None:
            link.exchanges.append(Exchange(m))

    def bytes_of(self, link, step):
        """What the client sent, byte for byte unless it names what has another name here."""
        m = step.message
        if m is None or step.what == "bytes":
            return step.data
        if m.type == RESPONSE and link.requests.ours:  # back the way the request came
            return frame(encode(m._replace(routes=link.requests.ours[-1].routes)))
        other = self.translate(m)
        return step.data if other == m else frame(encode(other))

    def write_cut(self, link, data):
        """Between two pieces of it the broker gets time to look at what it has."""
        ends, at = [], 0
        for w in self.conversation.writes:
            at += len(w)
            ends.append(at)
        while data:
            size = next((e for e in ends if e > link.sent), link.sent + len(data)) - link.sent
            link.client.send(data[:size])
            link.sent += size
            data = data[size:]
            if data:
                give_time()


def give_time():
    """The broker has been round its loop when it has answered somebody else."""
    other = Client(timeout=PATIENCE)
    try:
        other.rpc("broker.ping", {})
    finally:
        other.close()
