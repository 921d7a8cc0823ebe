# SPDX-License-Identifier: Apache-2.0
# symbols.py: docs/reference/symbols.md, every public name with the version that brought it, held against headers and library.
#
# Use: tools/symbols.py [LIBRARY]     check: prints `ok RULE` or `not ok RULE` with what breaks it
#      tools/symbols.py --write       write the page: known rows keep their version, new ones get the one of meson.build
# The names: what the C headers define or declare that begins with tenure_ or TENURE_ and does not end in '_' (those are
# private; the exported ones among them are listed too), without the numbered steps of macros and the include guards.
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/symbols.md"
HEADERS = [ROOT / "include/tenure" / name for name in ("tenure.h", "base.h", "hit.h")]
KINDS = {  # kind: what the page says above its table
    "function": "Functions",
    "object": "Objects",
    "macro": "Macros",
    "type": "Types",
    "constant": "Constants",
    "inlined": "Exported for code that is inlined from hit.h; not for users",
}
TOP = """# Public names

Every public name of the C headers with the version that brought it. Written by `tools/symbols.py --write`, and checked by the
tests against the headers and the shared library, in both directions. What a version may change:
[../internals/abi.md](../internals/abi.md).
"""
wrong = 0


def verdict(rule, problems):
    global wrong
    print(("not ok " if problems else "ok ") + rule)
    for problem in problems:
        print("  " + problem)
    wrong += bool(problems)


def bare(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def declared(headers=tuple(HEADERS)):
    """{name: kind} of what the headers declare for export."""
    found = {}
    for header in headers:
        text = re.sub(r"\\\n", " ", bare(header.read_text()))
        text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
        for statement in re.findall(r"^(?:TENURE_API|TENURE_DATA_)\b([^;]*);", text, flags=re.M):
            called = re.search(r"\b(tenure_\w+)\s*\(", statement)
            statement = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", statement)
            if called:
                found[called.group(1)] = "function"
            elif re.search(r"\bextern\b", statement) or "TENURE_DATA_" in statement or "struct" in statement:
                for item in statement.split(","):
                    found[re.findall(r"\w+", item)[-1]] = "object"
            else:  # a function by a typedef of its type
                found[re.findall(r"\w+", statement)[-1]] = "function"
    return {name: "inlined" if name.endswith("_") else kind for name, kind in found.items()}


def names():
    """{name: kind} of all public names."""
    found = declared()
    private = re.compile(r"_$|_\d+$|_\d+_P$|^TENURE_\w+_H$")
    text = "\n".join(bare(header.read_text()) for header in HEADERS)
    macros = set(re.findall(r"^[ \t]*#[ \t]*define[ \t]+((?:tenure|TENURE)_\w+)", text, flags=re.M))
    # TENURE_FAULTS and TENURE_NO_INLINE: what a program may define.
    macros |= set(re.findall(r"^[ \t]*#[ \t]*ifdef[ \t]+(TENURE_\w+)", text, flags=re.M)) - {"TENURE_FAULTS"}
    plain = re.sub(r'"(?:\\.|[^"\\\n])*"', "", re.sub(r"^[ \t]*#[ \t]*(?:define[ \t]+\w+|\w+.*$)", "", text, flags=re.M))
    types = set(re.findall(r"\b(?:struct|union|enum)\s+(tenure_\w+)", plain))
    types |= set(re.findall(r"\btypedef\b[^;{]*\b(tenure_\w+)\s*(?:\([^;]*\))?;", plain)) | set(re.findall(r"^\} (tenure_\w+);", plain, flags=re.M))
    constants = set(re.findall(r"\bTENURE_[A-Z0-9_]+\b", plain))
    for kind, group in (("macro", macros), ("type", types), ("constant", constants)):
        for name in group:
            if not private.search(name):
                found.setdefault(name, kind)
    return found


def rows():
    """{name: (kind, version)} of the page."""
    found, kind = {}, None
    titles = {title: kind for kind, title in KINDS.items()}
    if not PAGE.exists():
        return found
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            kind = titles.get(line[3:])
        match = re.match(r"\| `(\w+)` \| (\S+) \|$", line)
        if match:
            found[match.group(1)] = (kind, match.group(2))
    return found


def project_version():
    return re.search(r"^  version: '(\d+\.\d+)\.\d+'", (ROOT / "meson.build").read_text(), flags=re.M).group(1)


def write():
    old, new = rows(), names()
    text = TOP
    for kind, title in KINDS.items():
        group = sorted((name for name in new if new[name] == kind), key=lambda name: (name.lower(), name))
        text += f"\n## {title}\n\n| name | since |\n|---|---|\n"
        for name in group:
            text += f"| `{name}` | {old[name][1] if name in old else project_version()} |\n"
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    for name in sorted(set(new) - set(old)):
        print(f"new: {name}, since {project_version()}")
    for name in sorted(set(old) - set(new)):
        print(f"gone: {name}; is it released? then it must come back, or the soname change")


def check(library):
    listed, wanted = rows(), names()
    problems = [f"{name} ({kind}) has no row; run tools/symbols.py --write" for name, kind in wanted.items() if name not in listed]
    problems += [f"{name} stands in the table, but in no header" for name in listed if name not in wanted]
    problems += [f"{name} is listed as {listed[name][0]}; it is: {kind}" for name, kind in wanted.items()
                 if name in listed and listed[name][0] != kind]
    verdict("the table of public names and the headers say the same", sorted(problems))

    done = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", str(library)], capture_output=True, text=True)
    exported = dict(re.findall(r"^[0-9a-f]+ [B-Z] ([^@\s]+)@@?(\S+)$", done.stdout, flags=re.M))
    exported = {name: version for name, version in exported.items() if name != version}
    symbols = {name: version for name, (kind, version) in listed.items() if kind in ("function", "object", "inlined")}
    problems = [f"{name} is exported, but has no row" for name in exported if name not in symbols]
    problems += [f"{name} stands in the table, but is not exported" for name in symbols if name not in exported]
    problems = problems if exported else [f"{library} exports nothing: {done.stderr.strip()}"]
    verdict("the table of public names and the shared library say the same", sorted(problems))

    layout = re.search(r"^#define TENURE_LAYOUT_ (\d+)", HEADERS[2].read_text(), flags=re.M).group(1)
    inlined = declared([HEADERS[2]])
    problems = []
    for name, version in exported.items():
        demand = f"TENURE_LAYOUT_{layout}" if name in inlined else f"TENURE_{symbols.get(name, '?')}"
        if version != demand:
            problems.append(f"{name} has the symbol version {version}; the table says {demand}: see src/libtenure.map")
    verdict("every symbol has the version of its row", sorted(problems))


if "--write" in sys.argv:
    write()
else:
    arguments = sys.argv[1:]
    check(pathlib.Path(arguments[0]) if arguments else ROOT / "build/release/src/libtenure.so")
sys.exit(1 if wrong else 0)
