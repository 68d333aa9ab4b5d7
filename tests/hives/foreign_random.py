#!/usr/bin/env python3
"""Random hives (make_hives) before every other reader that is installed; each must see what hivetool sees.

usage: foreign_random.py MAKE_HIVES HIVETOOL FIRST COUNT. Exit code 77: no foreign reader is installed.
hivexml and reglookup are compared byte for byte (peer_text.py says with which normalisation), regfexport row by row, Samba's regtree
where a hive has nothing that it cannot read of any hive (foreign_readers.py), hivexregedit (slow) on every 20th hive.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import foreign_readers
import peer_text

CHUNK = 50


def regtree_can(content):
    """Nothing of what foreign_readers.py and docs/hive-format.md §12 say that regtree cannot read."""
    children = Counter(path[:-1] for path in content if path)
    texts = [part for path in content for part in path] + [value[0] for key in content.values() for value in key["values"]]
    values = [value for key in content.values() for value in key["values"]]
    return (all(text.isascii() for text in texts) and max(children.values(), default=0) < 500 and
            all(kind < foreign_readers.QWORD and len(data) <= 16344 and "=" not in name for name, kind, data in values) and
            all(data.isascii() for _, kind, data in values if kind in (foreign_readers.SZ, foreign_readers.EXPAND)))


def rows_agree(reader, hive, content):
    show, expect, view, _ = foreign_readers.READERS[reader]
    return sorted(map(repr, view(show(hive)))) == sorted(map(repr, view(expect(content))))


def read_by_all(hivetool, hive, seed):
    """{reader: agrees} for one hive."""
    def dump(option):
        return peer_text.output(hivetool, "dump", option, hive).stdout
    seen = {}
    if shutil.which("hivexml"):
        seen["hivexml"] = peer_text.hivexml(hive) == peer_text.normal_xml(dump("--xml"))
    if shutil.which("reglookup"):
        seen["reglookup"] = peer_text.reglookup(hive) == peer_text.normal_text(dump("--text"))
    content = foreign_readers.our_content(hivetool, hive)
    if shutil.which("regfexport"):
        seen["regfexport"] = rows_agree("regfexport", hive, content)
    if shutil.which("hivexregedit") and seed % 20 == 0:
        seen["hivexregedit"] = rows_agree("hivexregedit", hive, content)
    if shutil.which("regtree") and regtree_can(content):
        seen["regtree"] = rows_agree("regtree", hive, content)  # last: it writes what it opens
    return seen


def chunk(make_hives, hivetool, first, count):
    agreed, differing = Counter(), []
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([make_hives, str(first), str(count), place], check=True, stdout=subprocess.DEVNULL)
        for seed in range(first, first + count):
            for reader, same in read_by_all(hivetool, str(Path(place) / str(seed)), seed).items():
                agreed[reader] += same
                if not same:
                    differing.append(f"{reader}: seed {seed} differs")
    return agreed, differing


def main():
    make_hives, hivetool, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    agreed, differing = Counter(), []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = [pool.submit(chunk, make_hives, hivetool, at, min(CHUNK, first + count - at))
                 for at in range(first, first + count, CHUNK)]
        for part in concurrent.futures.as_completed(parts):
            agreed += part.result()[0]
            differing += part.result()[1]
    for line in differing[:20]:
        print(line, file=sys.stderr)
    print(f"{count} hives; equal: {dict(agreed)}; {len(differing)} differ")
    if not agreed and not differing:
        sys.exit(77)
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
