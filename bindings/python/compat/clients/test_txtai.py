"""txtai's backend annoy, as it is and below its Embeddings: its source package has no tests. It
imports PyTorch and transformers only where there are any; nothing here needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from txtai import Embeddings
from txtai.ann import ANNFactory

N, F, K = 1000, 20, 10
VECTORS = np.random.default_rng(0).normal(size=(N, F)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


def vectors_of(texts: list[str]) -> Any:
    """The text is the number of a vector."""
    return np.array([VECTORS[int(text)] for text in texts])


def made(**settings: int) -> Any:
    ann = ANNFactory.create({"backend": "annoy", "dimensions": F, "annoy": settings})
    ann.index(VECTORS)
    return ann


def recall(ann: Any) -> float:
    hits = 0
    for query, found in zip(VECTORS[:100], ann.search(VECTORS[:100], K)):
        hits += len({item for item, _ in found} & set(np.argsort(-VECTORS @ query)[:K].tolist()))
    return hits / 100 / K


def test_nearest(record_property: Callable[[str, Any], None]) -> None:
    ann = made(ntrees=20, searchk=1000)
    assert ann.count() == N and ann.config["build"]["settings"] == {"ntrees": 20}
    assert ann.backend.get_n_trees() == 20
    found = recall(ann)
    record_property("recall", found)
    assert found > 0.9
    scores = [score for _, score in ann.search(VECTORS[3:4], K)[0]]
    assert scores == sorted(scores, reverse=True) and scores[0] == pytest.approx(1)


def test_settings_count() -> None:
    """By default 10 trees; a smaller searchk finds less."""
    assert made().backend.get_n_trees() == 10
    assert recall(made(ntrees=20, searchk=20)) < recall(made(ntrees=20, searchk=1000))


def test_saved_and_loaded(tmp_path: Path) -> None:
    ann = made(ntrees=20)
    expected = ann.search(VECTORS[:5], K)
    ann.save(str(tmp_path / "ann"))
    assert ann.search(VECTORS[:5], K) == expected
    loaded = ANNFactory.create(dict(ann.config))
    loaded.load(str(tmp_path / "ann"))
    assert loaded.count() == N and loaded.search(VECTORS[:5], K) == expected
    loaded.close()


def test_changes_are_refused() -> None:
    ann = made()
    with pytest.raises(NotImplementedError):
        ann.append(VECTORS[:1])
    with pytest.raises(NotImplementedError):
        ann.delete([1])


def test_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_RESOLVE_TRANSFORM", "True")
    config = {"method": "external", "transform": f"{__name__}.vectors_of", "backend": "annoy"}
    embeddings = Embeddings(**config, annoy={"ntrees": 20, "searchk": 1000})
    embeddings.index([(i, str(i)) for i in range(N)])
    assert embeddings.count() == N
    found = embeddings.search("3", 5)
    assert found[0] == (3, pytest.approx(1))
    embeddings.save(str(tmp_path / "index"))
    loaded = Embeddings()
    loaded.load(str(tmp_path / "index"))
    assert loaded.search("3", 5) == found
