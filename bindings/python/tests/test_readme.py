"""The Python of the READMEs and of docs runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

PYTHON = Path(__file__).parents[1]


def test_languages() -> None:
    text = (PYTHON.parents[1] / "docs" / "languages.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    vectors = np.random.default_rng(1).normal(size=(100, 8)).astype(np.float32)
    names = {"vectors": vectors, "queries": vectors[:7]}
    exec(compile(block, "languages.md", "exec"), names)
    assert names["ids"].shape == (7, 5) and list(names["ids"][:, 0]) == list(range(7))


def test_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = (PYTHON / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    assert len(blocks) == 4
    shutil.copytree(PYTHON.parents[1] / "examples" / "data", tmp_path / "examples" / "data")
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert re.match(r"\['king', 'prince', 'queen', ", printed) and "car" in printed


def test_living(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (PYTHON.parents[1] / "docs" / "living.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    exec(compile(block.replace("/tmp", str(tmp_path)), "living.md", "exec"), {})
    assert capsys.readouterr().out.startswith("['new 7' ")
