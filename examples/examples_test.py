#!/usr/bin/env python3
"""The examples as a user runs them, against a daemon. usage: examples_test.py BUILD"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop(1))
SOURCES = pathlib.Path(__file__).parent
MINGW = shutil.which("x86_64-w64-mingw32-gcc")


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.environment = dict(os.environ, REGENT_SOCKET=cls.folder.name + "/socket")
        cls.environment.pop("REGENT_STORE", None)
        cls.daemon = subprocess.Popen(
            [BUILD / "bin/regentd", "--store", cls.folder.name + "/store", "--socket", cls.environment["REGENT_SOCKET"]],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        assert "ready" in cls.daemon.stdout.readline()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.terminate()
        cls.daemon.communicate()
        cls.folder.cleanup()
        assert cls.daemon.returncode == 0

    def start(self, name, *words):
        return subprocess.Popen([BUILD / "examples" / name, *words], env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, encoding="utf-8")

    def run_it(self, name, *words):
        with self.start(name, *words) as program:
            out, err = program.communicate(timeout=60)
        return program.returncode, out, err

    def good(self, name, *words):
        code, out, err = self.run_it(name, *words)
        self.assertEqual((code, err), (0, ""), f"{name} {words}: {out}")
        return out

    def test_client_tour(self):
        self.assertEqual(self.good("client_tour"),
                         "640 wide, 24 deep\n  Width: type 4, 4 bytes\n  Title: type 1, 24 bytes\n"
                         "  Recent: type 7, 34 bytes\nthe watcher saw it\n")

    def test_settings_are_seen_live_by_another_process(self):
        self.good("settings", "set", "Volume", "3")
        self.assertEqual(self.good("settings", "get", "Volume"), "3\n")
        with self.start("settings", "watch", "2") as watcher:
            self.assertEqual(watcher.stdout.readline(), "watching\n")
            self.assertEqual(watcher.stdout.readline(), "Volume=3 \n")
            self.good("settings", "set", "Volume", "4")
            self.assertEqual(watcher.stdout.readline(), "Volume=4 \n")
            self.good("settings", "set", "Balance", "50")
            self.assertEqual(watcher.stdout.readline(), "Volume=4 Balance=50 \n")
            self.assertEqual(watcher.wait(60), 0)
            self.assertEqual(watcher.stderr.read(), "")

    def test_regwalk_prints_a_tree(self):
        self.good("settings", "set", "Volume", "7")
        out = self.good("regwalk", "HKCU\\Software\\RegentExamples")
        self.assertTrue(out.startswith("[HKCU\\Software\\RegentExamples] 1 keys, 0 values\n  [Settings] 0 keys, "), out)
        self.assertIn("\n    Volume = 0x00000007\n", out)
        self.assertIn("CentralProcessor", self.good("regwalk", "HKLM\\HARDWARE", "3"))
        code, out, err = self.run_it("regwalk", "HKCU\\Absent")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("cannot find the file specified", err)

    def test_an_installation_is_there_whole_or_not_at_all(self):
        entry = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\RegentExample"
        self.assertEqual(self.good("installer", "install", "--fail"), "broken off, nothing was changed\n")
        self.assertEqual(self.run_it("regwalk", entry)[0], 1)
        self.assertEqual(self.run_it("regwalk", "HKCU\\Software\\Classes\\.rgex")[0], 1)
        self.assertEqual(self.good("installer", "install"), "done\n")
        self.assertIn('DisplayName = "Regent example"', self.good("regwalk", entry))
        self.assertIn('(Default) = "RegentExample.File"', self.good("regwalk", "HKCU\\Software\\Classes\\.rgex"))
        self.assertEqual(self.good("installer", "remove"), "done\n")
        self.assertEqual(self.run_it("regwalk", entry)[0], 1)
        self.assertEqual(self.run_it("installer", "remove")[0], 1)

    @unittest.skipUnless(MINGW, "mingw-w64 is not installed")
    def test_the_windows_programs_compile_for_windows(self):
        for name in ["regwalk", "settings", "installer"]:
            done = subprocess.run([MINGW, "-Wall", "-Werror", "-municode", SOURCES / (name + ".c"), "-o",
                                   f"{self.folder.name}/{name}.exe", "-ladvapi32", "-lktmw32"], capture_output=True, encoding="utf-8")
            self.assertEqual((done.returncode, done.stderr), (0, ""))


unittest.main()
