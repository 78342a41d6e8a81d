"""Runs programs of others that import annoy, on annoy-rs-compat and on PyPI annoy 1.17.3, and
compares: each test ends alike, and what is found of the true neighbours is no less.

    python clients.py DIRECTORY     with wheels/ in it; the rest is made there

Their own tests are run where the package or its source package has them. Nothing is run of what
needs servers or models.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
HERE_TOO = ["-c", os.devnull, str(HERE / "clients")]
# The package; the directory of its source package, where its tests are; which tests.
CLIENTS = [
    ("gensim==4.4.0", "", ["--pyargs", "gensim.test.test_similarities", "-k", "Annoy"]),
    ("vicinity==0.4.6", "vicinity-0.4.6", ["tests", "-k", "ANNOY"]),
    ("sklearn-ann==0.1.4", "sklearn_ann-0.1.4", ["tests/test_kneighbors", "-k", "annoy or Annoy"]),
    ("langchain-community==0.4.2", "", [*HERE_TOO, "-k", "langchain"]),
    ("easyknn==0.5.0", "", [*HERE_TOO, "-k", "easyknn"]),
    ("txtai==9.14.0", "", [*HERE_TOO, "-k", "txtai"]),
]
# Installed without what they ask for: the backend annoy works without PyTorch and CUDA.
ALONE = {"txtai==9.14.0"}
# What their tests need besides.
BESIDES = ["pytest", "cffi", "faiss-cpu", "msgpack"]
# They find by other trees, so now and then a neighbour less.
TOLERANCE = 0.02
ABSENT = ("absent", 0.0)


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"], check=True)


def prepare(work: Path) -> dict[str, Path]:
    """Installs the clients; gives the places of the two annoys, of which each is the only one."""
    sources = work / "sources"
    sources.mkdir(exist_ok=True)
    ready = work / "ready"
    packages = [*BESIDES, *(package for package, *_ in CLIENTS)]
    if not ready.exists() or ready.read_text(encoding="utf-8") != "\n".join(packages):
        pip("install", *(package for package in packages if package not in ALONE))
        pip("install", "--no-deps", *ALONE)
        for package, source, _ in CLIENTS:
            if source and not (sources / source).exists():
                pip("download", "--no-deps", "--no-binary", package.partition("=")[0], "--dest", str(sources), package)
                with tarfile.open(sources / f"{source}.tar.gz") as archive:
                    archive.extractall(sources, filter="data")
        pip("install", "--no-deps", "--target", str(work / "annoy"), "annoy==1.17.3")
        ready.write_text("\n".join(packages), encoding="utf-8")
    wheels = [str(wheel) for wheel in (work / "wheels").glob("*.whl")]
    pip("install", "--no-deps", "--upgrade", "--target", str(work / "compat"), *wheels)
    return {name: work / name for name in ("annoy", "compat")}


def outcomes(work: Path, annoy: Path, source: str, arguments: list[str]) -> dict[str, tuple[str, float]]:
    """How each test ended, and what was found, if it says so."""
    report = work / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", "-o", "junit_family=xunit1"]
    environment = {**os.environ, "PYTHONPATH": str(annoy)}
    with open(work / f"{annoy.name}.log", "w", encoding="utf-8") as log:
        subprocess.run([*command, *arguments], cwd=work / "sources" / source, env=environment, stdout=log, stderr=log)
    ended: dict[str, tuple[str, float]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = [part.tag for part in case if part.tag in ("failure", "error", "skipped")]
        recall = next((float(part.get("value", 0)) for part in case.iter("property") if part.get("name") == "recall"), 0.0)
        ended[f"{case.get('classname')}::{case.get('name')}"] = (kinds[0] if kinds else "passed", recall)
    return ended


def main() -> int:
    work = Path(sys.argv[1]).resolve()
    places = prepare(work)
    n_passed = n_failed = 0
    for package, source, arguments in CLIENTS:
        theirs, ours = (outcomes(work, places[name], source, arguments) for name in ("annoy", "compat"))
        n_ended = Counter(outcome for outcome, _ in ours.values())
        print(f"{package}: " + ", ".join(f"{outcome} {n}" for outcome, n in sorted(n_ended.items())))
        wrong = [
            f"{test}: {was} with annoy, {now} with annoy-rs-compat"
            for test in sorted(theirs.keys() | ours.keys())
            for was, now in [(theirs.get(test, ABSENT), ours.get(test, ABSENT))]
            if was[0] != now[0] or now[1] < was[1] - TOLERANCE
        ]
        for test, (_, recall) in ours.items():
            if recall:
                print(f"  {test.rpartition('::')[2]}: recall {recall:.3f}, with annoy {theirs.get(test, ABSENT)[1]:.3f}")
        if not n_ended["passed"]:
            wrong.append("none passed: " + (work / "compat.log").read_text(encoding="utf-8")[-3000:])
        for line in wrong:
            print(f"  FAIL {line}")
        n_passed += n_ended["passed"]
        n_failed += len(wrong)
    print(f"{n_passed} passed, {n_failed} failed")
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
