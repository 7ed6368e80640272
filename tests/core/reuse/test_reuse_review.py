"""The reuse review: what it finds, why, for whom; decisions that become adoptions or demand; and its completion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from core import db
from core.access.policy import ROLES, Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog.tables import Demand, DemandAsk, Entry
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import actions as people
from core.projects import actions as projects
from core.projects import queries as project_queries
from core.projects.tables import Adoption, Project
from core.reuse import actions, candidates, queries, similarity
from core.reuse.queries import Hit, Review
from core.reuse.tables import ReuseDecision
from tests.conftest import SYSTEM, stand_on

Make = Callable[..., Actor]
CHURN = "Predict which customers leave, so that the retention team calls them before they cancel their contract."


def register(name: str, words: str, kind: str = "asset", tags: tuple[str, ...] = (), **spec: Any) -> str:
    """Put an entry into the catalog; returns its reference."""
    document = {
        "apiVersion": "factory/v1",
        "kind": kind,
        "metadata": {"name": name, "title": name.replace("-", " ").title(), "description": words, "tags": list(tags)},
        "spec": {"owner": "crm", "version": "1.0", **spec},
    }
    with db.writing() as session:
        catalog.register(session, document=document)
    return f"{kind}:default/{name}"


def nightly() -> int:
    """A pattern for such projects; returns the id of its entry."""
    ref = register("nightly", "Scores customers every night.", "pattern", problem="Scores are needed by morning.")
    with db.reading() as session:
        return session.exec(select(Entry.id).where(Entry.key == ref)).one() or 0


def start(actor: Actor = SYSTEM, project_id: str = "churn", team: str = "crm", **more: Any) -> None:
    given = {"title": "Churn of contract customers", "summary": CHURN, "modality": "tabular", "target": "churn"} | more
    with db.writing() as session:
        projects.create(session, actor=actor, project_id=project_id, team_id=team, **given)


def review(actor: Actor, project_id: str = "churn") -> Review:
    with db.reading() as session:
        return queries.review(session, actor, project_id)


def keys(found: Review) -> list[str]:
    return [one.key for one in found.hits]


def decide(
    actor: Actor,
    ref: str,
    decision: str = "reuse",
    reason: str = "It fits.",
    project_id: str = "churn",
    seen: Hit | None = None,
) -> None:
    with db.writing() as session:
        actions.decide(session, actor=actor, project_id=project_id, entry_ref=ref, decision=decision, reason=reason, seen=seen)  # fmt: skip


def complete(actor: Actor, ranked: Review | None = None) -> None:
    ranked = ranked or review(actor)
    with db.writing() as session:
        actions.complete(session, actor=actor, review=ranked)


def adoptions() -> list[tuple[str, str, bool]]:
    with db.reading() as session:
        rows = session.exec(select(Adoption.project_id, Adoption.how, Adoption.until).order_by(Adoption.id))
        return [(project_id, how, until is None) for project_id, how, until in rows]


def asks() -> list[tuple[str, str, str]]:
    with db.reading() as session:
        rows = session.exec(select(DemandAsk.text, DemandAsk.how, DemandAsk.project_id).order_by(DemandAsk.id))
        return [tuple(row) for row in rows]


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="telco", name="Telco")
        people.add_team(session, actor=SYSTEM, team_id="crm", name="CRM", unit_id="telco")
    return person("data scientist", team="crm")


# --- what is found ---------------------------------------------------------------------------------------------------


def test_all_groups_stand_in_one_ranked_list_that_says_why(scientist: Actor) -> None:
    start(project_id="letters", title="Letters to leaving customers", summary=CHURN)
    with db.writing() as session:
        projects.move(session, actor=SYSTEM, project_id="letters", stage="stopped", finding="Labels come 90 days late.")
    register("retention-caller", "Ranks customers for the retention team to call.", stages=["explore"])
    register("contracts", "Contracts with who cancelled.", "dataset", ("tabular",), source="CRM", target="churn")
    register("lifelines", "Survival analysis of customers.", "repository", url="https://x.example/y", solves="Churn.")
    register("wafer-maps", "Finds scratches on silicon.")
    start(scientist)
    found = review(scientist)
    assert set(keys(found)) == {
        "project:default/letters", "asset:default/retention-caller", "dataset:default/contracts",
        "repository:default/lifelines",
    }  # fmt: skip
    assert [one.score for one in found.hits] == sorted((one.score for one in found.hits), reverse=True)
    top = found.hits[0]
    assert (top.key, top.finding, top.stage) == ("project:default/letters", "Labels come 90 days late.", "stopped")
    assert {"same target: churn", "same modality: tabular"} <= set(top.facts)
    assert "read what it found" in top.why
    by_key = {one.key: one for one in found.hits}
    assert "same target: churn" in by_key["dataset:default/contracts"].facts
    assert "made for the stage explore" in by_key["asset:default/retention-caller"].facts
    assert {"retention", "team"} <= {one.word for one in by_key["asset:default/retention-caller"].terms}
    assert all(sum(one.share for one in hit.terms) <= 102 and len(hit.terms) <= 5 for hit in found.hits)


@pytest.mark.parametrize("summary", ["", CHURN])
def test_a_project_alone_in_the_catalog_finds_nothing_not_even_itself(scientist: Actor, summary: str) -> None:
    start(scientist, summary=summary)
    found = review(scientist)
    assert (found.hits, found.undecided) == ([], [])


@pytest.mark.parametrize(
    "title", ["ab", "a an the", "<script>alert(1)</script>", '" OR NEAR( * -', "¿ß∂ƒ 漢字", "'); DROP"]
)
def test_any_text_can_be_reviewed(scientist: Actor, title: str) -> None:
    start(scientist, title=title, summary="", modality="", target="")
    assert review(scientist).hits == []


def test_the_same_text_comes_first_and_an_unrelated_entry_changes_nothing(scientist: Actor) -> None:
    register(
        "caller", "Ranks customers for the retention team to call before they cancel their contract.", tags=("churn",)
    )
    start(project_id="twin", modality="image", target="", classification="public", title="Churn of contract customers")
    start(project_id="cousin", title="Churn of phone customers")
    start(scientist, target="")
    before = review(scientist)
    assert before.hits[0].key in ("project:default/twin", "project:default/cousin")
    register("wafer-maps", "Finds scratches on silicon wafers under light.")
    after = review(scientist)
    assert [(one.key, one.score) for one in after.hits] == [(one.key, one.score) for one in before.hits]
    assert keys(review(scientist)) == keys(after)


def test_what_an_actor_may_not_see_is_not_found_for_them(scientist: Actor, person: Make) -> None:
    person("data scientist", team="other")
    start(scientist)
    secret = {"owner": "other", "classification": "restricted"}
    register("retention-secret", "Retention of customers before they cancel.", **secret)
    assert keys(review(scientist)) == []
    assert keys(review(person("reviewer"))) == ["asset:default/retention-secret"]
    with pytest.raises(NotFound):
        decide(scientist, "asset:default/retention-secret")


def test_a_project_that_an_actor_may_not_see_is_not_reviewed_by_them(scientist: Actor, person: Make) -> None:
    start(scientist, classification="restricted")
    stranger = person("data scientist", team="other")
    with pytest.raises(NotFound):
        review(stranger)
    with pytest.raises(NotFound):
        decide(stranger, "asset:default/none")


def test_an_imported_entry_with_the_name_of_a_hidden_project_tells_nothing_of_that_project(
    scientist: Actor, person: Make
) -> None:
    start(project_id="vault", classification="restricted", title="Merger of customers")
    with db.writing() as session:
        projects.move(session, actor=SYSTEM, project_id="vault", stage="stopped", finding="They are for sale.")
        metadata = {"namespace": "past", "name": "vault", "title": "Letters", "description": CHURN}
        catalog.register(
            session, document={"apiVersion": "factory/v1", "kind": "project", "metadata": metadata, "spec": {"owner": "crm"}}
        )  # fmt: skip
    person("data scientist", team="other")
    start(project_id="theirs", team="other")
    (hit,) = review(person("data scientist", team="other"), "theirs").hits
    assert (hit.key, hit.title, hit.finding, hit.stage) == ("project:past/vault", "Letters", "", "")


@pytest.mark.parametrize("project_id", ["", "none", "../x", "a\x00", "x" * 10_000])
def test_no_project_no_review(scientist: Actor, project_id: str) -> None:
    with pytest.raises(NotFound):
        review(scientist, project_id)


def test_retired_entries_are_left_out_and_deprecated_ones_give_way_to_what_replaces_them(scientist: Actor) -> None:
    register("gone", "Retention of customers.", lifecycle="retired")
    register("oldest", "Retention of customers.", lifecycle="deprecated", successor="asset:default/old")
    register("old", "Keeps people.", lifecycle="deprecated", successor="asset:default/new")
    register("new", "Rings people.")
    register("ring-a", "Retention of customers.", lifecycle="deprecated", successor="asset:default/ring-b")
    register("ring-b", "Retention of customers.", lifecycle="deprecated", successor="asset:default/ring-a")
    register("lost", "Retention of customers.", lifecycle="deprecated", successor="asset:default/nowhere")
    start(scientist)
    found = review(scientist)
    assert [(one.key, one.replaces) for one in found.hits] == [("asset:default/new", "Oldest")]


def test_projects_on_the_same_pattern_say_so(scientist: Actor) -> None:
    pattern = nightly()
    start(project_id="other", summary="Calls customers.", target="", modality="")
    start(scientist)
    for project_id in ("other", "churn"):
        stand_on(pattern, project_id)
    hit = next(one for one in review(scientist).hits if one.key == "project:default/other")
    assert "same pattern: nightly" in hit.facts


# --- decisions -------------------------------------------------------------------------------------------------------


def test_reuse_and_adapt_become_adoptions_and_are_kept_with_score_and_words(scientist: Actor) -> None:
    ref = register("retention-caller", "Ranks customers for the retention team to call.")
    start(scientist)
    decide(scientist, ref, "adapt", "Our calls have a budget.", seen=review(scientist).hits[0])
    assert adoptions() == [("churn", "adapt", True)]
    hit = review(scientist).hits[0]
    assert hit.adopted == "1.0"
    assert hit.decision is not None
    assert (hit.decision.decision, hit.decision.reason, hit.decision.decided_by) == (
        "adapt", "Our calls have a budget.", scientist.ref,
    )  # fmt: skip
    assert hit.decision.score == pytest.approx(hit.score, abs=0.001)
    assert hit.decision.terms == [one.word for one in hit.terms]
    with db.reading() as session:
        assert [one.project_id for one in project_queries.adopters(session, scientist, hit.entry_id)] == ["churn"]


def test_a_later_decision_replaces_the_earlier_one_and_the_log_keeps_both(scientist: Actor) -> None:
    ref = register("retention-caller", "Ranks customers for the retention team to call.")
    start(scientist)
    decide(scientist, ref, "reuse")
    decide(scientist, ref, "reuse", "Still fits.")
    assert adoptions() == [("churn", "reuse", True)]
    decide(scientist, ref, "build", "It cannot read our contracts.")
    assert adoptions() == [("churn", "reuse", False)]
    assert asks() == [("retention caller", "review", "churn")]
    decide(scientist, ref, "adapt")
    assert adoptions()[1:] == [("churn", "adapt", True)]
    assert asks() == []
    with db.reading() as session:
        assert session.exec(select(Demand.text)).all() == []
        assert [one.decision for one in session.exec(select(ReuseDecision))] == ["adapt"]
        told = [line.data for line in activity.since(session, 0) if line.event == "reuse-decided"]
    assert [(one["before"], one["decision"]) for one in told] == [
        ("", "reuse"), ("reuse", "reuse"), ("reuse", "build"), ("build", "adapt"),
    ]  # fmt: skip


def test_what_is_in_use_already_is_not_turned_down_by_the_review(scientist: Actor) -> None:
    from core.projects import adoption

    ref = register("retention-caller", "Ranks customers for the retention team to call.")
    start(scientist)
    entry_id = review(scientist).hits[0].entry_id
    with db.writing() as session:
        adoption.adopt(session, actor=scientist, project_id="churn", entry_id=entry_id)
    with pytest.raises(Conflict, match="uses Retention Caller"):
        decide(scientist, ref, "build")
    decide(scientist, ref, "reuse")
    assert adoptions() == [("churn", "reuse", True)]


def test_a_project_is_learnt_from_and_neither_adopted_nor_asked_for(scientist: Actor) -> None:
    start(project_id="letters", title="Letters to leaving customers")
    start(scientist)
    for decision in ("adapt", "build"):
        decide(scientist, "project:default/letters", decision, "Their labels come late.")
    assert (adoptions(), asks()) == ([], [])


def test_a_decision_for_a_pattern_declares_no_use_of_it_and_opens_no_gate(scientist: Actor) -> None:
    pattern = nightly()
    start(scientist, data_access="Through the lake.")
    for decision in ("reuse", "adapt"):
        decide(scientist, "pattern:default/nightly", decision)
    assert adoptions() == []
    with db.reading() as session:
        assert not project_queries.detail(session, scientist, "churn").facts.pattern
    stand_on(pattern, actor=scientist)
    with db.reading() as session:
        assert project_queries.detail(session, scientist, "churn").facts.pattern


def test_a_pattern_that_a_project_stands_on_is_not_left_by_a_decision(scientist: Actor) -> None:
    pattern = nightly()
    start(scientist)
    decide(scientist, "pattern:default/nightly", "reuse")
    stand_on(pattern, actor=scientist)
    decide(scientist, "pattern:default/nightly", "adapt")
    with pytest.raises(Conflict, match="uses Nightly") as refused:
        decide(scientist, "pattern:default/nightly", "build")
    assert "Pattern tab" in refused.value.hint
    assert adoptions() == [("churn", "reuse", True)]


def test_what_not_everybody_may_see_is_not_asked_for_in_public(scientist: Actor) -> None:
    ref = register("retention-secret", "Retention of customers.", classification="confidential")
    public = register("retention-caller", "Retention of customers.")
    start(scientist)
    start(scientist, project_id="hidden", classification="confidential")
    decide(scientist, ref, "build")
    decide(scientist, public, "build", project_id="hidden")
    assert asks() == []


def test_something_deprecated_meanwhile_is_refused_with_its_successor(scientist: Actor) -> None:
    ref = register("retention-caller", "Ranks customers for retention.")
    start(scientist)
    assert keys(review(scientist)) == [ref]
    register("retention-caller", "Ranks customers.", lifecycle="deprecated", successor="asset:default/better")
    with pytest.raises(Conflict, match="deprecated") as refused:
        decide(scientist, ref)
    assert "asset:default/better" in refused.value.hint
    assert adoptions() == []


@pytest.mark.parametrize(
    ("ref", "decision", "reason"),
    [
        ("asset:default/retention-caller", "maybe", "x"),
        ("asset:default/retention-caller", "reuse", "  "),
        ("asset:default/retention-caller", "reuse", "x" * 10_000_000),
        ("asset:default/retention-caller", "reuse", "a\x00b"),
        ("project:default/churn", "reuse", "x"),
        ("guide:default/reading", "reuse", "x"),
    ],
)
def test_a_decision_that_breaks_a_rule_leaves_nothing(scientist: Actor, ref: str, decision: str, reason: str) -> None:
    register("retention-caller", "Ranks customers for retention.")
    register("reading", "Customers.", "guide")
    start(scientist)
    with pytest.raises(Invalid) as refused:
        decide(scientist, ref, decision, reason)
    assert len(str(refused.value)) < 1000
    assert adoptions() == []


@pytest.mark.parametrize("ref", ["", "asset:default/none", "x" * 10_000, "a\x00b", "'; DROP TABLE entry"])
def test_a_decision_on_nothing_is_refused(scientist: Actor, ref: str) -> None:
    start(scientist)
    with pytest.raises(NotFound):
        decide(scientist, ref)


# --- completion ------------------------------------------------------------------------------------------------------


def test_a_review_is_complete_when_every_strong_hit_is_decided(scientist: Actor) -> None:
    first = register("retention-caller", "Ranks customers for the retention team to call.")
    second = register("contract-reader", "Reads the contract of customers who cancel.")
    start(scientist)
    assert {one.key for one in review(scientist).undecided} == {first, second}
    decide(scientist, first)
    with pytest.raises(Conflict, match="1 of 2 strong hits") as refused:
        complete(scientist)
    assert "Contract Reader" in refused.value.hint
    decide(scientist, second, "build", "It reads no scans.")
    complete(scientist)
    assert review(scientist).reviewed_at is not None
    with db.reading() as session:
        told = [line.data for line in activity.since(session, 0) if line.event == "reuse-review-completed"]
    assert told == [{"strong": 2, "reused": 1, "adapted": 0, "built": 1}]


def test_what_comes_up_after_the_review_is_named_and_the_review_is_completed_again(scientist: Actor) -> None:
    start(scientist)
    complete(scientist)
    assert (review(scientist).new_since, review(scientist).is_outdated) == ([], False)
    first = register("retention-caller", "Ranks customers for the retention team to call.")
    assert [one.key for one in review(scientist).new_since] == [first]
    with pytest.raises(Conflict, match="1 of 1 strong hits"):
        complete(scientist)
    decide(scientist, first)
    assert (review(scientist).new_since, review(scientist).is_outdated) == ([], True)
    complete(scientist)
    assert not review(scientist).is_outdated


def test_an_edit_that_brings_up_another_hit_outdates_the_review(scientist: Actor) -> None:
    register("wafer-maps", "Finds scratches on silicon wafers under light.")
    start(scientist)
    complete(scientist)
    with db.writing() as session:
        projects.edit(session, actor=scientist, project_id="churn", revision=1, title="Scratches on silicon wafers", summary="Find scratches on silicon wafers under light.")  # fmt: skip
    assert [one.title for one in review(scientist).new_since] == ["Wafer Maps"]


def test_a_review_that_finds_nothing_is_complete_and_is_demand(scientist: Actor) -> None:
    start(scientist)
    complete(scientist)
    assert asks() == [("churn of contract customers", "review", "churn")]
    with db.reading() as session:
        assert session.exec(select(DemandAsk.unit_id)).one() == "telco"


def test_a_review_of_what_the_project_said_before_is_not_completed(scientist: Actor) -> None:
    start(scientist)
    ranked = review(scientist)
    with db.writing() as session:
        projects.edit(session, actor=scientist, project_id="churn", revision=1, summary="Something else.")
    with pytest.raises(Conflict, match="changed meanwhile"):
        complete(scientist, ranked)
    complete(scientist)


def test_nothing_is_ranked_while_other_writers_wait(scientist: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = register("retention-caller", "Ranks customers for retention.")
    start(scientist)
    ranked = review(scientist)
    monkeypatch.setattr(similarity, "rank", lambda *_: pytest.fail("ranked in a transaction that writes"))
    decide(scientist, ref, seen=ranked.hits[0])
    complete(scientist, ranked)


def test_a_project_that_has_ended_decides_nothing(scientist: Actor) -> None:
    ref = register("retention-caller", "Ranks customers for retention.")
    start(scientist)
    with db.writing() as session:
        projects.move(session, actor=SYSTEM, project_id="churn", stage="stopped", finding="Not feasible.")
    for act in (lambda: decide(scientist, ref), lambda: complete(scientist)):
        with pytest.raises(Conflict, match="stopped"):
            act()


# --- who may ---------------------------------------------------------------------------------------------------------

DECIDING = {"domain expert", "data engineer", "data scientist", "AI engineer", "ML engineer", "manager"}


@pytest.mark.parametrize("role", ROLES)
def test_members_who_build_decide_and_everybody_reads(scientist: Actor, person: Make, role: str) -> None:
    ref = register("retention-caller", "Ranks customers for retention.")
    start(scientist)
    actor = person(role, team="crm")
    assert keys(review(actor)) == [ref]
    if role in DECIDING:
        decide(actor, ref)
        complete(actor)
        return
    for act in (lambda: decide(actor, ref), lambda: complete(actor)):
        with pytest.raises(NotAllowed):
            act()
    assert adoptions() == []


def test_another_team_decides_nothing_for_this_project(scientist: Actor, person: Make) -> None:
    ref = register("retention-caller", "Ranks customers for retention.")
    start(scientist)
    with pytest.raises(NotAllowed):
        decide(person("data scientist", team="other"), ref)


def test_somebody_without_a_role_reads_nothing(scientist: Actor, person: Make) -> None:
    start(scientist)
    with pytest.raises(NotAllowed):
        review(person())


def test_a_removed_project_takes_its_decisions_along(scientist: Actor) -> None:
    ref = register("retention-caller", "Ranks customers for retention.")
    start(scientist)
    decide(scientist, ref, "build")
    with db.writing() as session:
        session.delete(session.get(Project, "churn"))
    with db.reading() as session:
        assert session.exec(select(ReuseDecision)).all() == []
        assert session.exec(select(Entry.adoptions).where(Entry.key == ref)).one() == 0


def test_what_the_database_knows_of_its_words_changes_no_review(scientist: Actor) -> None:
    for number in range(60):
        register(f"filler-{number}", f"Customers of kind number{number} leave their contract.")
    register("retention-caller", "Ranks customers for the retention team to call.")
    start(scientist)
    before = [(one.key, one.score) for one in review(scientist).hits]
    with db.writing() as session:
        session.execute(text("ANALYZE"))
    assert [(one.key, one.score) for one in review(scientist).hits] == before
    assert "asset:default/retention-caller" in [key for key, _ in before]


def test_where_every_word_is_common_entries_with_several_of_them_are_found(
    scientist: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "COMMON", 2)
    for number in range(4):
        register(f"both-{number}", "Customers leave their contract.")
    register("one", "Customers stay.")
    start(scientist, title="Customers leave contract", summary="", modality="", target="")
    assert sorted(keys(review(scientist))) == [f"asset:default/both-{number}" for number in range(4)]
