"""The risk tier: decided by a table that explains itself, confirmed by others, lowered by two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.activity import queries as activity
from core.errors import Conflict, Invalid, NotAllowed
from core.people import notices
from core.projects import actions, members, risk, tier
from core.projects.tables import Project
from core.projects.tier import QUESTIONS, TABLE, TIERS, Question

Make = Callable[..., Actor]
NOTHING = {one.key: one.nothing for one in QUESTIONS}


def answers(question: Question) -> st.SearchStrategy[Any]:
    if question.kind == "flag":
        return st.booleans()
    if question.kind == "level":
        return st.sampled_from(question.options)
    return st.lists(st.sampled_from(question.options), unique=True)


FACTS = st.fixed_dictionaries({one.key: answers(one) for one in QUESTIONS})


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The risks of both."""
    both: dict[str, Any] = {}
    for question in QUESTIONS:
        first, second = one[question.key], other[question.key]
        if question.kind == "flag":
            both[question.key] = first or second
        elif question.kind == "level":
            both[question.key] = max(first, second, key=question.options.index)
        else:
            both[question.key] = [*first, *second]
    return both


@given(FACTS, FACTS)
def test_adding_risk_facts_never_lowers_the_tier(before: dict[str, Any], more: dict[str, Any]) -> None:
    after = joined(before, more)
    assert tier.place_of(tier.decide(before).tier) <= tier.place_of(tier.decide(after).tier)
    assert set(tier.decide(before).fired) <= set(tier.decide(after).fired)


@given(FACTS, FACTS, st.sampled_from(TIERS))
def test_neither_does_it_where_reviewers_had_set_another_tier(
    before: dict[str, Any], more: dict[str, Any], standing: str
) -> None:
    after = tier.tier_after(before, standing, joined(before, more))
    assert tier.place_of(after) >= tier.place_of(standing)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_every_row_fires_by_its_own_facts_alone_and_names_its_source(row: tier.Row) -> None:
    by_key = {one.key: one for one in QUESTIONS}
    facts = NOTHING | {
        one.fact: {"flag": True, "level": one.least, "any": by_key[one.fact].options[:1]}[by_key[one.fact].kind]
        for one in row.needs
    }
    decision = tier.decide(facts)
    assert row in decision.fired
    assert tier.place_of(decision.tier) >= tier.place_of(row.tier)
    assert row.source
    assert row.why.endswith(".")


def test_without_a_risk_the_tier_is_minimal() -> None:
    assert tier.decide(NOTHING) == tier.Decision("minimal", ())
    assert tier.decide({}) == tier.Decision("minimal", ())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"practices": ["social scoring"], "safety_component": True}, "prohibited"),
        ({"areas": ["credit"]}, "high"),
        ({"safety_component": True}, "high"),
        ({"significant_effect": True, "autonomy": "automatic"}, "high"),
        ({"significant_effect": True, "autonomy": "human decides"}, "limited"),
        ({"generates_content": True}, "limited"),
        ({"personal_data": "pseudonymised"}, "limited"),
        ({"autonomy": "automatic"}, "minimal"),
    ],
)
def test_the_table_says_what_was_agreed(facts: dict[str, Any], expected: str) -> None:
    assert tier.decide(NOTHING | facts).tier == expected


