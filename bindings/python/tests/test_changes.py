"""Changes that fail leave an index as it was; those of several threads all count."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, ClosedError, FileError, Index, StateError, files
from conftest import held_up

ROWS = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
WRONG = [1.0, 2.0, float("nan")]


@pytest.fixture
def switches() -> Iterator[None]:
    """Changes threads as often as may be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def fail(*_: object) -> None:
    raise KeyError


@pytest.mark.parametrize("made", [Index, AnnoyIndex])
@pytest.mark.parametrize("on_disk", [False, True])
def test_f_is_not_known_after_a_first_add_that_failed(made: Callable[..., Any], on_disk: bool, tmp_path: Path) -> None:
    index = made(metric="l2", on_disk_path=tmp_path / "x" if on_disk else None)
    adds: list[Callable[[], object]] = [lambda: index.add_item(0, WRONG)]
    adds.append(lambda: index.add_item(2**40, [1.0, 2.0, 3.0]))
    if made is Index:
        adds.append(lambda: index.add_items([WRONG]))
        adds.append(lambda: index.add_items([[1.0, 2.0, 3.0]], [-1]))
        adds.append(lambda: index.add_items([[1.0, 2.0, 3.0]], progress=fail))
    for add in adds:
        with pytest.raises((ValueError, IndexError, KeyError, OverflowError)):
            add()
        assert index.f == 0 and len(index) == 0 and not any(tmp_path.iterdir())
    index.add_item(0, [1.0, 2.0])
    assert index.f == 2 and len(index) == 1 and (tmp_path / "x").exists() == on_disk
    with pytest.raises((IndexError, ValueError)):
        index.add_item(1, [1.0, 2.0, 3.0])
    with pytest.raises((IndexError, ValueError)):
        index.add_item(1, [1.0, float("inf")])
    assert index.f == 2


@pytest.mark.parametrize("fails", [False, True])
def test_the_second_waits_for_the_first(fails: bool, tmp_path: Path) -> None:
    """Of two threads that add to an index without an f."""
    index = Index(metric="l2", on_disk_path=tmp_path / "x")
    ended: list[object] = []

    def first(wait: Callable[[], bool]) -> None:
        def progress(*_: object) -> None:
            wait()
            if fails:
                raise KeyError

        try:
            index.add_items(ROWS, progress=progress)
        except KeyError as error:
            ended.append(type(error))

    def second() -> None:
        try:
            index.add_items([[1.0, 2.0]])
        except ValueError as error:
            ended.append(type(error))

    other = threading.Thread(target=second)
    with held_up(first):
        other.start()
        other.join(0.2)
        assert other.is_alive() and index.f == 0 and len(index) == 0
    other.join(20)
    assert len(ended) == 1
    assert (index.f, len(index)) == ((2, 1) if fails else (4, 50))


