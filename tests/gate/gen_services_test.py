#!/usr/bin/env python3
"""The service generator: its committed output is up to date, its stubs carry every kind, its refusals name the line."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/gen_services.py"

GOLDEN_CLIENT = """\
NTSTATUS remote_NtProbe(HANDLE Handle, PULONG Count, PVOID Data, ULONG Length) {
    ClientCall call(nt::ServiceNumber::NtProbe);
    call.put_value(Handle);
    call.put_optional(Count);
    call.put_out_buffer(Data, Length);
    call.put_value(Length);
    if (!call.exchange()) return call.status();
    call.get_out(Count);
    call.get_out_buffer(Data);
    return call.finish();
}
"""
GOLDEN_SERVER = """\
NTSTATUS serve_NtProbe(ServerCall& call, const nt::ServiceTable& table) {
    const auto Handle = call.value<HANDLE>();
    const auto Count = call.optional<ULONG>();
    const auto Data = call.out_buffer();
    const auto Length = call.value<ULONG>();
    call.check_length(Data, Length);
    if (!call.good()) return STATUS_INVALID_PARAMETER;
    const NTSTATUS status = table.NtProbe(Handle, Count, Data.data, Length);
    call.begin_reply(status);
    call.reply_out(Count);
    call.reply_out_buffer(Data);
    return status;
}
"""
PROBE = "# comment\nNtProbe(handle Handle, out<ULONG> Count, out_buf<Length> Data, value<ULONG> Length)\n"


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True)


class GenServicesTest(unittest.TestCase):
    def generate(self, definition, what="rpc"):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "probe.def").write_text(definition)
        return run(what, folder, "--services", folder / "probe.def"), folder

    def test_committed_contract_is_fresh(self):
        result = run("contract", ROOT / "include/nt/ntservices.h", "--check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_stubs_are_as_recorded(self):
        result, folder = self.generate(PROBE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(GOLDEN_CLIENT, (folder / "rpc/client.gen.cpp").read_text())
        self.assertIn(GOLDEN_SERVER, (folder / "rpc/server.gen.cpp").read_text())

    def test_a_service_of_our_own_keeps_its_name(self):
        definition = "RgProbe(out_told<Length> Data, value<ULONG> Length, out<ULONG> ResultLength)\n"
        _, folder = self.generate(definition, "nt")
        self.assertIn("NTSTATUS NTAPI ZwRgProbe(", (folder / "nt/entries.gen.cpp").read_text())
        _, folder = self.generate(definition)
        client = (folder / "rpc/client.gen.cpp").read_text()
        self.assertIn("call.put_told_buffer(Data, Length);", client)
        self.assertIn("call.get_out_buffer(Data);", client)
        server = (folder / "rpc/server.gen.cpp").read_text()
        self.assertIn("call.reply_told_buffer(Data, ResultLength);", server)

    def test_fingerprint_follows_the_definition(self):
        prints = [(self.generate(text)[1] / "rpc/wire.gen.h").read_text() for text in (PROBE, PROBE.replace("out<", "inout<"))]
        self.assertNotEqual(*prints)

    def test_refusals_name_the_line(self):
        for definition, expected in (
            ("\nNtA(what Is)\n", "probe.def:2: unknown argument kind 'what'"),
            ("NtA(in_buf<Size> Data)\n", "probe.def:1: Data names the length 'Size', which is no value argument"),
            ("RgA(out_told<L> Data, value<ULONG> L)\n", "probe.def:1: Data needs an argument out<ULONG> ResultLength"),
            ("Nonsense\n", "probe.def:1: expected Service(arguments)"),
        ):
            result, _ = self.generate(definition)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(expected, result.stderr)


if __name__ == "__main__":
    unittest.main()
