# SPDX-License-Identifier: Apache-2.0
# reference.py: the reference as HTML: Doxygen over the headers, whose plain comments become its kind on the way.
#
# Use: tools/reference.py            make build/docs/html, and say where the first page is
#      tools/reference.py --check    the same, and: `ok`, `not ok` with the names that it has no words for, `skip` without Doxygen
#      tools/reference.py --filter HEADER   what Doxygen reads instead of a header
# How a comment becomes one of Doxygen's:
#   before a declaration, or several without an empty line between them: theirs
#   behind a member or an enumerator: that one's
#   "---- 3. Title: text"           the head of a chapter, up to the next
#   before an empty line            a paragraph of its chapter
# The two lists that are macros (errors, counters) and the options, which are one too, are written out as what they make.
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include/tenure"
OUT = ROOT / "build/docs"
HEADERS = ["tenure.h", "base.h", "hit.h", "tenure.hpp"]
SETTINGS = f"""
PROJECT_NAME = tenure
PROJECT_BRIEF = "make an expensive resource once, share it, close it once"
INPUT = {' '.join(str(INCLUDE / name) for name in HEADERS)}
INPUT_FILTER = "{sys.executable} {ROOT}/tools/reference.py --filter"
OUTPUT_DIRECTORY = {OUT}
STRIP_FROM_PATH = {ROOT}/include
FILE_PATTERNS = *.h *.hpp
EXTENSION_MAPPING = h=C
QUIET = YES
WARNINGS = YES
WARN_IF_UNDOCUMENTED = NO
WARN_LOGFILE = {OUT}/warnings
JAVADOC_AUTOBRIEF = YES
OPTIMIZE_OUTPUT_FOR_C = NO
DISTRIBUTE_GROUP_DOC = YES
SUBGROUPING = NO
INLINE_SIMPLE_STRUCTS = YES
TYPEDEF_HIDES_STRUCT = YES
SORT_MEMBER_DOCS = NO
SORT_GROUP_NAMES = NO
MAX_INITIALIZER_LINES = 0
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
SEARCH_INCLUDES = NO
PREDEFINED = TENURE_API= "TENURE_PRINTF_(a,b)=" "__attribute__(x)="
EXCLUDE_SYMBOLS = *_ tenure::detail tenure::detail::* std::*
GENERATE_LATEX = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
SHOW_FILES = YES
SHOW_USED_FILES = NO
SHOW_INCLUDE_FILES = NO
VERBATIM_HEADERS = NO
HTML_TIMESTAMP = NO
HTML_COLORSTYLE_HUE = 210
HTML_COLORSTYLE_SAT = 40
GENERATE_TREEVIEW = YES
DISABLE_INDEX = NO
HAVE_DOT = NO
CLASS_DIAGRAMS = NO
"""


def escaped(text):
    """Text that Doxygen and Markdown take as it stands; what is in backticks stays code."""
    parts = re.split(r"(`[^`\n]+`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\@<>&#%*$]|\b_(?=\w)|(?<!\w)_|_(?!\w))", r"\\\1", part) for part in parts)


def prose(lines):
    """The lines of a comment as Markdown: indented ones are items of a list, or, in C++, code."""
    out, item = [], False
    for line in lines:
        text = line.strip()
        deep = len(line) - len(line.lstrip())
        if not text:
            out.append("")
            item = False
        elif deep < 2:
            out += ([""] if item else []) + [escaped(text)]
            item = False
        else:
            named = re.match(r"(- )?(\S(?:\S| (?! ))*?)  +(\S.*)", text)
            if text.startswith("- "):
                text = "- " + escaped(text[2:])
            elif named:
                text = f"- <b>{escaped(named.group(2))}</b>: {escaped(named.group(3))}"
            elif item and deep > 2:
                text = "  " + escaped(text)
            else:
                text = "- " + escaped(text)
            if text.startswith("- ") and not item:
                out.append("")
            out.append(text)
            item = True
    return out


def code_in(lines):
    """In tenure.hpp's comments what is indented is code."""
    out = []
    for line in lines:
        if line.startswith("  "):
            out += (["@code"] if not out or not out[-1].startswith("\0") else []) + ["\0" + line]
        else:
            out.append(line)
    result, inside = [], False
    for line in out:
        if inside and not line.startswith("\0"):
            result.append("@endcode")
            inside = False
        if line == "@code":
            inside = True
            result.append("@code{.cpp}")
        else:
            result.append(line[1:].replace("*/", "* /") if line.startswith("\0") else escaped(line))
    return result + (["@endcode"] if inside else [])


def body(comment):
    """The lines of /* ... */ without its marks."""
    lines = re.sub(r"\A\s*/\*+|\*/\s*\Z", "", comment, flags=re.S).splitlines() or [""]
    rest = [re.sub(r"^\s*\* ?", "", line) for line in lines[1:]]
    return [lines[0].strip(), *rest]