def test_many_threads_add_the_first() -> None:
    for _ in range(20):
        index = Index(metric="l2")
        wrong, start = [], threading.Barrier(6)

        def add(i: int) -> None:
            start.wait(20)
            try:
                index.add_item(i, [float(i), float("nan") if i % 2 else 0.0])
            except ValueError:
                wrong.append(i)

        threads = [threading.Thread(target=add, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(wrong) == [1, 3, 5] and index.ids.tolist() == [0, 2, 4]


def test_an_index_is_closed_while_the_first_are_added() -> None:
    index, ended = Index(), []

    def first(wait: Callable[[], bool]) -> None:
        try:
            index.add_items(ROWS, progress=lambda *_: wait())
        except ClosedError as error:
            ended.append(error)

    with held_up(first):
        index.close()
    assert ended and index.closed


def meanwhile(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object], seconds: float) -> Callable[[], bool]:
    """Has another thread call `other` when the next build begins, which goes on when that is done,
    or after so many seconds. Gives what waits for its end, and says whether it ended in time."""
    build, thread = Index.build, threading.Thread(target=other)
    in_time = []

    def slow(self: Index, *given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        thread.start()
        thread.join(seconds)
        in_time.append(not thread.is_alive())
        return build(self, *given, **named)

    def end() -> bool:
        thread.join(20)
        assert not thread.is_alive()
        return in_time[0]

    monkeypatch.setattr(Index, "build", slow)
    return end


@pytest.mark.parametrize("compatible", [False, True])
def test_fit_keeps_what_others_change(compatible: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    index: Any = (AnnoyIndex if compatible else Index)(metric="l2").fit(ROWS[:30])
    own = index.index if compatible else index
    said: list[str] = []

    def change() -> None:
        own.remove_items([3])
        own.metadata = b"theirs"
        own.set_log(lambda level, text: said.append(text))
        own.unbuild().add_items(ROWS[:1])

    end = meanwhile(monkeypatch, change, 0.2)
    index.fit(ROWS[30:], reset=False)
    assert not end()  # it waited
    assert 3 not in own and own.metadata == b"theirs" and len(index) == 51
    np.testing.assert_array_equal(own.to_numpy()[:50], ROWS)
    own.build(1)
    assert said


@pytest.mark.parametrize("n", [0, 10])
def test_two_fit_at_the_same_time(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(metric="l2")
    if n:
        index.fit(ROWS[:n], ["a"] * n)
    end = meanwhile(monkeypatch, lambda: index.fit(ROWS[20:30], ["b"] * 10, reset=False), 20)
    index.fit(ROWS[30:50], ["c"] * 20, reset=False)
    assert end()
    assert index.y == ["a"] * n + ["b"] * 10 + ["c"] * 20
    assert index.n_trees and index.search(ROWS[25], 1)[0].tolist() == [n + 5]


def test_fit_keeps_what_is_added_first(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(metric="l2")
    end = meanwhile(monkeypatch, lambda: index.add_items(ROWS[:10]), 20)
    index.fit(ROWS[10:], reset=False)
    assert end() and len(index) == 50
    np.testing.assert_array_equal(index.to_numpy(), ROWS)


def test_fit_keeps_metadata_of_no_items() -> None:
    index = Index(4, "l2")
    index.metadata = b"mine"
    assert index.fit(ROWS, reset=False).metadata == b"mine"


def test_an_index_gets_f_or_is_closed_while_its_first_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Index(metric="l2").fit(ROWS).save(tmp_path / "x")
    opened = files.open_index

    def load(index: Index, meanwhile: Callable[[], object]) -> None:
        monkeypatch.setattr(files, "open_index", lambda *given: (opened(*given), meanwhile())[0])
        try:
            index.load(tmp_path / "x")
        finally:
            monkeypatch.undo()

    index = Index(metric="l2")
    with pytest.raises(FileError):
        load(index, lambda: index.add_item(0, [1.0, 2.0]))
    assert index.f == 2 and len(index) == 1
    index = Index(metric="l2")
    load(index, lambda: index.add_item(0, ROWS[0]))
    assert len(index) == 50
    index = Index(metric="l2")
    with pytest.raises(ClosedError):
        load(index, index.close)
    with pytest.raises(ClosedError):
        len(index)


def test_fit_while_others_do_anything(switches: None) -> None:
    """Whatever order calls of three threads come in, each does all it does, or says why not."""
    wrong: list[BaseException] = []
    data = Index(metric="l2").fit(ROWS).to_bytes()

    def call(calls: list[Callable[[], object]]) -> None:
        for one in calls:
            try:
                one()
            except StateError:  # it is built, or not yet
                pass
            except Exception as error:
                wrong.append(error)

    for seed in range(100):
        index = Index(metric="l2")
        calls: list[Callable[[], object]] = [
            *[lambda: index.fit(ROWS[:9], ["a"] * 9, reset=False)] * 4,
            *[lambda: index.unload(), lambda: index.load_bytes(data), lambda: index.add_items(ROWS[:3])],
            *[lambda: index.unbuild(), lambda: index.fit(ROWS[:5])],
        ]
        orders = [np.random.default_rng((seed, i)).permutation(len(calls)) for i in range(3)]
        threads = [threading.Thread(target=call, args=([calls[i] for i in order],)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    assert not wrong
