#!/usr/bin/env python3
"""Checks that what the documents name exists: links and paths of this tree, and ./run commands."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATH = re.compile(r"`((?:src|include|apps|drivers|tests|tools|docs|bench|fuzz|examples)/[A-Za-z0-9_./*-]+)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
RUN = re.compile(r"\./run ([a-z]+)")
COMMANDS = {"setup", "build", "demo", "test", "check", "bench", "fuzz", "lint", "help"}


def exists(base, name):
    if "*" in name:
        return any(base.glob(name))
    return (base / name).exists()


def main():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split()
    problems = []
    for name in listed:
        path = ROOT / name
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in PATH.finditer(line):
                if not exists(ROOT, match.group(1).rstrip(".")):
                    problems.append(f"{name}:{number}: `{match.group(1)}` does not exist")
            for match in LINK.finditer(line):
                if not exists(path.parent, match.group(1)):
                    problems.append(f"{name}:{number}: link to {match.group(1)} leads nowhere")
            for match in RUN.finditer(line):
                if match.group(1) not in COMMANDS:
                    problems.append(f"{name}:{number}: ./run {match.group(1)} is no command")
    for problem in problems:
        print(problem)
    print(f"docs: {len(problems)} problems in {len(listed)} documents")
    return 1 if problems else 0


sys.exit(main())
