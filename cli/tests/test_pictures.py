"""`annoy report` and `annoy map`: what is in the files. tests/browser opens them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WORDS, Annoy

SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """A page: the addresses that it names, and what its script draws."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.within = ""
        self.feed(path.read_text())
        assert len(self.scripts) == 2, "a label ended the script"
        self.data: Any = json.loads(self.scripts[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within = tag
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within == "script":
            self.scripts[-1] += data

    def near(self, label: str) -> list[str]:
        items = self.data["items"]
        return [items["names"][at] for at in items["near"][items["names"].index(label)]]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("few")
    Annoy(directory)("build", *WORDS, "-o", "few.ann", "--limit", "1500", "--beside", "none", "--trees", "5")
    return directory / "few.ann"


def test_report(annoy: Annoy, few: Path) -> None:
    annoy("report", few, "-o", "r.html", "--sample", "50")
    page = Page(annoy.directory / "r.html")
    assert page.addresses == [] and "default-src 'none'" in (annoy.directory / "r.html").read_text()
    found = json.loads(annoy("query", few, "--label", "king", "--exact", "--json"))
    assert page.near("king") == [one["label"] for one in found]
    data = page.data
    assert data["summary"].startswith("1,500 vectors of 50 numbers, compared by angular distance; 5 trees;")
    assert dict(data["facts"]["The file"])["trees"] == "5"
    points = data["curve"]["points"]
    assert points[data["curve"]["chosen"]]["recall"] >= 0.95 and all(point["microseconds"] > 0 for point in points)
    for series in data["distances"]["series"]:
        assert sum(series["shares"]) == pytest.approx(1, abs=1e-3)
    assert len(data["map"]["x"]) == 1500


def test_a_sample(annoy: Annoy, few: Path) -> None:
    """Of more items than are shown, neighbours are those among all."""
    annoy("map", few, "-o", "m.html", "--items", "200")
    page = Page(annoy.directory / "m.html")
    items = page.data["items"]
    assert items["shown"] == len(page.data["map"]["x"]) == 188 and items["total"] == 1500
    assert "188 of 1,500 items" in page.data["map"]["note"]
    found = json.loads(annoy("query", few, "--label", items["names"][5], "--exact", "--json"))
    assert page.near(items["names"][5]) == [one["label"] for one in found]
    assert len(items["names"]) == len(items["ids"]) > 188


def test_map(annoy: Annoy, few: Path) -> None:
    annoy("map", few, "-o", "a.svg", "--highlight", "king", "--color", "hubs")
    annoy("map", few, "-o", "b.svg", "--highlight", "king", "--color", "hubs", "--threads", "1")
    assert (annoy.directory / "a.svg").read_bytes() == (annoy.directory / "b.svg").read_bytes()
    svg = ET.parse(annoy.directory / "a.svg").getroot()
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"king", "son", "charles"} <= set(texts) and len(texts) > 20
    points = "".join(path.attrib["d"] for path in svg.iter(f"{SVG}path")).count("h0")
    assert 1400 <= points <= 1500
    assert "no item has the label" in annoy.fails("map", few, "-o", "c.svg", "--highlight", "no such word")
    assert "--columns" in annoy.fails("map", few, "-o", "c.svg", "--color", "kind")
    assert "neither" in annoy.fails("map", few, "-o", "c.png")
    assert not list(annoy.directory.glob("c.*"))


def test_neighbours_are_near(annoy: Annoy, few: Path) -> None:
    """More than in the principal components, which are the start."""
    shares = []
    for layout in ("neighbors", "pca"):
        annoy("map", few, "-o", "m.html", "--layout", layout)
        data = Page(annoy.directory / "m.html").data
        places = np.column_stack([data["map"]["x"], data["map"]["y"]])
        apart = ((places[:, None] - places[None]) ** 2).sum(2)
        close = np.argsort(apart, 1, kind="stable")[:, 1:21]
        both = [len(set(a) & set(b)) for a, b in zip(close.tolist(), data["items"]["near"])]
        shares.append(sum(both) / 15000)
    assert shares[0] > 0.3 and shares[0] > 3 * shares[1], shares


def test_columns_and_wild_labels(annoy: Annoy) -> None:
    """What is in labels stays text; groups that do not touch stay apart; copies do no harm."""
    rng = np.random.default_rng(1)
    kind = np.arange(90) % 3
    rows = 10 * np.eye(3)[kind] + rng.random((90, 3))
    rows[:15:3] = rows[0]
    np.save(annoy.directory / "rows.npy", rows)
    wild = ["</script><script>alert(1)</script>", "<b>&amp;", "é\u2028", "x" * 100, '"\\']
    (annoy.directory / "names").write_text("\n".join([*wild, *map(str, range(85))]) + "\n")
    (annoy.directory / "more.csv").write_text("n,kind\n" + "".join(f"{at},k{at % 3}\n" for at in range(90)))
    annoy("build", "rows.npy", "-o", "x.ann", "--metric", "euclidean", "--names", "names", "--quiet")
    annoy("map", "x.ann", "-o", "m.html", "--color", "kind", "--columns", "more.csv")
    data = Page(annoy.directory / "m.html").data
    assert data["items"]["names"][:3] == wild[:3] and data["items"]["names"][3] == "x" * 60 + "…"
    assert data["map"]["color"]["key"] == {"groups": ["k0", "k1", "k2"]}
    assert data["map"]["color"]["classes"][:4] == ["g0", "g1", "g2", "g0"]
    places = np.column_stack([data["map"]["x"], data["map"]["y"]])
    apart = ((places[:, None] - places[None]) ** 2).sum(2) + 9 * np.eye(90)
    assert (kind[apart.argmin(1)] == kind).all()
    annoy("map", "x.ann", "-o", "m.svg", "--color", "n", "--columns", "more.csv", "--names", "90")
    ET.parse(annoy.directory / "m.svg")
    said = annoy.fails("map", "x.ann", "-o", "m.svg", "--color", "no", "--columns", "more.csv")
    assert re.search(r"no column \"no\".*kind", said)


@pytest.mark.parametrize("metric", ["dot", "hamming", "manhattan"])
def test_few_items_of_other_metrics(annoy: Annoy, metric: str) -> None:
    for n in (2, 30):
        np.save(annoy.directory / "r.npy", np.random.default_rng(n).integers(0, 2, (n, 16)))
        annoy("build", "r.npy", "-o", "x.ann", "--metric", metric, "--quiet")
        annoy("report", "x.ann", "-o", "r.html")
        data = Page(annoy.directory / "r.html").data
        assert len(data["items"]["near"]) == n and data["items"]["product"] == (metric == "dot")