@pytest.mark.parametrize(
    "wrong",
    [{"people": "all"}, {"vulnerable": "yes"}, {"areas": "credit"}, {"areas": ["golf"]}, {"golf": True}, {"special_categories": True},
     {"personal_data": None}, {"practices": [["x"]]}],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        tier.clean(NOTHING | wrong)


def test_a_question_without_an_answer_is_named() -> None:
    with pytest.raises(Invalid, match="12 questions have no answer"):
        tier.clean({})


# --- stating and confirming ------------------------------------------------------------------------------------------


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    made = person("data scientist", team="risk")
    with db.writing() as session:
        actions.create(session, actor=made, project_id="churn", title="Churn", team_id="risk")
        members.add_member(session, actor=made, project_id="churn", person_id=made.id, role="data scientist")
    return made


def project() -> Project:
    with db.reading() as session:
        return session.get_one(Project, "churn")


def state(actor: Actor, revision: int = 0, **facts: Any) -> None:
    with db.writing() as session:
        risk.set_facts(
            session, actor=actor, project_id="churn", revision=revision or project().revision, facts=NOTHING | facts
        )


def confirm(actor: Actor, to: str, reason: str = "", revision: int = 0) -> None:
    with db.writing() as session:
        risk.confirm_tier(
            session, actor=actor, project_id="churn", revision=revision or project().revision, tier=to, reason=reason
        )


def test_stated_facts_decide_the_tier_and_the_log_says_by_which_rows(scientist: Actor) -> None:
    state(scientist, areas=["credit"], personal_data="direct")
    assert (project().tier, project().tier_confirmed_by) == ("high", None)
    with db.reading() as session:
        told = list(activity.since(session, 0))[-1]
    assert (told.event, told.data["rows"], told.data["changed"]) == (
        "risk-facts-stated",
        ["H2", "L3"],
        sorted(NOTHING),
    )
    with pytest.raises(Invalid, match="Nothing is different"):
        state(scientist, areas=["credit"], personal_data="direct")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("team", ["risk", "other"])
def test_who_may_state_facts_and_who_may_confirm(scientist: Actor, person: Make, role: str, team: str) -> None:
    state(scientist, generates_content=True)
    actor = person(role, team=team)

    def allowed(action: Callable[[], None]) -> bool:
        try:
            action()
        except NotAllowed:
            return False
        return True

    own = MATRIX["tier.set_facts"].get(role) == "own" and team == "risk"
    assert allowed(lambda: confirm(actor, "limited")) is (role in MATRIX["tier.confirm"])
    assert allowed(lambda: state(actor, talks_to_people=True)) is own


def test_a_tier_is_confirmed_by_somebody_else_and_the_team_is_told(scientist: Actor, person: Make) -> None:
    both, reviewer = person("data scientist", "reviewer", team="risk"), person("reviewer")
    with pytest.raises(Conflict, match="no risk facts"):
        confirm(reviewer, "minimal")
    state(both, generates_content=True)
    with pytest.raises(NotAllowed, match="facts they stated"):
        confirm(both, "limited")
    confirm(reviewer, "limited")
    assert project().tier_confirmed_by == reviewer.ref
    with db.reading() as session:
        assert "is confirmed: limited" in notices.unread(session, scientist)[0].text


def test_raising_holds_at_once_with_a_reason_and_outlives_new_facts(scientist: Actor, person: Make) -> None:
    reviewer = person("reviewer")
    state(scientist)
    with pytest.raises(Invalid, match="needs a reason"):
        confirm(reviewer, "high")
    confirm(reviewer, "high", "It may be sold to lenders.")
    assert (project().tier, project().tier_confirmed_by) == ("high", reviewer.ref)
    state(scientist, generates_content=True)
    assert (project().tier, project().tier_confirmed_by) == ("high", None)


def test_lowering_takes_two_people(scientist: Actor, person: Make) -> None:
    first, second = person("reviewer"), person("model validator")
    state(scientist, areas=["education"])
    confirm(first, "limited", "A narrow procedural task, Art. 6(3).")
    assert (project().tier, project().tier_proposed) == ("high", "limited")
    with pytest.raises(NotAllowed, match="two people"):
        confirm(first, "limited", "Again.")
    confirm(second, "limited")
    found = project()
    assert (found.tier, found.tier_confirmed_by, found.tier_proposed) == ("limited", second.ref, "")
    assert "Art. 6(3)" in found.tier_reason
    with db.reading() as session:
        assert list(activity.since(session, 0))[-1].data["proposed_by"] == first.ref
    state(scientist, areas=["education"], vulnerable=True)
    assert project().tier == "high"


def test_a_proposal_to_lower_is_void_when_somebody_confirms_or_the_facts_change(scientist: Actor, person: Make) -> None:
    first, second = person("reviewer"), person("model validator")
    state(scientist, areas=["education"])
    confirm(first, "limited", "Narrow task.")
    confirm(second, "high")
    assert (project().tier, project().tier_proposed) == ("high", "")
    confirm(first, "limited", "Narrow task.")
    state(scientist, areas=["education"], vulnerable=True)
    confirm(second, "limited", "I propose it myself.")
    assert (project().tier, project().tier_proposed_by) == ("high", second.ref)


def test_a_prohibited_practice_is_not_lowered(scientist: Actor, person: Make) -> None:
    state(scientist, practices=["social scoring"])
    with pytest.raises(Conflict, match="prohibited practice"):
        confirm(person("reviewer"), "high", "We do it kindly.")


def test_nobody_confirms_facts_that_changed_since_they_looked(scientist: Actor, person: Make) -> None:
    state(scientist)
    seen = project().revision
    state(scientist, areas=["credit"])
    with pytest.raises(Conflict, match="changed meanwhile"):
        confirm(person("reviewer"), "minimal", revision=seen)
    with pytest.raises(Conflict, match="changed meanwhile"):
        state(scientist, revision=seen)


@pytest.mark.parametrize("wrong", ["", "low", "x" * 10_000_000])
def test_a_tier_that_is_none_is_refused(scientist: Actor, person: Make, wrong: str) -> None:
    state(scientist)
    with pytest.raises(Invalid, match="no tier"):
        confirm(person("reviewer"), wrong)
