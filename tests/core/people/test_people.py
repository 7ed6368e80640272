"""People, roles with two-person grants, sign-ins and tokens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.access.tables import Person, RoleGrant, SignIn, Token
from core.activity import queries as activity
from core.config import settings
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import actions as people
from tests.conftest import SYSTEM, actor_now, forget_settings

Make = Callable[..., Actor]


def events_of(session: Session) -> list[str]:
    return [line.event for line in activity.since(session, 0)]


def propose(admin: Actor, person_id: str, role: str) -> RoleGrant:
    with db.writing() as session:
        return people.grant_role(session, actor=admin, person_id=person_id, role=role)


@pytest.mark.parametrize("role", sorted(policy.TWO_PERSON_ROLES))
def test_a_sensitive_role_waits_for_a_second_administrator(store: str, person: Make, role: str) -> None:
    first, second, somebody = person("administrator"), person("administrator"), person()
    grant = propose(first, somebody.id, role)
    assert actor_now(somebody.id).roles == set()
    with pytest.raises(NotAllowed, match="second person"), db.writing() as session:
        people.decide_role(session, actor=first, grant_id=grant.id or 0, confirm=True)
    with db.writing() as session:
        people.decide_role(session, actor=second, grant_id=grant.id or 0, confirm=True)
    assert actor_now(somebody.id).roles == {role}


def test_nobody_confirms_a_role_for_themselves(store: str, person: Make) -> None:
    first, second = person("administrator"), person("administrator")
    grant = propose(first, second.id, "reviewer")
    with pytest.raises(NotAllowed, match="themselves"), db.writing() as session:
        people.decide_role(session, actor=second, grant_id=grant.id or 0, confirm=True)


def test_a_declined_role_is_not_held_and_cannot_be_confirmed_later(store: str, person: Make) -> None:
    first, second, somebody = person("administrator"), person("administrator"), person()
    grant = propose(first, somebody.id, "manager")
    with db.writing() as session:
        people.decide_role(session, actor=second, grant_id=grant.id or 0, confirm=False)
    with pytest.raises(Conflict, match="declined"), db.writing() as session:
        people.decide_role(session, actor=second, grant_id=grant.id or 0, confirm=True)


def test_an_ordinary_role_holds_at_once_and_is_told(store: str, person: Make) -> None:
    admin, somebody = person("administrator"), person()
    propose(admin, somebody.id, "data scientist")
    assert actor_now(somebody.id).roles == {"data scientist"}
    with db.reading() as session:
        assert events_of(session)[-1] == "role-granted"


def test_only_administrators_grant_roles(store: str, person: Make) -> None:
    manager, somebody = person("manager"), person()
    with pytest.raises(NotAllowed):
        propose(manager, somebody.id, "data scientist")


@pytest.mark.parametrize(
    ("role", "kind", "key"),
    [("king", "organisation", ""), ("reviewer", "galaxy", ""), ("reviewer", "organisation", "x")],
)
def test_a_role_or_scope_that_does_not_exist_is_refused(
    store: str, person: Make, role: str, kind: str, key: str
) -> None:
    admin, somebody = person("administrator"), person()
    with pytest.raises(Invalid), db.writing() as session:
        people.grant_role(session, actor=admin, person_id=somebody.id, role=role, scope_kind=kind, scope_id=key)


def test_the_last_administrator_keeps_the_role(store: str, person: Make) -> None:
    admin = person("administrator")
    with db.reading() as session:
        grant = queries.grants_of(session, admin.id)[0]
    with pytest.raises(Conflict, match="last administrator"), db.writing() as session:
        people.revoke_role(session, actor=admin, grant_id=grant.id or 0)


def test_a_deactivated_person_loses_access_at_once_and_keeps_their_name(store: str, person: Make) -> None:
    admin, somebody = person("administrator"), person("data scientist", name="Grace Example")
    with db.writing() as session:
        key = people.sign_in_locally(session, person_id=somebody.id)
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=somebody.id)
    with db.reading() as session:
        assert queries.actor_for_sign_in(session, key) is None
        assert queries.names(session, {somebody.ref})[somebody.ref] == "Grace Example"


def test_an_erased_person_leaves_a_pseudonym(store: str, person: Make) -> None:
    admin, somebody = person("administrator"), person(name="Grace Example")
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=somebody.id)
        people.erase_person(session, actor=admin, person_id=somebody.id)
    with db.reading() as session:
        kept = session.get(Person, somebody.id)
        assert kept is not None
        assert "Grace" not in kept.name


def test_a_sign_in_ends_on_request_and_on_time(store: str, person: Make) -> None:
    somebody = person("data scientist")
    with db.writing() as session:
        first = people.sign_in_locally(session, person_id=somebody.id)
        second = people.sign_in_locally(session, person_id=somebody.id)
        people.sign_out(session, key=first)
    with db.writing() as session:
        kept = session.get(SignIn, queries.digest(second))
        assert kept is not None
        kept.expires_at = db.now() - timedelta(seconds=1)
    with db.reading() as session:
        assert queries.actor_for_sign_in(session, first) is None
        assert queries.actor_for_sign_in(session, second) is None


def test_local_sign_in_is_refused_where_it_is_not_admitted(
    store: str, person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = person()
    monkeypatch.setenv("PORTAL_ADDRESS", "0.0.0.0")
    forget_settings()
    with pytest.raises(NotAllowed, match="switched off"), db.writing() as session:
        people.sign_in_locally(session, person_id=somebody.id)


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of sign-ins stands still."""
    monkeypatch.setattr(people, "now", lambda: NOON)


