#!/usr/bin/env python3
"""seeds.py TARGET DIR: write valid inputs of a fuzz target into a folder, for without them a fuzzer
does not get past the first brace."""

import base64
import io
import json
import os
import struct
import sys
import tarfile

JOBSPEC = {
    "resources": [{"type": "node", "count": 2, "exclusive": True, "with": [
        {"type": "slot", "count": 3, "label": "task", "with": [
            {"type": "core", "count": 2}, {"type": "gpu", "count": 1}]}]}],
    "tasks": [{"command": ["sh", "-c", ":"], "slot": "task", "count": {"per_slot": 1}}],
    "attributes": {"user": {"x": 1}, "system": {
        "duration": 60.5, "cwd": "/tmp", "queue": "batch", "environment": {"PATH": "/bin", "A": "\u00fc\n"},
        "job": {"name": "n"}, "dependencies": [{"scheme": "afterok", "value": "f5"}],
        "constraints": {"and": [{"properties": ["a", "^b"]}, {"ranks": ["0-3"]}]},
        "shell": {"options": {"output": {"stdout": {"type": "file", "path": "o"}}}}}},
    "version": 1}
PLAIN = {
    "resources": [{"type": "slot", "count": 1, "label": "t", "with": [{"type": "core", "count": 1}]}],
    "tasks": [{"command": ["true"], "slot": "t", "count": {"total": 3}}],
    "attributes": {"system": {"duration": 0}}, "version": 1}
R = {"version": 1, "execution": {
    "R_lite": [{"rank": "0-2,5", "children": {"core": "0-3", "gpu": "0"}}, {"rank": "7", "children": {"core": "1"}}],
    "nodelist": ["h[0-2,5,7]"], "starttime": 1, "expiration": 1700000000.5,
    "properties": {"fast": "0-1", "big": "7"}}, "scheduling": None}
R.pop("scheduling")
EVENT = {"timestamp": 1700000000.25, "name": "submit", "context": {"userid": 0, "urgency": 16, "flags": 0}}
DIGEST = {"userid": 1, "urgency": 16, "flags": 0, "nonce": "n", "env": 0, "shape": [1, 1, 1, 1, 0, False, 1],
          "duration": 1.5, "name": "a\"b", "cwd": "/", "deps": [{"scheme": "after", "value": "1"}],
          "jobspec": {"version": 1, "attributes": {"system": {}}}}
REF = "sha1-" + "0123456789" * 4


def part(b):
    return (bytes([len(b)]) if len(b) < 255 else b"\xff" + struct.pack(">I", len(b))) + b


def message(type_, flags, topic=b"a.b", payload=b'{"topic":"x"}\0', routes=(b"client-1", b"r" * 36)):
    out = b""
    if flags & 8:
        out += b"".join(part(r) for r in routes) + part(b"")
    if flags & 1:
        out += part(topic)
    if flags & 2:
        out += part(payload)
    return out + part(struct.pack(">BBBBIIII", 0x8E, 1, type_, flags, 5, 1, 0xFFFFFFFF, 7))


MESSAGES = [message(1, 11), message(2, 3), message(4, 1), message(8, 0), message(1, 11, payload=b"x" * 600),
            message(1, 75, routes=())]


# Of the overlay's links; those with a MAC cannot be told without the key.
UUID = part(b"01234567-89ab-cdef-0123-456789abcdef")
HELLO = b"\x01fluxtree\x01" + b"\0" + b"n" * 32 + part(b"1.2.3")
HELLO_ENCRYPTED = b"\x01fluxtree\x01" + b"\x01" + b"n" * 32 + b"\x09" + b"\0" * 31 + part(b"1.2.3")
CHALLENGE = b"\x02\0" + b"n" * 32 + b"p" * 32
CHALLENGE_ENCRYPTED = b"\x02\x01" + b"n" * 32 + b"\x09" + b"\0" * 31 + b"p" * 32
REFUSED = b"\x05\x01" + struct.pack(">I", 13) + part(b"because")


def identity(kind, instance):
    return bytes([kind]) + struct.pack(">IIB", 3, 8, 1) + UUID + instance + struct.pack(">QI", 7, 9) + b'{"a":"b"}'


def frames():
    return b"".join(struct.pack("=I", 0xFFEE0012) + struct.pack(">I", len(m)) + m for m in MESSAGES)


def text(*values):
    return [v.encode() if isinstance(v, str) else json.dumps(v, separators=(",", ":")).encode() for v in values]


def sized(b):
    assert len(b) < 128
    return bytes([len(b)]) + b


