"""Sets of vectors as data come in ordinary life, made from a seed: a table of them, at the end.

The name of a set says what it is for. `items` are indexed; `queries` come from the same source
and are held out.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Callable, NamedTuple, Optional

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Rows = NDArray[np.floating]
QUERIES = 200


class Data(NamedTuple):
    items: Rows
    queries: Rows


@dataclass(frozen=True)
class Case:
    """One line of the table: sets by the same recipe, for each metric and size."""

    name: str
    metrics: str
    make: Callable[[Generator, int], Data]  # an ImportError leaves the case out
    small: Optional[int] = None  # how many items the everyday run has; None: it leaves the case out
    large: Optional[int] = None  # how many a thorough run has besides
    more: str = ""  # metrics of a thorough run
    filters: tuple[str, ...] = ("share 0.5", "share 0.1", "near 0.1")
    wanted: tuple[int, ...] = (10,)  # others than 10 are tried for falls of recall only
    by_item: bool = False  # whether items find themselves is measured too
    always: bool = False  # whether the everyday run, which takes one set in so many, always has it

    def data(self, n: int) -> Data:
        items, queries = self.make(np.random.default_rng([zlib.crc32(self.name.encode()), n]), n)
        # Order C: the bindings' own tests have transposed arrays and slices.
        return Data(np.ascontiguousarray(items, np.float32), np.ascontiguousarray(queries, np.float32))


def held_out(rows: Rows, queries: int = QUERIES) -> Data:
    """The last ones are queries."""
    return Data(rows[:-queries], rows[-queries:])


def gaussian(f: int, queries: int = QUERIES) -> Callable[[Generator, int], Data]:
    return lambda random, n: held_out(random.standard_normal((n + queries, f)), queries)


def changed(make: Callable[[Generator, int], Data], change: Callable[[Rows, Generator], Rows]) -> Callable[[Generator, int], Data]:
    """As `make`, with the items changed, not the queries."""

    def made(random: Generator, n: int) -> Data:
        items, queries = make(random, n)
        return Data(change(items.copy(), random), queries)

    return made


def longer(count: int, times: float) -> Callable[[Rows, Generator], Rows]:
    """Some items are so many times as long."""

    def change(items: Rows, random: Generator) -> Rows:
        items[random.choice(len(items), count, replace=False)] *= times
        return items

    return change


def scaled(scale: float, f: int = 24) -> Callable[[Generator, int], Data]:
    return lambda random, n: held_out(random.standard_normal((n + QUERIES, f)) * scale)


def flag(random: Generator, n: int) -> Data:
    rows = random.standard_normal((n + QUERIES, 25))
    rows[:, 24] = random.integers(0, 2, len(rows)) * 1000
    return held_out(rows)


def wide_columns(width: float) -> Callable[[Generator, int], Data]:
    def make(random: Generator, n: int) -> Data:
        rows = random.standard_normal((n + QUERIES, 64))
        rows[:, :2] = random.choice([-width, width], (len(rows), 2)) + rows[:, :2]
        return held_out(rows)

    return make


def clusters(spread: float, apart: float, count: int = 100, f: int = 24) -> Callable[[Generator, int], Data]:
    """Centres `apart` from each other, about; items `spread` around them in each direction."""

    def make(random: Generator, n: int) -> Data:
        centres = random.standard_normal((count, f)) * apart / np.sqrt(2 * f)
        return held_out(centres[random.integers(count, size=n + QUERIES)] + random.standard_normal((n + QUERIES, f)) * spread)

    return make


def lognormal_lengths(sigma: float, f: int = 64) -> Callable[[Generator, int], Data]:
    def make(random: Generator, n: int) -> Data:
        rows = random.standard_normal((n + QUERIES, f))
        return held_out(rows * random.lognormal(0, sigma, (len(rows), 1)))

    return make


def places(population: bool) -> Callable[[Generator, int], Data]:
    """Latitudes and longitudes of towns around cities, in degrees, with or without how
    many live there."""

    def make(random: Generator, n: int) -> Data:
        cities = np.column_stack([random.uniform(-55, 70, 300), random.uniform(-180, 180, 300)])
        share = random.pareto(1.0, 300) + 0.1
        rows = cities[random.choice(300, n + QUERIES, p=share / share.sum())] + random.standard_t(2, (n + QUERIES, 2)) * 0.5
        rows = np.clip(rows, [-90, -180], [90, 180])
        if population:
            rows = np.column_stack([rows, np.round(1000 * (1 + random.pareto(1.0, len(rows))))])
        return held_out(rows)

    return make


def walks(random: Generator, count: int, length: int) -> Rows:
    return np.cumsum(random.standard_normal((count, length)), axis=1)


def windows_of_series(random: Generator, n: int) -> Data:
    """Windows of 48 from sixty series, which are measured in units of their own."""
    series = walks(random, 60, 4000) * 10.0 ** random.uniform(-2, 4, (60, 1)) + 10.0 ** random.uniform(-2, 5, (60, 1))
    which, start = random.integers(60, size=n + QUERIES), random.integers(4000 - 48, size=n + QUERIES)
    return held_out(series[which[:, None], start[:, None] + np.arange(48)])


def normalised_windows(random: Generator, n: int) -> Data:
    """Windows made 0 on average with deviation 1. A constant one has none, and becomes 0."""
    series = walks(random, 20, 6000)
    for row in series:
        for start in random.integers(5800, size=8):
            row[start : start + 200] = row[start]
    which, start = random.integers(20, size=n + QUERIES), random.integers(6000 - 48, size=n + QUERIES)
    rows = series[which[:, None], start[:, None] + np.arange(48)]
    deviation = rows.std(axis=1, keepdims=True)
    # What rounding leaves of a constant one is no direction.
    return held_out(np.where(deviation > 1e-9, (rows - rows.mean(axis=1, keepdims=True)) / np.maximum(deviation, 1e-9), 0))


def embeddings(f: int, topics: int = 60) -> Callable[[Generator, int], Data]:
    """Unit vectors with a common direction, topics within topics, and few directions
    that matter much."""

    def make(random: Generator, n: int) -> Data:
        spectrum = 1 / np.sqrt(1 + np.arange(f))
        common = random.standard_normal(f) * spectrum * 0.7
        topic = random.standard_normal((topics, f)) * spectrum
        finer = topic[random.integers(topics, size=topics * 10)] + random.standard_normal((topics * 10, f)) * spectrum * 0.6
        rows = common + finer[random.integers(len(finer), size=n + QUERIES)] + random.standard_normal((n + QUERIES, f)) * spectrum * 0.6
        return held_out(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    return make


def zeroed(count: float) -> Callable[[Rows, Generator], Rows]:
    """Some items, or a share of them, are 0, as empty texts are."""

    def change(items: Rows, random: Generator) -> Rows:
        items[random.choice(len(items), int(count if count >= 1 else count * len(items)), replace=False)] = 0
        return items

    return change


def duplicates(random: Generator, n: int) -> Data:
    """Half the items are one of seven vectors; so are half the queries."""
    rows = random.standard_normal((n + QUERIES, 24))
    copies = random.random(len(rows)) < 0.5
    rows[copies] = random.standard_normal((7, 24))[random.integers(7, size=copies.sum())]
    return held_out(rows)


def one_hot(random: Generator, n: int) -> Data:
    """Six columns of categories, one number each: 96 in all, six of them 1."""
    sizes = [2, 4, 10, 20, 30, 30]
    rows = np.zeros((n + QUERIES, sum(sizes)))
    for size, first in zip(sizes, np.cumsum([0, *sizes])):
        share = 1 / np.arange(1, size + 1)
        rows[np.arange(len(rows)), first + random.choice(size, len(rows), p=share / share.sum())] = 1
    return held_out(rows)


def sorted_input(random: Generator, n: int) -> Data:
    items, queries = gaussian(24)(random, n)
    return Data(items[np.lexsort(items.T)], queries)


def sorted_walk(random: Generator, n: int) -> Data:
    """Each item is a step from the one before, as of a sensor."""
    rows = np.cumsum(random.standard_normal((n + QUERIES, 16)), axis=0)
    queries = random.choice(len(rows), QUERIES, replace=False)
    return Data(np.delete(rows, queries, axis=0), rows[queries])


def one_dimension(random: Generator, n: int) -> Data:
    return held_out(random.lognormal(0, 1, (n + QUERIES, 1)))


def far_apart(items: Rows, random: Generator) -> Rows:
    items[7], items[-8] = 1e6, -1e6
    return items


def mixed_units(random: Generator, n: int) -> Data:
    """Columns as of a table: grams beside tons, shares beside counts."""
    rows = random.standard_normal((n + QUERIES, 20)) + random.standard_normal(20)
    rows[:, ::3] = np.exp(rows[:, ::3])
    return held_out(rows * 10.0 ** random.uniform(-3, 4, 20))


def integers(most: int, f: int) -> Callable[[Generator, int], Data]:
    return lambda random, n: held_out(random.integers(0, most + 1, (n + QUERIES, f)).astype(float))


def mostly_zeros(random: Generator, n: int) -> Data:
    rows = random.lognormal(0, 1, (n + QUERIES, 128))
    return held_out(np.where(random.random(rows.shape) < 0.04, rows, 0))


def two_scales(random: Generator, n: int) -> Data:
    """One item in twenty is of a minority whose differences are a hundredth of the others'; half
    the queries are too."""
    queries = 100
    few = random.random(n + queries) < 0.05
    few[-queries::2] = True
    rows = random.standard_normal((n + queries, 512))
    rows[few] *= 0.01
    return held_out(rows, queries)


def two_kinds(random: Generator, n: int) -> Data:
    """As CLIP's: pictures and texts lie in two cones. Queries are texts, items are pictures
    and a few texts."""
    f, queries = 256, 100
    latent = random.standard_normal((n + queries, 32)) @ random.standard_normal((32, f)) / np.sqrt(32)
    cones = random.standard_normal((2, f)) * 1.5
    is_text = random.random(n + queries) < 0.1
    is_text[-queries:] = True
    rows = latent + cones[is_text.astype(int)] + 0.5 * random.standard_normal((n + queries, f))
    return held_out(rows / np.linalg.norm(rows, axis=1, keepdims=True), queries)


def fingerprints(random: Generator, n: int) -> Data:
    """1,024 bits as of molecules: families share most of the bits that are set, some forty; common
    bits are common to all."""
    share = 40 * (p := 1 / np.arange(1, 1025) ** 0.8) / p.sum()
    families = random.random((max(n // 40, 1), 1024)) < share
    rows = families[random.integers(len(families), size=n + QUERIES)]
    rows = np.where(random.random(rows.shape) < 0.2, random.random(rows.shape) < share, rows)
    return held_out(rows.astype(float))


def counts(random: Generator, n: int) -> Data:
    rates = random.gamma(0.5, 2.0, (50, 64))
    return held_out(random.poisson(rates[random.integers(50, size=n + QUERIES)]).astype(float))


def weighted_words(random: Generator, n: int) -> Data:
    """TF-IDF of short texts: 300 words by Zipf's law, texts of topics, rows of length 1."""
    share = 1 / np.arange(1, 301)
    topics = share * random.gamma(0.2, 5.0, (30, 300)) + share * 0.2
    topics /= topics.sum(axis=1, keepdims=True)
    rows = np.array([random.multinomial(random.integers(5, 60), topics[t]) for t in random.integers(30, size=n + QUERIES)])
    weighted = np.log1p(rows) * np.log((1 + len(rows)) / (1 + (rows > 0).sum(axis=0)))
    return held_out(weighted / np.linalg.norm(weighted, axis=1, keepdims=True))


