"""Many processes on one mapped file: fork, spawn, pools; and a fork while threads search."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, Index
from numpy.typing import NDArray

Array = NDArray[Any]


def find(job: tuple[Any, int]) -> list[int]:
    index, item = job
    if isinstance(index, str):
        index = Index.open(index)
    return [int(i) for i in index.search_items(item, 3)[0]]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("by", ["path", "pickle"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_pool(method: str, by: str, built: Index, tmp_path: Path) -> None:
    built.save(tmp_path / "x")
    index: Any = str(tmp_path / "x") if by == "path" else built
    expected = [find((built, item)) for item in range(8)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(find, [(index, item) for item in range(8)]) == expected


def in_child(work: Any) -> int:
    """Whether `work` gives true in a forked child."""
    pid = os.fork()
    if pid == 0:
        status = 1
        signal.alarm(20)
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_open_indexes_work_on_in_a_forked_child(built: Index, vectors: Array, tmp_path: Path) -> None:
    built.save(tmp_path / "x")
    loaded = AnnoyIndex(12, "euclidean")
    loaded.load(str(tmp_path / "x"))
    expected = loaded.get_nns_by_item(3, 5)

    def work() -> bool:
        same = loaded.get_nns_by_item(3, 5) == expected == built.search_items(3, 5)[0].tolist()
        same = same and built.search(vectors, 3, n_threads=2)[0].shape == (500, 3)
        built.unbuild()
        built.add_item(500, vectors[0])
        built.build(2)
        loaded.close()
        return same and len(built) == 501

    assert in_child(work) == 0
    assert len(built) == 500 and loaded.get_nns_by_item(3, 5) == expected


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_while_threads_search(built: Index, vectors: Array) -> None:
    """Locks that other threads hold at the fork do not stay held in the child."""
    stop = threading.Event()
    batch = np.tile(vectors, (10, 1))

    def search() -> None:
        while not stop.is_set():
            built.search(batch, 3, n_threads=1)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:

        def work() -> bool:
            built.search(vectors[0], 3)
            built.close()
            return True

        for _ in range(10):
            assert in_child(work) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
