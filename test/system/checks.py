"""Checks of the tests in Python: a line each. The test exits with bool(failures)."""

import os

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
