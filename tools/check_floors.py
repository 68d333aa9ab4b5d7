#!/usr/bin/env python3
"""Checks that every #include points to a lower floor, the same folder, or a contract under include/.

Floors and who may include whom stand in docs/architecture.md; apps and tests may include every floor, drivers only
include/wdk, lab sources what a user of the library may."""
import pathlib
import re
import sys

FLOOR = {"rtl": 0, "hive": 1, "se": 1, "ex": 1, "ob": 2, "cm": 3, "tm": 3, "io": 4, "nt": 5, "rpc": 6, "win32": 6, "client": 6}
CONTRACTS = {"nt", "win32", "wdk", "regent"}  # folders under include/
# These speak to the executive only through its contract: the services, never the Configuration Manager itself. se is
# functions over values (SIDs, lists, descriptors and their text): Win32's own are made of them.
CONTRACT_ONLY = {"win32": {"rtl", "se"}, "client": {"rtl"}}
# The gate's server knows services and the caller's context, never keys.
DENIED = {"rpc": {"cm", "hive"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')


def target_floor(root, name):
    folder = name.split("/")[0]
    if "/" not in name or folder not in FLOOR:
        return None
    return folder if (root / "src" / name).exists() else None


def check_source(root, path, problems):
    folder = path.relative_to(root / "src").parts[0]
    if folder not in FLOOR:
        return
    is_test = path.stem.endswith("_test")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        other = target_floor(root, match.group(1))
        if other is None or other == folder:
            continue
        where = f"{path.relative_to(root)}:{number}"
        if FLOOR[other] >= FLOOR[folder]:
            problems.append(f"{where}: {folder} (floor {FLOOR[folder]}) includes {match.group(1)} (floor {FLOOR[other]})")
        elif other not in CONTRACT_ONLY.get(folder, {other}) and not is_test:
            problems.append(f"{where}: {folder} works on the contract include/nt, not on {match.group(1)}")
        elif other in DENIED.get(folder, ()):
            problems.append(f"{where}: {folder} must not know {other}")


def check_driver(root, path, problems):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match and (match.group(1).split("/")[0] in FLOOR and (root / "src" / match.group(1)).exists()):
            problems.append(f"{path.relative_to(root)}:{number}: a driver includes {match.group(1)}; it may use only include/wdk")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    problems = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix in (".h", ".cpp", ".c"):
            check_source(root, path, problems)
    for path in sorted((root / "drivers").rglob("*")):
        if path.suffix in (".h", ".c", ".cpp"):
            check_driver(root, path, problems)
    for path in sorted((root / "include").rglob("*.h")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match and target_floor(root, match.group(1)) and match.group(1).split("/")[0] not in CONTRACTS:
                problems.append(f"{path.relative_to(root)}:{number}: a contract includes {match.group(1)}")
    for problem in problems:
        print(problem)
    print(f"floors: {len(problems)} wrong includes")
    return 1 if problems else 0


sys.exit(main())
