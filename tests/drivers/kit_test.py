#!/usr/bin/env python3
"""regent-cc: a Visual Studio project becomes a driver that loads, as an ELF object and as a PE image.

usage: kit_test.py REGENT-CC REGENT PE(0 or 1)"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REGENT_CC, REGENT, WITH_PE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3] == "1"

PROJECT = """<?xml version="1.0" encoding="utf-8"?>
<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
  <ItemDefinitionGroup><ClCompile>
    <AdditionalIncludeDirectories>inc;%(AdditionalIncludeDirectories);$(DDK_INC_PATH)</AdditionalIncludeDirectories>
    <PreprocessorDefinitions>GREETING=17;%(PreprocessorDefinitions)</PreprocessorDefinitions>
  </ClCompile></ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="entry.c" /><ClCompile Include="src\\greet.cpp" /></ItemGroup>
</Project>
"""
FILES = {
    "driver.vcxproj": PROJECT,
    "inc/greet.h": "#pragma once\n#include <ntddk.h>\nEXTERN_C void Greet(void);\n",
    "entry.c": """#include "greet.h"
static VOID Unload(PDRIVER_OBJECT driver) { UNREFERENCED_PARAMETER(driver); }
NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    UNREFERENCED_PARAMETER(path);
    driver->DriverUnload = Unload;
    Greet();
    return sizeof(L"ab") == 6 && sizeof(ULONG) == 4 ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
}
""",
    "src/greet.cpp": """#include "greet.h"
struct Greeter {
    ULONG number;
    void run() const { DbgPrint("kit: %u\\n", number); }
};
EXTERN_C void Greet(void) { Greeter{GREETING}.run(); }
""",
}


class Kit(unittest.TestCase):
    def build_and_load(self, kind, suffix):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file, text in FILES.items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_text(text, encoding="utf-8")
            environment = dict(os.environ, REGENT=str(REGENT), REGENT_STORE=str(folder / "store"))
            output = folder / ("kit" + suffix)
            subprocess.run([REGENT_CC, kind, "-o", output, "--project", folder / "driver.vcxproj"], check=True,
                           env=environment)
            # DriverEntry's own status says that it ran, with the sizes it was promised.
            done = subprocess.run([REGENT, "driver", "load", "kit", "--image", output], env=environment, text=True,
                                  capture_output=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("STATUS_DEVICE_BUSY", done.stderr)

    def test_elf(self):
        self.build_and_load("--elf", ".so")

    @unittest.skipUnless(WITH_PE, "clang-19 and lld-19 are not installed")
    def test_pe(self):
        self.build_and_load("--pe", ".sys")

    def test_error_is_told(self):
        done = subprocess.run([REGENT_CC, "--pe"], text=True, capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("sources", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
