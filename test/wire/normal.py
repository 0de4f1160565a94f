"""What may differ between a recording and a replay, all in one place: names and numbers that vary from
run to run (VALUES), the order in which a stream's parts come (sequence), and the conversations that
are knowingly different (DIFFERENT), each with its reason.

Otherwise two messages are the same if type, topic, flags, error number, matchtag and credentials are,
and their payloads have the same keys and values, numbers of the same kind included (an integer is
no real).
"""

import fnmatch
import json

from wire import RESPONSE, ROUTE

OWNER = 1001  # of the recorded instance
NODE = "node0"

# ---- values ----
#
# (topic, path, rule). The topic is the request's, for attr.get with the name of the attribute. A path's
# steps are keys and indices; "*" is any one, "**" any number of them.
# Rules: "any"      another value of the same kind
#        "optional" the recording's, or nothing
#        "extra"    may be there though the recording has nothing
#        "id"       the job that has this place in the replay
#        "owner"    the user who owns the instance
#        "node"     the name of the one node
#        "route"    hops: their names and number
#        "service"  the name of a job's shell: user and job
#        "ref"      the name of an object by its hash, or of a root by its version
#        "hash"     of an object, in bytes
#        "version"  of the primary namespace: as far from the recorded one as the others
#        "log"      a line of the broker's log: its form
#        "items"    a list: each has the form of the recording's first one
#        "json"     text that holds JSON; "lines": a line each. They add a step to the path
VALUES = [
    # Names.
    ("*", "**/id", "id"),
    ("job-manager.history.get", "jobs/*", "id"),
    ("job-manager.stats-get", "max_jobid", "id"),
    ("*", "**/userid", "owner"),
    ("attr.get security.owner", "value", "owner"),
    ("attr.get hostlist", "value", "node"),
    ("*", "**/nodelist/*", "node"),
    ("job-list.*", "**/nodelist", "node"),
    ("*.ping", "route", "route"),
    ("job-info.eventlog-watch", "event/lines/*/context/service", "service"),
    ("*-shell-*.stdin", "", "service"),
    ("config.get", "resource/path", "any"),
    # Times, processes, counters.
    ("*", "**/timestamp", "any"),
    ("*", "**/pid", "any"),
    ("job-list.*", "**/t_*", "any"),
    ("job-info.lookup", "R/json/execution/starttime", "any"),
    ("attr.get broker.starttime", "value", "any"),
    ("overlay.health", "duration", "any"),
    ("state-machine.get", "duration", "any"),
    ("event.publish", "seq", "any"),
    ("job-manager.stats-get", "journal/*", "any"),
    # Another program: its version (a constant here, which cannot be set), its modules, its log.
    ("attr.get version", "*", "any"),
    ("log.dmesg", "", "log"),
    ("module.list", "mods", "items"),
    ("module.list", "mods/*/*", "any"),
    ("module.list", "mods/*/services/*", "any"),
    # More is told: what the tasks used (RFC 21 leaves room), the state of the job manager.
    ("job-info.*", "*/lines/*/context/utime", "extra"),
    ("job-info.*", "*/lines/*/context/stime", "extra"),
    ("job-info.*", "*/lines/*/context/maxrss", "extra"),
    ("job-manager.stats-get", "*", "extra"),
    # Less is told: see LESS below. A scheduler may annotate (RFC 27); ours does while a job waits.
    ("job-list.*", "**/annotations", "optional"),
    # What the key-value store holds besides is a matter of the services that write there, and objects have
    # the name of their hash, of whatever algorithm, in whatever form they are kept.
    ("attr.get content.hash", "value", "any"),
    ("content.store", "", "hash"),
    ("kvs.*", "rootref", "ref"),
    ("kvs.*", "rootseq", "version"),
    ("kvs.*", "**/owner", "owner"),
    ("kvs.lookup", "val/data/[0-9]*", "ref"),
    ("kvs.lookup", "val/data/*/data/[0-9]*", "ref"),
    ("kvs.lookup", "val/data/admin", "optional"),
    ("kvs.lookup", "val/data/job", "extra"),
    # Texts that hold JSON.
    ("job-info.eventlog-watch", "event", "lines"),
    ("job-info.lookup", "eventlog", "lines"),
    ("job-info.lookup", "jobspec", "json"),
    ("job-info.lookup", "R", "json"),
]


def rule_for(topic, path):
    for t, p, rule in VALUES:
        if fnmatch.fnmatchcase(topic, t) and path_matches(path, p.split("/") if p else []):
            return rule
    return None


