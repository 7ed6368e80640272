"""The permission matrix: every role against every action, and the reach of scopes."""

from __future__ import annotations

import re

import pytest

from core.access import policy
from core.access.policy import MATRIX, ORGANISATION, TOKEN_SCOPES, Actor, Grant, Scope
from core.config import ROOT
from core.errors import NotAllowed
from core.roles import ROLES

TEAM = Scope(unit="retail", team="risk", project="churn")
ELSEWHERE = Scope(unit="health", team="ward", project="beds")
PARTS = [("unit", "retail"), ("team", "risk"), ("project", "churn")]
"""The scopes that :data:`TEAM` lies in and :data:`ELSEWHERE` does not."""

TABLE = """
action              | domain expert | data engineer | data scientist | AI engineer | model validator | ML engineer | manager | reviewer | auditor | administrator
catalog.browse      | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere
entry.propose       | own | own | own | own | -   | any | -   | -   | -   | -
entry.publish       | -   | -   | -   | -   | -   | any | -   | any | -   | -
entry.adopt         | own | own | own | own | -   | any | own | -   | -   | -
project.create      | own | own | own | own | -   | any | own | -   | -   | -
demand.take         | -   | -   | -   | -   | -   | any | -   | -   | -   | -
value.confirm       | -   | -   | -   | -   | -   | -   | any | -   | -   | -
pattern.approve     | -   | -   | -   | -   | -   | -   | -   | any | -   | -
deviation.decide    | -   | -   | -   | -   | -   | -   | any | any | -   | -
template.request    | any | any | any | any | -   | any | any | -   | -   | -
template.approve    | -   | -   | -   | -   | -   | any | any | -   | -   | -
data.request        | everywhere | everywhere | everywhere | everywhere | - | everywhere | - | - | - | -
data.approve        | -   | any | -   | -   | -   | -   | any | -   | -   | -
data.audit          | -   | -   | -   | -   | -   | -   | any | any | any | -
tier.set_facts      | own | -   | own | own | -   | -   | own | -   | -   | -
tier.confirm        | -   | -   | -   | -   | any | -   | -   | any | -   | -
case.answer         | own | own | own | own | -   | own | -   | -   | -   | -
case.assign         | -   | -   | -   | -   | any | -   | -   | any | -   | -
case.submit         | -   | -   | own | own | -   | own | -   | -   | -   | -
sign.technical      | -   | -   | -   | -   | any | -   | -   | -   | -   | -
sign.domain         | not own | - | - | -   | -   | -   | -   | -   | -   | -
sign.ethics         | -   | -   | -   | -   | -   | -   | -   | any | -   | -
risk.accept         | -   | -   | -   | -   | -   | -   | any | any | -   | -
approval.suspend    | -   | -   | -   | -   | any | -   | any | any | -   | -
approval.revoke     | -   | -   | -   | -   | -   | -   | any | any | -   | -
checklist.author    | any | -   | any | any | any | any | -   | any | -   | -
checklist.publish   | -   | -   | -   | -   | any | -   | -   | any | -   | -
model.promote       | -   | -   | -   | -   | -   | any | -   | -   | -   | -
readiness.answer    | own | own | own | own | own | own | own | own | -   | -
admin.people        | -   | -   | -   | -   | -   | -   | -   | -   | -   | any
admin.tokens        | -   | -   | -   | -   | -   | -   | -   | -   | -   | any
admin.sources       | -   | -   | -   | -   | -   | -   | -   | -   | -   | any
admin.jobs          | -   | -   | -   | -   | -   | any | -   | -   | -   | any
activity.read       | own | own | own | own | any | own | any | any | any | any
activity.verify     | -   | -   | -   | -   | any | -   | any | any | any | any
gate.ask            | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere | everywhere
"""


def cells() -> list[tuple[str, str, str]]:
    header, *rows = [[part.strip() for part in line.split("|")] for line in TABLE.strip().splitlines()]
    return [(row[0], role, cell) for row in rows for role, cell in zip(header[1:], row[1:], strict=True)]


def holder(role: str, kind: str = "team", key: str = "risk") -> Actor:
    return Actor("person", "p-1", "Somebody", frozenset({Grant(role, kind, key)}))


@pytest.mark.parametrize(("action", "role", "cell"), cells())
def test_the_matrix_is_the_one_that_was_agreed(action: str, role: str, cell: str) -> None:
    person = Actor("person", "p-1", "Somebody", frozenset({Grant(role)}), frozenset({"risk"}), frozenset({"retail"}))
    assert policy.may(person, action, TEAM) is (cell in ("everywhere", "any", "own"))
    assert policy.may(person, action, ELSEWHERE) is (cell in ("everywhere", "any", "not own"))
    assert policy.may(person, action) is (cell in ("everywhere", "any", "not own"))
    assert policy.may_anywhere(person, action) is (cell != "-")


