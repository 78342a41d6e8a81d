"""PyPI annoy's module: `AnnoyIndex` is annoy_rs's.

A module with a directory of parts, not a package, so that no file of this distribution is one of
PyPI annoy's: pip would let the one that is installed last overwrite the other's, and an uninstall
take what is left. annoylib says what happens when both are there.
"""

from __future__ import annotations

from pathlib import Path

__path__ = [str(Path(__file__).with_suffix(""))]

from annoy.annoylib import Annoy as AnnoyIndex  # noqa: E402

__all__ = ["AnnoyIndex"]
