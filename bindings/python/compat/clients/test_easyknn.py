"""easyknn's AnnoyBackend: its source package has no tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
from easyknn import AnnoyBackend

N, F, K = 1000, 20, 10
VECTORS = np.random.default_rng(0).normal(size=(N, F)).astype(np.float32)


def test_nearest_and_saved(tmp_path: Path, record_property: Callable[[str, Any], None]) -> None:
    backend = AnnoyBackend()
    backend.build(VECTORS, {"metric": "euclidean"}, {"n_trees": 100})
    backend.save(tmp_path)
    loaded = AnnoyBackend.load(tmp_path)
    hits = 0
    for i in range(100):
        ids, distances = backend.get_nns_by_index(i, K)
        assert ids[0] == i and distances == sorted(distances)
        assert loaded.get_nns_by_vector(VECTORS[i], K) == (ids, distances)
        hits += len(set(ids) & set(np.argsort(np.linalg.norm(VECTORS - VECTORS[i], axis=1))[:K].tolist()))
    record_property("recall", hits / 100 / K)
