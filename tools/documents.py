# SPDX-License-Identifier: Apache-2.0
# documents.py: the documents, checked: their programs are compiled and run, their links, anchors and names looked up.
#
# In README.md, the other pages at the top, and docs/:
#   ```c, ```cpp           a whole source file: compiled with gcc and clang, warnings are errors; with a main() it is run too, in
#                          an empty folder of its page, and must end with 0
#   ```output              after a program: what it prints on stdout, to the letter
#   ```c NAME.h, NAME.c    a file beside the page's programs; NAME.c is also made into NAME.so, for dlopen()
#   ```c part, ```cpp part a piece, for reading only
# Prints `ok NAME` or `not ok NAME` with what is wrong, and `skip NAME: reason`.
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "build/release/src"
STRICT = ["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT}/include"]
LANGUAGES = {"c": (("gcc", "clang"), ["-std=c11", "-D_GNU_SOURCE", "-x", "c"]), "cpp": (("g++", "clang++"), ["-std=c++17", "-x", "c++"])}
LINK = ["-x", "none", f"-L{LIBRARY}", f"-Wl,-rpath,{LIBRARY}", "-ltenure", "-pthread", "-ldl"]

wrong = 0


def verdict(rule, problems):
    global wrong
    print(("not ok " if problems else "ok ") + rule)
    for problem in problems:
        print("  " + problem)
    wrong += bool(problems)


def pages():
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


class Block:
    def __init__(self, page, line, info, code):
        self.page, self.line, self.code = page, line, code
        self.language, _, self.name = info.partition(" ")
        self.output = None  # what the page says that it prints
        self.where = f"{page.relative_to(ROOT)}:{line}"

    def source(self):
        return f'#line {self.line + 1} "{self.where.split(":")[0]}"\n{self.code}'

    def is_program(self):
        return not self.name and re.search(r"^int main\(", self.code, re.M) is not None


def blocks_of(page):
    """The fenced blocks of a page, in order, and what about them is wrong."""
    text, found, problems = page.read_text(), [], []
    end = 0
    for fence in re.finditer(r"^[ \t]*```[ \t]*([^\n]*?)[ \t]*\n(.*?)^[ \t]*```[ \t]*$", text, re.M | re.S):
        block = Block(page, text.count("\n", 0, fence.start()) + 1, *fence.groups())
        if block.language == "output":
            if found and found[-1].is_program() and not text[end:fence.start()].strip():
                found[-1].output = block.code
            else:
                problems.append(f"{block.where}: ```output without a program before it")
        elif block.language.lower() in ("c++", "cc", "h", "hpp", "c-part") or (block.language.lower() in LANGUAGES) != (block.language in LANGUAGES):
            problems.append(f"{block.where}: ```{block.language}: write ```c or ```cpp, with `part` for a piece")
        found.append(block)
        end = fence.end()
    return found, problems


def call(command, folder, **more):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, **more)


def compile_block(block, compiler, folder, program):
    """None, or what the compiler says. `program`: where it goes; None: only looked at."""
    _, options = LANGUAGES[block.language]
    libraries = ["-lsqlite3"] if "<sqlite3.h>" in block.code else []
    end = [*LINK[2:], *libraries, "-o", program] if program else ["-o", "/dev/null"]
    shared = ["-shared", "-fPIC"] if block.name else [] if program else ["-c"]
    done = call([compiler, *shared, *STRICT, *options, "-", *(LINK[:2] if program else []), *end], folder, input=block.source())
    return None if done.returncode == 0 else "\n  ".join([f"with {compiler}:", *done.stderr.splitlines()[:8]])


