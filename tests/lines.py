#!/usr/bin/env python3
"""Refuses lines of more than 100 columns that are comments or docstrings, or end in a comment. In
the headers of bindings/cpp it refuses any such line. The rest of the code is up to the formatters.

    tests/lines.py [FILE...]    the files named; without names, all that git knows or would add
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from typing import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
COLUMNS = 100
SLASHES = {".c", ".cc", ".cpp", ".go", ".h", ".hpp", ".rs"}
HASHES = {"", ".cmake", ".py", ".pyi", ".rb", ".rbs", ".sh", ".supp", ".toml"}
HASHED_NAMES = {"CMakeLists.txt"}
# People with other formatters read these.
WHOLE = "bindings/cpp/include/"
# Has to stand behind its line, however long that is.
DIRECTIVE = re.compile(r"\s# (?:noqa|rubocop|type):\s?\S+(?: \S+)?$")
COMMENT = {True: re.compile(r"//|/\*"), False: re.compile(r"(?:^|\s)#")}
# What is in quotation marks is no comment. One mark alone may be a lifetime of Rust.
QUOTED = {
    True: re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)'"),
    False: re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"),
}


def long_prose(name: str, text: str) -> Iterator[int]:
    """The numbers of the lines that are refused."""
    lines = text.splitlines()
    if max(map(len, lines), default=0) <= COLUMNS:
        return
    slashes = pathlib.Path(name).suffix in SLASHES
    end = ""  # of the comment or docstring that a line is in
    for number, line in enumerate(lines, 1):
        if end:
            prose, end = True, "" if end in line else end
        else:
            bare = QUOTED[slashes].sub("", DIRECTIVE.sub("", line).replace('"""', "\0"))
            prose = "\0" in bare or bool(COMMENT[slashes].search(bare))
            if slashes and "/*" in bare and "*/" not in bare.rpartition("/*")[2]:
                end = "*/"
            elif not slashes and bare.count("\0") % 2:
                end = '"""'
        # An address cannot be broken.
        if len(line) > COLUMNS and (prose or name.startswith(WHOLE)) and len(line.split()) > 2:
            yield number


def main() -> int:
    names = sys.argv[1:]
    if not names:
        command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
        names = sorted(set(listed.split("\0")))
    n_read = n_refused = 0
    for name in names:
        path = ROOT / name
        if not (path.suffix in SLASHES | HASHES or path.name in HASHED_NAMES) or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # an input of the fuzzers
            continue
        n_read += 1
        for number in long_prose(name, text):
            n_refused += 1
            print(f"{name}:{number}: prose in more than {COLUMNS} columns")
    # Without files nothing has been looked at.
    return int(n_refused > 0 or n_read == 0)


if __name__ == "__main__":
    sys.exit(main())
