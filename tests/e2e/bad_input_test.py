#!/usr/bin/env python3
"""What a user can do wrong, through the programs: one clear message each, and the store stays consistent.
usage: bad_input_test.py BUILD"""
import json
import os
import re
import resource
import signal
import subprocess
import unittest

import house

HIVES = ("SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT")
LIMIT = 1 << 20


def small_files():
    """Every file of the daemon ends at LIMIT, as on a full disk: a write beyond it fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


class BadInput(unittest.TestCase):
    def start(self, prepare=None):
        self.house = house.House(prepare=prepare)
        self.addCleanup(self.house.close)

    def reg(self, *words):
        done = self.house.run("reg", *words)
        return done.returncode, done.stdout, done.stderr

    def path(self, name, content):
        path = self.house.path(name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def findings(self, hive):
        done = subprocess.run([house.program("hivetool"), "info", "--json", hive], capture_output=True, text=True)
        return json.loads(done.stdout)["findings"]

    def test_damaged_hives_are_refused(self):
        self.start()
        for name, content in (("empty", b""), ("short", b"regf" + bytes(96)), ("noise", os.urandom(8192)),
                              ("zeros", bytes(8192))):
            code, _, error = self.reg("load", "HKLM\\Bad", self.path(name, content))
            self.assertEqual(code, 1, name)
            self.assertIn("ERROR: ", error)
            self.assertEqual(self.reg("query", "HKLM\\Bad")[0], 1)
        # The base block is whole and the bins are noise.
        code, _, error = self.reg("save", "HKLM\\Software", self.house.path("saved"))
        self.assertEqual(code, 0, error)
        with open(self.house.path("saved"), "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(2048))
        self.assertEqual(self.reg("load", "HKLM\\Bad", self.house.path("saved"))[0], 1)

    def damage_a_value(self, hive):
        """Lets the data of the value "Damaged" lie outside the file; returns where its record begins."""
        with open(hive, "r+b") as file:
            record = file.read().index(b"Damaged") - 20
            file.seek(record + 8)
            file.write((0x7FFFFFF0).to_bytes(4, "little"))
        return record

    def test_a_load_that_heals_or_is_refused_is_told_with_its_place(self):
        self.start()
        self.assertEqual(self.reg("add", "HKLM\\Software\\Part", "/v", "Damaged", "/d", "0123456789", "/f")[0], 0)
        saved, noise = self.house.path("saved"), self.path("noise", b"regf" + os.urandom(8188))
        self.assertEqual(self.reg("save", "HKLM\\Software\\Part", saved)[0], 0)
        record = self.damage_a_value(saved)
        self.assertEqual(self.reg("load", "HKLM\\Healed", saved)[0], 0)
        self.assertEqual(self.reg("load", "HKLM\\Noise", noise)[0], 1)
        seen = self.house.run("regmon", "dbgview", "--once").stdout
        software = os.path.join(self.house.store, "SOFTWARE")
        self.assertEqual(self.house.stop()[0], 0)
        value = f"value 0 at cell {record - 4 - 4096}"
        self.assertRegex(seen, re.escape(saved) + r": damage at offset \d+ \(value\): expected " + value + ".*: value removed")
        self.assertRegex(seen, re.escape(noise) + r": STATUS_REGISTRY_CORRUPT: .* at offset \d+ \(base_block\): expected ")
        # A store's own hive is verified when it is touched (ADR 0009): the damage is met, and mended by the next boot.
        self.damage_a_value(software)
        self.house.start()
        code, _, error = self.reg("query", "HKLM\\Software\\Part", "/v", "Damaged")
        self.assertEqual(code, 1)
        self.assertIn("corrupt", error.lower())
        self.assertEqual(self.house.stop()[0], 0)
        self.house.start()
        self.assertEqual(self.reg("query", "HKLM\\Software\\Part")[0], 0)
        code, said = self.house.stop()
        self.assertEqual(code, 0)
        self.assertRegex(said, software + r": damage at offset \d+ \(value\): .* is kept as " + software + ".corrupt\n")

    def test_the_daemon_and_the_library_say_the_same_of_a_hive(self):
        self.start()
        noise = self.path("noise", b"regf" + bytes(8188))
        self.assertEqual(self.reg("load", "HKLM\\Noise", noise)[0], 1)
        said = self.house.stop()[1]
        line = next(line for line in said.splitlines() if noise in line).removeprefix("regentd: ")
        self.assertRegex(line, r"STATUS_REGISTRY_CORRUPT: .*at offset \d+ \(base_block\): expected ")
        environment = dict(self.house.environment, REGENT_STORE=self.house.store, REGENT_DEBUG_STDERR="1")
        del environment["REGENT_SOCKET"]
        done = subprocess.run([house.program("reg"), "load", "HKLM\\Noise", noise], env=environment,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(line, done.stderr)

    def test_a_bad_line_of_a_reg_file_is_named(self):
        self.start()
        file = self.path("a.reg", b"Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\Software\\Bad]\n"
                                  b"\"a\"=dword:zz\n\"b\"=dword:1\n")
        code, _, error = self.reg("import", file)
        self.assertEqual(code, 0, "as Windows: the other lines are imported")
        self.assertIn(f"{file}:4: ", error)
        self.assertEqual(self.reg("query", "HKLM\\Software\\Bad", "/v", "b")[0], 0)

    def test_a_driver_that_is_none_or_lacks_an_export_is_told_in_one_line(self):
        self.start()
        bad = os.path.join(house.BUILD, "tests", "drivers", "bad")
        for name, reason in (("unresolved", "undefined symbol: KeRoutineThatNobodyHas"),
                             ("text", "not a driver image"), ("no_entry", "no DriverEntry"),
                             ("entry_fails", "DriverEntry failed with STATUS_END_OF_FILE"), ("missing", "no such file")):
            done = self.house.run("regent", "driver", "load", name, "--image", os.path.join(bad, name + ".so"))
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(reason, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(self.house.run("regent", "driver", "load", "cancel", "--image", "cancel.so").returncode, 0)
        done = self.house.run("regent", "driver", "load", "cancel")
        self.assertIn("already loaded", done.stderr)

    def test_regmon_says_why_its_driver_does_not_load(self):
        self.start()
        service = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regmon"
        bad = os.path.join(house.BUILD, "tests", "drivers", "bad")
        for name, reason in (("unresolved", "undefined symbol: KeRoutineThatNobodyHas"), ("missing", "no such file")):
            image = "\\??\\UNIX" + os.path.join(bad, name + ".so").replace("/", "\\")
            for value, kind, data in (("Type", "REG_DWORD", "1"), ("Start", "REG_DWORD", "3"),
                                      ("ImagePath", "REG_EXPAND_SZ", image)):
                self.assertEqual(self.reg("add", service, "/v", value, "/t", kind, "/d", data, "/f")[0], 0)
            done = self.house.run("regmon", "run", "--", "true")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(service, done.stderr)
            self.assertIn(reason, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_a_full_disk_fails_the_flush_and_harms_nothing(self):
        self.start(small_files)
        self.assertEqual(self.reg("add", "HKLM\\Software\\Kept", "/v", "before", "/d", "1", "/f")[0], 0)
        self.assertEqual(json.loads(self.house.run("flush_client", "0", "0").stdout)["flush"], "STATUS_SUCCESS")
        done = self.house.run("flush_client", "16", str(LIMIT // 4))
        answer = json.loads(done.stdout)
        self.assertEqual(answer["set"], 16, answer)
        self.assertEqual(answer["flush"], "STATUS_DISK_FULL", answer)
        # The daemon goes on, and what does not fit is in memory still.
        self.assertEqual(self.reg("query", "HKLM\\Software\\Kept", "/v", "before")[0], 0)
        self.assertEqual(self.reg("query", "HKLM\\Software\\Filler")[0], 0)
        # What the daemon could not write at its end it says, and its exit code as well.
        code, said = self.house.stop()
        self.assertEqual(code, 1)
        self.assertIn(f"{self.house.store}/SOFTWARE: the last changes were not written: STATUS_DISK_FULL\n", said)
        self.house.start()
        for hive in HIVES:
            self.assertEqual(self.findings(os.path.join(self.house.store, hive)), [], hive)
        self.assertEqual(self.reg("query", "HKLM\\Software\\Kept", "/v", "before")[0], 0)
        done = self.house.run("flush_client", "2", "4096")
        self.assertEqual(json.loads(done.stdout)["flush"], "STATUS_SUCCESS", done.stdout)
        self.assertEqual(self.house.stop()[0], 0)

    def test_a_client_killed_with_a_request_pending_leaves_the_driver_unloadable(self):
        self.start()
        self.assertEqual(self.house.run("regent", "driver", "load", "cancel", "--image", "cancel.so").returncode, 0)
        key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\cancel"
        self.assertEqual(self.house.run("regent", "driver", "unload", "cancel").returncode, 0)
        self.assertEqual(self.reg("add", key + "\\Parameters", "/v", "PeriodMilliseconds", "/t", "REG_DWORD", "/d",
                                  "600000", "/f")[0], 0)
        self.assertEqual(self.house.run("regent", "driver", "load", "cancel").returncode, 0)
        for way in ("waiting", "pending"):
            with subprocess.Popen([house.program("pending_client"), way], env=self.house.environment,
                                  stdout=subprocess.PIPE, text=True) as client:
                self.assertEqual(client.stdout.readline(), "reading\n")
                client.kill()
        done = self.house.run("pending_client", "counts")
        self.assertEqual(json.loads(done.stdout), {"completed": 0, "cancelled": 2})
        self.assertEqual(self.house.run("regent", "driver", "unload", "cancel").returncode, 0)
        self.assertNotIn("cancel", self.house.run("regent", "driver", "list").stdout)
        self.assertEqual(self.house.stop()[0], 0)

    def test_a_store_or_a_socket_that_cannot_be_is_told(self):
        self.start()
        for words, text in ((["--store", self.house.store, "--socket", self.house.path("two")], "in use by process"),
                            (["--store", self.house.path("b"), "--socket", self.house.path("x" * 200)],
                             "the system allows")):
            done = subprocess.run([house.program("regentd"), *words], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
