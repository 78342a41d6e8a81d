"""Annoy's side of the differential tests (tests/differential.rs). Needs annoy==1.17.3 and numpy.

    annoy_side.py build JOB     builds index files with Annoy
    annoy_side.py answer JOB    answers from index files, ours or Annoy's own, with Annoy
    annoy_side.py refuse JOB    what Annoy says to files that are no indexes

JOB is a JSON file: a list of cases. All binary files are little-endian.

build takes from each case: metric, f, seed, n_trees (-1: Annoy chooses), rows (a file of f32, f of
them per item), ids (a list, one per row), ann (the file to write). It prints a JSON list of
[n_items, n_trees] as Annoy counts them before it has saved.

answer takes: metric, f, ann (the file to read), queries (a file of f32), items (ids that are
queries too), shapes (pairs of n and search_k, each asked of each query), pairs (of items, for
get_distance), vectors (items, for get_item_vector). It writes to the case's out: n_items and
n_trees as i64; for every query and shape the number of results as i64, the ids as i32, the
distances as f64; then the distances of the pairs and the vectors, as f64.

refuse takes: metric, f, ann. It prints a JSON list of what Annoy says, null where
it loads the file.
"""

import importlib.metadata
import json
import sys

import annoy
import numpy as np


def rows(path, f):
    return np.fromfile(path, "<f4").reshape(-1, f).tolist()


def build(case):
    index = annoy.AnnoyIndex(case["f"], case["metric"])
    index.set_seed(case["seed"])
    for item, row in zip(case["ids"], rows(case["rows"], case["f"]), strict=True):
        index.add_item(item, row)
    # With more threads the file would differ from run to run.
    index.build(case["n_trees"], n_jobs=1)
    counts = [index.get_n_items(), index.get_n_trees()]
    index.save(case["ann"])
    return counts


def answer(case):
    index = annoy.AnnoyIndex(case["f"], case["metric"])
    index.load(case["ann"])
    with open(case["out"], "wb") as out:
        np.array([index.get_n_items(), index.get_n_trees()], "<i8").tofile(out)
        queries = [(index.get_nns_by_vector, row) for row in rows(case["queries"], case["f"])]
        queries += [(index.get_nns_by_item, item) for item in case["items"]]
        for search, query in queries:
            for n, search_k in case["shapes"]:
                ids, distances = search(query, n, search_k, include_distances=True)
                out.write(np.array([len(ids)], "<i8").tobytes())
                out.write(np.array(ids, "<i4").tobytes())
                out.write(np.array(distances, "<f8").tobytes())
        np.array([index.get_distance(i, j) for i, j in case["pairs"]], "<f8").tofile(out)
        np.array([index.get_item_vector(i) for i in case["vectors"]], "<f8").tofile(out)


def refuse(case):
    try:
        annoy.AnnoyIndex(case["f"], case["metric"]).load(case["ann"])
    except OSError as error:
        return str(error)
    return None


def main():
    version = importlib.metadata.version("annoy")
    if version != "1.17.3":
        sys.exit(f"annoy is {version}, expected 1.17.3")
    work, job = sys.argv[1:]
    with open(job) as file:
        cases = json.load(file)
    print(json.dumps([{"build": build, "answer": answer, "refuse": refuse}[work](case) for case in cases]))


main()
