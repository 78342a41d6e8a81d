"""The command, run in a directory of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The words that are shipped, as `annoy build` takes them.
WORDS = (
    str(ROOT / "examples/data/glove-20k-50d.f16"),
    *("--width", "50", "--names", str(ROOT / "examples/data/glove-20k-words.txt")),
)

class Annoy:
    """Calls the command."""

    def __init__(self, directory: Path) -> None:
        self.program = os.environ["ANNOY_COMMAND"]
        self.directory = directory
        self.input = b""

    def run(self, *args: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.program, *map(str, args)],
            cwd=self.directory,
            input=self.input,
            capture_output=True,
            timeout=300,
        )

    def __call__(self, *args: Any, code: int = 0) -> str:
        done = self.run(*args)
        assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        # Nothing for terminals where there is none.
        assert b"\x1b" not in done.stdout + done.stderr
        return done.stdout.decode()

    def fails(self, *args: Any, code: int = 1) -> str:
        """What it says of why it failed."""
        done = self.run(*args)
        assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        assert done.stdout == b"" and done.stderr, done
        return done.stderr.decode()


@pytest.fixture
def annoy(tmp_path: Path) -> Annoy:
    directory = tmp_path / "work"
    directory.mkdir()
    return Annoy(directory)
