#!/usr/bin/env python3
"""differential_test.py NATIVE SOURCE EXPLAINED WORK: one trace here, one under Wine, and the differences between them.

NATIVE is SOURCE built here; SOURCE is built for Windows by mingw-w64. A difference is explained by a row of the table in
EXPLAINED: | `label pattern` | ... ; a pattern without `*` names one line. Fails for a difference that no row explains and
for a row that explains none. Exit 77: Wine or the cross compiler is missing."""
import fcntl
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys


def trace(command, environment):
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         env=environment, timeout=240)
    lines = [line.split(": ", 1) for line in run.stdout.replace("\r", "").splitlines()]
    result = dict(lines)
    if len(result) != len(lines):
        sys.exit("a label occurs twice")
    return result


def explained(path):
    rows = re.findall(r"^\| `([^`]+)` \|", pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return {row: 0 for row in rows}


def main():
    native, source, table = sys.argv[1:4]
    work = pathlib.Path(sys.argv[4])
    compiler = "x86_64-w64-mingw32-gcc"
    if not shutil.which("wine") or not shutil.which(compiler):
        print("no Wine or no cross compiler")
        return 77
    work.mkdir(parents=True, exist_ok=True)
    program = work / "differential.exe"
    subprocess.run([compiler, "-static", "-D__USE_MINGW_ANSI_STDIO=0", source, "-o", program], check=True)
    ours = trace([str(pathlib.Path(source).parent / "run_program.sh"), native], os.environ)
    with open(work / "wine.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = dict(os.environ, WINEPREFIX=str(work / "wine"), WINEDEBUG="-all")
        theirs = trace(["wine", str(program)], environment)
        subprocess.run(["wineserver", "-w"], env=environment, check=False)
    rows = explained(table)
    unexplained = 0
    for label in list(ours) + [label for label in theirs if label not in ours]:
        if ours.get(label) == theirs.get(label):
            continue
        matching = [row for row in rows if fnmatch.fnmatchcase(label, row)]
        for row in matching:
            rows[row] += 1
        if not matching:
            unexplained += 1
            print(f"{label}\n  ours {ours.get(label)}\n  wine {theirs.get(label)}")
    idle = [row for row, count in rows.items() if count == 0]
    for row in idle:
        print(f"explains no difference: {row}")
    print(f"{len(ours)} lines, {sum(1 for label in ours if ours[label] != theirs.get(label))} differ, {unexplained} unexplained")
    return 1 if unexplained or idle or len(ours) < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