@pytest.mark.parametrize(("kind", "key"), PARTS)
@pytest.mark.parametrize(("action", "role", "cell"), cells())
def test_a_role_in_a_part_of_the_house_reaches_that_part_and_never_the_whole(
    action: str, role: str, cell: str, kind: str, key: str
) -> None:
    person = holder(role, kind, key)
    assert policy.may(person, action, TEAM) is (cell in ("everywhere", "any", "own"))
    assert policy.may(person, action, ELSEWHERE) is (cell == "everywhere")
    assert policy.may(person, action, ORGANISATION) is policy.may(person, action) is (cell == "everywhere")
    assert policy.may_anywhere(person, action) is (cell != "-")


@pytest.mark.parametrize(("action", "role", "cell"), cells())
def test_a_role_in_one_team_does_not_follow_the_person_into_another(action: str, role: str, cell: str) -> None:
    person = Actor(
        "person",
        "p-1",
        "Somebody",
        frozenset({Grant(role, "team", "risk")}),
        frozenset({"ward"}),
        frozenset({"health"}),
    )
    assert policy.may(person, action, ELSEWHERE) is (cell == "everywhere")


@pytest.mark.parametrize(("action", "role", "cell"), cells())
def test_what_belongs_to_a_unit_and_to_no_team_is_not_a_teams(action: str, role: str, cell: str) -> None:
    of_the_unit = Scope(unit="retail")
    assert policy.may(holder(role, "team", "risk"), action, of_the_unit) is (cell == "everywhere")
    assert policy.may(holder(role, "unit", "retail"), action, of_the_unit) is (cell in ("everywhere", "any", "own"))


@pytest.mark.parametrize("scope", [Scope(), Scope(unit=""), Scope(team="", project="")])
@pytest.mark.parametrize("kind", ["unit", "team", "project"])
def test_a_grant_whose_scope_has_no_name_reaches_nothing(kind: str, scope: Scope) -> None:
    assert not policy.may(holder("manager", kind, ""), "risk.accept", scope)


def test_a_refusal_says_where_the_role_has_to_be_held() -> None:
    manager = holder("manager", "unit", "retail")
    for action, scope, where in (
        ("activity.verify", ORGANISATION, "for the whole organisation"),
        ("risk.accept", ELSEWHERE, "in the right scope"),
    ):
        with pytest.raises(NotAllowed) as refusal:
            policy.require(manager, action, scope)
        assert where in refusal.value.hint
    with pytest.raises(NotAllowed, match="in any scope"):
        policy.require_anywhere(manager, "sign.ethics")


def test_the_agreed_table_names_every_action_and_role() -> None:
    assert {action for action, _, _ in cells()} == set(MATRIX)
    assert {role for _, role, _ in cells()} == set(ROLES)


@pytest.mark.parametrize("action", MATRIX)
def test_nobody_may_anything_without_a_role(action: str) -> None:
    nobody = Actor("person", "p-0", "Nobody", teams=frozenset({"risk"}), units=frozenset({"retail"}))
    assert not policy.may(nobody, action)
    assert not policy.may_anywhere(nobody, action)
    for scope in (TEAM, ORGANISATION):
        with pytest.raises(NotAllowed, match="may not"):
            policy.require(nobody, action, scope)


def test_a_grant_for_a_team_does_not_reach_another_team() -> None:
    engineer = holder("ML engineer", "team", "risk")
    assert policy.may(engineer, "entry.publish", TEAM)
    assert not policy.may(engineer, "entry.publish", ELSEWHERE)


def test_a_grant_for_a_unit_reaches_its_teams() -> None:
    assert policy.may(holder("reviewer", "unit", "retail"), "sign.ethics", TEAM)
    assert not policy.may(holder("reviewer", "unit", "retail"), "sign.ethics", ELSEWHERE)


def test_a_domain_expert_signs_domain_fitness_only_for_others() -> None:
    expert = Actor("person", "p-2", "Expert", frozenset({Grant("domain expert")}), frozenset({"risk"}))
    assert not policy.may(expert, "sign.domain", TEAM)
    assert policy.may(expert, "sign.domain", ELSEWHERE)


def test_administrators_cannot_sign_or_publish_by_that_role() -> None:
    forbidden = [one for one in MATRIX if one.startswith(("sign.", "risk.", "approval.", "entry.publish", "tier."))]
    assert forbidden
    assert not any(policy.may(holder("administrator", "organisation", ""), one) for one in forbidden)


@pytest.mark.parametrize("action", MATRIX)
def test_a_token_may_only_what_its_scopes_say(action: str) -> None:
    for scope, actions in TOKEN_SCOPES.items():
        token = Actor("token", "1", "pipeline", scopes=frozenset({scope}))
        assert policy.may(token, action) is (action in actions)


def test_the_portal_itself_never_signs_or_decides() -> None:
    house = policy.system("loader")
    assert not any(
        policy.may(house, one) for one in MATRIX if one.startswith(("sign.", "risk.", "approval.", "entry.publish"))
    )


def test_the_readme_shows_the_matrix_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for action, row in MATRIX.items():
        line = next((one for one in readme.splitlines() if one.startswith(f"| `{action}`")), None)
        assert line is not None, f"README's permission table lacks {action}"
        shown = [part.strip() for part in line.strip("|").split("|")][1:]
        assert shown == [row.get(role, "–") for role in ROLES], f"README's row for {action} is not the matrix's"
    assert re.search(r"\| action \|", readme)
