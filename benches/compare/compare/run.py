"""The measurements of one data set, in turns. Everything seen goes to one JSONL file, which
report.py reads."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import tempfile
import time

from . import native
from .data import DataSet
from .native import Native, ProgramError, say
from .peers import GRAPH_SEARCH_K, PEERS, SCAN_SEARCH_K, SEARCH_K

SEED_SEARCH_KS = (1_000, 10_000)
ENOUGH_RECALL = 0.995  # a sweep ends here


@dataclasses.dataclass(frozen=True)
class Series:
    """A library with settings: one line of a table, one curve of a plot."""

    key: str
    label: str
    library: str  # what --only names
    knob: str
    ladders: tuple[tuple, ...]
    trees: int = 0  # native ones
    peer: str = ""  # those used from Python


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is done; `--quick` makes it less."""

    repeats: int
    passes: int
    seconds: float  # for the timed passes of one point
    slowest_us: float  # a sweep goes no further beyond this
    trees: tuple[int, ...]
    search_ks: tuple[int, ...]  # of the forest table
    seeds: int
    build_limit: float
    rebuild: bool
    only: tuple[str, ...]
    left_out: dict[str, str]  # library: why
    cpu: int
    second_cpu: int | None


def all_series(trees: tuple[int, ...]) -> list[Series]:
    made = []
    for n in trees:
        for program in ("annoy", "ours"):
            made.append(Series(f"{program}-{n}", f"{native.PROGRAMS[program]}, {n} trees", program, "search_k", (SEARCH_K,), trees=n))
    made.append(Series(f"graph-{trees[0]}", f"{native.PROGRAMS['graph']}, {trees[0]} trees", "graph", "search_k", (GRAPH_SEARCH_K,), trees=trees[0]))
    made.append(Series(f"scan-{trees[0]}", f"{native.PROGRAMS['scan']}, {trees[0]} trees", "scan", "search_k", (SCAN_SEARCH_K,), trees=trees[0]))
    made.append(Series(f"dropin-{trees[0]}", f"{native.PROGRAMS['dropin']}, {trees[0]} trees", "dropin", "search_k", (SEARCH_K,), trees=trees[0]))
    for key, peer in PEERS.items():
        made.append(Series(key, peer.name, key, peer.knob, peer.ladders, peer=key))
    return made


def worth_timing(found: list[tuple]) -> list:
    """Of settings on several ladders, each with its recall and a rough time, those that no other
    clearly beats. Still ladder by ladder: to go to another may take long, as with glass."""
    return [value for value, recall, us in found
            if not any(other_recall >= recall and other_us < 0.75 * us for _, other_recall, other_us in found)]


