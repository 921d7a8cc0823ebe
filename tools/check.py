# SPDX-License-Identifier: Apache-2.0
# check.py: the rules of the house, checked: includes, states, symbols, file heads, contract numbers, banned calls.
#
# Prints `ok RULE` or `not ok RULE` with what breaks it. --table: prints each file with the sentence that says what it is.
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOORS = ["base", "core", "front"]
ROOMS = ("core key key_text arguments bind context failure outbox report cell object entry table input tree retire holder lease expire evict session recording worker maintenance flight creation "
         "job refresh validate clear function scope forget get cache fork stats").split()
# A retirer must find an entry's place in the tree of its base key, which a recording holds: a structure, no call upwards.
ALLOWED_UP = {("retire.c", "recording")}

wrong = 0


def verdict(rule, problems):
    global wrong
    print(("not ok " if problems else "ok ") + rule)
    for problem in problems:
        print("  " + problem)
    wrong += bool(problems)


def sources(*suffixes):
    try:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):  # no git here, or no clone: everything that is not built
        found = (path.relative_to(ROOT) for path in sorted(ROOT.rglob("*")))
        listed = [str(path) for path in found if not {".git", ".venv", "build", "target"} & set(path.parts)]
    return [ROOT / f for f in listed if (ROOT / f).is_file() and (not suffixes or f.endswith(suffixes))]


def includes():
    problems = []
    for path in sources(".c", ".h"):
        relative = path.relative_to(ROOT)
        if relative.parts[0] != "src":
            continue
        floor = relative.parts[1]
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M):
            to_floor, _, room = name.removesuffix(".h").partition("/")
            if FLOORS.index(to_floor) > FLOORS.index(floor):
                problems.append(f"{relative} includes {name}: upwards")
            if floor == to_floor == "core":
                own = relative.stem
                if own not in ROOMS or room not in ROOMS:
                    problems.append(f"{relative} or {name} is no room of the list")
                elif ROOMS.index(room) > ROOMS.index(own) and (relative.name, room) not in ALLOWED_UP:
                    problems.append(f"{relative} includes {name}: upwards")
    verdict("includes point down", problems)


def states():
    problems = []
    for path in sources(".c", ".h"):
        if path.name != "entry.c" and re.search(r"\bhead(->|\.)state\s*=[^=]|\bentry->state\s*=[^=]", path.read_text()) and "src" in path.parts:
            problems.append(str(path.relative_to(ROOT)))
    verdict("only entry.c changes an entry's state", problems)


def symbols():
    problems = []
    library = ROOT / "build/release/src/libtenure.so"
    output = subprocess.run(["nm", "-g", "--defined-only", str(library.with_suffix(".a"))], capture_output=True, text=True).stdout
    for line in output.splitlines():
        parts = line.split()
        if len(parts) == 3 and not parts[2].startswith(("tenure_", "tn_")):
            problems.append(f"global in the static library: {parts[2]}")
    if "tenure_function_get" not in output:
        problems.append("tenure_function_get is not there")
    verdict("global symbols are tenure_* and tn_* only", problems)  # what is exported: tools/symbols.py


def opening(path):
    """(what is wrong with the file's first lines or None, the sentence that says what it is)."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#!")]
    if len(lines) < 2 or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
        return "no SPDX line", ""
    match = re.match(r"^(?:/\*|#|//|//!|\s\*)\s*(\S+): (.+)", lines[1])
    if not match or path.name not in match.group(1):
        return f"does not open with \"{path.name}: what it is\"", ""
    return None, match.group(2).rstrip("*/ ")


def headed():
    return sources(".c", ".h", ".cc", ".hpp", ".py", ".sh", ".build", ".pml", ".rs", ".map", ".ini", "CMakeLists.txt", "/bare", "run")


def table():
    try:
        for path in headed():
            print(f"{str(path.relative_to(ROOT)):38} {opening(path)[1]}")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def heads():
    found = [(path.relative_to(ROOT), opening(path)[0]) for path in headed()]
    verdict("every file says what it is", [f"{name}: {problem}" for name, problem in found if problem])


def contract():
    names = " ".join(re.findall(r"\b((?:[A-Z]\d+_)\w+)", " ".join(p.read_text() for p in sources(".c", ".cc") if "tests" in p.parts)))
    wanted = " ".join(line for line in (ROOT / "tests/contract.txt").read_text().splitlines() if not line.startswith("#")).split()
    problems = [f"{n}: no test carries it" for n in wanted if not re.search(rf"(?:^|[ _]){n}_", names)]
    told = re.findall(r"\*\*([A-Z]\d+)\*\*", (ROOT / "docs/contract.md").read_text())
    problems += [f"{n}: docs/contract.md does not say what it is" for n in wanted if n not in told]
    verdict("every line of the contract has a test with its number", problems)


def banned():
    problems = []
    for path in sources(".c", ".h", ".cc", ".hpp"):
        relative = path.relative_to(ROOT)
        code = re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"", "", path.read_text(), flags=re.S)
        for name in re.findall(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(", code):
            problems.append(f"{relative}: {name}()")
        if relative.parts[0] == "tests":
            for name in re.findall(r"\b(sleep|usleep|nanosleep)\s*\(", code):
                problems.append(f"{relative}: {name}(): a test does not sleep")
        if relative.parts[0] == "examples" and re.search(r'#include "(base|core|front)/', path.read_text()):
            problems.append(f"{relative}: includes a private header")
    verdict("no banned call", problems)


def sizes():
    problems = []
    for path in sources(".c", ".h"):
        lines = len(path.read_text().splitlines())
        if "src" in path.relative_to(ROOT).parts and lines > 520:
            problems.append(f"{path.relative_to(ROOT)}: {lines} lines; split it")
    verdict("no room is too large", problems)


if "--table" in sys.argv:
    table()
    sys.exit(0)
for rule in (includes, states, symbols, heads, contract, banned, sizes):
    rule()
sys.exit(1 if wrong else 0)
