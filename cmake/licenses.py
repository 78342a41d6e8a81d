#!/usr/bin/env python3
"""Writes THIRD-PARTY-LICENSES.txt: the licences of the crates that are in the library. `--check`
says whether it is up to date.

Both refuse crates that come from no registry, and two versions of one crate: that code would be
twice in every program.

If a crate offers a choice of licences and MIT is one of them, MIT is taken. Needs cargo, and the
crates' sources, which cargo fetches.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILE = ROOT / "THIRD-PARTY-LICENSES.txt"
SYSTEMS = ("x86_64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-pc-windows-gnu")
# The library, and the extension module of Python with it inside.
ROOTS = ("annoy_rs", "annoy_rs_python")
OURS = (*ROOTS, "annoy_rs_soname")
HEAD = """The library contains parts of the crates below, and of Rust's standard library
(MIT OR Apache-2.0, copyright The Rust Project Contributors,
https://www.rust-lang.org/policies/licenses). pyo3-ffi is in Python's extension module alone, the
windows crates in the library for Windows. cmake/licenses.py writes this file.
"""


def metadata(system: str) -> Any:
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", system]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def linked(system: str) -> Iterator[Any]:
    """The packages whose code is in the library: not what runs in the compiler, nor
    what tests need."""
    found = metadata(system)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    roots = {id for id, package in packages.items() if package["name"] in ROOTS}
    assert len(roots) == len(ROOTS), roots
    seen, waiting = set(roots), list(roots)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            id = dependency["pkg"]
            is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            is_macro = any("proc-macro" in target["kind"] for target in packages[id]["targets"])
            if is_normal and not is_macro and id not in seen:
                seen.add(id)
                waiting.append(id)
    return (packages[id] for id in seen if packages[id]["source"] or packages[id]["name"] not in OURS)


def texts(package: Any) -> list[str]:
    directory = pathlib.Path(package["manifest_path"]).parent
    files = sorted(path for path in directory.iterdir() if path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")))
    of_mit = [path for path in files if "MIT" in path.name.upper()]
    if not files:
        raise SystemExit(f"{package['name']} has no licence file in {directory}")
    return [path.read_text(encoding="utf-8").strip() for path in of_mit or files]


def main() -> int:
    packages = {(package["name"], package["version"]): package for system in SYSTEMS for package in linked(system)}
    names = [name for name, _ in packages]
    for (name, version), package in packages.items():
        if not (package["source"] or "").startswith("registry+"):
            raise SystemExit(f"{name} {version} is not from a registry but from {package['source'] or 'a directory'}")
        if names.count(name) > 1:
            raise SystemExit(f"the library has more than one version of {name} in it")
    parts = [HEAD]
    for (name, version), package in sorted(packages.items()):
        parts.append(f"{'=' * 80}\n{name} {version}: {package['license']}\n{'=' * 80}\n")
        parts.extend(f"{text}\n" for text in texts(package))
    text = "\n".join(parts)
    if "--check" in sys.argv[1:]:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            print(f"{FILE.name} is not up to date: python3 cmake/licenses.py", file=sys.stderr)
            return 1
        return 0
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
