"""What the claims about many brokers share: an instance whose brokers are processes of their own,
booted from a list of addresses, so that each can be killed, stopped and started again."""

import os
import signal
import socket
import subprocess
import time


def free_ports(n):
    """Ports that nobody listens at; held together, so that they differ."""
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


class Tree:
    """SIZE brokers below the folder `top`; rank 0 has a statedir."""

    def __init__(self, top, size, *options):
        self.top, self.size, self.options = top, size, options
        self.brokers = [None] * size
        self.stopped = set()
        self.key = f"{top}/instance.key"
        subprocess.run(["flux", "keygen", self.key], check=True, capture_output=True)
        ends = ", ".join(f'"tcp://127.0.0.1:{p}"' for p in free_ports(size))
        for rank in range(size):
            with open(f"{top}/boot-{rank}.conf", "w") as f:
                f.write(f'session-id = "tree"\ntbon-endpoints = [{ends}]\nrank = {rank}\n')

    def uri(self, rank):
        return f"local://{self.top}/run-{rank}/local-{rank}"

    def start(self, rank):
        log = open(f"{self.top}/broker-{rank}.log", "a")
        self.brokers[rank] = subprocess.Popen(
            ["flux-broker", "-Sboot.method=config", f"-Sboot.config_file={self.top}/boot-{rank}.conf",
             f"-Sboot.curve_cert={self.key}",
             f"-Srundir={self.top}/run-{rank}", f"-Sstatedir={self.top}/state-{rank}",
             "-Sbroker.rc2_none=1", *self.options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_all(self):
        for rank in range(self.size):
            self.start(rank)

    def signal(self, rank, signum):
        self.brokers[rank].send_signal(signum)
        if signum == signal.SIGKILL:
            self.brokers[rank].wait()
        elif signum == signal.SIGSTOP:
            self.stopped.add(rank)
        elif signum == signal.SIGCONT:
            self.stopped.discard(rank)

    def flux(self, rank, *argv, timeout=60, **kw):
        env = dict(os.environ, FLUX_URI=self.uri(rank))
        return subprocess.run(["flux", *argv], env=env, capture_output=True, text=True, timeout=timeout, **kw)

    def pause(self, rank):
        """A moment, or until this broker ends."""
        try:
            self.brokers[rank].wait(0.05)
        except subprocess.TimeoutExpired:
            pass

    def missed(self, rank):
        """Until a neighbour in the tree (kary:2) has given this broker up: it answers for it then."""
        self.flux((rank - 1) // 2 if rank else 1, "ping", "--count=1", str(rank))

    def pass_time(self, rng, most, but=None):
        """Some round trips to brokers other than that one."""
        others = [r for r in range(self.size) if r != but]
        for _ in range(rng.randint(0, most)):
            self.flux(rng.choice(others), "getattr", "rank")

    def wait(self, rank, what, test, seconds=60):
        """Until test(output of `flux what`) holds; ends the claim when it never does."""
        deadline = time.monotonic() + seconds
        out = None
        while time.monotonic() < deadline:
            try:
                out = self.flux(rank, *what, timeout=10)
                if out.returncode == 0 and test(out.stdout):
                    return out.stdout
            except subprocess.TimeoutExpired:
                pass
            self.pause(rank)
        raise SystemExit(f"rank {rank}: 'flux {' '.join(what)}' never said so in {seconds} s: {out}")

    def wait_full(self, seconds=60):
        self.wait(0, ["overlay", "status", "--summary"], lambda s: s.strip().startswith("full"), seconds)

    def stop(self):
        """In good order, from the root; what does not end is killed."""
        for rank in list(self.stopped):
            self.signal(rank, signal.SIGCONT)
        self.flux(0, "shutdown", timeout=60)
        left = 0
        for b in self.brokers:
            try:
                b.wait(30)
            except subprocess.TimeoutExpired:
                left += 1
                b.kill()
                b.wait()
        return left
