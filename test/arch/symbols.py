"""The exported symbols are those of the map, each declared in a public header and
documented in a man page; every declared function is exported."""

import pathlib
import re
import subprocess
import sys

top, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
LIBRARIES = {"flux": "lib/flux/libflux.map", "flux-broker": "lib/broker/libflux-broker.map"}
# Implemented by those who write a plug-in or module, not by the library.
THEIRS = {"flux_plugin_init", "mod_main"}


def exported(lib):
    out = subprocess.run(["nm", "-D", "--defined-only", lib], check=True, capture_output=True,
                         text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()[1] in "TDBRW"}
    return {n for n in names if not n.startswith(("_", "LIBFLUX", "FLUX_"))}


def declared():
    names = set()
    for h in (top / "include/flux").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", h.read_text(), flags=re.S)
        text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)
        text = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", text)
        text = re.sub(r"\b[A-Z_]+\s*\([0-9, ]*\)", "", text)
        text = re.sub(r"static inline[^{]*\{.*?^\}", "", text, flags=re.S | re.M)
        text = re.sub(r"typedef[^;{]*;", "", text)
        text = re.sub(r"struct \w+ \{.*?^\}[^;]*;", "", text, flags=re.S | re.M)
        names |= set(re.findall(r"\b((?:flux|idset|hostlist)_\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:__attribute__\s*\(\(.*?\)\)\s*)?;", text))
    return names - THEIRS


def documented():
    names = set()
    for page in (top / "man/man3").glob("*.3"):
        text = page.read_text()
        names |= set(re.findall(r"^\.Nm ([a-z_0-9]+)", text, re.M))
    return names


def main():
    exports, maps = set(), set()
    for name, mapfile in LIBRARIES.items():
        (lib,) = [p for p in build.rglob(f"lib{name}.so.1") if p.exists()][:1]
        text = (top / mapfile).read_text().split("local:")[0]
        listed = set(re.findall(r"^\s+(\w+);", text, re.M))
        got = exported(lib)
        for n in sorted(got ^ listed):
            print(f"lib{name}: {n}: in only one of map and library")
        exports |= got
        maps |= got ^ listed
    decl, docs = declared(), documented()
    wrong = [f"{n}: exported, in no header" for n in sorted(exports - decl)]
    wrong += [f"{n}: declared, not exported" for n in sorted(decl - exports)]
    wrong += [f"{n}: no man page" for n in sorted(exports - docs)]
    wrong += [f"{n}: man page of nothing" for n in sorted(docs - exports)]
    for w in wrong:
        print(w)
    print(f"{len(exports)} exported, {len(decl)} declared, {len(docs)} documented, {len(wrong) + len(maps)} findings")
    sys.exit(bool(wrong or maps) or not exports)


main()
