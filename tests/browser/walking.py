"""What people do on any page: fields, choices, buttons, tabs, and what they wait to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.running import PATIENCE_MS, Portal, settle, sign_in

Enter = Callable[..., Page]


@contextmanager
def people_of(portal: Portal, chromium: Browser) -> Iterator[Enter]:
    """Open a portal as somebody, in a browser of their own: ``enter("Priya Raman", "/projects")``; closed at the end."""
    opened: list[Page] = []

    def as_person(name: str, path: str = "/") -> Page:
        page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        opened.append(page)
        sign_in(page, portal.url, name)
        return go(page, portal.url + path)

    yield as_person
    for page in opened:
        page.context.close()


def go(page: Page, url: str) -> Page:
    """Open an address, as from a mail."""
    page.goto(url)
    settle(page)
    return page


def write(page: Page | Locator, label: str, words: str) -> None:
    """Type into a field and leave it, as a person does before the next one."""
    field = page.get_by_role("textbox", name=label)
    field.fill(words)
    field.press("Tab")


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).first.click()
    settle(page)


def tick(page: Page, statement: str) -> None:
    """Tick a box by its words."""
    page.get_by_text(statement, exact=True).click()
    expect(page.get_by_role("checkbox", name=statement)).to_be_checked(timeout=PATIENCE_MS)
    settle(page)


def turn_to(page: Page, tab: str) -> None:
    """Open a tab of a detail page."""
    page.get_by_role("tab", name=tab, exact=True).click()
    settle(page)


def press(page: Page | Locator, name: str | re.Pattern[str]) -> None:
    """Press a button."""
    page.get_by_role("button", name=name, exact=isinstance(name, str)).first.click()


def told(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until the page says these words."""
    expect(page.get_by_text(words).first).to_be_visible(timeout=PATIENCE_MS)
    settle(page)
