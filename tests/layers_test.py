#!/usr/bin/env python3
"""Each folder includes only what stands to its left: the layers of docs/design.md, over the
#include lines."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a folder may include besides itself. The store's and targets' own folders are the
# reconciler's; the targets never include one another.
MAY = {
    "schemas": set(),
    "inventory": {"schemas", "reconciler/curl_handles.h", "reconciler/curl_trust.h",
                  "reconciler/run_program.h"},
    "renderers": {"schemas"},
    "reconciler": {"schemas", "renderers/artifact.h", "renderers/routeros/"},
    "pipeline": {"schemas", "inventory", "renderers", "reconciler"},
    "cli": {"schemas", "inventory", "renderers", "reconciler", "pipeline"},
}
# RouterOS's own language knows nothing of models and artifacts: what renders into it and what talks
# to a router stand on it from both sides.
LANGUAGE = ("renderers", "routeros")
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def wrong(folder, source, included):
    top = included.split("/")[0]
    parts = source.parts
    if "targets" in parts and included.startswith("reconciler/targets/"):
        return included.split("/")[2] != parts[parts.index("targets") + 1]
    if parts[:2] == LANGUAGE and top == "renderers":
        return included.split("/")[:2] != list(LANGUAGE)
    if top == folder:
        return False
    above = "/".join(included.split("/")[:-1]) + "/"
    return top not in MAY[folder] and included not in MAY[folder] and above not in MAY[folder]


def main():
    found = 0
    bad = []
    for folder in MAY:
        for source in sorted((ROOT / folder).rglob("*.[ch]*")):
            for number, line in enumerate(source.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                found += 1
                if wrong(folder, source.relative_to(ROOT), match.group(1)):
                    bad.append(f"{source.relative_to(ROOT)}:{number}: {folder} may not include "
                               f"{match.group(1)}")
    print("\n".join(bad))
    print(f"{found} includes read, {len(bad)} wrong")
    return 1 if bad or found == 0 else 0


sys.exit(main())
