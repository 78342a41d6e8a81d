"""Data sets: rows to index, rows to ask for, and the exact neighbours of these, as files in
one directory each.

    train.rows    n rows: d little-endian 32-bit floats, or for hamming d bits in 64-bit words,
                  first bit lowest
    queries.rows  the same, rows that are not in train.rows
    truth.i32     for each query the ids of its 10 nearest, nearest first, ties by id
    bound.f64     for each query the distance of the tenth (see `distances`)
    meta.json     what it was made from
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib

import numpy as np

NEIGHBOURS = 10
CANDIDATES = 100  # found in 32-bit arithmetic, then ordered in 64-bit
METRICS = ("angular", "euclidean", "manhattan", "dot", "hamming")


class DataError(Exception):
    """Input that will not do; the text says what was found and what was expected."""


@dataclasses.dataclass(frozen=True)
class DataSet:
    name: str
    metric: str
    n: int
    d: int
    n_queries: int
    source: str
    directory: pathlib.Path
    family: str  # sets of one family are the same data in several sizes

    @property
    def train_path(self) -> pathlib.Path:
        return self.directory / "train.rows"

    @property
    def queries_path(self) -> pathlib.Path:
        return self.directory / "queries.rows"

    @property
    def row_bytes(self) -> int:
        return self.d // 8 if self.metric == "hamming" else self.d * 4

    def train(self) -> np.ndarray:
        return _map_rows(self.train_path, self.n, self)

    def queries(self) -> np.ndarray:
        return _map_rows(self.queries_path, self.n_queries, self)

    def recall(self, ids: np.ndarray) -> float:
        """Mean share of the 10 neighbours found. An item as near as the tenth counts, whatever its
        id: in hamming data there are many such items, and a library may return any of them."""
        bound = np.fromfile(self.directory / "bound.f64", dtype="<f8")
        train, queries = self.train(), self.queries()
        hits = 0
        for row, answer in enumerate(ids):
            found = np.unique(answer[(answer >= 0) & (answer < self.n)]).astype(np.int64)
            far = distances(self.metric, train[found], queries[row])
            hits += min(NEIGHBOURS, int((far <= bound[row] + 1e-12 * abs(bound[row])).sum()))
        return hits / (len(ids) * NEIGHBOURS)

    def describe(self) -> dict:
        return {**dataclasses.asdict(self), "directory": self.directory.name}


def _map_rows(path: pathlib.Path, n: int, of: DataSet) -> np.ndarray:
    if of.metric == "hamming":
        return np.memmap(path, dtype="<u8", mode="r", shape=(n, of.d // 64))
    return np.memmap(path, dtype="<f4", mode="r", shape=(n, of.d))


def write_whole(path: pathlib.Path, content: bytes | np.ndarray) -> None:
    """Writes all of the file or none of it."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(memoryview(np.ascontiguousarray(content)).cast("B") if isinstance(content, np.ndarray) else content)
    os.replace(temporary, path)


