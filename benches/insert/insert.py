"""Inserting into a built index: see run.sh. For each library, by one thread:

- building 99 of 100 items;
- inserting the others in one call;
- inserting more, one call for each;
- recall@10 of the nearest ten afterwards, over queries that are no items.

And with --grow, of annoy_rs: half built and the rest inserted, a hundredth in each call, against
all built, in recall and time of searches, which take turns.

The set: clusters of Zipf sizes, each with a shape of its own.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable

import numpy as np

QUERIES = 1000
NEAREST = 10
EUCLIDEAN = 2


def rows(n: int, dimensions: int, n_clusters: int = 1000) -> np.ndarray:
    random = np.random.default_rng(1)
    centres = random.normal(size=(n_clusters, dimensions)).astype(np.float32)
    spread = random.uniform(0.1, 0.6, size=(n_clusters, dimensions)).astype(np.float32)
    share = 1 / np.arange(1, n_clusters + 1)
    which = random.choice(n_clusters, size=n, p=share / share.sum())
    made = random.normal(size=(n, dimensions)).astype(np.float32)
    made *= spread[which]
    made += centres[which]
    return made


def nearest(items: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The ids of the nearest, some queries at a time."""
    squares = np.einsum("ij,ij->i", items, items)
    found = []
    for some in np.array_split(queries, max(1, len(queries) // 50)):
        distances = squares - 2 * (some @ items.T)
        part = np.argpartition(distances, NEAREST, axis=1)[:, :NEAREST]
        found.append(part)
    return np.concatenate(found)


class Vectors(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("element", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("n", ctypes.c_size_t),
        ("len", ctypes.c_size_t),
        ("stride", ctypes.c_size_t),
    ]


class Work(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_threads", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("cancel", ctypes.c_void_p),
        ("progress", ctypes.c_void_p),
        ("progress_user", ctypes.c_void_p),
    ]


class Ours:
    """Ten trees and a graph by default options."""

    settings = "10 trees, graph by default"
    efforts = (100, 200, 400, 1000)

    def __init__(self, library: str, dimensions: int, _: int) -> None:
        self.lib = ctypes.CDLL(library)
        for name in ("add", "build_trees", "build_graph", "insert", "get_nns_by_vector"):
            getattr(self.lib, f"annoy_{name}").restype = ctypes.c_int32
        self.index = ctypes.c_void_p()
        self.work = Work(struct_size=ctypes.sizeof(Work), n_threads=1)
        self.dimensions = dimensions
        self.check(self.lib.annoy_new(EUCLIDEAN, ctypes.c_size_t(dimensions), ctypes.byref(self.index), None))

    def check(self, status: int) -> None:
        if status != 0:
            raise RuntimeError(f"status {status}")

    def vectors(self, some: np.ndarray) -> Vectors:
        return Vectors(
            struct_size=ctypes.sizeof(Vectors), data=some.ctypes.data, n=len(some), len=self.dimensions
        )

    def build(self, items: np.ndarray) -> None:
        work = ctypes.byref(self.work)
        self.check(self.lib.annoy_add(self.index, None, ctypes.byref(self.vectors(items)), work, None))
        self.check(self.lib.annoy_build_trees(self.index, 10, work, None))
        self.check(self.lib.annoy_build_graph(self.index, None, work, None))

    def insert(self, some: np.ndarray, _: int) -> None:
        vectors, work = ctypes.byref(self.vectors(some)), ctypes.byref(self.work)
        self.check(self.lib.annoy_insert(self.index, None, vectors, None, ctypes.c_uint64(0), work, None))

    def search(self, queries: np.ndarray, effort: int) -> np.ndarray:
        found = np.full((len(queries), NEAREST), -1, np.int64)
        n = ctypes.c_size_t()
        for query, to in zip(queries, found):
            self.check(
                self.lib.annoy_get_nns_by_vector(
                    self.index,
                    ctypes.c_void_p(query.ctypes.data),
                    ctypes.c_size_t(self.dimensions),
                    ctypes.c_size_t(NEAREST),
                    ctypes.c_int64(effort),
                    ctypes.c_void_p(to.ctypes.data),
                    None,
                    ctypes.byref(n),
                    None,
                )
            )
        return found


class Hnswlib:
    settings = "M 16, ef_construction 200"
    efforts = (20, 40, 80, 200)

    def __init__(self, _: str, dimensions: int, most: int) -> None:
        import hnswlib

        self.index = hnswlib.Index("l2", dimensions)
        self.index.init_index(most, M=16, ef_construction=200)
        self.index.set_num_threads(1)

    def build(self, items: np.ndarray) -> None:
        self.index.add_items(items, num_threads=1)

    def insert(self, some: np.ndarray, first: int) -> None:
        self.index.add_items(some, np.arange(first, first + len(some)), num_threads=1)

    def search(self, queries: np.ndarray, effort: int) -> np.ndarray:
        self.index.set_ef(effort)
        return self.index.knn_query(queries, NEAREST, num_threads=1)[0].astype(np.int64)


class Usearch:
    settings = "connectivity 16, expansion_add 128, f32"
    efforts = (20, 40, 80, 200)

    def __init__(self, _: str, dimensions: int, __: int) -> None:
        from usearch.index import Index

        self.index = Index(ndim=dimensions, metric="l2sq", dtype="f32", connectivity=16, expansion_add=128)

    def build(self, items: np.ndarray) -> None:
        self.index.add(np.arange(len(items)), items, threads=1)

    def insert(self, some: np.ndarray, first: int) -> None:
        self.index.add(np.arange(first, first + len(some)), some, threads=1)

    def search(self, queries: np.ndarray, effort: int) -> np.ndarray:
        self.index.expansion_search = effort
        return self.index.search(queries, NEAREST, threads=1).keys.astype(np.int64)


LIBRARIES: dict[str, Callable[[str, int, int], object]] = {"annoy_rs": Ours, "hnswlib": Hnswlib, "usearch": Usearch}


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist())])) / NEAREST


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def grow(library: str, items: np.ndarray, queries: np.ndarray, truth: np.ndarray, turns: int = 5) -> None:
    grown, fresh = (Ours(library, items.shape[1], 0) for _ in range(2))
    fresh.build(items)
    first = len(items) // 2
    grown.build(items[:first])
    for some in np.array_split(items[first:], 50):
        grown.insert(np.ascontiguousarray(some), 0)
    print(f"{len(items)} items of {items.shape[1]} numbers, half inserted in 50 calls, against all built:\n")
    print("| search_k | recall, grown | built | time of the grown by that of the built (median of turns) |")
    print("|--:|--:|--:|--:|")
    for effort in Ours.efforts:
        found = [recall(index.search(queries, effort), truth) for index in (grown, fresh)]
        ratios = []
        for _ in range(turns):
            took = [timed(lambda: index.search(queries, effort)) for index in (grown, fresh)]
            ratios.append(took[0] / took[1])
        print(f"| {effort} | {found[0]:.4f} | {found[1]:.4f} | {np.median(ratios):.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", required=True)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--ones", type=int, default=2000, help="how many are inserted one by one")
    parser.add_argument("--only", default=",".join(LIBRARIES), help="names, with commas between them")
    parser.add_argument("--grow", action="store_true", help="an index that doubled, against a fresh one")
    given = parser.parse_args()
    all_rows = rows(given.items + given.ones + QUERIES, given.dimensions)
    items, queries = all_rows[:-QUERIES], np.ascontiguousarray(all_rows[-QUERIES:])
    truth = nearest(items, queries)
    if given.grow:
        return grow(given.library, items, queries, truth)
    first, n = given.items - given.items // 100, given.items
    print(f"{n} items of {given.dimensions} numbers, euclidean; one thread.\n")
    print("| library | build s | 1 % more s | of the build | one by one, a second | median us | longest ms | recall@10 (effort) |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    for name in given.only.split(","):
        index = LIBRARIES[name](given.library, given.dimensions, len(items))
        built = timed(lambda: index.build(items[:first]))
        more = timed(lambda: index.insert(items[first:n], first))
        ones = [timed(lambda: index.insert(items[i : i + 1], i)) for i in range(n, len(items))]
        searched = []
        for effort in index.efforts:
            took = timed(lambda: searched.append(recall(index.search(queries, effort), truth)))
            searched[-1] = f"{searched[-1]:.3f} ({effort}, {took / QUERIES * 1e6:.0f} us)"
        print(
            f"| {name}, {index.settings} | {built:.1f} | {more:.2f} | {100 * more / built:.1f} % "
            f"| {len(ones) / sum(ones):.0f} | {1e6 * np.median(ones):.0f} | {1e3 * max(ones):.1f} "
            f"| {', '.join(searched)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
