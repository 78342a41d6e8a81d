"""Peers that search codes of the vectors, a byte or less a number, and re-rank what they find with
the vectors or longer codes.
"""

from __future__ import annotations

import json
import math
import pathlib
import tempfile

import numpy as np

from .data import NEIGHBOURS
from .peer import EF, NPROBE, Peer, UnitPeer

REAL = ("angular", "euclidean", "dot")


def power_of_two(x: float) -> int:
    """The nearest, by ratio."""
    return 2 ** round(math.log2(x))


class FaissIvfPq(UnitPeer):
    package, name = "faiss-cpu", "faiss IVF-PQ fast scan"
    metrics = REAL
    settings = {"index": "IVF{nearest power of two of sqrt(n)},PQ{d/2}x4fs,RFlat"}
    knob = "nprobe, k_factor"
    ladders = tuple(tuple((nprobe, k) for nprobe in NPROBE) for k in (2, 4, 8, 16, 32, 64))

    def build(self, rows):
        import faiss

        faiss.omp_set_num_threads(1)
        codes = self.d // 2 if self.d % 2 == 0 else self.d
        self.index = faiss.index_factory(self.d, f"IVF{power_of_two(math.sqrt(self.n))},PQ{codes}x4fs,RFlat",
                                         faiss.METRIC_INNER_PRODUCT if self.metric == "dot" else faiss.METRIC_L2)
        self.index.train(rows)
        self.index.add(rows)

    def save(self, path):
        import faiss

        faiss.write_index(self.index, path)

    def load(self, path):
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)
        self.lists = faiss.extract_index_ivf(self.index)

    def set(self, value):
        self.lists.nprobe, self.index.k_factor = value

    def batch(self, queries):
        return self.index.search(queries, NEIGHBOURS)[1]


class Scann(UnitPeer):
    """ScaNN without TensorFlow, which others made of its sources. Anisotropic codes are for inner
    products; a spherical tree is for unit vectors."""

    package, name = "scann-core", "ScaNN"
    metrics = REAL
    settings = {"leaves": "2,000 sqrt(n / 340,000)", "dimensions_per_block": 2,
                "anisotropic_quantization_threshold": "0.2; euclidean: none", "training": "all items"}
    knob = "leaves, reorder"
    ladders = tuple(tuple((leaves, count) for leaves in NPROBE) for count in (20, 40, 80, 160, 320, 640))

    def build(self, rows):
        from scann import scann_ops_pybind

        leaves = max(1, round(2000 * math.sqrt(self.n / 340_000)))
        self.index = (
            scann_ops_pybind.builder(rows, NEIGHBOURS, "squared_l2" if self.metric == "euclidean" else "dot_product")
            .tree(leaves, 1, training_sample_size=self.n, spherical=self.metric == "angular", quantize_centroids=True)
            .score_ah(2, anisotropic_quantization_threshold=math.nan if self.metric == "euclidean" else 0.2)
            .reorder(self.ladders[0][0][1])
            .set_n_training_threads(1)
            .build()
        )

    def save(self, path):
        pathlib.Path(path).mkdir()
        self.index.serialize(path, relative_path=True)

    def load(self, path):
        from scann import scann_ops_pybind

        self.index = scann_ops_pybind.load_searcher(path)
        self.index.set_num_threads(1)

    def one(self, query):
        leaves, count = self.value
        return self.index.search(query, NEIGHBOURS, count, leaves)[0]

    def batch(self, queries):
        leaves, count = self.value
        return self.index.search_batched(queries, NEIGHBOURS, count, leaves)[0]


class SymphonyQg(UnitPeer):
    package, name = "rabitqlib", "SymphonyQG"
    metrics = REAL
    settings = {"max_degree": 32, "ef_construction": 200}

    def prepare(self, rows):
        """With zeroes to 64 numbers, which is the least that it takes."""
        return np.pad(super().prepare(rows), ((0, 0), (0, max(0, 64 - self.d))))

    def build(self, rows):
        from rabitqlib import SymqgIndex

        self.index = SymqgIndex(rows.shape[1], self.settings["max_degree"], "ip" if self.metric == "dot" else "l2")
        self.index.build(rows, self.settings["ef_construction"], num_threads=1)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        from rabitqlib import SymqgIndex

        self.index = SymqgIndex.load(path)

    def batch(self, queries):
        return self.index.search_batch(queries, NEIGHBOURS, self.value, num_threads=1)[0]


