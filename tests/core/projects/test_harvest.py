"""Harvest: what a project leaves when it ends, its drafts, their curation, and the yield of it all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, characters, from_regex, sampled_from, text
from sqlmodel import select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog import documents
from core.catalog import queries as entries
from core.catalog.documents import Definition
from core.catalog.tables import Entry, Proposal
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.people import actions as people
from core.projects import actions, adoption, harvest, harvest_draft, harvest_queries
from core.projects.harvest_queries import ProjectHarvest, YieldRow
from core.projects.tables import Adoption, HarvestDecision, Project, Retrospective
from tests.conftest import SYSTEM, actor_now

Make = Callable[..., Actor]

WELL = "The baseline was strong from the first day on."
EXPENSIVE = "Labelling took eight of the ten weeks."
KNOW = "Ask for the claims table early; its labels come late."
WHY = "Every claims team computes the same windows."
TODAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def start(project_id: str = "churn", team: str = "risk", **more: Any) -> str:
    with db.writing() as session:
        made = actions.create(
            session, actor=SYSTEM, project_id=project_id, title=project_id.title(), team_id=team, stage="experiment", **more
        )  # fmt: skip
        return made.id


def write(actor: Actor, project_id: str = "churn", revision: int = 0, **changed: str) -> int:
    answers = {"went_well": WELL, "was_expensive": EXPENSIVE, "others_should_know": KNOW} | changed
    with db.writing() as session:
        return harvest.write_retrospective(
            session, actor=actor, project_id=project_id, revision=revision, **answers
        ).revision


def decide(actor: Actor, decision: str = "share", what: str = "Claim windows", **more: Any) -> HarvestDecision:
    arguments = {"project_id": "churn", "reason": WHY} | more
    with db.writing() as session:
        return harvest.decide_harvest(session, actor=actor, what=what, decision=decision, **arguments)


def act(action: Callable[..., Any], actor: Actor, **arguments: Any) -> Any:
    with db.writing() as session:
        return action(session, actor=actor, **arguments)


def close(actor: Actor, project_id: str = "churn") -> Project:
    with db.writing() as session:
        return harvest.close(session, actor=actor, project_id=project_id)


def look(project_id: str = "churn", actor: Actor = SYSTEM) -> ProjectHarvest:
    with db.reading() as session:
        return harvest_queries.of_project(session, actor, project_id)


def proposal(number: int | None) -> Proposal:
    with db.reading() as session:
        return session.get_one(Proposal, number)


def yields() -> list[YieldRow]:
    with db.reading() as session:
        return harvest_queries.yields(session, SYSTEM)


def told() -> list[str]:
    with db.reading() as session:
        return [one.event for one in activity.since(session, 0)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock of everything that the harvest reads it in."""

    def at(moment: datetime) -> None:
        for module in ("core.projects.harvest", "core.projects.harvest_queries", "core.catalog.actions"):
            monkeypatch.setattr(f"{module}.now", lambda: moment)

    at(TODAY)
    return at


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk")


@pytest.fixture
def project(scientist: Actor) -> str:
    return start()


@pytest.fixture
def curator(scientist: Actor, person: Make) -> Actor:
    return person("ML engineer")


# --- the retrospective -----------------------------------------------------------------------------------------------


def test_a_retrospective_is_written_changed_and_told(scientist: Actor, project: str) -> None:
    assert write(scientist) == 1
    assert write(scientist, revision=1, went_well="The second baseline was strong as well.") == 2
    kept = look().retrospective
    assert kept is not None
    assert (kept.went_well, kept.was_expensive) == ("The second baseline was strong as well.", EXPENSIVE)
    assert told().count("retrospective-written") == 2


def test_the_second_of_two_who_write_at_once_is_told(scientist: Actor, project: str, person: Make) -> None:
    colleague = person("data engineer", team="risk")
    write(scientist)
    with pytest.raises(Conflict, match="changed while you wrote"):
        write(colleague)
    write(scientist, revision=1, went_well="We changed our minds about that.")
    with pytest.raises(Conflict, match="changed while you wrote"):
        write(colleague, revision=1, was_expensive="Everything, all of the time.")


