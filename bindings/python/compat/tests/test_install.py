"""annoy-rs-compat as it is installed: alone, and beside PyPI annoy, whichever comes first.

ANNOY_RS_WORK is the directory where tests/run.sh works, with the wheels of both packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Iterator

import pytest

WORK = Path(os.environ["ANNOY_RS_WORK"])
WHEELS = [str(wheel) for wheel in (WORK / "wheels").glob("annoy_rs*.whl")]
SEARCH = """
import annoy, annoy.annoylib
from annoy import AnnoyIndex
assert AnnoyIndex is annoy.AnnoyIndex is annoy.annoylib.Annoy
index = AnnoyIndex(2, "euclidean")
for i in range(4):
    index.add_item(i, [i, 0.0])
index.build(2)
print(AnnoyIndex.__module__, index.get_nns_by_vector([3.0, 0.0], 2))
"""
OURS, THEIRS = "annoy_rs.annoy_index [3, 2]\n", "annoy [3, 2]\n"


class Environment:
    def __init__(self, directory: Path) -> None:
        venv.create(directory)
        self.directory = directory
        self.python = directory / ("Scripts" if os.name == "nt" else "bin") / "python"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Not where the tests lie: `annoy` is what is installed.
        return subprocess.run(
            [str(self.python), *arguments], cwd=self.directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def pip(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.python), *arguments, "--quiet"]
        subprocess.run(command, check=True, cwd=self.directory)

    def install(self, *packages: str) -> None:
        self.pip("install", "--no-compile", *packages)

    def uninstall(self, package: str) -> None:
        self.pip("uninstall", "--yes", package)

    def refuses(self) -> bool:
        done = self.run("-c", "from annoy import AnnoyIndex")
        words = ["ImportError: annoy and annoy-rs-compat are both installed", "`pip uninstall annoy`"]
        return done.returncode == 1 and all(word in done.stdout for word in words)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """With the compat package alone, which brings annoy_rs and what that needs."""
    made = Environment(tmp_path_factory.mktemp("compat") / "venv")
    made.install(*WHEELS)
    yield made


def test_alone(environment: Environment) -> None:
    assert environment.run("-c", SEARCH).stdout == OURS
    assert "annoy-rs-compat" in environment.run("-m", "annoy_rs").stdout


def test_annoy_after_it(environment: Environment) -> None:
    environment.install("annoy==1.17.3")
    assert environment.refuses()
    # Each way to mend it.
    environment.uninstall("annoy")
    assert environment.run("-c", SEARCH).stdout == OURS
    environment.install("annoy==1.17.3")
    environment.uninstall("annoy-rs-compat")
    assert environment.run("-c", SEARCH).stdout == THEIRS


def test_annoy_before_it(environment: Environment) -> None:
    """Goes on from there."""
    environment.install(*WHEELS)
    assert environment.refuses()
    environment.uninstall("annoy")
    assert environment.run("-c", SEARCH).stdout == OURS


def test_the_types_are_those_of_annoy_rs(tmp_path: Path) -> None:
    """For mypy, of which nothing is run."""
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text("from annoy import AnnoyIndex\nreveal_type(AnnoyIndex(2, 'dot').get_nns_by_item(0, 1))\n", encoding="utf-8")
    source = Path(__file__).parents[1] / "src"
    stubs = tmp_path / "annoy"
    stubs.symlink_to(source / "annoy-stubs")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", WORK / "mypy", program],
        env={**os.environ, "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert 'Revealed type is "builtins.list[builtins.int]"' in done.stdout.replace("list[int]", "builtins.list[builtins.int]")
    assert done.returncode == 0, done.stdout
