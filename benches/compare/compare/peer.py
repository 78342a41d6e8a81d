"""What the measuring worker asks of a library that is used from Python; peers.py and coded.py
have the libraries. All run in one thread.
"""

from __future__ import annotations

import numpy as np

from .data import NEIGHBOURS, unit_rows

EF = (10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024, 1536, 2048)
NPROBE = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


def bytes_of(rows: np.ndarray) -> np.ndarray:
    """Packed bits as bytes: first bit least significant of the first byte."""
    return np.ascontiguousarray(rows).view(np.uint8)


class Peer:
    """A library. Rows are as DataSet gives them.

    Settings are its recommended or default ones, stated in `settings`. What is varied when
    searching goes up a ladder, and up several if there are two things to vary.
    """

    package = ""
    name = ""
    metrics: tuple[str, ...] = ()
    settings: dict = {}
    knob = "ef"
    ladders: tuple[tuple, ...] = (EF,)
    batches = True  # answers many queries in one call

    def __init__(self, metric: str, n: int, d: int):
        self.metric, self.n, self.d = metric, n, d
        self.value = self.ladders[0][0]

    def prepare(self, rows: np.ndarray) -> np.ndarray:
        """The rows as the library wants them; not timed."""
        return bytes_of(rows) if self.metric == "hamming" else np.ascontiguousarray(rows, dtype=np.float32)

    def warm_up(self, rows: np.ndarray) -> None:
        """Whatever happens once a process and is not the build."""

    def build(self, rows: np.ndarray) -> None:
        raise NotImplementedError

    def save(self, path: str) -> None:
        """To a file, or into a directory that the library or this makes."""
        raise NotImplementedError

    def load(self, path: str) -> None:
        raise NotImplementedError

    def set(self, value) -> None:
        self.value = value

    def one(self, query: np.ndarray):
        """Ids for one query: up to 10."""
        return self.batch(query[None])[0]

    def batch(self, queries: np.ndarray):
        raise NotImplementedError


class UnitPeer(Peer):
    """One without an angular metric: what orders unit vectors orders them as their angle does."""

    def prepare(self, rows):
        if self.metric == "angular":
            return unit_rows(rows).astype(np.float32)
        return super().prepare(rows)
