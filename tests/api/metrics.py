# SPDX-License-Identifier: Apache-2.0
# metrics.py: a real parser (prometheus-client's, for OpenMetrics) reads what tenure writes: hostile names, and a service's page.
#
# Use: metrics.py EXPOSE METRICS     the programs of tests/api/expose.c and examples/c/metrics.c
import collections
import math
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXPOSE, METRICS = sys.argv[1:3]
CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
wrong = 0

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("skip metrics: prometheus-client is not installed")
    print("ok nothing")
    sys.exit(0)


def verdict(name, problems):
    global wrong
    print(("not ok " if problems else "ok ") + name)
    for problem in problems:
        print(f"  {problem}")
    wrong += bool(problems)


def declared():
    """[(kind, name, sentence)] of the header's table."""
    header = (ROOT / "include/tenure/tenure.h").read_text()
    table = re.search(r"#define TENURE_STATS\(X\)(.*?)\n\n", header, re.S).group(1)
    return re.findall(r'X\((\w+), (\w+), "([^"]*)"\)', table)


def parse(text):
    """The families by name; the parser itself refuses what is no OpenMetrics, duplicates among it."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families, family, **labels):
    found = [s.value for s in families[family].samples if labels.items() <= s.labels.items()]
    return sum(found) if found else None


def families_are_those_of_the_header(families):
    problems = []
    for kind, name, sentence in declared():
        if kind == "CAUSE":
            family = families.get("tenure_retirements")
            if family is None or f"{name}: {sentence}" not in family.documentation:
                problems.append(f"{name}: not in the HELP of tenure_retirements")
            elif name.removeprefix("retired_") not in {s.labels["cause"] for s in family.samples}:
                problems.append(f"{name}: no sample with its cause")
            continue
        family = families.get(f"tenure_{name}" + ("_seconds" if kind == "TIME" else ""))
        if family is None:
            problems.append(f"{name}: no family")
        elif family.documentation != sentence:
            problems.append(f"{name}: HELP is {family.documentation!r}")
        elif family.type != ("gauge" if kind == "NOW" else "counter"):
            problems.append(f"{name}: TYPE is {family.type}")
        elif (kind == "TIME") != (family.unit == "seconds"):
            problems.append(f"{name}: UNIT is {family.unit!r}")
    return problems


def label_of(name):
    """What a name of any bytes looks like as a label: cut at 255 bytes, one U+FFFD for each byte that is no character."""
    if len(name) > 255:
        name = name[:255].decode(errors="ignore").encode()
    text = "".join(c if not 0xDC80 <= ord(c) <= 0xDCFF else "\ufffd" for c in name.decode(errors="surrogateescape"))
    return "".join("\ufffd" if (ord(c) < 32 and c != "\n") or ord(c) == 127 else c for c in text)


def hostile_names():
    done = subprocess.run([EXPOSE], capture_output=True, timeout=60)
    if done.returncode != 0:
        verdict("hostile names: the program", [done.stderr.decode(errors="replace")])
        return
    text = done.stdout.decode()  # well-formed UTF-8, or this fails
    families = parse(text)
    verdict("hostile names: a real parser reads them", [] if families else ["no family"])
    verdict("each line of TENURE_STATS is a family, with its sentence", families_are_those_of_the_header(families))
    wanted = collections.Counter()
    hits = collections.Counter()
    caches = ["plain", 'ev"il\\\n\ufffd', "plain"]
    for at, line in enumerate(done.stderr.decode().splitlines()):
        name, creations, hit = re.fullmatch(r"([0-9a-f]*)\. (\d+) (\d+)", line).groups()
        labels = (caches[at % 3], label_of(bytes.fromhex(name)))
        wanted[labels] += int(creations)
        hits[labels] += int(hit)
    problems = []
    for family, expected in (("tenure_creations", wanted), ("tenure_hits", hits), ("tenure_live", wanted)):
        found = {(s.labels["cache"], s.labels["function"]): s.value for s in families[family].samples}
        if set(found) != set(expected):
            problems.append(f"{family}: labels differ: {set(found) ^ set(expected)}")
        problems += [f"{family}{labels}: {found.get(labels)}, not {n}" for labels, n in expected.items() if found.get(labels) != n]
    verdict("hostile names: each comes back, with its numbers, added up where names are the same", problems)
    verdict("one end mark, at the end", [] if text.endswith("\n# EOF\n") and len(re.findall(r"^# EOF$", text, re.M)) == 1
            else [text[-100:]])


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def service():
    process = subprocess.Popen([METRICS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = process.stdout.readline()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)/metrics", line).group(1))
        problems = []
        before = parse(get(port, "/metrics")[1])
        for i in range(30):
            word = get(port, f"/word/{i % 3}")[1]
            if not word.startswith(f"word {i % 3}"):
                problems.append(f"/word/{i % 3} answers {word!r}")
        kind, text = get(port, "/metrics")
        after = parse(text)
        if kind != CONTENT_TYPE:
            problems.append(f"Content-Type: {kind}")
        for family, step in (("tenure_creations", 3), ("tenure_hits", 27), ("tenure_misses", 3), ("tenure_live", 3)):
            change = value(after, family, function="get_word") - (value(before, family, function="get_word") or 0)
            if change != step:
                problems.append(f"{family} went up by {change}, not {step}")
        took = value(after, "tenure_creation_time_seconds", function="get_word")
        if not 0 < took < 60 or math.isnan(took):
            problems.append(f"creation time: {took}")
        problems += families_are_those_of_the_header(after)
        try:
            get(port, "/nothing")
            problems.append("/nothing answers")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                problems.append(f"/nothing: {error.code}")
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=30)[0]
        if process.returncode != 0 or "released 3 of 3" not in rest:
            problems.append(f"ended with {process.returncode}: {rest}")
        verdict("a service's /metrics, scraped over HTTP", problems)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


hostile_names()
service()
sys.exit(1 if wrong else 0)
