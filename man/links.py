"""Print `section name page` for each further name in the heading of the pages given."""

import pathlib
import re
import sys

here = pathlib.Path(__file__).parent
for arg in sys.argv[1:]:
    page = here / arg
    section = page.suffix[1:]
    heading = page.read_text().split(".Sh SYNOPSIS")[0].split(".Sh DESCRIPTION")[0]
    for name in re.findall(r"^\.Nm (\S+)", heading, re.M):
        if name != page.stem:
            print(section, name, page.name)