def test_of_retrospectives_written_at_the_same_moment_one_stays(scientist: Actor, project: str) -> None:
    def attempt(number: int) -> str:
        try:
            return str(write(scientist, went_well=f"{WELL} {number}"))
        except PortalError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == ["1", "conflict", "conflict", "conflict"]


@pytest.mark.parametrize("field", harvest.QUESTIONS)
@pytest.mark.parametrize("value", ["", "fine", " " * 30, "a\x00" * 20, "x" * 4001, "x" * 10_000_000])
def test_an_answer_that_tells_nothing_or_too_much_is_refused(
    scientist: Actor, project: str, field: str, value: str
) -> None:
    with pytest.raises(Invalid) as refused:
        write(scientist, **{field: value})
    assert harvest.QUESTIONS[field] in refused.value.message
    assert len(str(refused.value)) < 500
    assert look().retrospective is None


# --- closing ---------------------------------------------------------------------------------------------------------


def test_a_project_cannot_close_without_a_retrospective_and_a_decision(scientist: Actor, project: str) -> None:
    with pytest.raises(Invalid, match="its retrospective and at least one harvest decision"):
        close(scientist)
    write(scientist)
    with pytest.raises(Invalid, match="at least one harvest decision"):
        close(scientist)
    decide(scientist, "nothing")
    assert close(scientist).stage == "closed"


def test_there_is_no_way_around_the_retrospective_and_the_decision(scientist: Actor, project: str) -> None:
    with pytest.raises(PortalError, match="retrospective"), db.writing() as session:
        actions.move(session, actor=scientist, project_id=project, stage="closed", finding="It went well.")
    write(scientist)
    with pytest.raises(PortalError, match="decision"), db.writing() as session:
        actions.move(session, actor=scientist, project_id=project, stage="closed")


def test_what_others_should_know_is_the_finding_of_a_closed_project(scientist: Actor, project: str) -> None:
    write(scientist)
    decide(scientist, "nothing")
    close(scientist)
    with db.reading() as session:
        assert session.get_one(Project, project).finding == KNOW
        assert entries.entry(session, scientist, "project:default/churn").spec["finding"] == KNOW


def test_a_closed_project_keeps_what_was_written_and_decided(scientist: Actor, project: str) -> None:
    write(scientist)
    made = decide(scientist, "later")
    close(scientist)
    for attempt in (
        lambda: write(scientist, revision=1, went_well="Something else went well too."),
        lambda: decide(scientist, "nothing", "Another thing"),
        lambda: act(harvest.withdraw_decision, scientist, decision_id=made.id),
        lambda: close(scientist),
    ):
        with pytest.raises(Conflict, match="is closed"):
            attempt()


# --- deciding and drafting -------------------------------------------------------------------------------------------


def test_a_share_opens_a_draft_with_its_provenance(scientist: Actor, project: str, clock: Any) -> None:
    with db.writing() as session:
        session.get_one(Project, project).tags = ["claims"]
    write(scientist)
    draft = proposal(decide(scientist).proposal_id)
    metadata, spec = draft.document["metadata"], draft.document["spec"]
    assert (draft.key, draft.state, draft.proposed_by) == ("asset:default/claim-windows", "submitted", scientist.ref)
    assert metadata["annotations"] == {"factory/harvested-from": "churn", "factory/harvested-on": "2026-03-02"}
    assert metadata["tags"] == ["claims"]
    assert (spec["seeAlso"], spec["owner"], spec["lifecycle"]) == (["project:default/churn"], "risk", "proposed")
    for part in ("# Claim windows", "(churn) shared it on 2026-03-02", WHY, KNOW, "To be written:"):
        assert part in draft.readme
    assert told()[-2:] == ["change-proposed", "harvest-decided"]


@pytest.mark.parametrize("kind", harvest_draft.KINDS)
def test_every_kind_that_can_be_shared_makes_a_valid_draft(scientist: Actor, project: str, kind: str) -> None:
    assert proposal(decide(scientist, kind=kind).proposal_id).key.startswith(f"{kind}:default/")


