"""Writes the pictures of docs/pictures: pictures.py PAGES TO."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from chromium import chromium

# The documentation is read over slow lines, too.
MOST = 300_000


def main() -> None:
    pages, to = map(Path, sys.argv[1:])
    shutil.copy(pages / "map.svg", to / "map.svg")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1040, "height": 900})
        page.goto((pages / "report.html").resolve().as_uri())
        page.get_by_role("combobox").fill("king")
        page.get_by_role("combobox").press("Enter")
        page.get_by_role("combobox").blur()
        page.screenshot(path=to / "report.png")
    for name in ("map.svg", "report.png"):
        size = (to / name).stat().st_size
        assert size < MOST, f"{name} has {size} bytes"


if __name__ == "__main__":
    main()
