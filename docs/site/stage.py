"""Lays out the pages of the site: stage.py TO [report.csv...]. A page is a Markdown file of the
repository, at its own place, so that links between pages are as they are; files of other kinds that
pages link to become pages or are taken along."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import figures

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs/site"
PICTURES = {".svg", ".png"}
LANGUAGES = {".rs": "rust", ".h": "c", ".c": "c", ".hpp": "cpp", ".py": "python", ".rb": "ruby", ".sh": "sh", ".txt": "text"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def nav() -> list[str]:
    """The pages that the site's menu names."""
    return re.findall(r": (\S+\.md)$", (SITE / "mkdocs.yml").read_text(), re.M)


class Stage:
    def __init__(self, to: Path) -> None:
        self.to = to
        self.waiting = [ROOT / name for name in nav() if (ROOT / name).exists()]
        self.done: set[Path] = set()

    def run(self) -> None:
        while self.waiting:
            page = self.waiting.pop()
            if page not in self.done:
                self.done.add(page)
                place = self.to / page.relative_to(ROOT)
                place.parent.mkdir(parents=True, exist_ok=True)
                self.put(page, place)

    def put(self, file: Path, place: Path) -> None:
        if file.suffix in PICTURES:
            shutil.copy(file, place)
        elif file.suffix == ".md":
            place.write_text(self.links(file))
        else:
            name = file.relative_to(ROOT)
            fence = f"```{LANGUAGES.get(file.suffix, 'text')}\n{file.read_text()}\n```"
            place.with_name(place.name + ".md").write_text(f"# {name}\n\n{fence}\n")

    def links(self, page: Path) -> str:
        """The text of a page, with links that lead somewhere on the site."""

        def link(match: re.Match[str]) -> str:
            mark, text, target = match.groups()
            path, _, anchor = target.partition("#")
            if not path or "://" in path:
                return match[0]
            file = (page.parent / path).resolve()
            assert file.exists() and ROOT in file.parents, f"{page}: no {target}"
            if file.is_dir():
                file, path = file / "README.md", f"{path.rstrip('/')}/README.md"
                if not file.exists():
                    return text
            self.waiting.append(file)
            if file.suffix != ".md" and file.suffix not in PICTURES:
                path += ".md"
            return f"{mark}[{text}]({path}{'#' + anchor if anchor else ''})"

        parts = re.split(r"(?ms)(^ *```.*?^ *```$)", page.read_text())
        return "".join(part if at % 2 else LINK.sub(link, part) for at, part in enumerate(parts))


def main() -> None:
    to = Path(sys.argv[1])
    shutil.rmtree(to, ignore_errors=True)
    Stage(to).run()
    for name in ("try", "plot"):
        shutil.copytree(SITE / name, to / name)
    sets = figures.of_tables((ROOT / "docs/graph.md").read_text())
    for report in sys.argv[2:]:
        sets.update(figures.of_csv(Path(report)))
    (to / "plot/data.js").write_text(f"const published = {json.dumps({'sets': sets})};\n")
    (to / "api").mkdir()
    shutil.copy(SITE / "api.md", to / "api/README.md")


if __name__ == "__main__":
    main()
