"""Somebody's markup in every text field of an entry, in a real browser: none of it runs, all of it can be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.config import ROOT
from tests.browser.running import Portal, settle, sign_in
from tests.browser.test_journeys import person_with
from tests.markup import ASSET, FOREIGN, IMAGE, README, as_yaml

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]  # one portal and one browser for all journeys

OWNED = {"owner": "ml-engineering"}
TABS = ("How to use", "README", "Versions", "Relations", "Adopters", "History")
FOREIGN_ELEMENTS = (
    "a[href^='javascript' i], a[href^='vbscript' i], img[src^='javascript' i], img[src='x'], "
    "[onclick], [onload], [onerror], [data-testid=stMain] iframe, [data-testid=stMain] script, [data-testid=stMain] style"
)
"""What would be there if a browser had read the markup as HTML, or a link had kept its scheme."""


@pytest.fixture
def hostile(demo: Portal, tmp_path: Path) -> None:
    """Two entries in the running portal's catalog whose every text wants to be run."""
    entry, foreign = tmp_path / "assets" / "hostile", tmp_path / "widget"
    entry.mkdir(parents=True)
    foreign.mkdir()
    (entry / "entry.yaml").write_text(as_yaml(ASSET | {"spec": ASSET["spec"] | OWNED}), "utf-8")
    (entry / "README.md").write_text(README, "utf-8")
    (foreign / "catalog-info.yaml").write_text(as_yaml(FOREIGN | {"spec": FOREIGN["spec"] | OWNED}), "utf-8")
    environment = os.environ | {"PORTAL_DATA": str(demo.data)}
    command = [sys.executable, "-m", "core", "import", str(tmp_path), "--source", "hostile"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


def assert_harmless(page: Page) -> None:
    page.wait_for_timeout(300)  # an image that cannot be loaded calls its handler a moment later
    assert page.evaluate("typeof window.__pwned") == "undefined", page.url
    assert page.locator(FOREIGN_ELEMENTS).evaluate_all("found => found.map(one => one.outerHTML)") == [], page.url


@pytest.mark.parametrize("ref", ["asset:default/hostile", "widget:default/hostile"])
def test_an_entry_full_of_markup_runs_nothing_and_shows_it_as_text(
    demo: Portal, page: Page, hostile: None, ref: str
) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    sign_in(page, demo.url, person_with(demo, "ML engineer"))
    for tab in TABS:
        page.goto(f"{demo.url}/entry?ref={ref}&tab={tab}")
        settle(page)
        expect(page.get_by_role("heading", level=1).first).to_contain_text(IMAGE)
        expect(page.get_by_text(IMAGE).first).to_be_visible()
        expect(page.get_by_text("Something went wrong")).to_have_count(0)
        assert_harmless(page)


def test_a_readme_full_of_markup_keeps_its_words_and_no_link_that_runs(demo: Portal, page: Page, hostile: None) -> None:
    sign_in(page, demo.url, person_with(demo, "ML engineer"))
    page.goto(f"{demo.url}/entry?ref=asset:default/hostile&tab=README")
    settle(page)
    expect(page.get_by_text("The last line of the README.")).to_be_visible()
    expect(page.get_by_text('<div onclick="window.__pwned=1">raw</div>')).to_be_visible()
    links = page.get_by_role("tabpanel").get_by_test_id("stMarkdown").get_by_role("link")
    # a page from data: opens, where browsers open it at all, in an origin of its own and knows nothing of this one
    assert set(links.evaluate_all("found => found.map(one => one.protocol)")) <= {"http:", "https:", "data:"}
    for name in ("link", "tab", "upper", "data", "vb", "reference"):
        page.get_by_role("tabpanel").get_by_text(name, exact=True).first.evaluate("one => one.click()")
        assert_harmless(page)
        for other in page.context.pages[1:]:
            other.close()
    assert_harmless(page)


def test_a_list_of_hits_shows_markup_as_text(demo: Portal, page: Page, hostile: None) -> None:
    sign_in(page, demo.url, person_with(demo, "ML engineer"))
    page.goto(f"{demo.url}/catalog?q=hostile")
    settle(page)
    expect(page.get_by_text(IMAGE).first).to_be_visible()
    assert_harmless(page)
