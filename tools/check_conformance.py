#!/usr/bin/env python3
"""Checks that docs/conformance.md names every statement of tests/conformance/statements.txt, and where it is tested.

A row of the matrix names statements and the files that test them. One of those files must name each statement: a case
in its `# source:`, a program in a comment, a unit test in a comment or in its name. A row whose cases begin with "none"
says in its status why. What a `# source:` names must be a statement of the list, and that file stand in its row."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/conformance/statements.txt"
MATRIX = ROOT / "docs/conformance.md"
CASES = ROOT / "tests/conformance"
NUMBER = r"\d+[a-z]?"
NUMBERS = rf"{NUMBER}(?:(?:,? to |,? and |, | |-){NUMBER})*"
PATH = re.compile(r"`((?:src|tests)/[A-Za-z0-9_./-]+\.(?:regtest|cpp|c|py))`")


def spread(text):
    """The numbers of "1 1b 2-3", "4, 5", "7 to 9"."""
    names = set()
    for first, last in re.findall(rf"({NUMBER})(?:(?: to |-)({NUMBER}))?", text):
        names.add(first)
        if last:
            names.update(str(number) for number in range(int(first), int(last) + 1))
    return names


def read_list():
    names = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, numbers = line.split(" ", 1)
            ordered = sorted(spread(numbers), key=lambda one: (int(re.match(r"\d+", one).group()), one))
            names += [f"{kind} {number}" if kind == "row" else f"{kind}-{number}" for number in ordered]
    return names


def named_in(text, kinds):
    """The statements that a text names: NS-1, NS-1 to NS-9, row 5, rows 7 to 9; in a C comment numbers are rows."""
    names = set()
    for kind, first, last in re.findall(rf"\b({kinds})-({NUMBER})(?: to \1-({NUMBER}))?\b", text):
        names.update(f"{kind}-{number}" for number in spread(first + (f" to {last}" if last else "")))
    for kind, number in re.findall(rf"\b({kinds})(\d+)_", text):  # TEST(AccessVectors, A5_which_groups_...)
        names.add(f"{kind}-{number}")
    for numbers in re.findall(rf"\b[Rr]ows? ({NUMBERS})", text) + re.findall(
            rf"/\* (?:(?:{kinds})-{NUMBER}, )*({NUMBERS})(?: \*/|:)", text):
        names.update(f"row {number}" for number in spread(numbers))
    return names


def sources(path):
    return "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# source: "))


def said_by(name, kinds):
    path = ROOT / name
    if not path.exists():
        return None
    return named_in(sources(path) if path.suffix == ".regtest" else path.read_text(encoding="utf-8"), kinds)


def check_row(number, cells, kinds, problems, where):
    """Notes in `where` the files of each statement that the row names."""
    where_now = f"{MATRIX.relative_to(ROOT)}:{number}"
    files = PATH.findall(cells[2])
    texts = {name: said_by(name, kinds) for name in files}
    for name in [name for name, said in texts.items() if said is None]:
        problems.append(f"{where_now}: {name} does not exist")
    for statement in sorted(named_in(cells[1], kinds)):
        where.setdefault(statement, set()).update(files)
        if cells[2].startswith("none"):
            if len(cells[4]) < 10:
                problems.append(f"{where_now}: {statement} has no case and no reason")
        elif not any(said and statement in said for said in texts.values()):
            problems.append(f"{where_now}: no file of the row names {statement}")


def main():
    known = read_list()
    kinds = "|".join(sorted({name.split("-")[0] for name in known if "-" in name}, key=len, reverse=True))
    problems, where = [], {}
    for number, line in enumerate(MATRIX.read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 5:
            check_row(number, cells, kinds, problems, where)
    problems += [f"{MATRIX.relative_to(ROOT)} does not name {name}" for name in known if name not in where]
    for path in sorted(CASES.rglob("*.regtest")):
        name = str(path.relative_to(ROOT))
        for statement in sorted(named_in(sources(path), kinds)):
            if statement not in known:
                problems.append(f"{name}: {statement} is no statement of {LIST.relative_to(ROOT)}")
            elif name not in where.get(statement, {name}):
                problems.append(f"{name}: is not among the cases of {statement}")
    for problem in problems:
        print(problem)
    print(f"conformance: {len(problems)} problems with {len(known)} statements")
    return 1 if problems else 0


sys.exit(main())
