"""The estimator and its model."""

from __future__ import annotations

import json
from typing import Any

from pyspark import keyword_only
from pyspark.ml import Estimator, Model
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.linalg import VectorUDT
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..errors import ArgumentError
from ..shards import Shard
from .files import commit, located, read, without
from .tasks import LABEL, PARTITION, ROW, SHARD, VECTOR, build, rows, search, search_one

_METRICS = {
    "cosine": "angular",
    "angular": "angular",
    "euclidean": "euclidean",
    "manhattan": "manhattan",
    "inner-product": "dot",
    "dot": "dot",
}


def apart(rows: DataFrame, n: int) -> DataFrame:
    """The rows, with each shard in a partition of its own: Spark's hash would put some together."""
    keys: dict[int, int] = {}
    of = F.pmod(F.hash("id"), F.lit(n))
    for key, partition in rows.sparkSession.range(0, 20 * n + 100, 1, 1).select("id", of).collect():
        keys.setdefault(partition, key)
    key = F.array(*(F.lit(keys.get(i, i)).cast("long") for i in range(n)))
    return rows.repartition(n, F.element_at(key, F.col(SHARD) + 1))


class _Common(Params):
    """Parameters of the estimator and of its model, by pyspark-hnsw's names where it has them."""

    identifierCol = Param(Params._dummy(), "identifierCol", "what items are called", TypeConverters.toString)
    featuresCol = Param(Params._dummy(), "featuresCol", "vectors, or arrays of numbers", TypeConverters.toString)
    predictionCol = Param(Params._dummy(), "predictionCol", "what was found", TypeConverters.toString)
    queryIdentifierCol = Param(Params._dummy(), "queryIdentifierCol", "of queries, for minimal", TypeConverters.toString)
    outputFormat = Param(Params._dummy(), "outputFormat", "full or minimal", TypeConverters.toString)
    k = Param(Params._dummy(), "k", "neighbours of a query", TypeConverters.toInt)
    searchK = Param(Params._dummy(), "searchK", "candidates looked at; -1 chooses", TypeConverters.toInt)
    similarityThreshold = Param(
        Params._dummy(), "similarityThreshold", "none farther than this; -1 for no limit", TypeConverters.toFloat
    )
    excludeSelf = Param(Params._dummy(), "excludeSelf", "no neighbour of the query's own name", TypeConverters.toBoolean)
    numThreads = Param(Params._dummy(), "numThreads", "threads of a task", TypeConverters.toInt)
    path = Param(Params._dummy(), "path", "the directory of shards", TypeConverters.toString)
    searchMode = Param(Params._dummy(), "searchMode", "auto, broadcast or scatter", TypeConverters.toString)
    broadcastBytes = Param(Params._dummy(), "broadcastBytes", "the most for broadcast", TypeConverters.toInt)
    cacheDir = Param(Params._dummy(), "cacheDir", "where executors keep shards", TypeConverters.toString)

    def _defaults(self) -> None:
        self._setDefault(
            identifierCol="id", featuresCol="features", predictionCol="prediction", queryIdentifierCol="id",
            outputFormat="full", k=5, searchK=-1, similarityThreshold=-1.0, excludeSelf=False, numThreads=1,
            searchMode="auto", broadcastBytes=8 << 30, cacheDir="", path="",
        )  # fmt: skip

    def _vector(self, dataset: DataFrame) -> Any:
        name = self.getOrDefault(self.featuresCol)
        kind = dataset.schema[name].dataType
        column = vector_to_array(F.col(name), "float32") if isinstance(kind, VectorUDT) else F.col(name)
        return column.cast("array<float>").alias(VECTOR)


