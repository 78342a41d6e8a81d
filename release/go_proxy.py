"""Writes a Go module as a module proxy has it, to be used by GOPROXY=file://DIRECTORY: what a proxy
makes of a tag of the repository.

    python3 go_proxy.py TREE MODULE VERSION DIRECTORY
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path


def main() -> None:
    tree, module, version, directory = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
    # A proxy writes capital letters another way, for file systems that do not tell them apart.
    escaped = "".join(f"!{letter.lower()}" if letter.isupper() else letter for letter in module)
    to = directory / escaped / "@v"
    to.mkdir(parents=True)
    (to / "list").write_text(f"{version}\n", encoding="utf-8")
    (to / f"{version}.info").write_text(json.dumps({"Version": version, "Time": "2000-01-01T00:00:00Z"}), encoding="utf-8")
    shutil.copy(tree / "go.mod", to / f"{version}.mod")
    with zipfile.ZipFile(to / f"{version}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                archive.write(path, f"{module}@{version}/{path.relative_to(tree)}")


if __name__ == "__main__":
    main()
