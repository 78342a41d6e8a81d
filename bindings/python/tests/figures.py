"""How large a wheel is, and how long importing it takes. Not a test: it prints.

    python tests/figures.py WHEEL     the wheel that is installed
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

ROUNDS = 15
IMPORT = "import time, numpy; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def import_time(module: str) -> float:
    """The seconds that importing a module takes in a new process that has NumPy already."""
    command = [sys.executable, "-I", "-c", IMPORT.format(module)]
    run = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(ROUNDS)]
    return statistics.median(run)


def main() -> None:
    wheel = Path(sys.argv[1])
    with zipfile.ZipFile(wheel) as archive:
        (extension,) = (info for info in archive.infolist() if "_native." in info.filename and not info.filename.endswith(".pyi"))
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, of which {extension.filename} {extension.compress_size / 1e6:.2f} MB")
    print(f"installed, the extension has {extension.file_size / 1e6:.1f} MB")
    print(f"import annoy_rs after NumPy: {import_time('annoy_rs') * 1000:.0f} ms, the median of {ROUNDS} processes")


if __name__ == "__main__":
    main()
