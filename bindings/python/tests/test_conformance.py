"""The cases of tests/conformance, which every binding runs: what `Index` gives is what the
engine gives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import AnnoyError, Index

DIRECTORY = Path(__file__).parents[3] / "tests" / "conformance"
CASES = [
    pytest.param(case, id=f"{path.stem}-{case['index']['id_bits']}-{case['name'].replace(' ', '-')}")
    for path in sorted(DIRECTORY.glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]
DTYPES = {"f32": "float32", "f64": "float64", "u64": "uint64", "u32": "uint32", "u8": "uint8"}


def floats(values: list[Any], dtype: str) -> Any:
    kind = np.float64 if dtype == "float64" else np.float32
    return np.array([float(value) for value in values], kind)


def words(values: list[str]) -> Any:
    return np.array([int(word, 16) for word in values], np.uint64)


class Runner:
    def __init__(self, index: dict[str, Any], directory: Path) -> None:
        self.dtype = DTYPES[index["scalar"]]
        self.index = Index(index["f"], index["metric"], dtype=self.dtype, id_bits=index["id_bits"])
        self.directory = directory

    def vector(self, step: dict[str, Any]) -> Any:
        return floats(step["vector"], self.dtype) if "vector" in step else words(step["words"])

    def rows(self, step: dict[str, Any]) -> Any:
        if "rows" in step:
            rows = [floats(row, self.dtype) for row in step["rows"]]
        else:
            rows = [words(row) for row in step["word_rows"]]
        return np.array(rows) if rows else np.empty((0, self.index.f or 0), np.float32)

    def options(self, step: dict[str, Any]) -> dict[str, Any]:
        options = dict(step["options"])
        for key in ("allow", "deny"):
            if key in options:
                options[key] = np.array([bit == "1" for bit in options[key]])
        if "max_distance" in options:
            options["max_distance"] = float(options["max_distance"])
        return options

    def run(self, step: dict[str, Any]) -> dict[str, Any]:
        index, call = self.index, step["call"]
        path = self.directory / step.get("file", "")
        if call == "set_seed":
            index.set_seed(step["seed"])
        elif call == "add_item":
            index.add_item(step["item"], self.vector(step))
        elif call == "add_items":
            index.add_items(self.rows(step), step.get("ids"))
        elif call == "insert_items":
            options = {key: step[key] for key in ("labels", "replace") if key in step}
            index.insert_items(self.rows(step), step.get("ids"), **options)
        elif call == "build":
            index.build(step["n_trees"], n_threads=step["n_threads"])
        elif call in ("unbuild", "unload", "thaw_built", "consolidate", "compact"):
            getattr(index, call)()
        elif call in ("on_disk_build", "load", "save_and_load"):
            getattr(index, call)(path)
        elif call == "save":
            index.save(path)
            return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        elif call == "open":
            self.index = Index.open(path)
            index.close()
        elif call == "counts":
            scalar = {dtype: name for name, dtype in DTYPES.items()}[index.dtype]
            types = {"f": index.f, "metric": index.metric, "scalar": scalar, "id_bits": index.id_bits}
            return {"n_items": len(index), "n_trees": index.n_trees, **types}
        elif call == "set_metadata":
            index.metadata = step["text"].encode()
        elif call == "get_metadata":
            return {"text": index.metadata.decode()}
        elif call == "verify":
            assert index.verify() == []
        elif call == "get_item":
            if step["as"] == "words":
                return {"words": [f"{word:016x}" for word in index.get_words(step["item"]).tolist()]}
            return {"vector": index.get_item(step["item"])}
        elif call == "get_distance":
            return {"distance": index.get_distance(step["i"], step["j"])}
        elif call == "get_nns_by_item":
            return self.found(index.search_items(step["item"], step["n"], step["search_k"]))
        elif call == "get_nns_by_vector":
            return self.found(index.search(self.vector(step), step["n"], step["search_k"]))
        elif call == "search":
            if "item" in step:
                return self.found(index.search_items(step["item"], step["n"], **self.options(step)))
            return self.found(index.search(self.vector(step), step["n"], **self.options(step)))
        elif call == "search_batch":
            if "items" in step:
                ids, distances = index.search_items(step["items"], step["n"], **self.options(step))
            else:
                ids, distances = index.search(self.rows(step), step["n"], **self.options(step))
            there = [row >= 0 for row in ids]
            assert all(np.isnan(row[~some]).all() for row, some in zip(distances, there))
            return {
                "ids": [row[some].tolist() for row, some in zip(ids, there)],
                "distances": [row[some].tolist() for row, some in zip(distances, there)],
            }
        elif call == "set_labels":
            index.set_labels(step["labels"], step.get("ids"))
        elif call == "set_label":
            index.set_label(step["item"], step["label"])
        elif call in ("clear_label", "clear_labels"):
            getattr(index, call)(*([step["item"]] if "item" in step else []))
        elif call == "get_labels":
            return {"labels": index.get_labels(step["ids"]).tolist()}
        elif call == "find_label":
            return {"item": index.find_label(step["label"])}
        elif call == "label_counts":
            kind = {None: "none", "int": "u64", "str": "utf8"}[index.label_kind]
            return {"kind": kind, "n_labels": index.n_labels, "n_removed": index.n_removed}
        elif call in ("remove_item", "restore_item"):
            getattr(index, f"{call}s")(step["item"])
        elif call == "is_removed":
            return {"removed": index.is_removed(step["item"])}
        elif call == "has_items":
            return {"present": "".join("1" if item in index else "0" for item in step["items"])}
        elif call == "get_ids":
            return {"ids": index.ids.tolist()}
        elif call == "estimate_recall":
            recall = index.estimate_recall(step["n"], step["search_k"], n_sample=step["n_sample"], seed=step["seed"])
            return {"recall": recall}
        else:
            raise KeyError(call)
        return {}

    @staticmethod
    def found(found: Any) -> dict[str, Any]:
        return {"ids": found[0].tolist(), "distances": found[1].tolist()}


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    runner = Runner(case["index"], tmp_path)
    for step in case["steps"]:
        if "error" in step:
            with pytest.raises(AnnoyError) as caught:
                runner.run(step)
            assert caught.value.status == step["error"], step
        else:
            assert runner.run(step) == step.get("expect", {}), step


def test_there_are_cases() -> None:
    assert len(CASES) >= 11 * 2 * 8
