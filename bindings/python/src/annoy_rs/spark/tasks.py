"""What runs in the executors: building a shard, searching, reading items."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Iterator, Optional

import numpy as np
import pyarrow as pa

from ..errors import ArgumentError
from ..index import Index
from ..shards import Shard, Shards
from .files import located, open_shards, places, put

# Names of columns on the way.
SHARD, LABEL, VECTOR, PARTITION, ROW = "__shard", "__label", "__vector", "__partition", "__row"


def _built(index: Index, number: int, partition: Optional[str], plan: dict[str, Any]) -> str:
    """Builds, saves and uploads a shard: the text of a manifest that has it alone."""
    index.build(plan["n_trees"], n_threads=plan["n_threads"])
    if plan["degree"] > 0:
        index.build_graph(plan["degree"], n_threads=plan["n_threads"])
    fs, path = located(plan["path"])
    with tempfile.TemporaryDirectory(prefix="annoy_rs-") as first:
        index.save(os.path.join(first, "x.ann"))
        Shards.commit(first, ["x.ann"])
        # Named by what is in it: a file of that name is this one, wherever it is kept.
        checksum = (Shards.manifest(first) or {})["shards"][0]["checksum"]
        name = f"part-{number:05d}-{checksum}.ann"
        os.rename(os.path.join(first, "x.ann"), os.path.join(first, name))
        Shards.commit(first, [Shard(name, partition)], expected=1)
        put(fs, os.path.join(first, name), f"{path}/{name}")
        with open(os.path.join(first, "MANIFEST"), encoding="utf-8") as file:
            return file.read()


def _replaced(index: Index, plan: dict[str, Any]) -> list[str]:
    """Where the shards that were there have the labels of this one: pairs of shard and item."""
    if plan["before"] is None:
        return []
    return places(plan["path"], plan["before"], index.get_labels(index.ids).tolist())


def as_rows(column: Any) -> np.ndarray[Any, Any]:
    """A column of lists as rows."""
    if column.null_count:
        raise ArgumentError("a row has no vector")
    flat = column.flatten()
    if flat.null_count:
        raise ArgumentError("a vector has a null among its numbers")
    lengths = np.unique(np.diff(np.asarray(column.offsets)))
    if len(lengths) > 1:
        raise ArgumentError(f"vectors have {lengths.tolist()} numbers, expected as many in each")
    values: np.ndarray[Any, Any] = flat.to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1)


def build(plan: dict[str, Any]) -> Any:
    """Builds each shard of a partition whose rows come in the order of shards and labels."""

    def shards(batches: Iterator[Any]) -> Iterator[Any]:
        index, number, partition = None, -1, None

        def done(index: Index) -> Any:
            text = _built(index, number, partition, plan)
            replaced = pa.array([_replaced(index, plan)], pa.list_(pa.string()))
            return pa.RecordBatch.from_pydict(
                {"shard": pa.array([number], pa.int32()), "manifest": [text], "replaced": replaced}
            )

        for batch in batches:
            of = batch.column(SHARD).to_numpy(zero_copy_only=False)
            # Where another shard begins.
            starts = [0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]
            for start, end in zip(starts, starts[1:]):
                if start == end:
                    continue
                rows = batch.slice(start, end - start)
                if index is None or of[start] != number:
                    if index is not None:
                        yield done(index)
                    number, partition = int(of[start]), rows.column(PARTITION)[0].as_py()
                    index = None
                vectors, labels = as_rows(rows.column(VECTOR)), rows.column(LABEL)
                if labels.null_count:
                    raise ArgumentError("a row has no identifier")
                if index is None:
                    index = Index(vectors.shape[1], plan["metric"])
                    index.set_seed(plan["seed"])
                n = len(index)
                index.add_items(vectors)
                index.set_labels(_labels(labels), np.arange(n, n + len(vectors)))
        if index is not None:
            yield done(index)

    return shards


def _labels(column: Any) -> Any:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.to_pylist()
    numbers = column.to_numpy(zero_copy_only=False)
    if len(numbers) and numbers.min() < 0:
        raise ArgumentError(f"identifier {numbers.min()} is negative: give it as a string")
    return numbers.astype(np.uint64)


def _found(index: Shards, vectors: Any, plan: dict[str, Any], shard: Optional[int] = None) -> Any:
    """What each vector finds, as a column of lists of label and distance."""
    options: dict[str, Any] = {"n_threads": plan["n_threads"]}
    if shard is not None:
        options["shards"] = [shard]
    if plan["max_distance"] is not None:
        options["max_distance"] = plan["max_distance"]
    ids, distances = index.search(vectors, plan["k"], plan["search_k"], **options)
    there = ids >= 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    labels = index.get_labels(ids[there])
    kind = pa.string() if plan["is_text"] else pa.int64()
    labels = pa.array(labels.tolist() if plan["is_text"] else labels.astype(np.int64), kind)
    rows = pa.StructArray.from_arrays([labels, pa.array(distances[there], pa.float32())], ["neighbor", "distance"])
    return pa.ListArray.from_arrays(pa.array(offsets), rows)


def search(plan: dict[str, Any]) -> Any:
    def found(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            index = open_shards(plan["path"], plan["manifest"], plan["cache"])
            vectors = as_rows(batch.column(VECTOR))
            nearest = _found(index, vectors, plan) if len(vectors) else pa.array([], plan_type(plan))
            names = [name for name in batch.schema.names if name != VECTOR]
            columns = [batch.column(name) for name in names]
            yield pa.RecordBatch.from_arrays([*columns, nearest], [*names, plan["prediction"]])

    return found


def search_one(plan: dict[str, Any]) -> Any:
    """Rows come with the shard that they are for."""

    def found(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            of = batch.column(SHARD).to_numpy(zero_copy_only=False)
            for shard in np.unique(of).tolist():
                rows = batch.filter(pa.array(of == shard))
                index = open_shards(plan["path"], plan["manifest"], plan["cache"], shard)
                nearest = _found(index, as_rows(rows.column(VECTOR)), plan, shard)
                yield pa.RecordBatch.from_arrays([rows.column(ROW), nearest], [ROW, plan["prediction"]])

    return found


def rows(plan: dict[str, Any], is_text: bool) -> Any:
    """Reads the items of the shards whose numbers come."""

    def items(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            for shard in batch.column(0).to_pylist():
                index = open_shards(plan["path"], plan["manifest"], plan["cache"], shard)
                ids = index.ids
                for at in range(0, len(ids), 10_000):
                    some = ids[at : at + 10_000]
                    vectors, labels = index.get_items(some), index.get_labels(some)
                    offsets = pa.array(np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32))
                    lists = pa.ListArray.from_arrays(offsets, pa.array(vectors.reshape(-1), pa.float32()))
                    names = pa.array(labels.tolist() if is_text else labels.astype(np.int64))
                    yield pa.RecordBatch.from_arrays([names, lists], ["label", "vector"])

    return items


def plan_type(plan: dict[str, Any]) -> Any:
    label = pa.string() if plan["is_text"] else pa.int64()
    return pa.list_(pa.struct([("neighbor", label), ("distance", pa.float32())]))
