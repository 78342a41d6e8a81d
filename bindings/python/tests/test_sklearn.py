"""`Index` and the transformer as scikit-learn's estimators, beside its own."""

from __future__ import annotations

import pickle
from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from annoy_rs import Index
from annoy_rs.sklearn import AnnoyTransformer
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.manifold import Isomap
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
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


# Some of its checks have fewer samples than the neighbours asked for.
@pytest.mark.parametrize("estimator", [AnnoyTransformer(1, search_k=EXACT), Index(n_neighbors=1)], ids=lambda e: type(e).__name__)
@pytest.mark.filterwarnings("ignore")
def test_what_scikit_learn_asks_of_estimators(estimator: Any) -> None:
    failed, passed = [], 0
    for instance, check in estimator_checks_generator(estimator):
        try:
            check(instance)
            passed += 1
        except SkipTest:
            pass
        except Exception as error:
            failed.append(f"{check.func.__name__}: {error!r}"[:200])
    assert not failed, "\n".join(failed)
    assert passed > 40


def test_index_is_an_estimator(vectors: Array) -> None:
    index = Index(metric="l2", n_neighbors=4, random_state=3)
    with pytest.raises(NotFittedError):
        index.kneighbors(vectors)
    labels = [f"kind {i % 3}" for i in range(len(vectors))]
    assert index.fit(vectors, labels) is index and index.get_params()["f"] is None and index.f == 12
    theirs = NearestNeighbors(n_neighbors=4).fit(vectors)
    np.testing.assert_array_equal(index.kneighbors(vectors[:9], search_k=EXACT)[1], theirs.kneighbors(vectors[:9])[1])
    np.testing.assert_allclose(index.kneighbors(vectors[:9], search_k=EXACT)[0], theirs.kneighbors(vectors[:9])[0], atol=1e-3)
    np.testing.assert_array_equal(index.kneighbors(search_k=EXACT)[1], theirs.kneighbors()[1])
    for mode in ("connectivity", "distance"):
        ours = index.kneighbors_graph(vectors[:9], mode=mode, search_k=EXACT)
        np.testing.assert_allclose(ours.toarray(), theirs.kneighbors_graph(vectors[:9], mode=mode).toarray(), atol=1e-3)
    ids, distances, named = index.transform(
        vectors[:5], output_type="item", include_distances=True, return_labels=True, search_k=EXACT
    )
    assert ids.shape == distances.shape == named.shape == (5, 4) and ids[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert named.tolist() == [[labels[i] for i in row] for row in ids.tolist()]
    nearest = index.transform([7], input_type="item", exclude_self=True, exclude_items=[int(ids[0, 1])], search_k=EXACT)
    np.testing.assert_array_equal(nearest[0], vectors[index.query_by_item(7, 5, search_k=EXACT)[1:]])
    fresh = clone(index)
    assert fresh.get_params() == index.get_params() and len(fresh) == 0
    again = pickle.loads(pickle.dumps(index))
    assert again.y == labels and again.get_nns_by_item(3, 5) == index.get_nns_by_item(3, 5)
    # Parameters are for the next fit, and what was fitted stays until then.
    index.set_params(metric="dot")
    assert index.metric == "euclidean" and index.get_params()["metric"] == "dot"
    assert pickle.loads(pickle.dumps(index)).metric == "euclidean"
    assert index.fit(vectors).metric == "dot" and index.y is None


def test_fitting_more_rows(vectors: Array) -> None:
    index = Index(metric="l2").fit(vectors[:100], ["a"] * 100)
    index.fit(vectors[100:150], ["b"] * 50, reset=False)
    np.testing.assert_array_equal(index.to_numpy(), vectors[:150])
    assert index.y == ["a"] * 100 + ["b"] * 50
    index.fit(vectors[:5], y_map={300: "c"}, reset=False, start_index=300)
    assert index.n_items == 305 and 200 not in index and index.y_map[300] == "c"  # type: ignore[index]
    before = index.to_bytes()
    for wrong in (vectors[:, :3], [[np.nan] * 12], np.zeros((0, 12))):
        with pytest.raises(ValueError):
            index.fit(wrong, reset=False)
        assert index.to_bytes() == before
    added = Index(3).add_items([[1, 2, 3]])
    assert added.tolist() == [0]
    assert Index(3).add_item(0, [1, 2, 3]).fit().n_trees > 0


def test_missing_values() -> None:
    rows = [{0: 1.0, 2: 3.0}, [4.0, None, 6.0]]
    index = Index(metric="l2").fit(rows, missing_value=-1)
    assert index.to_numpy().tolist() == [[1, -1, 3], [4, -1, 6]]
    assert index.transform([{1: -1.0}], 1, missing_value=-1).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="row 0 has no value 1"):
        Index().fit(rows)


def test_names_of_features(vectors: Array) -> None:
    frame = pd.DataFrame(vectors, columns=[f"x{i}" for i in range(12)])
    index = Index(metric="l2").fit(frame)
    assert index.feature_names_in_.tolist() == list(frame.columns)
    assert index.to_pandas().equals(frame.rename_axis("id"))
    with pytest.raises(ValueError, match="x0"):
        index.transform(frame.rename(columns={"x0": "y"}))
    with pytest.warns(UserWarning, match="valid feature names"):
        index.transform(vectors[:2])
    with pytest.raises(AttributeError):
        index.fit(vectors).feature_names_in_


def test_in_searches_of_parameters(vectors: Array) -> None:
    labels = vectors[:, 0] > 0
    model = make_pipeline(Index(metric="l2", n_trees=5), FunctionTransformer(lambda x: x.reshape(len(x), -1)), LogisticRegression())
    search = GridSearchCV(model, {"index__n_neighbors": [1, 3], "index__metric": ["l1", "l2"]}, cv=2)
    assert search.fit(vectors, labels).score(vectors, labels) > 0.7
