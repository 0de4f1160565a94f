"""What the claims about kills share: an instance on a statedir that can be killed and started
again, and a look at its jobs."""

import json
import os
import signal
import subprocess
import time


class Instance:
    """A broker without an initial program."""

    def __init__(self, statedir, *options):
        self.statedir = statedir
        self.options = options
        self.broker = None

    def start(self):
        self.broker = subprocess.Popen(
            ["flux-broker", "-Sbroker.rc2_none=1", f"-Sstatedir={self.statedir}", *self.options],
            stdin=subprocess.DEVNULL)
        rundir = os.path.join(self.statedir, "rundir")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            uri = "local://" + os.path.realpath(rundir) + "/local-0"
            env = dict(os.environ, FLUX_URI=uri)
            if subprocess.run(["flux-getattr", "rank"], env=env, capture_output=True).returncode == 0:
                os.environ["FLUX_URI"] = uri
                return
            if self.broker.poll() is not None:
                raise SystemExit(f"the broker ended with {self.broker.returncode}")
        raise SystemExit("the broker did not come up in 30 s")

    def kill(self):
        self.broker.send_signal(signal.SIGKILL)
        self.broker.wait()

    def stop(self):
        self.broker.send_signal(signal.SIGTERM)
        self.broker.wait(60)


def run(*argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, **kw)


def jobs():
    """All jobs by F58 id."""
    out = run("flux", "jobs", "-a", "-c", "0", "--json", check=True).stdout
    found = json.loads(out)["jobs"]
    ids = run("flux", "job", "id", "--to=f58", input="\n".join(str(j["id"]) for j in found)).stdout.split()
    return dict(zip(ids, found))
