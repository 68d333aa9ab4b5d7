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
    "inc/greet.h": "#pragma once\n#include <ntddk.h>\nEXTERN_C ULONG Greet(void);\n",
    "entry.c": """#include "greet.h"
static VOID Unload(PDRIVER_OBJECT driver) { UNREFERENCED_PARAMETER(driver); }
NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    UNREFERENCED_PARAMETER(path);
    driver->DriverUnload = Unload;
    return Greet() == 18 && sizeof(L"ab") == 6 && sizeof(ULONG) == 4 ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
}
""",
    "src/greet.cpp": """#include "greet.h"
struct Greeter {
    ULONG number;
    void run() const {
        for (ULONG i = 0; i < number; i++) {
            __try {
                if (i % 2 != 0) continue;
                ExRaiseStatus(STATUS_NO_MEMORY);
            } __except (GetExceptionCode() == STATUS_NO_MEMORY ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
                caught++;
            }
        }
    }
    static ULONG caught;
};
ULONG Greeter::caught;
namespace {
template <typename T> T Twice(T value) {
    __try { return value * 2; } __finally { value = 0; }
}
}
EXTERN_C ULONG Greet(void) {
    Greeter{GREETING}.run();
    return Twice(Greeter::caught);
}
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

    def compiled(self, text):
        """What regent-cc --elf says about a source."""
        with tempfile.TemporaryDirectory() as name:
            source = pathlib.Path(name) / "bad.c"
            source.write_text("#include <ntddk.h>\n" + text, encoding="utf-8")
            done = subprocess.run([REGENT_CC, "--elf", "-o", source.with_suffix(".so"), source], text=True, capture_output=True)
            return done.returncode, done.stderr

    def test_lines_stay_where_they_are(self):
        status, said = self.compiled("void f(void) {\n __try\n {\n  f();\n }\n __except\n (\n  1)\n {\n  wrong();\n  int x = no;\n }\n}\n")
        self.assertNotEqual(status, 0)
        self.assertIn("bad.c:12:", said)

    def test_exception_words_have_their_places(self):
        for text, said in (("void f(void) {\n __try { f(); } __finally { } __leave;\n}\n", "__leave outside of __try in"),
                           ("void f(void) {\n __try { f(); } __finally { if (1) return; } GetExceptionCode();\n}\n", "no exception is handled in"),
                           ("void f(void) {\n __try { f(); } __except 1 { }\n}\n", "__except without a filter in")):
            status, output = self.compiled(text)
            self.assertNotEqual(status, 0)
            self.assertIn(said, output)
            self.assertIn("bad.c:3", output)

    def test_error_is_told(self):
        done = subprocess.run([REGENT_CC, "--pe"], text=True, capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("sources", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