class Filter:
    def __init__(self, name):
        self.name, self.out, self.open = name, [], False
        self.words = code_in if name.endswith(".hpp") else prose

    def put(self, *lines):
        self.out += lines

    def doc(self, lines, *extra, indent=""):
        words = self.words(lines) if isinstance(lines, list) else lines
        return [f"{indent}/** ", *extra, *words, f"{indent}*/"]

    def chapter(self, lines):
        title, _, text = lines[0].removeprefix("---- ").partition(": ")
        if ";" in title:
            title, _, text = title.partition("; ")
        if self.open:
            self.put("/** @} */")
        self.open = True
        prefix = "C++ " if self.name.endswith(".hpp") else ""
        key = re.sub(r"\W", "", self.name) + re.sub(r"\W", "", title.partition(".")[0])
        words = "\n".join(self.words([text[:1].upper() + text[1:], *lines[1:]])).rstrip()
        if not any(known.startswith(f"@defgroup {key} ") for known in self.chapters):
            self.chapters.append(f"@defgroup {key} {prefix}{title[0].upper()}{title[1:]}\n{words}".rstrip())
        self.put(f"/** @addtogroup {key} */", "/** @{ */")

    def run(self, text):
        self.chapters = []
        lines, i, first, fresh = text.splitlines(), 0, True, False
        self.page = []  # the file's own
        self.shared = []  # the comment that stands, for all up to an empty line
        depth_of_members = re.compile(r"^\t[^\t]")
        while i < len(lines):
            line = lines[i]
            start = re.match(r"^(\t?)/\*", line)
            if start and (not start.group(1) or self.name.endswith(".hpp")):
                end = i
                while "*/" not in lines[end]:
                    end += 1
                comment = body("\n".join(lines[i:end + 1]))
                following = lines[end + 1] if end + 1 < len(lines) else ""
                i = end + 1
                if comment[0].startswith("SPDX"):
                    continue
                if comment[0].startswith("---- ") and not start.group(1):
                    self.chapter(comment)
                elif comment[0].startswith("---- "):
                    continue
                elif first:
                    comment[0] = comment[0].partition(": ")[2]
                    comment[0] = comment[0][:1].upper() + comment[0][1:]
                    self.put(*self.doc(comment, f"@file {self.name}"))
                    self.page = comment
                    first = False
                elif not following.strip():
                    self.chapters[-1] += "\n\n" + "\n".join(self.words(comment))
                else:
                    self.shared = self.doc(comment, indent=start.group(1))
                    self.put(*self.shared)
                    fresh = True
                continue
            if not line.strip():
                self.shared = []
            elif self.shared and not fresh and re.match(r"TENURE_API|#define|typedef|struct|enum", line):
                self.put(*self.shared)
            fresh = False
            if line.startswith("} // namespace tenure") and self.open:
                self.put("/** @} */")
                self.open = False
            # A comment behind a member, which can go on in the next lines.
            behind = re.match(r"^(.*?\S)\s*/\*(.*)$", line)
            if behind and not line.lstrip().startswith(("#", "*", "//")) and (not self.name.endswith(".hpp") or depth_of_members.match(line)):
                end = i
                while "*/" not in lines[end]:
                    end += 1
                words = body("/*" + "\n".join([behind.group(2), *lines[i + 1:end + 1]]))
                words = [" ".join(word.strip() for word in words if word.strip())]
                i = end + 1
                if behind.group(1).endswith("{") or line.startswith("enum"):  # of what begins here
                    self.put(*self.doc(words), behind.group(1))
                else:
                    self.put(f"{behind.group(1)} /**< {' '.join(self.words(words)).strip()} */")
                continue
            self.put(line)
            i += 1
        if self.open:
            self.put("/** @} */")
        head = []  # in the order of the numbers, wherever a chapter stands
        order = sorted(self.chapters, key=lambda c: int((re.search(r" (?:C\+\+ )?(\d+)\.", c) or [0, 99])[1]))
        for chapter in order:
            head += [f"/** {chapter}", "*/"]
        if self.name == "tenure.h":
            names = [f"- @ref {chapter.split()[1]}" for chapter in order]
            head += ["/** @mainpage tenure", *self.words(self.page), "", "The chapters of tenure.h, and those of tenure.hpp beside them:", *names, "*/"]
        return "\n".join(head + self.out) + "\n"


def macro_list(text, name):
    """The rows of an X macro: [(arguments...)]."""
    rows = re.search(rf"#define {name}\(X\)(.*?[^\\])\n(?!\tX)", text, re.S).group(1)
    return [[a.strip().strip('"') for a in re.split(r',\s*(?=(?:[^"]*"[^"]*")*[^"]*$)', row)] for row in re.findall(r"X\((.*?)\)(?= ?\\|$)", rows, re.M)]