def sha256_of(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- files of others ----


def read_vectors(path: pathlib.Path) -> np.ndarray:
    """The rows of an .npy, .fvecs or .bvecs file."""
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.suffix == ".npy":
        rows = np.load(path, mmap_mode="r")
    elif path.suffix in (".fvecs", ".bvecs"):
        rows = _read_vecs(path, np.dtype("<f4" if path.suffix == ".fvecs" else "u1"))
    else:
        raise DataError(f"{path}: the name must end in .npy, .fvecs or .bvecs")
    if rows.ndim != 2 or rows.size == 0:
        raise DataError(f"{path}: shape {rows.shape}, expected rows of numbers")
    return rows


def _read_vecs(path: pathlib.Path, scalar: np.dtype) -> np.ndarray:
    """Each row follows its length, a 32-bit integer; all must be of one length."""
    raw = np.memmap(path, dtype="u1", mode="r")
    d = int(raw[:4].view("<i4")[0]) if raw.size >= 4 else 0
    stride = 4 + d * scalar.itemsize
    if d <= 0 or raw.size % stride:
        raise DataError(f"{path}: {raw.size} bytes, which are not rows of {d} numbers as the first row has")
    rows = raw.reshape(-1, stride)
    lengths = np.ascontiguousarray(rows[:, :4]).view("<i4")
    if (lengths != d).any():
        raise DataError(f"{path}: rows of several lengths, the first of {d}")
    return np.ascontiguousarray(rows[:, 4:]).view(scalar)


def as_rows(metric: str, values: np.ndarray, name: str) -> np.ndarray:
    """As they are stored: 32-bit floats, or words of bits."""
    if metric == "hamming":
        if not ((values == 0) | (values == 1)).all():
            raise DataError(f"{name}: for hamming every number must be 0 or 1")
        bits = np.packbits(np.asarray(values, dtype=bool), axis=1, bitorder="little")
        return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view("<u8")
    rows = np.ascontiguousarray(values, dtype="<f4")
    if not np.isfinite(rows).all():
        raise DataError(f"{name}: holds values that are not finite")
    return rows


def hold_out(rows: np.ndarray, n_queries: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Splits off rows to ask for, in the order they had."""
    if len(rows) <= n_queries + NEIGHBOURS:
        raise DataError(f"{len(rows)} rows, expected more than {n_queries + NEIGHBOURS}")
    chosen = np.zeros(len(rows), dtype=bool)
    # RandomState, not default_rng: its streams are frozen.
    chosen[np.random.RandomState(seed).permutation(len(rows))[:n_queries]] = True
    return rows[~chosen], rows[chosen]


# ---- exact neighbours ----


def unit_rows(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)  # a zero vector keeps cosine 0


def distances(metric: str, items: np.ndarray, query: np.ndarray) -> np.ndarray:
    """In 64 bits, up to what changes no order: squared for euclidean, the negative for what is
    largest first."""
    if metric == "hamming":
        return np.bitwise_count(items ^ query).sum(axis=1).astype(np.float64)
    items, query = items.astype(np.float64), query.astype(np.float64)
    if metric == "manhattan":
        return np.abs(items - query).sum(axis=1)
    if metric == "euclidean":
        return np.square(items - query).sum(axis=1)
    if metric == "angular":
        return -(unit_rows(items) @ unit_rows(query[None])[0])
    return -(items @ query)


def _rough_distances(metric: str, items: np.ndarray, squares: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """In 32 bits, queries x items."""
    if metric == "hamming":
        return np.stack([np.bitwise_count(items ^ query).sum(axis=1, dtype=np.uint32) for query in queries])
    if metric == "manhattan":
        return np.stack([np.abs(items - query).sum(axis=1) for query in queries])
    products = queries @ items.T
    return squares - 2 * products if metric == "euclidean" else -products


def exact_neighbours(metric: str, items: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the nearest items, and the distance of the last of them, for each query."""
    rough_items, rough_queries = items, queries
    if metric == "angular":
        rough_items, rough_queries = unit_rows(items).astype(np.float32), unit_rows(queries).astype(np.float32)
    squares = np.einsum("ij,ij->i", items, items) if metric == "euclidean" else np.empty(0)
    count = min(CANDIDATES, len(items))
    block = max(1, (256 << 20) // (4 * len(items)))
    truth = np.empty((len(queries), NEIGHBOURS), dtype="<i4")
    bound = np.empty(len(queries), dtype="<f8")
    for start in range(0, len(queries), block):
        rough = _rough_distances(metric, rough_items, squares, rough_queries[start : start + block])
        candidates = np.sort(np.argpartition(rough, count - 1, axis=1)[:, :count], axis=1)
        for row, ids in enumerate(candidates, start):
            far = distances(metric, items[ids], queries[row])
            order = np.argsort(far, kind="stable")[:NEIGHBOURS]
            truth[row], bound[row] = ids[order], far[order[-1]]
    return truth, bound


# ---- making a set ----


def make(directory: pathlib.Path, name: str, metric: str, recipe: dict, rows, family: str = "") -> DataSet:
    """The set in `directory`; made by `rows()`, which gives train and queries, unless it is there
    from the same recipe."""
    directory.mkdir(parents=True, exist_ok=True)
    meta_path = directory / "meta.json"
    if meta_path.exists():
        meta = json.loads(meta_path.read_text())
        if meta["recipe"] == recipe:
            return DataSet(directory=directory, **meta["set"])
        meta_path.unlink()

    train, queries = (as_rows(metric, part, name) if part.dtype != np.uint64 else part for part in rows())
    if train.shape[1] != queries.shape[1]:
        raise DataError(f"{name}: items of {train.shape[1]}, queries of {queries.shape[1]} numbers")
    if len(train) <= NEIGHBOURS:
        raise DataError(f"{name}: {len(train)} items, expected more than {NEIGHBOURS}")
    write_whole(directory / "train.rows", train)
    write_whole(directory / "queries.rows", queries)
    truth, bound = exact_neighbours(metric, train, queries)
    write_whole(directory / "truth.i32", truth)
    write_whole(directory / "bound.f64", bound)
    facts = {
        "name": name,
        "metric": metric,
        "n": len(train),
        "d": train.shape[1] * (64 if metric == "hamming" else 1),
        "n_queries": len(queries),
        "source": recipe["source"],
        "family": family or name,
    }
    write_whole(meta_path, json.dumps({"recipe": recipe, "set": facts}, indent=1).encode())
    return DataSet(directory=directory, **facts)