def path_matches(path, pattern):
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(path_matches(path[i:], pattern[1:]) for i in range(len(path) + 1))
    return (bool(path) and fnmatch.fnmatchcase(str(path[0]), pattern[0])
            and path_matches(path[1:], pattern[1:]))


# Optional parts of events, which ours do not have. R says which resources were allocated, and jobspec
# and R how tasks are laid out; to say it in every job's log too would make the log a tenth longer.
LESS = {"alloc": "annotations", "shell.start": "taskmap"}


def log_event(e):
    """An event of a job's log as we expect it."""
    if LESS.get(e.get("name")) in e.get("context", {}):
        e = {**e, "context": {k: v for k, v in e["context"].items() if k != LESS[e["name"]]}}
        if not e["context"]:
            del e["context"]
    return e


def event(m):
    """Events travel with a stack of routes there. RFC 3 forbids it, and clients do not look at it."""
    return m._replace(flags=m.flags & ~ROUTE, routes=None)


# ---- sequences ----

def data(m):
    """The object in a request or a response that is no error."""
    failed = m.type == RESPONSE and m.aux1 != 0
    return json.loads(m.payload.rstrip(b"\0")) if m.payload and not failed else {}


def by_stream(messages, stream_of):
    """What belongs to one stream stays in order; streams may come mixed in any way."""
    return sorted(messages, key=lambda m: (m.aux1 != 0, stream_of(m)))


def exec_stream(m):
    body = data(m)
    order = {"started": 0, "add-credit": 1, "output": 2, "finished": 3}
    return order.get(body.get("type"), 9), body.get("io", {}).get("stream", "")


def output_stream(m):
    event = json.loads(data(m).get("event", "{}"))
    return event.get("name") != "header", event.get("context", {}).get("stream", "")


# One resident shell runs all jobs: that a shell process ended is no event of a job, and the tasks' ends
# are told together, by the job's finish event.
NO_SHELL = ("shell.task-exit", "shell-exit")


def of_a_job(m):
    return json.loads(data(m).get("event", "{}")).get("name") not in NO_SHELL


def one_list(messages):
    """How many jobs go into a message is the service's business."""
    jobs, rest, version = [], [], None
    for m in messages:
        jobs += data(m).get("jobs", [])
        version = version or data(m).get("version")
        if m.aux1:
            rest.append(m)
    if not jobs:
        return messages
    whole = json.dumps({"jobs": jobs, "version": version}).encode() + b"\0"
    return [messages[0]._replace(payload=whole), *rest]


def sequence(topic, request, messages):
    if topic == "rexec.exec":
        return by_stream(messages, exec_stream)
    if topic == "job-list.list":
        return one_list(messages)
    if topic == "job-info.eventlog-watch" and data(request)["path"] == "guest.output":
        return by_stream(messages, output_stream)
    if topic == "job-info.eventlog-watch" and data(request)["path"] == "guest.exec.eventlog":
        return [m for m in messages if of_a_job(m)]
    if topic == "log.dmesg":  # one line, and how it ends
        return [*messages[:1], *(messages[-1:] if len(messages) > 1 else [])]
    return messages


# ---- conversations ----
#
# name: (why, what is different there). Each difference must be one of these patterns; a conversation that
# is not different any more must leave the table.
DIFFERENT = {
    "submit-bad-json": (
        "the words of the JSON parser",
        ["job-ingest.submit[[]0]: recorded \"jobspec: invalid JSON: * here 'jobspec: invalid JSON *"]),
    "submit-bad-spec": (
        "another key is named (both lack), and the error is EINVAL, where the validator there says EPERM",
        ["job-ingest.submit[[]0] errnum: recorded 1, here 22", "*'Missing key (*\"jobspec: missing key *"]),
    "submit-unsatisfiable": (
        "what can never run is refused at submission; there it is accepted and gets an exception",
        ["job-ingest.submit[[]0] errnum: recorded 0, here 22", "*here 'unsatisfiable request*"]),
    "run": (
        "the shell has no service of its own for each job's input: ENOSYS, as there once the shell has gone",
        ["2: 1001-shell-f9kkH2pf.stdin[[]0] flags: recorded 9, here 11",
         "2: 1001-shell-f9kkH2pf.stdin[[]0] errnum: recorded 0, here 38",
         "2: 1001-shell-f9kkH2pf.stdin[[]0] NUL at the end: *",
         "2: 1001-shell-f9kkH2pf.stdin[[]0]: recorded None, here 'No service matching *"]),
}
