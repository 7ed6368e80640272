"""The permission matrix: every role against every action, and the reach of scopes."""

from __future__ import annotations

import re

import pytest

from core.access import policy
from core.access.policy import MATRIX, ROLES, TOKEN_SCOPES, Actor, Grant, Scope
from core.config import ROOT
from core.errors import NotAllowed

TEAM = Scope(unit="retail", team="risk", project="churn")
ELSEWHERE = Scope(unit="health", team="ward", project="beds")

TABLE = """
action              | domain expert | data engineer | data scientist | AI engineer | model validator | ML engineer | manager | reviewer | auditor | administrator
catalog.browse      | any | any | any | any | any | any | any | any | any | any
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
data.request        | any | any | any | any | -   | any | -   | -   | -   | -
data.approve        | -   | any | -   | -   | -   | -   | any | -   | -   | -
data.audit          | -   | -   | -   | -   | -   | -   | any | any | any | -
tier.set_facts      | own | -   | own | own | -   | -   | own | -   | -   | -
tier.confirm        | -   | -   | -   | -   | any | -   | -   | any | -   | -
case.answer         | own | own | own | own | -   | own | -   | -   | -   | -
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
gate.ask            | any | any | any | any | any | any | any | any | any | any
"""


def cells() -> list[tuple[str, str, str]]:
    header, *rows = [[part.strip() for part in line.split("|")] for line in TABLE.strip().splitlines()]
    return [(row[0], role, cell) for row in rows for role, cell in zip(header[1:], row[1:], strict=True)]


def holder(role: str, kind: str = "team", key: str = "risk") -> Actor:
    return Actor("person", "p-1", "Somebody", frozenset({Grant(role, kind, key)}))


@pytest.mark.parametrize(("action", "role", "cell"), cells())
def test_the_matrix_is_the_one_that_was_agreed(action: str, role: str, cell: str) -> None:
    person = Actor("person", "p-1", "Somebody", frozenset({Grant(role)}), frozenset({"risk"}), frozenset({"retail"}))
    assert policy.may(person, action, TEAM) is (cell in ("any", "own"))
    assert policy.may(person, action, ELSEWHERE) is (cell in ("any", "not own"))
    assert policy.may(person, action) is (cell != "-")


def test_the_agreed_table_names_every_action_and_role() -> None:
    assert {action for action, _, _ in cells()} == set(MATRIX)
    assert {role for _, role, _ in cells()} == set(ROLES)


@pytest.mark.parametrize("action", MATRIX)
def test_nobody_may_anything_without_a_role(action: str) -> None:
    nobody = Actor("person", "p-0", "Nobody", teams=frozenset({"risk"}), units=frozenset({"retail"}))
    assert not policy.may(nobody, action)
    with pytest.raises(NotAllowed, match="may not"):
        policy.require(nobody, action, TEAM)


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
