"""Checks of the tests in Python: a line each. The test exits with bool(failures)."""

failures = []


def check(good, what, detail=""):
    print(("ok" if good else "not ok") + " - " + what + ("" if good else f"  {detail}"), flush=True)
    if not good:
        failures.append(what)


def equal(have, want, what):
    check(have == want, what, f"{have!r}, not {want!r}")
