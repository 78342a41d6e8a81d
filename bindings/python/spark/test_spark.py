"""annoy_rs.spark on two executors: the same bytes from any partitioning, and whatever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from annoy_rs import Index, Shards
from annoy_rs.spark import AnnoyNeighbors, AnnoyNeighborsModel, delete
from annoy_rs.spark.files import commit
from pyarrow import fs as pafs
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession

N, F, QUERIES = 3000, 16, 40


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    builder = SparkSession.builder.master("local-cluster[2,1,900]").appName("annoy_rs")
    settings = {
        "spark.executor.memory": "900m",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "200",
        "spark.driver.host": "127.0.0.1",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def vectors() -> Any:
    random = np.random.default_rng(26)
    centres = random.normal(size=(30, F)).repeat(N // 30 + QUERIES, axis=0)
    rows = centres + 0.4 * random.normal(size=centres.shape)
    return random.permutation(rows.astype(np.float32))[: N + QUERIES]


def frame(spark: SparkSession, rows: Any, ids: Any = None) -> DataFrame:
    import pandas

    ids = np.arange(len(rows)) if ids is None else ids
    return spark.createDataFrame(pandas.DataFrame({"id": ids, "features": rows.tolist()}))


@pytest.fixture(scope="session")
def built(spark: SparkSession, vectors: Any, tmp_path_factory: Any) -> AnnoyNeighborsModel:
    path = tmp_path_factory.mktemp("built") / "x.annd"
    estimator = AnnoyNeighbors(path=str(path), numShards=4, k=10, distanceFunction="euclidean")
    return estimator.fit(frame(spark, vectors[:N]).repartition(3))


def answers(frame: DataFrame) -> dict[Any, list[Any]]:
    return {row["id"]: [tuple(one) for one in row["prediction"]] for row in frame.collect()}


def executors(spark: SparkSession) -> list[int]:
    """The processes of the executors, which are children of ours."""
    jvm = int(spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid())
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or b"CoarseGrainedExecutorBackend" not in (entry / "cmdline").read_bytes():
                continue
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == jvm:
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def killing(spark: SparkSession, when: Callable[[], bool], run: Callable[[], Any]) -> Any:
    """What a job gives while one of the executors is killed in its midst."""
    result: list[Any] = []
    deadline = time.monotonic() + 60
    while len(executors(spark)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    before = executors(spark)
    assert len(before) == 2
    job = threading.Thread(target=lambda: result.append(run()))
    job.start()
    while not when():
        assert job.is_alive() and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(before[0], signal.SIGKILL)
    assert job.is_alive()
    job.join()
    assert before[0] not in executors(spark)
    return result[0]


def manifest(model: AnnoyNeighborsModel) -> bytes:
    return (Path(model.getOrDefault("path")) / "MANIFEST").read_bytes()


def test_the_same_bytes_from_any_partitioning(
    spark: SparkSession, vectors: Any, built: AnnoyNeighborsModel, tmp_path: Path
) -> None:
    order = np.random.default_rng(1).permutation(N)
    again = AnnoyNeighbors(path=str(tmp_path / "y.annd"), numShards=4, k=10, distanceFunction="euclidean")
    model = again.fit(frame(spark, vectors[:N][order], order).repartition(7))
    assert manifest(model) == manifest(built)
    assert len(built.manifest()["shards"]) == 4
    for shard in built.manifest()["shards"]:
        paths = [Path(m.getOrDefault("path")) / shard["name"] for m in (built, model)]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    # Of the same path, it follows.
    assert again.setParams(numShards=2).fit(frame(spark, vectors[:N])).manifest()["generation"] == 2


def test_recall_is_that_of_one_index(spark: SparkSession, vectors: Any, built: AnnoyNeighborsModel) -> None:
    queries = vectors[N:]
    one = Index(F, "euclidean")
    one.add_items(vectors[:N])
    one.build(10)
    one.build_graph()
    truth = one.search(queries, 10, exact=True)[0]
    for search_k in (-1, 100, 400):
        model = built.copy().setParams(searchK=search_k)
        found = answers(model.transform(frame(spark, queries)))
        many = np.mean([len({label for label, _ in found[i]} & set(truth[i].tolist())) / 10 for i in range(QUERIES)])
        single = one.search(queries, 10, search_k)[0]
        few = np.mean([len(set(single[i].tolist()) & set(truth[i].tolist())) / 10 for i in range(QUERIES)])
        print(f"search_k {search_k}: one index {few:.3f}, four shards {many:.3f}")
        assert many >= few


def test_scatter_finds_what_broadcast_finds(spark: SparkSession, vectors: Any, built: AnnoyNeighborsModel) -> None:
    queries = frame(spark, vectors[N:]).repartition(3)
    modes = [answers(built.copy().setParams(searchMode=mode).transform(queries)) for mode in ("broadcast", "scatter")]
    assert len(modes[0]) == QUERIES and modes[0] == modes[1]
    shards = Shards.open(built.getOrDefault("path"))
    ids, distances = shards.search(vectors[N], 10)
    assert modes[0][0] == list(zip(shards.get_labels(ids).tolist(), distances.tolist()))


def test_a_copy_is_found_when_the_first_is_gone(
    spark: SparkSession, vectors: Any, built: AnnoyNeighborsModel, tmp_path: Path
) -> None:
    """The same manifest in several places: none is taken for another."""
    queries = frame(spark, vectors[N:])
    expected = answers(built.transform(queries))
    for name in ("a", "b", "a"):
        shutil.copytree(built.getOrDefault("path"), tmp_path / name)
        model = built.copy().setParams(path=str(tmp_path / name))
        assert answers(model.transform(queries)) == expected
        shutil.rmtree(tmp_path / name)


def test_an_executor_is_killed_in_mid_build(
    spark: SparkSession, vectors: Any, built: AnnoyNeighborsModel, tmp_path: Path
) -> None:
    path = tmp_path / "killed.annd"
    estimator = AnnoyNeighbors(path=str(path), numShards=4, k=10, distanceFunction="euclidean")
    rows = frame(spark, vectors[:N]).repartition(5)
    model = killing(spark, lambda: any(path.glob("part-*.ann")), lambda: estimator.fit(rows))
    assert manifest(model) == manifest(built)
    assert not list(path.glob("*.tmp"))
    assert Shards.open(path).verify() == []


def test_an_executor_is_killed_in_mid_search(
    spark: SparkSession, vectors: Any, built: AnnoyNeighborsModel, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"

    def slowly(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            begun.touch()
            time.sleep(0.5)
            yield batch

    queries = frame(spark, vectors[N:]).repartition(6)
    slow = queries.mapInArrow(slowly, queries.schema)
    expected = answers(built.transform(queries))
    assert killing(spark, begun.exists, lambda: answers(built.transform(slow))) == expected


def test_names_partitions_vectors_and_formats(spark: SparkSession, vectors: Any, tmp_path: Path) -> None:
    rows = [(f"w{i}", Vectors.dense(vectors[i].tolist()), "even" if i % 2 == 0 else "odd") for i in range(200)]
    items = spark.createDataFrame(rows, ["id", "features", "half"])
    estimator = AnnoyNeighbors(path=str(tmp_path / "p.annd"), numShards=2, partitionCol="half", m=0, k=3, excludeSelf=True)
    estimator.write().overwrite().save(str(tmp_path / "estimator"))
    model = AnnoyNeighbors.load(str(tmp_path / "estimator")).fit(items)
    said = model.manifest()
    assert [shard["partition"] for shard in said["shards"]] == ["even", "even", "odd", "odd"]
    assert said["labels"] == "utf8" and said["metric"] == "angular"
    model.setParams(outputFormat="minimal").write().overwrite().save(str(tmp_path / "model"))
    loaded = AnnoyNeighborsModel.load(str(tmp_path / "model"))
    found = loaded.transform(items)
    assert found.columns == ["id", "prediction"]
    for name, near in answers(found).items():
        assert len(near) == 3 and name not in [label for label, _ in near]
    full = loaded.setParams(outputFormat="full").transform(items)
    assert full.columns == ["id", "features", "half", "prediction"]
    assert full.schema["features"] == items.schema["features"]


@pytest.mark.parametrize(
    ("rows", "ids", "text"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], [7, 7], "has the label 7|label 7"),
        ([[1.0, 2.0], [3.0, 4.0]], [7, -7], "negative"),
        ([[1.0, 2.0], [3.0]], [1, 2], "expected as many|has 1 values"),
        ([[1.0, float("nan")], [3.0, 4.0]], [1, 2], "nan|NaN"),
    ],
)
def test_bad_rows(spark: SparkSession, rows: Any, ids: Any, text: str, tmp_path: Path) -> None:
    bad = spark.createDataFrame(list(zip(ids, rows)), "id long, features array<double>")
    with pytest.raises(Exception, match=text):
        AnnoyNeighbors(path=str(tmp_path / "bad.annd")).fit(bad)
    assert not (tmp_path / "bad.annd" / "MANIFEST").exists()


def test_rows_are_added_replaced_and_deleted(spark: SparkSession, vectors: Any, tmp_path: Path) -> None:
    first, second = vectors[:600], vectors[1000:1300]
    new = np.arange(500, 800)  # a hundred of them are there already
    estimator = AnnoyNeighbors(path=str(tmp_path / "i.annd"), numShards=2, k=1, m=0, distanceFunction="euclidean")
    estimator.fit(frame(spark, first))
    model = estimator.copy().setParams(mode="append", numShards=1).fit(frame(spark, second, new))
    shards = Shards.open(tmp_path / "i.annd")
    assert (shards.n_shards, shards.n_removed, shards.verify()) == (3, 100, [])
    assert delete(str(tmp_path / "i.annd"), [3, 555, 9999]) == 2
    assert shards.refresh() == 3 and shards.n_removed == 102
    found = answers(model.transform(frame(spark, np.concatenate([first, second]))))
    assert found[2] == [(2, 0.0)] and found[3][0][0] != 3
    assert found[600] == [(500, 0.0)] and found[500][0][1] > 0 and found[655][0][0] != 555
    # What is left, built anew, is what a fresh build of the same rows is.
    compact = estimator.copy().setParams(path=str(tmp_path / "c.annd")).fit(model.items(spark))
    kept = {i: first[i] for i in range(500) if i != 3} | {i: second[i - 500] for i in range(500, 800) if i != 555}
    fresh = estimator.copy().setParams(path=str(tmp_path / "f.annd"))
    assert manifest(fresh.fit(frame(spark, np.array(list(kept.values())), np.array(list(kept))))) == manifest(compact)


def test_a_manifest_elsewhere(built: AnnoyNeighborsModel, tmp_path: Path) -> None:
    """As on file systems that have no locks."""
    from annoy_rs import Shard, StateError

    elsewhere = pafs.SubTreeFileSystem(str(tmp_path), pafs.LocalFileSystem())
    text = manifest(built).decode()
    assert commit(elsewhere, "", [Shard(text)], 0) == 1
    assert (tmp_path / "MANIFEST").read_text() == text
    with pytest.raises(StateError, match="another writer was first"):
        commit(elsewhere, "", [Shard(text)], 0)
    assert commit(elsewhere, "", [Shard(text)], 1) == 2
    assert json.loads((tmp_path / "MANIFEST").read_text())["generation"] == 2
