# SPDX-License-Identifier: Apache-2.0
# postgresql.py: the example postgresql.c against a real server: a cluster of its own, in a folder that goes with it.
#
# Use: postgresql.py [PROGRAM]             run the example; prints `ok`, `not ok` and `skip` lines
#      postgresql.py --restart FOLDER MODE what the example calls: end the server, wait until the next one is up
# The server is a child of this process and is told to end when it dies (a signal at the parent's death), so that nothing
# is left however this ends. It listens on a socket in the folder only. PostgreSQL refuses root: it gets another user.
import os
import pathlib
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/release/examples/c/postgresql"
DATABASES = ["anna", "bert", "carla", "dora"]
NAME = "postgresql"
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
shared_buffers = 16MB
max_connections = 100
dynamic_shared_memory_type = mmap
autovacuum = off
max_parallel_workers = 0
max_wal_senders = 0
wal_level = minimal
log_min_messages = fatal
"""


def binaries():
    """The folder of the newest server's programs, or None."""
    folders = [p.parent for p in pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb") if p.parent.parent.name.isdigit()]
    if folders:
        return max(folders, key=lambda p: int(p.parent.name))
    initdb = shutil.which("initdb")
    return pathlib.Path(initdb).resolve().parent if initdb and shutil.which("postgres") else None


def other_user():
    """Whom the server runs as: None: whoever we are."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def as_user(user, *command):
    prefix = ["setpriv", "--pdeathsig", "QUIT"]
    if user is not None:
        prefix += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*prefix, "--", *map(str, command)]


def own_folder(user):
    """Short, since a socket's path holds 107 bytes, and one that the server's user can reach."""
    parent = tempfile.gettempdir()
    reachable = user is None or subprocess.run(as_user(user, "test", "-x", parent)).returncode == 0
    folder = tempfile.mkdtemp(prefix="tenure-pg-", dir=parent if reachable and len(parent) < 60 else "/tmp")
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return pathlib.Path(folder)


def state(folder):
    """(the server's process id, is it ready?) as it says itself."""
    try:
        lines = (folder / "data/postmaster.pid").read_text().splitlines()
        return int(lines[0]), len(lines) > 7 and lines[7].strip() == "ready"
    except (OSError, ValueError, IndexError):
        return None, False


def wait_ready(folder, seconds, *, after=None):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pid, ready = state(folder)
        if ready and pid != after:
            return True
        time.sleep(0.02)
    return False


def restart(folder, mode):
    pid, ready = state(folder)
    if not ready:
        return 1
    os.kill(pid, {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
    return 0 if wait_ready(folder, 60, after=pid) else 1


class Server:
    """Starts the server anew whenever it ends, until stop()."""

    def __init__(self, bin_folder, folder, user):
        self.command = as_user(user, bin_folder / "postgres", "-D", folder / "data")
        self.folder, self.stopping, self.starts = folder, False, 0
        self.lock = threading.Lock()
        self.log = open(folder / "log", "ab")
        self.start()

    def start(self):
        env = {**os.environ, "LC_ALL": "C"}
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        cwd=self.folder, env=env)
        self.starts += 1

    def look(self):
        """From the main thread: the signal at the parent's death is that of the thread which started the server."""
        if not self.stopping and self.process.poll() is not None:
            if self.starts > 20:
                raise RuntimeError("the server does not stay up")
            self.start()

    def stop(self):
        self.stopping = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def log_of(folder):
    try:
        return (folder / "log").read_text(errors="replace")[-2000:]
    except OSError:
        return ""


def example(program, bin_folder, folder, user, children):
    """Run the whole of it in `folder`. Returns a list of what is wrong."""
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": folder, "text": True,
             "env": {**os.environ, "LC_ALL": "C"}}
    made = subprocess.run(as_user(user, bin_folder / "initdb", "-D", folder / "data", "-U", "tenure", "--auth=trust",
                                  "--no-sync", "-E", "UTF8", "--locale=C"), timeout=120, **quiet)
    if made.returncode != 0:
        return [f"initdb: {made.stdout}"]
    with open(folder / "data/postgresql.conf", "a") as settings:
        settings.write(SETTINGS.format(folder=folder))
    server = Server(bin_folder, folder, user)
    children.append(server.stop)
    if not wait_ready(folder, 60):
        return [f"the server did not start: {log_of(folder)}"]
    for name in DATABASES:
        done = subprocess.run([bin_folder / "createdb", "-h", folder, "-U", "tenure", name], timeout=60, **quiet)
        if done.returncode != 0:
            return [f"createdb: {done.stdout}"]
    # Every second restart is a clean one, the others are as if the server had crashed.
    turn = f'f="{folder}/turn"; echo >> "$f"; [ $(($(wc -l < "$f") % 2)) = 0 ] && mode=fast || mode=immediate'
    again = f"{turn}; {shlex.quote(sys.executable)} {shlex.quote(__file__)} --restart {shlex.quote(str(folder))} $mode"
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", str(program), again, f"host={folder} user=tenure",
                                *DATABASES], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    children.insert(0, lambda: (process.kill(), process.wait()))
    end = time.monotonic() + 150
    while process.poll() is None and time.monotonic() < end:
        server.look()
        time.sleep(0.01)
    if process.poll() is None:
        return ["the example did not end"]
    output = process.stdout.read()
    print(output, end="")
    problems = []
    if process.returncode != 0:
        problems.append(f"the example ended with {process.returncode}; the server's log: {log_of(folder)}")
    if server.starts != 4:
        problems.append(f"the server was started {server.starts} times, not 4")
    if output.count(" restart ") != 3 or not any(line.split() == ["leaked:", "0"] for line in output.splitlines()):
        problems.append("the example did not say that it saw 3 restarts and leaked nothing")
    return problems


def main():
    program = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else PROGRAM
    bin_folder, user = binaries(), other_user()
    reason = None
    if not program.exists():
        reason = "libpq was not found when the examples were built (package libpq-dev)"
    elif bin_folder is None:
        reason = "no PostgreSQL server is installed (package postgresql)"
    elif shutil.which("setpriv") is None:
        reason = "setpriv is missing (package util-linux)"
    elif os.getuid() == 0 and user is None:
        reason = "PostgreSQL refuses root, and there is no user postgres or nobody"
    if reason is not None:
        print(f"skip {NAME}: {reason}")
        return 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda signum, frame: sys.exit(128 + signum))
    folder, children = own_folder(user), []
    try:
        problems = example(program, bin_folder, folder, user, children)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        problems = [f"{error}; the server's log: {log_of(folder)}"]
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the end is short, and it is gone through with
        for end in children:
            end()
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        problems.append(f"{folder} could not be removed")
    for problem in problems:
        print(problem)
    print(f"{'not ok' if problems else 'ok'} the server is restarted under 16 threads: each key connects once, nothing is leaked")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(restart(pathlib.Path(sys.argv[2]), sys.argv[3]) if sys.argv[1:2] == ["--restart"] else main())
