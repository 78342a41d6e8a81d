"""langchain-community's vector store Annoy: its source package has no tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from langchain_community.vectorstores import Annoy
from langchain_core.embeddings import Embeddings

N, F, K = 1000, 20, 10
VECTORS = np.random.default_rng(0).normal(size=(N, F)).astype(np.float32)


class Numbered(Embeddings):
    """The text is the number of a vector."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [VECTORS[int(text)].tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@pytest.fixture(params=["angular", "euclidean", "manhattan", "dot"])
def store(request: Any) -> Any:
    return Annoy.from_texts([str(i) for i in range(N)], Numbered(), metric=request.param, trees=20)


def test_nearest(store: Any, record_property: Callable[[str, Any], None]) -> None:
    metric = store.metric
    distances = {
        "angular": lambda q: -(VECTORS @ q) / np.linalg.norm(VECTORS, axis=1),
        "euclidean": lambda q: np.linalg.norm(VECTORS - q, axis=1),
        "manhattan": lambda q: np.abs(VECTORS - q).sum(axis=1),
        "dot": lambda q: -(VECTORS @ q),
    }[metric]
    hits = 0
    for i in range(100):
        found = {int(text.page_content) for text in store.similarity_search(str(i), k=K, search_k=1000)}
        hits += len(found & set(np.argsort(distances(VECTORS[i]))[:K].tolist()))
    record_property("recall", hits / 100 / K)
    assert hits / 100 / K > 0.5


def test_scores(store: Any) -> None:
    found = store.similarity_search_with_score_by_index(3, k=5)
    scores = [score for _, score in found]
    assert found[0][0].page_content == "3" or store.metric == "dot"
    assert scores == sorted(scores, reverse=store.metric == "dot")
    assert len(store.max_marginal_relevance_search("3", k=3, fetch_k=10)) == 3


def test_saved_and_loaded(store: Any, tmp_path: Path) -> None:
    store.save_local(str(tmp_path))
    loaded = Annoy.load_local(str(tmp_path), Numbered(), allow_dangerous_deserialization=True)
    for by in ("5", "77"):
        assert [text.page_content for text in loaded.similarity_search(by, k=5)] == [
            text.page_content for text in store.similarity_search(by, k=5)
        ]


def test_adding_is_refused(store: Any) -> None:
    with pytest.raises(NotImplementedError):
        store.add_texts(["1"])
