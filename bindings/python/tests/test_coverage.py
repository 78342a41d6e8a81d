"""Everything in annoy.h is used by this binding."""

from __future__ import annotations

import re
from pathlib import Path

import annoy_rs
from annoy_rs._native import lib

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "bindings" / "python" / "src" / "annoy_rs").rglob("*.py"))
NATIVE = [ROOT / "bindings" / "python" / "native" / name for name in ("guarded.h", "views.h")]


# What another call does as well: three are short for one with options or work, and guarded.h
# closes an index by annoy_free.
SHORTER = {"annoy_new", "annoy_build", "annoy_save", "annoy_close"}


def functions() -> set[str]:
    header = re.sub(r"//[^\n]*|/\*.*?\*/", "", (ROOT / "include" / "annoy.h").read_text(encoding="utf-8"), flags=re.S)
    return set(re.findall(r"\b(annoy_\w+)\(", header))


def used() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in [*SOURCES, *NATIVE])


def test_every_function_is_used() -> None:
    all_of_them, text = functions(), used()
    assert len(all_of_them) > 50
    missing = sorted(name for name in all_of_them - SHORTER if not re.search(rf"\b{name}\b", text))
    assert not missing, f"functions of annoy.h that the binding does not use: {', '.join(missing)}"


def test_every_function_is_linked() -> None:
    assert all(callable(getattr(lib, name)) for name in functions())


def test_every_status_has_a_class() -> None:
    from annoy_rs.errors import _CLASSES

    header = (ROOT / "include" / "annoy.h").read_text(encoding="utf-8")
    statuses = set(re.findall(r"#define (ANNOY_ERR_\w+)", header))
    # Those that would be faults of this binding or of the library.
    internal = {"ANNOY_ERR_NULL", "ANNOY_ERR_TOO_SMALL", "ANNOY_ERR_PANIC"}
    known = {name for name in statuses if getattr(lib, name) in _CLASSES}
    assert statuses - internal == known
    assert all(issubclass(error, annoy_rs.AnnoyError) for error in _CLASSES.values())
