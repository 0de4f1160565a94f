"""Each folder includes only what the arrow table of lib/README.md allows it."""

import pathlib
import re
import sys

top = pathlib.Path(sys.argv[1])
LIBRARIES = {
    "cjson/cJSON.h": {"lib/base", "lib/proto", "lib/flux", "lib/cli", "cmd", "include"},
    "ev.h": {"lib/env"},
    "sqlite3.h": {"lib/store"},
    "nng/nng.h": {"lib/overlay"},
}
EXTRA = {"cmd/flux-broker.c": {"broker", "env", "base"},
         "cmd/flux-proxy.c": {"broker", "env", "base"},
         "cmd/flux-launcher.c": {"broker", "env", "base"},
         "cmd/pmi.c": {"pmi"},
         "cmd/archive.h": {"base"},
         "cmd/fsck.c": {"base"},
         "cmd/kvswalk.c": {"base"},
         "cmd/dump.c": {"proto", "base"},
         "cmd/restore.c": {"proto", "base"},
         "cmd/restore.h": {"proto", "base"},
         "cmd/restore_put.c": {"proto", "base"},
         "cmd/flux-shell.c": {"shell", "env", "base"}}


def arrow_table():
    text = (top / "lib/README.md").read_text()
    table = {}
    for line in re.findall(r"^[a-z/-]+ -> .*$", text, re.M):
        left, right = line.split(" -> ")
        table[left] = set(right.split())
    return table


def room_of(path, table):
    """The longest table entry that holds this path (relative to lib/)."""
    parts = path.parts
    for n in range(len(parts), 0, -1):
        name = "/".join(parts[:n])
        if name in table:
            return name
    return None


def check(path, table, errors):
    rel = path.relative_to(top)
    room = room_of(rel.relative_to("lib") if rel.parts[0] == "lib" else rel, table)
    allowed = table.get(room, set()) | EXTRA.get(str(rel), set())
    for inc in re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M):
        if inc in LIBRARIES and not any(str(rel).startswith(p) for p in LIBRARIES[inc]):
            errors.append(f"{rel}: only {sorted(LIBRARIES[inc])} may include <{inc}>")
        if inc == "modules/builtin.h" and room == "broker":
            continue
        target = room_of(pathlib.Path(inc), table) if "/" in inc else None
        if inc.startswith("flux/"):
            target = "include"
        if target is None or target == room:
            continue
        if target.startswith("sched") and room and room.startswith("sched") and target == room:
            continue
        if target not in allowed:
            errors.append(f"{rel}: {room} may not include {inc}")


def main():
    table = arrow_table()
    errors = []
    count = 0
    for folder in ("lib", "cmd", "bindings"):
        for path in sorted((top / folder).rglob("*.[ch]")):
            count += 1
            check(path, table, errors)
    for e in errors:
        print(e)
    print(f"{count} files, {len(errors)} forbidden arrows")
    sys.exit(bool(errors) or count == 0)


main()
