#!/usr/bin/env python3
"""regmon's counts are what a client counted itself, four threads at once, some failing. usage: monitor_test.py BUILD"""
import csv
import json
import unittest

import house

ROUNDS = 200


class Monitor(unittest.TestCase):
    def setUp(self):
        self.house = house.House()
        self.addCleanup(self.house.close)

    def watch(self, output, rounds, *options):
        """Runs the client under regmon: (what regmon printed, the client's own counts)."""
        done = self.house.run("regmon", "run", "--quiet", *options, "--output", output, "--",
                              house.program("counted_client"), str(rounds))
        self.assertEqual(done.returncode, 0, done.stderr)
        own = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"pid"')))
        return done.stdout + done.stderr, own

    def test_every_operation_is_recorded_once(self):
        output = self.house.path("capture.jsonl")
        text, own = self.watch(output, ROUNDS)
        pid = own.pop("pid")
        rows = house.records(output)
        self.assertEqual(house.counts(row for row in rows if row["pid"] == pid), own)
        # The client counts: if these were 0, the comparison above would say nothing.
        self.assertEqual(own["RegCreateKey"], [4 * ROUNDS + 1, 4 * ROUNDS])
        self.assertEqual(own["RegCloseKey"], [4 * ROUNDS + 1, 0])
        produced, delivered, dropped = house.ledger(text)
        self.assertEqual((produced, dropped), (delivered, 0))
        self.assertEqual(delivered, len(rows))
        self.assertEqual(house.number_after("failed creates", text), own["RegCreateKey"][1])
        self.assertEqual(house.number_after("values written", text), own["RegSetValue"][0])
        self.assertEqual({row["tid"] == pid for row in rows}, {True, False}, "work of several threads")
        order = {}
        for row in rows:
            order.setdefault(row["ring"], []).append(row["sequence"])
        for sequence in order.values():
            self.assertEqual(sorted(sequence), list(range(min(sequence), min(sequence) + len(sequence))))

    def test_csv_has_the_same_rows_in_procmon_columns(self):
        output = self.house.path("capture.csv")
        text, own = self.watch(output, 20)
        with open(output, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0])[:7],
                         ["Time of Day", "Process Name", "PID", "Operation", "Path", "Result", "Detail"])
        self.assertEqual(len(rows), house.ledger(text)[1])
        pid = str(own.pop("pid"))
        mine = [row for row in rows if row["PID"] == pid]
        for operation, pair in own.items():
            found = [row["Result"] == "SUCCESS" for row in mine if row["Operation"] == operation]
            self.assertEqual([found.count(True), found.count(False)], pair, operation)

    def test_text_has_a_line_each(self):
        output = self.house.path("capture.txt")
        text, own = self.watch(output, 20)
        pid = own.pop("pid")
        with open(output, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(len(lines), house.ledger(text)[1])
        for operation, pair in own.items():
            found = [line for line in lines if f":{pid} " in line and f"  {operation} " in line]
            self.assertEqual(len(found), sum(pair), operation)

    def test_a_command_that_fails_gives_its_exit_code_and_the_driver_goes(self):
        done = self.house.run("regmon", "run", "--quiet", "--", house.program("reg"), "query", "HKLM\\Software\\None")
        self.assertEqual(done.returncode, 1, done.stderr)
        listed = self.house.run("regent", "driver", "list")
        self.assertNotIn("regmon", listed.stdout)
        code, said = self.house.stop()
        self.assertEqual(code, 0, said)


if __name__ == "__main__":
    unittest.main()
