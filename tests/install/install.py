# SPDX-License-Identifier: Apache-2.0
# install.py: tenure as a stranger meets it: installed into an empty prefix, used from outside of the tree, and uninstalled.
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = re.search(r"^  version: '([\d.]+)'", (ROOT / "meson.build").read_text(), flags=re.M).group(1)
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2"]
COMPILERS = [("gcc", "g++"), ("clang", "clang++")]
wrong = 0


def verdict(name, problem=""):
    global wrong
    print(("not ok " if problem else "ok ") + name, flush=True)
    if problem:
        wrong += 1
        print("  " + "\n  ".join(problem.splitlines()[-25:]))
    return not problem


def run(*command, env=None, cwd=None):
    """Returns what it said and "", or why it failed."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=env, cwd=cwd, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as reason:
        return "", f"{' '.join(map(str, command))}\n{reason}"
    said = done.stdout + done.stderr
    return said, "" if done.returncode == 0 else f"{' '.join(map(str, command))}\nended with {done.returncode}\n{said}"


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


def pkg_config(env, *arguments):
    said, why = run("pkg-config", *arguments, "tenure", env=env)
    if why:
        raise SystemExit(f"not ok pkg-config {' '.join(arguments)}\n{why}")
    return said.split()


def installed(prefix, libraries):
    wanted = {f"{libraries}/libtenure.a", f"{libraries}/libtenure.so", f"{libraries}/libtenure.so.0",
              f"{libraries}/pkgconfig/tenure.pc", "share/man/man3/tenure.3"}
    wanted |= {f"include/tenure/{p.name}" for p in (ROOT / "include/tenure").glob("tenure.h*")}
    wanted |= {"include/tenure/base.h", "include/tenure/hit.h"}
    there = files(prefix)
    problems = [f"missing: {name}" for name in wanted - there] + [f"not expected: {name}" for name in there - wanted]
    verdict("what is installed", "\n".join(sorted(problems)))


def programs(work, env):
    """With each compiler, shared and static: the C program and the C++ one."""
    for c, cc in COMPILERS:
        for form in ("shared", "static"):
            static = form == "static"
            flags = pkg_config(env, *(["--static"] if static else []), "--cflags", "--libs") + (["-static"] if static else [])
            for compiler, sources, standard in ((c, ["main.c", "shelf.c"], "c11"), (cc, ["main.cc"], "c++17")):
                name = f"{sources[0]} with {compiler}, {form}"
                if shutil.which(compiler) is None:
                    print(f"skip {compiler}: not installed")
                    continue
                program = work / f"program-{compiler}-{form}"
                threads = ["-pthread"] if sources[0] == "main.c" else []  # its own threads; the library's are the library's
                _, why = run(compiler, f"-std={standard}", *WARNINGS, *threads, *sources, "-o", program, *flags, cwd=work)
                if not why:
                    said, why = run(program, VERSION, env=env, cwd=work)
                if not why:
                    needed, why = run("readelf", "-d", program)
                    if not why and ("libtenure.so.0" in needed) == static:
                        why = f"it is not {form}:\n{needed}"
                verdict(name, why)


def cmake(work, env):
    if shutil.which("cmake") is None:
        print("skip cmake: not installed")
        return
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []  # a bare Debian has no make
    _, why = run("cmake", *generator, "-S", work, "-B", work / "build", "-DCMAKE_BUILD_TYPE=Release", env=env)
    if not why:
        _, why = run("cmake", "--build", work / "build", env=env)
    for program in ("shelf", "shelf_cc"):
        if not why:
            _, why = run(work / "build" / program, VERSION)  # without LD_LIBRARY_PATH: CMake has set the path
    verdict("a CMake project", why)


def another_layout(work, env):
    """A library whose inlined code is laid out in another way: the dynamic linker names the difference."""
    folder = work / "other"
    folder.mkdir()
    (folder / "other.c").write_text("int tenure_core_[64]; __thread void *tenure_thread_; void tenure_give_back_slowly_(void) {}\n"
                                    "const char *tenure_version(void) { return \"9\"; }\n")
    (folder / "other.map").write_text("TENURE_LAYOUT_999 { global: tenure_core_; tenure_thread_; tenure_give_back_slowly_; };\n"
                                      "TENURE_0.1 { global: tenure_*; local: *; };\n")
    _, why = run("gcc", "-shared", "-fPIC", "-Wl,-soname,libtenure.so.0", "-Wl,--version-script=other.map", "other.c",
                 "-o", "libtenure.so.0", cwd=folder)
    if not why:
        said, failed = run(work / "program-gcc-shared", VERSION, env={**env, "LD_LIBRARY_PATH": str(folder)})
        if not failed or "TENURE_LAYOUT_1' not found" not in said:
            why = "it ran, or ended for another reason:\n" + said
    verdict("a library of another layout is refused when the program starts", why)


def manual(prefix):
    page = prefix / "share/man/man3/tenure.3"
    if shutil.which("mandoc") is None:
        print("skip mandoc: not installed")
    else:
        said, _ = run("mandoc", "-T", "lint", page)
        bad = [line for line in said.splitlines() if re.search(r": (WARNING|ERROR|UNSUPP):", line)]
        verdict("the manual page is well formed", "\n".join(bad))
    errors = re.findall(r'X\(-\d+, (TENURE_E\w+), "([^"]*)"\)', (ROOT / "include/tenure/base.h").read_text())
    told = dict(re.findall(r"^\.It Bq Er (\w+)\n(.*)\.$", page.read_text(), flags=re.M))
    problems = [f"{name}: {text}" for name, text in errors if told.get(name, "").lower() != text.lower()]
    verdict("the manual page names every error", "\n".join(problems))


with tempfile.TemporaryDirectory() as folder:
    prefix, work = pathlib.Path(folder) / "prefix", pathlib.Path(folder) / "program"
    prefix.mkdir()
    shutil.copytree(HERE / "program", work)
    _, why = run(ROOT / "run", "install", "--prefix", prefix)
    if not verdict("./run install --prefix", why):
        sys.exit(1)
    pc = next(prefix.rglob("tenure.pc"))
    libraries = pc.parent.parent
    env = {name: value for name, value in os.environ.items() if name not in ("CPATH", "LIBRARY_PATH", "CFLAGS", "LDFLAGS")}
    env |= {"PKG_CONFIG_PATH": str(pc.parent), "LD_LIBRARY_PATH": str(libraries)}
    installed(prefix, libraries.relative_to(prefix))
    said = pkg_config(env, "--modversion")
    verdict("pkg-config --modversion", "" if said == [VERSION] else f"{said} is not {VERSION}")
    programs(work, env)
    cmake(work, env)
    another_layout(work, env)
    manual(prefix)
    _, why = run(ROOT / "run", "uninstall", "--prefix", prefix)
    left = sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*")) if prefix.exists() else []
    verdict("./run uninstall --prefix", why or "\n".join(f"left: {name}" for name in left))
    said, why = run(ROOT / "run", "uninstall", "--prefix", prefix)
    verdict("./run uninstall again says that nothing is installed", "" if why and "nothing was installed" in said else f"it said: {said}")
    for arguments in (["frobnicate"], ["install", "--frobnicate"], ["install", "--prefix"], ["install", "--prefix", "relative"],
                      ["test", "frobnicate"], ["test", "--frobnicate"]):
        done = subprocess.run([ROOT / "run", *arguments], capture_output=True, text=True)
        good = done.returncode == 2 and "usage:" in done.stderr
        verdict("./run " + " ".join(arguments), "" if good else f"ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    for arguments in (["help"], ["--help"], ["test", "--help"], ["install", "--help"], ["uninstall", "--help"]):
        said, why = run(ROOT / "run", *arguments)
        verdict("./run " + " ".join(arguments), why or ("" if "usage:" in said else said))
sys.exit(1 if wrong else 0)
