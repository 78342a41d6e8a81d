"""Indexes that several tests use."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
from annoy_rs import Index
from numpy.typing import NDArray

N, F = 500, 12

# Shells start jobs in the background with SIGINT ignored, and Python leaves that so; programs that tests start inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def vectors() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(N, F)).astype(np.float32)


@pytest.fixture
def built(vectors: NDArray[Any]) -> Index:
    index = Index(F, "euclidean")
    index.add_items(vectors)
    index.build(5)
    return index


def nearest(vectors: NDArray[Any], query: NDArray[Any], n: int) -> list[int]:
    """The nearest by hand, euclidean."""
    distances = np.linalg.norm(vectors.astype(np.float64) - query, axis=1)
    return [int(i) for i in np.argsort(distances, kind="stable")[:n]]
