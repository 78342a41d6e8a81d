"""The lines of docs/command.md and of README.md run, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import Annoy

ROOT = Path(__file__).resolve().parents[2]


def blocks(name: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", (ROOT / name).read_text(), re.M | re.S)


@pytest.mark.parametrize("name, least", [("docs/command.md", 18), ("README.md", 3)])
def test_every_line(annoy: Annoy, name: str, least: int) -> None:
    (annoy.directory / "examples").symlink_to(ROOT / "examples")
    environment = {**os.environ, "PATH": f"{Path(annoy.program).parent}:{os.environ['PATH']}"}
    lines = [line for block in blocks(name, "sh") for line in block.splitlines() if line.startswith("annoy ")]
    assert len(lines) >= least
    said = []
    for line in lines:
        done = subprocess.run(
            line, shell=True, cwd=annoy.directory, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, (line, done.stderr)
        said.append(done.stdout)
    # What is said to be printed is.
    printed = [block for block in blocks(name, "text") if "prince" in block]
    assert len(printed) == 1 and any(text == printed[0] for text in said), said
