"""PyPI annoy's module of this name: `Annoy` is annoy_rs's AnnoyIndex.

When PyPI annoy is installed too, Python takes its package `annoy` before our annoy.py. That package
imports its annoylib, an extension module, and Python takes this directory before that. So whichever
was installed first, this is run, and can say that there are two.
"""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

from annoy_rs import Annoy

__all__ = ["Annoy"]


def _refuse_beside(package: Path) -> None:
    """Raises ImportError if another distribution has its package `annoy` where this one is."""
    if not (package / "__init__.py").exists():
        return
    others = {
        found.metadata["Name"] for found in distributions() if any(str(file) == "annoy/__init__.py" for file in found.files or ())
    }
    other = " and ".join(sorted(others)) or "annoy"
    raise ImportError(
        f"{other} and annoy-rs-compat are both installed in {package.parent}, and both are `annoy`. "
        f"Keep one: `pip uninstall {other}` or `pip uninstall annoy-rs-compat`.",
        name="annoy",
        path=str(package),
    )


_refuse_beside(Path(__file__).resolve().parents[1])
