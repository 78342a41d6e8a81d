"""Directories of shards, built and searched by Apache Spark.

    from annoy_rs.spark import AnnoyNeighbors

    neighbors = AnnoyNeighbors(identifierCol="id", featuresCol="features", numShards=16, k=10)
    model = neighbors.setParams(path="s3://bucket/words.annd").fit(words)
    found = model.transform(queries)          # adds prediction: array<struct<neighbor, distance>>

The items of a shard are those whose identifier has its hash, in the order of their identifiers, so
that the same rows give the same bytes, however they are partitioned. A task builds a shard, writes
it where `path` is (local, S3, HDFS: whatever pyarrow.fs opens), and tells the driver its checksum;
the driver writes the manifest last. A task that is lost is run again, and writes the same file.

All of it is Python over Arrow: the cluster needs annoy_rs and pyarrow, and no jar.
"""

from __future__ import annotations

from .files import delete
from .ml import AnnoyNeighbors, AnnoyNeighborsModel

__all__ = ["AnnoyNeighbors", "AnnoyNeighborsModel", "delete"]