def archive(form):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in (("a/b", b"value"), ("e", b""), ("n" * 120 + "/" + "m" * 120, b"x" * 600)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "t" * 130
        tar.addfile(link)
        folder = tarfile.TarInfo("d/")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    return out.getvalue()


def redo():
    """A record without its checksum: the target puts the right one in front."""
    h = bytes(range(32))
    ops = [(1, b"a.b", b"value"), (2, b"log", b"line\n"), (3, b"c", b""), (4, b"d", b""),
           (5, b"l", sized(b"ns") + b"t.u"), (6, b"r", h + b"\x05" + h + b"\x07"), (7, b"s", h + b"\x02")]
    return struct.pack("<BBHQQQII", 1, 1, 0, 3, 4, 5, 1000, len(ops)) + sized(b"primary") + \
        b"".join(bytes([op]) + sized(k) + sized(v) for op, k, v in ops)


def nodes():
    h = bytes(range(32))
    leaf = [sized(b"a") + b"\x01\x01" + sized(b"v"), sized(b"b") + b"\x02\x02" + sized(b"n") + sized(b"t"),
            sized(b"c") + b"\x03\x03" + h + b"\x09", sized(b"d") + b"\x05\x04" + h + b"\x01"]
    return [b"FK\x01\x00\x00\x00" + struct.pack("<H", 4) + b"".join(leaf),
            b"FK\x01\x01\x01\x00\x02\x00" + sized(b"") + h + b"\x03" + sized(b"m") + h + b"\x04",
            b"FK\x01\x02\x01\x00\x01\x00" + h + b"\x20"]


def pmi(owner, *lines):
    """One line a piece; the piece's first byte gives length and rank (see pmi.c)."""
    return bytes([owner]) + b"".join(bytes([(len(t) + 1) << 1]) + t.encode() + b"\n" for t in lines)


PMI_INIT = "cmd=init pmi_version=1 pmi_subversion=1"
PMI_LINES = [PMI_INIT, "cmd=get_maxes", "cmd=get_appnum", "cmd=get_universe_size", "cmd=get_my_kvsname",
             "cmd=put kvsname=k key=a value=b c", "cmd=get kvsname=k key=a", "cmd=get kvsname=k key=PMI_process_mapping",
             "cmd=barrier_in", "cmd=publish_name service=s port=p", "cmd=lookup_name service=s",
             "cmd=unpublish_name service=s", "cmd=spawn", "cmd=finalize", "cmd=abort exitcode=7 error_msg=no tea"]

SEEDS = {
    "redo": [redo()],
    "kvstxn": text({"namespace": "primary", "flags": 1, "ops": [
        {"key": "a.b", "flags": 0, "dirent": {"ver": 1, "type": "val", "data": "eGE="}},
        {"key": "c", "flags": 32, "dirent": {"ver": 1, "type": "val", "data": ""}}, {"key": "d", "flags": 0, "dirent": None},
        {"key": "e\"", "flags": 0, "dirent": {"ver": 1, "type": "dir", "data": {"x": {"ver": 1, "type": "val", "data": ""}}}},
        {"key": "f", "flags": 0, "dirent": {"ver": 1, "type": "dirref", "data": ["sha256-" + "0123456789abcdef" * 4]}},
        {"key": "g", "flags": 0, "dirent": {"ver": 1, "type": "dirref", "data": ["version-" + "0123456789abcdef" * 2]}},
        {"key": "h", "flags": 0, "dirent": {"ver": 1, "type": "symlink", "data": {"namespace": "n", "target": "t"}}},
        {"key": ".", "flags": 0, "expect": {"version": 7}}, {"key": "i", "flags": 0, "expect": {"data": "eGE="}}]}),
    "kvsnode": nodes(),
    "json": text(JOBSPEC, {"s": "x", "i": 1, "I": 1 << 40, "f": 1.5e-7, "b": True, "a": ["x", 2.5], "o": {}},
                 [1, 2.5, None, "\ud83d\ude00\u0001"], '{"s":"\\u00e9\\ud83d\\ude00\\n\\/"}', "-0.0", "1E+3"),
    "jobspec": text(JOBSPEC, PLAIN),
    "submit": text(JOBSPEC, PLAIN, {"envs": [{"A": "1"}], "jobs": [DIGEST, dict(DIGEST, jobspec=PLAIN)]},
                   {"jobs": [{"userid": 1, "urgency": 16, "flags": 0, "jobspec": PLAIN}]}),
    "rset": text(R, {"version": 1, "execution": {"R_lite": [], "nodelist": [], "starttime": 0, "expiration": 0}}),
    "eventlog": [b"\n".join(text(EVENT, {"timestamp": 1, "name": "x"}, dict(EVENT, name="clean"))) + b"\n"],
    "treeobj": text({"ver": 1, "type": "val", "data": "eGE="}, {"ver": 1, "type": "valref", "data": [REF, REF]},
                    {"ver": 1, "type": "dir", "data": {"a": {"ver": 1, "type": "dirref", "data": [REF]},
                                                       "b": {"ver": 1, "type": "symlink",
                                                             "data": {"namespace": "n", "target": "a.b"}}}}),
    "idset": text("", "0", "1-3,7", "[0-1023]", "5,4", "1-0"),
    "hostlist": text("", "h", "h[1-3,05-07]-x[0-1]", "a,b[2],c", "foo[001-100]", "[1-2]"),
    "fsd": text("1.5h", "30s", "inf", "0", "2d", "100ms", "1e3"),
    "message": MESSAGES,
    "handshake": [b"\0" + HELLO, b"\1" + HELLO_ENCRYPTED, b"\2" + CHALLENGE, b"\3" + CHALLENGE_ENCRYPTED,
                  b"\2" + REFUSED + b"m" * 32, b"\4" + b"x" * 80, b"\5" + b"x" * 80, b"\6" + identity(4, UUID),
                  b"\7" + identity(3, UUID), b"\7" + identity(3, b"\0"), b"\x08" + REFUSED, b"\x08\x13" + b"\1" * 8],
    "frame": [bytes([n]) + frames() for n in (0, 6, 40, 255)],
    "tar": [archive(tarfile.PAX_FORMAT), archive(tarfile.GNU_FORMAT)],
    "pmi": [pmi(0, *PMI_LINES), pmi(1, *PMI_LINES), pmi(1, *[t for t in PMI_LINES for _ in range(3)]),
            b"(vector,(0,2,1),(2,1,6))"],
    "sign": [base64.b64encode(b"version\0i1\0userid\0i0\0mechanism\0snone\0") + b"." + base64.b64encode(b"{}")
             + b".none", b"e30=", b"{}"],
}


def main():
    target, folder = sys.argv[1:]
    for k, seed in enumerate(SEEDS[target]):
        with open(os.path.join(folder, f"seed-{k}"), "wb") as f:
            f.write(seed)


main()
