"""Tables of a run: report.md to read, report.csv to work with. Every figure comes
from the JSONL."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import statistics

from .data import write_whole
from .results import SetResults, read

RECALLS = (0.80, 0.90, 0.95, 0.99)


@dataclasses.dataclass
class Table:
    name: str  # in the CSV
    title: str
    header: list[str]  # of all columns, the first being that of the line's name
    rows: list[list]  # None: an empty cell
    notes: list[str] = dataclasses.field(default_factory=list)

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", "| " + " | ".join(self.header) + " |", "|---|" + "--:|" * (len(self.header) - 1)]
        lines += ["| " + " | ".join(show(cell) for cell in row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])


def show(value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a and b else None


def total(*values: float | None) -> float | None:
    return None if any(value is None for value in values) else sum(values)


def scaled(value: float | None, by: float) -> float | None:
    return None if value is None else value * by


def index_table(of: SetResults) -> Table:
    rows = []
    for key, label in of.series().items():
        def median(stage: str, field: str, **wanted) -> float | None:
            return of.median(stage, field, series=key, **wanted)

        build = {field: median("build", field, threads=1) for field in ("add_s", "build_s", "save_s", "sync_s", "memory_mib", "file_bytes")}
        before = any(r.get("from_before") for r in of.select("build", series=key))
        rows.append([
            label + (" *" if before else ""),
            total(build["add_s"], build["build_s"]),
            build["memory_mib"],
            scaled(build["file_bytes"], 2**-20),
            build["save_s"],
            build["sync_s"],
            median("load", "rss_mib"),
            median("end", "rss_mib"),
            *(scaled(median("cold", prefix + field), by) for prefix in ("warm_", "") for field, by in (("load_s", 1e3), ("first_query_s", 1e6))),
        ])
    notes = [
        "memory: highest resident set while building less that before, the data then being in memory (Python) or read in pieces (C)",
        "save: annoy_rs's returns when the file is on the disk (fsync of file and directory); what fsync takes after that of others: sync",
        "resident: growth since before loading; what is mapped counts as far as it was touched, and is shared between processes",
        "cold: the file's pages dropped from the page cache before; the first query is the forests' with search_k 1,000, the others' with "
        "the lowest setting",
    ]
    if any(row[0].endswith("*") for row in rows):
        notes.append("* built in an earlier run with the same version and settings")
    header = ["", "add + build, s", "memory, MiB", "file, MiB", "save, s", "sync, s", "resident after load, MiB",
              "after all queries, MiB", "load, ms", "first query, us", "cold load, ms", "cold first query, us"]
    return Table("index", "Build, memory, file, load (1 thread)", header, rows, notes)


def recall_table(of: SetResults, way: str, title: str) -> Table:
    rows = []
    for curve in of.curves((way,)):
        cells = []
        for recall in RECALLS:
            found = curve.qps_at(recall)
            cells.append(None if found is None else f"{found[0]} {found[1]:,.0f}".strip())
        rows.append([curve.label, *cells, f"{curve.points[-1].recall:.4f}"])
    return Table(way, f"Queries per second at recall@10, {title}", ["", *(f"{r:.2f}" for r in RECALLS), "highest recall measured"], rows, [
        "between two settings, of those that none beats in both: log-linear; >=: already the cheapest setting finds more; empty: not "
        "reached by any setting measured",
    ])


def forest_table(of: SetResults) -> Table | None:
    rows = []
    for trees in sorted({r["trees"] for r in of.stages["forest"]}):
        for search_k in sorted({r["search_k"] for r in of.stages["forest"]}):
            at = {"trees": trees, "search_k": search_k}
            us = {who: of.median("forest", "us", who=who, **at) for who in ("annoy", "ours", "ours, own file")}
            limit = scaled(of.median("rows", "ns", trees=trees), 1e-3 * (of.median("candidates", "candidates", **at) or 0))
            rows.append([
                f"{trees} trees, search_k {search_k:,}", us["annoy"], us["ours"], ratio(us["annoy"], us["ours"]),
                of.median("candidates", "candidates", **at), limit, ratio(us["annoy"], limit), ratio(us["ours"], limit),
                f"{of.median('forest', 'same', who='ours', **at):.2%}",
                us["ours, own file"],
                f"{of.median('forest', 'recall', who='annoy', **at):.4f}",
                f"{of.median('forest', 'recall', who='ours, own file', **at):.4f}",
            ])
    if not rows:
        return None
    rates = {(r["trees"], r["node_bytes"]) for r in of.stages["rows"]}
    notes = [f"{trees} trees: a random node of {node_bytes} bytes read whole, asked for ahead: {of.median('rows', 'ns', trees=trees):.1f} ns"
             for trees, node_bytes in sorted(rates)]
    notes.append("limit: that times the different items a search looks at (mean of up to 100 queries); split nodes are not counted")
    return Table("forest", "The same plain Annoy file: us per query", [
        "", "Annoy", "annoy_rs", "Annoy / annoy_rs", "items looked at", "limit", "Annoy / limit", "annoy_rs / limit", "identical answers",
        "annoy_rs, own file", "recall, Annoy's file", "recall, own file"], rows, notes)


def seed_table(of: SetResults) -> Table | None:
    rows = []
    for search_k in sorted({r["search_k"] for r in of.stages["seed"]}):
        recalls = {who: {r["seed"]: r["recall"] for r in of.select("seed", who=who, search_k=search_k)} for who in ("annoy", "ours")}
        differences = [recalls["ours"][seed] - recalls["annoy"][seed] for seed in recalls["annoy"]]
        spread = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else None
        rows.append([f"search_k {search_k:,}", *(f"{statistics.mean(recalls[who].values()):.4f}" for who in ("annoy", "ours")),
                     f"{statistics.mean(differences):+.4f}", None if spread is None else f"{spread:.4f}", len(differences)])
    if not rows:
        return None
    return Table("seeds", f"Recall@10 at equal trees ({of.stages['seed'][0]['trees']}) and search_k, mean over seeds",
                 ["", "Annoy", "annoy_rs", "difference", "standard error", "seeds"], rows)


def build_table(of: SetResults) -> Table | None:
    """Annoy against annoy_rs, with one thread and with two."""
    rows = []
    for trees in sorted({int(key.split("-")[1]) for key in of.series() if key.startswith("ours-")}):
        for threads in (1, 2):
            cells = {}
            for who in ("annoy", "ours"):
                at = {"series": f"{who}-{trees}", "threads": threads}
                cells[who] = (total(of.median("build", "add_s", **at), of.median("build", "build_s", **at)), of.median("build", "memory_mib", **at))
            if cells["ours"][0] is None:
                continue
            rows.append([f"{trees} trees, {threads} thread{'s' * (threads > 1)}", cells["annoy"][0], cells["ours"][0],
                         ratio(cells["annoy"][0], cells["ours"][0]), cells["annoy"][1], cells["ours"][1], ratio(cells["annoy"][1], cells["ours"][1])])
    if not rows:
        return None
    return Table("build", "Building: Annoy against annoy_rs (add + build)",
                 ["", "Annoy, s", "annoy_rs, s", "ratio", "Annoy, MiB", "annoy_rs, MiB", "ratio"], rows)


def scaling_table(family: list[SetResults]) -> Table:
    family = sorted(family, key=lambda of: of.data["n"])
    labels = {key: label for of in family for key, label in of.series().items()}
    header = [""]
    for of in family:
        header += [f"build s, n {of.data['n']:,}", f"q/s at 0.90, n {of.data['n']:,}"]
    rows = []
    for key, label in labels.items():
        row = [label]
        for of in family:
            row.append(total(of.median("build", "add_s", series=key, threads=1), of.median("build", "build_s", series=key, threads=1)))
            found = next((curve.qps_at(0.90) for curve in of.curves() if curve.key == key), None)
            row.append(None if found is None else f"{found[0]} {found[1]:,.0f}".strip())
        rows.append(row)
    return Table("scaling", "Scaling in n", header, rows)


def families(sets: list[SetResults]) -> dict[str, list[SetResults]]:
    found: dict[str, list[SetResults]] = {}
    for of in sets:
        found.setdefault(of.data["family"], []).append(of)
    return {name: members for name, members in found.items() if len(members) > 1}


def write(results: pathlib.Path) -> None:
    """report.md and report.csv beside the results."""
    facts, sets, general = read(results)
    lines = ["# Comparison of nearest-neighbour libraries", "", *(f"- {key}: {value}" for key, value in facts.items()), ""]
    lines += [f"- failed: {r['why']}" for r in general if r["stage"] == "failed"]
    table_lines: list[list] = []
    for of in sets:
        data = of.data
        lines += [f"## {of.name}", "", f"{data['metric']}, {data['n']:,} x {data['d']}, {data['n_queries']} queries, 10 neighbours; {data['source']}", ""]
        recalls = (recall_table(of, "batch", "all in one call by one thread"), recall_table(of, "single", "one query a call"))
        for table in (*recalls, index_table(of), build_table(of), forest_table(of), seed_table(of)):
            if table and table.rows:
                lines.append(table.markdown())
                table_lines += [[of.name, table.name, row[0], column, cell] for row in table.rows for column, cell in zip(table.header[1:], row[1:])]
        lines += [f"- left out: {label}: {why}" for label, why in of.left_out().items()]
        kernels = {r["kernel"] for r in of.stages["load"] if "kernel" in r and r["series"].startswith(("ours", "graph", "scan"))}
        lines += [f"- kernel of annoy_rs: {', '.join(sorted(kernels))}", ""] if kernels else [""]
    for name, members in families(sets).items():
        table = scaling_table(members)
        lines += [f"## {name}: scaling", "", table.markdown()]
        table_lines += [[name, table.name, row[0], column, cell] for row in table.rows for column, cell in zip(table.header[1:], row[1:])]
    lines += [f"Whole run: {r['seconds']:.0f} s." for r in general if r["stage"] == "total"]
    write_whole(results.with_name("report.md"), ("\n".join(lines).rstrip() + "\n").encode())
    with open(results.with_name("report.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "table", "line", "column", "value"])
        writer.writerows(["" if cell is None else cell for cell in row] for row in table_lines)
