"""Each command, on words that are shipped and on what Annoy itself wrote."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from conftest import ROOT, WORDS, Annoy


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 4,000 words, with a graph."""
    directory = tmp_path_factory.mktemp("words")
    annoy = Annoy(directory)
    annoy("build", *WORDS, "-o", "words.ann", "--limit", "4000", "--beside", "graph", "--trees", "5")
    return directory / "words.ann"


def ids(text: str) -> list[int]:
    return [one["id"] for one in json.loads(text)]


def test_query(annoy: Annoy, words: Path) -> None:
    near = annoy("query", words, "--label", "king", "-n", "3")
    assert "prince" in near and "king" not in near.split() and len(near.splitlines()) == 3
    found = json.loads(annoy("query", words, "--label", "king", "-n", "3", "--json"))
    assert [one["label"] for one in found] == [line.split()[2] for line in near.splitlines()]
    item = next(one["id"] for one in found if one["label"] == "prince")
    assert "king" in annoy("query", words, "--item", item, "-n", "3")
    exact = ids(annoy("query", words, "--label", "king", "-n", "20", "--exact", "--json"))
    for method in ("graph", "forest"):
        more = ("--method", method, "--search-k", "100000", "--json")
        assert ids(annoy("query", words, "--label", "king", "-n", "20", *more)) == exact
    radius = found[1]["distance"] + 1e-6
    assert len(annoy("query", words, "--label", "king", "--radius", radius).splitlines()) == 2
    annoy("export", words, "-o", "all.npy")
    rows = np.load(annoy.directory / "all.npy")
    vector = ",".join(map(str, rows[item]))
    assert ids(annoy("query", words, "--vector", vector, "-n", "1", "--json")) == [item]
    np.save(annoy.directory / "q.npy", rows[:5])
    lines = annoy("query", words, "--file", "q.npy", "-n", "2", "--json").splitlines()
    assert [ids(line)[0] for line in lines] == [0, 1, 2, 3, 4]
    table = annoy("query", words, "--file", "q.npy", "-n", "2", "--print", "csv").splitlines()
    assert table[0] == "query,rank,id,label,distance" and len(table) == 11
    (annoy.directory / "some").write_text("queen\nemperor\n")
    some = annoy("query", words, "--label", "king", "--filter", "some", "--exact")
    assert {line.split()[2] for line in some.splitlines()} == {"queen", "emperor"}


def test_bad_questions(annoy: Annoy, words: Path) -> None:
    assert "no item has the label" in annoy.fails("query", words, "--label", "no such word")
    assert "4000" in annoy.fails("query", words, "--item", "4000")
    assert "expected 50" in annoy.fails("query", words, "--vector", "1,2")
    assert "annoy tune" in annoy.fails("query", words, "--label", "king", "--recall", "0.9")
    assert annoy.fails("info", "none.ann").count("No such file") == 1
    (annoy.directory / "some").write_text("queen\n\nno such word\n")
    assert "line 3" in annoy.fails("query", words, "--label", "king", "--filter", "some")
    for wrong in (("query", words), ("query", words, "--item", "1", "--label", "a"), ("fly",), ()):
        annoy.fails(*wrong, code=2)


def test_looking(annoy: Annoy, words: Path) -> None:
    info = json.loads(annoy("info", words, "--json"))
    assert (info["items"], info["trees"], info["metric"]) == (4000, 5, "angular")
    assert info["graph_degree"] > 0 and info["labels"] == 4000
    assert "metric" in annoy("info", words)
    stats = json.loads(annoy("stats", words, "--json"))
    assert stats["zero_vectors"] == 0 and "hub_1" in stats
    doctor = json.loads(annoy("doctor", words, "--json"))
    assert doctor["says_what_it_is"] and doctor["annoy_1.17_can_read_it"]
    assert 0 < doctor["share_in_memory"] <= 1
    kinds = json.loads(annoy("probe", words, "--json"))
    assert [kind["metric"] for kind in kinds] == ["angular"]


