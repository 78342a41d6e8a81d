"""Looks for links of the site that lead nowhere: links.py SITE. Pages that rustdoc, Doxygen and
RDoc made are only led to."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def main() -> int:
    site = Path(sys.argv[1]).resolve()
    pages: dict[Path, Page] = {}

    def parsed(path: Path) -> Page:
        if path not in pages:
            pages[path] = Page(path)
        return pages[path]

    sound, dead, outside = 0, [], set()
    for path in sorted(site.rglob("*.html")):
        if path.relative_to(site).parts[0] == "api" and path.parent != site / "api":
            continue
        for link in parsed(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                outside.add(link)
                continue
            target = path
            if parts.path.startswith("/"):
                # Of the page that a server shows for what is not there.
                target = site / unquote(parts.path).lstrip("/")
            elif parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            is_there = target.exists() and site in target.parents
            if is_there and parts.fragment and target.suffix == ".html":
                is_there = unquote(parts.fragment) in parsed(target).anchors or parts.fragment == "__skip"
            if is_there:
                sound += 1
            else:
                dead.append(f"{path.relative_to(site)}: {link}")
    print("\n".join(f"dead: {link}" for link in dead))
    print(f"{sound} links lead somewhere; {len(outside)} lead out of the site, and were not followed")
    print(f"{int(not dead)} passed, {len(dead)} failed")
    return int(bool(dead) or sound == 0)


if __name__ == "__main__":
    sys.exit(main())
