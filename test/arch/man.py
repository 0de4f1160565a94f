"""The manual pages against the code: every command, subcommand and option of the built
`flux`, every configuration key, broker attribute and function's signature has its place in a page, and
the other way round. Pages lint clean, refer to pages that exist, and are all installed."""

import pathlib
import re
import shutil
import subprocess
import sys

top, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
man = top / "man"
findings = []
# Pages of other packages that ours may refer to.
OTHERS = {("man", "1"), ("wait", "2"), ("syslog", "3")}


def note(text):
    findings.append(text)


# -- commands and options --

def run_help(argv):
    if not (build / "cmd" / argv[0]).exists():
        note(f"{argv[0]}: not built")
        return ""
    out = subprocess.run([str(build / "cmd" / argv[0]), *argv[1:]], capture_output=True, text=True,
                         timeout=60, check=False)
    return out.stdout + out.stderr


def parse_help(text):
    """({subcommand}, {(long, takes a value)}, {short}) of a --help text."""
    subs = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.M)
    names = re.findall(r"^  ([\w-]+)  ?.*$", subs.group(1), re.M) if subs else []
    longs, shorts = set(), set()
    for m in re.finditer(r"^  (?:-(\w),|   )? *--([a-z][a-z0-9_-]*)(\[?=)?", text, re.M):
        longs.add((m[2], bool(m[3])))
        shorts |= {m[1]} - {None}
    for m in re.finditer(r"(?<=Usage: )flux-shell(.*)", text):
        longs |= {(n, True) for n in re.findall(r"--([a-z_-]+)=", m[1])}
    return names, longs - {("help", False)}, shorts - {"h"}


def page_options(text):
    longs, shorts = set(), set()
    for line in re.findall(r"^\.It (Fl .*)$", text, re.M):
        for part in line.split(" , "):
            m = re.match(r"Fl (?:\\-([\w-]+)|(\w))( Ns (?:=|Op =).*)?$", part)
            if not m:
                note(f"cannot read option line: .It {line}")
            elif m[1]:
                longs.add((m[1], bool(m[3])))
            else:
                shorts.add(m[2])
    return longs, shorts


def subsections(text):
    """{name: text} of `.Ss a, b` sections, under each of their names."""
    found = {}
    for m in re.finditer(r"^\.Ss (.*)\n((?:(?!\.S[hs] ).*\n)*)", text, re.M):
        for name in m[1].split(", "):
            found[name] = m[2]
    return found


def pages_by_name():
    found = {}
    for page in sorted(man.glob("man1/*.1")):
        text = page.read_text()
        for name in re.findall(r"^\.Nm (\S+)", text.split(".Sh SYNOPSIS")[0], re.M):
            found[name] = text
    return found


def compare_options(what, longs, shorts, text):
    plongs, pshorts = page_options(text)
    for name, value in sorted(longs ^ plongs):
        where = "page" if (name, value) in longs else "code"
        note(f"{what}: --{name}{'=' if value else ''} is not in the {where}")
    for key in sorted(shorts ^ pshorts):
        note(f"{what}: -{key} is not in the {'page' if key in shorts else 'code'}")


def check_command(name, argv, text):
    subs, longs, shorts = parse_help(run_help(argv + ["--help"]))
    parts = subsections(text)
    if not subs:
        compare_options(name, longs, shorts, parts.get(name, text))
        return 1
    for sub in subs:
        if sub not in parts:
            note(f"{name} {sub}: no subsection in the page")
            continue
        _, longs, shorts = parse_help(run_help(argv + [sub, "--help"]))
        compare_options(f"{name} {sub}", longs, shorts, parts[sub])
    for part in sorted(set(parts) - set(subs)):
        note(f"{name}: the page has a subcommand '{part}', the program has not")
    return len(subs)


def check_commands():
    pages = pages_by_name()
    names, longs, shorts = parse_help(run_help(["flux", "help"]))
    _, longs, shorts = parse_help(run_help(["flux", "--help"]))
    compare_options("flux", longs, shorts, pages["flux"])
    names.append("shell")
    count = 0
    for name in names:
        argv = [f"flux-{name}"] if name in ("broker", "proxy", "shell") else ["flux", name]
        if f"flux-{name}" not in pages:
            note(f"{name}: no page")
            continue
        count += check_command(name, argv, pages[f"flux-{name}"])
    for page in sorted(set(pages) - {f"flux-{n}" for n in names} - {"flux"}):
        note(f"{page}: page of nothing")
    if len(names) < 2:
        note("`flux help` lists no commands")
    return count


# -- configuration keys --

CALL = re.compile(r"\b(flux_conf_unpack|flux_plugin_arg_unpack|config_bool|config_str)\s*\(")


def call_arguments(text, start):
    """The argument list that begins behind the parenthesis at start, split at commas."""
    depth, args, cur, i = 1, [], "", start
    for m in re.finditer(r'"(?:\\.|[^"\\])*"|[^"]', text[start:]):
        c = m.group()
        depth += (c in "([{") - (c in ")]}") if len(c) == 1 else 0
        if depth == 0:
            return args + [cur.strip()]
        if c == "," and depth == 1:
            args.append(cur.strip())
            cur = ""
        else:
            cur += c
    return args


def literal(arg):
    parts = re.findall(r'"((?:\\.|[^"\\])*)"', arg)
    return "".join(parts) if parts else None