def vouch(groups: list[str], *, minutes: int = 0, **more: object) -> Actor:
    """What the provider says ``minutes`` after noon."""
    claims = {
        "issuer": "https://idp",
        "subject": "s-1",
        "issued_at": NOON + timedelta(minutes=minutes),
        "name": "Ada",
        "email": "ada@factory.example",
        "email_verified": True,
    }
    with db.writing() as session:
        return people.sign_in_from_provider(session, people.Vouched(groups=tuple(groups), **(claims | more)))  # type: ignore[arg-type]


@pytest.fixture
def risk_reviews(noon: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's group ``risk`` makes a reviewer, ``lab`` a data scientist of a unit."""
    monkeypatch.setenv("PORTAL_OIDC_ROLES", '{"risk": "reviewer", "lab": "data scientist@unit/health"}')
    settings.cache_clear()


def test_groups_of_the_provider_become_roles_and_leave_with_the_group(store: str, risk_reviews: None) -> None:
    assert vouch(["risk", "lab", "unknown"]).grants == {
        policy.Grant("reviewer"),
        policy.Grant("data scientist", "unit", "health"),
    }
    assert vouch(["lab"], minutes=1).roles == {"data scientist"}


def test_a_role_that_left_with_its_group_does_not_come_back_with_older_claims(store: str, risk_reviews: None) -> None:
    assert vouch(["risk"]).roles == {"reviewer"}
    assert vouch([], minutes=5).roles == set()
    assert vouch(["risk"]).roles == set()
    assert vouch(["risk"], minutes=4).roles == set()
    assert vouch(["risk"], minutes=5).roles == set()
    assert vouch(["risk"], minutes=6).roles == {"reviewer"}


def test_older_claims_take_no_role_away_either(store: str, risk_reviews: None) -> None:
    assert vouch(["risk"], minutes=5).roles == {"reviewer"}
    assert vouch([]).roles == {"reviewer"}


def test_what_another_person_was_told_is_not_older_than_what_this_one_is(store: str, risk_reviews: None) -> None:
    vouch([], minutes=5)
    assert vouch(["risk"], subject="s-2", email=None).roles == {"reviewer"}


def test_one_identity_token_is_one_sign_in_however_often_it_is_shown(store: str, noon: None) -> None:
    for minutes in (0, 0, 7, 7, 0):
        vouch([], minutes=minutes)
    with db.reading() as session:
        assert events_of(session).count("signed-in") == 2


def test_one_identity_token_shown_by_many_tabs_at_once_is_one_sign_in(store: str, risk_reviews: None) -> None:
    known = vouch([], minutes=-1)
    with ThreadPoolExecutor(6) as tabs:
        found = list(tabs.map(lambda _: vouch(["risk"]), range(6)))
    assert {(one.id, *one.roles) for one in found} == {(known.id, "reviewer")}
    with db.reading() as session:
        assert events_of(session).count("signed-in") == 2
        assert events_of(session).count("role-granted") == 1


@pytest.mark.parametrize(("hours", "ended"), [(11, False), (12, True), (24 * 29, True)])
def test_a_sign_in_of_the_provider_ends_with_the_session_hours(store: str, noon: None, hours: int, ended: bool) -> None:
    if not ended:
        assert vouch([], minutes=-60 * hours).name == "Ada"
        return
    with pytest.raises(NotAllowed, match="has ended"):
        vouch([], minutes=-60 * hours)
    with db.reading() as session:
        assert queries.people(session) == []


def test_an_ended_sign_in_gives_back_no_role(store: str, risk_reviews: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SESSION_HOURS", "1")
    settings.cache_clear()
    with pytest.raises(NotAllowed):
        vouch(["risk"], minutes=-61)
    assert vouch([], minutes=-59).roles == set()


def test_a_deactivated_person_is_not_let_in_by_newer_claims(store: str, noon: None, person: Make) -> None:
    ada = vouch([])
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=ada.id)
    with pytest.raises(NotAllowed, match="deactivated"):
        vouch([], minutes=1)


def test_the_first_administrator_comes_from_configuration_once(
    store: str, noon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_ADMINISTRATOR", "ada@factory.example")
    settings.cache_clear()
    assert vouch([]).roles == {"administrator"}
    assert vouch([], subject="s-2", name="Eve", email="ADA@factory.example").roles == set()


def test_an_administrator_of_a_team_does_not_stand_in_for_the_first_one(
    store: str, noon: None, monkeypatch: pytest.MonkeyPatch, person: Make
) -> None:
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
    person("administrator", scope=("team", "risk"))
    monkeypatch.setenv("PORTAL_ADMINISTRATOR", "ada@factory.example")
    settings.cache_clear()
    assert vouch([]).roles == {"administrator"}


def test_an_unverified_address_makes_nobody_administrator_and_takes_over_nobody(
    store: str, noon: None, monkeypatch: pytest.MonkeyPatch, person: Make
) -> None:
    monkeypatch.setenv("PORTAL_ADMINISTRATOR", "ada@factory.example")
    settings.cache_clear()
    with db.writing() as session:
        known = people.add_person(session, actor=SYSTEM, name="Ada", email="ada@factory.example")
    actor = vouch([], email_verified=False)
    assert actor.roles == set()
    assert actor.id != known.id


def test_a_person_added_by_address_is_recognised_when_the_provider_vouches_for_it(store: str, noon: None) -> None:
    with db.writing() as session:
        known = people.add_person(session, actor=SYSTEM, name="Ada", email="ada@factory.example")
    assert vouch([]).id == known.id


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada\r\n\tLovelace\x00", "Ada Lovelace"),
        ("A" * 300, "A" * 200),
        ("A" * 199 + " B", "A" * 199),
        ("Ada \ud800", "Ada"),
        (" \n ", "ada@factory.example"),
        ("", "ada@factory.example"),
    ],
)
def test_a_name_of_the_provider_is_cleaned_and_keeps_nobody_out(store: str, noon: None, given: str, kept: str) -> None:
    assert vouch([], name=given).name == kept