@pytest.mark.parametrize("decision", ["later", "nothing"])
def test_other_decisions_open_no_draft(scientist: Actor, project: str, decision: str) -> None:
    assert decide(scientist, decision).proposal_id is None
    assert told()[-1] == "harvest-decided"


@pytest.mark.parametrize(
    "wrong",
    [{"decision": "keep"}, {"kind": "pattern"}, {"kind": ""}, {"what": " "}, {"what": "a\nb"}, {"what": "x" * 141},
     {"reason": "because"}, {"reason": "x" * 10_000_000}, {"reason": "a\x00" * 30}],
)  # fmt: skip
def test_a_decision_that_breaks_a_rule_is_refused_and_leaves_nothing(
    scientist: Actor, project: str, wrong: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        decide(scientist, **wrong)
    assert look().decisions == []


def test_one_thing_is_decided_once(scientist: Actor, project: str) -> None:
    decide(scientist, "later")
    with pytest.raises(Conflict, match="decided about CLAIM windows already"):
        decide(scientist, "share", "CLAIM windows")


@pytest.mark.parametrize("what", ["Claim windows", "声明窗口", "x" * 140, "***"])
def test_a_name_that_is_taken_or_has_no_letters_becomes_one_that_is_free(
    scientist: Actor, project: str, what: str
) -> None:
    for name in ("claim-windows", "x" * 63, "from-churn"):
        document = {
            "apiVersion": "factory/v1", "kind": "asset", "metadata": {"name": name, "description": "There."},
            "spec": {"owner": "risk"},
        }  # fmt: skip
        with db.writing() as session:
            catalog.register(session, document=document)
    key = proposal(decide(scientist, what=what).proposal_id).key
    assert key.endswith("-churn")
    assert len(key) <= 63 + len("asset:default/")


def test_a_decision_is_taken_back_with_its_draft_before_the_project_closes(scientist: Actor, project: str) -> None:
    made = decide(scientist)
    act(harvest.withdraw_decision, scientist, decision_id=made.id)
    assert proposal(made.proposal_id).state == "withdrawn"
    assert look().decisions == []
    assert told()[-2:] == ["proposal-withdrawn", "harvest-withdrawn"]
    with pytest.raises(NotFound):
        act(harvest.withdraw_decision, scientist, decision_id=made.id)
    decide(scientist, "nothing")


def test_a_colleague_does_not_take_back_a_draft_that_is_not_theirs(
    scientist: Actor, project: str, person: Make
) -> None:
    made = decide(scientist)
    with pytest.raises(NotAllowed, match="Only the proposer"):
        act(harvest.withdraw_decision, person("data engineer", team="risk"), decision_id=made.id)


def test_what_is_in_the_catalog_is_not_taken_back(scientist: Actor, project: str, curator: Actor) -> None:
    made = decide(scientist)
    act(catalog.approve, curator, proposal_id=made.proposal_id)
    with pytest.raises(Conflict, match="in the catalog already"):
        act(harvest.withdraw_decision, scientist, decision_id=made.id)


def test_what_was_left_for_later_is_shared_after_the_project_closed_by_anyone_who_may_propose(
    scientist: Actor, project: str, person: Make
) -> None:
    write(scientist)
    made = decide(scientist, "later")
    close(scientist)
    newcomer = person("AI engineer", team="risk")
    with pytest.raises(NotAllowed):
        act(harvest.open_draft, person("AI engineer", team="ward"), decision_id=made.id)
    shared = act(harvest.open_draft, newcomer, decision_id=made.id, kind="guide")
    draft = proposal(shared.proposal_id)
    assert (shared.decision, draft.key, draft.proposed_by) == ("share", "guide:default/claim-windows", newcomer.ref)
    with pytest.raises(Conflict, match="waits for a curator"):
        act(harvest.open_draft, newcomer, decision_id=made.id)


def test_a_rejected_draft_goes_on_where_it_ended(scientist: Actor, project: str, curator: Actor) -> None:
    made = decide(scientist)
    first = proposal(made.proposal_id)
    act(catalog.revise, scientist, proposal_id=first.id, document=first.document, readme="# Written by hand")
    act(catalog.reject, curator, proposal_id=first.id, reason="No usage.")
    (row,) = look().decisions
    assert (row.draft_state, row.may_reopen) == ("rejected", True)
    again = act(harvest.open_draft, scientist, decision_id=made.id)
    assert again.proposal_id != first.id
    assert proposal(again.proposal_id).readme == "# Written by hand"


def test_what_was_left_for_good_opens_no_draft(scientist: Actor, project: str) -> None:
    made = decide(scientist, "nothing")
    with pytest.raises(Conflict, match="is left where it is"):
        act(harvest.open_draft, scientist, decision_id=made.id)


def test_of_two_who_share_the_same_thing_at_once_one_opens_the_draft(
    scientist: Actor, project: str, person: Make
) -> None:
    made = decide(scientist, "later")

    def attempt(actor: Actor) -> str:
        try:
            act(harvest.open_draft, actor, decision_id=made.id)
        except PortalError as error:
            return error.code
        return "opened"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(attempt, [scientist, person("AI engineer", team="risk")]))
    assert outcomes == ["conflict", "opened"]


