"""The pages of the site that have programs (docs/site)."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from typing import Iterator

import pytest
from chromium import Watched
from playwright.sync_api import expect


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The site, served by this process."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            # Browsers ask for it where a page names none.
            if self.path == "/favicon.ico":
                self.send_response(204)
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=os.environ["ANNOY_SITE"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def words(watched: Watched) -> list[str]:
    return watched.page.locator("#found td:first-child").all_inner_texts()


def test_words_are_searched_in_the_page(watched: Watched, site: str) -> None:
    page = watched.page
    page.goto(f"{site}/try/")
    expect(page.locator("#state")).to_contain_text("found in")
    assert words(watched)[:3] == ["prince", "queen", "ii"]
    page.locator("#words").fill("king - man + woman")
    expect(page.locator("#found td").first).to_have_text("queen")
    page.locator("#words").fill("Paris")
    expect(page.locator("#found tr").filter(has_text="france")).to_have_count(1)
    page.locator("#words").fill("no-such-word")
    expect(page.locator("#state")).to_contain_text("label")
    page.locator("#words").fill("dog")
    expect(page.locator("#found tr").filter(has_text="cat")).not_to_have_count(0)
    outside = [url for url in watched.requests if not url.startswith(site) and not url.startswith("data:")]
    assert outside == []


def test_the_plot(watched: Watched, site: str) -> None:
    page = watched.page
    page.goto(f"{site}/plot/")
    select = page.get_by_label("Data set")
    sets = select.locator("option").all_inner_texts()
    assert {"words", "images", "dot", "million"} <= set(sets)
    for name in sets:
        select.select_option(name)
        n = page.locator("#plot .series").count()
        assert n >= 3 and page.locator("#plot label").count() == n
    page.locator("#plot label", has_text="hnswlib").locator("input").uncheck()
    assert page.locator("#plot .series").count() == n - 1


@pytest.mark.parametrize("page", ["", "docs/words/", "docs/how/", "docs/command/", "api/", "api/python/annoy_rs.html", "api/go/"])
def test_pages_open(watched: Watched, site: str, page: str) -> None:
    answer = watched.page.goto(f"{site}/{page}")
    assert answer and answer.ok and watched.page.locator("h1").count() >= 1
    assert [url for url in watched.requests if not url.startswith(site) and not url.startswith("data:")] == []


def test_the_search_of_the_site(watched: Watched, site: str) -> None:
    page = watched.page
    page.goto(site)
    page.keyboard.press("/")
    page.keyboard.type("larger than memory", delay=10)
    expect(page.get_by_role("option").first).to_be_visible()
