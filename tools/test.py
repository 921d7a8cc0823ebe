# SPDX-License-Identifier: Apache-2.0
# test.py: the driver behind ./run test: builds the variants, runs the suites, counts, and says one closing line.
#
# Use: tools/test.py [--long] [SUITE...]; --help names the suites
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # meson and ninja of .venv
LONG = "--long" in sys.argv
WANTED = [a for a in sys.argv[1:] if not a.startswith("-")]

SANITIZE = ["-Db_lundef=false"]
VARIANTS = {  # name: (compiler, meson options)
    "gcc": ("gcc", ["-Dfaults=true", "-Dtests=true"]),
    "gcc-asan": ("gcc", ["-Dfaults=true", "-Dtests=true", "-Db_sanitize=address,undefined", *SANITIZE]),
    "clang-tsan": ("clang", ["-Dfaults=true", "-Dtests=true", "-Db_sanitize=thread", *SANITIZE]),
    "gcc-tsan": ("gcc", ["-Dfaults=true", "-Dtests=true", "-Db_sanitize=thread", *SANITIZE]),
    "clang-asan": ("clang", ["-Dfaults=true", "-Dtests=true", "-Db_sanitize=address,undefined", *SANITIZE]),
    "aarch64": ("aarch64-linux-gnu-gcc", ["--cross-file", "tools/aarch64.ini", "-Dfaults=true", "-Dtests=true"]),
    "release": ("gcc", ["-Dexamples=true", "--buildtype=release"]),
}
FUZZED = ["-Dfuzz=true", "-Db_sanitize=address,undefined", *SANITIZE]
TARGETS = ["key", "duration", "options", "front", "dump"]  # tests/fuzz/fuzz_*.c
ALL = ["gcc", "gcc-asan", "clang-tsan"]
TORTURED = ["gcc", "gcc-asan", "gcc-tsan", "clang-asan", "clang-tsan"]
SUITES = {  # program: (variants, seconds it may take)
    "base": (ALL, 60), "key": (ALL, 60), "digest": (ALL, 60), "duration": (["gcc", "gcc-asan"], 60),
    "terminal": (["gcc", "gcc-asan"], 60),
    "version": (ALL, 60),
    # not under TSan: the counts of std::exception_ptr are in a library that it does not see into
    "cpp": (["gcc", "gcc-asan", "clang-asan"], 60),
    "contract": (ALL, 120),
    "runtime": (ALL, 120),
    "arrows": (ALL, 120),
    "corners": (ALL, 120),
    "sessions": (ALL, 120),
    "inputs": (ALL, 120),
    "pairs": (ALL, 120),
    "front": (ALL, 120),
    "holders": (ALL, 120),
    "observe": (ALL, 60),
    "functions": (ALL, 120),
    "background": (ALL, 120),
    "ends": (ALL, 120),
    "manual": (ALL, 120),
    "allocator": (ALL, 60),
    "lost": (ALL, 120),
    # not under TSan: it follows neither threads in a forked child nor a thread cancelled in a system call
    "process": (["gcc", "gcc-asan"], 120),
    "sweep": (ALL, 180), "model": (ALL, 600 if LONG else 180), "torture": (TORTURED, 3600 if LONG else 120),
}
SCRIPTS = ["checks", "documents", "headers", "examples", "metrics", "install", "driver", "postgresql", "fuzz", "models", "aarch64", "bare"]
ONLY_LONG = ["models", "aarch64", "bare"]
# Under qemu-user, in the long run: compile, ABI, the digest's PMULL. The order of memory is for the models.
EMULATED = ["base", "key", "digest", "duration", "terminal", "version", "contract", "arrows", "corners", "sessions", "inputs", "pairs", "front", "lost",
            "process", "sweep", "model", "torture"]
EMULATOR = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu",
            "-E", f"LD_LIBRARY_PATH={BUILD}/aarch64-root/usr/lib/aarch64-linux-gnu"]
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0:second_deadlock_stack=1",
    "CMOCKA_MESSAGE_OUTPUT": "TAP",
}