def test_two_decisions_at_the_same_time_both_stay_and_one_thing_is_not_decided_twice(
    scientist: Actor, project: str
) -> None:
    def attempt(number: int) -> str:
        try:
            return decide(scientist, "later", f"Thing {number % 4}").what
        except PortalError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(8)))
    assert outcomes == ["Thing 0", "Thing 1", "Thing 2", "Thing 3"] + ["conflict"] * 4
    assert len(look().decisions) == 4


# --- who may ---------------------------------------------------------------------------------------------------------

MANAGES = ("domain expert", "data engineer", "data scientist", "AI engineer", "manager", "ML engineer")
PROPOSES = tuple(role for role in MANAGES if role != "manager")


@pytest.mark.parametrize("role", policy.ROLES)
def test_the_roles_that_may_write_decide_share_and_close(
    scientist: Actor, project: str, person: Make, role: str
) -> None:
    later = decide(scientist, "later", "Older thing").id
    actor = person(role, team="risk")

    def allowed(attempt: Callable[[], Any]) -> bool:
        try:
            attempt()
        except NotAllowed:
            return False
        return True

    assert allowed(lambda: write(actor)) is (role in MANAGES)
    assert allowed(lambda: decide(actor, "later", "One thing")) is (role in MANAGES)
    assert allowed(lambda: decide(actor, "share", "Another thing")) is (role in PROPOSES)
    assert allowed(lambda: act(harvest.open_draft, actor, decision_id=later)) is (role in PROPOSES)
    mine = next((one.id for one in look().decisions if one.what == "One thing"), later)
    assert allowed(lambda: act(harvest.withdraw_decision, actor, decision_id=mine)) is (role in MANAGES)
    if look().retrospective is None:
        write(scientist)
    assert allowed(lambda: close(actor)) is (role in MANAGES)


@pytest.mark.parametrize("role", [one for one in MANAGES if one != "ML engineer"])
def test_nobody_decides_for_a_team_that_is_not_theirs(scientist: Actor, project: str, person: Make, role: str) -> None:
    stranger = person(role, team="ward")
    for attempt in (lambda: write(stranger), lambda: decide(stranger, "later"), lambda: close(stranger)):
        with pytest.raises(NotAllowed):
            attempt()


@pytest.mark.parametrize("role", policy.ROLES)
def test_the_roles_that_curate_see_the_queue_and_publish(
    scientist: Actor, project: str, person: Make, role: str
) -> None:
    made, actor = decide(scientist), person(role)
    may = role in ("ML engineer", "reviewer")
    with db.reading() as session:
        assert len(harvest_queries.curation(session, actor)) == may
    if may:
        act(catalog.approve, actor, proposal_id=made.proposal_id)
    else:
        with pytest.raises(NotAllowed):
            act(catalog.approve, actor, proposal_id=made.proposal_id)


# --- curation --------------------------------------------------------------------------------------------------------


