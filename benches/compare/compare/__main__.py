"""The command line; ../README.md describes it. run.sh starts this inside its
virtual environment."""

from __future__ import annotations

import argparse
import datetime
import fcntl
import os
import pathlib
import shlex
import sys
import time

from . import machine, native, plots, report, sets
from .data import METRICS, DataError
from .native import Native, ProgramError, say
from .peers import PEERS
from .run import Bench, Plan

# What --quick leaves out unless --only names it.
NOT_QUICK = {
    "pynndescent": "its compiler alone takes a minute: not in --quick",
    "annoy-python": "not in --quick",
    "faiss-hnsw200": "not in --quick",
    "dropin": "not in --quick",
    "scann": "not in --quick",
    "svs": "not in --quick",
    "vsag": "not in --quick",
}
NOT_QUICK_SETS = ("sentences",)  # embedding them takes minutes

LIBRARIES = ("ours", "annoy", "dropin", "graph", "scan", *PEERS)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description="Compares annoy_rs with other libraries on this machine.")
    parser.add_argument("--set", help=f"of {', '.join(sets.NAMES)}, tiny (default: all but tiny; with --quick without sentences)")
    parser.add_argument("--train", type=pathlib.Path, help="your own items instead: .npy, .fvecs or .bvecs")
    parser.add_argument("--test", type=pathlib.Path, help="your own queries (default: items held out)")
    parser.add_argument("--metric", choices=METRICS, help="needed with --train")
    parser.add_argument("--name", help="of your set (default: the file's)")
    parser.add_argument("--only", default="", help=f"of {', '.join(LIBRARIES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sets, two turns: a few minutes")
    parser.add_argument("--work", type=pathlib.Path, default=native.ROOT / "target/compare", help="where everything is put (default: target/compare)")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on (default: the last)")
    parser.add_argument("--second-cpu", type=int, help="the other core of builds with 2 threads (default: the next lower one)")
    parser.add_argument("--one-core", action="store_true", help="no builds with 2 threads")
    parser.add_argument("--repeats", type=int, help="turns (default 3, quick 2)")
    parser.add_argument("--passes", type=int, help="timed passes over the queries in a turn (default 3, quick 2)")
    parser.add_argument("--seeds", type=int, help="forests for the recall table (default 12, quick 2)")
    parser.add_argument("--trees", help="numbers of trees (default 10,50; quick 10)")
    parser.add_argument("--rebuild", action="store_true", help="build the peers' indexes anew")
    parser.add_argument("--build-limit", type=float, default=3600, help="seconds after which a build is given up (default 3600)")
    parser.add_argument("--report-only", type=pathlib.Path, help="only report on these results again")
    chosen = parser.parse_args(arguments)
    if chosen.train and not chosen.metric:
        parser.error("--train needs --metric")
    chosen.set = chosen.set or ",".join(name for name in sets.NAMES if not (chosen.quick and name in NOT_QUICK_SETS))
    unknown = [name for name in chosen.only.split(",") if name and name not in LIBRARIES]
    if unknown:
        parser.error(f"--only: unknown: {', '.join(unknown)}; expected of {', '.join(LIBRARIES)}")
    return chosen


def plan_of(chosen: argparse.Namespace) -> Plan:
    quick = chosen.quick or chosen.set == "tiny"
    only = tuple(name for name in chosen.only.split(",") if name)
    if chosen.set == "tiny" and not only:
        only = ("ours", "annoy", "dropin")
    others = sorted(os.sched_getaffinity(0) - {chosen.cpu})
    second = chosen.second_cpu if chosen.second_cpu is not None else others[-1] if others else None
    return Plan(
        repeats=chosen.repeats or (2 if quick else 3),
        passes=chosen.passes or (2 if quick else 3),
        seconds=0.2 if quick else 1.5,
        slowest_us=2_000 if quick else 10_000,
        trees=tuple(int(n) for n in (chosen.trees or ("10" if quick else "10,50")).split(",")),
        search_ks=(1_000, 10_000) if quick else (1_000, 10_000, 100_000),
        seeds=chosen.seeds or (2 if quick else 12),
        build_limit=chosen.build_limit,
        rebuild=chosen.rebuild,
        only=only,
        left_out={name: why for name, why in NOT_QUICK.items() if quick and name not in only},
        cpu=chosen.cpu,
        second_cpu=None if chosen.one_core else second,
    )


def command_line(arguments: list[str]) -> str:
    """As it was given, but for --work, which is nobody else's business."""
    kept = [a for i, a in enumerate(arguments) if a != "--work" and not a.startswith("--work=") and (i == 0 or arguments[i - 1] != "--work")]
    return shlex.join(["bash", "benches/compare/run.sh", *kept])


def main() -> int:
    chosen = parse(sys.argv[1:])
    work = chosen.work.resolve()
    if chosen.report_only:
        report.write(chosen.report_only)
        plots.write(chosen.report_only)
        return 0
    work.mkdir(parents=True, exist_ok=True)
    lock = open(work / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"another run is using {work}; end it, or choose another directory with --work")
    plan = plan_of(chosen)
    os.sched_setaffinity(0, {plan.cpu})  # and with it every process that is started from here

    stamp = datetime.datetime.now(datetime.timezone.utc)
    directory = work / "reports" / f"{stamp:%Y%m%dT%H%M%SZ}"
    directory.mkdir(parents=True)
    results = directory / "results.jsonl"
    start = time.perf_counter()
    wanted = {name: peer.package for name, peer in PEERS.items() if (not plan.only or name in plan.only) and name not in plan.left_out}
    versions, missing = machine.install(sorted(set(wanted.values()) | {"numpy"}))
    bench = Bench(plan, work, results, sys.executable, versions)
    bench.left_out |= {name: missing[package] for name, package in wanted.items() if package in missing}

    say("programs")
    bench.programs = {name: Native(name, path, bench.env, bench.scratch) for name, path in native.compile_all(work, sys.executable, with_dropin=bench.wanted("dropin")).items()}
    facts = {"date": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", **machine.facts(plan.cpu, plan.second_cpu, versions),
             "command": command_line(sys.argv[1:]),
             "turns": f"{plan.repeats}, each the median of up to {plan.passes} passes over the queries"}
    bench.log(None, "facts", **facts)

    if chosen.train:
        made = [[lambda: sets.from_files(chosen.train, chosen.test, chosen.metric, chosen.name or chosen.train.stem, work)]]
    else:
        made = [[lambda name=name: sets.built_in(name, work, chosen.quick)] for name in chosen.set.split(",")]
    failures = 0
    for (make,) in made:
        try:
            found = make()
            for data in found if isinstance(found, list) else [found]:
                bench.measure(data)
        except (DataError, ProgramError) as error:
            failures += 1
            say(f"failed: {error}")
            bench.log(None, "failed", why=str(error))
        report.write(results)
    bench.log(None, "total", seconds=time.perf_counter() - start)
    report.write(results)
    plots.write(results)
    print((directory / "report.md").read_text())
    say(f"{time.perf_counter() - start:.0f} s; results in {directory}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
