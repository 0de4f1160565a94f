"""Compares what came with what was recorded, by the tables of normal.py."""

import json
import re

import normal
from wire import EVENT

TYPES = {1: "request", 2: "response", 4: "event", 8: "control"}
NOTHING = object()
LOG_LINE = re.compile(r"<\d+>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \d+ \S+ \d+ - - .+")
REFERENCE = re.compile(r"sha1-[0-9a-f]{40}|sha256-[0-9a-f]{64}|version-[0-9a-f]{32}")
SERVICE = re.compile(r"(\d+)-shell-(f[1-9A-HJ-NP-Za-km-z]+)(.*)", re.S)


class Names:
    """What is called otherwise here: job ids, the owner, the node."""

    def __init__(self, owner, node, f58plain):
        self.owner = owner
        self.node = node
        self.f58plain = f58plain
        self.ids = {}  # recorded id -> ours
        self.hashes = {}  # of objects, in bytes
        self.behind = None  # how many versions our primary namespace has less

    def same_version(self, recorded, ours):
        if type(recorded) is not type(ours):
            return False
        if self.behind is None:
            self.behind = recorded - ours
        return recorded - ours == self.behind

    def id_of(self, recorded):
        return self.ids.get(recorded, recorded)

    def service_of(self, text):
        """The name of a job's shell service, in a text."""
        for recorded, ours in self.ids.items():
            text = text.replace(f"{normal.OWNER}-shell-{self.f58plain(recorded)}",
                                f"{self.owner}-shell-{self.f58plain(ours)}")
        return text


def payload_of(m):
    """JSON, else text, else bytes; None when there is none."""
    if m.payload is None:
        return None
    try:
        text = m.payload.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return m.payload
    try:
        return json.loads(text)
    except ValueError:
        return text


def label(request):
    """What the tables call it."""
    if request is None:
        return ""
    if request.topic == "attr.get" and isinstance(payload_of(request), dict):
        return "attr.get " + payload_of(request)["name"]
    return (request.topic or "").rstrip("\0")


