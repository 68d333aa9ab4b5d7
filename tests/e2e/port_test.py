"""A program and a filter in regentd talk over a communication port; the program ends with a request waiting."""
import os
import unittest

from house import BUILD, House


class Port(unittest.TestCase):
    def test_program_talks_and_vanishes(self):
        house = House()
        self.addCleanup(house.close)
        loaded = house.run("regent", "driver", "load", "port", "--image", os.path.join(BUILD, "drivers", "port.so"))
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        for _ in range(3):  # one connection at a time: each must be gone before the next
            done = house.run("port_client")
            self.assertEqual((done.returncode, done.stdout), (0, "talked\n"), done.stderr)
        self.assertEqual(house.run("regent", "driver", "unload", "port").returncode, 0)
        self.assertEqual(house.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
