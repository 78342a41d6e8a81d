"""Directories of shards."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Union

import numpy as np
import pytest
from annoy import AnnoyIndex as Annoy  # PyPI's
from annoy_rs import ArgumentError, FileError, Index, ItemError, Shard, Shards, StateError

HERE = Path(__file__).resolve().parents[3] / "tests" / "conformance" / "shards"


def save_line(path: Path, start: int, n: int = 10) -> None:
    index = Index(1, "euclidean")
    index.add_items(np.arange(start, start + n, dtype=np.float32).reshape(-1, 1))
    index.set_labels([f"at {i}" for i in range(start, start + n)])
    index.build(1)
    index.save(path)


def two(path: Path) -> Path:
    save_line(path / "a.ann", 0)
    save_line(path / "b.ann", 10)
    assert Shards.commit(path, ["a.ann", "b.ann"]) == 1
    return path


def test_one_index(tmp_path: Path) -> None:
    with Shards.open(two(tmp_path)) as index:
        assert (len(index), index.f, index.n_shards, index.n_missing, index.generation) == (20, 1, 2, 0, 1)
        assert index.search([12.2], 2)[0].tolist() == [12, 13]
        assert index.search(np.array([[12.2], [3]]), 1)[0].tolist() == [[12], [3]]
        assert index.search([12.2], 2, shards=[0])[0].tolist() == [9, 8]
        assert index.get_labels([3, 12]).tolist() == ["at 3", "at 12"]
        assert index.find_label("at 12") == 12
        assert index.verify() == []
        assert index[15].tolist() == [15]
        with pytest.raises(StateError, match="a directory of shards"):
            index.add_item(3, [1])
        with pytest.raises(ArgumentError, match="place of a shard"):
            index.search([12.2], 2, shards=[2])
    with pytest.raises(ArgumentError, match="is one file"):
        Shards.open(tmp_path / "a.ann")
    assert len(Index.open(tmp_path)) == 20


def test_changes(tmp_path: Path) -> None:
    two(tmp_path)
    index = Shards.open(tmp_path)
    save_line(tmp_path / "c.ann", 20)
    wanted: list[Union[str, Shard]] = ["a.ann", Shard("b.ann", "late", [2, 3]), "c.ann"]
    with pytest.raises(StateError, match="another writer was first"):
        Shards.commit(tmp_path, wanted, expected=0)
    with pytest.raises(ItemError):
        Shards.commit(tmp_path, [Shard("a.ann", removed=[10])])
    assert Shards.commit(tmp_path, wanted, expected=1, keep=1) == 2
    assert len(index) == 20 and index.refresh() == 2 and len(index) == 30
    assert index.n_removed == 2 and 12 not in index and index.search([12], 1, 100)[0].tolist() == [11]
    manifest = Shards.manifest(tmp_path)
    assert manifest is not None and [shard.get("partition") for shard in manifest["shards"]] == [None, "late", None]
    assert not (tmp_path / "MANIFEST.1").exists()
    (tmp_path / "a.ann").unlink()
    with pytest.raises(FileError, match="a.ann"):
        Shards.open(tmp_path)
    assert Shards.open(tmp_path, partial=True).n_missing == 1


def test_refresh_while_searching(tmp_path: Path) -> None:
    two(tmp_path)
    index = Shards.open(tmp_path)
    stop, wrong = threading.Event(), list[Any]()

    def search() -> None:
        while not stop.is_set():
            found = index.search([3.0], 1, 100)[0].tolist()
            if found != [3]:
                wrong.append(found)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(20):
            Shards.commit(tmp_path, ["a.ann", "b.ann"] if i % 2 else ["a.ann"])
            assert index.refresh() == i + 2
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_conforms() -> None:
    answers = json.loads((HERE / "answers.json").read_text())
    index = Shards.open(HERE / "three.annd")
    facts = len(index), index.n_shards, index.generation, index.n_labels, index.n_removed
    assert facts == tuple(answers[name] for name in ("n_items", "n_shards", "generation", "n_labels", "n_removed"))
    assert index.get_distance(3, 184) == answers["distance"]

    def same(row: Any, found: Any) -> None:
        assert [found[0].tolist(), found[1].tolist()] == [row["ids"], row["distances"]]

    for search in answers["searches"]:
        n, search_k = search["n"], search["search_k"]
        for query, row in zip(answers["queries"], search["by_vector"]):
            same(row, index.search(query, n, search_k))
        for item, row in zip(answers["items"], search["by_item"]):
            same(row, index.search_items(item, n, search_k))
    for query, row in zip(answers["queries"], answers["second_alone"]):
        same(row, index.search(query, 10, exact=True, shards=[1]))


def test_each_shard_is_an_index_of_annoy() -> None:
    answers = json.loads((HERE / "answers.json").read_text())
    for name in ("part-0.ann", "part-1.ann", "part-2.ann"):
        annoy, ours = Annoy(answers["f"], "angular"), Index.open(HERE / "three.annd" / name)
        assert annoy.load(str(HERE / "three.annd" / name))
        assert annoy.get_n_items() == len(ours)
        for query in answers["queries"]:
            found = annoy.get_nns_by_vector(query, 10, 200)
            assert found == ours.search(query, 10, 200, way="forest")[0].tolist()
