"""Reads the JSONL of a run: records by set and stage, medians over turns, curves."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import pathlib
import statistics


@dataclasses.dataclass(frozen=True)
class Point:
    value: float | list  # of the knob, or of both
    recall: float
    qps: float
    way: str  # "single" or "batch": the faster one


@dataclasses.dataclass(frozen=True)
class Curve:
    key: str
    label: str
    knob: str
    points: list[Point]  # by rising recall; each faster than all that find more

    def qps_at(self, recall: float) -> tuple[str, float] | None:
        """Queries per second at that recall: log-linear between the two settings around it. (">=",
        x) when even the cheapest setting finds more; None when none finds as much."""
        best = self.points
        if best[-1].recall < recall:
            return None
        if best[0].recall >= recall:
            return (">=" if best[0].recall > recall else "", best[0].qps)
        for low, high in zip(best, best[1:]):
            if low.recall < recall <= high.recall:
                at = (recall - low.recall) / (high.recall - low.recall)
                return ("", math.exp(math.log(low.qps) + at * (math.log(high.qps) - math.log(low.qps))))
        return None


class SetResults:
    """The records of one set."""

    def __init__(self, name: str, records: list[dict]):
        self.name = name
        self.stages: dict[str, list[dict]] = collections.defaultdict(list)
        for record in records:
            self.stages[record["stage"]].append(record)
        self.data = self.stages["data"][0]

    def select(self, stage: str, **wanted) -> list[dict]:
        return [r for r in self.stages[stage] if all(r.get(key) == value for key, value in wanted.items())]

    def median(self, stage: str, field: str, **wanted) -> float | None:
        values = [r[field] for r in self.select(stage, **wanted) if r.get(field) is not None]
        return statistics.median(values) if values else None

    def series(self) -> dict[str, str]:
        """Label by key, in the order of the run."""
        return {r["series"]: r["label"] for stage in ("recall", "build") for r in self.stages[stage]}

    def left_out(self) -> dict[str, str]:
        return {r["label"]: r["why"] for r in self.stages["left out"]}

    def curves(self, ways: tuple[str, ...] = ("single", "batch")) -> list[Curve]:
        """Of each library that can be asked in one of these ways; of several the faster one."""
        made = []
        for key, label in self.series().items():
            points, knob = [], ""
            for record in self.select("recall", series=key):
                knob = record["knob"]
                us = {way: self.median("query", f"{way}_us", series=key, value=record["value"]) for way in ways}
                us = {way: value for way, value in us.items() if value}
                if us:
                    way = min(us, key=us.__getitem__)
                    points.append(Point(record["value"], record["recall"], 1e6 / us[way], way))
            best = [p for p in points if not any(q.recall >= p.recall and q.qps > p.qps for q in points)]
            if best:
                made.append(Curve(key, label, knob, sorted(best, key=lambda p: (p.recall, -p.qps))))
        return made


def read(path: pathlib.Path) -> tuple[dict, list[SetResults], list[dict]]:
    """Facts of the run, the sets, and records of no set."""
    records = [json.loads(line) for line in path.read_text().splitlines() if line]
    by_set: dict[str, list[dict]] = collections.defaultdict(list)
    for record in records:
        by_set[record["set"]].append(record)
    general = by_set.pop(None, [])
    facts = {k: v for r in general if r["stage"] == "facts" for k, v in r.items() if k not in ("set", "stage")}
    return facts, [SetResults(name, rs) for name, rs in by_set.items()], general
