#!/usr/bin/env python3
"""differential_test.py NATIVE SOURCE EXPLANATIONS DIFFERENCES WORK: one trace here, one under Wine, and what differs.

NATIVE is SOURCE built here; SOURCE is built for Windows by mingw-w64. DIFFERENCES has a line for each call whose answers
differ: why | label | ours | Wine's; "why" names a row | `why` | ... of the table in EXPLANATIONS. Fails for a difference
that has no line or another answer than its line, for a line that is no difference, and for a row without lines.
Exit 77: Wine or the cross compiler is missing."""
import fcntl
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


def read_differences(path):
    found = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            why, label, ours, theirs = (part.strip() for part in line.split(" | "))
            found[label] = (why, ours, theirs)
    return found


def main():
    native, source, explanations, differences = sys.argv[1:5]
    work = pathlib.Path(sys.argv[5])
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
    known = read_differences(differences)
    labels = list(ours) + [label for label in theirs if label not in ours]
    actual = {label: (ours.get(label, "-"), theirs.get(label, "-")) for label in labels
              if ours.get(label) != theirs.get(label)}
    wrong = [f"? | {label} | {pair[0]} | {pair[1]}" for label, pair in actual.items()
             if label not in known or known[label][1:] != pair]
    wrong += [f"no difference: {label}" for label in known if label not in actual]
    rows = re.findall(r"^\| `([^`]+)` \|", pathlib.Path(explanations).read_text(encoding="utf-8"), re.MULTILINE)
    used = {why for why, _, _ in known.values()}
    wrong += [f"not explained: {why}" for why in sorted(used - set(rows))]
    wrong += [f"explains nothing: {why}" for why in sorted(set(rows) - used)]
    print("\n".join(wrong))
    print(f"{len(ours)} lines, {len(actual)} differ, {len(wrong)} wrong")
    return 1 if wrong or len(ours) < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