class Glass(UnitPeer):
    """Its file is the graph alone. The vectors lie beside it, and loading makes codes of them."""

    package, name = "pyglass-portable", "glass"
    metrics = REAL
    settings = {"index": "HNSW", "R": 32, "L": 200, "codes": "SQ8U"}
    knob = "ef, re-ranked with"
    ladders = tuple(tuple((ef, finer) for ef in EF) for finer in ("FP16", ""))

    def _metric(self) -> str:
        return "L2" if self.metric == "euclidean" else "IP"

    def build(self, rows):
        import glass

        glass.set_num_threads(1)
        self.rows = rows
        self.graph = glass.Index("HNSW", self._metric(), "SQ8U", self.settings["R"], self.settings["L"]).build(rows)

    def save(self, path):
        directory = pathlib.Path(path)
        directory.mkdir()
        self.graph.save(str(directory / "graph"))
        np.save(directory / "rows.npy", self.rows)

    def load(self, path):
        self.path, self.finer = pathlib.Path(path), None

    def _searcher(self, finer: str) -> None:
        import glass

        glass.set_num_threads(1)
        # A searcher takes the graph's content away, so each needs one of its own.
        graph = glass.Graph(str(self.path / "graph"))
        self.index, self.finer = glass.Searcher(graph, np.load(self.path / "rows.npy"), self._metric(), "SQ8U", finer), finer
        self.index.set_ef(64)
        self.index.optimize(1)

    def set(self, value):
        ef, finer = value
        if finer != self.finer:
            self._searcher(finer)
        self.index.set_ef(ef)

    def one(self, query):
        return self.index.search(query, NEIGHBOURS)[0]

    def batch(self, queries):
        return np.asarray(self.index.batch_search(queries, NEIGHBOURS, 1)[0]).reshape(len(queries), NEIGHBOURS)


class Vsag(Peer):
    package, name = "pyvsag", "VSAG HGraph"
    metrics = REAL
    settings = {"max_degree": 32, "ef_construction": 200, "base_quantization_type": "sq8", "precise_quantization_type": "fp32"}
    knob = "ef_search"
    batches = False

    def _new(self):
        import pyvsag

        pyvsag.set_logger_off()
        metric = {"angular": "cosine", "euclidean": "l2", "dot": "ip"}[self.metric]
        self.index = pyvsag.Index("hgraph", json.dumps({
            "dtype": "float32", "metric_type": metric, "dim": self.d,
            "index_param": {**self.settings, "use_reorder": True, "build_thread_count": 1}}))

    def build(self, rows):
        self._new()
        self.index.build(rows.reshape(-1), np.arange(self.n), self.n, self.d)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self._new()
        self.index.load(path)

    def set(self, value):
        self.parameters = json.dumps({"hgraph": {"ef_search": value}})

    def one(self, query):
        return self.index.knn_search(query, NEIGHBOURS, self.parameters)[0]


class Svs(UnitPeer):
    """Intel's, with codes that are closed source: 4 bits a number to walk by, and 8 of the rest."""

    package, name = "scalable-vs", "SVS Vamana"
    metrics = REAL
    settings = {"graph_max_degree": 64, "window_size": 128, "alpha": "1.2; dot: 0.95", "codes": "LVQ4x8, turbo"}
    knob = "search_window_size"

    def _metric(self):
        import svs

        return svs.DistanceType.MIP if self.metric == "dot" else svs.DistanceType.L2

    def _codes(self, *source, **bits):
        import svs

        return svs.LVQLoader(*source, padding=32, strategy=svs.LVQStrategy.Turbo, **bits)

    def build(self, rows):
        import svs

        parameters = svs.VamanaBuildParameters(graph_max_degree=self.settings["graph_max_degree"], window_size=self.settings["window_size"],
                                               alpha=0.95 if self.metric == "dot" else 1.2)
        with tempfile.TemporaryDirectory() as scratch:  # codes are made of a file
            path = f"{scratch}/rows.fvecs"
            svs.write_vecs(rows, path)
            source = svs.VectorDataLoader(path, svs.DataType.float32, self.d)
            self.index = svs.Vamana.build(parameters, self._codes(source, primary=4, residual=8), self._metric(), num_threads=1)

    def save(self, path):
        pathlib.Path(path).mkdir()
        self.index.save(f"{path}/config", f"{path}/graph", f"{path}/data")

    def load(self, path):
        import svs

        self.index = svs.Vamana(f"{path}/config", svs.GraphLoader(f"{path}/graph"), self._codes(f"{path}/data"), self._metric(), num_threads=1)

    def set(self, value):
        self.index.search_window_size = value

    def batch(self, queries):
        return self.index.search(queries, NEIGHBOURS)[0]
