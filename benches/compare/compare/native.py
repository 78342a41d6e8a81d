"""annoy_rs and Annoy, measured by C programs: native/bench.c linked with an adapter for each."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from .data import NEIGHBOURS, DataSet

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
SEED = 42

# Those of Annoy's own setup.py on Linux, x86-64.
ANNOY_FLAGS = ("-O3 -march=native -ffast-math -fno-associative-math -std=c++14 -DANNOYLIB_MULTITHREADED_BUILD "
               "-D_CRT_SECURE_NO_WARNINGS -fpermissive").split()
C_FLAGS = "-std=c99 -O3 -march=native -Wall -Wextra".split()
CXX_FLAGS = "-std=c++14 -O3 -Wall -Wextra".split()

# Name of the program: what the report calls it.
PROGRAMS = {"annoy": "Annoy, C++", "ours": "annoy_rs, C", "graph": "annoy_rs, C, graph", "scan": "annoy_rs, C, scan", "dropin": "annoy_rs, annoylib.h"}


def say(text: str) -> None:
    print(f"== {datetime.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


class ProgramError(Exception):
    """A program that failed; the text is the end of what it said."""

    def reason(self) -> str:
        """The last line: what a report can hold."""
        return str(self).strip().splitlines()[-1][:300]


def run(command: list, env: dict | None = None, cwd: pathlib.Path | None = None, timeout: float | None = None) -> str:
    try:
        done = subprocess.run([str(part) for part in command], env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    except FileNotFoundError:
        raise ProgramError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise ProgramError(f"stopped after {timeout:.0f} s") from None
    if done.returncode != 0:
        raise ProgramError(f"{pathlib.Path(str(command[0])).name}: exit {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def environment(work: pathlib.Path) -> dict:
    """That of every program measured: one thread, and no variable that swaps a
    library's kernels."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    env |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    return env | {"NUMBA_CACHE_DIR": str(work / "numba"), "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}


def compile_all(work: pathlib.Path, python: str, with_dropin: bool) -> dict[str, pathlib.Path]:
    """Builds the library and the programs; returns the programs by name.

    To measure another build of the library set OURS_LIB (the static library) and OURS_INCLUDE
    (directory of annoy.h)."""
    programs = work / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    library = os.environ.get("OURS_LIB")
    if not library:
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        run(["cargo", "build", "--release", "--quiet"], env={**os.environ, "CARGO_TARGET_DIR": str(target)}, cwd=ROOT)
        library = target / "release/libannoy_rs.a"
    include = os.environ.get("OURS_INCLUDE", ROOT / "include")
    libraries = [library, "-lpthread", "-ldl", "-lm"]
    native = HERE / "native"
    headers = run(["bash", HERE / "fetch_annoy.sh", work / "downloads"], env={**os.environ, "PYTHON": python}).strip()
    cc, cxx = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")

    bench = programs / "bench.o"
    run([cc, *C_FLAGS, f"-I{native}", "-c", native / "bench.c", "-o", bench])
    run([cc, *C_FLAGS, f"-I{native}", f"-I{include}", native / "index_ours.c", bench, *libraries, "-o", programs / "ours"])
    for name in ("graph", "scan"):
        run([cc, *C_FLAGS, f"-D{name.upper()}", f"-I{native}", f"-I{include}", native / "index_ours.c", bench, *libraries, "-o", programs / name])
    run([cxx, *ANNOY_FLAGS, "-pthread", "-isystem", headers, f"-I{native}", native / "index_annoy.cc", bench, "-o", programs / "annoy"])
    if not with_dropin:
        return {name: programs / name for name in ("annoy", "ours", "graph", "scan")}
    run([cxx, *CXX_FLAGS, f"-I{ROOT / 'bindings/cpp/include'}", f"-I{include}", f"-I{native}", native / "index_annoy.cc", bench,
         *libraries, "-o", programs / "dropin"])
    return {name: programs / name for name in PROGRAMS}


def node_bytes(data: DataSet) -> int:
    """Size of a node in Annoy 1.17's files, 32-bit ids."""
    return {"angular": 12, "hamming": 16}.get(data.metric, 16) + data.row_bytes


@dataclasses.dataclass(frozen=True)
class Native:
    """One program, and what it needs."""

    name: str
    path: pathlib.Path
    env: dict
    scratch: pathlib.Path

    def _run(self, *arguments, timeout: float | None = None) -> list[dict]:
        return json_lines(run([self.path, *arguments], env=self.env, timeout=timeout))

    def build(self, data: DataSet, index: pathlib.Path, n_trees: int, threads: int = 1, seed: int = SEED,
              timeout: float | None = None) -> dict:
        (record,) = self._run("build", data.metric, data.d, data.train_path, data.n, n_trees, threads, seed, index, timeout=timeout)
        return record

    def query(self, data: DataSet, index: pathlib.Path, search_ks: list[int], passes: int, seconds: float = 1e6,
              candidates: bool = False, n_queries: int = 0, batch: bool = False) -> tuple[list[dict], np.ndarray]:
        """Records, and the ids found: one block of rows for each search_k."""
        n_queries = n_queries or data.n_queries
        with tempfile.NamedTemporaryFile(dir=self.scratch) as ids:
            records = self._run("query", "--passes", passes, "--ms", round(seconds * 1e3), "--ids", ids.name,
                                *(["--candidates"] if candidates else []), *(["--batch"] if batch else []),
                                data.metric, data.d, index, data.queries_path, n_queries, *search_ks)
            answers = np.fromfile(ids.name, dtype="<i4").reshape(len(search_ks), n_queries, NEIGHBOURS)
        return records, answers

    def cold(self, data: DataSet, index: pathlib.Path, search_k: int) -> dict:
        (record,) = self._run("cold", data.metric, data.d, index, data.queries_path, data.n_queries, search_k)
        return record

    def rows(self, data: DataSet, index: pathlib.Path) -> dict:
        (record,) = self._run("rows", index, data.n, node_bytes(data))
        return record