def test_the_proposer_does_not_curate_their_own(store: str, person: Make) -> None:
    engineer, _ = person("ML engineer", team="risk"), person("ML engineer")
    start()
    made = decide(engineer)
    with db.reading() as session:
        assert harvest_queries.curation(session, engineer) == []
    with pytest.raises(NotAllowed, match="own proposal"):
        act(catalog.approve, engineer, proposal_id=made.proposal_id)


def test_a_curator_of_one_unit_sees_its_drafts_alone(scientist: Actor, project: str, person: Make) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="care", name="Care")
        people.add_team(session, actor=SYSTEM, team_id="ward", name="Ward", unit_id="care")
    start("beds", "ward")
    nurse = person("domain expert", team="ward")
    decide(scientist)
    decide(nurse, what="Bed forecast", project_id="beds")
    limited = person("reviewer", scope=("unit", "care"))
    with db.reading() as session:
        assert [one.project for one in harvest_queries.curation(session, limited)] == ["Beds"]
        everything = harvest_queries.curation(session, person("reviewer"))
        assert [one.project for one in everything] == ["Churn", "Beds"]
        assert harvest_queries.curation(session, limited, unit="none") == []


def test_the_queue_names_what_is_missing_until_it_is_there(scientist: Actor, project: str, curator: Actor) -> None:
    made = decide(scientist)
    draft = proposal(made.proposal_id)

    def missing() -> list[str]:
        with db.reading() as session:
            (row,) = harvest_queries.curation(session, curator)
            return row.missing

    assert [one for one in missing() if "to be written" in one or "tests" in one or "usage" in one or "short" in one]
    document = draft.document | {
        "metadata": draft.document["metadata"] | {"tags": ["features"]},
        "spec": draft.document["spec"] | {"licence": "MIT", "usage": {"code": "import claim_windows"}},
    }
    readme = "# Claim windows\n\nThe tests run with pytest.\n\n" + "It counts claims in windows of time. " * 12
    act(catalog.revise, scientist, proposal_id=draft.id, document=document, readme=readme)
    assert missing() == []


def test_shortcomings_are_read_from_the_text_alone() -> None:
    long = "It counts claims in windows of time. " * 12
    complete = {"kind": "asset", "metadata": {"tags": ["x"]}, "spec": {"licence": "MIT", "usage": {"code": "x"}}}
    assert harvest_draft.shortcomings(complete, f"{long} Tested.") == []
    assert harvest_draft.shortcomings(complete, f"## How it is tested\n\n{long}") == ["tests are not mentioned"]
    assert harvest_draft.shortcomings(complete, f"{long} tests", "restricted")[0].startswith("the project read")
    assert len(harvest_draft.shortcomings({}, "")) == 5


@given(
    what=text(alphabet=characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=140),
    project_id=from_regex(r"[a-z0-9]{1,30}(-[a-z0-9]{1,30})?", fullmatch=True),
    kind=sampled_from(harvest_draft.KINDS),
    is_taken=booleans(),
)
def test_whatever_a_project_made_its_draft_is_a_valid_entry(
    what: str, project_id: str, kind: str, is_taken: bool
) -> None:
    project = Project(id=project_id, title="Churn", team_id="risk")
    made = harvest_draft.drafted(project, what, WHY, kind, taken=lambda _: is_taken, today=TODAY.date())
    assert isinstance(documents.define(made, "draft"), Definition)


@pytest.mark.parametrize("kind", harvest_draft.KINDS)
@pytest.mark.parametrize("classification", ["public", "internal", "confidential", "restricted"])
def test_the_draft_of_a_hidden_project_is_hidden_like_it_and_says_nothing_of_it(classification: str, kind: str) -> None:
    project = Project(
        id="vault-9", title="Merger of Nine", team_id="risk", classification=classification, target="who is bought",
        tags=["merger"],
    )  # fmt: skip
    told = Retrospective(project_id="vault-9", went_well=WELL, was_expensive=EXPENSIVE, others_should_know=KNOW, written_by="p")  # fmt: skip
    made = harvest_draft.drafted(project, "Claim windows", WHY, kind, taken=lambda _: True, today=TODAY.date())
    readme = harvest_draft.readme_skeleton(project, "Claim windows", WHY, told, TODAY.date())
    assert isinstance(documents.define(made, "draft"), Definition)
    said = f"{made} {readme}".lower()
    is_open = classification in ("public", "internal")
    for secret in ("vault-9", "Merger", KNOW):
        assert (secret.lower() in said) is is_open, secret
    assert made["spec"]["classification"] == ("internal" if is_open else classification)
    assert is_open or f"This draft is {classification} as well" in readme
    assert WHY in readme


