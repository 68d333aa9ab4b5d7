#!/usr/bin/env python3
"""Every name of ddk_surface.txt is a macro or an inline function of include/wdk, or declared there and exported.

usage: ddk_surface_test.py COMPILER INCLUDE-DIR REGENT"""
import pathlib
import re
import subprocess
import sys

COMPILER, INCLUDE, REGENT = sys.argv[1:4]
HEADERS = ("ntifs.h", "fltKernel.h", "ntstrsafe.h", "ntintsafe.h", "wdmsec.h")
LIBRARY = re.compile(r"^(mem|str|wcs|_wcs)\w+$")  # the C library's: ELF drivers get them from the process


def main():
    source = "".join(f"#include <{header}>\n" for header in HEADERS)
    flags = ["-E", "-dD", "-x", "c", "-fshort-wchar", "-fms-extensions", f"-I{INCLUDE}/wdk", f"-I{INCLUDE}", "-"]
    text = subprocess.run([COMPILER, *flags], input=source, text=True, check=True, capture_output=True).stdout
    macros = set(re.findall(r"^#define (\w+)", text, re.M))
    text = re.sub(r"^#.*", "", text, flags=re.M)
    text = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", " ", text)
    inline = set(re.findall(r"\b(\w+)\s*\([^;{}]*\)\s*\{", text))
    declared = set(re.findall(r"\b(\w+)\s*\([^;{}]*\)\s*(?:__asm__\s*\([^)]*\)\s*)?;", text))
    exported = {line.split()[0] for line in
                subprocess.run([REGENT, "driver", "exports"], check=True, text=True, capture_output=True).stdout.splitlines()}
    missing, excused = [], 0
    for line in (pathlib.Path(__file__).parent / "ddk_surface.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        _, name, *reason = line.split(maxsplit=2)
        there = name in macros or name in inline or (name in declared and (name in exported or LIBRARY.match(name)))
        excused += bool(reason)
        if not there and not reason:
            missing.append(f"{name}: {'not exported' if name in declared else 'not declared'}")
        if there and reason:
            missing.append(f"{name}: excused, and there")
    for line in missing:
        print(line)
    print(f"ddk surface: {len(missing)} wrong, {excused} excused")
    return 1 if missing else 0


sys.exit(main())
