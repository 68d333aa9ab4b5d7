#!/usr/bin/env python3
"""`hivetool dump --xml` against hivexml, `dump --text` against reglookup: byte for byte after the few normalisations that
apps/hivetool/README.md lists, on hives of ours and on every clean hive of the corpus.

usage: peer_text.py MAKE_HIVE HIVETOOL CORPUS (or $REGENT_HIVES). Exit code 77: neither peer is installed.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Hives that a peer refuses, whoever reads them: format 1.6, an unpaired surrogate in a name.
HIVEXML_REFUSES = {"System_Delta", "TruncatedPairHive"}
# Names with a NUL, in hivex's `special` and yarp's BogusKeyNamesHive.
CUT_BY_REGLOOKUP = {b"zero%00key": b"zero", b"zero%00val": b"zero", b"/testnu%00l": b"/testnu"}


def output(*command, environment=None):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=120, env=environment)


def normal_xml(text):
    # The first byte run of a value: hivexml takes the length of the name in UTF-8.
    text = re.sub(rb'(<value [^>]*>(?:<string>[^<]*</string>)*<byte_runs><byte_run file_offset="\d+") len="\d+"', rb"\1", text)
    return re.sub("(name|key)=\"([^\"\ufffd]*)\ufffd[^\"]*\"".encode(), rb'\1="\2"', text)


def hivexml(hive):
    done = output("hivexml", hive)
    if done.returncode != 0 and Path(hive).name in HIVEXML_REFUSES:
        return None
    return normal_xml(done.stdout)


def normal_text(text):
    for whole, cut in CUT_BY_REGLOOKUP.items():
        text = text.replace(whole, cut)
    return re.sub(rb"(,KEY,,)1601-[^\n]*", rb"\g<1>1970-01-01 00:00:00", text).split(b"\n")


def reglookup(hive):
    return output("reglookup", hive, environment={**os.environ, "LC_ALL": "C"}).stdout.split(b"\n")


def clean_hives(corpus):
    manifest = Path(corpus) / "MANIFEST.tsv"
    if not manifest.is_file():
        return []
    rows = [line.split("\t") for line in manifest.read_text(encoding="utf-8").splitlines()[1:]]
    return [str(Path(corpus) / row[0]) for row in rows if row[4] != "log" and row[6] == "clean"]


def first_difference(theirs, ours):
    if isinstance(theirs, bytes):
        theirs, ours = theirs.split(b"><"), ours.split(b"><")
    for mine, other in zip(ours, theirs):
        if mine != other:
            return f"theirs {other[:200]!r}, ours {mine[:200]!r}"
    return f"theirs has {len(theirs)} parts, ours {len(ours)}"


def main():
    make_hive, hivetool, corpus = sys.argv[1:]
    corpus = os.environ.get("REGENT_HIVES", corpus)
    peers = [("hivexml", hivexml, "--xml", normal_xml), ("reglookup", reglookup, "--text", normal_text)]
    peers = [peer for peer in peers if shutil.which(peer[0])]
    if not peers:
        sys.exit(77)
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        hives = []
        for shape in output(make_hive).stdout.decode().split():
            hives.append(str(Path(place) / shape))
            subprocess.run([make_hive, shape, hives[-1]], check=True)
        hives += clean_hives(corpus)
        for name, show, option, normal in peers:
            equal = refused = 0
            for hive in hives:
                theirs = show(hive)
                if theirs is None:
                    refused += 1
                    continue
                ours = normal(output(hivetool, "dump", option, hive).stdout)
                equal += theirs == ours
                if theirs != ours:
                    failed += 1
                    print(f"{name}: {hive}: {first_difference(theirs, ours)}", file=sys.stderr)
            print(f"{name}: {equal} of {len(hives)} hives equal, {refused} that it refuses")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