def test_a_hidden_draft_is_read_and_published_by_those_who_see_its_project_alone(
    store: str, person: Make, curator: Actor
) -> None:
    scientist = person("data scientist", team="risk")
    start("vault", classification="restricted")
    made = decide(scientist, project_id="vault")
    reviewer, stranger = person("reviewer"), person("data scientist", team="elsewhere")

    def listed(actor: Actor) -> list[int]:
        with db.reading() as session:
            return [one.id for one in entries.proposals(session, actor)]

    assert listed(reviewer) == listed(scientist) == [made.proposal_id]
    assert listed(curator) == []
    with db.reading() as session, pytest.raises(NotFound):
        entries.proposal(session, curator, made.proposal_id or 0)
    for decision in (catalog.approve, lambda *one, **more: catalog.reject(*one, reason="No.", **more)):
        with pytest.raises(NotFound):
            act(decision, curator, proposal_id=made.proposal_id)
    key = act(catalog.approve, reviewer, proposal_id=made.proposal_id).key
    with db.reading() as session:
        assert entries.entry(session, scientist, key).entry.classification == "restricted"
        with pytest.raises(NotFound):
            entries.entry(session, stranger, key)


def test_a_change_of_a_hidden_entry_to_a_visible_one_is_decided_by_those_who_see_it_now(
    store: str, person: Make, curator: Actor
) -> None:
    scientist = person("data scientist", team="risk")
    document = {
        "apiVersion": "factory/v1", "kind": "asset", "metadata": {"name": "vault", "description": "Secret."},
        "spec": {"owner": "risk", "classification": "restricted"},
    }  # fmt: skip
    with db.writing() as session:
        catalog.register(session, document=document)
        opened = document | {"spec": {"owner": "risk", "classification": "internal"}}
        number = catalog.propose(session, actor=scientist, document=opened, base_revision=1).id or 0
    with db.reading() as session, pytest.raises(NotFound):
        entries.proposal(session, curator, number)
    with pytest.raises(NotFound):
        act(catalog.approve, curator, proposal_id=number)
    assert act(catalog.approve, person("reviewer"), proposal_id=number).classification == "internal"


def test_a_published_draft_is_approved_in_the_catalog(scientist: Actor, project: str, curator: Actor) -> None:
    made = decide(scientist)
    entry = act(catalog.approve, curator, proposal_id=made.proposal_id)
    assert (entry.lifecycle, entry.owner) == ("approved", "risk")
    (row,) = look().decisions
    assert (row.draft_state, row.draft_key, row.may_reopen) == ("approved", entry.key, False)


# --- what waits, and the yield ---------------------------------------------------------------------------------------


def test_what_waits_is_listed_the_longest_waiting_first_and_paged(
    scientist: Actor, project: str, clock: Callable[[datetime], None]
) -> None:
    for number in range(3):
        clock(TODAY - timedelta(days=400 * number))
        decide(scientist, "later", f"Thing {number}")
    decide(scientist, "nothing", "Left")
    with db.reading() as session:
        first = harvest_queries.waiting(session, scientist, size=2)
        assert ([one.what for one in first.items], first.total) == (["Thing 2", "Thing 1"], 3)
        assert [one.what for one in harvest_queries.waiting(session, scientist, size=2, page=2).items] == ["Thing 0"]
        assert harvest_queries.waiting(session, scientist, year=2026).total == 1
        assert harvest_queries.waiting(session, scientist, unit="none").total == 0
        assert harvest_queries.waiting(session, scientist, page=-1, size=10**9).total == 3


