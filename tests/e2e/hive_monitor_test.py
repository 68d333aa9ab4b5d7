#!/usr/bin/env python3
"""A real hive under regmon: what it recorded is what a walk of the hive's file counts. usage: hive_monitor_test.py BUILD"""
import csv
import json
import os
import shutil
import subprocess
import sys
import unittest

import house

MEGABYTE = 1 << 20
PARAMETERS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regmon\\Parameters"


def clean_hive():
    """The largest clean hive of user settings of a few MB: (its path, and the keys and values
    that the corpus' own walker, not ours, counted in it)."""
    folder = house.hive_folder()
    if folder is None:
        return None
    with open(os.path.join(folder, "MANIFEST.tsv"), encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["state"] == "clean"]
    rows = [row for row in rows if "NTUSER" in row["path"] and int(row["bytes"]) < 4 * MEGABYTE
            and os.path.exists(os.path.join(folder, row["path"]))]
    if not rows:
        return None
    best = max(rows, key=lambda row: int(row["bytes"]))
    keys, values, _ = best["own_walk_keys/values/sds"].split("/")
    return os.path.join(folder, best["path"]), int(keys), int(values)


class HiveMonitor(unittest.TestCase):
    def setUp(self):
        self.house = house.House()
        self.addCleanup(self.house.close)
        self.copy = self.house.path("Real.hiv")
        shutil.copyfile(HIVE, self.copy)

    def watch(self, *command):
        output = self.house.path("capture.jsonl")
        # The first run makes the service key.
        self.assertEqual(self.house.run("regmon", "run", "--quiet", "--", "true").returncode, 0)
        # Rings that hold the whole walk: a consumer without optimization on a busy machine loses events otherwise.
        self.assertEqual(self.house.run("reg", "add", PARAMETERS, "/v", "RingKilobytes", "/t", "REG_DWORD", "/d", "16384",
                                        "/f").returncode, 0)
        done = self.house.run("regmon", "run", "--quiet", "--output", output, "--", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = house.records(output)
        produced, delivered, dropped = house.ledger(done.stdout + done.stderr)
        self.assertEqual((produced, delivered, dropped), (len(rows), len(rows), 0))
        return [row for row in rows if row["path"].startswith("HKLM\\Real")], done.stdout + done.stderr

    def info(self, path):
        return json.loads(subprocess.run([house.program("hivetool"), "info", "--json", path], check=True,
                                         capture_output=True, text=True).stdout)

    def below(self, paths):
        """Keys and values of the hive's file at and below the registry paths given."""
        dump = subprocess.run([house.program("hivetool"), "dump", "--json", HIVE], check=True, capture_output=True,
                              encoding="utf-8").stdout
        tops = [path.removeprefix("HKLM\\Real").lower() for path in paths]
        keys = values = 0
        for line in dump.splitlines():
            key = json.loads(line)
            path = key["path"].lower()
            if any(path == top or path.startswith(top + "\\") for top in tops):
                keys += 1
                values += len(key["values"])
        return keys, values

    def test_a_walk_enumerates_what_the_file_holds(self):
        info = self.info(HIVE)
        self.assertEqual((info["keys"], info["values"]), (KEYS, VALUES))
        self.assertEqual(self.house.run("reg", "load", "HKLM\\Real", self.copy).returncode, 0)
        rows, _ = self.watch(house.program("reg"), "query", "HKLM\\Real", "/s")
        seen = house.counts(rows)
        # A value that outgrew reg's buffer is asked for again at its index: each (key, index) counts once. What a key
        # that even administrators may not open holds, nobody enumerated: the file itself says how much that is.
        found = {operation: {(row["path"], row["detail"].split(",")[0]) for row in rows
                             if row["operation"] == operation and row["result"] == "SUCCESS"}
                 for operation in ("RegEnumKey", "RegEnumValue")}
        closed = [row["path"] for row in rows if row["operation"] == "RegOpenKey" and row["result"] == "ACCESS DENIED"]
        self.assertEqual(seen["RegOpenKey"][1], len(closed))
        keys, values = self.below(closed)
        self.assertEqual(len(found["RegEnumKey"]), info["keys"] - 1 - (keys - len(closed)), seen)
        self.assertEqual(len(found["RegEnumValue"]), info["values"] - values, seen)
        self.assertEqual(seen["RegCloseKey"][0], seen["RegOpenKey"][0], "what was opened was closed")
        self.assertNotIn("RegSetValue", seen)
        self.assertEqual(self.house.run("reg", "unload", "HKLM\\Real").returncode, 0)
        after = self.info(self.copy)
        self.assertEqual((after["keys"], after["values"], after["findings"]), (info["keys"], info["values"], []))

    def test_the_demo_s_work_on_a_hive(self):
        _, printed = self.watch(os.path.join(house.SOURCE, "tools", "demo_workload.sh"),
                                os.path.join(house.BUILD, "bin"), self.house.folder, HIVE)
        rows = house.records(self.house.path("capture.jsonl"))
        written = [row["mode"] for row in rows if row["operation"] == "RegSetValue" and row["result"] == "SUCCESS"]
        self.assertEqual(written.count("user"), 1 + 10 + 10, "Visited, ten counts, their copies")
        self.assertEqual(written.count("kernel"), 1, "the loaded hive's line in hivelist")
        self.assertEqual(house.number_after("values written", printed), len(written))
        loads = [row["result"] for row in rows if row["operation"] in ("RegLoadKey", "RegUnloadKey")]
        self.assertEqual(loads, ["SUCCESS", "SUCCESS"])
        after = self.info(self.house.path("Demo1.hiv"))
        self.assertEqual((after["keys"], after["values"]), (KEYS, VALUES))


if __name__ == "__main__":
    found = clean_hive()
    if found is None:
        print("skipped: no clean hive below REGENT_HIVES or ../shared/hives")
        sys.exit(77)
    HIVE, KEYS, VALUES = found
    unittest.main()