passed, failed, skipped = 0, [], []
stopped, hands_full = 0, False  # the signal that came; it has to wait


def say(text):
    print(text, flush=True)


def environment(suite, variant):
    env = {**os.environ, **ENVIRONMENT}
    steps = 1000000 if variant == "gcc" else 200000
    env["TENURE_MODEL_STEPS"] = str(steps * (10 if LONG else 1))
    env["TENURE_TORTURE_SECONDS"] = "20"
    if LONG and suite == "torture":
        if variant == "gcc":  # TSan's runtime does not live through threads in a forked child, nor ASan's allocator
            env["TENURE_TORTURE_FORK"] = "1"
            env["TENURE_TORTURE_LEASES"] = "100000000"
    return env


def stop(number, _frame):
    """Ctrl-C and its like. While `hands_full` it waits: a child that was just started must not be forgotten."""
    global stopped
    stopped = number
    if not hands_full:
        sys.exit(128 + number)


def end(process):
    """Its whole group: asked first, since ninja and tools/bare have to clean up."""
    global hands_full
    hands_full = True
    for how, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    hands_full = False


def run(command, timeout, env=None, cwd=ROOT):
    """Run to its end or kill its whole group. Returns (code or None, output)."""
    global hands_full
    hands_full = True
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               env=env, cwd=cwd, start_new_session=True)
    try:
        hands_full = False
        if stopped:
            sys.exit(128 + stopped)
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        end(process)
        output, _ = process.communicate()
        return None, output.decode(errors="replace")
    except BaseException:  # a signal does not reach a group of its own
        end(process)
        raise


def fail(name, output):
    failed.append(name)
    say(f"not ok {name}")
    for line in output.splitlines()[-40:]:
        say("    " + line)


def postgresql_known(folder):
    """Is its example built, if it can be? ./run may have set the folder up before libpq was installed."""
    have = shutil.which("pkg-config") and subprocess.run(["pkg-config", "--exists", "libpq"]).returncode == 0
    return not have or "examples/c/postgresql" in (folder / "build.ninja").read_text()


def build(variant):
    compiler, options = VARIANTS[variant]
    folder = BUILD / variant
    if shutil.which(compiler) is None:
        skipped.append((variant, f"{compiler} is not installed"))
        return False
    env = {**os.environ, "CC": compiler, "CXX": {"clang": "clang++"}.get(compiler, "g++")}
    if not (folder / "build.ninja").exists():
        code, output = run(["meson", "setup", str(folder), *options], 300, env)
        if code != 0:
            fail(f"set up {variant}", output)
            return False
    elif variant == "release" and not postgresql_known(folder):
        run(["meson", "setup", "--reconfigure", "--clearcache", str(folder)], 300, env)
    code, output = run(["ninja", "-C", str(folder)], 1200, env)
    if code != 0:
        fail(f"build {variant}", output)
    return code == 0


def count_tap(name, code, output):
    """Add what a cmocka program said in TAP."""
    global passed
    good = re.findall(r"^ok \d+ ?-? ?(.*)$", output, re.M)
    bad = re.findall(r"^not ok \d+ ?-? ?(.*)$", output, re.M)
    plan = re.search(r"^1\.\.(\d+)", output, re.M)
    passed += len(good)
    for test in bad:
        fail(f"{name}: {test}", output)
    if code != 0 and not bad:
        fail(f"{name}: {'took too long' if code is None else f'ended with {code}'}", output)
    elif plan is None or int(plan.group(1)) != len(good) + len(bad):
        fail(f"{name}: not every planned test was run", output)
    return len(good)


def run_suite(suite, variant, seconds):
    room = next(r for r in ("unit", "scenario", "stress", "api") if list((ROOT / f"tests/{r}").glob(f"test_{suite}.c*")))
    name = f"{variant} {room}/{suite}"
    begin = time.monotonic()
    if not (BUILD / variant / "tests" / f"test_{suite}").exists():
        skipped.append((name, "it was not built: no C++ compiler"))
        return
    with tempfile.TemporaryDirectory() as folder:
        env = {**environment(suite, variant), "TMPDIR": folder}
        program = str(BUILD / variant / "tests" / f"test_{suite}")
        code, output = run([*(EMULATOR if variant == "aarch64" else []), program], seconds, env)
    count = count_tap(name, code, output)
    notes = "; ".join(re.findall(r"^# ([^\n]*(?:leases|allocations|seed)[^\n]*)$", output, re.M))
    say(f"{count:4} ok  {time.monotonic() - begin:6.1f} s  {name}{'  (' + notes + ')' if notes else ''}")


