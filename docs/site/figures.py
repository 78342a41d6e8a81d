"""Queries a second by recall, for the plot: from the published tables of docs/graph.md, which
benches/compare wrote, or from the report.csv of a run of it. `figures.py` alone tries both on the
same figures."""

from __future__ import annotations

import csv
import re
import tempfile
from pathlib import Path
from typing import Any

# Of each line: recall, queries a second, and whether it is at least so many.
Lines = dict[str, list[tuple[float, float, bool]]]
RECALL = re.compile(r"0\.\d\d")


def cell(recall: str, text: str) -> tuple[float, float, bool]:
    """">= 93,721" is a search that found more than that at its quickest."""
    return float(recall), float(text.lstrip(">= ").replace(",", "")), text.startswith(">=")


def of_tables(text: str) -> dict[str, dict[str, Any]]:
    sets = {}
    for part in re.split(r"(?m)^## ", text):
        table = re.search(r"### Queries per second at recall@10\n\n((?:\|.*\n)+)", part)
        if not table:
            continue
        rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in table[1].splitlines()]
        columns = [at for at, name in enumerate(rows[0]) if RECALL.fullmatch(name)]
        lines: Lines = {}
        for row in rows[2:]:
            points = [cell(rows[0][at], row[at]) for at in columns if row[at]]
            if points:
                lines[row[0]] = points
        facts = part.split("\n\n")[1].replace("\n", " ")
        sets[part.splitlines()[0]] = {"facts": facts, "lines": lines}
    return sets


def of_csv(path: Path) -> dict[str, dict[str, Any]]:
    sets: dict[str, dict[str, Any]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["table"] in ("index", "single") and RECALL.fullmatch(row["column"]) and row["value"]:
                lines = sets.setdefault(row["set"], {"facts": f"{path.name}", "lines": {}})["lines"]
                lines.setdefault(row["line"], []).append(cell(row["column"], row["value"]))
    return sets


def main() -> None:
    text = (Path(__file__).resolve().parents[1] / "graph.md").read_text()
    tables = of_tables(text)
    assert len(tables) >= 5 and tables["words"]["lines"]["hnswlib"][1] == (0.9, 10_352, False)
    assert tables["million"]["lines"]["faiss HNSW"][0] == (0.8, 26_279, True)
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.csv")
        with report.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["set", "table", "line", "column", "value"])
            for name, one in tables.items():
                for line, points in one["lines"].items():
                    for recall, rate, least in points:
                        value = f"{'>= ' if least else ''}{rate:,.0f}"
                        writer.writerow([name, "single", line, f"{recall:.2f}", value])
                    writer.writerow([name, "single", line, "highest recall measured", "0.9990"])
        assert {name: one["lines"] for name, one in of_csv(report).items()} == {
            name: one["lines"] for name, one in tables.items()
        }
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