def test_verify(annoy: Annoy, words: Path) -> None:
    assert json.loads(annoy("verify", words, "--json"))["sound"] is True
    bytes_ = bytearray(words.read_bytes())
    bytes_[1000] ^= 1
    (annoy.directory / "bad.ann").write_bytes(bytes_)
    assert "no" in annoy("verify", "bad.ann", code=3)
    (annoy.directory / "cut.ann").write_bytes(bytes_[:-100])
    assert json.loads(annoy("verify", "cut.ann", "--json", code=3))["sound"] is False


def test_tune(annoy: Annoy, words: Path) -> None:
    shutil.copy(words, annoy.directory / "w.ann")
    rows = json.loads(annoy("tune", "w.ann", "--json", "--sample", "100"))
    recalls = [row["recall"] for row in rows[1:]]
    assert recalls[-1] > 0.99 and rows[0]["search_k"] == "default"
    assert "finds" in annoy("tune", "w.ann", "--recall", "0.9", "--write", "--sample", "100")
    assert json.loads(annoy("info", "w.ann", "--json"))["tuned_with_queries"] > 0
    assert len(ids(annoy("query", "w.ann", "--label", "king", "--recall", "0.9", "--json"))) == 10
    annoy("export", "w.ann", "-o", "q.npy")
    annoy("tune", "w.ann", "--queries", "q.npy", "--sample", "50", "--write")


def test_bench(annoy: Annoy, words: Path) -> None:
    rows = json.loads(annoy("bench", words, "--sample", "60", "--json"))
    assert [row["method"] for row in rows].index("exact") == len(rows) - 1
    assert {row["method"] for row in rows} == {"forest", "graph", "exact"}
    exact, graph = rows[-1], [row for row in rows if row["method"] == "graph"]
    assert exact["recall"] == 1 and exact["search_k"] is None and graph[-1]["recall"] > 0.99
    assert all(row["queries_a_second"] > 0 and row["queries_a_second_all_threads"] > 0 for row in rows)
    annoy("export", words, "-o", "q.npy")
    some = ("--methods", "forest", "--search-k", "50,5000", "--queries", "q.npy", "--sample", "40")
    lines = list(csv.DictReader(annoy("bench", words, *some, "--print", "csv").splitlines()))
    assert [line["search_k"] for line in lines] == ["default", "50", "5000"]
    assert float(lines[1]["recall"]) < float(lines[2]["recall"])
    assert "it has no scan" in annoy.fails("bench", words, "--methods", "scan")


def test_export(annoy: Annoy) -> None:
    """The same in each format."""
    annoy("build", *WORDS, "-o", "w.ann", "--limit", "1000", "--beside", "none", "--trees", "5")
    annoy("remove", "w.ann", "7")
    for name in ("w.parquet", "w.csv", "w.jsonl"):
        annoy("export", "w.ann", "-o", name, "--neighbors", "4", "--xy")
    table = pandas.read_parquet(annoy.directory / "w.parquet")
    lines = pandas.read_json(annoy.directory / "w.jsonl", lines=True)
    flat = pandas.read_csv(annoy.directory / "w.csv", keep_default_na=False)
    assert list(table.columns) == ["id", "label", "vector", "neighbors", "x", "y"] and len(table) == 999
    for other in (lines, flat):
        assert (table.id == other.id).all() and (table.label == other.label).all()
    assert 7 not in set(table.id)
    annoy("export", "w.ann", "-o", "w.npy")
    rows = np.load(annoy.directory / "w.npy")
    assert (np.stack(table.vector) == rows).all() and table.vector[0].dtype == np.float32
    assert (flat[[f"x{at}" for at in range(50)]].to_numpy("f4") == rows).all()
    near = np.stack(table.neighbors)
    assert (near == np.stack(lines.neighbors)).all()
    assert (near == flat[[f"neighbor{at}" for at in range(4)]].to_numpy()).all()
    assert near[642].tolist() == ids(annoy("query", "w.ann", "--item", table.id[642], "-n", "4", "--json"))
    assert table.x.between(0, 1).all() and np.allclose(np.stack(lines.xy), table[["x", "y"]])
    assert "not for .npy" in annoy.fails("export", "w.ann", "-o", "x.npy", "--xy")
    # And back.
    annoy("build", "w.parquet", "--column", "vector", "--labels", "label", "-o", "again.ann", "--beside", "none")
    assert "father" in annoy("query", "again.ann", "--label", "king", "--exact")


