#!/usr/bin/env python3
"""Hives written by us must hold the same content for every other reader that is installed.

usage: foreign_readers.py MAKE_HIVE HIVETOOL. Exit code 77: no foreign reader is installed.
Our own dump is the reference: every key path, value name, type and data byte, classes and descriptors where the reader shows them.
What a reader cannot show of any hive, whoever wrote it, is listed in docs/hive-format.md §12.
"""
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SZ, EXPAND, BINARY, DWORD, DWORD_BE, LINK, MULTI, QWORD = 1, 2, 3, 4, 5, 6, 7, 11


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60).stdout


def text_of(raw):
    """hivex prints a line in Latin-1 unless it has a wider character; then it is UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def our_content(hivetool, hive):
    """{path tuple: {"class": bytes, "sd": bytes, "values": [(name, type, data)]}}"""
    content = {}
    for line in run(hivetool, "dump", "--json", hive).splitlines():
        key = json.loads(line)
        path = tuple(part for part in key["path"].split("\\") if part)
        assert path not in content, path
        content[path] = {"class": bytes.fromhex(key.get("class", "")), "sd": bytes.fromhex(key["security"]),
                         "values": [(v["name"], v["type"], bytes.fromhex(v["data"])) for v in key["values"]]}
    return content


# --- hivexregedit: all but classes and descriptors, exactly
VALUE_LINE = re.compile(r'(?:@|"((?:[^"\\]|\\.)*)")=(?:dword:([0-9a-f]{8})|hex\(([0-9a-f]+)\):(.*))$')


def hivexregedit(hive):
    rows, path = [], None
    for raw in run("hivexregedit", "--export", hive, "\\").split(b"\n"):
        line = text_of(raw)
        if line.startswith("["):
            path = tuple(part for part in line[1:-1].split("\\") if part)
            rows.append((path,))
        elif path is not None and line:
            name, dword, kind, data = VALUE_LINE.match(line).groups()
            name = re.sub(r"\\(.)", r"\1", name or "")
            if dword:
                rows.append((path, name, DWORD, bytes.fromhex(dword)[::-1]))
            else:
                rows.append((path, name, int(kind, 16), bytes.fromhex(data.replace(",", ""))))
    return rows


def expect_hivexregedit(content):
    rows = []
    for path, key in content.items():
        rows.append((path,))
        rows += [(path, *value) for value in key["values"]]
    return rows


# --- reglookup: everything; what is not ASCII as the bytes that the hive has
REGLOOKUP_TYPES = ["NONE", "SZ", "EXPAND_SZ", "BINARY", "DWORD", "DWORD_BE", "LINK", "MULTI_SZ", "RSRC_LIST", "RSRC_DESC",
                   "RSRC_REQ_LIST", "QWORD"]
RIGHTS = {1: "QRY_VAL", 2: "SET_VAL", 4: "CREATE_KEY", 8: "ENUM_KEYS", 0x10: "NOTIFY", 0x20: "CREATE_LNK", 0x10000: "DELETE",
          0x20000: "R_CONT", 0x40000: "W_DAC", 0x80000: "W_OWNER"}
ACE_FLAGS = {1: "OI", 2: "CI", 4: "NP", 8: "IO"}


def unquote(field):
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), field)


def reglookup(hive):
    rows = []
    for line in run("reglookup", "-s", "-H", hive).splitlines():
        fields = line.split(b",")
        if fields[1] == b"KEY":
            rows.append((unquote(fields[0]), "KEY", fields[4].decode(), fields[5].decode(), fields[7].decode(), unquote(fields[8])))
        else:
            rows.append((unquote(fields[0]), fields[1].decode(), unquote(fields[2])))
    return rows


def sid(raw):
    subs = struct.unpack_from(f"<{raw[1]}I", raw, 8)
    return "-".join(["S-1", str(int.from_bytes(raw[2:8], "big")), *map(str, subs)])


def dacl(sd):
    at = struct.unpack_from("<I", sd, 16)[0]
    entries, ace = [], at + 8
    for _ in range(struct.unpack_from("<H", sd, at + 4)[0]):
        kind, flags, size, mask = struct.unpack_from("<BBHI", sd, ace)
        names = " ".join(name for bit, name in RIGHTS.items() if mask & bit)
        inherit = " ".join(name for bit, name in ACE_FLAGS.items() if flags & bit)
        entries.append(f"{sid(sd[ace + 8:])}:{['ALLOW', 'DENY'][kind]}:{names}:{inherit}")
        ace += size
    return "|".join(entries)


def stored_name(name):
    return name.encode("latin-1") if all(ord(unit) < 256 for unit in name) else name.encode("utf-16-le")


def reglookup_data(kind, data):
    if kind in (DWORD, DWORD_BE, QWORD):
        return f"0x{int.from_bytes(data, 'big' if kind == DWORD_BE else 'little'):0{len(data) * 2}X}".encode()
    if not data:
        return b"(null)"
    if kind in (SZ, EXPAND, LINK, MULTI):
        text = data.decode("utf-16-le")
        if all(ord(unit) < 128 for unit in text):
            text = text.rstrip("\0") if kind == MULTI else text.split("\0")[0]
            return (text.replace("\0", "|") if kind == MULTI else text).encode()
    return data


def expect_reglookup(content):
    rows = []
    for path, key in content.items():
        at = b"/" + b"/".join(map(stored_name, path))
        sd = key["sd"]
        owner, group = (sid(sd[struct.unpack_from("<I", sd, field)[0]:]) for field in (4, 8))
        rows.append((at, "KEY", owner, group, dacl(sd), key["class"].decode("utf-16-le").encode()))
        for name, kind, data in key["values"]:
            shown = REGLOOKUP_TYPES[kind] if kind < len(REGLOOKUP_TYPES) else f"0x{kind:08X}"
            rows.append((at + b"/" + stored_name(name), shown, reglookup_data(kind, data)))
    return rows


# --- regfinfo: the tree of keys and the names of values
def regfinfo(hive):
    rows, path = [], []
    text = run("regfinfo", hive).decode()
    if "corrupt" in text:
        return ["it calls the hive corrupt"]
    for line in text.split("Key hierarchy\n")[1].splitlines():
        match = re.match(r"( *)\((key|value): ?\d*\) (.*)$", line)
        if match and match[2] == "key":
            path = path[:len(match[1])] + [match[3]]
            rows.append((tuple(path[1:]),))
        elif match:
            rows.append((tuple(path[1:len(match[1])]), "" if match[3] == "(default)" else match[3]))
    return rows


def expect_regfinfo(content):
    return [row[:2] for row in expect_hivexregedit(content)]


# --- regfexport, of regfinfo's package: data as well. It misreads data of one to three bytes that are inline.
def regfexport(hive):
    rows, path = [], ()
    for block in re.split(r"\n(?=Key path: |Value: \d)", run("regfexport", hive).decode()):
        block += "\n"
        key = re.match(r"Key path: ROOT\\?(.*)\nKey: .*\n(?:Class name: (.*)\n)?", block)
        value = re.match(r"Value: \d+ (.*)\nType: (.*)\nData size: (\d+)\n(?:Data: ?(.*)\n)?((?:[0-9a-f]{8}: .*\n)*)", block)
        if key:
            path = tuple(part for part in key[1].split("\\") if part)
            rows.append((path, key[2] or ""))
        elif value:
            data = "".join(line[10:58] for line in value[5].splitlines()) if value[5] else value[4] or ""
            code = re.search(r"REG_(\w+)|unknown: 0x0*(\w+)", value[2])
            rows.append((path, "" if value[1] == "(default)" else value[1], code[1] or code[2], int(value[3]),
                         data.replace(" ", "") if value[5] else data))
    return rows


REGF_TYPES = ["NONE", "SZ", "EXPAND_SZ", "BINARY", "DWORD_LITTLE_ENDIAN", "DWORD_BIG_ENDIAN", "LINK", "MULTI_SZ", "RESOURCE_LIST",
              "FULL_RESOURCE_DESCRIPTOR", "RESOURCE_REQUIREMENTS_LIST", "QWORD_LITTLE_ENDIAN"]


def expect_regfexport(content):
    rows = []
    for path, key in content.items():
        rows.append((path, key["class"].decode("utf-16-le")))
        for name, kind, data in key["values"]:
            shown = data.hex()
            if kind in (SZ, EXPAND):
                shown = data.decode("utf-16-le").rstrip("\0")
            elif kind in (DWORD, DWORD_BE, QWORD):
                shown = str(int.from_bytes(data, "big" if kind == DWORD_BE else "little"))
            rows.append((path, name, REGF_TYPES[kind] if kind < len(REGF_TYPES) else f"{kind:x}", len(data), shown))
    return rows


def without_short_inline(rows):
    return [row[:4] if len(row) == 5 and 1 <= row[3] <= 3 else row for row in rows]


# --- regtree (Samba): data comes with the rest of its cell; types without a text form show none
REGTREE_TYPES = ["NONE", "SZ", "EXPAND_SZ", "BINARY", "DWORD", "DWORD_BIG_ENDIAN", "LINK", "MULTI_SZ", "RESOURCE_LIST",
                 "FULL_RESOURCE_DESCRIPTOR", "RESOURCE_REQUIREMENTS_LIST"]


def regtree(hive):
    rows, path = [()], []
    for line in run("regtree", "-F", hive).decode().splitlines()[1:]:
        indent = len(line) - len(line.lstrip(" "))
        match = re.match(r" *(.*?) ?= REG_(\w+) : (.*)$", line)
        if match:
            rows.append((tuple(path[:indent - (2 if match[1] == "" else 1)]), *match.groups()))
        else:
            path = path[:indent - 1] + [line.lstrip(" ")]
            rows.append(tuple(path))
    return rows


def regtree_data(kind, data):
    if kind in (SZ, EXPAND):
        return data.decode("utf-16-le").split("\0")[0]
    if kind in (DWORD, DWORD_BE):
        return f"0x{int.from_bytes(data, 'little'):08x}"
    if kind == BINARY:
        room = 4 if len(data) <= 4 else (len(data) + 4 + 7) // 8 * 8 - 4
        return data.ljust(room, b"\0").hex().upper()
    return "(null)"


def expect_regtree(content):
    rows = []
    for path, key in content.items():
        rows.append(path)
        rows += [(path, name, REGTREE_TYPES[kind], regtree_data(kind, data)) for name, kind, data in key["values"]]
    return rows


def same(rows):
    return rows


# reader: (what it shows, what it should show, view of both, shapes that it cannot read of anybody)
READERS = {
    "hivexregedit": (hivexregedit, expect_hivexregedit, same, {}),
    "reglookup": (reglookup, expect_reglookup, same, {}),
    "regfinfo": (regfinfo, expect_regfinfo, same, {}),
    "regfexport": (regfexport, expect_regfexport, without_short_inline, {}),
    "regtree": (regtree, expect_regtree, same,
                {"qword": "aborts on REG_QWORD", "split": "aborts on index roots (ri)", "big": "shows big data's record (db)",
                 "rewritten": "shows big data's record (db)",
                 "latin": "opens no key by a name beyond ASCII", "unicode": "opens no key by a name beyond ASCII",
                 "example": "opens no key by a name beyond ASCII"}),
}


def compare(reader, shape, hive, content):
    show, expect, view, _ = READERS[reader]
    with tempfile.TemporaryDirectory() as place:  # its own copy: regtree writes what it opens
        copy = shutil.copy(hive, place)
        try:
            seen = sorted(map(repr, view(show(str(copy)))))
        except subprocess.SubprocessError as error:
            print(f"{reader}: {shape}: {error}", file=sys.stderr)
            return False
    wanted = sorted(map(repr, view(expect(content))))
    if seen == wanted:
        print(f"{reader}: {shape}: {len(seen)} keys and values equal")
        return True
    for title, rows in (("missing", set(wanted) - set(seen)), ("not ours", set(seen) - set(wanted))):
        for row in sorted(rows)[:3]:
            print(f"{reader}: {shape}: {title}: {row[:300]}", file=sys.stderr)
    print(f"{reader}: {shape}: {len(seen)} rows seen, {len(wanted)} expected", file=sys.stderr)
    return False


def main():
    make_hive, hivetool = sys.argv[1:]
    ran = failed = 0
    with tempfile.TemporaryDirectory() as place:
        for shape in run(make_hive).decode().split():
            hive = str(Path(place) / shape)
            subprocess.run([make_hive, shape, hive], check=True)
            content = our_content(hivetool, hive)
            for reader, (*_, cannot) in READERS.items():
                if not shutil.which(reader):
                    print(f"{reader}: skipped, not installed")
                elif shape in cannot:
                    print(f"{reader}: {shape}: left out, it {cannot[shape]} of any hive")
                else:
                    ran += 1
                    failed += not compare(reader, shape, hive, content)
    print(f"{ran} comparisons, {failed} differ")
    if ran == 0:
        sys.exit(77)
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
