"""Writes what a linker has to know of macOS, from what zig knows: which symbols its system library
has. With it the linker that comes with Rust makes libraries for macOS. (zig's own linker exports
all that is in them.)

    python macos_sdk.py DIRECTORY     to be run by a Python that has ziglang
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import ziglang  # type: ignore[import-not-found]

# As zig's file calls the processors, and the linker does. A library of one runs on the other.
PROCESSORS = {"x86_64": "x86_64", "arm64e": "arm64"}
HEAD = """--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '{name}'
"""


def symbols(text: str, processor: str) -> list[str]:
    """What the system library and those in it export on a processor."""
    found: set[str] = set()
    for group in re.split(r"\n  - (?=targets:)", text):
        targets = re.match(r"targets: *\[([^]]*)\]", group)
        if targets and f"{processor}-macos" in re.split(r"[\s,]+", targets.group(1)):
            for names in re.findall(r"\b(?:weak-)?symbols: *\[([^]]*)\]", group):
                found.update(re.findall(r"[\w$]+", names.replace("'", " ")))
    return sorted(name for name in found if name.startswith("_") or name == "dyld_stub_binder")


def main() -> None:
    libraries = Path(sys.argv[1]) / "usr" / "lib"
    libraries.mkdir(parents=True, exist_ok=True)
    text = (Path(ziglang.__file__).parent / "lib/libc/darwin/libSystem.tbd").read_text(encoding="utf-8")
    parts = [HEAD.format(name="/usr/lib/libSystem.B.dylib"), "exports:\n"]
    for theirs, ours in PROCESSORS.items():
        names = symbols(text, theirs)
        assert "_malloc" in names, f"no malloc for {theirs}"
        parts.append(f"  - targets: [ {ours}-macos ]\n    symbols: [ {', '.join(map(repr, names))} ]\n")
    # C's and the mathematical library are parts of it.
    for name in ("libSystem", "libc", "libm"):
        (libraries / f"{name}.tbd").write_text("".join(parts) + "...\n", encoding="utf-8")
    # Rust's standard library names it, and uses nothing of it.
    (libraries / "libiconv.tbd").write_text(HEAD.format(name="/usr/lib/libiconv.2.dylib") + "...\n", encoding="utf-8")


if __name__ == "__main__":
    main()
