"""Plots of a run as SVG: the same results give the same bytes."""

from __future__ import annotations

import pathlib

import matplotlib
import numpy as np

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "annoy_rs", "svg.fonttype": "none", "font.size": 9})

import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

from .report import families, total  # noqa: E402
from .results import SetResults, read  # noqa: E402

MARKS = "osv^D<>PX*hd"


def style_of(key: str) -> dict:
    """One colour and mark for a library's settings, in every plot."""
    known = ["annoy-10", "annoy-50", "ours-10", "ours-50", "dropin-10", "graph-10", "annoy-python", "hnswlib", "usearch", "voyager",
             "faiss-hnsw", "faiss-hnsw200", "faiss-ivf", "pynndescent",
             "faiss-ivfpq", "scann", "symqg", "glass", "vsag", "svs", "scan-10"]
    at = known.index(key) if key in known else sum(key.encode())
    colour = matplotlib.colormaps["tab20"](at % 20)
    return {"color": colour, "marker": MARKS[at % len(MARKS)], "linewidth": 2.2 if key.startswith(("ours", "graph", "scan")) else 1.2, "markersize": 4}


def save(figure, path: pathlib.Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def recall_plot(of: SetResults, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(9, 5.5))
    # The last hundredths are the dear ones: room for them.
    axes.set_xscale("function", functions=(lambda x: -np.log10(1.002 - np.minimum(x, 1)), lambda y: 1.002 - 10.0**-y))
    axes.set_xticks([0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0])
    axes.xaxis.set_major_formatter("{x:g}")
    for curve in of.curves():
        axes.plot([p.recall for p in curve.points], [p.qps for p in curve.points], label=curve.label, **style_of(curve.key))
    axes.set(xlim=(0.4, 1), yscale="log", xlabel="recall@10", ylabel="queries per second, one core",
             title=f"{of.name}: {of.data['metric']}, {of.data['n']:,} x {of.data['d']}")
    axes.grid(True, which="both", alpha=0.25)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    save(figure, path)


def bars_plot(of: SetResults, path: pathlib.Path) -> None:
    """Build time, file size, memory."""
    series = {key: label for key, label in of.series().items() if of.select("build", series=key)}
    measures = {
        "add + build, s": [total(of.median("build", "add_s", series=key, threads=1), of.median("build", "build_s", series=key, threads=1)) for key in series],
        "file, MiB": [(of.median("build", "file_bytes", series=key, threads=1) or 0) / 2**20 for key in series],
        "memory while building, MiB": [of.median("build", "memory_mib", series=key, threads=1) for key in series],
    }
    figure, all_axes = plt.subplots(1, 3, figsize=(11, 0.8 + 0.28 * len(series)), sharey=True)
    for axes, (title, values) in zip(all_axes, measures.items()):
        axes.barh(list(series.values()), [value or 0 for value in values], color=[style_of(key)["color"] for key in series])
        axes.set_xlabel(title)
        axes.grid(True, axis="x", alpha=0.25)
    all_axes[0].invert_yaxis()
    all_axes[1].set_title(of.name)
    save(figure, path)


def scaling_plot(name: str, family: list[SetResults], path: pathlib.Path) -> None:
    family = sorted(family, key=lambda of: of.data["n"])
    sizes = [of.data["n"] for of in family]
    labels = {key: label for of in family for key, label in of.series().items()}
    figure, (build, speed) = plt.subplots(1, 2, figsize=(11, 4.5))
    for key, label in labels.items():
        times, rates = [], []
        for of in family:
            seconds = total(of.median("build", "add_s", series=key, threads=1), of.median("build", "build_s", series=key, threads=1))
            if seconds:
                times.append((of.data["n"], seconds))
            found = next((curve.qps_at(0.90) for curve in of.curves() if curve.key == key), None)
            if found:
                rates.append((of.data["n"], found[1]))
        for axes, points in ((build, times), (speed, rates)):
            if points:
                axes.plot(*zip(*points), label=label, **style_of(key))
    build.set(xscale="log", yscale="log", xlabel="items", ylabel="add + build, s")
    speed.set(xscale="log", yscale="log", xlabel="items", ylabel="queries per second at recall@10 0.90")
    for axes in (build, speed):
        axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
        axes.set_xticks([], minor=True)
        axes.grid(True, which="both", alpha=0.25)
    speed.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    figure.suptitle(name)
    save(figure, path)


def write(results: pathlib.Path) -> None:
    """The plots, beside the results."""
    _, sets, _ = read(results)
    for of in sets:
        if of.stages["query"]:
            recall_plot(of, results.with_name(f"{of.name}-recall.svg"))
        if of.stages["build"]:
            bars_plot(of, results.with_name(f"{of.name}-build.svg"))
    for name, family in families(sets).items():
        scaling_plot(name, family, results.with_name(f"{name}-scaling.svg"))
