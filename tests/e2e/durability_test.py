#!/usr/bin/env python3
"""The durability options of a store, through the programs.
usage: durability_test.py BUILD"""
import os
import subprocess
import unittest

import house

KEY = "HKLM\\Software\\Durability"


def tree(folder):
    """Every file below a folder: its content and when it was changed; every folder likewise."""
    found = {}
    for place, _, names in os.walk(folder):
        found[place] = os.stat(place).st_mtime_ns
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[path] = (os.stat(path).st_mtime_ns, file.read())
    return found


class Durability(unittest.TestCase):
    def start(self, *options):
        self.house = house.House(options=options)
        self.addCleanup(self.house.close)

    def again(self, *options):
        self.house.start(options=options)

    def kill(self):
        self.house.daemon.kill()
        self.house.daemon.communicate()
        self.house.daemon = None

    def reg(self, *words):
        done = self.house.run("reg", *words)
        return done.returncode, done.stdout, done.stderr

    def set(self, value, data):
        return self.reg("add", KEY, "/v", value, "/t", "REG_SZ", "/d", data, "/f")

    def has(self, value):
        return self.reg("query", KEY, "/v", value)[0] == 0

    def filled(self):
        """A store with a value, and with its hives dirty: their last changes are in the logs alone."""
        self.start("--durability", "every")
        self.assertEqual(self.set("kept", "text")[0], 0)
        self.kill()

    def test_what_was_acknowledged_survives_a_kill(self):
        self.start("--durability", "every")
        for number in range(20):
            self.assertEqual(self.set("v%d" % number, "text")[0], 0)
        self.kill()
        self.again()
        self.assertTrue(all(self.has("v%d" % number) for number in range(20)))

    def test_a_lazy_store_that_is_not_asked_loses_it(self):
        self.start("--durability", "lazy:0")
        self.house.stop()
        self.again("--durability", "lazy:0")
        self.assertEqual(self.set("lost", "text")[0], 0)
        self.kill()
        self.again()
        self.assertFalse(self.has("lost"))

    def test_a_read_only_store_is_read_and_no_more(self):
        self.filled()
        before = tree(self.house.store)
        self.again("--read-only")
        self.assertTrue(self.has("kept"))
        code, _, error = self.set("new", "text")
        self.assertEqual(code, 1)
        self.assertIn("write", error.lower())
        self.assertEqual(self.reg("delete", KEY, "/f")[0], 1)
        self.assertEqual(self.reg("query", "HKLM\\SYSTEM\\CurrentControlSet\\Control\\hivelist")[0], 0)
        saved = self.house.path("saved")
        self.assertEqual(self.reg("save", KEY, saved)[0], 0)  # a file that the caller names
        self.assertEqual(self.reg("load", "HKLM\\Loaded", saved)[0], 0)
        self.assertTrue(self.reg("query", "HKLM\\Loaded", "/v", "kept")[0] == 0)
        self.assertEqual(self.reg("add", "HKLM\\Loaded\\k", "/f")[0], 1)
        self.assertEqual(self.reg("load", "HKLM\\Missing", self.house.path("missing"))[0], 1)
        self.assertEqual(self.house.stop()[0], 0)
        self.assertEqual(tree(self.house.store), before)

    def test_a_store_in_memory_leaves_the_files(self):
        self.filled()
        before = tree(self.house.store)
        self.again("--memory")
        self.assertTrue(self.has("kept"))
        self.assertEqual(self.set("new", "text")[0], 0)
        self.assertTrue(self.has("new"))
        self.assertEqual(self.house.stop()[0], 0)
        self.assertEqual(tree(self.house.store), before)
        self.again()
        self.assertFalse(self.has("new"))

    def test_a_store_in_memory_needs_no_folder(self):
        missing = os.path.join(os.sep, "no", "such", "folder")
        self.house = house.House(store=missing, options=["--durability", "memory"])
        self.addCleanup(self.house.close)
        self.assertEqual(self.set("new", "text")[0], 0)
        self.assertTrue(self.has("new"))
        self.assertEqual(self.house.stop()[0], 0)
        self.assertFalse(os.path.exists(missing))

    def test_readers_share_a_store_and_keep_writers_out(self):
        self.filled()
        self.again("--read-only")
        environment = dict(os.environ, REGENT_STORE=self.house.store, REGENT_DURABILITY="read-only")
        environment.pop("REGENT_SOCKET", None)

        def query(**more):
            return subprocess.run([house.program("reg"), "query", KEY], env={**environment, **more},
                                  capture_output=True, text=True, timeout=60)
        self.assertEqual(query().returncode, 0)
        refused = query(REGENT_DURABILITY="lazy")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("in use by a process that only reads it", refused.stdout + refused.stderr)
        self.assertNotEqual(query(REGENT_DURABILITY="sometimes").returncode, 0)

    def test_a_word_that_is_none_is_told(self):
        done = subprocess.run([house.program("regentd"), "--durability", "lazy:soon"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no durability: lazy:soon", done.stderr)


if __name__ == "__main__":
    unittest.main()
