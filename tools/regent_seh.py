#!/usr/bin/env python3
"""Structured exceptions for drivers as ELF objects: runs a compiler, with the __try blocks of its source rewritten.

usage: regent_seh.py COMPILER ARGUMENTS...       (as a compiler's launcher; ccache may stand before COMPILER)

The source is preprocessed; where `__try` stands in the result, each

    __try { body } __except (filter) { handler }         __try { body } __finally { block }

becomes blocks of plain C around a frame that is registered with the host (include/wdk/wdm/seh.h, src/io/seh.cpp):

    { RG_SEH_FRAME f cleanup;
      if ((f.State = RgSehEnter(&f, 0)) == 0) { { body } f.Abnormal = 0; }
      else if (f.State == 1) RgSehReturn(&f, (filter)); else { handler } }

RgSehEnter returns again when the filter is asked, on the stack of what happened below, and when the handler runs. The
cleanup takes the frame away and runs a __finally block however the body is left: return, goto, break and continue stay
what they were. Functions with __try keep their variables in memory (no optimisation), which is what a filter and a
handler may rely on. Every token stays on its line."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SUFFIXES = {".c": ".i", ".cc": ".ii", ".cpp": ".ii", ".cxx": ".ii"}
TOKEN = re.compile(
    r"""(?P<marker>^[ \t]*\#[^\n]*)"""
    r"""|(?P<raw>(?:u8|[uUL])?R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)")"""
    r"""|(?P<text>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')"""
    r"""|(?P<word>[A-Za-z_$][\w$]*)|(?P<number>\.?\d(?:[eEpP][+-]|'?[\w.])*)|(?P<sign>[^\s\w])""",
    re.M | re.S | re.X)
ATTRIBUTES = {"RgSehClang": "__attribute__((__optnone__, __noinline__)) ",
              "RgSehGcc": '__attribute__((__optimize__("O0", "no-omit-frame-pointer"), __noinline__)) '}
QUIET = {"RgSehClang": ["-Wno-unused-command-line-argument", "-Wno-vla", "-Wno-vla-extension", "-Wno-vla-cxx-extension"], "RgSehGcc": ["-Wno-return-type", "-Wno-vla"]}
# A filter runs on another stack: variables must be found by a register that is kept (rbp, rbx). Compilers use rsp for
# those of a frame that wants more alignment than the stack has (AddressSanitizer's does), unless its size is not known.
ROOM = "volatile int rg_size_{0} = 16; char rg_room_{0}[rg_size_{0}] __attribute__((__unused__)); "
CODE, INFORMATION, ABNORMAL = "_exception_code", "_exception_info", "_abnormal_termination"


class Malformed(Exception):
    pass


