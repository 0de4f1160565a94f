#!/usr/bin/env python3
"""State of real size: listings, and restarts. Lines as of bench.h: name value unit limit ratio.

    state.py [jobs-list|recover]...      INACTIVE (1000000) and ACTIVE (100000) jobs, from the environment

The jobs are made once by an instance, a finished one and a pending one; their rows are then
repeated in its store under other ids, which takes seconds where running them would take minutes.
Those that wait ask for four of five cores each: one core is left for the job that is submitted after
the start, so that its time is the scheduler's, and not that of the job before it."""

import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

INACTIVE = int(os.environ.get("INACTIVE", 1000000))
ACTIVE = int(os.environ.get("ACTIVE", 100000))
MOCK = "-Sexec.test.run_duration=\"1s\""


def line(name, value, unit, limit):
    print(f"{name} {value:.6g} {unit} {limit:.6g} {value / limit:.4g}", flush=True)


def flux(*argv, **kw):
    return subprocess.run(["flux", *argv], capture_output=True, text=True, **kw)


class Instance:
    """A broker on a statedir; start() returns when its socket answers."""

    def __init__(self, top):
        self.statedir = top + "/state"
        self.uri = f"local://{top}/run/local-0"
        self.options = [f"-Sstatedir={self.statedir}", f"-Srundir={top}/run", "-Sbroker.rc2_none=1",
                        "-Stest.cores=5"]
        os.environ["FLUX_URI"] = self.uri

    def spawn(self):
        self.broker = subprocess.Popen(["flux-broker", *self.options], stdin=subprocess.DEVNULL)

    def start(self):
        self.spawn()
        deadline = time.monotonic() + 60
        while flux("getattr", "rank").returncode:
            if time.monotonic() > deadline:
                sys.exit("the broker did not come up")

    def stop(self):
        self.broker.terminate()
        self.broker.wait(120)

    def kill(self):
        self.broker.send_signal(signal.SIGKILL)
        self.broker.wait()


def columns(db, table):
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def repeat(db, model, first, n):
    """Copies of job `model` under the ids from `first` on."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i+1 FROM n WHERE i<{first + n - 1})"
    value = {"id": "n.i", "rec": f"replace(job.rec,'\"id\":{model},','\"id\":'||n.i||',')",
             "t_inactive": "t_inactive+(n.i*1e-6)*(state=64)", "nonce": "NULL"}
    names = columns(db, "job")
    db.execute(f"INSERT INTO job({','.join(names)}) {numbers} SELECT {','.join(value.get(c, c) for c in names)} "
               f"FROM n,job WHERE job.id={model}")
    names = columns(db, "jobdata")
    db.execute(f"INSERT INTO jobdata({','.join(names)}) {numbers} "
               f"SELECT {','.join('n.i' if c == 'id' else c for c in names)} FROM n,jobdata WHERE jobdata.id={model}")
    db.execute(f"UPDATE shared_use SET n=n+{n} WHERE ref IN (SELECT ref FROM jobdata WHERE id={model})")


def fill(instance, inactive, active):
    instance.start()
    flux("submit", "--wait", MOCK, "true", check=True)
    flux("queue", "stop", "--nocheckpoint", check=True)
    flux("submit", "-n4", MOCK, "true", check=True)
    instance.stop()
    db = sqlite3.connect(instance.statedir + "/store.sqlite", isolation_level=None)
    done, = db.execute("SELECT id FROM job WHERE state=64").fetchone()
    pending, = db.execute("SELECT id FROM job WHERE state<>64").fetchone()
    db.execute("BEGIN")
    if inactive:
        repeat(db, done, 1000, inactive)
    if active > 1:
        repeat(db, pending, 10000000, active - 1)
    db.execute("UPDATE meta SET v='20000000' WHERE k='job-manager.max-id'")
    db.execute("COMMIT")
    db.close()
    print(f"# {inactive} finished and {active} pending jobs, "
          f"{os.path.getsize(instance.statedir + '/store.sqlite') / 2**20:.0f} MiB", flush=True)


def wall(*argv):
    t0 = time.monotonic()
    with open("/dev/null", "w") as null:
        subprocess.run(["flux", *argv], stdout=null, check=True)
    return time.monotonic() - t0


def jobs_list(top):
    instance = Instance(top)
    fill(instance, INACTIVE, 1)
    instance.start()
    line("jobs-list", statistics.median(wall("jobs", "-a") for _ in range(15)) * 1e3, "ms", 50)
    line("jobs-list-all", INACTIVE / min(wall("jobs", "-a", "-c", "0", "--json") for _ in range(3)), "jobs/s", 100000)
    instance.kill()


def recover_once(top, name, inactive):
    instance = Instance(top)
    fill(instance, inactive, ACTIVE)
    t0 = time.monotonic()
    instance.spawn()
    while True:
        out = flux("submit", "--urgency=31", MOCK, "true")
        if out.returncode == 0:
            break
    accepts = time.monotonic() - t0
    flux("job", "wait-event", "--timeout=120", out.stdout.strip(), "start", check=True)
    schedules = time.monotonic() - t0
    instance.kill()
    line(f"recover-accepts{name}", accepts, "s", 1)
    line(f"recover-schedules{name}", schedules, "s", 2)


def recover(top):
    os.mkdir(top + "/a")
    recover_once(top + "/a", "", 0)
    os.mkdir(top + "/b")
    recover_once(top + "/b", "-million", INACTIVE)


def main():
    benches = {"jobs-list": jobs_list, "recover": recover}
    for name in sys.argv[1:] or benches:
        top = tempfile.mkdtemp(prefix="bench-state-", dir=os.getcwd())
        try:
            benches[name](top)
        finally:
            shutil.rmtree(top)


if __name__ == "__main__":
    main()
