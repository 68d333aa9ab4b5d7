#!/usr/bin/env python3
"""exports_test.py LIST LIBRARY...: every function of LIST is exported by one of the libraries.

Prints the matrix of what is missing with its reason; fails for a missing function without one."""
import subprocess
import sys


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in lines.splitlines() if line.strip()}


def functions(path):
    for line in open(path, encoding="utf-8"):
        words = line.split()
        if not words or words[0] == "#" or line.startswith("#"):
            continue
        pair = "/AW" in words[1:]
        reason = " ".join(word for word in words[1:] if word != "/AW") if words[0].startswith("!") else None
        name = words[0].lstrip("!")
        for suffix in ("A", "W") if pair else ("",):
            yield name + suffix, reason


def main():
    names = set().union(*(exported(library) for library in sys.argv[2:]))
    listed = list(functions(sys.argv[1]))
    missing = [(name, reason) for name, reason in listed if name not in names]
    for name, reason in missing:
        print(f"{name}: {'missing: ' + reason if reason else 'MISSING'}")
    wrong = [name for name, reason in missing if reason is None]
    print(f"{len(listed)} functions, {len(listed) - len(missing)} exported, {len(wrong)} wrongly missing")
    return 1 if wrong or len(listed) < 170 else 0


if __name__ == "__main__":
    sys.exit(main())
