"""Real data: the words of examples/data, and what packages ship. A package that is not installed leaves its sets out."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
from numpy.random import Generator

from generators import QUERIES, Case, Data, Rows, shuffled

ROOT = Path(__file__).resolve().parents[2]


def words() -> Rows:
    return np.fromfile(ROOT / "examples/data/glove-20k-50d.f16", "<f2").reshape(-1, 50).astype(np.float32)


def of(load: Callable[[], Rows]) -> Callable[[Generator, int], Data]:
    """n of the rows, others as queries."""

    def make(random: Generator, n: int) -> Data:
        rows = load()
        queries = min(QUERIES, len(rows) - n)
        chosen = random.permutation(len(rows))[: n + queries]
        return Data(rows[chosen[:n]], rows[chosen[n:]])

    return make


TABLE = [
    Case("words", "angular euclidean", of(words), 6000, 19_800),
]