def run_lines(name, command, timeout):
    """A script that prints `ok NAME`, `not ok NAME` and `skip NAME: reason` lines."""
    global passed
    begin = time.monotonic()
    code, output = run(command, timeout)
    good = re.findall(r"^ok (.*)$", output, re.M)
    bad = re.findall(r"^not ok (.*)$", output, re.M)
    skips = re.findall(r"^skip ([^:]*): (.*)$", output, re.M)
    skipped.extend(skips)
    passed += len(good)
    for test in bad:
        fail(f"{name}: {test}", output)
    if (code != 0 and not bad) or not (good or bad or skips):
        fail(f"{name}: {'took too long' if code is None else f'ended with {code}'}", output)
    say(f"{len(good):4} ok  {time.monotonic() - begin:6.1f} s  {name}")


def run_examples():
    global passed
    for source in sorted((ROOT / "examples").glob("c*/*.c*")):
        program = BUILD / "release/examples" / source.parent.name / source.stem
        if not program.exists() or source.stem in ("postgresql", "metrics"):  # which have suites of their own
            continue
        arguments = ["--seconds", "2"] if source.stem in ("demo", "server") else []
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            code, output = run([str(program), *arguments], 120, {**os.environ, "TMPDIR": folder})
            left = os.listdir(folder)
        if code != 0 or left:
            fail(f"example {source.stem}: ended with {code}, left {left}", output)
            continue
        passed += 1
        say(f"   1 ok  {time.monotonic() - begin:6.1f} s  example {source.stem}")


def run_emulated():
    if os.uname().machine == "aarch64":
        skipped.append(("aarch64", "this machine is one: all the suites have run there"))
        return
    say("== building aarch64")
    code, output = run(["bash", "tools/aarch64.sh"], 600)
    if code != 0:
        skipped.append(("aarch64", output.strip() or "tools/aarch64.sh took too long"))
    elif build("aarch64"):
        for suite in EMULATED:
            run_suite(suite, "aarch64", 10 * SUITES[suite][1])


def have_fuzzer():
    """Can clang link a libFuzzer program? Its runtime is a package of its own."""
    source = "int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d == 0 && n; }"
    if shutil.which("clang") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a.c").write_text(source)
        return run(["clang", "-fsanitize=fuzzer,address", "a.c", "-o", "a"], 60, cwd=folder)[0] == 0


def run_fuzz():
    """Each target over its corpus, and then, where there is libFuzzer, on from there for some seconds."""
    global passed
    seconds = 60 if LONG else 3
    if have_fuzzer():
        VARIANTS["fuzz"] = ("clang", [*FUZZED, "-Dc_args=-fsanitize=fuzzer-no-link"])
    else:
        VARIANTS["fuzz"] = ("gcc", FUZZED)
        skipped.append(("libFuzzer", "clang or its runtime is not installed (clang, libclang-rt-dev): the corpora only"))
    say("== building fuzz")
    if not build("fuzz"):
        return
    for target in TARGETS:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as found:
            code, output = run([str(BUILD / f"fuzz/tests/fuzz/fuzz_{target}"), f"-max_total_time={seconds}", "-timeout=30",
                                "-detect_leaks=0", "-max_len=1000", f"-artifact_prefix={BUILD}/fuzz/{target}-", found,
                                f"tests/fuzz/corpus/{target}"], seconds + 120, {**os.environ, **ENVIRONMENT})
        runs = re.search(r"^Done (\d+) runs", output, re.M)
        if code != 0 or runs is None:
            fail(f"fuzz {target}: {'took too long' if code is None else f'ended with {code}'}", output)
            continue
        passed += 1
        say(f"   1 ok  {time.monotonic() - begin:6.1f} s  fuzz {target}  ({runs.group(1)} runs)")


