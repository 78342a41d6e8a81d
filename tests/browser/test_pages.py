"""The pages that `annoy report` and `annoy map` write, used as a person would."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from chromium import Watched
from playwright.sync_api import Browser, expect

PAGES = Path(os.environ["ANNOY_PAGES"])


def neighbors(watched: Watched) -> list[str]:
    return watched.page.locator("#neighbors tbody td:nth-child(2)").all_inner_texts()


@pytest.mark.parametrize("name", ["report.html", "map.html"])
def test_the_search_box_finds_neighbours(watched: Watched, name: str) -> None:
    page = watched.page
    page.goto((PAGES / name).as_uri())
    box = page.get_by_role("combobox")
    box.fill("kin")
    assert "kingdom" in page.get_by_role("option").all_inner_texts()
    box.fill("King")
    box.press("Enter")
    assert neighbors(watched)[:3] == ["prince", "queen", "ii"] and len(neighbors(watched)) == 10
    # By the keys alone, and from one neighbour to the next.
    box.fill("kin")
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.locator("#selected")).to_have_text("Nearest to king (item 642):")
    page.get_by_role("button", name="queen", exact=True).click()
    expect(page.locator("#selected")).to_contain_text("Nearest to queen")
    assert "king" in neighbors(watched)
    box.fill("no such word")
    box.press("Enter")
    expect(page.locator("#selected")).to_contain_text("No item here is called")
    # Nothing but the page itself is asked for.
    assert watched.requests == [(PAGES / name).as_uri()]


def test_the_map(watched: Watched) -> None:
    page = watched.page
    page.goto((PAGES / "map.html").as_uri())
    canvas = page.locator("canvas")
    box = canvas.bounding_box()
    assert box
    page.get_by_role("combobox").fill("king")
    page.get_by_role("combobox").press("Enter")
    before = canvas.screenshot()
    page.get_by_role("button", name="Closer").click()
    assert canvas.screenshot() != before
    # Zoomed in, the item that is chosen is in the middle, where the pointer names it.
    page.get_by_role("combobox").fill("queen")
    page.get_by_role("combobox").press("Enter")
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    expect(page.locator("#tip")).to_have_text("queen")
    page.mouse.down()
    page.mouse.move(middle[0] + 80, middle[1], steps=4)
    page.mouse.up()
    page.mouse.move(middle[0] + 81, middle[1])
    expect(page.locator("#tip")).to_have_text("queen")
    page.mouse.wheel(0, -300)
    page.get_by_role("button", name="All").click()
    expect(page.locator("#key")).to_contain_text("or more")


def test_the_charts(watched: Watched) -> None:
    page = watched.page
    page.goto((PAGES / "report.html").as_uri())
    for section in ("#curve", "#distances"):
        assert page.locator(f"{section} svg").count() == 1
        # All of it is in sight.
        within = page.locator(f"{section} svg").bounding_box()
        assert within
        for one in page.locator(f"{section} svg text").all():
            box = one.bounding_box()
            assert box and box["x"] >= within["x"] - 1 and box["x"] + box["width"] <= within["x"] + within["width"] + 1
    expect(page.locator("#curve .note")).to_contain_text("For a recall of 0.95: search_k")
    assert page.locator("#facts table").count() == 2


@pytest.mark.parametrize("width", [360, 1200])
def test_no_page_is_wider_than_the_window(browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((PAGES / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_light_and_dark(browser: Browser) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
        page.goto((PAGES / "report.html").as_uri())
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert len(seen) == 2


def test_an_svg_is_a_picture(watched: Watched) -> None:
    watched.page.goto((PAGES / "map.svg").as_uri())
    assert watched.page.locator("text", has_text="king").count() >= 1
    assert watched.page.locator("path").count() == 1
