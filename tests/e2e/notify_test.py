"""A driver in regentd is told of the programs that connect, and may refuse one."""
import os
import shutil
import unittest

from house import BUILD, House, program


class Notify(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        self.addCleanup(lambda: self.assertEqual(self.house.stop()[0], 0))
        loaded = self.house.run("regent", "driver", "load", "notify", "--image",
                                os.path.join(BUILD, "drivers", "notify.so"))
        self.assertEqual(loaded.returncode, 0, loaded.stderr)

    def told(self):
        return self.house.run("reg", "query", r"HKLM\Software\Notify").stdout

    def test_clients_begin_and_end(self):
        self.assertEqual(self.house.run("reg", "query", r"HKLM\Software").returncode, 0)
        lines = self.told().splitlines()
        began = [line.split()[0] for line in lines if " began" in line and line.rstrip().endswith("\\reg")]
        ended = [line.split()[0] for line in lines if " ended" in line]
        self.assertGreaterEqual(len(began), 2)  # the first, and the one that asks
        self.assertIn(began[0], ended)
        self.assertNotIn(began[-1], ended)

    def test_a_program_is_refused(self):
        refused = self.house.path("refused")
        shutil.copy(program("reg"), refused)
        done = __import__("subprocess").run([refused, "query", r"HKLM\Software"], capture_output=True, text=True,
                                            env=dict(self.house.environment,
                                                     LD_LIBRARY_PATH=os.path.join(BUILD, "lib")))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("\\refused", self.told())
        self.assertEqual(self.house.run("reg", "query", r"HKLM\Software").returncode, 0)


if __name__ == "__main__":
    unittest.main()