def near_copies(random: Generator, n: int) -> Data:
    """Each vector twenty times over, and all but the same."""
    rows = random.standard_normal((n // 20 + 1, 64))[random.integers(n // 20 + 1, size=n + QUERIES)]
    return held_out(rows + random.standard_normal(rows.shape) * 1e-3)


def parallel_copies(random: Generator, n: int) -> Data:
    """Each direction ten times over, in lengths from 0.01 to 100."""
    rows = random.standard_normal((n // 10 + 1, 32))[random.integers(n // 10 + 1, size=n + QUERIES)]
    return held_out(rows * 10 ** random.uniform(-2, 2, (len(rows), 1)))


def half_times(factor: float) -> Callable[[Rows, Generator], Rows]:
    def change(items: Rows, random: Generator) -> Rows:
        items[::2] *= factor
        return items

    return change


def rows_of_lengths(length: float) -> Callable[[Generator, int], Data]:
    return lambda random, n: Data(*(rows * length for rows in gaussian(32)(random, n)))


REFUSED = tuple(f"near {m}" for m in (10, 30, 100, 300, 1000, 0.2, 0.33))
SHARES = tuple(f"share {share}" for share in (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999))
WAYS = ("near 1000", "near 1000 allow", "near 1000 list", "near 1000 function", "near 1000 removed")

TABLE = [
    Case("gaussian", "euclidean manhattan angular dot", gaussian(24), 6000, 10_000),
    Case("one item x100", "euclidean dot", changed(gaussian(24), longer(1, 100)), 6000, 10_000),
    Case("one item x1000", "euclidean manhattan", changed(gaussian(24), longer(1, 1000)), 6000, 10_000),
    Case("ten items x30", "euclidean", changed(gaussian(24), longer(10, 30)), 6000, 10_000),
    Case("a flag of 1000", "euclidean manhattan", flag, 6000, 10_000),
    Case("two columns +-50", "euclidean angular manhattan", wide_columns(50), 5000, 10_000),
    Case("two columns +-100", "euclidean angular manhattan", wide_columns(100), None, 10_000),
    Case("two columns +-300", "euclidean angular manhattan", wide_columns(300), 5000, 10_000),
    Case("tight clusters", "euclidean", clusters(0.1, 100), 8000, 20_000),
    Case("tight far clusters", "euclidean manhattan", clusters(0.1, 5000), 6000, 20_000),
    Case("far from 0", "euclidean", lambda r, n: Data(*(x + 300 for x in gaussian(24)(r, n))), 5000, 20_000),
    Case("lengths of sigma 1", "euclidean", lognormal_lengths(1), 6000, 8000),
    Case("lengths of sigma 2", "euclidean angular dot", lognormal_lengths(2), 6000, 8000),
    Case("Cauchy", "euclidean manhattan", lambda r, n: held_out(r.standard_cauchy((n + QUERIES, 24))), 6000, 20_000),
    Case("towns", "euclidean", places(False), 8000, 135_000),
    Case("towns, population", "euclidean", places(True), 8000, 135_000),
    Case("windows of series", "euclidean", windows_of_series, 6000, 12_000),
    Case("windows, normalised", "euclidean angular", normalised_windows, 6000, 12_000),
    Case("20 zero vectors", "angular", changed(gaussian(64), zeroed(20)), 5000, 10_000),
    Case("embeddings", "angular", embeddings(384), None, 12_000),
    Case("embeddings, 20 zero", "angular", changed(embeddings(384), zeroed(20)), 4500, 5850),
    Case("duplicates", "euclidean angular", duplicates, 6000, 20_000),
    Case("one-hot", "euclidean hamming", one_hot, 6000, 20_000),
    Case("sorted", "euclidean", sorted_input, 6000, 20_000),
    Case("sorted walk", "euclidean", sorted_walk, 6000, 20_000),
    Case("one dimension", "euclidean manhattan", one_dimension, 5000, 20_000),
    Case("two items far apart", "euclidean manhattan", changed(gaussian(24), far_apart), 5000, 10_000),
    Case("subnormal", "euclidean", scaled(1e-40), 4000, 10_000),
    Case("squares underflow", "euclidean angular", scaled(1e-25), 4000, 10_000),
    Case("squares overflow", "euclidean", scaled(1e18), 4000, 10_000),
    Case("mixed units", "euclidean angular manhattan", mixed_units, 6000, 20_000),
    Case("small integers", "euclidean manhattan", integers(3, 12), 6000, 20_000),
    Case("bytes", "euclidean", integers(255, 64), None, 10_000),
    Case("mostly zeros", "euclidean angular dot", mostly_zeros, 5000, 20_000),
    Case("two scales, 512", "euclidean", two_scales, 4000, 10_000),
    Case("two kinds, as CLIP", "angular dot", two_kinds, 4500, 10_000),
    Case("angular 1e-12", "angular", rows_of_lengths(1e-12), 4000, 10_000),
    Case("angular 1e30", "angular", rows_of_lengths(1e30), 4000, 10_000),
    Case("parallel copies", "angular", parallel_copies, 5000, 20_000),
    Case("fingerprints", "dot hamming", fingerprints, 4000, 8000, by_item=True),
    Case("counts", "dot", counts, 5000, 10_000, by_item=True),
    Case("20 % zero", "dot", changed(gaussian(64), zeroed(0.2)), 5000, 10_000, by_item=True),
    Case("50 % zero", "dot", changed(gaussian(64), zeroed(0.5)), 5000, 10_000, by_item=True),
    Case("half x1e-3", "dot", changed(gaussian(64), half_times(1e-3)), 5000, 10_000, by_item=True),
    Case("near copies", "dot euclidean", near_copies, 5000, 10_000, by_item=True),
    Case("one item x1e4", "dot", changed(gaussian(64), longer(1, 1e4)), 5000, 10_000, by_item=True),
    Case("weighted words", "dot", weighted_words, 5000, 10_000, by_item=True),
    Case("refused, ways", "euclidean angular", gaussian(24), 12_000, filters=WAYS),
    Case("refused, how many", "euclidean", gaussian(24), 12_000, more="angular dot manhattan", filters=REFUSED),
    Case("passing, how many", "euclidean", gaussian(24), 12_000, more="angular dot manhattan", filters=SHARES),
    Case("refused, clusters", "euclidean", clusters(1, 10, 300), 12_000, filters=(*REFUSED, *SHARES)),
    Case("many wanted", "euclidean angular", gaussian(16), 2001, filters=(), wanted=(10, 1000, 1990, 2000, 2001), always=True),
    *(
        Case(f"many wanted of {n}", "euclidean", gaussian(16), None, n, filters=(), wanted=(10, n // 2, 1999, 2000, n - 1, n))
        for n in (1990, 1999, 2000, 2002, 2010, 2500, 3001)
    ),
]
