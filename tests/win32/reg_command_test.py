#!/usr/bin/env python3
"""reg, as a user types it: outputs, exit codes, files. usage: reg_command_test.py PATH-OF-REG"""
import os
import subprocess
import sys
import tempfile
import unittest

REG = sys.argv.pop(1)
SUCCESS = "The operation completed successfully.\n"
NOT_FOUND = "ERROR: The system was unable to find the specified registry key or value.\n"


class Reg(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        os.environ.pop("REGENT_SOCKET", None)
        os.environ["REGENT_STORE"] = os.path.join(cls.folder.name, "store")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.key = "HKCU\\" + self.id().rsplit(".", 1)[1]
        self.full = "HKEY_CURRENT_USER\\" + self.id().rsplit(".", 1)[1]

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_reg(self, *words, stdin=""):
        done = subprocess.run([REG, *words], input=stdin, capture_output=True, encoding="utf-8", timeout=60)
        return done.returncode, done.stdout, done.stderr

    def good(self, *words, stdin=""):
        code, out, err = self.run_reg(*words, stdin=stdin)
        self.assertEqual((code, err), (0, ""), f"{words}: {out}")
        return out

    def bad(self, *words, stdin=""):
        code, out, err = self.run_reg(*words, stdin=stdin)
        self.assertEqual(code, 1, f"{words}: {out}{err}")
        self.assertTrue(err.startswith("ERROR: "), err)
        return err

    def add(self, key, *words):
        self.assertEqual(self.good("add", key, *words, "/f"), SUCCESS)

    def value(self, key, name):
        """The type and data that query prints."""
        line = self.good("query", key, "/v", name).split("\n")[2]
        return line[4:].split("    ", 2)[1:]

    def test_help_and_syntax(self):
        for verb in ["query", "add", "delete", "copy", "save", "restore", "load", "unload", "compare", "export", "import"]:
            for word in ["/?", "/h", "-H"]:
                self.assertIn("REG " + verb.upper(), self.good(verb, word))
            self.assertIn("Invalid syntax", self.bad(verb))
            self.assertTrue(self.bad(verb, "/?", "/f"))
        self.assertIn("REG Operation", self.good("/?"))
        self.bad()
        self.bad("nonsense")
        self.bad("query", "HKXX\\a")
        self.bad("add", "\\HKCU\\x")
        self.bad("add", "\\\\HKCU\\x")
        self.bad("add", "HKCU\\")
        self.bad("add", self.key + "\\\\")
        for words in [["/f", "/f"], ["/zz"], ["/"], ["-"], ["/v"], ["/v", "a", "/ve"], ["/reg:32", "/reg:64"],
                      ["/t", "REG_NO"], ["/t", ""], ["/d"]]:
            self.bad("add", self.key, *words)
        self.assertEqual(self.bad("query", self.key), NOT_FOUND)

    def test_query_layout(self):
        self.add(self.key, "/v", "Test1", "/d", "Hello, World")
        self.add(self.key, "/v", "Test2", "/t", "REG_DWORD", "/d", "0x123")
        self.add(self.key + "\\sub\\deep")
        values = f"    Test1    REG_SZ    Hello, World\n    Test2    REG_DWORD    0x123\n"
        self.assertEqual(self.good("query", self.key), f"\n{self.full}\n{values}\n{self.full}\\sub\n")
        self.assertEqual(self.good("query", self.key, "/v", "test1"), f"\n{self.full}\n    test1    REG_SZ    Hello, World\n\n")
        self.assertEqual(self.good("query", self.key, "/s"),
                         f"\n{self.full}\n{values}\n{self.full}\\sub\n\n"
                         f"{self.full}\\sub\\deep\n    (Default)    REG_SZ    \n\n")
        self.assertEqual(self.good("query", self.key + "\\sub"), f"\n{self.full}\\sub\\deep\n")
        self.assertEqual(self.good("query", self.key, "/ve"), f"\n{self.full}\n    (Default)    REG_SZ    (value not set)\n\n")
        self.assertEqual(self.good("query", self.key, "/v", "Test2", "/z"),
                         f"\n{self.full}\n    Test2    REG_DWORD (4)    0x123\n\n")
        self.bad("query", self.key, "/v", "Missing")

    def test_query_search(self):
        self.add(self.key, "/v", "Alpha", "/d", "one")
        self.add(self.key + "\\sub", "/v", "Beta", "/d", "alphabet")
        self.assertEqual(self.good("query", self.key, "/s", "/f", "alpha"),
                         f"\n{self.full}\n    Alpha    REG_SZ    one\n\n{self.full}\\sub\n    Beta    REG_SZ    alphabet\n\n"
                         "End of search: 2 match(es) found.\n")
        self.assertIn("End of search: 1 match(es) found.", self.good("query", self.key, "/s", "/f", "alpha", "/d"))
        self.assertIn("End of search: 1 match(es) found.", self.good("query", self.key, "/s", "/f", "Alpha", "/c"))
        self.assertIn("End of search: 1 match(es) found.", self.good("query", self.key, "/s", "/f", "alpha", "/e"))
        self.assertEqual(self.good("query", self.key, "/f", "sub", "/k"),
                         f"\n{self.full}\\sub\n\nEnd of search: 1 match(es) found.\n")
        self.assertEqual(self.run_reg("query", self.key, "/f", "nowhere"),
                         (1, "\nEnd of search: 0 match(es) found.\n", ""))
        self.bad("query", self.key, "/k")

    def test_add_types(self):
        cases = [
            ("REG_SZ", "a\\0b", "a\\0b"), ("REG_EXPAND_SZ", "%PATH%", "%PATH%"), ("REG_NONE", "a", "61000000"),
            ("REG_BINARY", "abc", "0ABC"), ("REG_BINARY", "", ""), ("REG_DWORD", "0123", "0x7b"), ("reg_dword", "0Xff", "0xff"),
            ("REG_DWORD_BIG_ENDIAN", "258", "0x102"), ("REG_QWORD", "-1", "0xffffffffffffffff"),
            ("REG_QWORD", "0x123456789", "0x123456789"), ("REG_MULTI_SZ", "three\\0little\\0strings", "three\\0little\\0strings"),
            ("REG_MULTI_SZ", "a\\0", "a"), ("REG_MULTI_SZ", "\\0", ""),
        ]
        for kind, data, shown in cases:
            self.add(self.key, "/v", "v", "/t", kind, "/d", data)
            self.assertEqual(self.value(self.key, "v"), [kind.upper(), shown], (kind, data))
        for kind, data in [("REG_BINARY", "0x12"), ("REG_BINARY", "xy"), ("REG_DWORD", "ab"), ("REG_DWORD", "1x"),
                           ("REG_DWORD", "-1"), ("REG_DWORD", "4294967296"), ("REG_DWORD", "-0x1"), ("REG_DWORD", "0x"),
                           ("REG_QWORD", "18446744073709551616"), ("REG_MULTI_SZ", "\\0a"), ("REG_MULTI_SZ", "a\\0\\0b")]:
            self.bad("add", self.key, "/v", "v", "/t", kind, "/d", data, "/f")
        self.bad("add", self.key, "/v", "v", "/t", "REG_DWORD", "/f")
        self.add(self.key, "/v", "q", "/t", "REG_QWORD")
        self.assertEqual(self.value(self.key, "q"), ["REG_QWORD", "0x0"])
        self.add(self.key, "/v", "m", "/t", "REG_MULTI_SZ", "/s", "#", "/d", "a#b\\0c")
        self.assertEqual(self.good("query", self.key, "/v", "m", "/se", "|").split("\n")[2], "    m    REG_MULTI_SZ    a|b\\0c")
        self.bad("add", self.key, "/v", "m", "/t", "REG_MULTI_SZ", "/s", "##", "/d", "a", "/f")

    def test_add_asks(self):
        self.assertEqual(self.good("add", self.key, "/v", "v", "/d", "1"), SUCCESS)
        question = "Value exists, overwrite(Yes/No)? "
        self.assertEqual(self.good("add", self.key, "/v", "v", "/d", "2", stdin="maybe\nn\n"),
                         question * 2 + "The operation was canceled by the user.\n")
        self.assertEqual(self.value(self.key, "v"), ["REG_SZ", "1"])
        self.assertEqual(self.good("add", self.key, "/v", "v", "/d", "2", stdin="YES\n"), question + SUCCESS)
        self.assertEqual(self.value(self.key, "v"), ["REG_SZ", "2"])
        self.assertEqual(self.run_reg("add", self.key, "/v", "v", "/d", "3")[0], 1)
        self.assertEqual(self.value(self.key, "v"), ["REG_SZ", "2"])

    def test_delete(self):
        self.add(self.key, "/v", "a")
        self.add(self.key, "/v", "b")
        self.add(self.key + "\\sub\\deep")
        self.assertEqual(self.good("delete", self.key, "/v", "a", "/f"), SUCCESS)
        self.assertEqual(self.bad("delete", self.key, "/v", "a", "/f"), NOT_FOUND)
        self.assertEqual(self.good("delete", self.key, "/va", "/f"), SUCCESS)
        self.assertEqual(self.good("query", self.key), f"\n{self.full}\\sub\n")
        self.assertEqual(self.good("delete", self.key, stdin="y\n"),
                         f"Permanently delete the registry key {self.full} (Yes/No)? " + SUCCESS)
        self.assertEqual(self.bad("delete", self.key, "/f"), NOT_FOUND)
        self.bad("delete", "HKCU", "/f")

    def test_copy(self):
        self.add(self.key + "\\a", "/v", "v", "/d", "1")
        self.add(self.key + "\\a\\sub", "/v", "w", "/t", "REG_BINARY", "/d", "01")
        self.assertEqual(self.good("copy", self.key + "\\a", self.key + "\\b", "/f"), SUCCESS)
        self.assertEqual(self.good("query", self.key + "\\b", "/s"), f"\n{self.full}\\b\n    v    REG_SZ    1\n\n")
        self.assertEqual(self.good("copy", self.key + "\\a", self.key + "\\b", "/s", "/f"), SUCCESS)
        self.assertEqual(self.value(self.key + "\\b\\sub", "w"), ["REG_BINARY", "01"])
        self.assertEqual(self.good("copy", self.key + "\\a", self.key + "\\a\\in", "/s", "/f"), SUCCESS)
        self.bad("query", self.key + "\\a\\in\\in")
        self.assertIn("exists, overwrite (Yes/No/All)? ", self.good("copy", self.key + "\\a", self.key + "\\b", stdin="n\n"))
        self.bad("copy", self.key, self.key + "\\", "/f")
        self.bad("copy", self.key)
        self.bad("copy", "/f", self.key, self.key + "2")
        self.bad("copy", self.key + "\\missing", self.key + "2", "/f")

    def test_compare(self):
        self.add(self.key + "\\a", "/v", "v", "/d", "1")
        self.add(self.key + "\\b", "/v", "v", "/d", "1")
        self.assertIn("Result Compared: Identical", self.good("compare", self.key + "\\a", self.key + "\\b"))
        self.add(self.key + "\\b", "/v", "v", "/t", "REG_DWORD", "/d", "1")
        code, out, _ = self.run_reg("compare", self.key + "\\a", self.key + "\\b")
        self.assertEqual(code, 2)
        self.assertEqual(out, f"< Value: {self.full}\\a v REG_SZ 1\n> Value: {self.full}\\b v REG_DWORD 0x1\n\n"
                              "Result Compared: Different\n\n" + SUCCESS)

    def test_save_load_unload(self):
        file = self.path("saved.hiv")
        self.add(self.key + "\\sub", "/v", "v", "/d", "kept")
        self.assertEqual(self.good("save", self.key, file), SUCCESS)
        with open(file, "rb") as hive:
            self.assertEqual(hive.read(4), b"regf")
        self.assertEqual(self.good("save", self.key, file, stdin="no\n"),
                         f"File {file} already exists. Overwrite (Yes/No)?The operation was canceled by the user.\n")
        self.assertEqual(self.good("save", self.key, file, "/y"), SUCCESS)
        self.add(self.key + "\\sub", "/v", "v", "/d", "changed")
        self.add(self.key + "\\later", "/v", "v", "/d", "x")
        self.assertEqual(self.good("restore", self.key, file), SUCCESS)
        self.assertEqual(self.value(self.key + "\\sub", "v"), ["REG_SZ", "kept"])
        self.bad("query", self.key + "\\later")
        self.bad("restore", self.key + "\\missing", file)
        self.bad("restore", self.key, self.path("no-such-file"))
        # An embedded store is one process's: what load mounts goes with it, so a second load of the name succeeds.
        self.assertEqual(self.good("load", "HKLM\\Loaded", file), SUCCESS)
        self.bad("load", "HKCU\\Loaded", file)
        self.bad("load", "HKLM\\A\\B", file)
        text = self.path("not-a-hive")
        with open(text, "w", encoding="utf-8") as other:
            other.write("x" * 8192)
        self.bad("load", "HKLM\\Loaded", text)
        self.bad("unload", "HKLM\\NotLoaded")
        self.bad("save", self.key + "\\missing", file, "/y")

    def test_export(self):
        file = self.path("out.reg")
        self.add(self.key, "/v", 'a"\\', "/d", 'x"\\y')
        self.add(self.key, "/v", "n", "/t", "REG_DWORD", "/d", "291")
        self.add(self.key + "\\b", "/t", "REG_EXPAND_SZ", "/d", "%A%")
        self.add(self.key + "\\A", "/v", "m", "/t", "REG_MULTI_SZ", "/d", "o\\0t")
        self.assertEqual(self.good("export", self.key, file), SUCCESS)
        with open(file, "rb") as written:
            data = written.read()
        self.assertEqual(data[:2], b"\xff\xfe")
        self.assertEqual(data[2:].decode("utf-16-le"),
                         "Windows Registry Editor Version 5.00\r\n\r\n"
                         f'[{self.full}]\r\n"a\\"\\\\"="x\\"\\\\y"\r\n"n"=dword:00000123\r\n\r\n'
                         f'[{self.full}\\A]\r\n"m"=hex(7):6f,00,00,00,74,00,00,00,00,00\r\n\r\n'
                         f"[{self.full}\\b]\r\n@=hex(2):25,00,41,00,25,00,00,00\r\n\r\n")
        self.bad("export", self.key, "/y", file)
        self.bad("export", "/y", self.key, file)
        self.bad("export", self.key + "\\missing", file, "/y")
        self.bad("export", "\\\\remote-pc\\HKLM\\X", file, "/y")
        again = self.path("again.reg")
        self.assertEqual(self.good("delete", self.key, "/f"), SUCCESS)
        self.assertEqual(self.good("import", file), SUCCESS)
        self.assertEqual(self.good("export", self.key, again, "/y"), SUCCESS)
        with open(again, "rb") as written:
            self.assertEqual(written.read(), data)

    def test_import_bad_lines(self):
        file = self.path("bad.reg")
        with open(file, "w", encoding="utf-8", newline="\r\n") as text:
            text.write(f'Windows Registry Editor Version 5.00\n\n[{self.full}]\n"good"="1"\n"bad"=nonsense\n"also"=dword:2\n'
                       '[HKXX\\Nowhere]\n"lost"="1"\n')
        code, out, err = self.run_reg("import", file)
        self.assertEqual((code, out), (0, SUCCESS))
        self.assertEqual(err, f"{file}:5: unknown kind of data\n{file}:7: unknown root key; the values below it are skipped\n"
                              f"{file}: 1 keys and 2 values imported, 2 lines skipped, 0 refused\n")
        self.assertEqual(self.value(self.key, "also"), ["REG_DWORD", "0x2"])
        with open(file, "w", encoding="utf-8") as text:
            text.write("[HKEY_CURRENT_USER\\x]\n")
        code, _, err = self.run_reg("import", file)
        self.assertEqual((code, err), (1, f"{file}:1: not a .reg file: the first line is no header of one\n"))
        self.bad("import", self.path("missing.reg"))
        self.bad("import", file, file)

    def test_import_deletes(self):
        file = self.path("delete.reg")
        self.add(self.key + "\\gone\\deep")
        self.add(self.key, "/v", "gone")
        with open(file, "wb") as text:
            text.write(b"REGEDIT4\n[-" + self.full.encode() + b"\\gone]\n[-" + self.full.encode() + b"\\never]\n["
                       + self.full.encode() + b"]\n\"gone\"=-\n\"text\"=\"h\xe9\"\n")
        self.assertEqual(self.good("import", file), SUCCESS)
        self.assertEqual(self.good("query", self.key, "/s"), f"\n{self.full}\n    text    REG_SZ    h\u00e9\n\n")

    def test_gate_options(self):
        other = self.path("other")
        self.assertEqual(self.good("add", self.key, "/f", "--store", other), SUCCESS)
        self.assertEqual(self.bad("query", self.key), NOT_FOUND)
        self.good("--store", other, "query", self.key)
        self.bad("query", self.key, "--store")
        self.bad("query", self.key, "--socket", self.path("no-daemon"))


if __name__ == "__main__":
    unittest.main()
