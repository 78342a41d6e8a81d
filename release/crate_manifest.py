"""Prints Cargo.toml as the crate has it: under another name, without tests, benchmarks and the
other members of the workspace.

    python3 crate_manifest.py Cargo.toml NAME
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Members of the workspace are not there, and so are not what they share.
INHERITED = re.compile(r"^([\w-]+)\.workspace = true$", re.MULTILINE)
LEFT_OUT = re.compile(r"\[\[?(workspace|dev-dependencies|profile|test|bench|lints)\b")


def main() -> None:
    text, name = Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2]
    sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    (shared,) = (section for section in sections if section.startswith("[workspace.package]"))
    values = dict(re.findall(r"^([\w-]+) = (\"[^\"]*\")", shared, flags=re.MULTILINE))
    kept = "".join(section for section in sections if not LEFT_OUT.match(section))
    kept = INHERITED.sub(lambda found: f"{found[1]} = {values[found[1]]}", kept)
    kept = re.sub(r'^name = "annoy_rs"$', f'name = "{name}"', kept, count=1, flags=re.MULTILINE)
    kept = re.sub(r"^exclude = .*\n", "", kept, flags=re.MULTILINE)
    # A workspace of its own: it lies inside of ours.
    print(kept.replace("[lib]\n", '[lib]\nname = "annoy_rs"\n') + "[workspace]")


if __name__ == "__main__":
    main()