@pytest.mark.parametrize("given", ["not an address", "a\x00@factory.example", "\ud800@factory.example", "@"])
def test_an_address_of_the_provider_that_is_none_keeps_nobody_out(store: str, noon: None, given: str) -> None:
    actor = vouch([], email=given)
    with db.reading() as session:
        assert queries.person(session, actor.id).email is None


def test_a_token_works_until_it_is_revoked_or_expires_and_only_its_digest_is_kept(store: str, person: Make) -> None:
    admin = person("administrator")
    with db.writing() as session:
        token, secret = people.create_token(session, actor=admin, name="ci", scopes=["gate:ask"], days=1)
    with db.reading() as session:
        actor = queries.actor_for_token(session, secret)
        assert actor is not None
        assert policy.may(actor, "gate.ask")
        kept = session.get(Token, token.id)
        assert kept is not None
        assert secret not in str(kept.model_dump())
        assert not [line for line in activity.since(session, 0) if secret in str(line)]
    with db.writing() as session:
        people.revoke_token(session, actor=admin, token_id=token.id or 0)
    with db.reading() as session:
        assert queries.actor_for_token(session, secret) is None


@pytest.mark.parametrize(("scopes", "days"), [(["everything"], 1), ([], 1), (["gate:ask"], 0), (["gate:ask"], 9999)])
def test_a_token_with_an_unknown_scope_or_lifetime_is_refused(store: str, scopes: list[str], days: int) -> None:
    with pytest.raises(Invalid), db.writing() as session:
        people.create_token(session, actor=SYSTEM, name="ci", scopes=scopes, days=days)


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "two\nlines", "x" * 201, "\ud800"])
def test_a_name_with_control_characters_or_without_letters_is_refused(store: str, name: str) -> None:
    with pytest.raises(Invalid), db.writing() as session:
        people.add_person(session, actor=SYSTEM, name=name)


