"""axe on every page, in both themes and at both widths: no serious violation."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.running import PATIENCE_MS, Portal, settle, sign_in
from tests.browser.screenshots import PAGES
from tests.browser.test_journeys import person_with

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("axe")]  # long enough to run beside the journeys

TABS = {
    "readme": "/entry?ref=asset:default/drift-statistics&tab=README",
    "versions": "/entry?ref=asset:default/drift-statistics&tab=Versions",
    "adopters": "/entry?ref=asset:default/drift-statistics&tab=Adopters",
    "checklist": "/entry?ref=checklist:default/model-release",
    "facet-chosen": "/catalog?q=drift&kind=asset&tag=drift",
    "nothing-found": "/catalog?q=quantum+unicorns",
}


# Streamlit's own navigation puts section headings between list items; nothing of ours can change that.
CONTEXT = {"exclude": [["[data-testid=stSidebarNavItems]"]]}


def serious(violations: list[dict]) -> list[str]:  # type: ignore[type-arg]
    return [
        f"{one['id']}: {one['help']} — {one['nodes'][0]['html'][:160]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_has_a_serious_violation(demo: Portal, chromium: Browser, theme: str, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{demo.url}/auth/sign-in")
    expect(page.get_by_role("button", name="Continue as").first).to_be_visible()
    found = {"sign-in": serious(Axe().run(page, context=CONTEXT).response["violations"])}
    sign_in(page, demo.url, person_with(demo, "ML engineer", team=False))
    for name, path in (PAGES | TABS).items():
        if name == "admin":
            sign_in(page, demo.url, person_with(demo, "administrator"))
        page.goto(demo.url + path)
        settle(page)
        found[name] = serious(Axe().run(page, context=CONTEXT).response["violations"])
    context.close()
    assert not {name: listed for name, listed in found.items() if listed}
