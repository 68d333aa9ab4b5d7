#!/usr/bin/env python3
"""libregent-hive as another program finds it: installed, found by pkg-config, compiled against and run.

usage: library_test.py BUILD_FOLDER SOURCE_FOLDER COMPILER MAKE_HIVE. Exit code 77: no pkg-config.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

build, source, compiler, make_hive = sys.argv[1:]
if not shutil.which("pkg-config"):
    sys.exit(77)


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


with tempfile.TemporaryDirectory() as place:
    prefix, program, hive = (str(Path(place) / name) for name in ("prefix", "walk", "hive"))
    run("cmake", "--install", build, "--component", "hive", "--prefix", prefix)
    pc = next(Path(prefix).rglob("regent-hive.pc"))
    environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "LD_LIBRARY_PATH": str(pc.parent.parent)}
    flags = run("pkg-config", "--cflags", "--libs", "regent-hive", env=environment).split()
    assert all(not flag.startswith(("-I", "-L")) or Path(flag[2:]).resolve().is_relative_to(Path(prefix).resolve()) for flag in flags), flags
    example = Path(source) / "examples" / "hive_walk.cpp"
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60
    run(*compiler.split(), "-Wall", "-Wextra", "-Werror", str(example), "-o", program, *flags)
    needed = run("ldd", program, env=environment)
    assert "libregent-hive.so.0" in needed and "libregent.so" not in needed, needed
    exported = run("nm", "-DC", "--defined-only", str(next(Path(prefix).rglob("libregent-hive.so"))))
    foreign = [line for line in exported.splitlines() if "regent::" not in line]
    assert not foreign, foreign[:5]

    run(make_hive, "types", hive)
    walked = run(program, hive, env=environment)
    assert "\\Types\n  (default): type 1, 36 bytes\n  None: type 0, 12 bytes\n" in walked, walked
    run(program, hive, "a note", env=environment)
    assert "\\Example\n  Note: type 1, 14 bytes\n" in run(program, hive, env=environment)
print("installed, compiled and run")
