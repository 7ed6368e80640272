"""A browser that walks through the running portal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.found import chromium
from tests.serving import Portal, start

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000

__all__ = ["PATIENCE_MS", "Portal", "browser", "settle", "sign_in", "start"]


@contextmanager
def browser() -> Iterator[Browser]:
    """The installed Chromium or Chrome, headless."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield made
        made.close()


def sign_in(page: Page, url: str, name: str, *, path: str = "/") -> None:
    """Open the portal and continue as the person called ``name``."""
    page.goto(f"{url}/auth/sign-in?next={path}")
    page.get_by_role("button", name=f"Continue as {name}").click()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page's script has run and its elements are there."""
    expect(page.get_by_test_id("stApp")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", level=1).first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-testid=stSkeleton]') && !document.querySelector('[data-stale=true]')",
        timeout=PATIENCE_MS,
    )
