"""Indexes that several tests use."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from annoy_rs import Index
from numpy.typing import NDArray

N, F = 500, 12

# Shells start jobs in the background with SIGINT ignored, and Python leaves that so; programs that
# tests start inherit it.
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


@contextmanager
def held_up(call: Callable[[Callable[..., bool]], object]) -> Iterator[None]:
    """Keeps another thread in the middle of a call: `call` gets the callback to pass, which returns
    only at the end."""
    inside, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> bool:
        inside.set()
        return go_on.wait(20)

    thread = threading.Thread(target=call, args=(wait,))
    thread.start()
    try:
        assert inside.wait(20)
        yield
    finally:
        go_on.set()
        thread.join()


def nearest(vectors: NDArray[Any], query: NDArray[Any], n: int) -> list[int]:
    """The nearest by hand, euclidean."""
    distances = np.linalg.norm(vectors.astype(np.float64) - query, axis=1)
    return [int(i) for i in np.argsort(distances, kind="stable")[:n]]
