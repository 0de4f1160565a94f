"""The recordings in data/ (data/README.md says how they were made), as conversations to play."""

import json
import pathlib
import struct

from wire import decode

DATA = pathlib.Path(__file__).parent / "data"


class Step:
    """One line of a recording: what one side did on a connection.

    what: "hello" (the broker's first byte), "message", "bytes" (no message, or part of one), "close".
    """

    def __init__(self, record):
        self.client = record["dir"] == "c>b"
        self.conn = record["conn"]
        self.data = bytes.fromhex(record.get("hex") or "")
        self.message = None
        if record.get("handshake"):
            self.what = "hello"
        elif record.get("close"):
            self.what = "close"
        elif record["msg"] is None:
            self.what = "bytes"
            if record.get("undecodable"):
                self.message = attempt(self.data[8:])
        else:
            self.what = "message"
            self.message = decode(self.data[8:])
            check(self.message, record["msg"])


def attempt(body):
    """What a tolerant broker sees in it."""
    try:
        return decode(body, tolerant=True)
    except (IndexError, struct.error):
        return None


def check(m, decoded):
    """The recording's own decoding is what our codec makes of the bytes."""
    same = (decoded["userid"], decoded["rolemask"], decoded["aux1"], decoded["aux2"], decoded["flags"])
    assert (m.userid, m.rolemask, m.aux1, m.aux2, m.flags) == same, decoded
    assert m.topic == decoded.get("topic"), decoded


def in_order(steps):
    """Bytes of no message stand where the connection ended; they were sent before the broker hung up
    because of them."""
    for i, s in enumerate(steps):
        if s.client and s.what == "bytes":
            for j in range(i):
                if steps[j].what == "close" and steps[j].conn == s.conn:
                    steps.insert(j, steps.pop(i))
                    break
    return steps


class Conversation:
    def __init__(self, entry):
        self.name = entry["name"]
        self.what = " ".join(entry.get("argv") or [entry.get("raw", "")]).split("\n")[0]
        self.writes = [bytes.fromhex(h) for h in entry.get("sent") or []]
        with open(DATA / (self.name + ".jsonl"), encoding="utf-8") as f:
            self.steps = in_order([Step(json.loads(line)) for line in f])
        self.guest = self.name.startswith("guest-") or self.name == "denied"

    def topics(self):
        return {s.message.topic for s in self.steps if s.client and s.message and s.message.topic}


def conversations():
    """All of them, in the order they were recorded in: what one leaves behind, later ones find."""
    index = json.loads((DATA / "index.json").read_text(encoding="utf-8"))
    return [Conversation(e) for e in index]
