"""Local sign-in over HTTP: the cookie, the form token, redirects, and where it is refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.access.policy import Actor
from core.api import signin
from core.config import ROOT, is_loopback
from core.errors import Invalid
from tests.conftest import forget_settings

Make = Callable[..., Actor]
HOST = "127.0.0.1:8501"


async def page(request: Request) -> PlainTextResponse:
    actor = signin.signed_in_actor(request.cookies.get(signin.COOKIE), request.headers.get("host"))
    return PlainTextResponse(actor.name if actor else "nobody")


@pytest.fixture
def browser(store: str) -> TestClient:
    """A client that keeps cookies, before an app whose page tells who is signed in."""
    app = Starlette(routes=[*signin.ROUTES, Route("/{path:path}", page)], middleware=[Middleware(signin.LocalSignIn)])
    return TestClient(app, headers={"accept": "text/html"}, base_url=f"http://{HOST}")


def token_in(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found
    return found.group(1)


def continue_as(browser: TestClient, person: Actor, **more: str) -> object:
    csrf = token_in(browser.get("/auth/sign-in").text)
    return browser.post("/auth/sign-in", data={"csrf": csrf, "person": person.id} | more, follow_redirects=False)


def test_a_visitor_is_sent_to_sign_in_and_back_to_where_they_wanted(browser: TestClient, person: Make) -> None:
    ada = person("data scientist", name="Ada")
    sent = browser.get("/catalog?q=champion&kind=asset", follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/auth/sign-in?next=%2Fcatalog%3Fq%3Dchampion%26kind%3Dasset",
    )
    back = continue_as(browser, ada, next="/catalog?q=champion&kind=asset")
    assert back.headers["location"] == "/catalog?q=champion&kind=asset"  # type: ignore[attr-defined]
    assert browser.get("/catalog").text == "Ada"


def test_the_cookie_is_signed_http_only_and_same_site(browser: TestClient, person: Make) -> None:
    answer = continue_as(browser, person())
    cookie = answer.headers["set-cookie"]  # type: ignore[attr-defined]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie


def test_a_form_from_another_site_is_refused(browser: TestClient, person: Make) -> None:
    ada = person(name="Ada")
    stranger = TestClient(browser.app, base_url=f"http://{HOST}", headers={"accept": "text/html"})
    stolen = token_in(stranger.get("/auth/sign-in").text)
    browser.get("/auth/sign-in")
    for data in ({"person": ada.id}, {"person": ada.id, "csrf": "nonsense"}, {"person": ada.id, "csrf": stolen}):
        assert browser.post("/auth/sign-in", data=data).status_code == 403
    good = token_in(browser.get("/auth/sign-in").text)
    evil = browser.post(
        "/auth/sign-in", data={"person": ada.id, "csrf": good}, headers={"origin": "https://evil.example"}
    )
    assert evil.status_code == 403
    assert signin.COOKIE not in browser.cookies


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""]
)
def test_nobody_is_redirected_to_elsewhere(browser: TestClient, person: Make, target: str) -> None:
    assert continue_as(browser, person(), next=target).headers["location"] == "/"  # type: ignore[attr-defined]


def test_a_forged_or_foreign_cookie_signs_nobody_in(browser: TestClient, person: Make) -> None:
    person(name="Ada")
    for forged in (
        "x",
        "WyJ4Il0.x.y",
        signin._signer("form").dumps("key"),
        signin._signer("session").dumps("unknown key"),
    ):
        browser.cookies.set(signin.COOKIE, forged)
        assert browser.get("/", follow_redirects=False).status_code == 303


def test_signing_out_ends_the_sign_in_in_the_store(browser: TestClient, person: Make) -> None:
    continue_as(browser, person(name="Ada"))
    stolen = browser.cookies[signin.COOKIE]
    browser.post("/auth/sign-out", data={"csrf": token_in(browser.get("/auth/sign-in").text)})
    browser.cookies.set(signin.COOKIE, stolen)
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_a_new_sign_in_ends_the_one_before_in_this_browser(browser: TestClient, person: Make) -> None:
    ada, grace = person(name="Ada"), person(name="Grace")
    continue_as(browser, ada)
    former = browser.cookies[signin.COOKIE]
    continue_as(browser, grace)
    assert signin.signed_in_actor(former, HOST) is None
    assert browser.get("/").text == "Grace"


def test_the_first_person_of_an_empty_portal_becomes_administrator_and_only_the_first(browser: TestClient) -> None:
    csrf = token_in(browser.get("/auth/sign-in").text)
    browser.post("/auth/sign-in", data={"csrf": csrf, "name": "Ada"})
    actor = signin.signed_in_actor(browser.cookies[signin.COOKIE], HOST)
    assert actor is not None
    assert actor.roles == {"administrator"}
    csrf = token_in(browser.get("/auth/sign-in").text)
    assert browser.post("/auth/sign-in", data={"csrf": csrf, "name": "Eve"}).status_code == 403


def test_from_afar_nobody_signs_in_and_the_page_says_what_to_set(
    browser: TestClient, person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = person(name="Ada")
    csrf = token_in(browser.get("/auth/sign-in").text)
    monkeypatch.setenv("PORTAL_ADDRESS", "0.0.0.0")
    forget_settings()
    answer = browser.get("/auth/sign-in")
    assert (answer.status_code, "Ada" in answer.text, "PORTAL_LOCAL_SIGNIN=any" in answer.text) == (403, False, True)
    assert browser.post("/auth/sign-in", data={"csrf": csrf, "person": ada.id}).status_code == 403
    monkeypatch.setenv("PORTAL_LOCAL_SIGNIN", "any")
    forget_settings()
    assert "Ada" in browser.get("/auth/sign-in").text


@pytest.mark.parametrize("host", ["evil.example:8501", "127.0.0.1.evil.example", "192.168.1.5:8501", ""])
def test_a_site_whose_name_points_to_this_machine_signs_nobody_in(browser: TestClient, person: Make, host: str) -> None:
    ada = person(name="Ada")
    continue_as(browser, ada)
    csrf = token_in(browser.get("/auth/sign-in").text)
    rebound = {"host": host, "origin": f"http://{host}"}
    refused = browser.post("/auth/sign-in", data={"csrf": csrf, "person": ada.id}, headers=rebound)
    assert (refused.status_code, "set-cookie: portal_session" in str(refused.headers)) == (403, False)
    shown = browser.get("/auth/sign-in", headers={"host": host})
    assert (shown.status_code, "Ada" in shown.text) == (403, False)
    assert "people sign in at localhost or 127.0.0.1 alone" in shown.text
    assert browser.get("/catalog", headers={"host": host}, follow_redirects=False).status_code == 303
    assert browser.get("/catalog.csv", headers={"host": host}).text == "nobody"
    assert browser.get("/catalog").text == "Ada"


def test_the_first_administrator_is_not_made_from_afar(browser: TestClient) -> None:
    csrf = token_in(browser.get("/auth/sign-in").text)
    data = {"csrf": csrf, "name": "Eve"}
    assert browser.post("/auth/sign-in", data=data, headers={"host": "evil.example"}).status_code == 403
    assert "Start as administrator" in browser.get("/auth/sign-in").text


@pytest.mark.parametrize("host", ["localhost:8501", "[::1]:8501", "127.0.0.2"])
def test_every_loopback_name_of_this_machine_is_let_in(browser: TestClient, person: Make, host: str) -> None:
    continue_as(browser, person(name="Ada"))
    assert browser.get("/catalog", headers={"host": host}).text == "Ada"


def test_where_it_is_switched_on_for_any_address_any_host_is_let_in(
    browser: TestClient, person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_LOCAL_SIGNIN", "any")
    monkeypatch.setenv("PORTAL_PUBLIC_URL", "https://factory.example")
    forget_settings()
    continue_as(browser, person(name="Ada"))
    assert "Ada" in browser.get("/auth/sign-in", headers={"host": "factory.example"}).text


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("PORTAL_PUBLIC_URL", "https://factory.example", "is reached at https://factory.example"),
        ("PORTAL_ADDRESS", "0.0.0.0", "listens on 0.0.0.0"),
        ("PORTAL_LOCAL_SIGNIN", "off", "switched off"),
    ],
)
def test_the_sign_in_page_says_why_nobody_signs_in(
    browser: TestClient, person: Make, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, told: str
) -> None:
    ada = person(name="Ada")
    csrf = token_in(browser.get("/auth/sign-in").text)
    monkeypatch.setenv(setting, value)
    forget_settings()
    for answer in (
        browser.get("/auth/sign-in"),
        browser.post("/auth/sign-in", data={"csrf": csrf, "person": ada.id}),
    ):
        assert (answer.status_code, told in answer.text, "Ada" in answer.text) == (403, True, False)


@pytest.mark.parametrize("listens", [None, "", "0.0.0.0", "::", "192.168.1.5", "factory.example"])
def test_a_server_that_listens_to_others_does_not_start_while_the_settings_say_that_nobody_else_can_ask(
    monkeypatch: pytest.MonkeyPatch, listens: str | None
) -> None:
    with pytest.raises(Invalid, match="PORTAL_ADDRESS says"):
        signin.require_closed_doors(listens)
    monkeypatch.setenv("PORTAL_ADDRESS", "0.0.0.0")
    forget_settings()
    signin.require_closed_doors(listens)


@pytest.mark.parametrize("listens", ["127.0.0.1", "localhost", "::1"])
def test_a_server_on_loopback_starts(listens: str) -> None:
    signin.require_closed_doors(listens)


def test_the_launcher_listens_on_loopback_unless_told_otherwise() -> None:
    with (ROOT / ".streamlit" / "config.toml").open("rb") as file:
        assert is_loopback(tomllib.load(file)["server"]["address"])


def test_markup_in_a_name_is_text_on_the_sign_in_page(browser: TestClient, person: Make) -> None:
    person(name="<script>alert(1)</script>")
    html = browser.get("/auth/sign-in").text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_parts_of_a_page_are_not_redirected(browser: TestClient) -> None:
    for path in ("/_stcore/health", "/static/app.js", "/api/v1/health", "/favicon.png"):
        assert browser.get(path, follow_redirects=False).status_code == 200
