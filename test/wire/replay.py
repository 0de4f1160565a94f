#!/usr/bin/env python3
"""Plays the recorded conversations of flux-core's own clients against an instance of ours and compares
every reply.

replay.py BUILDDIR [-v] [NAME...]: all conversations, or those named (with what they need before them).
"""

import base64
import collections
import fnmatch
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import normal
import recording
import scene
from compare import Comparison, Names, payload_of
from player import Player


class Instance:
    """Of the shape of the recorded one: a node `node0` with four cores; guests come in after a
    config-reload."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="flux-wire-")
        os.chmod(self.dir, 0o755)  # guests may come as far as the socket
        self.config = os.path.join(self.dir, "flux.toml")
        self.write_config("")
        self.write_resources()
        self.flux = subprocess.Popen(
            ["flux", "start", "--rundir=" + self.dir, "--config-path=" + self.config,
             "sh", "-c", "echo up; read -r line"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.flux.stdout.readline() != b"up\n":
            sys.exit("the instance did not start")
        os.environ["FLUX_URI"] = "local://" + self.dir + "/local-0"

    def write_config(self, text):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'[resource]\nnoverify = true\npath = "{self.dir}/R"\n' + text)

    def write_resources(self):
        with open(os.path.join(self.dir, "R"), "w", encoding="utf-8") as f:
            json.dump({"version": 1, "execution": {
                "R_lite": [{"rank": "0", "children": {"core": "0-3"}}], "starttime": 0.0,
                "expiration": 0.0, "nodelist": [socket.gethostname()]}}, f)

    def stop(self):
        self.flux.communicate(b"\n", timeout=60)
        shutil.rmtree(self.dir, ignore_errors=True)


class Replay:
    def __init__(self, instance, by_name, verbose):
        self.instance = instance
        self.by_name = by_name
        self.verbose = verbose
        self.names = Names(os.getuid(), socket.gethostname(), functools.cache(scene.f58plain))
        self.player = None
        self.count = collections.Counter()

    # -- from the recording's terms to ours --

    def translate(self, m):
        topic, payload = m.topic, m.payload
        self.learn_names()
        for recorded, ours in self.names.ids.items():
            if payload:
                payload = payload.replace(str(recorded).encode(), str(ours).encode())
        if topic and "-shell-" in topic:
            topic = self.names.service_of(topic)
        if topic == "content.load":
            payload = self.names.hashes.get(payload, payload)
        if topic == "job-list.list":
            payload = payload.replace(b"[%d]" % normal.OWNER, b"[%d]" % self.names.owner)
        if topic == "job-ingest.submit":
            payload = self.sign_again(payload)
        return m._replace(topic=topic, payload=payload)

    def sign_again(self, payload):
        """The request names the user who signed."""
        body = json.loads(payload.rstrip(b"\0"))
        head, rest = body["J"].split(".", 1)
        head = base64.b64decode(head).replace(b"i%d" % normal.OWNER, b"i%d" % self.names.owner)
        body["J"] = base64.b64encode(head).decode() + "." + rest
        return json.dumps(body).encode() + b"\0"

    def learn_names(self):
        for link in self.player.links.values():
            for x in link.exchanges:
                if x.request.topic == "content.store" and x.recorded and x.ours:
                    self.names.hashes[x.recorded[0].payload] = x.ours[0].payload
                if x.request.topic == "job-ingest.submit" and x.recorded and x.ours:
                    recorded, ours = payload_of(x.recorded[0]), payload_of(x.ours[0])
                    if isinstance(recorded, dict) and isinstance(ours, dict):
                        self.names.ids[recorded["id"]] = ours["id"]

    # -- one conversation --

    def play(self, c):
        """The differences."""
        if c.name in scene.BEFORE:
            scene.BEFORE[c.name](self)
        during = scene.DURING.get(c.name)
        before = self.player
        self.player = Player(c, self.translate, during and (lambda: during(self)))
        try:
            self.player.play()
            self.learn_names()
            return Comparison(self.names).links(self.player.links)
        finally:
            self.player = before

    def judge(self, c, differences):
        """(verdict, why) of a conversation that was played."""
        why, patterns = normal.DIFFERENT.get(c.name, (None, []))
        unknown = [d for d in differences if not any(fnmatch.fnmatchcase(d, p) for p in patterns)]
        if unknown:
            return "DIFFERENT", "\n    ".join(d[:600] for d in unknown[:50])
        if why and not differences:
            return "DIFFERENT", "no longer: take it off the table of exempt ones"
        return ("exempt", why) if why else ("equal", "")

    def run(self, c):
        if c.guest and os.getuid() != 0:
            verdict, why = "exempt", "only root can be another user"
        else:
            verdict, why = self.judge(c, self.play(c))
        self.count[verdict] += 1
        if self.verbose or verdict != "equal":
            print(f"{verdict} {c.name}" + (": " if why else "") + ("\n    " if "\n" in why else "") + why,
                  flush=True)


def main():
    names = [a for a in sys.argv[2:] if a != "-v"]
    build = os.path.abspath(sys.argv[1])
    os.environ["PATH"] = build + "/cmd:" + os.environ["PATH"]
    for name in ("FLUX_URI", "FLUX_JOB_ID"):
        os.environ.pop(name, None)
    everything = recording.conversations()
    instance = Instance()
    try:
        replay = Replay(instance, {c.name: c for c in everything}, "-v" in sys.argv)
        for c in everything:
            if not names or c.name in names:
                replay.run(c)
    finally:
        instance.stop()
    n = replay.count
    print(f"{n.total()} conversations replayed, {n['equal']} equal, {n['exempt']} exempt with reasons, "
          f"{n['DIFFERENT']} different")
    sys.exit(n["DIFFERENT"] > 0 or n["equal"] == 0)


main()
