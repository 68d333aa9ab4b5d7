"""Reads the minidumps that a bug check leaves, by the format's public description; strict about offsets and sizes."""
import struct

THREADS, MODULES, MEMORY, EXCEPTION, SYSTEM = 3, 4, 5, 6, 7
AMD64 = 9
REGISTERS = ("Rax", "Rcx", "Rdx", "Rbx", "Rsp", "Rbp", "Rsi", "Rdi", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "Rip")


class Minidump:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        signature, version, count, directory = self.unpack("<4sIII", 0)
        assert signature == b"MDMP" and version & 0xFFFF == 0xA793, "no minidump"
        self.streams = {}
        for i in range(count):
            kind, size, where = self.unpack("<III", directory + 12 * i)
            assert kind not in self.streams and where + size <= len(self.bytes), "a stream outside the file"
            self.streams[kind] = (where, size)
        assert self.unpack("<H", self.stream(SYSTEM, 56))[0] == AMD64
        self.read_threads()
        self.read_modules()
        self.read_memory()
        self.read_exception()

    def unpack(self, layout, where):
        assert where + struct.calcsize(layout) <= len(self.bytes), "outside the file"
        return struct.unpack_from(layout, self.bytes, where)

    def stream(self, kind, size):
        where, has = self.streams[kind]
        assert has == size, f"stream {kind} has {has} bytes instead of {size}"
        return where

    def string(self, where):
        size, = self.unpack("<I", where)
        text = self.bytes[where + 4:where + 4 + size]
        assert len(text) == size and self.unpack("<H", where + 4 + size) == (0,)
        return text.decode("utf-16-le")

    def read_context(self, size, where):
        assert size == 0x4D0, "not x64's CONTEXT"
        return dict(zip(REGISTERS, self.unpack("<17Q", where + 0x78)))

    def read_threads(self):
        where = self.stream(THREADS, 4 + 48)
        count, self.thread = self.unpack("<II", where)
        assert count == 1
        self.stack_start, self.stack_size, stack = self.unpack("<QII", where + 4 + 24)
        assert stack + self.stack_size <= len(self.bytes)
        self.context = self.read_context(*self.unpack("<II", where + 4 + 40))

    def read_modules(self):
        where, size = self.streams[MODULES]
        count, = self.unpack("<I", where)
        assert size == 4 + 108 * count
        self.modules = []
        for i in range(count):
            base, length, _, _, name = self.unpack("<QIIII", where + 4 + 108 * i)
            self.modules.append((base, length, self.string(name)))

    def module_at(self, address):
        names = [name for base, size, name in self.modules if base <= address < base + size]
        return names[0] if names else ""

    def read_memory(self):
        where, size = self.streams[MEMORY]
        count, = self.unpack("<I", where)
        assert size == 4 + 16 * count
        self.memory = []
        for i in range(count):
            start, length, data = self.unpack("<QII", where + 4 + 16 * i)
            assert length > 0 and data + length <= len(self.bytes)
            self.memory.append((start, self.bytes[data:data + length]))

    def stack(self):
        """The numbers on the stopped thread's stack, from its pointer up: return addresses are among them."""
        data = dict(self.memory)[self.stack_start]
        assert len(data) == self.stack_size
        return struct.unpack(f"<{len(data) // 8}Q", data[:len(data) // 8 * 8])

    def code_at(self, address):
        """The bytes from there on, as far as the dump has them."""
        for start, data in self.memory:
            if start <= address < start + len(data):
                return data[address - start:]
        return b""

    def read_exception(self):
        where = self.stream(EXCEPTION, 168)
        self.exception_thread, _, self.exception_code, _, _, self.exception_address = self.unpack("<IIIIQQ", where)
        count, = self.unpack("<I", where + 32)
        assert count <= 15
        self.exception_parameters = self.unpack(f"<{count}Q", where + 40)
        assert self.read_context(*self.unpack("<II", where + 160)) == self.context
