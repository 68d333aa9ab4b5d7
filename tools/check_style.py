#!/usr/bin/env python3
"""Checks the decidable rules of the style guide: file sizes, locks, RG_TRY, TODOs, banned words."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GENERATED = re.compile(r"^(//|/\*|#) ?[Gg]enerated by")
LINE_LIMIT = 800
RULES = [
    # (applies to, pattern, what is wrong, files excused)
    (r"^src/.*\.(h|cpp)$", re.compile(r"\bstd::(mutex|shared_mutex|unique_lock|lock_guard|recursive_mutex)\b"),
     "use rtl::Mutex<Rank> and its guards", {"src/rtl/lock.h"}),
    (r"\.(h|cpp|c)$", re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#)"), "a TODO names its issue: TODO(#12): sentence", set()),
    (r"\.(h|cpp)$", re.compile(r"\{[^}();]*\bRG_TRY\("), "RG_TRY inside a braced initialiser leaks under g++ 12", set()),
    (r"^(src|apps)/.*\.(h|cpp)$", re.compile(r"\bunknown\d+\b"), "name unused fields reserved_0x34", set()),
    (r"^src/.*\.(h|cpp)$", re.compile(r"std::this_thread::sleep|\busleep\(|\bnanosleep\("), "wait for a condition, not for time",
     set()),
]


def main():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split("\n")
    problems = []
    for name in listed:
        if not re.search(r"\.(h|cpp|c|py|sh)$", name) or not (ROOT / name).is_file():
            continue
        lines = (ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and GENERATED.match(lines[0]):
            continue
        if len(lines) > LINE_LIMIT:
            problems.append(f"{name}: {len(lines)} lines; {LINE_LIMIT} is the limit")
        for where, pattern, message, excused in RULES:
            if not re.search(where, name) or name in excused or name == "tools/check_style.py":
                continue
            for number, line in enumerate(lines, 1):
                if pattern.search(line) and "style: allow" not in line:
                    problems.append(f"{name}:{number}: {message}")
    for problem in problems:
        print(problem)
    print(f"style: {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
