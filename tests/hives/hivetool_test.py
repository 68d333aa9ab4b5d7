#!/usr/bin/env python3
"""hivetool's commands, as a user calls them. usage: hivetool_test.py MAKE_HIVE HIVETOOL"""
import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MAKE_HIVE, HIVETOOL = sys.argv.pop(1), sys.argv.pop(1)
FINE, FINDINGS, ERROR = 0, 1, 2


class Commands(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)

    def path(self, name):
        return str(Path(self.place.name) / name)

    def make(self, shape):
        hive = self.path(shape)
        subprocess.run([MAKE_HIVE, shape, hive], check=True)
        return hive

    def tool(self, *arguments, code=FINE):
        """What the command prints; its input stays as it was, whatever it does."""
        files = [argument for argument in arguments if Path(argument).is_file()]
        before = [hashlib.sha256(Path(file).read_bytes()).digest() for file in files]
        done = subprocess.run([HIVETOOL, *arguments], capture_output=True, check=False)
        self.assertEqual(done.returncode, code, (arguments, done))
        self.assertEqual(before, [hashlib.sha256(Path(file).read_bytes()).digest() for file in files])
        self.stderr = done.stderr.decode()
        return done.stdout

    def lines(self, *arguments, code=FINE):
        return self.tool(*arguments, code=code).decode().splitlines()

    def test_info_has_the_keys_that_programs_read(self):
        info = json.loads(self.tool("info", "--json", self.make("types")))
        self.assertEqual(set(info), {"keys", "values", "security", "version", "state", "findings", "findings_total"})
        self.assertEqual((info["keys"], info["values"], info["version"], info["state"]), (3, 19, "1.5", "clean"))

    def test_errors_say_what_where_and_what_to_do(self):
        self.tool("info", self.path("nothing"), code=ERROR)
        self.assertIn("nothing: there is no such file (STATUS_OBJECT_NAME_NOT_FOUND)", self.stderr)
        text = Path(self.path("text"))
        text.write_text("no hive" * 1000)
        self.tool("dump", str(text), code=FINDINGS)
        self.assertIn("this is no registry hive", self.stderr)
        self.tool("dump", "--xml", "--json", self.make("types"), code=ERROR)
        self.tool("stats", code=ERROR)
        hive = self.make("types")
        self.tool("compact", hive, "-o", hive, code=ERROR)
        self.assertIn("exists already", self.stderr)

    def test_ls_and_get(self):
        hive = self.make("types")
        listing = self.lines("ls", hive)
        self.assertEqual(listing, ["written 2019-04-17 18:40:00, 2 subkeys, 1 values", "DefaultOnly\\", "Types\\",
                                   "  OnTheRoot  REG_DWORD  7"])
        self.assertIn("  (default)  REG_SZ  the default value", self.lines("ls", hive, "\\types"))
        self.assertEqual(self.lines("get", hive, "Types", "Multi"), ["REG_MULTI_SZ  one | two | three"])
        self.assertEqual(self.lines("get", hive, "DefaultOnly"), ["REG_BINARY  aabbccdd"])
        self.assertEqual(self.tool("get", "--raw", hive, "Types", "Five"), b"\x10\x20\x30\x40\x50")
        self.tool("get", hive, "Types", "Nine", code=ERROR)
        self.tool("ls", hive, "Types\\Nine", code=ERROR)
        self.assertIn("no key 'Nine' below 'Types\\'", self.stderr)

    def test_names_with_control_characters_are_shown_and_found_by_their_escapes(self):
        hive = self.make("strange")
        shown = [line[:-1] for line in self.lines("ls", hive)[1:]]
        self.assertEqual(shown, ["%u0025u0041", "50% up", "line%u000aend", "lone%ud800", "nul%u0000inside", "tab%u0009"])
        for name in shown:
            self.assertEqual(self.lines("ls", hive, name)[1:], ["  value%u0000%u001f\\  REG_SZ  data%u000a"])
            self.assertEqual(self.lines("get", hive, name, "value%u0000%u001F\\"), ["REG_SZ  data%u000a"])
        paths = [json.loads(line)["path"] for line in self.lines("dump", "--json", hive)]
        self.assertEqual(paths[1:], ["\\%u0041", "\\50% up", "\\line\nend", "\\lone\ud800", "\\nul\0inside", "\\tab\t"])

    def test_a_reg_file_holds_every_value(self):
        text = self.tool("dump", "--reg", "--prefix", "HKEY_LOCAL_MACHINE\\T", self.make("types")).decode("utf-16")
        self.assertTrue(text.startswith("Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\T]\r\n"))
        self.assertIn('\r\n[HKEY_LOCAL_MACHINE\\T\\Types]\r\n@="the default value"\r\n"None"=hex(0):00,07,0e', text)
        self.assertIn('"Dword"=dword:84030201\r\n', text)
        self.assertEqual(len([line for line in text.splitlines() if "=" in line]), 19)

    def test_check_reports_and_repair_mends_and_lists_what_it_dropped(self):
        name = b"EmptyString"
        content = Path(self.make("types")).read_bytes()
        at = content.index(name) - 20
        hive = self.path("damaged")
        Path(hive).write_bytes(content[:at] + b"xx" + content[at + 2:])
        report = json.loads(self.tool("check", "--json", hive, code=FINDINGS))
        self.assertEqual((report["state"], report["findings_total"]), ("corrupt", 1))
        finding = report["findings"][0]
        self.assertEqual((finding["kind"], finding["actual"], finding["repair"]), ("value", "no vk signature", "value removed"))
        self.assertIn(f"cell {at - 4 - 4096}", finding["expected"])
        mended = self.path("mended")
        drops = self.lines("repair", hive, "-o", mended, code=FINDINGS)
        self.assertEqual(len([line for line in drops if line.endswith("-> value removed")]), 1)
        self.assertEqual(self.lines("check", mended), ["0 findings"])
        self.assertEqual(self.lines("diff", self.path("types"), mended, code=FINDINGS),
                         ["- value \\Types : EmptyString  type 1, 2 bytes 0000"])

    def test_repair_of_a_sound_hive_changes_nothing(self):
        hive = self.make("many")
        self.tool("repair", hive, "-o", self.path("same"))
        self.assertEqual(Path(hive).read_bytes()[4096:], Path(self.path("same")).read_bytes()[4096:])

    def test_compact_keeps_content_and_times_and_gives_space_back(self):
        hive = self.make("deleted")
        self.tool("compact", hive, "-o", self.path("small"))
        self.assertEqual(self.lines("diff", "--times", hive, self.path("small")), [])
        before, after = (json.loads(self.tool("stats", "--json", file)) for file in (hive, self.path("small")))
        self.assertLess(after["bytes"], before["bytes"])
        self.assertLess(after["wasted"], before["wasted"])
        self.assertEqual(before["kinds"]["keys"]["cells"], 21)

    def test_what_is_written_is_for_the_same_users_as_the_hive(self):
        hive = self.make("types")
        for mode, mask in ((0o600, 0o022), (0o664, 0o077), (0o444, 0o022)):
            Path(hive).chmod(mode)
            for command in ("compact", "recover", "repair"):
                out = Path(self.path(f"{command}-{mode:o}"))
                before = os.umask(mask)
                try:
                    self.tool(command, hive, "-o", str(out))
                finally:
                    os.umask(before)
                self.assertEqual(stat.S_IMODE(out.stat().st_mode), mode, command)
        self.assertEqual(list(Path(self.place.name).glob("*.partial")), [])

    def test_what_could_not_be_written_is_not_there(self):
        hive, small_files = self.make("big"), 'trap "" XFSZ; ulimit -f 4; exec "$0" "$@"'
        before = sorted(Path(self.place.name).iterdir())
        for command in ("compact", "recover", "repair"):
            done = subprocess.run(["sh", "-c", small_files, HIVETOOL, command, hive, "-o", self.path("out")],
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, ERROR, done)
            self.assertEqual(sorted(Path(self.place.name).iterdir()), before)

    def test_stats_account_for_every_byte(self):
        for shape in ("types", "split", "big", "classes", "deleted"):
            stats = json.loads(self.tool("stats", "--json", self.make(shape)))
            cells = sum(kind["bytes"] for kind in stats["kinds"].values())
            self.assertEqual(cells + stats["lost"]["bytes"] + stats["free"]["bytes"] + 32 * stats["bins"], stats["bytes"])
            self.assertEqual(stats["lost"]["cells"], 0)
        self.assertEqual(json.loads(self.tool("stats", "--json", self.path("split")))["lists"].get("ri"), 1)

    def test_diff_tells_both_ways(self):
        hives = [self.make("types"), self.make("qword")]
        there = [json.loads(line) for line in self.lines("diff", "--json", *hives, code=FINDINGS)]
        back = [json.loads(line) for line in self.lines("diff", "--json", *reversed(hives), code=FINDINGS)]
        self.assertEqual([(row["aspect"], row["path"], row.get("before")) for row in there],
                         [(row["aspect"], row["path"], row.get("after")) for row in back])
        self.assertEqual([(row["change"], row["aspect"], row["path"]) for row in there],
                         [("removed", "value", "\\"), ("removed", "key", "\\DefaultOnly"), ("added", "key", "\\Qword"),
                          ("removed", "key", "\\Types")])
        self.assertEqual(there[0]["before"], {"name": "OnTheRoot", "type": 4, "data": "07000000"})
        self.assertEqual(self.lines("diff", hives[0], hives[0]), [])

    def test_deleted_finds_what_make_hive_deleted(self):
        rows = [json.loads(line) for line in self.lines("deleted", "--json", self.make("deleted"))]
        keys = {row["path"]: row for row in rows if row["kind"] == "key"}
        self.assertEqual(set(keys), {"\\Kept\\Gone", "\\Kept\\Gone\\Deeper"})
        values = {value["name"]: value["data"] for value in keys["\\Kept\\Gone\\Deeper"]["values"]}
        self.assertEqual({name: len(data) // 2 for name, data in values.items()}, {"Short": 3, "Long": 500, "Big": 40000})
        self.assertEqual(values["Short"], b"abc".hex())
        self.assertEqual([row["name"] for row in rows if row["kind"] == "value"], ["GoneValue"])
        text = self.lines("deleted", self.path("deleted"))
        self.assertEqual(text[-1], "2 keys, 4 values")

    def test_deleted_looks_behind_the_last_bin(self):
        # As a file is whose size went down in the base block alone: the bins behind it are still there.
        whole = bytearray(Path(self.make("many")).read_bytes())
        small = bytearray(Path(self.make("types")).read_bytes())
        cut = Path(self.path("cut"))
        bins = len(small) - 4096
        self.assertLess(bins, len(whole) - 4096)
        cut.write_bytes(small + whole[4096 + bins:])
        rows = [json.loads(line) for line in self.lines("deleted", "--json", cut)]
        self.assertTrue(any(row.get("place") == "behind the bins" for row in rows))
        self.assertEqual(self.lines("deleted", self.path("types"))[-1].split()[0], "0")

    def test_recover_finds_the_log_beside_the_hive(self):
        hive = self.path("crashed")
        subprocess.run([MAKE_HIVE, "--crash", hive], check=True)
        self.assertEqual(json.loads(self.tool("info", "--json", hive))["state"], "recovered")
        said = self.lines("recover", hive, "-o", self.path("whole"))
        self.assertIn("applied crashed.LOG1", said[0])
        self.assertEqual(json.loads(self.tool("info", "--json", self.path("whole")))["state"], "clean")
        self.assertEqual(self.lines("get", self.path("whole"), "Logged", "Only"), ["REG_SZ  in the log"])

    def test_progress_is_said_only_when_asked_for(self):
        hive = self.make("split")
        self.tool("dump", hive)
        self.assertEqual(self.stderr, "")
        self.tool("dump", "--progress", hive)
        self.assertTrue(self.stderr.endswith("dump: 2502 keys\n"), self.stderr)


if __name__ == "__main__":
    unittest.main()
