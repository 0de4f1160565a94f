"""Checks of the tests in Python: a line each; the test exits with bool(failures). An instance for them."""

import contextlib
import os
import subprocess
import sys

failures = []


def of_build(build):
    """The commands of that build, outside of any instance. Its whole path."""
    path = os.path.abspath(build)
    os.environ["PATH"] = path + "/cmd:" + os.environ["PATH"]
    for name in ("FLUX_URI", "FLUX_JOB_ID", "FLUX_KVS_NAMESPACE"):
        os.environ.pop(name, None)
    return path


def sanitized(build):
    """It was built with AddressSanitizer."""
    with open(build + "/cmd/flux-broker", "rb") as f:
        return b"__asan_init" in f.read()


def check(good, what, detail=""):
    print(("ok" if good else "not ok") + " - " + what + ("" if good else f"  {detail}"), flush=True)
    if not good:
        failures.append(what)


def equal(have, want, what):
    check(have == want, what, f"{have!r}, not {want!r}")


@contextlib.contextmanager
def instance(*options):
    """An instance that FLUX_URI names, until the end of the block. Its process."""
    p = subprocess.Popen(["flux", "start", *options, "sh", "-c", "echo $FLUX_URI; read -r line"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.environ["FLUX_URI"] = p.stdout.readline().decode().strip()
    if not os.environ["FLUX_URI"]:
        sys.exit("the instance did not start")
    try:
        yield p
    finally:
        try:
            p.communicate(b"\n", timeout=60)
        except subprocess.TimeoutExpired:
            p.terminate()
            p.wait()
        del os.environ["FLUX_URI"]
        check(p.returncode == 0, "the instance ends well", p.returncode)
