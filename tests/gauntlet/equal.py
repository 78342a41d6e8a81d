#!/usr/bin/env python3
"""Compares the forest with Annoy at equal settings: the same data, trees and search_k, means
of several seeds.

    bash tests/gauntlet/run.sh --equal [--seeds 5]     installs this work tree's wheel and
                                                       Annoy, prints a table

For each set and search_k: Annoy's recall@10, ours less Annoy's, and that difference in standard
errors. Where ours is less by more than two of them, 20 other seeds decide: with so many sets this
happens by chance.
"""

from __future__ import annotations

import argparse
import sys

import annoy
import numpy as np
from annoy_rs import Index
from numpy.typing import NDArray

N_TREES = 10
SEARCH_KS = (200, 500, 1000)
QUERIES = 300
SIZES = ((2_000, 10), (2_000, 50), (5_000, 25), (5_000, 100), (10_000, 10), (10_000, 50), (20_000, 25), (50_000, 25))
Floats = NDArray[np.float32]


def data(kind: str, n: int, f: int) -> tuple[Floats, Floats]:
    """Items and queries."""
    random = np.random.default_rng(n + f)
    rows = random.normal(size=(n + QUERIES, f)) if kind == "gaussian" else random.random((n + QUERIES, f))
    rows = rows.astype(np.float32)
    return rows[:n], rows[n:]


def share(found: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    return float(np.mean([np.isin(row, wanted).mean() for row, wanted in zip(found, true)]))


def recalls(metric: str, items: Floats, queries: Floats, seeds: range) -> tuple[Floats, Floats]:
    """Ours and Annoy's: a row for each seed, a column for each search_k."""
    ours, theirs = [], []
    for seed in seeds:
        index = Index(items.shape[1], metric, seed=seed)
        index.add_items(items)
        index.build(N_TREES)
        true = index.search(queries, 10, exact=True)[0]
        ours.append([share(index.search(queries, 10, k)[0], true) for k in SEARCH_KS])
        other = annoy.AnnoyIndex(items.shape[1], metric)
        other.set_seed(seed)
        for i, item in enumerate(items):
            other.add_item(i, item)
        other.build(N_TREES)
        found = [np.array([other.get_nns_by_vector(query, 10, k) for query in queries]) for k in SEARCH_KS]
        theirs.append([share(ids, true) for ids in found])
    return np.array(ours, np.float32), np.array(theirs, np.float32)


def compared(ours: Floats, theirs: Floats) -> tuple[Floats, Floats]:
    """Ours less theirs for each search_k, and the standard errors of that."""
    return ours.mean(0) - theirs.mean(0), np.sqrt((ours.var(0, ddof=1) + theirs.var(0, ddof=1)) / len(ours))


def is_less(less: Floats, errors: Floats) -> NDArray[np.bool_]:
    return less < -2 * errors - 5e-4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--equal", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=5, help="seeds of each set")
    seeds = range(1, parser.parse_args().seeds + 1)
    columns = "".join(f"{f'search_k {k}':>26}" for k in SEARCH_KS)
    print(f"{'set':38}{columns}")
    differences, failed = [], 0
    for metric in ("angular", "euclidean"):
        for kind in ("gaussian", "uniform"):
            for n, f in SIZES:
                ours, theirs = recalls(metric, *data(kind, n, f), seeds)
                less, errors = compared(ours, theirs)
                differences.extend(less)
                cells = zip(theirs.mean(0), less, less / np.maximum(errors, 1e-4))
                text = "".join(f"{a:12.3f} {b:+.3f} ({c:+.1f})" for a, b, c in cells)
                print(f"{metric:10} {kind:9} {n:6} x {f:<10}{text}", flush=True)
                if is_less(less, errors).any():
                    less, errors = compared(*recalls(metric, *data(kind, n, f), range(101, 121)))
                    failed += int(is_less(less, errors).sum())
                    text = "".join(f"{'':12} {b:+.3f} ({c:+.1f})" for b, c in zip(less, less / np.maximum(errors, 1e-4)))
                    print(f"{'  20 other seeds':38}{text}", flush=True)
    below = sum(difference < 0 for difference in differences)
    print(f"mean difference {np.mean(differences):+.4f}; below Annoy's in {below} of {len(differences)} cells")
    print(f"{len(differences) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
