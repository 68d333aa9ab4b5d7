#!/usr/bin/env python3
"""The names that a driver may import, read from the driver contract (include/wdk and the include/nt it uses).

usage: gen_pe_exports.py COMPILER INCLUDE-DIR OUTPUT
Writes OUTPUT with a line for each function (RG_FUNCTION, RG_VARIADIC) and data item (RG_DATA) that the headers declare.
The headers are preprocessed by COMPILER as for a driver; declarations of other headers (the C library) do not count."""
import pathlib
import re
import subprocess
import sys

HEADERS = ("ntifs.h", "fltKernel.h", "ntstrsafe.h", "wdmsec.h")
MARKER = re.compile(r'^# \d+ "([^"]*)"')
FUNCTION = re.compile(r"\b([A-Za-z_]\w*)\s*\((.*)\)$", re.S)
DATA = re.compile(r"^extern\b[^()=]*?([*\s])\s*(\w+)$", re.S)


def own_text(text, include):
    """The part of a preprocessed text that stands in our headers."""
    lines, ours = [], False
    for line in text.splitlines():
        marker = MARKER.match(line)
        if marker:
            ours = pathlib.Path(marker.group(1)).resolve().is_relative_to(include)
        elif ours:
            lines.append(line)
    return "\n".join(lines)


def without_bodies(text):
    """Structures, enumerations and inline bodies go: what is left are declarations."""
    text = re.sub(r'extern\s*"C"\s*\{', "", text)
    previous = None
    while previous != text:
        previous = text
        text = re.sub(r"\)\s*\{[^{}]*\}", ");", text)
        text = re.sub(r"\{[^{}]*\}", "", text)
    return text


def declarations(text):
    for declaration in text.split(";"):
        declaration = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", " ", declaration).strip()
        if not declaration or re.match(r"(typedef|static|_Static_assert|struct|union|enum)\b", declaration):
            continue
        if re.search(r"\b(inline|__inline__|static)\b", declaration):
            continue
        yield " ".join(declaration.split())


def main():
    compiler, include, output = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
    source = "".join(f"#include <{header}>\n" for header in HEADERS)
    text = subprocess.run(
        [compiler, "-E", "-x", "c", "-std=gnu17", "-fshort-wchar", "-fms-extensions", f"-I{include}/wdk", f"-I{include}", "-"],
        input=source, text=True, check=True, capture_output=True).stdout
    names = {}
    for declaration in declarations(without_bodies(own_text(text, include))):
        if "__asm__" in declaration:
            continue  # a name of the C library, bound to ours of 16-bit text: the hand-written part of the table has it
        function = FUNCTION.search(declaration)
        data = DATA.match(declaration)
        if function and function.group(1).startswith("RgSeh"):
            continue  # for ELF objects: the compilers of Windows have structured exceptions
        if function and function.group(1) != "DriverEntry":
            if re.match(r"[\w\s*]+$", declaration[: function.start(1)]):
                names[function.group(1)] = "RG_VARIADIC" if "..." in function.group(2) else "RG_FUNCTION"
        elif data:
            names[data.group(2)] = "RG_DATA"
    lines = [f"{kind}({name})" for name, kind in sorted(names.items())]
    output.write_text("// Made by tools/gen_pe_exports.py; do not edit.\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
