#!/usr/bin/env python3
"""Searches many kinds of data, and says where less is found than Annoy or hnswlib find.

    bash tests/run.sh gauntlet                        builds and installs this work tree's wheel,
                                                      runs every second of the small sets
    bash tests/gauntlet/run.sh --only 'one item'      the same, then those sets alone whose
                                                      name has that in it
    bash tests/gauntlet/run.sh --thorough             all sets, large and real ones too (installs
                                                      packages with data)
    python tests/gauntlet/gauntlet.py [...]           with whatever annoy_rs is installed: needs
                                                      it and numpy alone
    bash tests/gauntlet/run.sh --thorough --peers     asks the peers anew, writes peers.json; with
                                                      --only, for those

What each set must reach (recall@10 counts what is as near as the true tenth, whatever
its id; ten trees):

    exact     our exact search: what hnswlib and Annoy find less 0.001 (all, where 32 bits can tell)
    forest    by default, mean of six seeds: Annoy's, mean of six seeds, less 0.01 and twice the
              standard error of the difference
    graph     by default, and n/2 with search_k n/2: 0.95, or the better of hnswlib (M 16,
              efConstruction 200, ef 100) and Annoy less 0.01
    filters   by default, the graph: 0.95 of what hnswlib finds with the same filter. `share 0.1`
              lets a tenth of the items pass, `near 30` refuses the nearest 30 of each query (`near
              0.1`: that share of all), by a bitmap unless said otherwise
    falls     1 less the most that recall falls while search_k grows, forest and graph: 0.99 (where
              the exact search finds them)
    itself    items asked for by id are found (those that belong to their own ten nearest) as often
              as with Annoy, less as for the forest

Where a metric has no hnswlib, 0.95 stands for what it finds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import pathlib
import sys
import time
from typing import Any, Callable, Iterator, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

import generators
import real
from generators import Case, Data

N_TREES = 10
SEEDS = (1, 2, 3, 4, 5, 6)
FILTER_QUERIES = 50
LADDER = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1200, 1800, 3000)
PEERS = pathlib.Path(__file__).with_name("peers.json")
Mask = NDArray[np.bool_]


class Truth:
    """What a search should find: computed from the same 32-bit numbers in 64 bits."""

    def __init__(self, metric: str, data: Data) -> None:
        items, queries = (np.asarray(rows, np.float64) for rows in data)
        self.metric = metric
        self.n = len(items)
        if metric in ("angular", "dot"):
            norms, asked = (np.linalg.norm(rows, axis=1) for rows in (items, queries))
            self.norms = norms
            self.asked = asked
            products = np.stack([items @ query for query in queries])
            if metric == "angular":
                both = asked[:, None] * norms
                self.keys = 2 - 2 * np.divide(products, both, out=np.zeros_like(products), where=both > 0)
            else:
                self.keys = -products
        elif metric == "hamming":
            self.keys = items.sum(axis=1) + np.stack([query.sum() - 2 * (items @ query) for query in queries])
        elif metric == "euclidean":
            self.keys = np.stack([np.sqrt(np.square(items - query).sum(axis=1)) for query in queries])
        else:
            self.keys = np.stack([np.abs(items - query).sum(axis=1) for query in queries])
        self.limits: dict[int, list[float]] = {}

    def limit(self, query: int, k: int, mask: Optional[Mask] = None) -> float:
        """How far the farthest of the k nearest that pass is, with room for rounding in 32 bits."""
        keys = self.keys[query] if mask is None else np.where(mask, self.keys[query], np.inf)
        last = int(np.argpartition(keys, k - 1)[k - 1])
        if self.metric == "dot":
            return keys[last] + 1e-6 * self.asked[query] * self.norms[last]
        # 2 - 2 cos is a difference of numbers near 2, whose last place is what it is.
        return keys[last] + (3e-7 if self.metric == "angular" else 1e-6 * keys[last])

    def recall(self, query: int, ids: NDArray[np.int64], k: int, mask: Optional[Mask] = None) -> float:
        k = min(k, self.n if mask is None else int(mask.sum()))
        ids = np.unique(ids[ids >= 0])
        if mask is not None and not mask[ids].all():
            raise AssertionError("an item that the filter refuses was found")
        if mask is None:
            limits = self.limits.setdefault(k, [])
            while len(limits) <= query:
                limits.append(self.limit(len(limits), k))
            limit = limits[query]
        else:
            limit = self.limit(query, k, mask)
        return min(int((self.keys[query, ids] <= limit).sum()), k) / k

    def mean_recall(self, found: NDArray[np.int64], k: int = 10) -> float:
        return float(np.mean([self.recall(query, ids, k) for query, ids in enumerate(found)]))


class Filter(NamedTuple):
    kind: str
    amount: float
    way: str

    @classmethod
    def parse(cls, text: str) -> Filter:
        kind, amount, *way = text.split()
        return cls(kind, float(amount), way[0] if way else "deny")

    def masks(self, truth: Truth) -> Iterator[tuple[int, Mask]]:
        """Queries, and the items that pass for each."""
        random = np.random.default_rng(1)
        share = random.permutation(truth.n) < round(self.amount * truth.n) if self.kind == "share" else None
        for query in range(min(FILTER_QUERIES, len(truth.keys))):
            if share is not None:
                yield query, share
                continue
            mask = np.ones(truth.n, np.bool_)
            m = round(self.amount if self.amount >= 1 else self.amount * truth.n)
            mask[np.argpartition(truth.keys[query], m)[:m]] = False
            yield query, mask


class Ours:
    """annoy_rs, one core."""

    def __init__(self, metric: str, items: Any, seed: int, graph: bool) -> None:
        from annoy_rs import Index

        self.index = Index(items.shape[1], metric)
        self.index.set_seed(seed)
        self.index.add_items(items)
        self.index.build(N_TREES, n_threads=1)
        if graph:
            self.index.build_graph(n_threads=1)

    def search(self, queries: Any, k: int = 10, search_k: int = -1, **options: Any) -> NDArray[np.int64]:
        ids, _ = self.index.search(queries, k, search_k, n_threads=1, **options)
        return ids

    def filtered(self, query: Any, mask: Mask, way: str) -> NDArray[np.int64]:
        refused = np.flatnonzero(~mask)
        if way == "removed":
            self.index.remove_items(refused)
            try:
                return self.index.search(query, 10)[0]
            finally:
                self.index.restore_items(refused)
        options = {
            "deny": lambda: {"deny": ~mask},
            "allow": lambda: {"allow": mask},
            "list": lambda: {"exclude": refused},
            "function": lambda: {"filter": mask.tolist().__getitem__},
        }
        return self.index.search(query, 10, **options[way]())[0]

    def itself(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.index.search_items(items, 10, way="forest", n_threads=1)[0]


class Annoy:
    def __init__(self, metric: str, items: Any, seed: int) -> None:
        from annoy import AnnoyIndex

        self.index = AnnoyIndex(items.shape[1], metric)
        self.index.set_seed(seed)
        for i, row in enumerate(items):
            self.index.add_item(i, row)
        self.index.build(N_TREES, n_jobs=1)

    def search(self, queries: Any) -> list[NDArray[np.int64]]:
        return [np.array(self.index.get_nns_by_vector(query, 10), np.int64) for query in queries]

    def itself(self, items: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        return [np.array(self.index.get_nns_by_item(item, 10), np.int64) for item in items]


class Hnswlib:
    SPACES = {"euclidean": "l2", "angular": "cosine", "dot": "ip"}

    def __init__(self, metric: str, items: Any) -> None:
        from hnswlib import Index

        self.index = Index(self.SPACES[metric], items.shape[1])
        self.index.init_index(len(items), M=16, ef_construction=200)
        self.index.add_items(items, num_threads=1)
        self.index.set_ef(100)

    def search(self, query: Any, mask: Optional[Mask] = None) -> NDArray[np.int64]:
        passes = None if mask is None else mask.tolist().__getitem__
        for k in range(10, 0, -1):  # it is an error to it when fewer are found
            try:
                return self.index.knn_query(query, k, num_threads=1, filter=passes)[0][0].astype(np.int64)
            except RuntimeError:
                pass
        return np.empty(0, np.int64)


def by_filter(case: Case, truth: Truth, search: Callable[[int, Mask, str], Any]) -> dict[str, float]:
    recalls = {}
    for text in case.filters:
        filter = Filter.parse(text)
        recalls[text] = float(
            np.mean([truth.recall(query, search(query, mask, filter.way), 10, mask) for query, mask in filter.masks(truth)])
        )
    return recalls


def items_as_queries(metric: str, data: Data) -> NDArray[np.int64]:
    """Items that belong to their own ten nearest; with dot some do not, and that is right."""
    which = np.linspace(0, len(data.items) - 1, 300).astype(np.int64)
    truth = Truth(metric, Data(data.items, data.items[which]))
    return np.array([item for i, item in enumerate(which) if truth.keys[i, item] <= truth.limit(i, 10)], np.int64)


def share_of_itself(items: NDArray[np.int64], found: Any) -> float:
    return float(np.mean([item in ids for item, ids in zip(items, found)])) if len(items) else 1.0


def look_of(data: Data) -> list[float]:
    """Enough to notice that a recipe has changed since the peers were asked, and blind to
    the last places."""
    return [*data.items.shape, float(f"{np.abs(data.items).mean(dtype=np.float64):.4g}")]


def ask_peers(case: Case, metric: str, data: Data) -> dict[str, Any]:
    truth = Truth(metric, data)
    forests = [Annoy(metric, data.items, seed) for seed in SEEDS]
    answer: dict[str, Any] = {"look": look_of(data)}
    answer["annoy"] = [round(truth.mean_recall(forest.search(data.queries)), 4) for forest in forests]
    if case.by_item:
        items = items_as_queries(metric, data)
        answer["annoy itself"] = [round(share_of_itself(items, forest.itself(items)), 4) for forest in forests]
    del forests
    if metric in Hnswlib.SPACES:
        graph = Hnswlib(metric, data.items)
        answer["hnswlib"] = round(truth.mean_recall([graph.search(query) for query in data.queries]), 4)
        plain = Case(case.name, "", case.make, filters=tuple(dict.fromkeys(" ".join(f.split()[:2]) for f in case.filters)))
        recalls = by_filter(plain, truth, lambda query, mask, _: graph.search(data.queries[query], mask))
        answer["filters"] = {text: round(recall, 4) for text, recall in recalls.items()}
    return answer


class Check(NamedTuple):
    what: str
    value: float
    floor: Optional[float]  # None: it is only told

    @property
    def failed(self) -> bool:
        return self.floor is not None and self.value < self.floor


def error_of_difference(ours: list[float], theirs: list[float]) -> float:
    """A forest's recall is chance: two good ones of few trees differ by more than 0.01."""
    return float(np.sqrt(np.var(ours, ddof=1) / len(ours) + np.var(theirs, ddof=1) / len(theirs)))


