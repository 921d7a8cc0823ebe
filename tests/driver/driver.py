# SPDX-License-Identifier: Apache-2.0
# driver.py: ./run test itself: ended by a signal it leaves no process and no file; a wrong use is told at once.
#
# What belongs to one run is found by a mark in its environment, which everything that it starts inherits.
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60  # seconds; what hangs is a failure
wrong = 0


def verdict(name, problems):
    global wrong
    print(("not ok " if problems else "ok ") + name, flush=True)
    for problem in problems:
        print(f"  {problem}")
    wrong += bool(problems)


def marked(mark):
    """pid: command line, of what carries the mark."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended, or is another user's
            continue
    return found


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return value


def interrupted(name, suite, ready, how, group):
    """Run ./run test SUITE, send the signal when `ready(lines, processes)` is so, and look what is left."""
    mark = f"TENURE_DRIVER_TEST={name}"
    problems = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(["./run", "test", suite], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True,
                                   env={**os.environ, "TMPDIR": folder, "TENURE_DRIVER_TEST": name})

        def text():
            return os.pread(output.fileno(), 1 << 20, 0).decode(errors="replace")

        until(lambda: process.poll() is not None or ready(text(), marked(mark.encode()).values()), PATIENCE)
        if process.poll() is not None:
            problems.append("it ended before it could be interrupted")
        else:
            (os.killpg if group else os.kill)(process.pid, how)
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        if code not in (128 + how, -how):
            problems.append(f"ended with {code}")
        if "Traceback" in text():
            problems.append(f"said: {text()[-2000:]}")
        # what was killed may still be on its way out
        until(lambda: not marked(mark.encode()), 2)
        for pid, command in marked(mark.encode()).items():
            problems.append(f"left process {command}")
            os.kill(pid, signal.SIGKILL)
        problems += [f"left file {file}" for file in os.listdir(folder)]
    verdict(name, problems)


def in_build(text, commands):
    return "== building" in text


def in_test(text, commands):
    return any(command.startswith(f"{ROOT}/build/gcc/tests/test_torture") for command in commands)


def told(name, arguments, code, demand):
    done = subprocess.run(["./run", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    problems = [] if done.returncode == code else [f"ended with {done.returncode}"]
    if demand not in (done.stdout if code == 0 else done.stderr):
        problems.append(f"does not say \"{demand}\": {done.stdout[-500:]} {done.stderr[-500:]}")
    verdict(name, problems)


interrupted("Ctrl-C while it builds", "base", in_build, signal.SIGINT, True)
interrupted("SIGTERM while it builds", "base", in_build, signal.SIGTERM, False)
interrupted("Ctrl-C while a test runs", "torture", in_test, signal.SIGINT, True)
interrupted("SIGTERM while a test runs", "torture", in_test, signal.SIGTERM, False)
interrupted("SIGHUP while a test runs", "torture", in_test, signal.SIGHUP, False)
told("help of the tests", ["test", "--help"], 0, "torture")
told("an unknown suite", ["test", "nosuch"], 2, "unknown suite nosuch")
told("an unknown option", ["test", "base", "--nosuch"], 2, "unknown option --nosuch")
told("an unknown verb", ["nosuch"], 2, "unknown verb: nosuch")
sys.exit(1 if wrong else 0)
