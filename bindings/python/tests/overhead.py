"""The cost of a call from Python over the same call in C, and two comparisons with PyPI annoy. Not
a test: it prints.

    python tests/overhead.py
"""

from __future__ import annotations

import time
from typing import Any, Callable

import annoy
import numpy as np
from annoy_rs import AnnoyIndex, Index
from annoy_rs._native import ffi, lib

N, F, SEARCH_K = 100_000, 100, 1000


def best(call: Callable[[], Any], n: int, rounds: int = 7) -> float:
    """Seconds for one of `n` calls, in the best of several rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(n):
            call()
        times.append((time.perf_counter() - start) / n)
    return min(times)


def clustered() -> None:
    """A graph against PyPI annoy, on data with more to find: rows around a thousand centres."""
    random = np.random.default_rng(1)
    x = (random.normal(size=(1000, F))[np.arange(N) % 1000] + random.normal(size=(N, F))).astype(np.float32)
    theirs: Any = annoy.AnnoyIndex(F, "euclidean")
    for i, row in enumerate(x):
        theirs.add_item(i, row)
    theirs.build(10)
    index = Index(F, "euclidean")
    index.add_items(x)
    index.build(10)
    index.build_graph()
    ours = AnnoyIndex(F, "euclidean")
    ours.deserialize(index.to_bytes())
    queries = x[:500] + np.float32(0.1)
    truth = [set(ids.tolist()) for ids in index.search(queries, 10, exact=True)[0]]
    for name, nns, search_k in (
        ("PyPI annoy", theirs.get_nns_by_vector, 10_000),
        ("AnnoyIndex with a graph", ours.get_nns_by_vector, 1000),
    ):
        hits = sum(len(ids & set(nns(query, 10, search_k))) for ids, query in zip(truth, queries))
        seconds = best(lambda: [nns(query, 10, search_k) for query in queries], 1, 3) / len(queries)
        print(f"clustered, {name}, search_k {search_k:,}: {seconds * 1e6:.1f} us, recall@10 {hits / 10 / len(queries):.3f}")


def main() -> None:
    x = np.random.default_rng(0).normal(size=(N, F)).astype(np.float32)

    def theirs() -> Any:
        index = annoy.AnnoyIndex(F, "euclidean")
        for i, row in enumerate(x):
            index.add_item(i, row)
        return index

    def ours() -> Index:
        index = Index(F, "euclidean")
        index.add_items(x)
        return index

    add_theirs, add_ours = best(theirs, 1, 3), best(ours, 1, 3)
    print(f"adding {N:,} rows: annoy's loop {add_theirs:.2f} s, add_items {add_ours * 1000:.1f} ms, {add_theirs / add_ours:.0f}x")

    old, index, compatible = theirs(), ours(), AnnoyIndex(F, "euclidean")
    for i, row in enumerate(x):
        compatible.add_item(i, row)
    old.build(10)
    index.build(10)
    compatible.build(10)
    query = x[77]
    floats, ids, distances = ffi.from_buffer("float[]", query), ffi.new("int64_t[]", 10), ffi.new("float[]", 10)
    guarded = index._owner.guarded

    # An index of one item: nearly all of a call is the call itself.
    one = Index(F, "euclidean")
    one.add_item(0, query)
    one.build(1)
    bare = one._owner.guarded
    in_c = best(lambda: lib.guarded_by_vector(bare, floats, F, 10, -1, ids, distances), 20_000)
    print(f"a search of one item through cffi alone: {in_c * 1e6:.2f} us")
    print(f"  with arrays in and out (Index.search): {(best(lambda: one.search(query, 10), 20_000) - in_c) * 1e6:.2f} us more")

    c = best(lambda: lib.guarded_by_vector(guarded, floats, F, 10, SEARCH_K, ids, distances), 3000)
    for name, call in {
        "Index.search": lambda: index.search(query, 10, SEARCH_K),
        "AnnoyIndex.get_nns_by_vector": lambda: compatible.get_nns_by_vector(query, 10, SEARCH_K),
    }.items():
        mine = best(call, 3000)
        print(f"search_k {SEARCH_K}: {name}: {mine * 1e6:.1f} us, {(mine - c) * 1e6:+.2f} us to C's {c * 1e6:.1f}")

    rows = list(x[:: N // 200])
    for search_k in (-1, SEARCH_K, 10 * SEARCH_K):
        times = [
            best(lambda: [nns(row, 10, search_k, True) for row in rows], 1) / len(rows)
            for nns in (old.get_nns_by_vector, compatible.get_nns_by_vector)
        ]
        print(
            f"search_k {search_k:,}, one by one: PyPI annoy {times[0] * 1e6:.1f} us, AnnoyIndex {times[1] * 1e6:.1f} us,"
            f" {times[0] / times[1]:.2f}x"
        )
    clustered()

    queries = x[:10_000]

    def alone() -> None:
        for i in range(len(queries)):
            lib.guarded_by_vector(guarded, in_c_rows[i], F, 10, SEARCH_K, ids, distances)

    in_c_rows = [ffi.from_buffer("float[]", row) for row in queries]
    loop, batch = best(alone, 1, 3), best(lambda: index.search(queries, 10, SEARCH_K, n_threads=1), 1, 3)
    print(f"10,000 queries: one by one from C {loop:.3f} s, as a batch {batch:.3f} s ({(batch / loop - 1) * 100:+.1f} %)")


if __name__ == "__main__":
    main()
