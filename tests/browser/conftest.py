"""The browser journeys' fixtures. On CI nothing is skipped; elsewhere, without a browser, the journeys are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import found, running
from tests.conftest import REQUIRE_ALL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if found.chromium() is None and not REQUIRE_ALL:
        for one in items:
            if one.get_closest_marker("browser"):
                one.add_marker(pytest.mark.skip(reason="no Chromium or Chrome; set PORTAL_CHROMIUM"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The installed browser."""
    with running.browser() as made:
        yield made


@pytest.fixture(scope="session")
def demo() -> Iterator[running.Portal]:
    """A running portal with its demo organisation."""
    with TemporaryDirectory(prefix="portal-browser-", ignore_cleanup_errors=True) as folder:
        portal = running.start(Path(folder) / "data", PORTAL_DEMO="1", PORTAL_SYNC_SECONDS="5")
        yield portal
        portal.stop()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window of a browser that has never seen the portal."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(running.PATIENCE_MS)
    yield opened
    context.close()