def sets() -> dict[str, tuple[str, np.ndarray[Any, Any]]]:
    """Data of three kinds: a metric, and rows."""
    rng = np.random.default_rng(3)
    words = np.fromfile(WORDS[0], "<f2").reshape(-1, 50).astype(np.float32)
    centres = rng.normal(size=(60, 24))
    clusters = centres[rng.integers(0, 60, 9000)] + 0.4 * rng.normal(size=(9000, 24))
    lengths = np.exp(0.3 * rng.normal(size=(9000, 1)))
    return {
        "words": ("angular", words[rng.permutation(len(words))[:9000]]),
        "clusters": ("euclidean", clusters),
        "products": ("dot", rng.normal(size=(9000, 16)) * lengths),
    }


@pytest.mark.parametrize("kind", ["words", "clusters", "products"])
@pytest.mark.parametrize("asked", [0.9, 0.95, 0.98] if "ANNOY_RS_THOROUGH" in os.environ else [0.95])
def test_tune_finds_what_was_asked_for(annoy: Annoy, kind: str, asked: float) -> None:
    """What it says is enough for some queries is enough for others, and not far more."""
    metric, rows = sets()[kind]
    for name, part in (("base", rows[:6000]), ("known", rows[6000:7000]), ("fresh", rows[7000:])):
        np.save(annoy.directory / f"{name}.npy", part.astype(np.float32))
    annoy("build", "base.npy", "-o", "x.ann", "-m", metric, "--beside", "none")
    points = json.loads(
        annoy("tune", "x.ann", "--queries", "known.npy", "--sample", "1000", "--recall", asked, "--json")
    )
    found = min(point["search_k"] for point in points[1:] if point["recall"] >= asked)

    def near(*more: object) -> list[set[int]]:
        text = annoy("query", "x.ann", "--file", "fresh.npy", "--json", *more)
        return [set(ids(line)) for line in text.splitlines()]

    both = [len(a & b) for a, b in zip(near("--exact"), near("--search-k", found))]
    assert abs(sum(both) / 20000 - asked) <= 0.01


def test_changes(annoy: Annoy) -> None:
    annoy("build", *WORDS, "-o", "a.ann", "--limit", "1000", "--trees", "3", "--beside", "graph")
    annoy("remove", "a.ann", "7")
    assert "no item" in annoy.fails("remove", "a.ann", "--label", "no such word")
    annoy("remove", "a.ann", "--label", "would")
    assert json.loads(annoy("info", "a.ann", "--json"))["removed"] == 2
    annoy("export", "a.ann", "-o", "a.jsonl")
    rows = [json.loads(line) for line in (annoy.directory / "a.jsonl").open()]
    assert len(rows) == 998
    new = [{"n": f"new {i}", "v": row["vector"]} for i, row in enumerate(rows[:5])]
    (annoy.directory / "new.jsonl").write_text("\n".join(map(json.dumps, new)))
    annoy("insert", "a.ann", "new.jsonl", "--labels", "n", "-o", "b.ann")
    near = annoy("query", "b.ann", "--label", "new 3", "-n", "1")
    assert near.split()[2] == rows[3]["label"]
    moved = [{"n": "new 3", "v": rows[900]["vector"]}, {"n": "newer", "v": rows[901]["vector"]}]
    (annoy.directory / "new.jsonl").write_text("\n".join(map(json.dumps, moved)))
    assert "new 3" in annoy.fails("insert", "b.ann", "new.jsonl", "--labels", "n")
    annoy("insert", "b.ann", "new.jsonl", "--labels", "n", "--replace")
    assert annoy("query", "b.ann", "--label", "new 3", "-n", "1").split()[2] == rows[900]["label"]
    assert annoy("query", "b.ann", "--label", "newer", "-n", "1").split()[2] == rows[901]["label"]
    annoy("compact", "b.ann")
    info = json.loads(annoy("info", "b.ann", "--json"))
    assert (info["items"], info["removed"], info["missing"]) == (1004, 0, 2)
    annoy("verify", "b.ann")