def try_block(block, folder):
    """Compile, and run what is a program. What is wrong."""
    problems = []
    compilers = [c for c in LANGUAGES[block.language][0] if shutil.which(c)]
    for first, compiler in enumerate(compilers):
        target = None
        if first == 0 and block.name:
            target = f"./{block.name.rsplit('.', 1)[0]}.so"
        elif first == 0 and block.is_program():
            target = f"{folder}/program-{block.line}"
        problem = compile_block(block, compiler, folder, target)
        if problem:
            return [problem]
    if not block.is_program() or not compilers:
        return problems
    env = {name: value for name, value in os.environ.items() if name != "TENURE_FRONT"}
    try:
        done = subprocess.run([f"{folder}/program-{block.line}"], cwd=folder, capture_output=True, text=True, timeout=30, env=env)
    except subprocess.TimeoutExpired:
        return [f"{block.where}: it runs for over 30 s"]
    if done.returncode != 0:
        problems.append("\n  ".join([f"{block.where}: ended with {done.returncode}", *done.stdout.splitlines()[-8:], *done.stderr.splitlines()[-8:]]))
    elif block.output is not None and done.stdout != block.output:
        problems.append("\n  ".join([f"{block.where}: it printed", *done.stdout.splitlines()]))
    return problems


def try_page(blocks):
    """(problems, how many were compiled, how many were run)"""
    problems, sources = [], [b for b in blocks if b.language in LANGUAGES and b.name != "part"]
    with tempfile.TemporaryDirectory() as folder:
        for block in sources:
            if block.name:
                pathlib.Path(folder, block.name).write_text(block.code)
        for block in sources:
            if not block.name.endswith((".h", ".hpp")):
                problems += try_block(block, folder)
    return problems, len(sources), sum(b.is_program() for b in sources)


def programs():
    problems, by_page = [], []
    for page in pages():
        blocks, bad = blocks_of(page)
        problems += bad
        by_page.append(blocks)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(try_page, by_page))
    for bad, _, _ in results:
        problems += bad
    if not any(run for _, _, run in results):
        problems.append("no page has a program: the search for blocks is broken")
    verdict(f"the programs of the documents: {sum(r[1] for r in results)} compiled, {sum(r[2] for r in results)} run", problems)


def prose(page):
    """Its text without code, where a lambda looks like a link, and a comment like a heading."""
    return re.sub(r"^[ \t]*```.*?^[ \t]*```", "", page.read_text(), flags=re.M | re.S)


def anchors(page):
    """Its headings as the names that links use."""
    found = []
    for heading in re.findall(r"^#+ +(.*?) *#*$", prose(page), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        again = sum(re.fullmatch(re.escape(name) + r"(-\d+)?", other) is not None for other in found)
        found.append(f"{name}-{again}" if again else name)
    return found


def links():
    problems = []
    for page in pages():
        name = page.relative_to(ROOT)
        for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", re.sub(r"`[^`\n]*`", "", prose(page))):
            place, _, anchor = target.partition("#")
            other = page.parent / place if place else page
            if "://" in target:
                continue
            if not other.exists():
                problems.append(f"{name}: {place} is not there")
            elif anchor and (other.suffix != ".md" or anchor not in anchors(other)):
                problems.append(f"{name}: {place or name} has no heading #{anchor}")
    verdict("what the documents link to is there", problems)


def names():
    """Files and identifiers of the sources that the pages on the inside name, in backticks."""
    problems, files = [], [*(ROOT / "src").rglob("*.[ch]"), *(ROOT / "include").rglob("*.h*"), *(ROOT / "tests").rglob("*.[ch]")]
    words = set(re.findall(r"\w+", " ".join(path.read_text() for path in files)))
    places = {str(path.relative_to(ROOT)) for path in files}
    for page in [*sorted((ROOT / "docs/internals").glob("*.md")), ROOT / "CONTRIBUTING.md"]:
        for code in re.findall(r"`([^`\n]+)`", prose(page)):
            if re.fullmatch(r"[\w/]+\.[ch]", code):
                if not any(place == code or place.endswith("/" + code) for place in places) and not re.match(r".*\bNAME\b", code):
                    problems.append(f"{page.relative_to(ROOT)}: no file {code}")
            elif re.fullmatch(r"(tn|tenure)_\w+|\w+_(locked|unlock)|(begin|end)_\w+", code) and code not in words and not code.startswith("_"):
                problems.append(f"{page.relative_to(ROOT)}: the sources know no {code}")
    verdict("what the pages on the inside name is there", problems)


if __name__ == "__main__":
    if not (LIBRARY / "libtenure.so").exists():
        sys.exit("documents.py needs build/release: ./run build")
    programs()
    links()
    names()
    sys.exit(1 if wrong else 0)
