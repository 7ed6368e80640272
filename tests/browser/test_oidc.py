"""Sign-in through an OpenID Connect provider, roles from groups, and a proposal that takes two people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import oidc_provider_mock
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import running
from tests.browser.running import PATIENCE_MS, Portal, settle
from tests.conftest import free_port

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]  # one portal and one browser for all journeys

PEOPLE = {
    "ada": {"name": "Ada Author", "email": "ada@factory.example", "email_verified": True, "groups": ["engineers"]},
    "rui": {"name": "Rui Reviewer", "email": "rui@factory.example", "email_verified": True, "groups": ["risk"]},
    "ann": {"name": "Ann Administrator", "email": "ann@factory.example", "email_verified": True, "groups": []},
    "mia": {"name": "Mia Mover", "email": "mia@factory.example", "email_verified": True, "groups": ["risk"]},
    "eve": {"name": "Eve Elsewhere", "email": "eve@factory.example", "email_verified": True, "groups": ["visitors"]},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A real OpenID Connect provider on loopback that knows these people."""
    claims = [oidc_provider_mock.User(sub=sub, claims=dict(more)) for sub, more in PEOPLE.items()]
    with oidc_provider_mock.run_server_in_thread(user_claims=claims) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def portal(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal that signs people in through the provider."""
    port = free_port()
    started = running.start(
        tmp_path_factory.mktemp("oidc") / "data",
        PORT=str(port),
        PORTAL_OIDC_METADATA_URL=f"{provider}/.well-known/openid-configuration",
        PORTAL_OIDC_CLIENT_ID="portal",
        PORTAL_OIDC_CLIENT_SECRET="not-a-real-secret",
        PORTAL_OIDC_ROLES='{"engineers": "ML engineer", "risk": "reviewer"}',
        PORTAL_PUBLIC_URL=f"http://127.0.0.1:{port}",
        PORTAL_ADMINISTRATOR="ann@factory.example",
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
    )
    yield started
    started.stop()


def enter(chromium: Browser, portal: Portal, subject: str) -> Page:
    """A browser of its own in which ``subject`` has signed in."""
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(portal.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder(re.compile("sub", re.IGNORECASE)).or_(
        page.get_by_label(re.compile("sub", re.IGNORECASE))
    ).first.fill(subject)
    page.get_by_role("button", name=re.compile("authorize|sign in|log ?in", re.IGNORECASE)).first.click()
    page.wait_for_url(f"{portal.url}/**")
    settle(page)
    return page


def test_a_proposal_is_approved_by_another_person_and_never_by_its_proposer(portal: Portal, chromium: Browser) -> None:
    ada = enter(chromium, portal, "ada")
    expect(ada.get_by_role("heading", name="Welcome, Ada")).to_be_visible()
    ada.goto(f"{portal.url}/entry?ref=asset:default/drift-statistics")
    settle(ada)
    ada.get_by_role("button", name="Propose a change").click()
    expect(ada.get_by_label("Title", exact=False).first).to_be_visible()
    settle(ada)
    title = ada.get_by_label("Title", exact=False).first
    title.fill("Drift statistics that know the sample size")
    title.press("Tab")
    settle(ada)
    ada.get_by_role("button", name="Send proposal").click()
    expect(ada).to_have_url(re.compile("proposal="))
    settle(ada)
    expect(ada.get_by_role("button", name="Approve")).to_have_count(0)
    waiting = ada.url

    rui = enter(chromium, portal, "rui")
    rui.goto(waiting)
    settle(rui)
    rui.get_by_role("button", name="Approve").click()
    expect(rui.get_by_text(re.compile("Approved by"))).to_be_visible()
    rui.goto(f"{portal.url}/entry?ref=asset:default/drift-statistics")
    expect(rui.get_by_role("heading", name="Drift statistics that know the sample size", level=1)).to_be_visible()
    for page in (ada, rui):
        page.context.close()


def test_the_first_administrator_comes_from_configuration(portal: Portal, chromium: Browser) -> None:
    ann = enter(chromium, portal, "ann")
    expect(ann.get_by_role("link", name="Admin")).to_be_visible()
    ann.reload()
    settle(ann)
    expect(ann.get_by_role("link", name="Admin")).to_be_visible()
    ann.context.close()


def test_a_role_that_left_with_its_group_does_not_come_back_with_the_cookie_of_another_browser(
    portal: Portal, provider: str, chromium: Browser
) -> None:
    before = enter(chromium, portal, "mia")
    expect(before.get_by_role("link", name="Proposals")).to_be_visible()
    before.wait_for_timeout(1100)  # the provider tells the time of a token in whole seconds
    put_out = {**PEOPLE["mia"], "groups": []}
    assert before.request.put(f"{provider}/users/mia", data=put_out).status == 204
    after = enter(chromium, portal, "mia")
    for page in (after, before):
        page.goto(portal.url)
        settle(page)
        expect(page.get_by_text("no role yet").first).to_be_visible()
        expect(page.get_by_role("link", name="Proposals")).to_have_count(0)
        page.context.close()


def test_somebody_without_a_mapped_group_gets_in_and_sees_nothing(portal: Portal, chromium: Browser) -> None:
    eve = enter(chromium, portal, "eve")
    expect(eve.get_by_text("no role yet").first).to_be_visible()
    eve.goto(f"{portal.url}/catalog?q=drift")
    expect(eve.get_by_text("may not do this").first).to_be_visible()
    eve.context.close()


def test_local_sign_in_is_off_beside_a_provider(portal: Portal, chromium: Browser) -> None:
    page = chromium.new_context().new_page()
    answer = page.goto(f"{portal.url}/auth/sign-in")
    assert answer is not None
    assert answer.status == 403
    assert page.get_by_role("button", name="Continue as").count() == 0
    page.context.close()
