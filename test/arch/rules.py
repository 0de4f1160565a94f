"""House rules that a reader relies on: file sizes, no global mutable state, the world only
through lib/env, process-wide calls only where allowed."""

import pathlib
import re
import sys

top = pathlib.Path(sys.argv[1])
MAX_LINES = 600
WORLD = re.compile(
    r"(?<![\w.>])(time|gettimeofday|clock_gettime|open|fopen|fork|vfork|posix_spawn|random|"
    r"rand|pthread_create|sleep|usleep|nanosleep|socket|kill|waitpid)\s*\(")
PROCESS = re.compile(
    r"(?<![\w.>])(exit|_exit|abort|setenv|unsetenv|putenv|umask|signal|sigaction|chdir|"
    r"setlocale)\s*\(")
# PMI_Abort() ends its process: so the API has it.
ENDS = {"lib/pmi/session.c"}
PRINT = re.compile(r"(?<![\w.>])(printf|puts|perror)\s*\(")


def code(path):
    text = path.read_text()
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def main():
    errors = []
    files = [p for d in ("lib", "cmd", "include", "bindings", "test") for p in (top / d).rglob("*.[ch]")]
    for path in sorted(files):
        rel = str(path.relative_to(top))
        n = path.read_text().count("\n")
        if n > MAX_LINES:
            errors.append(f"{rel}: {n} lines, over {MAX_LINES}")
        if not rel.startswith("lib/") or path.suffix != ".c":
            continue
        for i, line in enumerate(code(path).split("\n"), 1):
            if not rel.startswith(("lib/env/", "lib/cli/")) and WORLD.search(line):
                errors.append(f"{rel}:{i}: the world is reached through lib/env: {line.strip()}")
            if PROCESS.search(line) and not rel.startswith("lib/env/") and rel not in ENDS:
                errors.append(f"{rel}:{i}: a library leaves the process alone: {line.strip()}")
            if PRINT.search(line) and not rel.startswith("lib/cli/"):
                errors.append(f"{rel}:{i}: a library never prints: {line.strip()}")
    for e in errors:
        print(e)
    print(f"{len(files)} files, {len(errors)} findings")
    sys.exit(bool(errors) or not files)


main()