class Bench:
    def __init__(self, plan: Plan, work: pathlib.Path, results: pathlib.Path, python: str, versions: dict[str, str]):
        self.plan, self.work, self.python, self.versions = plan, work, python, versions
        self.results = results
        self.env = native.environment(work)
        self.scratch = work / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.programs: dict[str, Native] = {}
        self.left_out = dict(plan.left_out)

    def log(self, data: DataSet | None, stage: str, **fields) -> None:
        with open(self.results, "a") as file:
            file.write(json.dumps({"set": data.name if data else None, "stage": stage, **fields}) + "\n")

    # ---- what is measured ----

    def wanted(self, library: str) -> bool:
        return (not self.plan.only or library in self.plan.only) and library not in self.plan.left_out

    def series_for(self, data: DataSet) -> list[Series]:
        """Those that take part; of the others the results say why not."""
        chosen = []
        for series in all_series(self.plan.trees):
            if self.plan.only and series.library not in self.plan.only:
                continue
            if series.library in self.left_out:
                self.log(data, "left out", series=series.key, label=series.label, why=self.left_out[series.library])
            elif series.library == "scan" and data.metric in ("manhattan", "hamming"):
                self.log(data, "left out", series=series.key, label=series.label, why=f"does not do {data.metric}")
            elif series.peer and data.metric not in PEERS[series.peer].metrics:
                self.log(data, "left out", series=series.key, label=series.label, why=f"does not do {data.metric}")
            else:
                chosen.append(series)
        return chosen

    def index_of(self, data: DataSet, series: Series) -> pathlib.Path:
        directory = self.work / "indexes" / data.name
        directory.mkdir(parents=True, exist_ok=True)
        if series.trees:
            return directory / f"{'ours' if series.library == 'dropin' else series.library}-{series.trees}.ann"
        peer = PEERS[series.peer]
        facts = [peer.name, peer.settings, self.versions.get(peer.package), (data.directory / "meta.json").read_text()]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
        return directory / f"{series.key}-{digest}.index"

    def _work(self, data: DataSet, series: Series, do: str, index: pathlib.Path, timeout: float | None = None, **arguments) -> list[dict]:
        """Has a worker process measure a peer."""
        task = {"do": do, "peer": series.peer, "index": str(index), "arguments": arguments,
                "data": {**data.describe(), "directory": str(data.directory)}}
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=self.scratch) as file:
            json.dump(task, file)
            file.flush()
            return native.json_lines(native.run([self.python, "-m", "compare.worker", file.name], env=self.env, timeout=timeout))

    # ---- stages ----

    def build_peers(self, data: DataSet, series: list[Series]) -> list[Series]:
        """Builds what is not there from before; returns the series whose index is."""
        built = []
        for one in series:
            if not one.peer:
                built.append(one)
                continue
            index = self.index_of(data, one)
            record_path = index.with_suffix(".json")
            cached = index.exists() and record_path.exists() and not self.plan.rebuild
            try:
                if not cached:
                    say(f"{data.name}: build {one.label}")
                    (record,) = self._work(data, one, "build", index, timeout=self.plan.build_limit)
                    record["when"] = datetime.date.today().isoformat()
                    record_path.write_text(json.dumps(record))
                self.log(data, "build", series=one.key, label=one.label, turn=1, threads=1, from_before=cached,
                         **json.loads(record_path.read_text()))
                built.append(one)
            except ProgramError as error:
                say(f"{data.name}: {one.label}: {error}")
                self.log(data, "left out", series=one.key, label=one.label, why=f"build failed: {error.reason()}")
        return built

    def build_native(self, data: DataSet, series: list[Series]) -> None:
        for turn in range(1, self.plan.repeats + 1):
            for one in series:
                if one.trees and one.library != "dropin":
                    say(f"{data.name}: turn {turn}: build {one.label}")
                    record = self.programs[one.library].build(data, self.index_of(data, one), one.trees)
                    self.log(data, "build", series=one.key, label=one.label, turn=turn, threads=1, **record)

    def build_two_threads(self, data: DataSet, series: list[Series]) -> None:
        if self.plan.second_cpu is None:
            return
        os.sched_setaffinity(0, {self.plan.cpu, self.plan.second_cpu})
        try:
            with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
                for turn in range(1, self.plan.repeats + 1):
                    for one in series:
                        if one.trees and one.library != "dropin":
                            say(f"{data.name}: turn {turn}: build {one.label}, 2 threads")
                            record = self.programs[one.library].build(data, pathlib.Path(scratch) / "index", one.trees, threads=2)
                            self.log(data, "build", series=one.key, label=one.label, turn=turn, threads=2, **record)
        finally:
            os.sched_setaffinity(0, {self.plan.cpu})

    def find_values(self, data: DataSet, series: list[Series]) -> dict[str, list]:
        """For each series the values of its knob worth timing, and their recall, which does not
        change from turn to turn."""
        values: dict[str, list] = {}
        for one in series:
            say(f"{data.name}: recall of {one.label}")
            found = []
            try:
                for value, recall, us in self._recalls(data, one):
                    found.append((value, recall, us))
                    self.log(data, "recall", series=one.key, label=one.label, knob=one.knob, value=value, recall=recall)
            except ProgramError as error:
                say(f"{data.name}: {one.label}: {error}")
                self.log(data, "left out", series=one.key, label=one.label, why=error.reason())
            values[one.key] = worth_timing(found) if len(one.ladders) > 1 else [value for value, _, _ in found]
        return values

    def _recalls(self, data: DataSet, one: Series):
        if one.peer:
            for record in self._work(data, one, "query", self.index_of(data, one), ladders=one.ladders, passes=0, seconds=0,
                                     recall=ENOUGH_RECALL, slowest_us=self.plan.slowest_us):
                if record["event"] == "query":
                    yield record["value"], record["recall"], record["rough_us"]
            return
        for search_k in one.ladders[0]:
            start = time.perf_counter()
            _, ids = self.programs[one.library].query(data, self.index_of(data, one), [search_k], passes=0)
            rough_us = (time.perf_counter() - start) / data.n_queries * 1e6
            recall = data.recall(ids[0])
            yield search_k, recall, rough_us
            if recall >= ENOUGH_RECALL or rough_us > self.plan.slowest_us:
                return

    def curves(self, data: DataSet, series: list[Series], values: dict[str, list]) -> None:
        for turn in range(1, self.plan.repeats + 1):
            for one in series:
                if not values[one.key]:
                    continue
                say(f"{data.name}: turn {turn}: {one.label}")
                index = self.index_of(data, one)
                if one.peer:
                    records = self._work(data, one, "query", index, ladders=[values[one.key]], passes=self.plan.passes,
                                         seconds=self.plan.seconds, recall=0, slowest_us=0)
                else:
                    records, _ = self.programs[one.library].query(
                        data, index, values[one.key], self.plan.passes, self.plan.seconds, batch=True)
                for record in records:
                    if record["event"] == "query" and not one.peer:
                        record = {"event": "query", "value": record["search_k"], "single_us": record["us"],
                                  "batch_us": record.get("batch_us")}
                    self.log(data, record.pop("event"), series=one.key, label=one.label, turn=turn, knob=one.knob, **record)

    def cold(self, data: DataSet, series: list[Series], values: dict[str, list]) -> None:
        for turn in range(1, self.plan.repeats + 1):
            for one in series:
                # The start of a Python process is not worth repeating.
                if not values[one.key] or (one.peer and turn > 1):
                    continue
                index, value = self.index_of(data, one), values[one.key][0]
                if one.trees:
                    value = self.plan.search_ks[0]
                    record = self.programs[one.library].cold(data, index, value)
                else:
                    record = self._work(data, one, "cold", index, value=value)[0]
                record.pop("event")
                self.log(data, "cold", series=one.key, label=one.label, turn=turn, value=value, **record)

    def forest(self, data: DataSet) -> None:
        """Annoy and annoy_rs on the same plain file, written by Annoy."""
        annoy, ours = self.programs["annoy"], self.programs["ours"]
        search_ks = list(self.plan.search_ks)
        for turn in range(1, self.plan.repeats + 1):
            for trees in self.plan.trees:
                say(f"{data.name}: turn {turn}: the same file, {trees} trees")
                files = {name: self.work / "indexes" / data.name / f"{name}-{trees}.ann" for name in ("annoy", "ours")}
                runs = {
                    "annoy": annoy.query(data, files["annoy"], search_ks, self.plan.passes, self.plan.seconds),
                    "ours": ours.query(data, files["annoy"], search_ks, self.plan.passes, self.plan.seconds),
                    "ours, own file": ours.query(data, files["ours"], search_ks, self.plan.passes, self.plan.seconds),
                }
                for name, (records, ids) in runs.items():
                    for k, record in enumerate(r for r in records if r["event"] == "query"):
                        self.log(data, "forest", who=name, trees=trees, turn=turn, search_k=record["search_k"], us=record["us"],
                                 recall=data.recall(ids[k]), same=float((ids[k] == runs["annoy"][1][k]).all(axis=1).mean()))
                rows = ours.rows(data, files["annoy"])
                self.log(data, "rows", trees=trees, turn=turn, ns=rows["ns"], ahead=rows["ahead"], node_bytes=rows["node_bytes"])
                if turn == 1:
                    counted, _ = ours.query(data, files["annoy"], search_ks, 0, candidates=True, n_queries=min(100, data.n_queries))
                    for record in counted:
                        if record["event"] == "query":
                            self.log(data, "candidates", trees=trees, search_k=record["search_k"], candidates=record["candidates"])

    def seeds(self, data: DataSet) -> None:
        """Recall at equal n_trees and search_k: another seed, another forest."""
        trees = self.plan.trees[0]
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            index = pathlib.Path(scratch) / "index"
            for seed in range(11, 11 + self.plan.seeds):
                say(f"{data.name}: recall with seed {seed}")
                for name in ("annoy", "ours"):
                    program = self.programs[name]
                    program.build(data, index, trees, seed=seed)
                    _, ids = program.query(data, index, list(SEED_SEARCH_KS), passes=0)
                    for search_k, found in zip(SEED_SEARCH_KS, ids):
                        self.log(data, "seed", who=name, trees=trees, seed=seed, search_k=search_k, recall=data.recall(found))

    def measure(self, data: DataSet) -> None:
        """All stages of one set."""
        start = time.perf_counter()
        say(f"{data.name}: {data.metric}, {data.n:,} x {data.d}, {data.n_queries} queries")
        self.log(data, "data", **{key: value for key, value in data.describe().items() if key != "directory"})
        series = self.series_for(data)
        both = self.wanted("annoy") and self.wanted("ours")
        self.build_native(data, series)
        self.build_two_threads(data, series)
        series = self.build_peers(data, series)
        values = self.find_values(data, series)
        self.curves(data, series, values)
        if both:
            self.forest(data)
            self.seeds(data)
        self.cold(data, series, values)
        self.log(data, "done", seconds=time.perf_counter() - start)