def test_markup_in_a_name_is_kept_as_text(store: str) -> None:
    with db.writing() as session:
        made = people.add_person(session, actor=SYSTEM, name="<script>alert(1)</script>")
    with db.reading() as session:
        assert queries.person(session, made.id).name == "<script>alert(1)</script>"


@pytest.mark.parametrize("team", ["Risk", "risk_team", "-risk", "a" * 64, "", "../x"])
def test_a_team_id_is_a_plain_name(store: str, team: str) -> None:
    with pytest.raises(Invalid), db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id=team, name="Risk")


def test_a_team_in_a_unit_that_does_not_exist_is_refused(store: str) -> None:
    with pytest.raises(NotFound), db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk", unit_id="nowhere")


def test_every_administrative_change_is_exactly_one_activity(store: str, person: Make) -> None:
    admin, somebody = person("administrator"), person()

    def count() -> int:
        with db.reading() as session:
            return len(activity.since(session, 0, limit=10_000))

    steps: list[Callable[[Session], object]] = [
        lambda s: people.add_unit(s, actor=admin, unit_id="retail", name="Retail"),
        lambda s: people.add_team(s, actor=admin, team_id="risk", name="Risk", unit_id="retail"),
        lambda s: people.join_team(s, actor=admin, team_id="risk", person_id=somebody.id),
        lambda s: people.leave_team(s, actor=admin, team_id="risk", person_id=somebody.id),
        lambda s: people.grant_role(s, actor=admin, person_id=somebody.id, role="auditor"),
        lambda s: people.revoke_role(s, actor=admin, grant_id=queries.grants_of(s, somebody.id)[0].id or 0),
        lambda s: people.create_token(s, actor=admin, name="ci", scopes=["gate:ask"]),
        lambda s: people.deactivate_person(s, actor=admin, person_id=somebody.id),
        lambda s: people.reactivate_person(s, actor=admin, person_id=somebody.id),
    ]
    for step in steps:
        before = count()
        with db.writing() as session:
            step(session)
        assert count() == before + 1
