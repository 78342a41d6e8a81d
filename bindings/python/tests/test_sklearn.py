"""The transformer for scikit-learn, beside scikit-learn's own."""

from __future__ import annotations

import pickle
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
from annoy_rs.sklearn import AnnoyTransformer
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.manifold import Isomap
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

Array = NDArray[Any]
EXACT = 100_000


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_same_graph_as_scikit_learn(mode: str, metric: str, vectors: Array) -> None:
    queries = vectors[::7] + np.float32(0.01)
    ours = AnnoyTransformer(4, mode=mode, metric=metric, search_k=EXACT).fit(vectors)
    theirs = KNeighborsTransformer(n_neighbors=4, mode=mode, metric=metric).fit(vectors)
    for x in (vectors, queries):
        a, b = ours.transform(x), theirs.transform(x)
        assert a.shape == b.shape and a.nnz == b.nnz
        np.testing.assert_allclose(a.toarray(), b.toarray(), atol=1e-3)
    np.testing.assert_array_equal(ours.kneighbors(queries)[1], theirs.kneighbors(queries)[1])
    np.testing.assert_allclose(ours.kneighbors(queries)[0], theirs.kneighbors(queries)[0], rtol=1e-4)
    np.testing.assert_array_equal(ours.kneighbors(n_neighbors=3)[1], theirs.kneighbors(n_neighbors=3)[1])
    np.testing.assert_array_equal(
        ours.kneighbors_graph(queries).toarray(), theirs.kneighbors_graph(queries).toarray()
    )


def test_in_pipelines() -> None:
    x, y = make_blobs(300, n_features=5, centers=4, random_state=0)
    neighbours = AnnoyTransformer(10, search_k=EXACT, random_state=1)
    classifier = make_pipeline(neighbours, KNeighborsClassifier(5, metric="precomputed")).fit(x[:200], y[:200])
    direct = KNeighborsClassifier(5).fit(x[:200], y[:200])
    np.testing.assert_array_equal(classifier.predict(x[200:]), direct.predict(x[200:]))
    isomap = make_pipeline(clone(neighbours), Isomap(n_neighbors=5, metric="precomputed"))
    assert isomap.fit_transform(x[y == 0]).shape == (75, 2)
    assert pickle.loads(pickle.dumps(classifier)).score(x, y) == classifier.score(x, y)


def test_too_few_are_an_error(vectors: Array) -> None:
    with pytest.raises(ValueError, match="row 0 has 3 neighbours, expected 6"):
        AnnoyTransformer(5).fit(vectors[:3]).transform(vectors[:3])
    with pytest.raises(ValueError, match="mode is"):
        AnnoyTransformer(5, mode="other").fit(vectors)


@pytest.mark.filterwarnings("ignore")
def test_what_scikit_learn_asks_of_estimators() -> None:
    # Some of its checks have fewer samples than the neighbours asked for.
    estimator = AnnoyTransformer(1, search_k=EXACT)
    failed = []
    for instance, check in estimator_checks_generator(estimator):
        try:
            check(instance)
        except SkipTest:
            pass
        except Exception as error:
            failed.append(f"{check.func.__name__}: {error!r}"[:200])
    assert not failed, "\n".join(failed)