class Comparison:
    def __init__(self, names):
        self.names = names
        self.differences = []

    def note(self, where, recorded, ours):
        show = lambda v: "nothing" if v is NOTHING else repr(v)
        self.differences.append(f"{where}: recorded {show(recorded)}, here {show(ours)}")

    def links(self, links):
        for number, link in links.items():
            self.link(f"{number}: " if len(links) > 1 else "", link)
        return self.differences

    def link(self, where, link):
        if link.hello != link.recorded_hello:
            self.note(where + "hello", link.recorded_hello, link.hello)
        for x in [*link.exchanges, link.events, link.requests]:
            self.exchange(where + (x.request.topic or "" if x.request else x.what), x)
        for m in link.strays:
            self.note(where + "stray", NOTHING, brief(m))
        if link.closed != link.recorded_closed:
            self.note(where + "closed by the broker", link.recorded_closed, link.closed)

    def exchange(self, where, x):
        topic = x.request.topic if x.request else None
        recorded = normal.sequence(topic, x.request, x.recorded)
        ours = normal.sequence(topic, x.request, x.ours)
        for i in range(max(len(recorded), len(ours))):
            at = f"{where}[{i}]"
            if i >= len(ours):
                self.note(at, brief(recorded[i]), NOTHING)
            elif i >= len(recorded):
                self.note(at, NOTHING, brief(ours[i]))
            else:
                self.message(at, label(x.request), recorded[i], ours[i])

    def message(self, at, name, recorded, ours):
        if recorded.type == EVENT:
            recorded = normal.event(recorded)
        elif recorded.aux1 != ours.aux1:
            self.note(f"{at} errnum", recorded.aux1, ours.aux1)
        if self.names.service_of(recorded.topic) != ours.topic:
            self.note(f"{at} topic", recorded.topic, ours.topic)
        for field in ("type", "flags", "rolemask", "aux2"):
            if getattr(recorded, field) != getattr(ours, field):
                self.note(f"{at} {field}", getattr(recorded, field), getattr(ours, field))
        self.value(f"{at} userid", "", ("userid",), recorded.userid, ours.userid)
        if (recorded.routes is None) != (ours.routes is None):
            self.note(f"{at} routes", recorded.routes, ours.routes)
        if ends_in_nul(recorded) != ends_in_nul(ours):
            self.note(f"{at} NUL at the end", ends_in_nul(recorded), ends_in_nul(ours))
        self.value(at, name, (), payload_of(recorded), payload_of(ours))

    def value(self, at, name, path, recorded, ours):
        rule = normal.rule_for(name, path)
        if rule == "items" and recorded:
            recorded = [recorded[0]] * len(ours)
        if rule in ("lines", "json") and isinstance(recorded, str) and isinstance(ours, str):
            if rule == "json":
                recorded, ours = json.loads(recorded), json.loads(ours)
            else:
                recorded, ours = [normal.log_event(e) for e in lines(recorded)], lines(ours)
            self.value(at, name, (*path, rule), recorded, ours)
        elif rule == "any" and isinstance(recorded, list) and isinstance(ours, list):
            pass
        elif rule in RULES:
            if not RULES[rule](self.names, recorded, ours):
                self.note(place(at, path), recorded, ours)
        elif isinstance(recorded, (dict, list)) and type(recorded) is type(ours):
            self.structure(at, name, path, recorded, ours)
        elif type(recorded) is not type(ours) or recorded != ours:
            self.note(place(at, path), recorded, ours)

    def structure(self, at, name, path, recorded, ours):
        """Lists are compared like objects whose keys are the indices."""
        if isinstance(recorded, list):
            recorded, ours = dict(enumerate(recorded)), dict(enumerate(ours))
        for key in [*recorded, *(k for k in ours if k not in recorded)]:
            below = (*path, key)
            if key in recorded and key in ours:
                self.value(at, name, below, recorded[key], ours[key])
            elif normal.rule_for(name, below) != ("extra" if key in ours else "optional"):
                self.note(place(at, below), recorded.get(key, NOTHING), ours.get(key, NOTHING))


def same_owner(names, recorded, ours):
    expected = names.owner if int(recorded) == normal.OWNER else int(recorded)
    return type(recorded) is type(ours) and int(ours) == expected


def both_references(names, recorded, ours):
    """Or neither, and the same: what a value's object holds has the same place as a reference."""
    if isinstance(recorded, str) and REFERENCE.fullmatch(recorded):
        return isinstance(ours, str) and bool(REFERENCE.fullmatch(ours))
    return type(recorded) is type(ours) and recorded == ours


RULES = {
    "ref": both_references,
    "version": lambda names, recorded, ours: names.same_version(recorded, ours),
    "hash": lambda names, recorded, ours: (len(recorded), len(ours)) == (20, 32),
    "any": lambda names, recorded, ours: type(recorded) is type(ours),
    "id": lambda names, recorded, ours: names.id_of(recorded) == ours,
    "owner": same_owner,
    "node": lambda names, recorded, ours: recorded.replace(normal.NODE, names.node) == ours,
    "route": lambda names, recorded, ours: (
        re.fullmatch(r"[^!]+(![^!]+)*", ours) and ours.startswith("fakerout") == recorded.startswith("fakerout")),
    "service": lambda names, recorded, ours: (
        recorded is ours or isinstance(recorded, str) and names.service_of(recorded) == ours),
    "log": lambda names, recorded, ours: (
        recorded is ours or bool(LOG_LINE.fullmatch(ours)) == bool(LOG_LINE.fullmatch(recorded))),
}


def place(at, path):
    return at + "".join(" " + str(p) if i == 0 else "/" + str(p) for i, p in enumerate(path))


def ends_in_nul(m):
    return bool(m.payload) and m.payload.endswith(b"\0")


def lines(text):
    return [json.loads(x) for x in text.splitlines()]


def brief(m):
    return f"{TYPES[m.type]} {m.topic} errnum {m.aux1} {payload_of(m)!r}"[:300]