def wanted(suite):
    return not WANTED or suite in WANTED


def usage():
    return f"""usage: ./run test [--long] [SUITE...]

Builds what the suites need and runs them; without SUITE: all. --long: longer, and the suites marked with *.

  programs: {' '.join(SUITES)}
  scripts:  {' '.join(f'{name}*' if name in ONLY_LONG else name for name in SCRIPTS)}

Ends with 0, 1 when a test failed, 2 for a wrong use."""


def main():
    if "--help" in sys.argv or "-h" in sys.argv:
        say(usage())
        return 0
    wrong = [f"unknown option {a}" for a in sys.argv[1:] if a.startswith("-") and a not in ("--long", "--only-look")]
    wrong += [f"unknown suite {name}" for name in WANTED if name not in SUITES and name not in SCRIPTS]
    if not LONG:
        wrong += [f"{name} is a suite of the long run; add --long" for name in WANTED if name in ONLY_LONG]
    if wrong:
        print("\n".join(wrong) + "\n\n" + usage(), file=sys.stderr)
        return 2
    if "--only-look" in sys.argv:
        return 0
    begin = time.monotonic()
    for variant in ["gcc", "release", "gcc-asan", "clang-tsan", "gcc-tsan", "clang-asan"]:
        suites = [s for s, (variants, _) in SUITES.items() if variant in variants and wanted(s)]
        if variant == "release" and not any(map(wanted, ("examples", "checks", "documents", "metrics", "postgresql"))):
            continue
        if variant != "release" and not suites and not (variant == "gcc" and (wanted("driver") or wanted("metrics"))):
            continue
        say(f"== building {variant}")
        if not build(variant):
            continue
        for suite in suites:
            run_suite(suite, variant, SUITES[suite][1])
        if variant == "release" and wanted("checks"):
            run_lines("checks", [sys.executable, "tools/check.py"], 120)
            run_lines("checks: symbols", [sys.executable, "tools/symbols.py"], 60)
        if variant == "release" and wanted("documents"):
            run_lines("documents", [sys.executable, "tools/documents.py"], 300)
            run_lines("documents: reference", [sys.executable, "tools/reference.py", "--check"], 120)
        if variant == "release" and wanted("examples"):
            run_examples()
        if variant == "release" and wanted("postgresql"):
            run_lines("postgresql", [sys.executable, "tests/scenario/postgresql.py"], 240)
    if wanted("metrics"):
        run_lines("metrics", [sys.executable, "tests/api/metrics.py", str(BUILD / "gcc/tests/expose"),
                              str(BUILD / "release/examples/c/metrics")], 120)
    if wanted("fuzz"):
        run_fuzz()
    if wanted("headers"):
        run_lines("headers", [sys.executable, "tests/api/headers.py"], 300)
    if wanted("install"):
        run_lines("install", [sys.executable, "tests/install/install.py"], 900)
    if wanted("driver"):
        run_lines("driver", [sys.executable, "tests/driver/driver.py"], 300)
    if LONG and wanted("models") and (ROOT / "tests/model/run.sh").exists():
        run_lines("models", ["bash", "tests/model/run.sh"], 3600)
    if LONG and wanted("aarch64"):
        run_emulated()
    if LONG and wanted("bare"):
        run_lines("bare", ["bash", "tools/bare"], 3600)

    allowed = [line.split("#")[0].strip() for line in (ROOT / "tests/skips.txt").read_text().splitlines()]
    for name, reason in skipped:
        say(f"skipped {name}: {reason}")
        if os.environ.get("CI") == "true" and name not in allowed:
            failed.append(f"skip of {name}, which tests/skips.txt does not allow")
    for name in failed:
        say(f"failed: {name}")
    say(f"== {time.monotonic() - begin:.0f} s")
    say(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, stop)
try:
    sys.exit(main())
finally:
    if stopped:
        say("== interrupted")
