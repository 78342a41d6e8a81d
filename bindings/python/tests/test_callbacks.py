"""Filters, progress and Ctrl-C: on the thread of the call, and their exceptions come out of it."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from annoy_rs import CallbackError, CancelledError, Index, verify_file
from numpy.typing import NDArray

Array = NDArray[Any]


def test_filter_runs_on_the_calling_thread(built: Index, vectors: Array) -> None:
    threads = set()

    def keep(item: int) -> bool:
        threads.add(threading.get_ident())
        return True

    built.search(vectors, 5, filter=keep, n_threads=2)
    built.search(vectors[0], 5, filter=keep)
    assert threads == {threading.get_ident()}


def test_exceptions_come_out(built: Index, vectors: Array) -> None:
    asked = []

    def fail(item: int) -> bool:
        asked.append(item)
        raise KeyError("mine", item)

    for query in (vectors[0], vectors[:100]):
        asked.clear()
        with pytest.raises(KeyError, match="mine") as caught:
            built.search(query, 5, filter=fail)
        assert len(asked) == 1 and caught.value.args == ("mine", asked[0])
    with pytest.raises(ZeroDivisionError):
        built.search(vectors, 5, progress=lambda done, total: 1 / 0)
    assert built.search(vectors[0], 1)[0].tolist() == [0]


def test_what_a_filter_gives_is_taken_for_true_or_false(built: Index, vectors: Array) -> None:
    assert len(built.search(vectors[0], 5, filter=lambda item: np.bool_(item > 3))[0]) == 5
    assert len(built.search(vectors[0], 5, filter=lambda item: None)[0]) == 0
    with pytest.raises(ValueError, match="truth value"):
        built.search(vectors[0], 5, filter=lambda item: np.zeros(2))


def test_a_filter_may_search_but_not_change(built: Index, vectors: Array) -> None:
    assert built.search(vectors[0], 3, filter=lambda item: built.search_items(item, 1)[0][0] == item)[0].size == 3
    for change in (
        lambda item: built.add_item(0, vectors[0]),
        lambda item: built.unbuild(),
        lambda item: built.close(),
        lambda item: built.load("x"),
    ):
        with pytest.raises(CallbackError, match="callback cannot change"):
            built.search(vectors[0], 3, filter=change)
    built.unbuild()  # nothing is held


def test_progress(built: Index, vectors: Array) -> None:
    heard: list[tuple[int, int]] = []
    built.search(vectors, 5, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (500, 500) and heard == sorted(heard)

    class Bar:
        """What tqdm has of it."""

        n = 0
        total = 0

        def update(self, more: int) -> None:
            self.n += more

    bar = Bar()
    built.search(vectors, 5, progress=bar)
    assert (bar.n, bar.total) == (500, 500)


def long_calls(vectors: Array, path: Path) -> dict[str, Callable[[Index, Any], object]]:
    """Every call that takes `progress`, on an index that is not built."""

    def on_built(call: Callable[[Index, Any], object]) -> Callable[[Index, Any], object]:
        def run(index: Index, progress: Any) -> object:
            if index.n_trees == 0:
                index.build(3)
            return call(index, progress)

        return run

    def saved_and_verified(index: Index, progress: Any) -> object:
        index.save(path)
        return verify_file(path, progress=progress)

    return {
        "add_items": lambda index, progress: index.add_items(vectors, progress=progress),
        "build": lambda index, progress: index.build(3, n_threads=2, progress=progress),
        "build_graph": on_built(lambda index, progress: index.build_graph(4, n_threads=2, progress=progress)),
        "tune": on_built(lambda index, progress: index.tune(n_threads=2, progress=progress)),
        "build_scan": on_built(lambda index, progress: index.build_scan(n_threads=2, progress=progress)),
        "search": on_built(lambda index, progress: index.search(vectors, 5, progress=progress)),
        "estimate_recall": on_built(lambda index, progress: index.estimate_recall(5, progress=progress)),
        "save": on_built(lambda index, progress: index.save(path, progress=progress)),
        "verify": on_built(lambda index, progress: index.verify(progress=progress)),
        "verify_file": on_built(saved_and_verified),
    }


def test_progress_of_every_long_call(vectors: Array, tmp_path: Path) -> None:
    for name, call in long_calls(vectors, tmp_path / "x").items():
        index = Index(12)
        index.add_items(vectors)
        heard: list[tuple[int, int, int]] = []
        call(index, lambda done, total: heard.append((done, total, threading.get_ident())))
        done, total, _ = heard[-1]
        assert done == total > 0 and heard == sorted(heard), name
        assert {thread for _, _, thread in heard} == {threading.get_ident()}, name


def test_exceptions_come_out_of_every_long_call(vectors: Array, tmp_path: Path) -> None:
    for name, call in long_calls(vectors, tmp_path / "x").items():
        index = Index(12)
        index.add_items(vectors)
        heard = []

        def fail(done: int, total: int) -> None:
            heard.append(done)
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            call(index, fail)
        assert len(heard) == 1, name
        assert index.n_items == len(vectors) and (index.n_trees == 0) == (name in ("add_items", "build")), name
        if index.n_trees == 0:
            index.build(3)
        assert index.search(vectors[0], 1)[0].tolist() == [0]


def test_progress_may_not_use_an_index_that_changes(vectors: Array) -> None:
    index = Index(12)
    index.add_items(vectors)
    with pytest.raises(CallbackError):
        index.build(3, progress=lambda done, total: len(index))
    with pytest.raises(CallbackError):
        index.build(3, progress=lambda done, total: index.unload())
    index.build(3)


def test_interrupt_ends_a_build(vectors: Array) -> None:
    index = Index(12)
    index.add_items(vectors)
    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        index.build(2**16)
    assert index.n_trees == 0
    index.build(2)
    assert index.search(vectors[0], 1)[0].tolist() == [0]


def test_interrupt_ends_a_batch(vectors: Array) -> None:
    index = Index(12)
    index.add_items(np.tile(vectors, (100, 1)))
    index.build(5)
    threading.Timer(0.3, _thread.interrupt_main).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        index.search(np.tile(vectors, (400, 1)), 10, exact=True)
    assert time.monotonic() - start < 10
    assert index.search(vectors[0], 1)[0].size == 1


def test_interrupt_while_waiting_for_a_turn(built: Index, vectors: Array) -> None:
    """A lock taken at the same moment is released."""
    searching = threading.Event()

    def slow(item: int) -> bool:
        searching.set()
        time.sleep(0.01)
        return True

    for _ in range(3):
        searching.clear()
        thread = threading.Thread(target=lambda: built.search(vectors[0], 10, 50, filter=slow), daemon=True)
        thread.start()
        assert searching.wait(10)
        threading.Timer(0.1, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            built.unbuild()
            time.sleep(1)
        thread.join(10)
    closing = threading.Thread(target=built.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()


def test_ctrl_c_in_a_process() -> None:
    """The signal itself, while a batch that would take minutes runs."""
    script = """
        import numpy as np
        from annoy_rs import Index
        x = np.random.default_rng(0).normal(size=(50_000, 20)).astype(np.float32)
        index = Index(20)
        index.add_items(x)
        index.build(2)
        print("ready", flush=True)
        try:
            index.search(np.tile(x, (10, 1)), 10, exact=True)
        except KeyboardInterrupt:
            print("interrupted", len(index.search(x[0], 3)[0]))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "interrupted 3\n"


def test_cancelled_without_a_reason_is_an_error_of_its_own() -> None:
    assert not issubclass(CancelledError, (OSError, ValueError, RuntimeError))
