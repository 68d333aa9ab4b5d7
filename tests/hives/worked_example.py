#!/usr/bin/env python3
"""The worked example of docs/hive-format.md is the file that make_hive makes, byte for byte.

usage: worked_example.py MAKE_HIVE DOCUMENT
Each row `| 0x1020 | A8 FF FF FF | ... |` names bytes of the file (`..` stands for any byte). From the first bin to the free cell that
ends it the rows leave no byte out; of the base block they show what is not zero.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

make_hive, document = sys.argv[1:]
text = Path(document).read_text(encoding="utf-8").split("## 14 Worked example")[1]
rows = re.findall(r"^\| 0x([0-9A-F]+) \| ((?:(?:[0-9A-F]{2}|\.\.) ?)+)\|", text, re.M)
with tempfile.TemporaryDirectory() as place:
    hive = Path(place) / "example"
    subprocess.run([Path(make_hive).resolve(), "example", "example"], cwd=place, check=True)  # its base block has the path
    content = hive.read_bytes()

assert len(rows) > 30, "the document has no rows"
seen = set()
for offset, shown in rows:
    at = int(offset, 16)
    for position, byte in enumerate(shown.split(), at):
        assert position not in seen, f"0x{position:x} is shown twice"
        seen.add(position)
        assert byte == ".." or int(byte, 16) == content[position], f"0x{position:x}: document {byte}, file {content[position]:02X}"
unseen = [at for at, byte in enumerate(content[:512]) if byte != 0 and at not in seen]
assert not unseen, f"bytes of the base block that the document leaves out: {unseen}"
end = max(seen) + 1
missing = sorted(set(range(4096, end)) - seen)
assert not missing, f"first byte that the document leaves out: 0x{missing[0]:x}"
free = int.from_bytes(content[end - 4:end], "little", signed=True)
assert end - 4 + free == len(content) and free > 0, "the rows do not end with the free cell's size"
assert not any(content[512:4096])
print(f"{len(rows)} rows, {len(seen)} bytes")
