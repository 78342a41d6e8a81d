"""What each choice in building a graph is worth: builds with one changed at a time.

    # Once, for programs, data and exact neighbours:
    bash benches/compare/run.sh --only graph --one-core
    PYTHONPATH=benches/compare target/compare/venv/bin/python -m compare.ablation --set words,images
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

import numpy as np

from . import machine, native

FIELDS = ("degree", "candidates", "alpha", "rounds", "sample", "n_trees")
SEARCH_KS = {"images": (200, 500)}
USUAL_SEARCH_KS = (1500, 5000)


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    trees: int = 10
    options: dict = dataclasses.field(default_factory=dict)


VARIANTS = (
    Variant("the usual: degree 32, 48 candidates, alpha 1.2, 6 rounds, sample 12, 10 trees"),
    *(Variant(f"degree {n}", options={"degree": n}) for n in (16, 24, 48)),
    *(Variant(f"{n} candidates", options={"candidates": n}) for n in (32, 64)),
    *(Variant(f"alpha {x}", options={"alpha": x}) for x in (1.0, 1.5)),
    *(Variant(f"{n} round{'s' if n > 1 else ''}", options={"rounds": n}) for n in (1, 3)),
    *(Variant(f"sample {n}", options={"sample": n}) for n in (6, 20)),
    Variant("leaves of 3 trees", options={"n_trees": 3}),
    *(Variant(f"a forest of {n} trees", trees=n) for n in (2, 4)),
)


def records(program: pathlib.Path, *arguments: object, env: dict[str, str]) -> list[dict]:
    out = subprocess.run([program, *map(str, arguments)], env=env, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def measure(work: pathlib.Path, name: str, passes: int) -> None:
    data = work / "data" / name
    facts = json.loads((data / "meta.json").read_text())["set"]
    n, d, n_queries, metric = facts["n"], facts["d"], facts["n_queries"], facts["metric"]
    truth = np.fromfile(data / "truth.i32", dtype="<i4").reshape(n_queries, -1)[:, :10]
    search_ks = SEARCH_KS.get(name, USUAL_SEARCH_KS)
    program, index = work / "programs/graph", work / "scratch/ablation.ann"
    columns = "".join(f" recall, search_k {k:,} | us |" for k in search_ks)
    print(f"\n## {name}\n\n{facts['metric']}, {n:,} x {d}\n\n| | build, s | file, MiB |{columns}\n|---|--:|--:|{'--:|' * 2 * len(search_ks)}")
    for variant in VARIANTS:
        options = " ".join(str(variant.options.get(field, 0)) for field in FIELDS)
        env = native.environment(work) | {"GRAPH_OPTIONS": options}
        built = records(program, "build", metric, d, data / "train.rows", n, variant.trees, 1, 1, index, env=env)[0]
        ids = work / "scratch/ablation.ids"
        found = records(program, "query", "--passes", passes, "--ids", ids, metric, d, index, data / "queries.rows", n_queries, *search_ks, env=env)
        answers = np.fromfile(ids, dtype="<i4").reshape(len(search_ks), n_queries, 10)
        times = [[r for r in found if r.get("search_k") == k] for k in search_ks]
        cells = [f"{(built['add_s'] + built['build_s']):.1f}", f"{index.stat().st_size / 2**20:.0f}"]
        for answer, records_of in zip(answers, times):
            recall = np.mean([len(set(a) & set(t)) / 10 for a, t in zip(answer.tolist(), truth.tolist())])
            us = statistics.median(r["us"] for r in records_of)
            cells += [f"{recall:.4f}", f"{us:.1f}"]
        print(f"| {variant.name} | {' | '.join(cells)} |", flush=True)
    index.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="words,images")
    parser.add_argument("--work", type=pathlib.Path, default=native.ROOT / "target/compare")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--passes", type=int, default=3)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {chosen.cpu})
    facts = machine.facts(chosen.cpu, None, {"numpy": np.__version__})
    print(f"- date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%MZ}")
    for key in ("machine", "system", "annoy_rs", "compilers"):
        print(f"- {key}: {facts[key]}")
    for name in chosen.set.split(","):
        measure(chosen.work.resolve(), name, chosen.passes)


if __name__ == "__main__":
    sys.exit(main())