def most_fall(ours: Ours, truth: Truth, data: Data, k: int, way: str) -> tuple[float, int]:
    """How far recall falls below what less search_k found, and where."""
    queries = data.queries if k == 10 else data.queries[:20]
    best, most = 0.0, (0.0, 1)
    for search_k in sorted({*LADDER, truth.n // 2, truth.n - 1, truth.n, 2 * truth.n}):
        recall = truth.mean_recall(ours.search(queries, k, search_k, way=way), k)
        most = max(most, (best - recall, search_k))
        best = max(best, recall)
    return most


def checks(case: Case, metric: str, data: Data, peers: dict[str, Any]) -> Iterator[Check]:
    truth = Truth(metric, data)
    annoy = float(np.mean(peers["annoy"]))
    best = max(peers.get("hnswlib", 0.95), annoy)
    forests = [Ours(metric, data.items, seed, seed == SEEDS[0]) for seed in SEEDS]
    ours = forests[0]
    exact = truth.mean_recall(ours.search(data.queries, exact=True))
    yield Check("exact", exact, max(peers.get("hnswlib", 1.0), annoy) - 0.001)
    recalls = [truth.mean_recall(forest.search(data.queries, way="forest")) for forest in forests]
    yield Check("forest", float(np.mean(recalls)), annoy - 0.01 - 2 * error_of_difference(recalls, peers["annoy"]))
    floor = min(0.95, best - 0.01)
    yield Check("graph", truth.mean_recall(ours.search(data.queries)), floor)
    yield Check("n/2", truth.mean_recall(ours.search(data.queries, search_k=truth.n // 2)), floor)
    for k in case.wanted:
        of = "" if k == 10 else f" of {k}"
        for way in ("forest", "graph"):
            fall, search_k = most_fall(ours, truth, data, k, way)
            yield Check(f"falls{of}, {way} at {search_k}", 1 - fall, 0.99 if exact > 0.9 else None)
    if case.by_item:
        items = items_as_queries(metric, data)
        own, theirs = [share_of_itself(items, forest.itself(items)) for forest in forests], peers["annoy itself"]
        yield Check("itself", float(np.mean(own)), float(np.mean(theirs)) - 0.01 - 2 * error_of_difference(own, theirs))
    recalls_by = by_filter(case, truth, lambda query, mask, way: ours.filtered(data.queries[query], mask, way))
    for text, recall in recalls_by.items():
        theirs = peers.get("filters", {}).get(" ".join(text.split()[:2]), 0.95)
        yield Check(text, recall, 0.95 * theirs if theirs > 0.1 else None)  # less is chance


def chosen(arguments: argparse.Namespace) -> Iterator[tuple[str, Case, str, int]]:
    """Each set: a name, its line of the table, metric, number of items."""
    number = 0
    for case in (*generators.TABLE, *real.TABLE):
        for metric in (case.metrics + " " + case.more * arguments.thorough).split():
            for n in sorted({case.small, case.large if arguments.thorough else None} - {None}):
                name = f"{case.name} / {metric} / {n}"
                number += 1
                in_turn = case.always or number % arguments.one_of == arguments.one_of - 1
                if in_turn and (arguments.only is None or any(part in name for part in arguments.only)):
                    yield name, case, metric, n


class Column(NamedTuple):
    title: str
    belongs: Callable[[str], bool]


COLUMNS = [
    *(Column(title, title.__eq__) for title in ("exact", "forest", "graph", "n/2")),
    Column("falls", lambda what: what.startswith("falls")),
    Column("itself", "itself".__eq__),
    Column("filters", lambda what: what.startswith(("share", "near"))),
]


def line(name: str, found: list[Check], seconds: float) -> str:
    """The worst of each column, and its floor."""
    cells = []
    for column in COLUMNS:
        of = [check for check in found if column.belongs(check.what)]
        if not of:
            cells.append(" " * 12)
            continue
        worst = min(of, key=lambda check: check.value - (check.floor or 0))
        floor = "" if worst.floor is None else f"{'<' if worst.failed else '>'}{worst.floor:.3f}"
        cells.append(f"{worst.value:.3f}{floor:6}{'!' if worst.failed else ' '}")
    return f"{name:44} {' '.join(cells)} {seconds:5.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--thorough", action="store_true", help="all sets: the large and the real ones too")
    parser.add_argument("--only", action="append", metavar="TEXT", help="sets with this in their name / metric / n; may be repeated")
    parser.add_argument("--one-of", type=int, default=1, metavar="N", help="every Nth set, and what no other is like, alone")
    parser.add_argument("--list", action="store_true", help="name the sets and do nothing")
    parser.add_argument("--peers", action="store_true", help="ask annoy and hnswlib anew, and write peers.json")
    arguments = parser.parse_args()
    sets = list(chosen(arguments))
    if arguments.list:
        print("\n".join(name for name, *_ in sets))
        return 0
    peers = json.loads(PEERS.read_text()) if PEERS.exists() else {"sets": {}}
    if arguments.peers:
        return write_peers(sets, peers)

    passed = failed = 0
    failures, left_out = [], []
    print(f"{'set':44} {' '.join(f'{column.title:12}' for column in COLUMNS)}     s")
    for name, case, metric, n in sets:
        begin = time.monotonic()
        try:
            data = case.data(n)
        except ImportError as missing:
            left_out.append(f"left out: {name}: {missing}")
            continue
        found = []
        try:
            known = peers["sets"].get(name)
            if known is None or not np.allclose(known["look"], look_of(data), rtol=1e-3):
                raise AssertionError("peers.json has no figures for these data; see --peers")
            found.extend(checks(case, metric, data, known))
        except Exception as error:  # of the library: a failure of this set; the others go on
            failures.append(f"FAILED {name}: {type(error).__name__}: {error}")
            failed += 1
        wrong = [f"{check.what} {check.value:.3f} < {check.floor:.3f}" for check in found if check.failed]
        if wrong:
            failures.append(f"FAILED {name}: {', '.join(wrong)}")
        failed += len(wrong)
        passed += sum(check.floor is not None and not check.failed for check in found)
        print(line(name, found, time.monotonic() - begin), flush=True)
    print("", *left_out, *failures, sep="\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def write_peers(sets: list[tuple[str, Case, str, int]], peers: dict[str, Any]) -> int:
    from importlib.metadata import version

    for name, case, metric, n in sets:
        try:
            data = case.data(n)
        except ImportError as missing:
            print(f"left out: {name}: {missing}")
            continue
        peers["sets"][name] = answer = ask_peers(case, metric, data)
        print(name, answer, flush=True)
        peers["asked"] = datetime.date.today().isoformat()
        peers["versions"] = {package: version(package) for package in ("annoy", "hnswlib", "numpy")}
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(peers["sets"].items()))
        head = json.dumps({key: peers[key] for key in ("asked", "versions")})[:-1]
        PEERS.write_text(f'{head}, "sets": {{\n{lines}\n}}}}\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