def adopted(entry_id: int, project_id: str, since: datetime) -> None:
    """Project ``project_id`` adopts the entry at a moment."""
    with db.writing() as session:
        adoption.adopt(session, actor=SYSTEM, project_id=project_id, entry_id=entry_id)
        statement = select(Adoption).where(Adoption.project_id == project_id, Adoption.entry_id == entry_id)
        session.exec(statement).one().since = since


def test_the_yield_counts_reuse_by_others_within_a_year_and_nothing_else(
    scientist: Actor, project: str, curator: Actor, clock: Callable[[datetime], None]
) -> None:
    def funnel() -> tuple[int, int, int, int]:
        (row,) = yields()
        return row.candidates, row.published, row.reused, row.maturing

    made = decide(scientist)
    assert funnel() == (1, 0, 0, 0)
    published = TODAY + timedelta(days=10)
    clock(published)
    entry = act(catalog.approve, curator, proposal_id=made.proposal_id)
    assert funnel() == (1, 1, 0, 1)
    adopted(entry.id, "churn", published + timedelta(days=1))
    assert funnel() == (1, 1, 0, 1)
    adopted(entry.id, start("late"), published + timedelta(days=365, seconds=1))
    assert funnel() == (1, 1, 0, 1)
    adopted(entry.id, start("soon"), published + timedelta(days=365))
    assert funnel() == (1, 1, 1, 0)


def test_what_nobody_took_up_within_its_year_ripens_no_longer(
    scientist: Actor, project: str, curator: Actor, clock: Callable[[datetime], None]
) -> None:
    made = decide(scientist)
    act(catalog.approve, curator, proposal_id=made.proposal_id)
    clock(TODAY + timedelta(days=364))
    assert [one.maturing for one in yields()] == [1]
    clock(TODAY + timedelta(days=366))
    assert [(one.published, one.reused, one.maturing) for one in yields()] == [(1, 0, 0)]


def test_a_renamed_entry_still_counts_for_its_source(
    scientist: Actor, project: str, curator: Actor, clock: Callable[[datetime], None]
) -> None:
    from core.catalog.tables import EntryAlias

    made = decide(scientist)
    entry = act(catalog.approve, curator, proposal_id=made.proposal_id)
    with db.writing() as session:
        session.get_one(Entry, entry.id).key = "asset:default/windows"
        session.add(EntryAlias(key="asset:default/claim-windows", entry_id=entry.id))
    adopted(entry.id, start("other"), TODAY)
    assert [one.reused for one in yields()] == [1]


def test_the_yield_is_told_by_unit_and_year_with_the_share_of_closed_projects(
    scientist: Actor, project: str, person: Make, clock: Callable[[datetime], None]
) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="care", name="Care")
        people.add_team(session, actor=SYSTEM, team_id="ward", name="Ward", unit_id="care")
    nurse = person("domain expert", team="ward")
    start("beds", "ward")
    clock(datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC))
    decide(nurse, what="Bed forecast", project_id="beds")
    clock(datetime(2025, 1, 1, tzinfo=UTC))
    decide(nurse, what="Ward calendar", project_id="beds")
    write(scientist)
    decide(scientist, "nothing")
    close(scientist)
    with db.writing() as session:
        session.get_one(Project, "churn").stage_since = datetime(2025, 6, 1, tzinfo=UTC)
    found = {(one.unit, one.year): (one.candidates, one.closed, one.closed_sharing) for one in yields()}
    assert found == {("Care", 2024): (1, 0, 0), ("Care", 2025): (1, 0, 0), ("No unit", 2025): (0, 1, 0)}


def test_a_draft_written_today_is_dated_today(scientist: Actor, project: str) -> None:
    before = db.now().date()
    draft = proposal(decide(scientist).proposal_id)
    on = date.fromisoformat(draft.document["metadata"]["annotations"]["factory/harvested-on"])
    assert before <= on <= db.now().date()


def test_a_project_of_a_team_that_was_closed_is_told_why_nothing_can_be_shared(scientist: Actor, project: str) -> None:
    from core.access.tables import Team

    with db.writing() as session:
        session.get_one(Team, "risk").active = False
    with pytest.raises(PortalError) as refused:
        decide(SYSTEM)
    assert "risk" in str(refused.value)
    assert actor_now(scientist.id).teams == frozenset()
