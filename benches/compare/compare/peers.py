"""The peers: libraries that are used from Python. Here are those that keep the vectors as they are;
coded.py has those that search shorter codes of them first.
"""

from __future__ import annotations

import math
import pickle

import numpy as np

from . import coded
from .data import NEIGHBOURS
from .peer import NPROBE, Peer, UnitPeer, bytes_of

GRAPH_SEARCH_K = (50, 100, 200, 400, 800, 1200, 1600, 2400, 3200, 6400, 12_800, 25_600, 51_200)
SCAN_SEARCH_K = (500, 1000, 2000, 4000, 8000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000, 96_000, 128_000, 192_000)
SEARCH_K = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
EPSILON = (0.0, 0.02, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


class Hnswlib(Peer):
    package, name = "hnswlib", "hnswlib"
    metrics = ("angular", "euclidean", "dot")
    settings = {"M": 16, "ef_construction": 200}

    def _new(self):
        import hnswlib

        self.index = hnswlib.Index(space={"angular": "cosine", "euclidean": "l2", "dot": "ip"}[self.metric], dim=self.d)

    def build(self, rows):
        self._new()
        self.index.init_index(max_elements=self.n, random_seed=100, **self.settings)
        self.index.add_items(rows, num_threads=1)

    def save(self, path):
        self.index.save_index(path)

    def load(self, path):
        self._new()
        self.index.load_index(path)
        self.index.set_num_threads(1)

    def set(self, value):
        self.index.set_ef(value)

    def batch(self, queries):
        return self.index.knn_query(queries, k=NEIGHBOURS, num_threads=1)[0]


class Usearch(Peer):
    package, name = "usearch", "usearch"
    metrics = ("angular", "euclidean", "dot", "hamming")
    settings = {"connectivity": 16, "expansion_add": 200, "dtype": "f32 (b1 for hamming)"}

    def build(self, rows):
        from usearch.index import Index

        self.index = Index(ndim=self.d, metric={"angular": "cos", "euclidean": "l2sq", "dot": "ip", "hamming": "hamming"}[self.metric],
                           dtype="b1" if self.metric == "hamming" else "f32", connectivity=16, expansion_add=200)
        self.index.add(np.arange(self.n, dtype=np.uint64), rows, threads=1)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        from usearch.index import Index

        self.index = Index.restore(path)

    def set(self, value):
        self.index.expansion_search = value

    def one(self, query):
        return self.index.search(query, NEIGHBOURS, threads=1).keys

    def batch(self, queries):
        return self.index.search(queries, NEIGHBOURS, threads=1).keys


class Voyager(Peer):
    package, name = "voyager", "voyager"
    metrics = ("angular", "euclidean", "dot")
    settings = {"M": 16, "ef_construction": 200, "storage": "Float32"}

    def build(self, rows):
        import voyager

        space = {"angular": voyager.Space.Cosine, "euclidean": voyager.Space.Euclidean, "dot": voyager.Space.InnerProduct}[self.metric]
        self.index = voyager.Index(space, num_dimensions=self.d, M=16, ef_construction=200, random_seed=1, max_elements=self.n)
        self.index.add_items(rows, num_threads=1)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        import voyager

        self.index = voyager.Index.load(path)

    def one(self, query):
        return self.index.query(query, NEIGHBOURS, num_threads=1, query_ef=self.value)[0]

    def batch(self, queries):
        return self.index.query(queries, NEIGHBOURS, num_threads=1, query_ef=self.value)[0]


class Faiss(UnitPeer):
    package = "faiss-cpu"

    def _metric(self):
        import faiss

        return {"dot": faiss.METRIC_INNER_PRODUCT, "manhattan": faiss.METRIC_L1}.get(self.metric, faiss.METRIC_L2)

    def save(self, path):
        import faiss

        (faiss.write_index_binary if self.metric == "hamming" else faiss.write_index)(self.index, path)

    def load(self, path):
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = (faiss.read_index_binary if self.metric == "hamming" else faiss.read_index)(path)

    def batch(self, queries):
        return self.index.search(queries, NEIGHBOURS)[1]


class FaissHnsw(Faiss):
    name = "faiss HNSW"
    metrics = ("angular", "euclidean", "manhattan", "dot", "hamming")
    settings = {"M": 32, "efConstruction": 40}

    def build(self, rows):
        import faiss

        faiss.omp_set_num_threads(1)
        if self.metric == "hamming":
            self.index = faiss.IndexBinaryHNSW(self.d, self.settings["M"])
        else:
            self.index = faiss.IndexHNSWFlat(self.d, self.settings["M"], self._metric())
        self.index.hnsw.efConstruction = self.settings["efConstruction"]
        self.index.add(rows)

    def set(self, value):
        self.index.hnsw.efSearch = value


class FaissHnsw200(FaissHnsw):
    name = "faiss HNSW, ef 200"
    settings = {"M": 32, "efConstruction": 200}


class FaissIvf(Faiss):
    name = "faiss IVF-Flat"
    metrics = ("angular", "euclidean", "manhattan", "dot", "hamming")
    settings = {"nlist": "4 sqrt(n)"}
    knob, ladders = "nprobe", (NPROBE,)

    def build(self, rows):
        import faiss

        faiss.omp_set_num_threads(1)
        lists = round(4 * math.sqrt(self.n))
        if self.metric == "hamming":
            self.quantizer = faiss.IndexBinaryFlat(self.d)
            self.index = faiss.IndexBinaryIVF(self.quantizer, self.d, lists)
        else:
            self.quantizer = faiss.IndexFlat(self.d, self._metric())
            self.index = faiss.IndexIVFFlat(self.quantizer, self.d, lists, self._metric())
        self.index.cp.min_points_per_centroid = 1  # silences a warning
        self.index.train(rows)
        self.index.add(rows)

    def set(self, value):
        self.index.nprobe = value


class Pynndescent(Peer):
    package, name = "pynndescent", "pynndescent"
    metrics = ("angular", "euclidean", "manhattan", "hamming")  # dot: for unit vectors only
    settings = {"n_neighbors": 30, "random_state": 42}
    knob, ladders = "epsilon", (EPSILON,)

    def _build(self, rows):
        import pynndescent

        metric = {"angular": "cosine", "hamming": "bit_hamming"}.get(self.metric, self.metric)
        index = pynndescent.NNDescent(rows, metric=metric, n_jobs=1, **self.settings)
        index.prepare()
        return index

    def warm_up(self, rows):
        self._build(rows[:2000]).query(rows[:10], k=NEIGHBOURS)  # compiles

    def build(self, rows):
        self.index = self._build(rows)

    def save(self, path):
        with open(path, "wb") as file:
            pickle.dump(self.index, file)

    def load(self, path):
        with open(path, "rb") as file:
            self.index = pickle.load(file)

    def batch(self, queries):
        return self.index.query(queries, k=NEIGHBOURS, epsilon=self.value)[0]


class AnnoyPython(Peer):
    package, name = "annoy", "Annoy, Python"
    metrics = ("angular", "euclidean", "manhattan", "dot", "hamming")
    settings = {"n_trees": 10, "seed": 42}
    knob, ladders = "search_k", (SEARCH_K,)
    batches = False

    def _new(self):
        import annoy

        self.index = annoy.AnnoyIndex(self.d, self.metric)

    def prepare(self, rows):
        if self.metric == "hamming":
            return np.unpackbits(bytes_of(rows), axis=1, bitorder="little")
        return super().prepare(rows)

    def build(self, rows):
        self._new()
        self.index.set_seed(self.settings["seed"])
        for item, row in enumerate(rows):
            self.index.add_item(item, row)
        self.index.build(self.settings["n_trees"], n_jobs=1)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self._new()
        self.index.load(path)

    def one(self, query):
        return self.index.get_nns_by_vector(query, NEIGHBOURS, self.value)


PEERS: dict[str, type[Peer]] = {
    "annoy-python": AnnoyPython,
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "voyager": Voyager,
    "faiss-hnsw": FaissHnsw,
    "faiss-hnsw200": FaissHnsw200,
    "faiss-ivf": FaissIvf,
    "pynndescent": Pynndescent,
    "faiss-ivfpq": coded.FaissIvfPq,
    "scann": coded.Scann,
    "symqg": coded.SymphonyQg,
    "glass": coded.Glass,
    "vsag": coded.Vsag,
    "svs": coded.Svs,
}
