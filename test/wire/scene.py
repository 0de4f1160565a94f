"""What happened around the recordings and is not in them: jobs submitted by others, configuration, the
event that a subscriber waits for."""

import subprocess


def flux(*argv, stdin=None):
    return subprocess.run(["flux", *argv], check=True, capture_output=True, text=True,
                          input=stdin).stdout.strip()


def f58plain(jobid):
    return flux("job", "id", "--to=f58plain", str(jobid))


def submit(scene, recorded, *argv, until="clean"):
    """A job that the recordings know by this id; wait for an event of it."""
    f58 = flux("submit", "--env=-*", "--cwd=/", *argv)
    scene.names.ids[recorded] = int(flux("job", "id", "--to=dec", f58))
    if until:
        flux("job", "wait-event", "-t", "60", f58, until)


def wait_event(scene, recorded, event):
    flux("job", "wait-event", "-t", "60", str(scene.names.ids[recorded]), event)


HELD = 335728869376
GUESTS_AIM = 692798357504

BEFORE = {
    "job-attach": lambda s: submit(s, 316686729216, "-n1", "echo", "hello"),
    "job-wait": lambda s: submit(s, 326350405632, "--flags=waitable", "-n1", "false"),
    "job-urgency": lambda s: submit(s, HELD, "--urgency=hold", "-n1", "sleep", "300", until="priority"),
    "job-list": lambda s: wait_event(s, HELD, "start"),
    "job-kill": lambda s: submit(s, 349251305472, "-n1", "sleep", "300", until="start"),
    "job-raise": lambda s: submit(s, 353244282880, "-n1", "sleep", "300", until="start"),
    "submit-cc": lambda s: wait_event(s, 353244282880, "clean"),
    "config-reload": lambda s: s.instance.write_config("[access]\nallow-guest-user = true\n"),
    "guest-cancel-active": lambda s: submit(s, GUESTS_AIM, "--urgency=hold", "-n1", "true",
                                            until="priority"),
    "guest-job-list": lambda s: (flux("cancel", str(s.names.ids[GUESTS_AIM])),
                                 wait_event(s, GUESTS_AIM, "clean")),
}

# What others do while the conversation waits.
DURING = {
    "event-sub": lambda s: s.play(s.by_name["event-pub"]),
    "kvs-watch": lambda s: flux("kvs", "put", "a.b=43"),
}
