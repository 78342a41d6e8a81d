"""Writes docs/scale.md: what a billion vectors take, from what was measured.

    python3 benches/scale/page.py

Each line of results.jsonl, beside this file, is what run.sh printed of a run.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
BILLION = 1_000_000_000
SHARD = 5_000_000  # rows of a shard
EXECUTORS = 64  # of one core


def bytes_per_item(measured: float, f: int, wanted: int) -> float:
    """A vector is there in full, as a code, and in what grows not with it: trees and graph."""
    return measured + (wanted - f) * (4 + 1)


def size(n: float) -> str:
    for unit, of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n >= of:
            return f"{n / of:.1f} {unit}"
    return f"{n:.0f} bytes"


def main() -> None:
    runs = [json.loads(line) for line in (HERE / "results.jsonl").read_text().splitlines()]
    last = runs[-1]
    text = f"""# What a billion vectors take

Computed by `benches/scale/page.py` from what `benches/scale/run.sh` measured on this machine: two
executors of one core each, a disk they share, {last["f"]} numbers a vector, graph and ten trees.

## Measured

| vectors | shards | build, s | us an item | bytes an item | memory | recall@10 | us a query |
|---|---|---|---|---|---|---|---|
"""
    for run in runs:
        text += (
            f"| {run['rows']:,} | {run['shards']} | {run['build_seconds']:,} | {run['build_us_per_item']} "
            f"| {run['bytes_per_item']} | {size(run['workers_memory'])} | {run['recall_at_10']} "
            f"| {run['query_us_one_thread']} |\n"
        )
    text += f"""
"Memory" is the most that all Python workers had at once. The time of a build is that of the whole
job: making the rows, Spark's shuffle, sorting, trees, graph, writing. A query looks into all
shards, by one thread; the vectors are in memory.

## What follows

Nothing below was measured. It is arithmetic: core seconds of a build grow with the number of
vectors and, for the part that compares vectors (taken as half), with their length; bytes grow by 5
for each number more (4 in the vector, 1 in its code). {BILLION // SHARD} shards of {SHARD:,}
vectors, {EXECUTORS} executors of one core.

| | 128 numbers | 768 numbers |
|---|---|---|
"""
    rows: dict[str, list[str]] = {}
    for f in (128, 768):
        core = 2 * 1e-6 * last["build_us_per_item"] * (0.5 + 0.5 * f / last["f"]) * BILLION
        total = bytes_per_item(last["bytes_per_item"], last["f"], f) * BILLION
        shards = BILLION // SHARD
        # A query's time in a shard, times their number, over what a server has of cores.
        query = last["query_us_one_thread"] / last["shards"] * (0.5 + 0.5 * f / last["f"]) * shards
        for name, value in (
            ("core hours of the build", f"{core / 3600:,.0f}"),
            (f"hours with {EXECUTORS} executors", f"{core / 3600 / EXECUTORS:,.1f}"),
            ("bytes of all shards", size(total)),
            ("bytes of a shard, and memory of the task that builds it, at least", size(total / shards)),
            ("core milliseconds of a query in all shards", f"{query / 1000:,.0f}"),
            ("milliseconds of a query, shards on 16 servers of 16 cores", f"{query / 1000 / 256:,.1f}"),
        ):
            rows.setdefault(name, []).append(value)
    for name, values in rows.items():
        text += f"| {name} | {' | '.join(values)} |\n"
    text += """
What the arithmetic leaves out: a network between the executors (a shuffle moves all vectors once),
disks that are not in memory, and what waits for the slowest of many servers.
"""
    (HERE.parents[1] / "docs" / "scale.md").write_text(text)


if __name__ == "__main__":
    main()