class AnnoyNeighborsModel(Model, _Common, DefaultParamsReadable, DefaultParamsWritable):
    """Finds the neighbours of queries in the shards that `AnnoyNeighbors` built, or any others
    whose items have labels."""

    @keyword_only
    def __init__(self, *, path: str = "", **params: Any) -> None:
        super().__init__()
        self._defaults()
        self._set(**{name: value for name, value in self._input_kwargs.items() if value is not None})

    def setParams(self, **params: Any) -> AnnoyNeighborsModel:
        self._set(**params)
        return self

    def manifest(self) -> dict[str, Any]:
        """What the directory of shards says of itself."""
        found: dict[str, Any] = json.loads(self._manifest())
        return found

    def items(self, spark: Any) -> DataFrame:
        """What is in the shards, without what is removed: identifiers and vectors."""
        manifest = self._manifest()
        said = json.loads(manifest)
        plan = {"path": self.getOrDefault(self.path), "manifest": manifest, "cache": self.getOrDefault(self.cacheDir) or None}
        label = "string" if said["labels"] == "utf8" else "long"
        n = len(said["shards"])
        schema = f"{self.getOrDefault(self.identifierCol)} {label}, {self.getOrDefault(self.featuresCol)} array<float>"
        return spark.range(0, n, 1, n).mapInArrow(rows(plan, label == "string"), schema)

    def _manifest(self) -> str:
        fs, path = located(self.getOrDefault(self.path))
        text = read(fs, f"{path}/MANIFEST")
        if text is None:
            raise ArgumentError(f"{path} has no manifest of shards")
        return text.decode()

    def _transform(self, dataset: DataFrame) -> DataFrame:
        get = self.getOrDefault
        manifest = self._manifest()
        said = json.loads(manifest)
        if said["labels"] == "none":
            raise ArgumentError(f"the items of {get(self.path)} have no labels")
        self_too, threshold = get(self.excludeSelf), get(self.similarityThreshold)
        plan = {
            "path": get(self.path), "manifest": manifest, "cache": get(self.cacheDir) or None, "n_threads": get(self.numThreads),
            "k": get(self.k) + int(self_too), "search_k": get(self.searchK), "prediction": get(self.predictionCol),
            "max_distance": None if threshold < 0 else threshold, "is_text": said["labels"] == "utf8",
        }  # fmt: skip
        label = T.StringType() if plan["is_text"] else T.LongType()
        found = T.ArrayType(T.StructType([T.StructField("neighbor", label), T.StructField("distance", T.FloatType())]))
        queries = dataset
        if get(self.outputFormat) == "minimal":
            queries = dataset.select(get(self.queryIdentifierCol), get(self.featuresCol))
        mode = get(self.searchMode)
        if mode == "auto":
            mode = "broadcast" if sum(s["bytes"] for s in said["shards"]) <= get(self.broadcastBytes) else "scatter"
        # Arrow has no type for Spark's vectors: those columns come back as they were.
        search = self._broadcast if mode == "broadcast" else self._scatter
        answers = search(queries, plan, found, len(said["shards"]), said["metric"] == "dot")
        if self_too:
            name, own = plan["prediction"], F.col(get(self.queryIdentifierCol))
            others = F.filter(F.col(name), lambda one: ~one["neighbor"].eqNullSafe(own.cast(label)))
            answers = answers.withColumn(name, F.slice(others, 1, get(self.k)))
        if get(self.outputFormat) == "minimal":
            answers = answers.select(get(self.queryIdentifierCol), plan["prediction"])
        return answers

    def _broadcast(self, queries: DataFrame, plan: dict[str, Any], found: Any, n_shards: int, descends: bool) -> DataFrame:
        """Each executor has all shards, and searches for its rows."""
        name = self.getOrDefault(self.featuresCol)
        arrays = queries
        is_vector = isinstance(queries.schema[name].dataType, VectorUDT)
        if is_vector:
            arrays = queries.withColumn(name, vector_to_array(F.col(name)))
        fields = [*arrays.schema.fields, T.StructField(plan["prediction"], found)]
        answers = arrays.select("*", arrays[name].cast("array<float>").alias(VECTOR))
        answers = answers.mapInArrow(search(plan), T.StructType(fields))
        if is_vector:
            answers = answers.withColumn(name, array_to_vector(F.col(name)))
        return answers

    def _scatter(self, queries: DataFrame, plan: dict[str, Any], found: Any, n_shards: int, descends: bool) -> DataFrame:
        """Each task has one shard, and searches it for all rows; the nearest of all are chosen by
        row."""
        # Ids that are the same for both halves, and when a task is run again.
        rows = queries.withColumn(ROW, F.monotonically_increasing_id()).persist()
        each = rows.select(ROW, self._vector(rows)).withColumn(SHARD, F.explode(F.sequence(F.lit(0), F.lit(n_shards - 1))))
        schema = T.StructType([T.StructField(ROW, T.LongType()), T.StructField(plan["prediction"], found)])
        parts = apart(each, n_shards).mapInArrow(search_one(plan), schema)
        all_ = F.flatten(F.collect_list(plan["prediction"]))
        order = F.transform(
            all_, lambda one: F.struct((-one["distance"] if descends else one["distance"]).alias("at"), one["neighbor"], one["distance"])
        )
        nearest = F.transform(
            F.slice(F.array_sort(order), 1, plan["k"]), lambda one: F.struct(one["neighbor"].alias("neighbor"), one["distance"].alias("distance"))
        )
        merged = parts.groupBy(ROW).agg(nearest.alias(plan["prediction"]))
        return rows.join(merged, ROW).drop(ROW)


