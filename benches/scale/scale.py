"""What Spark and annoy_rs take for so many vectors: builds shards, searches them, and prints a line
of JSON.

    bash benches/scale/run.sh ROWS SHARDS [DIRECTORY]

Rows are made by the executors from their numbers: clusters of 16 dimensions in 96, with noise in
all of them.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pyarrow as pa
from annoy_rs import Shards
from annoy_rs.spark import AnnoyNeighbors
from pyspark.sql import SparkSession

F, QUERIES = 96, 1000


def made(ids: Any) -> Any:
    """The vectors of these numbers, the same on every machine."""
    shared = np.random.default_rng(1)
    basis = shared.normal(size=(16, F)).astype(np.float32)
    centres = shared.normal(size=(1000, 16)).astype(np.float32)
    # Ten thousand at a time have a stream of their own.
    blocks = []
    for block in np.unique(ids // 10_000):
        random = np.random.default_rng(100 + int(block))
        weights = centres[random.integers(0, 1000, 10_000)] + 0.5 * random.standard_normal((10_000, 16), np.float32)
        rows = weights @ basis + 0.2 * random.standard_normal((10_000, F), np.float32)
        blocks.append(rows[ids[ids // 10_000 == block] % 10_000])
    return np.concatenate(blocks)


def rows(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        ids = batch.column(0).to_numpy()
        for at in range(0, len(ids), 10_000):
            some = ids[at : at + 10_000]
            flat = pa.array(made(some).reshape(-1), pa.float32())
            offsets = pa.array(np.arange(0, len(flat) + 1, F, dtype=np.int32))
            yield pa.RecordBatch.from_arrays([pa.array(some), pa.ListArray.from_arrays(offsets, flat)], ["id", "features"])


def descendants(root: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout.split()[2:]
    children: dict[int, list[int]] = {}
    for pid, parent in zip(map(int, listed[::2]), map(int, listed[1::2])):
        children.setdefault(parent, []).append(pid)
    found, ahead = [], [root]
    while ahead:
        ahead = [child for one in ahead for child in children.get(one, [])]
        found += ahead
    return found


class Memory(threading.Thread):
    """The most memory that the Python workers had at once, in bytes, looked at each second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0

    def run(self) -> None:
        while True:
            total = 0
            for pid in descendants(os.getpid()):
                try:
                    if b"pyspark.daemon" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                        continue
                    # Not what is mapped from files.
                    status = Path(f"/proc/{pid}/status").read_text()
                    total += 1024 * int(status.split("RssAnon:")[1].split()[0])
                except (OSError, IndexError, ValueError):
                    continue
            self.most = max(self.most, total)
            time.sleep(1)


def main() -> None:
    n, n_shards, directory = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    path = directory / f"{n}.annd"
    shutil.rmtree(path, ignore_errors=True)
    builder = SparkSession.builder.master("local-cluster[2,1,1500]")
    settings = {
        "spark.executor.memory": "1500m", "spark.driver.memory": "1500m", "spark.ui.enabled": "false",
        "spark.sql.adaptive.enabled": "false", "spark.local.dir": str(directory / "spill"),
        "spark.driver.host": "127.0.0.1", "spark.sql.execution.arrow.maxRecordsPerBatch": "5000",
    }  # fmt: skip
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    memory = Memory()
    memory.start()
    parts = max(4, n // 100_000)
    items = spark.range(0, n, 1, parts).mapInArrow(rows, "id long, features array<float>")
    estimator = AnnoyNeighbors(path=str(path), numShards=n_shards, k=10, distanceFunction="euclidean")
    start = time.monotonic()
    model = estimator.fit(items)
    seconds = time.monotonic() - start
    said = model.manifest()
    queries = spark.range(n, n + QUERIES, 1, 4).mapInArrow(rows, "id long, features array<float>")
    queries.count()
    times = []
    for _ in range(2):  # the second time with shards mapped
        start = time.monotonic()
        found = {row["id"]: [one["neighbor"] for one in row["prediction"]] for row in model.transform(queries).collect()}
        times.append(time.monotonic() - start)
    shards = Shards.open(path)
    vectors = made(np.arange(n, n + QUERIES))
    shards.search(vectors, 10)
    start = time.monotonic()
    shards.search(vectors, 10, n_threads=1)
    alone = time.monotonic() - start
    some = vectors[:100]
    exact, _ = shards.search(some, 10, exact=True)
    names = shards.get_labels(exact.reshape(-1)).reshape(exact.shape)
    hits = [len(set(found[n + i]) & set(names[i].tolist())) / 10 for i in range(len(some))]
    result = {
        "rows": n, "f": F, "shards": n_shards, "build_seconds": round(seconds, 1),
        "build_us_per_item": round(1e6 * seconds / n, 1), "bytes": sum(shard["bytes"] for shard in said["shards"]),
        "bytes_per_item": round(sum(shard["bytes"] for shard in said["shards"]) / n, 1),
        "workers_memory": memory.most, "memory_per_item_in_work": round(memory.most * n_shards / (2 * n), 1),
        "spark_search_seconds": [round(one, 2) for one in times], "query_us_one_thread": round(1e6 * alone / QUERIES, 1),
        "recall_at_10": round(float(np.mean(hits)), 4), "driver_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }  # fmt: skip
    print(json.dumps(result), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
