"""The installed package: its version, its licences, and what `python -m annoy_rs` says."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import annoy_rs
from annoy_rs._native import lib

ROOT = Path(__file__).parents[3]


def test_there_is_one_version() -> None:
    found = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == annoy_rs.__version__ == importlib.metadata.version("annoy_rs")


def test_licences_are_in_the_wheel() -> None:
    files = importlib.metadata.files("annoy_rs") or []
    for name in ("LICENSE", "THIRD-PARTY-LICENSES.txt"):
        (file,) = (file for file in files if file.name == name and "licenses" in file.parts)
        assert file.read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")


def test_what_it_says_of_itself() -> None:
    said = subprocess.run([sys.executable, "-m", "annoy_rs"], capture_output=True, text=True, check=True).stdout
    lines = dict(re.split(r" +", line, maxsplit=1) for line in said.splitlines())
    assert lines["annoy_rs"] == annoy_rs.__version__
    assert lines["ABI"] == str(lib.annoy_abi_version())
    assert lines["kernel"] == annoy_rs.kernel_name()
    assert lines["numpy"] == importlib.metadata.version("numpy")
    assert lines["scikit-learn"] == f"{importlib.metadata.version('scikit-learn')} (annoy_rs.sklearn)"


def test_compat_has_the_same_version() -> None:
    text = (ROOT / "bindings" / "python" / "compat" / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{annoy_rs.__version__}"' in text and f'"annoy_rs=={annoy_rs.__version__}"' in text
