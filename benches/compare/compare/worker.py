"""A process that measures one peer: builds an index, or answers queries with one, so that memory
and caches are its own.

    python -m compare.worker TASK.json

Prints JSON objects, one a line, in the words of native/bench.c.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import statistics
import sys
import time

import numpy as np

from .data import NEIGHBOURS, DataSet
from .peer import Peer
from .peers import PEERS

now = time.perf_counter


def status_mib(field: str) -> float:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def forget_peak() -> None:
    """Lets VmHWM begin anew."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def say(**record) -> None:
    print(json.dumps(record), flush=True)


def files_of(index: str) -> list[pathlib.Path]:
    """Those of an index: itself, or all that is in its directory."""
    path = pathlib.Path(index)
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def to_disk(index: str, forget: bool = False) -> None:
    """Waits until its files are on the disk. `forget` drops their pages from the page cache."""
    for path in files_of(index):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            if forget:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def ids_of(found, n_queries: int) -> np.ndarray:
    """Answers as rows of 10 ids, -1 where there was none."""
    ids = np.full((n_queries, NEIGHBOURS), -1, dtype=np.int64)
    for row, answer in enumerate(found):
        answer = np.asarray(answer[:NEIGHBOURS]).astype(np.int64)
        ids[row, : len(answer)] = answer
    return ids


def build(peer: Peer, data: DataSet, index: str) -> None:
    rows = peer.prepare(np.array(data.train()))
    peer.warm_up(rows)
    if os.path.isdir(index):
        shutil.rmtree(index)
    before = status_mib("VmRSS")
    forget_peak()
    start = now()
    peer.build(rows)
    build_s = now() - start
    memory = status_mib("VmHWM") - before
    start = now()
    peer.save(index)
    save_s = now() - start
    start = now()
    to_disk(index)
    say(event="build", add_s=0.0, build_s=build_s, save_s=save_s, sync_s=now() - start, memory_mib=memory,
        file_bytes=sum(path.stat().st_size for path in files_of(index)))


def measure(peer: Peer, data: DataSet, queries: np.ndarray, passes: int, seconds: float) -> dict:
    """Time and recall with the settings it has. Without passes: roughly, of one way to ask."""
    ways = {"single": lambda: [peer.one(row) for row in queries]}
    if peer.batches:
        ways = {"batch": lambda: peer.batch(queries), **ways}
    record = {}
    for way, ask in ways.items():
        start = now()
        found = ask()
        first = now() - start
        if "recall" not in record:
            record |= {"recall": data.recall(ids_of(found, len(queries))), "rough_us": first / len(queries) * 1e6}
        if not passes:
            break
        # A pass as long as that needs no other one to warm up.
        times = [first] if first > seconds else []
        while len(times) < passes and (not times or sum(times) < seconds):
            start = now()
            ask()
            times.append(now() - start)
        record[f"{way}_us"] = statistics.median(times) / len(queries) * 1e6
    return record


def query(peer: Peer, data: DataSet, index: str, ladders: list[list], passes: int, seconds: float, recall: float,
          slowest_us: float) -> None:
    """Measures each value of the peer's knob. With `recall` a ladder ends with the first that
    reaches it, or is slower than allowed."""
    queries = peer.prepare(np.array(data.queries()))
    before = status_mib("VmRSS")
    start = now()
    peer.load(index)
    peer.set(ladders[0][0])
    load_s, rss = now() - start, status_mib("VmRSS") - before
    say(event="load", load_s=load_s, rss_mib=rss)
    for ladder in ladders:
        for value in ladder:
            peer.set(value)
            record = measure(peer, data, queries, passes, seconds)
            say(event="query", value=value, **record)
            if recall and (record["recall"] >= recall or record["rough_us"] > slowest_us):
                break
    say(event="end", rss_mib=status_mib("VmRSS") - before)


def cold(peer: Peer, data: DataSet, index: str, value) -> None:
    """Drops the file's pages, then loads and asks one query; then both again. The library is
    already in memory."""
    queries = peer.prepare(np.array(data.queries()[:1]))
    peer_of_nothing = type(peer)(peer.metric, 100, peer.d)  # imports what is imported late
    peer_of_nothing.warm_up(peer.prepare(np.array(data.train()[:2000])))
    try:
        peer_of_nothing.build(peer.prepare(np.array(data.train()[:100])))
    except Exception:
        pass  # some want more items; then the import was made all the same
    to_disk(index, forget=True)
    record = {}
    for prefix in ("", "warm_"):
        start = now()
        peer.load(index)
        peer.set(value)
        record[prefix + "load_s"] = now() - start
        start = now()
        peer.one(queries[0])
        record[prefix + "first_query_s"] = now() - start
    say(event="cold", **record)


def main() -> None:
    # What libraries in C print would come between the records and into them: it goes to stderr.
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = json.loads(pathlib.Path(sys.argv[1]).read_text())
    data = DataSet(**{**task["data"], "directory": pathlib.Path(task["data"]["directory"])})
    peer = PEERS[task["peer"]](data.metric, data.n, data.d)
    {"build": build, "query": query, "cold": cold}[task["do"]](peer, data, task["index"], **task["arguments"])


if __name__ == "__main__":
    main()