def test_merge_and_diff(annoy: Annoy) -> None:
    for name, n in (("all", 600), ("few", 400)):
        annoy("build", *WORDS, "-o", f"{name}.ann", "--trees", "3", "--beside", "none", "--limit", n)
    annoy("export", "all.ann", "-o", "all.jsonl")
    rest = (annoy.directory / "all.jsonl").read_text().splitlines()[400:]
    (annoy.directory / "rest.jsonl").write_text("\n".join(rest))
    more = ("--labels", "label", "--column", "vector", "--trees", "3", "--beside", "none")
    annoy("build", "rest.jsonl", "-o", "rest.ann", *more)
    annoy("merge", "few.ann", "rest.ann", "-o", "both.ann", "--beside", "none")
    assert json.loads(annoy("diff", "all.ann", "both.ann", "--json"))["alike"] is True
    assert (annoy.directory / "all.ann").read_bytes() == (annoy.directory / "both.ann").read_bytes()
    said = json.loads(annoy("diff", "all.ann", "few.ann", "--json", code=3))
    assert (said["items_in_both"], said["items_only_in_the_first"]) == (400, 200)
    assert "label" in annoy.fails("merge", "few.ann", "few.ann", "-o", "twice.ann")


def test_upgrade(annoy: Annoy) -> None:
    golden = sorted((ROOT / "tests/golden/annoy-1.17.3").glob("*.ann"))
    case = json.loads(golden[0].with_suffix(".json").read_text())
    assert "annoy probe" in annoy.fails("upgrade", golden[0], "new.ann")
    kinds = json.loads(annoy("probe", golden[0], "--json"))
    assert case["metric"] in [kind["metric"] for kind in kinds]
    more = ["-m", case["metric"], "-f", str(case["f"])]
    more += ["--wide"] if case["ids"] == "i64" else []
    more += ["--scalar", "f64"] if case["scalar"] == "f64" else []
    (annoy.directory / "names").write_text("\n".join(f"item {i}" for i in range(case["n_items"])))
    (annoy.directory / "about").write_bytes(b"of 2026")
    annoy("upgrade", golden[0], "new.ann", *more, "--labels", "names", "--metadata", "about")
    info = json.loads(annoy("info", "new.ann", "--json"))
    assert (info["items"] + info["missing"], info["trees"]) == (case["n_items"], case["n_trees"])
    assert (info["labels"], info["metadata_bytes"]) == (case["n_items"], 7)
    annoy("verify", "new.ann")


def test_what_shells_want(annoy: Annoy, words: Path) -> None:
    assert "complete" in annoy("completions", "bash")
    assert annoy("man").startswith(".ie") or ".TH annoy" in annoy("man")
    assert "Examples:" in annoy("build", "--help")
    assert annoy("--version").startswith("annoy ")
    # A reader that has read enough is no failure.
    command = f"{annoy.program} query {words} --file q.npy -n 100 | head -n 1; echo ${{PIPESTATUS[0]}}"
    np.save(annoy.directory / "q.npy", np.random.default_rng(1).normal(size=(2000, 50)))
    done = subprocess.run(["bash", "-c", command], cwd=annoy.directory, capture_output=True, timeout=300)
    assert done.stdout.split() == [b"query", b"0", b"0"] and done.stderr == b"", done


