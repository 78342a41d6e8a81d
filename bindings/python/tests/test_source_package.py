"""The source package: what is in it, and in a thorough run that it builds away from the repository,
by crates of the registry and by vendored ones without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / "bindings" / "python"
THOROUGH = pytest.mark.skipif("ANNOY_RS_THOROUGH" not in os.environ, reason="compiles the library; in thorough runs")


def run(*command: object, **environment: object) -> Any:
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "maturin", "sdist", "--manifest-path", PYTHON / "native" / "Cargo.toml", "--out", directory)
    (archive,) = directory.glob("annoy_rs-*.tar.gz")
    return archive


@pytest.fixture
def unpacked(archive: Path, tmp_path: Path) -> Path:
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    return tmp_path / archive.name.removesuffix(".tar.gz")


def files(*patterns: str) -> set[str]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return {str(path.relative_to(ROOT)) for path in found if not {"__pycache__", "target"} & set(path.parts)}


def test_what_is_in_it(unpacked: Path) -> None:
    """The library, this binding, and what Cargo.toml names of tests and benchmarks."""
    packed = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    modules = {f"src/{path.relative_to(PYTHON / 'src')}" for path in (PYTHON / "src").rglob("*.py*")}
    modules = {name for name in modules if not name.endswith(".pyc")}
    library = files("src/**/*.rs", "build.rs", "include/annoy.h", "Cargo.*", "LICENSE", "THIRD-PARTY-LICENSES.txt")
    # benches/micro is a package of its own.
    named = files("benches/**/*.rs", "tests/faults.rs") - files("benches/micro/*.rs")
    binding = {name for name in files("bindings/python/native/**/*") if not name.endswith(".so")}
    assert library | modules | named | binding <= packed
    rest = packed - library - modules - named - binding
    assert {name for name in rest if not name.startswith("bindings/python/")} == {
        *("CHANGELOG.md", "PKG-INFO", "README.md", "pyproject.toml", "src/annoy_rs/py.typed")
    } & rest
    assert {name.removeprefix("bindings/python/") for name in rest if name.startswith("bindings/")} <= {
        *(".gitignore", "LICENSE", "README.md", "THIRD-PARTY-LICENSES.txt", "pyproject.toml")
    }


def test_cargo_takes_it_alone(unpacked: Path) -> None:
    """Without the other members of the workspace; the crates are those of the repository."""
    told = run("cargo", "tree", "--offline", "--prefix=none", "--package=annoy_rs", "--edges=normal", "--manifest-path", unpacked / "Cargo.toml")
    expected = run("cargo", "tree", "--offline", "--prefix=none", "--package=annoy_rs", "--edges=normal", "--manifest-path", ROOT / "Cargo.toml")
    assert {line.split(" (")[0] for line in told.splitlines()} == {line.split(" (")[0] for line in expected.splitlines()}


def builds(environment: Path, package: Path, **variables: object) -> None:
    """Into an empty environment, where it then searches."""
    venv.create(environment)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", package, **variables)
    program = "import annoy_rs; index = annoy_rs.Index(2); index.add_items([[1, 2], [3, 4]]); index.build(1); print(len(index.search([3, 4], 1)[0]))"
    assert run(python, "-I", "-c", program) == "1\n"


@THOROUGH
def test_it_builds_elsewhere(archive: Path, tmp_path: Path) -> None:
    builds(tmp_path / "venv", archive, CARGO_TARGET_DIR=tmp_path / "target")


@THOROUGH
def test_it_builds_with_vendored_crates(unpacked: Path, tmp_path: Path) -> None:
    """As README.md says. Cargo's own directory is empty, so it has nothing but these."""
    (unpacked / ".cargo").mkdir()
    config = subprocess.run(["cargo", "vendor"], cwd=unpacked, check=True, stdout=subprocess.PIPE, text=True).stdout
    (unpacked / ".cargo" / "config.toml").write_text(config, encoding="utf-8")
    variables = {"CARGO_HOME": tmp_path / "cargo", "CARGO_NET_OFFLINE": "true", "CARGO_TARGET_DIR": tmp_path / "target"}
    builds(tmp_path / "venv", unpacked, CARGO_PROFILE_RELEASE_OPT_LEVEL=0, **variables)
