#!/usr/bin/env python3
"""A driver that stops the system: the daemon comes back with everything flushed, a report is left, and a driver that
does it twice is not started again. usage: supervise_test.py BUILD"""
import os
import re
import shutil
import signal
import subprocess
import unittest

import house
import minidump

CRASHES = os.path.join(house.BUILD, "tests/drivers/bad/crashes.so")
CRASHES_PE = os.path.join(house.BUILD, "tests/drivers/bad/crashes.sys")
LLVM_READER = shutil.which("obj2yaml-19") or shutil.which("obj2yaml")
SERVICE = r"HKLM\System\CurrentControlSet\Services\crashes"


class Supervised(house.House):
    def start(self, prepare=None, options=()):
        with open(self.path("said"), "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                [house.program("regentd"), "--supervise", "--store", self.store, "--socket", self.socket, *options],
                stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=prepare)
        self.wait_until_ready()

    def wait_until_ready(self):
        line = self.daemon.stdout.readline()
        if "ready" not in line:
            raise RuntimeError("regentd is not ready: " + self.said())

    def said(self):
        with open(self.path("said"), encoding="utf-8") as text:
            return text.read()

    def good(self, *words):
        done = self.run("reg", *words)
        if done.returncode != 0:
            raise RuntimeError(f"reg {words}: {done.stdout}{done.stderr}{self.said()}")
        return done.stdout

    def crash(self, value):
        done = self.run("reg", "add", r"HKLM\Software\Supervised", "/v", value, "/f")
        self.wait_until_ready()
        return done


class Supervise(unittest.TestCase):
    def setUp(self):
        self.house = Supervised()
        self.addCleanup(self.house.close)

    def install(self, start, image=CRASHES):
        done = self.house.run("regent", "driver", "load", "crashes", "--image", image, "--start", start)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def reports(self):
        folder = os.path.join(self.house.store, "crash")
        texts = []
        for name in sorted(os.listdir(folder)):
            if name.endswith(".txt"):
                with open(os.path.join(folder, name), encoding="utf-8") as text:
                    texts.append(text.read())
        return texts

    def dumps(self):
        folder = os.path.join(self.house.store, "crash")
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".dmp")]

    def check_dump(self, path, code, driver="/crashes.so"):
        """The dump says what happened where, in a module of its list, with the stack of the thread that it names."""
        dump = minidump.Minidump(path)
        self.assertEqual(dump.exception_code, code)
        self.assertEqual(dump.exception_thread, dump.thread)
        self.assertEqual(dump.context["Rsp"], dump.stack_start)
        names = [name for _, _, name in dump.modules]
        for wanted in (driver, "/libregent.so", "/regentd"):
            self.assertEqual(len([name for name in names if name.endswith(wanted)]), 1, (wanted, names))
        self.assertFalse([name for name in names if name.startswith(self.house.store)], "a mapped hive is no module")
        # Where it stopped is code, and its callers are on the stack: the service that announced the operation.
        self.assertGreater(len(dump.code_at(dump.context["Rip"])), 15)
        callers = {dump.module_at(address) for address in dump.stack()}
        self.assertTrue(any(name.endswith("/libregent.so") for name in callers), callers)
        return dump, callers

    def check_fault(self, path, driver="/crashes.so"):
        """A fault's dump: in the driver's code, writing to address 16."""
        dump, _ = self.check_dump(path, 0xC0000005, driver)
        self.assertTrue(dump.module_at(dump.exception_address).endswith(driver))
        self.assertEqual(dump.exception_address, dump.context["Rip"])
        self.assertEqual(dump.exception_parameters, (1, 16))

    def test_flushed_data_survive_and_the_second_crash_disables_the_driver(self):
        self.install("auto")
        self.assertEqual(self.house.run("flush_client", "100", "64").stdout, '{"set":100,"flush":"STATUS_SUCCESS"}\n')
        self.assertNotEqual(self.house.crash("BugCheckNow").returncode, 0)
        self.assertEqual(self.house.good("query", r"HKLM\Software\Filler").count("REG_BINARY"), 100)
        report = self.reports()[0]
        self.assertTrue(report.startswith("*** STOP: 0x000000E2 MANUALLY_INITIATED_CRASH (0x0000000000000001, "), report)
        self.assertRegex(report, r"in .* of driver crashes \(")
        self.assertRegex(report, r"(?s)stack:\n.* \(crashes\)")
        self.assertIn("0x2", self.house.good("query", SERVICE, "/v", "Start"))
        dump, callers = self.check_dump(self.dumps()[0], 0xE2)
        self.assertEqual(dump.exception_parameters, (1, 2, 3, 4))
        self.assertTrue(any(name.endswith("/crashes.so") for name in callers), callers)

        self.house.crash("FaultNow")
        self.check_fault(self.dumps()[1])
        self.assertEqual(len(self.reports()), 2)
        self.assertIn("REGISTRY_FILTER_DRIVER_EXCEPTION", self.reports()[1])
        self.assertRegex(self.reports()[1], r"(?s)stack:\n.* Callback\+0x[0-9a-f]+ \(crashes\)\n.*NtSetValueKey")  # through the fault, to the caller
        self.assertIn("0x4", self.house.good("query", SERVICE, "/v", "Start"))
        self.assertIn("driver crashes stopped the system twice: disabled", self.house.said())
        self.house.good("add", r"HKLM\Software\Supervised", "/v", "BugCheckNow", "/f")
        self.assertEqual(self.house.good("query", r"HKLM\Software\Filler").count("REG_BINARY"), 100)

    @unittest.skipUnless(os.path.exists(CRASHES_PE), "no clang-19 to build a driver as a PE image")
    def test_a_driver_of_a_pe_image_is_among_the_dumps_modules(self):
        self.install("demand", CRASHES_PE)
        self.house.crash("FaultNow")
        self.check_fault(self.dumps()[0], "crashes")

    @unittest.skipUnless(LLVM_READER, "no obj2yaml (Debian package llvm-19)")
    def test_llvm_reads_the_dump(self):
        self.install("demand")
        self.house.crash("FaultNow")
        said = subprocess.run([LLVM_READER, self.dumps()[0]], capture_output=True, text=True, check=True).stdout
        for stream in ("SystemInfo", "ThreadList", "ModuleList", "MemoryList", "Exception"):
            self.assertRegex(said, r"Type: +" + stream)
        self.assertRegex(said, r"Module Name: +.*/crashes\.so")
        self.assertRegex(said, r"Exception Code: +0x0*C0000005\b")

    def test_a_clean_stop_between_begins_the_count_anew(self):
        self.install("auto")
        self.house.good("query", r"HKLM\Software")
        self.house.run("flush_client", "1", "1")
        self.house.crash("BugCheckNow")
        self.house.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.house.daemon.wait(60), 0)
        self.house.daemon.stdout.close()
        self.house.start()
        self.house.crash("BugCheckNow")
        self.assertIn("0x2", self.house.good("query", SERVICE, "/v", "Start"))

    def test_an_end_by_itself_is_the_supervisors_end(self):
        self.house.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.house.daemon.wait(60), 0)
        self.house.daemon.stdout.close()
        self.house.daemon = None
        refused = subprocess.run([house.program("regentd"), "--supervise", "--store", "/proc/nowhere", "--socket",
                                  self.house.path("other")], capture_output=True, encoding="utf-8", timeout=60)
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(re.findall("starting it again", refused.stderr), [])


unittest.main()
