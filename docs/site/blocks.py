"""Runs the blocks of the pages that tell how to do something: blocks.py ANNOY PYTHON. Those of a
page run one after the other in a directory of their own; a block of text says what the one before
prints. The programs of docs/languages.md, docs/living.md and the bindings are run by their
languages' tests, docs/command.md and README.md by those of the command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *("words", "choosing", "filters", "labels", "processes", "larger-than-memory", "damaged"),
    *("from-annoy", "from-hnswlib", "from-faiss"),
)


def run(page: str, environment: dict[str, str], python: str) -> int:
    text = (ROOT / f"docs/{page}.md").read_text()
    blocks = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", text)
    n = 0
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "examples").symlink_to(ROOT / "examples")
        printed = ""
        for kind, block in blocks:
            if kind == "text":
                assert block == printed, f"{page}: printed\n{printed}\nexpected\n{block}"
                continue
            assert kind in ("sh", "python"), f"{page}: nobody runs a block of {kind!r}"
            script = Path(directory, f"block-{n}.{kind}")
            script.write_text(block)
            command = ["bash", "-euo", "pipefail", str(script)] if kind == "sh" else [python, str(script)]
            done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"{page}, {block.splitlines()[0]}:\n{done.stdout}{done.stderr}"
            printed = done.stdout
            n += 1
    assert n > 0, page
    return n


def main() -> int:
    annoy, python = sys.argv[1:]
    environment = {**os.environ, "PATH": f"{Path(annoy).parent}:{os.environ['PATH']}"}
    passed = failed = 0
    for page in PAGES:
        try:
            passed += run(page, environment, python)
            print(f"ok    {page}")
        except AssertionError as error:
            failed += 1
            print(f"FAIL  {error}")
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