def keys_of_format(fmt, args):
    """Dotted keys that an unpack format reads; [] unless each key is a literal."""
    keys, path, args = [], [], list(args)
    want_key = []
    for c in fmt:
        if c == "{":
            want_key.append(True)
        elif c == "}":
            want_key.pop()
            if path:
                path.pop()
            if want_key:
                want_key[-1] = True
        elif c in " ?!,:":
            continue
        elif want_key and want_key[-1]:
            path.append(literal(args.pop(0)))
            want_key[-1] = False
        else:
            args.pop(0)
            if want_key and path and None not in path:
                keys.append(".".join(path))
                path.pop()
                want_key[-1] = True
    return keys


def code_keys():
    keys = {}
    for path in sorted(p for p in (top / "lib").rglob("*.c") if p.parent.name != "flux"):
        text = path.read_text()
        for m in CALL.finditer(text):
            args = call_arguments(text, m.end())
            if m[1].startswith("config_"):
                found = [f"{literal(args[1])}.{literal(args[2])}"] if literal(args[1]) else []
            else:
                fmt = literal(args[2]) or ""
                found = keys_of_format(fmt, args[3:]) if fmt.startswith("{") else []
            if m[1] == "flux_plugin_arg_unpack":
                found = [k[5:] for k in found if k.startswith("conf.")]
            for k in found:
                keys.setdefault(k, path)
    return keys


def check_config():
    page = (man / "man5/flux-config.5").read_text()
    listed = {k for line in re.findall(r"^\.It (Va .*)$", page, re.M)
              for k in re.findall(r"Va (\S+)", line)}
    keys = code_keys()
    for key in sorted(keys):
        # A table taken whole may be listed key by key instead.
        if key not in listed and not any(k.startswith(key + ".") for k in listed):
            note(f"flux-config(5): {key} is read by {keys[key].relative_to(top)}, not listed")
    for key in sorted(listed - set(keys)):
        tables = [t for t in keys if key.startswith(t + ".")]
        word = '"%s"' % key.rsplit(".", 1)[-1]
        if not any(word in keys[t].read_text() or
                   any(word in p.read_text() for p in keys[t].parent.glob("*.c")) for t in tables):
            note(f"flux-config(5): {key} is read by nobody")
    return len(listed)


# -- broker attributes --

def check_attributes():
    page = (man / "man7/flux-broker-attributes.7").read_text()
    listed = {k for line in re.findall(r"^\.It (Va .*)$", page, re.M)
              for k in re.findall(r"Va (\S+)", line)}
    used = set()
    for path in sorted((top / "lib").rglob("*.c")):
        text = path.read_text()
        used |= set(re.findall(r'\battrs_(?:set|setf|default|get|int|duration|true)\([^,()]*, "([^"]+)"', text))
        used |= set(re.findall(r'\{"([^"]+)", "[^"]*", ATTR_', text))
        if path.parts[-3] == "modules":
            used |= set(re.findall(r'\bflux_attr_get\(\s*[^,()]*, "([^"]+)"', text))
    for name in sorted(listed ^ used):
        note(f"flux-broker-attributes(7): {name} is only in the {'page' if name in listed else 'code'}")
    return len(listed)


# -- signatures --

def squeeze(s):
    return re.sub(r"\s*([*,()])\s*", r"\1", re.sub(r"\s+", " ", s)).strip()


def check_signatures():
    protos = {}
    for h in sorted((top / "include/flux").glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", h.read_text(), flags=re.S)
        for m in re.finditer(r"^([a-z][\w \*]*?[ \*])((?:flux|idset|hostlist)_\w+)\s*"
                             r"\(((?:[^()]|\([^()]*\))*)\)\s*[;_F]", text, re.M):
            protos[m[2]] = squeeze(f"{m[1]} {m[2]}({m[3]})")
    count = 0
    for page in sorted(man.glob("man3/*.3")):
        for m in re.finditer(r'^\.Ft "(.*)"\n\.Fo (\w+)\n((?:\.Fa ".*"\n)+)\.Fc', page.read_text(), re.M):
            args = ", ".join(re.findall(r'\.Fa "(.*)"', m[3]))
            here = squeeze(f"{m[1]} {m[2]}({args})")
            count += 1
            if protos.get(m[2]) != here:
                note(f"{page.name}: {here}: the header says {protos.get(m[2])}")
    return count


# -- the pages themselves --

def check_pages():
    pages = sorted(man.glob("man[1-8]/*.[1-8]"))
    names = {(p.stem, p.suffix[1:]) for p in pages}
    listed = (man / "meson.build").read_text()
    for page in pages:
        text = page.read_text()
        heading = text.split(".Sh SYNOPSIS")[0].split(".Sh DESCRIPTION")[0]
        names |= {(n, page.suffix[1:]) for n in re.findall(r"^\.Nm (\S+)", heading, re.M)}
        if f"'{page.parent.name}/{page.name}'" not in listed:
            note(f"{page.name}: not in man/meson.build")
    for page in pages:
        for name, section in re.findall(r"\bXr (\S+) (\d)", page.read_text()):
            if (name, section) not in names | OTHERS:
                note(f"{page.name}: refers to {name}({section}), which does not exist")
    if shutil.which("mandoc"):
        out = subprocess.run(["mandoc", "-Tlint", "-W", "warning", *pages], capture_output=True,
                             text=True, check=False).stdout
        findings.extend(out.splitlines())
    return len(pages)


def main():
    counts = (check_pages(), check_commands(), check_config(), check_attributes(), check_signatures())
    for f in findings:
        print(f)
    print("{} pages, {} commands, {} keys, {} attributes, {} signatures, ".format(*counts) + f"{len(findings)} findings")
    sys.exit(bool(findings) or not all(counts))


main()
