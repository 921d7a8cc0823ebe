# SPDX-License-Identifier: Apache-2.0
# headers.py: tenure.h and tenure.hpp in every language version, and misuse that a compiler must see.
#
# misuse/*.c, *.cc: each says in its second line what the diagnostic must contain; `control` must compile.
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT}/include"]
wrong = 0


def compile_one(command, source):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*command, "-c", str(source), "-o", f"{folder}/x.o"], capture_output=True, text=True)
    return done.returncode, done.stderr


def verdict(name, good, output=""):
    global wrong
    print(("ok " if good else "not ok ") + name)
    if not good:
        wrong += 1
        print("  " + "\n  ".join(output.splitlines()[:12]))


with tempfile.TemporaryDirectory() as folder:
    alone = pathlib.Path(folder) / "alone.cc"
    alone.write_text("#include <tenure/tenure.h>\nint main() { return tenure_clear_all(nullptr); }\n")
    for compiler in ("g++", "clang++"):
        if shutil.which(compiler) is None:
            print(f"skip {compiler}: not installed")
            continue
        code, output = compile_one([compiler, "-std=c++17", *WARNINGS], alone)
        verdict(f"tenure.h as C++17 with {compiler}", code == 0, output)
        for standard in ("c++17", "c++20"):
            for level in ("-O0", "-O2"):
                code, output = compile_one([compiler, f"-std={standard}", level, *WARNINGS, "-Wshadow"], HERE / "misuse/control.cc")
                verdict(f"tenure.hpp as {standard} {level} with {compiler}", code == 0, output)
        code, output = compile_one([compiler, "-std=c++17", "-fno-exceptions", f"-I{ROOT}/include"], HERE / "misuse/control.cc")
        verdict(f"tenure.hpp says that it needs exceptions with {compiler}", code != 0 and "needs exceptions" in output, output)
        for source in sorted((HERE / "misuse").glob("*.cc")):
            if source.name == "control.cc":
                continue
            demand = re.search(r"demands: (.*?) \*/", source.read_text()).group(1)
            code, output = compile_one([compiler, "-std=c++17", f"-I{ROOT}/include"], source)
            verdict(f"misuse {source.name} with {compiler}", code != 0 and re.search(demand, output), output)

for compiler in ("gcc", "clang"):
    if shutil.which(compiler) is None:
        print(f"skip {compiler}: not installed")
        continue
    for standard in ("c11", "c17", "c2x"):
        for level in ("-O0", "-O2"):
            code, output = compile_one([compiler, f"-std={standard}", level, *WARNINGS], HERE / "misuse/control.c")
            verdict(f"tenure.h as {standard} {level} with {compiler}", code == 0, output)
    for source in sorted((HERE / "misuse").glob("*.c")):
        if source.name == "control.c":
            continue
        demand = re.search(r"demands: (.*?) \*/", source.read_text()).group(1)
        code, output = compile_one([compiler, "-std=c11", "-O2", f"-I{ROOT}/include", "-Werror"], source)
        verdict(f"misuse {source.stem} with {compiler}", code != 0 and re.search(demand, output), output)
sys.exit(1 if wrong else 0)
