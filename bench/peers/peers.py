# SPDX-License-Identifier: Apache-2.0
# peers.py: tenure and its peers at the same work, in turns, best of all turns; writes the table and the picture.
#
# Use: bench/peers/peers.py BUILD [--turns N] [--write]    BUILD: Meson's folder; without --write nothing is kept
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "bench/peers"
RESULTS, PICTURE = ROOT / "bench/RESULTS-peers.md", ROOT / "bench/peers.svg"
NAMES = {  # program and argument: what it is
    ("peers-tenure",): "tenure",
    ("peers", "moka"): "moka",
    ("peers", "quick_cache"): "quick_cache",
    ("peers", "dashmap"): "dashmap",
    ("peers-urcu",): "liburcu lfht",
    ("peers-tbb",): "oneTBB hash map",
    ("peers-glib",): "GHashTable + mutex",
}
HANDLES = {
    "tenure": "a lease; deadline by its own", "moka": "clone of an Arc; deadline by its own", "quick_cache": "clone of an Arc",
    "dashmap": "clone of an Arc", "liburcu lfht": "read section, count taken unless zero", "oneTBB hash map": "const_accessor",
    "GHashTable + mutex": "atomic count",
}


def programs(build):
    """The command of each peer that could be built."""
    found = {}
    for command, name in NAMES.items():
        for folder in (build / "bench/peers", ROOT / "build/peers/release"):
            if (folder / command[0]).is_file():
                found[name] = [str(folder / command[0]), *command[1:]]
    return found


def measure(commands, turns):
    best = {}
    for turn in range(turns):
        for name, command in commands.items():
            output = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
            seen = [float(word) for word in output.split()]
            best[name] = [min(pair) for pair in zip(best.get(name, seen), seen)]
        print(f"turn {turn + 1} of {turns}", flush=True)
    return best


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*: (.*)$", text, re.M)
    return f"{name.group(1) if name else platform.machine()}, {os.cpu_count()} processors"


def versions():
    found = []
    for package, name in (("liburcu-cds", "liburcu"), ("tbb", "oneTBB"), ("glib-2.0", "GLib")):
        result = subprocess.run(["pkg-config", "--modversion", package], capture_output=True, text=True)
        if result.returncode == 0:
            found.append(f"{name} {result.stdout.strip()}")
    lock = (HERE / "Cargo.lock").read_text() if (HERE / "Cargo.lock").exists() else ""
    for crate in ("moka", "quick_cache", "dashmap"):
        version = re.search(rf'name = "{crate}"\nversion = "([^"]+)"', lock)
        if version:
            found.append(f"{crate} {version.group(1)}")
    return ", ".join(found)


def rate(ns, threads):
    return threads * 1000 / ns  # millions a second


def table(best):
    lines = ["| | handle | one thread, ns | two threads on that key, M/s | one thread over 1000 keys, ns |",
             "|---|---|---:|---:|---:|"]
    for name, (one, two, many) in sorted(best.items(), key=lambda item: item[1][1]):
        lines.append(f"| {name} | {HANDLES[name]} | {one:.1f} | {rate(two, 2):.1f} | {many:.1f} |")
    others = [seen for name, seen in best.items() if name != "tenure"]
    if "tenure" not in best or not others:
        return lines
    own = best["tenure"]
    ratios = [min(seen[i] for seen in others) / own[i] for i in range(3)]
    lines += ["", "| tenure against the fastest of the others | measured | target | |", "|---|---|---|---|"]
    for what, ratio, target in (("one thread on one key", ratios[0], 2.5), ("two threads on one key", ratios[1], 8),
                                ("one thread over 1000 keys", ratios[2], None)):
        verdict = "" if target is None else "holds" if ratio >= target else "falls short"
        lines.append(f"| {what} | {ratio:.2f} x | {'' if target is None else f'>= {target} x'} | {verdict} |")
    return lines


def draw(best, path):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tenure"  # the same picture for the same numbers
    matplotlib.rcParams["font.family"] = "DejaVu Sans"
    from matplotlib import pyplot
    names = sorted(best, key=lambda name: -rate(best[name][1], 2))
    figure, axes = pyplot.subplots(figsize=(8, 0.62 * len(names) + 1.3))
    for row, name in enumerate(names):
        own = name == "tenure"
        for offset, threads, ns, colour in ((-0.19, 1, best[name][0], "#9db8d2" if own else "#c9c9c9"),
                                            (0.19, 2, best[name][1], "#1f5f99" if own else "#7a7a7a")):
            value = rate(ns, threads)
            axes.barh(row + offset, value, height=0.36, color=colour)
            axes.text(value, row + offset, f" {value:.0f}", va="center", fontsize=9,
                      color="#1f5f99" if own else "#444444")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("millions of hits a second, all on one key; light: one thread, dark: two threads")
    axes.set_title("A hit: find a 32-byte key, take a counted handle, check its deadline, give it back", fontsize=10, loc="left")
    axes.margins(x=0.1)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    figure.savefig(path, format=path.suffix[1:], metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)


def main():
    arguments = sys.argv[1:]
    build = pathlib.Path(arguments[0]).resolve()
    turns = int(arguments[arguments.index("--turns") + 1]) if "--turns" in arguments else 9
    commands = programs(build)
    for name in NAMES.values():
        if name not in commands:
            print(f"without {name}: it could not be built here")
    best = measure(commands, turns)
    lines = table(best)
    print("\n".join(lines))
    if "--write" not in arguments:
        return
    head = ["# tenure beside its peers", "",
            "Written by `./run bench peers`. Each finds a 32-byte key, compares it in full, takes a counted handle, compares the "
            "deadline, and gives the handle back; all in turns on one machine, each number the best of many rounds. The Rust ones "
            "have ahash, the others the hash of `hit.h`.", "",
            f"{processor()}, {platform.system()} {platform.release()}; {versions()}", ""]
    data = json.dumps({name: [round(x, 2) for x in seen] for name, seen in best.items()})
    RESULTS.write_text("\n".join([*head, *lines, "", f"<!-- {data} -->", ""]))
    draw(best, PICTURE)


if __name__ == "__main__":
    main()