class Source:
    """A preprocessed text as tokens that matter, and the edits that are to be made in it."""

    def __init__(self, text, thread_sanitizer):
        self.text = text
        self.tokens = [match for match in TOKEN.finditer(text) if match.lastgroup not in ("marker", "number")]
        self.words = [match.group() for match in self.tokens]
        self.edits = []  # (offset, end, replacement)
        self.blocks = 0
        self.thread_sanitizer = thread_sanitizer

    def replace(self, first, last, text):
        """Tokens first to last become `text`, on the first one's line; the lines between stay."""
        start, end = self.tokens[first].start(), self.tokens[last].end()
        self.edits.append((start, end, text + "\n" * self.text.count("\n", start, end)))

    def insert(self, index, text, after=False):
        place = self.tokens[index].end() if after else self.tokens[index].start()
        self.edits.append((place, place, text))

    def closing(self, index):
        """The token that closes the bracket at `index`."""
        opened, closed = self.words[index], {"(": ")", "{": "}"}[self.words[index]]
        depth = 0
        for place in range(index, len(self.words)):
            if self.tokens[place].lastgroup != "sign":
                continue
            depth += (self.words[place] == opened) - (self.words[place] == closed)
            if depth == 0:
                return place
        raise Malformed(f"no end of the block in {self.where(index)}")

    def where(self, index):
        place = self.tokens[index].start()
        file, line = "?", 0
        for number, start in re.findall(r'^# (\d+) ("[^"]*")', self.text[:place], re.M)[-1:]:
            file, line = start.strip('"'), int(number)
        last = self.text.rfind("\n# ", 0, place)
        return f"{file}:{line + self.text.count(chr(10), last + 1, place) - 1}"

    def rewritten(self):
        pieces, place = [], 0
        # Insertions at one place keep the order in which they were made; those before a replacement come first.
        for start, end, text in sorted(self.edits, key=lambda edit: (edit[0], edit[1])):
            pieces += [self.text[place:start], text]
            place = end
        return "".join(pieces) + self.text[place:]

    # -- __try ------------------------------------------------------------------------------------------------------
    def blocks_in(self, first, last, leave, frame):
        """Rewrites what stands in tokens first to last. `leave`: the block that __leave ends; `frame`: the one whose
        exception the words of filters and handlers mean."""
        index = first
        while index <= last:
            word = self.words[index]
            if word == "__try" and self.is_block(index):
                index = self.block(index, leave, frame)
                continue
            if word == "__leave":
                if leave is None:
                    raise Malformed(f"__leave outside of __try in {self.where(index)}")
                leave["left"] = True
                self.replace(index, index, f"goto rg_leave_{leave['number']}")
            elif word in (CODE, INFORMATION, ABNORMAL) and self.words[index + 1:index + 3] == ["(", ")"]:
                if frame is None:
                    raise Malformed(f"no exception is handled in {self.where(index)}")
                name = f"rg_seh_{frame['number']}"
                self.replace(index, index + 2, {CODE: f"({name}.Code)", INFORMATION: f"(&{name}.Pointers)",
                                                ABNORMAL: f"({name}.Abnormal)"}[word])
                index += 2
            index += 1

    def is_block(self, index):
        if self.words[index + 1:index + 2] != ["{"]:
            return False
        return self.words[self.closing(index + 1) + 1:][:1] in (["__except"], ["__finally"])

    def block(self, index, leave, frame):
        self.blocks += 1
        mine = {"number": self.blocks, "left": False}
        name = f"rg_seh_{self.blocks}"
        begin, end = index + 1, self.closing(index + 1)
        is_finally = self.words[end + 1] == "__finally"
        enter = f"({name}.State = RgSehEnter(&{name}, {int(is_finally)})) == 0"
        if self.thread_sanitizer and not is_finally:
            enter += f" && ({name}.HasJump = 1, RgSehSetJump({name}.Jump) == 0 || ({name}.State = 2, 0))"
        self.replace(index, begin, f"{{ {ROOM.format(mine['number'])}RG_SEH_FRAME {name} __attribute__((__cleanup__(RgSehLeave))); if ({enter}) {{ {{")
        self.blocks_in(begin + 1, end - 1, mine, frame)
        label = f" rg_leave_{mine['number']}:;" if mine["left"] else ""
        self.insert(end, f"}}{label} {name}.Abnormal = 0; ")
        if is_finally:
            body = end + 2
            self.replace(end + 1, end + 1, "else {")
        else:
            opened = end + 2
            if self.words[opened:opened + 1] != ["("]:
                raise Malformed(f"__except without a filter in {self.where(end + 1)}")
            closed = self.closing(opened)
            self.replace(end + 1, opened, f"else if ({name}.State == 1) RgSehReturn(&{name}, (LONG)(")
            self.blocks_in(opened + 1, closed - 1, leave, mine)
            self.insert(closed, "); else", after=True)
            body = closed + 1
        if self.words[body:body + 1] != ["{"]:
            raise Malformed(f"a handler is no block in {self.where(body)}")
        last = self.closing(body)
        self.blocks_in(body + 1, last - 1, leave, mine)
        self.insert(last, f" RgSehReturn(&{name}, 0); }} }}" if is_finally else " }", after=True)
        return last + 1

    # -- functions --------------------------------------------------------------------------------------------------
    def functions(self):
        """(first token of the declaration, opening brace, closing brace) of what stands at the top of a C source."""
        found, start, index = [], 0, 0
        while index < len(self.words):
            word = self.words[index]
            if word == "(":
                index = self.closing(index)
            elif word == "{":
                end = self.closing(index)
                found.append((start, index, end))
                index = end
                start = end + 1
            elif word == ";":
                start = index + 1
            index += 1
        return found

    def rewrite(self, attribute):
        """`attribute`: put before each function that has a __try (C); else the caller gives up optimising."""
        for start, begin, end in self.functions():
            if "__try" not in self.words[begin:end]:
                continue
            before = self.blocks
            self.blocks_in(begin + 1, end - 1, None, None)
            if attribute and self.blocks > before:
                self.insert(start, attribute)
        return self.rewritten()


def launch(command):
    sys.exit(subprocess.run(command).returncode)


def split(command):
    """Launchers before the compiler are for the ordinary case only."""
    first = next((i for i, word in enumerate(command) if "ccache" not in pathlib.Path(word).name), 0)
    return command[first:]


def main():
    command = sys.argv[1:]
    sources = [word for word in command if pathlib.Path(word).suffix in SUFFIXES and not word.startswith("-")]
    if "-c" not in command or len(sources) != 1 or "-o" not in command:
        launch(command)
    source, compiler = sources[0], split(command)
    target = compiler[compiler.index("-o") + 1]
    suffix = SUFFIXES[pathlib.Path(source).suffix]
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder) / ("plain" + suffix)
        words = [word for word in compiler if word != "-c"]
        words[words.index("-o") + 1] = str(plain)
        if any(word in ("-MD", "-MMD") for word in words) and "-MT" not in words and "-MQ" not in words:
            words += ["-MT", target]
        done = subprocess.run([*words, "-E"])
        if done.returncode != 0:
            sys.exit(done.returncode)
        text = plain.read_text(encoding="utf-8", errors="surrogateescape")
        if not re.search(r"\b__try\b", text):
            launch(command)
        kind = next((name for name in ATTRIBUTES if re.search(rf"\b{name}\b", text)), None)
        if kind is None:
            sys.exit(f"regent-seh: {source}: __try without the driver headers")
        in_c = suffix == ".i"
        try:
            changed = Source(text, any("thread" in word for word in compiler if word.startswith("-fsanitize=")))
            text = changed.rewrite(ATTRIBUTES[kind] if in_c else None)
        except Malformed as problem:
            sys.exit(f"regent-seh: {problem}")
        result = pathlib.Path(folder) / (pathlib.Path(source).stem + suffix)
        result.write_text(text, encoding="utf-8", errors="surrogateescape")
        words, skip = [], False
        for word in compiler:  # dependencies were written when the source was preprocessed
            if skip or word in ("-MF", "-MT", "-MQ"):
                skip = not skip
            elif word not in ("-MD", "-MMD", "-MP"):
                words.append(str(result) if word == source else word)
        if not in_c:
            words.append("-O0")
        # gcc takes the end of a block that only returns for reachable, once a cleanup stands beside it.
        words += ["-fno-omit-frame-pointer", *QUIET[kind]]
        sys.exit(subprocess.run(words).returncode)


if __name__ == "__main__":
    main()
