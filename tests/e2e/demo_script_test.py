#!/usr/bin/env python3
"""The demo's script on the files that users give it: it ends by itself, leaves nothing running and says what is wrong.
usage: demo_script_test.py BUILD"""
import os
import subprocess
import tempfile
import unittest

import house


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="regent-demo-test.")
        self.addCleanup(self.folder.cleanup)
        self.demo = os.path.join(self.folder.name, "demo")

    def file(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def run_demo(self, *files):
        environment = dict(os.environ, REGENT_BIN=os.path.join(house.BUILD, "bin"), REGENT_DEMO=self.demo)
        done = subprocess.run([os.path.join(house.SOURCE, "tools", "demo.sh"), *files], env=environment,
                              cwd=self.folder.name, capture_output=True, encoding="utf-8", timeout=120)
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/cmdline", encoding="utf-8") as words:
                    self.assertNotIn(self.demo, words.read(), "still running")
            except (FileNotFoundError, ProcessLookupError):
                pass
        return done

    def test_a_reg_file(self):
        self.file("a.reg", b"Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\Software\\DemoTest]\n"
                           b"\"a\"=dword:1\n\"b\"=\"two\"\n")
        done = self.run_demo("a.reg")
        self.assertEqual(done.returncode, 0, done.stderr)
        produced, delivered, dropped = house.ledger(done.stdout)
        self.assertEqual(produced, delivered + dropped)
        self.assertEqual(house.number_after("values written", done.stdout), 2 + 10 + 10)
        rows = house.records(os.path.join(self.demo, "capture.jsonl"))
        written = [row["result"] for row in rows if row["operation"] == "RegSetValue"
                   and row["path"].lower() == "hklm\\software\\demotest\\a"]
        self.assertEqual(written, ["SUCCESS"])

    def test_a_damaged_hive(self):
        file = self.file("bad.hiv", b"regf" + bytes(5000))
        done = self.run_demo(file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(file + " is damaged", done.stderr)

    def test_a_file_that_is_neither_and_one_that_is_not_there(self):
        file = self.file("text", b"hello\n")
        done = self.run_demo(file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(file + ":1: not a .reg file", done.stderr)
        done = self.run_demo(os.path.join(self.folder.name, "none"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot read", done.stderr)


if __name__ == "__main__":
    unittest.main()
