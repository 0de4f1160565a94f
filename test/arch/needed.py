"""No installed object has libev in its needed list, libflux does not bring the C++
run-time, SQLite, nng, hwloc or libsodium to its users, and the bindings need libflux only."""

import pathlib
import subprocess
import sys

build = pathlib.Path(sys.argv[1])
NEVER = ("libev.so", "libevent")
BINDING = ("libflux.so", "libc.so")
CLIENT = ("libstdc++", "libsqlite3", "libnng", "libhwloc", "libsodium")


def needed(path):
    out = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    return [line.split("[")[1].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line]


def main():
    objects = [p for p in build.rglob("*") if p.is_file() and not p.is_symlink()
               and (".so" in p.name or p.parent.name == "cmd")
               and p.open("rb").read(4) == b"\x7fELF" and not p.name.endswith(".o")]
    bad = []
    for p in objects:
        libs = needed(p)
        bad += [f"{p.name} needs {n}" for n in libs if n.startswith(NEVER)]
        if p.name.startswith("libflux.so") or p.name == "flux":
            bad += [f"{p.name} needs {n}" for n in libs if n.startswith(CLIENT)]
        if "bindings" in p.relative_to(build).parts[:1]:
            bad += [f"{p.name} needs {n}" for n in libs if not n.startswith(BINDING)]
    for b in bad:
        print(b)
    print(f"{len(objects)} objects, {len(bad)} findings")
    sys.exit(bool(bad) or not objects)


main()
