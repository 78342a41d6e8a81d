from __future__ import annotations

from typing import Iterator

import pytest
from chromium import Watched, chromium
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    watched = Watched(page)
    yield watched
    assert watched.complaints == []
    page.close()