def test_the_same_bytes_again(annoy: Annoy) -> None:
    for name, *more in (("a", "-t", "1"), ("b", "-t", "2"), ("c", "--on-disk")):
        annoy("build", *WORDS, "-o", f"{name}.ann", "--limit", "3000", "--beside", "graph", *more)
    a, b, c = ((annoy.directory / f"{name}.ann").read_bytes() for name in "abc")
    assert a == b == c


@pytest.mark.skipif("ANNOY_RS_THOROUGH" not in os.environ, reason="half a gigabyte")
def test_memory_of_an_on_disk_build(annoy: Annoy) -> None:
    """A million vectors of 128 numbers, 512 MB, in less than 1 GB, the mapped file with it."""
    rng = np.random.default_rng(4)
    with (annoy.directory / "x.fbin").open("wb") as file:
        file.write(np.array([1_000_000, 128], np.uint32).tobytes())
        for _ in range(20):
            file.write(rng.normal(size=(50_000, 128)).astype(np.float32).tobytes())
    call = [annoy.program, "build", "x.fbin", "-o", "x.ann", "--beside", "none", "--on-disk"]
    process = subprocess.Popen(call, cwd=annoy.directory)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0 and 1024 * used.ru_maxrss < 10**9, used


def test_a_full_disk(annoy: Annoy, words: Path) -> None:
    def limited() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    for more in ((), ("--on-disk",)):
        call = [annoy.program, "build", *WORDS, "-o", "x.ann", "--limit", "4000", "--beside", "none", *more]
        done = subprocess.run(call, cwd=annoy.directory, capture_output=True, preexec_fn=limited, timeout=300)
        assert done.returncode == 1 and b"x.ann" in done.stderr, done
        assert list(annoy.directory.iterdir()) == [], more
    call = [annoy.program, "export", str(words), "-o", "x.npy"]
    done = subprocess.run(call, cwd=annoy.directory, capture_output=True, preexec_fn=limited, timeout=300)
    assert done.returncode == 1 and b"x.npy" in done.stderr, done
    assert list(annoy.directory.iterdir()) == []


def on_a_terminal(annoy: Annoy, args: list[str], interrupt_at: bytes | None) -> tuple[int, bytes]:
    """The exit code, and what was drawn."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(annoy.directory)
        os.environ["TERM"] = "xterm"
        os.execv(annoy.program, [annoy.program, *args])
    drawn, told = b"", False
    while True:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                part = b""
            if not part:
                break
            drawn += part
        if interrupt_at is not None and not told and interrupt_at in drawn:
            os.write(terminal, b"\x03")
            told = True
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), drawn


def test_a_terminal(annoy: Annoy) -> None:
    args = ["build", *WORDS, "-o", "x.ann", "--trees", "200", "--beside", "none", "-t", "1"]
    code, drawn = on_a_terminal(annoy, args, None)
    # How often it is drawn is left to the clock.
    shares = {int(share) for share in re.findall(rb"(\d+) %", drawn[drawn.index(b"trees") :])}
    assert code == 0 and len(shares) > 1 and max(shares) > 50, drawn[-2000:]
    code, drawn = on_a_terminal(annoy, ["-q", *args], None)
    assert code == 0 and drawn == b""


@pytest.mark.parametrize("more", [(), ("--on-disk",)])
def test_ctrl_c(annoy: Annoy, more: tuple[str, ...]) -> None:
    args = ["build", *WORDS, "-o", "x.ann", "--trees", "20000", "--beside", "none", *more]
    code, drawn = on_a_terminal(annoy, args, b"trees")
    assert code == 130 and b"interrupted" in drawn, drawn[-2000:]
    assert list(annoy.directory.iterdir()) == []
