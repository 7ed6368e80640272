"""Sign-in through an identity provider as the pages meet it: claims in a cookie that is shown at every visit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.access import queries
from core.activity import queries as activity
from core.config import ROOT
from core.people import actions as people
from pages.parts import actor as actors
from tests.conftest import SYSTEM, forget_settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
sqlite_only = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


class Provider:
    """What the browser's cookie holds, and the time."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] | None = self.token()
        self.at = NOON

    def token(self, *groups: str, minutes: int = 0, **more: Any) -> dict[str, Any]:
        issued = int((NOON + timedelta(minutes=minutes)).timestamp())
        known = {"iss": "https://idp", "sub": "ada", "name": "Ada Author", "groups": list(groups)}
        return {**known, "iat": issued, "exp": issued + 3600, "is_logged_in": True, **more}

    def visit(self, claims: dict[str, Any] | None) -> AppTest:
        """A new session of a browser that holds these claims."""
        self.claims = claims
        app = AppTest.from_file(ROOT / "pages" / "portal.py", default_timeout=30).run()
        assert not app.exception
        return app


@pytest.fixture
def provider(store: str, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A portal whose people come from a provider, where the group ``risk`` makes a reviewer."""
    made = Provider()
    for name, value in {
        "OIDC_METADATA_URL": "https://idp/.well-known/openid-configuration", "OIDC_CLIENT_ID": "portal",
        "OIDC_CLIENT_SECRET": "not-a-real-secret", "OIDC_ROLES": '{"risk": "reviewer"}', "SESSION_HOURS": "8",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"PORTAL_{name}", value)
    forget_settings()
    monkeypatch.setattr(people, "now", lambda: made.at)
    monkeypatch.setattr(actors, "provider_claims", lambda: made.claims)
    return made


def texts(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.title, *app.markdown, *app.caption, *app.info, *app.error])


def roles(app: AppTest) -> str:
    return next(str(one.value) for one in app.caption)


def sign_ins() -> int:
    with db.reading() as session:
        return sum(one.event == "signed-in" for one in activity.since(session, 0))


@sqlite_only
def test_nobody_is_offered_a_way_in_and_no_more(provider: Provider) -> None:
    app = provider.visit(None)
    assert [one.label for one in app.button] == ["Sign in"]
    assert "ended" not in texts(app)


@sqlite_only
def test_a_reload_is_no_new_sign_in(provider: Provider) -> None:
    for _ in range(3):
        assert "Welcome, Ada" in texts(provider.visit(provider.token("risk")).run())
    assert sign_ins() == 1
    provider.visit(provider.token("risk", minutes=5))
    assert sign_ins() == 2


@sqlite_only
def test_an_older_cookie_brings_no_role_back(provider: Provider) -> None:
    old = provider.token("risk")
    assert roles(provider.visit(old)) == "reviewer"
    first = provider.visit(provider.token(minutes=5))
    assert roles(first).startswith("No role yet")
    assert roles(provider.visit(old)).startswith("No role yet")
    assert sign_ins() == 2


@sqlite_only
def test_a_running_session_loses_what_a_newer_sign_in_takes_away(provider: Provider) -> None:
    old = provider.token("risk")
    running = provider.visit(old)
    provider.visit(provider.token(minutes=5))
    provider.claims = old
    assert roles(running.run()).startswith("No role yet")


@sqlite_only
def test_a_sign_in_ends_with_the_session_hours_also_while_a_page_is_open(provider: Provider) -> None:
    app = provider.visit(provider.token("risk"))
    provider.at = NOON + timedelta(hours=7, minutes=59)
    assert roles(app.run()) == "reviewer"
    provider.at = NOON + timedelta(hours=8)
    for ended in (app.run(), provider.visit(provider.token("risk"))):
        assert "it holds for 8 hours" in texts(ended)
        assert "Welcome" not in texts(ended)
        assert [one.label for one in ended.button] == ["Sign in"]


@sqlite_only
def test_claims_without_a_time_let_nobody_in(provider: Provider) -> None:
    assert "has ended" in texts(provider.visit(provider.token("risk", iat=None)))


@sqlite_only
def test_a_deactivated_person_is_told_so(provider: Provider) -> None:
    provider.visit(provider.token("risk"))
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=queries.people(session)[0].id)
    for app in (provider.visit(provider.token("risk")), provider.visit(provider.token("risk", minutes=5))):
        assert "Your account is deactivated" in texts(app)
        assert [one.label for one in app.button] == ["Sign out"]


@sqlite_only
@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada\n\x00Author"}, "Ada"),
        ({"name": "A" * 500}, "A" * 200),
        ({"name": None, "email": "ada@factory.example"}, "ada@factory.example"),
        ({"name": None, "email": "nonsense"}, "nonsense"),
        ({"name": 7}, "7"),
        ({"name": ""}, "ada"),
    ],
)
def test_any_name_of_the_provider_gets_in(provider: Provider, claims: dict[str, Any], name: str) -> None:
    assert f"Welcome, {name}" in texts(provider.visit(provider.token("risk", **claims))).replace("\\", "")


@sqlite_only
@pytest.mark.parametrize("groups", ["risk", ["risk"], ["x", "risk", 7]])
def test_groups_are_one_word_or_a_list(provider: Provider, groups: object) -> None:
    assert roles(provider.visit(provider.token(groups=groups))) == "reviewer"