class AnnoyNeighbors(Estimator, _Common, DefaultParamsReadable, DefaultParamsWritable):
    """Builds a directory of shards at `path`, of rows with an identifier (a number from 0 up, or a
    string) and a vector (of Spark's, or an array of numbers). See the module.

    `numShards` shards by the hash of the identifier; with `partitionCol`, as many for each of its
    values, which their `partition` in the manifest tells. `m` is the degree of the graph, 0 for
    none.

    With the mode "append" the rows become new shards behind those there are, in which items of the
    same identifiers are removed. `delete` removes some. `AnnoyNeighborsModel.items` gives all rows
    that are left: a fit of those to the same path makes few shards of many again, the same as if it
    had been given those rows to begin with."""

    mode = Param(Params._dummy(), "mode", "overwrite, or append to the shards there are", TypeConverters.toString)
    numShards = Param(Params._dummy(), "numShards", "shards, of each partition", TypeConverters.toInt)
    numTrees = Param(Params._dummy(), "numTrees", "trees of a shard; -1 chooses", TypeConverters.toInt)
    m = Param(Params._dummy(), "m", "neighbours of an item in the graph; 0 for none", TypeConverters.toInt)
    distanceFunction = Param(Params._dummy(), "distanceFunction", ", ".join(_METRICS), TypeConverters.toString)
    partitionCol = Param(Params._dummy(), "partitionCol", "rows alike in it share shards", TypeConverters.toString)
    seed = Param(Params._dummy(), "seed", "of the trees", TypeConverters.toInt)

    @keyword_only
    def __init__(
        self,
        *,
        identifierCol: str = "id",
        featuresCol: str = "features",
        path: str = "",
        numShards: int = 1,
        k: int = 5,
        **params: Any,
    ) -> None:
        super().__init__()
        self._defaults()
        self._setDefault(mode="overwrite", numShards=1, numTrees=10, m=32, distanceFunction="cosine", partitionCol="", seed=1)
        self._set(**self._input_kwargs)

    def setParams(self, **params: Any) -> AnnoyNeighbors:
        self._set(**params)
        return self

    def _fit(self, dataset: DataFrame) -> AnnoyNeighborsModel:
        get = self.getOrDefault
        if not get(self.path):
            raise ArgumentError("path is missing, expected the directory that the shards go to")
        if get(self.distanceFunction) not in _METRICS:
            raise ArgumentError(f"distanceFunction is {get(self.distanceFunction)!r}, expected one of {', '.join(_METRICS)}")
        fs, path = located(get(self.path))
        fs.create_dir(path, recursive=True)
        # Before the build, so that of two that build at the same time the later one fails.
        text = read(fs, f"{path}/MANIFEST")
        expected = 0 if text is None else int(json.loads(text)["generation"])
        plan = {
            "path": get(self.path), "n_trees": get(self.numTrees), "degree": get(self.m), "seed": get(self.seed),
            "n_threads": get(self.numThreads), "metric": _METRICS[get(self.distanceFunction)],
        }  # fmt: skip
        if get(self.mode) not in ("overwrite", "append"):
            raise ArgumentError(f"mode is {get(self.mode)!r}, expected overwrite or append")
        before = text.decode() if text is not None and get(self.mode) == "append" else None
        plan["before"] = before
        made = sorted(self._shards(dataset, plan), key=lambda row: row["shard"])
        if not made:
            raise ArgumentError("there are no rows")
        replaced = [list(map(json.loads, row["replaced"])) for row in made]
        shards = [*without(before, [one for row in replaced for one in row]), *(Shard(row["manifest"]) for row in made)]
        commit(fs, path, shards, expected)
        model = AnnoyNeighborsModel()
        common = {param.name: get(param.name) for param in model.params if self.isDefined(param.name)}
        return self._copyValues(model.setParams(**common))

    def _shards(self, dataset: DataFrame, plan: dict[str, Any]) -> Any:
        get = self.getOrDefault
        label = F.col(get(self.identifierCol))
        kind = dataset.schema[get(self.identifierCol)].dataType
        if isinstance(kind, (T.ByteType, T.ShortType, T.IntegerType)):
            label = label.cast("long")
        elif not isinstance(kind, (T.LongType, T.StringType)):
            raise ArgumentError(f"{get(self.identifierCol)} is {kind.simpleString()}, expected whole numbers or strings")
        n = get(self.numShards)
        shard, partition = F.pmod(F.xxhash64(label), F.lit(n)), F.lit(None).cast("string")
        if get(self.partitionCol):
            partition = F.col(get(self.partitionCol)).cast("string")
            values = sorted(str(row[0]) for row in dataset.select(partition).distinct().collect())
            pairs = [F.lit(one) for i, value in enumerate(values) for one in (value, i)]
            shard = F.create_map(*pairs)[F.coalesce(partition, F.lit("None"))] * n + shard
            n *= len(values)
        rows = dataset.select(
            shard.cast("int").alias(SHARD), label.alias(LABEL), self._vector(dataset), partition.alias(PARTITION)
        )
        schema = "shard int, manifest string, replaced array<string>"
        rows = apart(rows, n).sortWithinPartitions(SHARD, LABEL)
        return rows.mapInArrow(build(plan), schema).collect()