def written_out(name, text):
    """A header with its macro lists as what they make."""
    if name == "tenure.h":
        comment, options = re.search(r"(/\* Zero means default\..*?\*/\n)#define TENURE_OPTIONS_ \\\n(.*?)\n\n", text, re.S).groups()
        text = re.sub(r"/\* Zero means default\..*?\n\n", "", text, count=1, flags=re.S)
        options = re.sub(r" *\\$", "", options, flags=re.M)
        text = text.replace("typedef struct tenure_options {\n\tTENURE_OPTIONS_\n", f"{comment}typedef struct tenure_options {{\n{options}\n")
        counters = "\n".join(f"\tuint64_t {row[1]}; /* {row[2]} */" for row in macro_list(text, "TENURE_STATS"))
        comment = re.search(r"(/\* A get that returns HIT counts one hit.*?\*/\n)", text, re.S).group(1)
        text = text.replace(comment + "#define TENURE_STAT_(kind, name, text) uint64_t name;\n", comment)
        text = text.replace("\tTENURE_STATS(TENURE_STAT_)\n", counters + "\n").replace("#undef TENURE_STAT_\n", "")
        text = text.replace("#include <tenure/hit.h>\n", "/* ---- 2. Declare and define a cached function */\n")
        text = re.sub(r"^(TENURE_API extern const \w+) (\w+), (\w+);", r"\1 \2;\n\1 \3;", text, flags=re.M)
        # Private machinery below the macros that people use.
        text = re.sub(r"^#define TENURE_(DECLARE_|ARGS_|PREPARE_ARGS_)\((?:.*\\\n)+.*\n", "", text, flags=re.M)
    elif name == "base.h":
        version = "/* The version of these headers. */\n" + "".join(re.findall(r"^#define TENURE_VERSION_.*\n", text, re.M))
        comment, macro = re.search(r"(/\* X\(value, name, text\).*?\*/\n)(#define TENURE_ERRORS.*?\n\n)", text, re.S).groups()
        rows = "\n".join(f"\t{row[1]} = {row[0]}, /* {row[2]} */" for row in macro_list(text, "TENURE_ERRORS"))
        first = re.search(r"/\* base\.h:.*?\*/\n", text, re.S).group(0)
        text = f"{first}\n/* ---- 1. Results */\n\n{version}\n{comment}{macro}/* The errors. */\nenum tenure_errors_of_base {{\n{rows}\n\tTENURE_OK = 0, /* no error */\n}};\n"
        text += "\n/* Define it before the include: hits call the library instead of being inlined. Smaller code, a slower hit. */\n#define TENURE_NO_INLINE\n"
    elif name == "hit.h":
        first = re.search(r"/\* hit\.h:.*?\*/\n", text, re.S).group(0)
        comment, live = re.search(r"(/\* [^/]*?\*/\n)(static inline void \*tenure_key_live\(tenure_key \*key\)\n)", text, re.S).groups()
        text = f"{first}\n/* ---- 10. Run-time functions */\n\n{comment}{live.rstrip()};\n"
    else:
        text = re.sub(r"^namespace detail \{\n.*?^\} // namespace detail\n", "", text, flags=re.M | re.S)
    return text


def filtered(path):
    name = path.name
    text = Filter(name).run(written_out(name, path.read_text()))
    # base.h and hit.h add to chapters of tenure.h.
    if name in ("base.h", "hit.h"):
        text = re.sub(r"^/\*\* @defgroup.*?\*/\n", "", text, flags=re.M | re.S).replace("baseh1", "tenureh1").replace("hith10", "tenureh10")
        text = text.replace("enum tenure_errors_of_base", "enum")
    return text


def make():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    done = subprocess.run(["doxygen", "-"], input=SETTINGS, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, (OUT / "warnings").read_text() if (OUT / "warnings").exists() else done.stderr


def spoken_of():
    """The names that the reference has words for."""
    found = set()
    for page in (OUT / "xml").glob("*.xml"):
        if page.name in ("index.xml", "Doxyfile.xml"):
            continue
        for thing in xml.etree.ElementTree.parse(page).iter():
            if thing.tag in ("memberdef", "compounddef", "enumvalue"):
                words = "".join("".join(part.itertext()) for part in thing if part.tag.endswith("description")).strip()
                name = (thing.findtext("name") or thing.findtext("compoundname") or "").strip()
                if words:
                    found.add(name)
                if words and thing.get("kind") == "enum":  # said of all of them at once
                    found |= {value.findtext("name") for value in thing.iter("enumvalue")}
    return found


def public():
    spec = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/reference/symbols.md").read_text().split("## Exported for code")[0], re.M)
    return set(spec) - {"TENURE_API"}  # the compiler's word for what is exported


def main():
    if "--filter" in sys.argv:
        sys.stdout.write(filtered(pathlib.Path(sys.argv[-1])))
        return 0
    if shutil.which("doxygen") is None:
        print("skip reference: doxygen is not installed" if "--check" in sys.argv else "doxygen is missing")
        return 0 if "--check" in sys.argv else 3
    code, warnings = make()
    if "--check" not in sys.argv:
        print(warnings, file=sys.stderr, end="")
        print(f"the reference: {OUT}/html/index.html")
        return code
    missing = sorted(public() - spoken_of())
    problems = [f"{name}: the reference has no word on it" for name in missing] + warnings.splitlines()
    print(("not ok " if problems or code else "ok ") + f"the reference speaks of all {len(public())} public names")
    for problem in problems:
        print("  " + problem)
    return 1 if problems or code else 0


sys.exit(main())
