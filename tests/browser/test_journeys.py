"""What a newcomer does in the first minutes, in a real browser against the real portal."""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from tests.browser.running import PATIENCE_MS, Portal, settle, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]  # one portal and one browser for all journeys


def person_with(demo: Portal, role: str, *, team: bool = False) -> str:
    """The name of a demo person with this role, and with a project to act for where ``team`` is asked."""
    store = sqlite3.connect(f"file:{demo.data / 'portal.sqlite'}?mode=ro", uri=True)
    statement = "SELECT person.name FROM person JOIN role_grant ON role_grant.person_id = person.id AND role_grant.state = 'active'"
    if team:
        statement += (
            " JOIN team_member ON team_member.person_id = person.id JOIN project ON project.team_id = team_member.team_id"
            " AND project.stage IN ('explore', 'experiment', 'operate')"
        )
    row = store.execute(f"{statement} WHERE role_grant.role = ? ORDER BY person.name", (role,)).fetchone()
    store.close()
    return str(row[0])


def search(page: Page, words: str) -> None:
    box = page.get_by_label("Search the factory")
    box.fill(words)
    box.press("Enter")
    expect(page.get_by_role("heading", name="Catalog", level=1)).to_be_visible()
    settle(page)


def test_search_open_copy_adopt_and_see_it_in_an_intact_log(demo: Portal, page: Page, chromium: Browser) -> None:
    sign_in(page, demo.url, person_with(demo, "data scientist", team=True))
    search(page, "champion")
    assert "q=champion" in page.url
    page.get_by_role("link", name="Champion and challenger comparison").first.click()
    expect(page.get_by_role("heading", name="Champion and challenger comparison", level=1)).to_be_visible()
    settle(page)

    code = page.get_by_test_id("stCode").nth(1)
    code.hover()
    code.get_by_role("button").first.click()
    assert "from champion_challenger import" in page.evaluate("navigator.clipboard.readText()")

    page.get_by_role("button", name="Adopt for a project").click()
    page.get_by_role("button", name="Adopt", exact=True).click()
    expect(page.get_by_text("uses this entry from now on")).to_be_visible()
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_text("adopted version").first).to_be_visible()

    page.reload()
    settle(page)
    expect(page.get_by_role("heading", name="Champion and challenger comparison", level=1)).to_be_visible()
    second = page.context.new_page()
    second.goto(f"{demo.url}/catalog?q=drift&kind=asset")
    settle(second)
    expect(second.get_by_text("for “drift”")).to_be_visible()

    auditor = chromium.new_context().new_page()
    auditor.set_default_timeout(PATIENCE_MS)
    sign_in(auditor, demo.url, person_with(demo, "auditor"), path="/activity")
    expect(auditor.get_by_text("adopted version").first).to_be_visible()
    auditor.get_by_role("button", name=re.compile("Verify")).click()
    expect(auditor.get_by_text(re.compile("intact", re.IGNORECASE)).first).to_be_visible()
    auditor.context.close()


def test_admin_is_there_for_an_administrator_and_for_nobody_else(demo: Portal, page: Page, chromium: Browser) -> None:
    sign_in(page, demo.url, person_with(demo, "administrator"))
    expect(page.get_by_role("link", name="Admin")).to_be_visible()
    other = chromium.new_context().new_page()
    sign_in(other, demo.url, person_with(demo, "data scientist"))
    expect(other.get_by_role("link", name="Catalog")).to_be_visible()
    expect(other.get_by_role("link", name="Admin")).to_have_count(0)
    other.goto(f"{demo.url}/admin")
    settle(other)
    expect(other.get_by_role("heading", name="Admin", level=1)).to_have_count(0)
    other.context.close()


def test_the_models_page_shows_models_that_were_really_trained(demo: Portal, page: Page) -> None:
    wait_for_champions(demo, page)
    sign_in(page, demo.url, person_with(demo, "manager"), path="/models")
    first = page.get_by_role("option").first
    for _ in range(3):  # the list of models may be drawn anew while it is open
        page.get_by_label("Open a model").click()
        with suppress(TimeoutError):
            first.wait_for(timeout=PATIENCE_MS / 3)
            break
    first.click()
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    settle(page)
    expect(page.get_by_text("champion").first).to_be_visible()


def wait_for_champions(demo: Portal, page: Page) -> None:
    """The demo's models are trained while the portal runs; wait until the mirror has seen their champions."""
    for _ in range(120):
        store = sqlite3.connect(f"file:{demo.data / 'portal.sqlite'}?mode=ro", uri=True)
        count = store.execute("SELECT count(*) FROM mirror_alias WHERE alias = 'champion'").fetchone()[0]
        store.close()
        if count >= 5:
            return
        page.wait_for_timeout(2000)
    raise AssertionError(f"after four minutes the mirror has {count} champions")


def test_a_page_that_fails_shows_a_reference_and_no_trace(demo: Portal, page: Page) -> None:
    sign_in(page, demo.url, person_with(demo, "data scientist"))
    for path in ("/entry?ref=%00", "/entry?ref=nothing", "/models?model=none", "/catalog?page=zzz", "/nowhere"):
        page.goto(demo.url + path)
        expect(page.get_by_test_id("stApp")).to_be_visible()
        expect(page.get_by_text("Traceback")).to_have_count(0)


def test_the_portal_ends_cleanly_when_asked(tmp_path: Path) -> None:
    from tests.browser import running

    portal = running.start(tmp_path / "data", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert portal.stop() == 0
