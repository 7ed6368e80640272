"""Inherited approval through its verbs: who approves, what a project inherits, and what reviewers get to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access.policy import ROLES, Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog.tables import Entry
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.patterns import approval_queries as queries
from core.patterns import approvals, changes, deviations, expiry, use
from core.patterns.approval_queries import OpenDeviation, ProjectStanding
from core.patterns.tables import PatternApproval, PatternUse
from core.people import actions as people
from core.people import notices
from core.projects import actions as projects
from core.projects import adoption
from core.projects import queries as project_queries
from core.projects.tables import Adoption, Project
from core.projects.tier import QUESTIONS
from tests.conftest import SYSTEM, actor_now

Make = Callable[..., Actor]

STATEMENT = "An owner on call is named"
EU = {"text": "The data stay in the EU", "fact": "region", "allowed": ["eu-west", "eu-north"]}
LOW = {"text": "Nothing confidential", "fact": "classification", "allowed": ["public", "internal"]}
ITEMS = [
    {"by": "IT", "id": "IT-1", "scope": "Scoring on the platform", "conditions": [{"text": STATEMENT}]},
    {"by": "security", "id": "SEC-1", "scope": "Inside the EU", "conditions": [EU]},
    {"by": "ethics", "id": "ETH-1", "scope": "Harmless decisions", "conditions": [LOW]},
]
SERVICES = {"deploy": ["KServe"], "monitor": ["Grafana"]}
BUILDERS = {"domain expert", "data engineer", "data scientist", "AI engineer", "ML engineer", "manager"}
"""Who may adopt for a project of their own."""


def pattern(name: str = "online-scoring", version: str = "1.0.0", items: Any = ITEMS, **spec: Any) -> int:
    document = {
        "apiVersion": "factory/v1", "kind": "pattern",
        "metadata": {"name": name, "title": name.title(), "description": "Scores."},
        "spec": {"owner": "architecture", "version": version, "problem": "A caller waits.", "preApprovals": items} | spec,
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


def next_year() -> date:
    return db.now().date() + timedelta(days=365)


def approve(actor: Actor, entry_id: int, item: str, **more: Any) -> int:
    with db.writing() as session:
        entry = session.exec(select(Entry).where(Entry.id == entry_id)).one()
        told = {
            "version": entry.version, "evidence": "https://boards.example.org/42", "expires_on": next_year(),
            "revision": entry.revision,
        } | more  # fmt: skip
        return approvals.approve_item(session, actor=actor, entry_id=entry_id, item_id=item, **told).id or 0


def put_on(
    actor: Actor, entry_id: int, region: str = "eu-west", attested: Iterable[str] = (STATEMENT,), **more: Any
) -> int:
    told = {"project_id": "churn", "services": SERVICES} | more
    with db.writing() as session:
        return use.use_pattern(
            session, actor=actor, entry_id=entry_id, region=region, attested=attested, **told
        ).revision  # fmt: skip


def standing(actor: Actor = SYSTEM, project_id: str = "churn") -> ProjectStanding:
    with db.reading() as session:
        found = queries.standing(session, actor, project_id)
    assert found is not None
    return found


def inherited() -> list[str]:
    return [one.item for one in standing().items if one.inherited]


def waiting(actor: Actor) -> list[OpenDeviation]:
    with db.reading() as session:
        return queries.open_deviations(session, actor)


def decide(actor: Actor, deviation: OpenDeviation, *, accept: bool = True, note: str = "A mirror exists.", **more: Any) -> None:  # fmt: skip
    told = {
        "project_id": deviation.project_id, "item_id": deviation.item, "condition": deviation.condition,
        "values": deviation.values,
    } | more  # fmt: skip
    with db.writing() as session:
        deviations.decide_deviation(session, actor=actor, accept=accept, note=note, **told)


def declare(actor: Actor, item: str = "IT-1", condition: str = STATEMENT, **more: Any) -> int:
    told = {"what": "Nobody is on call at night", "reason": "It is a batch", "project_id": "churn"} | more
    with db.writing() as session:
        made = deviations.declare_deviation(session, actor=actor, item_id=item, condition=condition, **told)
        return made.id or 0


def hide(project_id: str, classification: str = "restricted") -> None:
    with db.writing() as session:
        session.get_one(Project, project_id).classification = classification


def told(actor: Actor) -> list[str]:
    with db.reading() as session:
        return [one.text for one in notices.unread(session, actor)]


def events_of(subject: str) -> list[str]:
    with db.reading() as session:
        return [one.event for one in activity.object_history(session, SYSTEM, subject)]


@pytest.fixture
def owner(store: str, person: Make) -> Actor:
    """Who works in the team that owns the pattern."""
    return person("AI engineer", team="architecture")


@pytest.fixture
def scoring(owner: Actor) -> int:
    return pattern()


@pytest.fixture
def reviewer(owner: Actor, person: Make) -> Actor:
    return person("reviewer", name="Rita Reviewer", team="boards")


@pytest.fixture
def approved(scoring: int, reviewer: Actor) -> int:
    """A pattern whose three items are approved."""
    for one in ITEMS:
        approve(reviewer, scoring, str(one["id"]))
    return scoring


@pytest.fixture
def ada(owner: Actor, person: Make) -> Actor:
    """A data scientist with a project."""
    made = person("data scientist", name="Ada", team="risk")
    with db.writing() as session:
        projects.create(session, actor=made, project_id="churn", title="Churn", team_id="risk")
    return made


# --- approving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_only_a_reviewer_confirms_or_revokes_an_approval(
    scoring: int, reviewer: Actor, person: Make, role: str
) -> None:
    actor = person(role, team="elsewhere")
    given = approve(reviewer, scoring, "SEC-1")
    if role == "reviewer":
        approve(actor, scoring, "IT-1")
        with db.writing() as session:
            approvals.revoke_approval(session, actor=actor, approval_id=given, reason="The board changed its mind")
        return
    with pytest.raises(NotAllowed):
        approve(actor, scoring, "IT-1")
    with pytest.raises(NotAllowed), db.writing() as session:
        approvals.revoke_approval(session, actor=actor, approval_id=given, reason="x")


def test_a_reviewer_of_the_owning_team_does_not_approve_their_own_pattern(scoring: int, person: Make) -> None:
    with pytest.raises(NotAllowed, match="own pattern"):
        approve(person("reviewer", team="architecture"), scoring, "IT-1")


def test_whoever_proposed_the_pattern_does_not_approve_it(owner: Actor, reviewer: Actor, person: Make) -> None:
    author = person("ML engineer", "reviewer", team="elsewhere")
    document = {
        "apiVersion": "factory/v1", "kind": "pattern", "metadata": {"name": "streams", "title": "Streams", "description": "Scores."},
        "spec": {"owner": "architecture", "problem": "Late.", "preApprovals": ITEMS},
    }  # fmt: skip
    with db.writing() as session:
        proposal = catalog.propose(session, actor=author, document=document)
        entry_id = catalog.approve(session, actor=reviewer, proposal_id=proposal.id or 0).id or 0
    with pytest.raises(NotAllowed, match="own pattern"):
        approve(author, entry_id, "IT-1")
    assert approve(reviewer, entry_id, "IT-1")


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"version": "0.9"}, Conflict), ({"revision": 99}, Conflict), ({"evidence": "  "}, Invalid),
        ({"evidence": "x" * 10_000_000}, Invalid), ({"evidence": "a\x00b"}, Invalid),
        ({"expires_on": date(2020, 1, 1)}, Invalid), ({"expires_on": date(2999, 1, 1)}, Invalid),
    ],
)  # fmt: skip
def test_an_approval_that_breaks_a_rule_is_refused_and_leaves_nothing(
    scoring: int, reviewer: Actor, more: dict[str, Any], refusal: type[PortalError]
) -> None:
    with pytest.raises(refusal) as refused:
        approve(reviewer, scoring, "IT-1", **more)
    assert refused.value.hint or "evidence" in refused.value.message
    with db.reading() as session:
        assert queries.approvals(session, reviewer, scoring) == []


def test_an_item_that_the_pattern_does_not_propose_is_not_approved(scoring: int, reviewer: Actor) -> None:
    for item in ("IT-9", "", "<b>", "x" * 1000):
        with pytest.raises(NotFound):
            approve(reviewer, scoring, item)


@pytest.mark.parametrize("lifecycle", ["proposed", "retired"])
def test_a_pattern_that_is_not_published_is_not_approved(owner: Actor, reviewer: Actor, lifecycle: str) -> None:
    draft = pattern("draft", lifecycle=lifecycle)
    with pytest.raises(Conflict):
        approve(reviewer, draft, "IT-1")


def test_conditions_are_frozen_when_they_are_approved(approved: int, reviewer: Actor, ada: Actor) -> None:
    put_on(ada, approved)
    loosened = [{**one, "conditions": [{"text": "Anything goes"}]} for one in ITEMS]
    pattern(items=loosened)
    assert inherited() == ["ETH-1", "IT-1", "SEC-1"]
    put_on(ada, approved, region="us-east", revision=1)
    assert inherited() == ["ETH-1", "IT-1"]


def test_an_approval_is_renewed_by_a_later_day_only(scoring: int, reviewer: Actor) -> None:
    approve(reviewer, scoring, "IT-1")
    with pytest.raises(Conflict, match="approved until"):
        approve(reviewer, scoring, "IT-1")
    approve(reviewer, scoring, "IT-1", expires_on=next_year() + timedelta(days=30))


def test_an_approval_that_ends_soon_waits_for_those_who_may_renew_it(
    scoring: int, reviewer: Actor, person: Make
) -> None:
    today = db.now().date()

    def ending(actor: Actor) -> list[tuple[str, int]]:
        with db.reading() as session:
            return [(one.item, (one.expires_on - today).days) for one in queries.expiring(session, actor)]

    approve(reviewer, scoring, "IT-1", expires_on=today + timedelta(days=30))
    approve(reviewer, scoring, "SEC-1", expires_on=today + timedelta(days=31))
    approve(reviewer, scoring, "ETH-1", expires_on=today + timedelta(days=5))
    assert ending(reviewer) == [("ETH-1", 5), ("IT-1", 30)]
    assert ending(person("reviewer", team="architecture")) == [], "who wrote the pattern does not renew its approvals"
    assert ending(person("manager")) == ending(person("reviewer", scope=("team", "boards"))) == []
    approve(reviewer, scoring, "ETH-1", expires_on=next_year())
    assert ending(reviewer) == [("IT-1", 30)]
    pattern(version="2.0.0")
    assert ending(reviewer) == []


def test_a_revoked_approval_is_open_at_once_and_the_project_is_told(approved: int, reviewer: Actor, ada: Actor) -> None:
    put_on(ada, approved)
    with db.reading() as session:
        given = next(one for one in queries.approvals(session, reviewer, approved) if one.item == "IT-1")
    with db.writing() as session, pytest.raises(Invalid, match="reason"):
        approvals.revoke_approval(session, actor=reviewer, approval_id=given.id, reason=" ")
    with db.writing() as session:
        approvals.revoke_approval(session, actor=reviewer, approval_id=given.id, reason="The platform moves")
    assert inherited() == ["ETH-1", "SEC-1"]
    assert any("The platform moves" in one for one in told(ada))
    with db.writing() as session, pytest.raises(Conflict):
        approvals.revoke_approval(session, actor=reviewer, approval_id=given.id, reason="again")
    with db.reading() as session:
        states = {one.item: one.state for one in queries.approvals(session, reviewer, approved)}
    assert states == {"ETH-1": "in force", "IT-1": "revoked", "SEC-1": "in force"}


# --- using -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_who_puts_a_project_on_a_pattern_is_who_may_adopt_for_it(approved: int, ada: Actor, person: Make, role: str) -> None:  # fmt: skip
    if role in BUILDERS:
        assert put_on(person(role, team="risk"), approved) == 1
    else:
        with pytest.raises(NotAllowed):
            put_on(person(role, team="risk"), approved)
    if role != "ML engineer":
        with pytest.raises(NotAllowed):
            put_on(person(role, team="elsewhere"), approved)


def test_a_reference_set_binds_nobody(scoring: int, ada: Actor) -> None:
    put_on(ada, scoring)
    assert [reason.kind for one in standing().items for reason in one.reasons] == ["not approved"] * 3


def test_a_pattern_adopted_unchanged_gives_its_approvals_and_a_changed_region_reopens_one(
    approved: int, reviewer: Actor, ada: Actor
) -> None:
    put_on(ada, approved)
    assert inherited() == ["ETH-1", "IT-1", "SEC-1"]
    assert all(one.evidence == "https://boards.example.org/42" and one.until == next_year() for one in standing().items)
    assert waiting(reviewer) == []
    put_on(ada, approved, region="us-east", revision=1)
    assert inherited() == ["ETH-1", "IT-1"]
    assert [(one.item, one.values, one.origin) for one in waiting(reviewer)] == [("SEC-1", ("us-east",), "found")]
    assert any("no longer inherits SEC-1" in one for one in told(reviewer))
    assert events_of("project:churn").count("pattern-used") == 2
    put_on(ada, approved, region="eu-north", revision=2)
    assert inherited() == ["ETH-1", "IT-1", "SEC-1"]


def test_the_use_is_an_adoption_and_a_new_pattern_ends_the_former(approved: int, ada: Actor) -> None:
    put_on(ada, approved)
    other = pattern("batch", items=[])
    put_on(ada, other, attested=(), revision=1)
    with db.reading() as session:
        rows = project_queries.project(session, ada, "churn").adoptions
    assert {(one.entry_id, one.until is None) for one in rows} == {(approved, False), (other, True)}
    assert standing().items == []


def test_a_pattern_is_adopted_moved_and_left_with_its_declarations_only(approved: int, ada: Actor) -> None:
    which = {"actor": ada, "project_id": "churn", "entry_id": approved}
    with pytest.raises(Conflict, match="pattern") as refused, db.writing() as session:
        adoption.adopt(session, **which)
    assert "Pattern tab" in refused.value.hint
    put_on(ada, approved)
    pattern(version="1.1.0")
    for verb in (adoption.update_adoption, adoption.end_adoption):
        with pytest.raises(Conflict, match="pattern"), db.writing() as session:
            verb(session, **which)
    assert inherited() == ["ETH-1", "IT-1", "SEC-1"]


def test_a_project_that_leaves_its_pattern_inherits_nothing_and_begins_anew_on_it(
    approved: int, ada: Actor, reviewer: Actor, person: Make
) -> None:
    colleague = person("data scientist", team="risk")
    put_on(ada, approved, region="us-east")
    decide(reviewer, waiting(reviewer)[0])
    assert "SEC-1" in inherited()
    with db.writing() as session:
        use.leave_pattern(session, actor=ada, project_id="churn", revision=1)
    with db.reading() as session:
        assert queries.standing(session, ada, "churn") is None
        rows = project_queries.project(session, ada, "churn").adoptions
        assert [one.until is None for one in rows] == [False]
    assert {"pattern-left", "deviation-resolved"} <= set(events_of("project:churn"))
    for one in (colleague, reviewer):
        assert any("no longer inherits ETH-1, IT-1, SEC-1" in news for news in told(one))
    put_on(ada, approved, region="us-east", attested=())
    assert inherited() == ["ETH-1"], "neither the accepted deviation nor what was attested comes back by itself"


def test_a_pattern_is_left_once_on_what_was_read_and_by_the_team(approved: int, ada: Actor, person: Make) -> None:
    def leave(actor: Actor = ada, revision: int = 1) -> None:
        with db.writing() as session:
            use.leave_pattern(session, actor=actor, project_id="churn", revision=revision)

    with pytest.raises(Conflict, match="no pattern"):
        leave(revision=0)
    put_on(ada, approved)
    with pytest.raises(Conflict, match="changed since"):
        leave(revision=7)
    with pytest.raises(NotAllowed):
        leave(person("data scientist", team="elsewhere"))
    leave()
    with pytest.raises(Conflict):
        leave()


def test_a_new_version_is_approved_anew_and_the_preview_says_whom_it_hits(
    approved: int, reviewer: Actor, ada: Actor
) -> None:
    put_on(ada, approved)
    pattern(version="1.1.0")
    assert inherited() == ["ETH-1", "IT-1", "SEC-1"]  # the project still uses 1.0.0
    approve(reviewer, approved, "ETH-1")
    with db.reading() as session:
        (hit,) = queries.preview_version(session, reviewer, approved, "1.1.0").items
    assert (hit.project_id, [one.item for one in hit.reopens], hit.stays) == ("churn", ["IT-1", "SEC-1"], 1)
    put_on(ada, approved, revision=1, upgrade=True)
    assert (standing().use.version, inherited()) == ("1.1.0", ["ETH-1"])
    with db.reading() as session:
        assert queries.preview_version(session, reviewer, approved, "1.1.0").total == 0


def test_redeclaring_keeps_the_version_that_the_project_uses(approved: int, ada: Actor) -> None:
    put_on(ada, approved)
    pattern(version="1.1.0")
    put_on(ada, approved, region="eu-north", revision=1)
    assert (standing().use.version, inherited()) == ("1.0.0", ["ETH-1", "IT-1", "SEC-1"])


def test_a_fact_changed_elsewhere_counts_at_once_and_its_preview_is_right(
    approved: int, reviewer: Actor, ada: Actor
) -> None:
    put_on(ada, approved)
    with db.reading() as session:
        lost = queries.preview_change(session, ada, "churn", {"classification": ["restricted"]})
        assert [one.item for one in lost] == ["ETH-1"]
        assert queries.preview_change(session, ada, "churn", {"tier": ["high"]}) == []
        assert [one.item for one in queries.preview_change(session, ada, "churn", {"attested": []})] == ["IT-1"]
        with pytest.raises(Invalid):
            queries.preview_change(session, ada, "churn", {"weather": ["fine"]})
    with db.writing() as session:
        project = session.get(Project, "churn")
        assert project is not None
        project.classification = "restricted"
    assert inherited() == ["IT-1", "SEC-1"]
    assert [one.item for one in waiting(reviewer)] == ["ETH-1"]


def test_the_preview_of_a_use_promises_what_the_use_gives(approved: int, ada: Actor) -> None:
    wanted = {"region": "us-east", "services": SERVICES, "attested": [STATEMENT]}
    with db.reading() as session:
        first = queries.preview_use(session, ada, project_id="churn", entry_id=approved, **wanted)
    assert [one.item for one in first.items if one.inherited] == ["ETH-1", "IT-1"]
    put_on(ada, approved)
    with db.reading() as session:
        second = queries.preview_use(session, ada, project_id="churn", entry_id=approved, **wanted)
    assert [one.item for one in second.reopens] == ["SEC-1"]
    put_on(ada, approved, region="us-east", revision=1)
    assert standing().items == second.items


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"region": "x" * 41}, Invalid), ({"region": "a\x00"}, Invalid), ({"services": {"launch": ["x"]}}, Invalid),
        ({"services": {"deploy": ["x" * 10_000_000]}}, Invalid), ({"services": {"deploy": [str(n) for n in range(99)]}}, Invalid),
        ({"attested": ["I promise everything"]}, Invalid), ({"revision": 7}, Conflict), ({"project_id": "none"}, NotFound),
    ],
)  # fmt: skip
def test_a_use_that_breaks_a_rule_is_refused_and_leaves_nothing(
    approved: int, ada: Actor, more: dict[str, Any], refusal: type[PortalError]
) -> None:
    with pytest.raises(refusal):
        put_on(ada, approved, **more)
    with db.reading() as session:
        assert queries.standing(session, ada, "churn") is None


def test_only_a_pattern_is_used_and_only_by_a_running_project(approved: int, ada: Actor) -> None:
    with db.reading() as session:
        entry = session.exec(select(Entry.id).where(Entry.kind == "project")).one()
    with pytest.raises(NotFound, match="No pattern"):
        put_on(ada, entry or 0)
    with db.writing() as session:
        projects.move(session, actor=ada, project_id="churn", stage="stopped", finding="Too few labels.")
    with pytest.raises(Conflict, match="stopped"):
        put_on(ada, approved)


def test_a_deprecated_pattern_is_taken_up_by_nobody_and_kept_by_those_who_stand_on_it(approved: int, ada: Actor) -> None:  # fmt: skip
    with db.writing() as session:
        projects.create(session, actor=ada, project_id="late", title="Late", team_id="risk")
    put_on(ada, approved)
    pattern("successor")
    pattern(lifecycle="deprecated", successor="pattern:default/successor")
    with pytest.raises(Conflict, match="deprecated") as refusal:
        put_on(ada, approved, project_id="late")
    assert "pattern:default/successor" in refusal.value.hint
    put_on(ada, approved, region="eu-north", revision=1)
    assert inherited() == ["ETH-1", "IT-1", "SEC-1"]


def test_the_second_of_two_who_edit_at_once_is_told(approved: int, ada: Actor, person: Make) -> None:
    put_on(ada, approved)
    put_on(ada, approved, region="eu-north", revision=1)
    with pytest.raises(Conflict, match="changed since"):
        put_on(person("AI engineer", team="risk"), approved, region="us-east", revision=1)


def test_an_approval_expires_by_the_clock(approved: int, ada: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on(ada, approved)
    later = db.now() + timedelta(days=366)
    monkeypatch.setattr(queries, "now", lambda: later)
    assert inherited() == []
    assert {reason.kind for one in standing().items for reason in one.reasons} == {"expired"}


def test_a_confidential_pattern_shows_nothing_to_those_who_may_not_see_it(
    reviewer: Actor, ada: Actor, person: Make
) -> None:
    secret = pattern("secret", classification="restricted")
    approve(reviewer, secret, "IT-1")
    with pytest.raises(NotFound):
        put_on(ada, secret)
    with db.reading() as session:
        assert queries.approvals(session, ada, secret) == []
        with pytest.raises(NotFound):
            queries.proposed(session, ada, secret)


def test_a_hidden_project_is_counted_on_its_pattern_and_neither_named_nor_described(
    approved: int, reviewer: Actor, ada: Actor, person: Make
) -> None:
    put_on(ada, approved, region="us-east")
    hide("churn")
    stranger = person("data scientist", "ML engineer", team="elsewhere")
    with db.reading() as session:
        assert queries.uses(session, stranger, approved) == queries.Uses([], 0, hidden=1)
        assert [one.project for one in queries.uses(session, reviewer, approved).items] == ["Churn"]
        assert queries.open_deviations_of(session, stranger, entry_id=approved) == []
        assert queries.open_deviations_of(session, stranger, project_id="churn") == []
        assert queries.preview_version(session, stranger, approved, "9.9") == queries.Hits([], 0)
        assert queries.standing(session, stranger, "churn") is None
        with pytest.raises(NotFound):
            queries.suggested(session, stranger, "churn", approved)
        with pytest.raises(NotFound):
            queries.preview_use(
                session, stranger, project_id="churn", entry_id=approved, region="", services={}, attested=()
            )


def test_a_manager_is_asked_about_no_deviation_of_a_project_they_do_not_see(
    approved: int, reviewer: Actor, ada: Actor, person: Make
) -> None:
    put_on(ada, approved, region="us-east")
    manager = person("manager", team="elsewhere")
    assert [one.item for one in waiting(manager)] == ["SEC-1"]
    hide("churn")
    assert waiting(manager) == []
    assert "SEC-1" in [one.item for one in waiting(reviewer)]


def test_those_who_inherit_are_told_of_a_revocation_whether_its_reviewer_sees_them_or_not(
    approved: int, reviewer: Actor, ada: Actor, person: Make
) -> None:
    put_on(ada, approved)
    hide("churn", "confidential")
    elsewhere = person("reviewer", scope=("team", "architecture"))
    with db.reading() as session:
        given = next(one.id for one in queries.approvals(session, reviewer, approved) if one.item == "IT-1")
        assert queries.uses(session, elsewhere, approved).items == []
    with db.writing() as session:
        approvals.revoke_approval(session, actor=elsewhere, approval_id=given, reason="The platform moves")
    assert any("The platform moves" in one for one in told(ada))


def test_the_lists_of_a_pattern_come_in_pages(approved: int, reviewer: Actor, ada: Actor) -> None:
    for number in range(5):
        with db.writing() as session:
            projects.create(session, actor=ada, project_id=f"p{number}", title=f"P{number}", team_id="risk")
        put_on(ada, approved, project_id=f"p{number}", region="us-east" if number else "eu-west")
    with db.reading() as session:
        second = queries.uses(session, ada, approved, page=2, size=2)
        assert ([one.project for one in second.items], second.total) == (["P2", "P3"], 5)
        hits = queries.preview_version(session, ada, approved, "2.0.0", page=3, size=2)
        assert ([one.project for one in hits.items], hits.total) == (["P4"], 5)
        assert [one.project for one in queries.uses(session, ada, approved, page=10**9, size=2).items] == ["P4"]
        assert [one.project for one in queries.open_deviations(session, reviewer, limit=2)] == ["P1", "P2"]


# --- deviations ------------------------------------------------------------------------------------------------------


@pytest.fixture
def deviating(approved: int, ada: Actor) -> int:
    """The approved pattern, used in a region that it does not allow."""
    put_on(ada, approved, region="us-east")
    return approved


@pytest.mark.parametrize("role", ROLES)
def test_reviewers_and_managers_decide_on_deviations_and_nobody_else(
    deviating: int, reviewer: Actor, person: Make, role: str
) -> None:
    actor = person(role, team="elsewhere")
    (found,) = waiting(reviewer)
    if role in ("reviewer", "manager"):
        assert waiting(actor) == [found]
        decide(actor, found)
        assert "SEC-1" in inherited()
    else:
        assert waiting(actor) == []
        with pytest.raises(NotAllowed):
            decide(actor, found)


def test_nobody_decides_on_a_deviation_of_their_own_project(deviating: int, reviewer: Actor, person: Make) -> None:
    colleague = person("manager", team="risk")
    (found,) = waiting(reviewer)
    assert waiting(colleague) == []
    with pytest.raises(NotAllowed, match="take part"):
        decide(colleague, found)


def test_whoever_declared_a_deviation_does_not_decide_on_it(
    approved: int, ada: Actor, reviewer: Actor, person: Make
) -> None:
    put_on(ada, approved)
    colleague = person("AI engineer", team="risk")
    declare(colleague)
    with db.writing() as session:
        people.grant_role(session, actor=SYSTEM, person_id=colleague.id, role="reviewer")
        people.leave_team(session, actor=SYSTEM, team_id="risk", person_id=colleague.id)
    with pytest.raises(NotAllowed, match="declared this yourself"):
        decide(actor_now(colleague.id), waiting(reviewer)[0])
    decide(reviewer, waiting(reviewer)[0])


def test_an_accepted_deviation_inherits_until_its_last_day_or_another_value(
    deviating: int, reviewer: Actor, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(reviewer, waiting(reviewer)[0], expires_on=db.now().date() + timedelta(days=10))
    assert "SEC-1" in inherited()
    assert waiting(reviewer) == []
    assert any("accepted" in one for one in told(ada))
    put_on(ada, deviating, region="ap-south", revision=1)
    assert [one.values for one in waiting(reviewer)] == [("ap-south",)]
    put_on(ada, deviating, region="us-east", revision=2)
    assert "SEC-1" in inherited()
    later = db.now() + timedelta(days=11)
    monkeypatch.setattr(queries, "now", lambda: later)
    assert [one.item for one in waiting(reviewer)] == ["SEC-1"]


def test_a_deviation_ends_with_its_fact_and_is_decided_anew_when_it_comes_back(
    deviating: int, reviewer: Actor, ada: Actor
) -> None:
    decide(reviewer, waiting(reviewer)[0])
    put_on(ada, deviating, region="eu-west", revision=1)
    assert [one.state for one in standing().deviations] == ["resolved"]
    put_on(ada, deviating, region="us-east", revision=2)
    assert [one.item for one in waiting(reviewer)] == ["SEC-1"]


def test_a_rejected_deviation_leaves_the_queue_and_the_approval_open_until_it_is_declared_anew(
    deviating: int, reviewer: Actor, ada: Actor
) -> None:
    decide(reviewer, waiting(reviewer)[0], accept=False, note="Not outside the EU.")
    assert waiting(reviewer) == []
    assert "SEC-1" not in inherited()
    assert any("Not outside the EU" in one for one in told(ada))
    with pytest.raises(Conflict, match="still deviates"), db.writing() as session:
        deviations.resolve_deviation(session, actor=ada, deviation_id=standing().deviations[0].id)
    declare(ada, "SEC-1", str(EU["text"]), what="We use us-east", reason="The mirror is encrypted now")
    (again,) = waiting(reviewer)
    assert (again.reason, again.values, again.origin) == ("The mirror is encrypted now", ("us-east",), "declared")
    decide(reviewer, again)
    assert "SEC-1" in inherited()


def test_a_declared_deviation_opens_the_approval_until_it_is_accepted_or_resolved(
    approved: int, reviewer: Actor, ada: Actor
) -> None:
    put_on(ada, approved, attested=())
    declare(ada)
    assert "IT-1" not in inherited()
    assert any("Nobody is on call" in one for one in told(reviewer))
    with pytest.raises(Conflict, match="open already"):
        declare(ada)
    decide(reviewer, waiting(reviewer)[0])
    assert next(one for one in standing().items if one.item == "IT-1").accepted == (STATEMENT,)
    made = declare(ada, "SEC-1", "")
    assert "SEC-1" not in inherited()
    with db.writing() as session:
        deviations.resolve_deviation(session, actor=ada, deviation_id=made)
    assert "SEC-1" in inherited()


@pytest.mark.parametrize("role", ROLES)
def test_who_declares_and_ends_a_deviation_is_who_may_adopt_for_the_project(
    approved: int, ada: Actor, person: Make, role: str
) -> None:
    put_on(ada, approved)
    made = declare(ada, "SEC-1", "")
    colleague, stranger = person(role, team="risk"), person(role, team="elsewhere")

    def resolve(actor: Actor) -> None:
        with db.writing() as session:
            deviations.resolve_deviation(session, actor=actor, deviation_id=made)

    for actor, may in ((stranger, role == "ML engineer"), (colleague, role in BUILDERS)):
        if may:
            continue
        for act in (lambda: declare(actor), lambda: resolve(actor)):  # noqa: B023
            with pytest.raises(NotAllowed):
                act()
    if role in BUILDERS:
        declare(colleague)
        resolve(colleague)
        assert {one.state for one in standing().deviations} == {"open", "resolved"}


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"item": "IT-9"}, NotFound), ({"condition": "Another"}, NotFound), ({"reason": " "}, Invalid),
        ({"what": "x" * 10_000_000}, Invalid), ({"what": ""}, Invalid), ({"reason": "a\x00b"}, Invalid),
        ({"item": "SEC-1", "condition": EU["text"]}, Invalid), ({"project_id": "none"}, NotFound),
    ],
)  # fmt: skip
def test_a_deviation_that_breaks_a_rule_is_refused(
    approved: int, ada: Actor, more: dict[str, Any], refusal: type[PortalError]
) -> None:
    put_on(ada, approved)
    with pytest.raises(refusal):
        declare(ada, **more)
    assert standing().deviations == []


def test_a_decision_on_facts_that_changed_meanwhile_is_refused(deviating: int, reviewer: Actor, ada: Actor) -> None:
    (seen,) = waiting(reviewer)
    put_on(ada, deviating, region="ap-south", revision=1)
    with pytest.raises(Conflict, match="changed since you looked"):
        decide(reviewer, seen)
    with pytest.raises(Invalid, match="note"):
        decide(reviewer, waiting(reviewer)[0], note=" ")
    put_on(ada, deviating, region="eu-west", revision=2)
    with pytest.raises(Conflict, match="waits for no decision"):
        decide(reviewer, seen)


def test_only_the_first_of_two_decisions_counts(deviating: int, reviewer: Actor, person: Make) -> None:
    (found,) = waiting(reviewer)
    decide(reviewer, found)
    with pytest.raises(Conflict, match="waits for no decision"):
        decide(person("manager", team="elsewhere"), found, accept=False)


def test_stopped_projects_leave_the_queue(deviating: int, reviewer: Actor, ada: Actor) -> None:
    with db.writing() as session:
        projects.move(session, actor=ada, project_id="churn", stage="stopped", finding="Too few labels.")
    assert waiting(reviewer) == []


def test_every_change_is_in_the_log_without_a_name(deviating: int, reviewer: Actor, ada: Actor) -> None:
    decide(reviewer, waiting(reviewer)[0])
    declare(ada, "IT-1", "")
    assert {"pattern-used", "deviation-decided", "deviation-declared"} <= set(events_of("project:churn"))
    assert events_of("pattern:default/online-scoring").count("pattern-approved") == 3
    with db.reading() as session:
        data = " ".join(str(one.data) for one in activity.object_history(session, SYSTEM, "project:churn"))
        assert session.exec(select(PatternApproval.approved_by)).first() == reviewer.ref
    assert not {"Rita", "Ada"} & set(data.replace('"', " ").split())


def test_many_projects_are_judged_in_a_fixed_number_of_statements(
    deviating: int, reviewer: Actor, ada: Actor, person: Make
) -> None:
    from sqlalchemy import event

    def statements() -> int:
        seen: list[str] = []
        listener = lambda *arguments: seen.append(arguments[2])  # noqa: E731
        event.listen(db.engine(), "before_cursor_execute", listener)
        waiting(reviewer)
        event.remove(db.engine(), "before_cursor_execute", listener)
        return len(seen)

    one = statements()
    for number in range(4):
        with db.writing() as session:
            projects.create(session, actor=ada, project_id=f"p{number}", title="P", team_id="risk")
        put_on(ada, deviating, region="us-east", project_id=f"p{number}")
    assert len(waiting(reviewer)) == 5
    assert statements() == one


# --- facts that change -----------------------------------------------------------------------------------------------


def change(actor: Actor, verb: Callable[..., Project], **more: Any) -> None:
    with db.writing() as session:
        revision = session.get_one(Project, "churn").revision
        verb(session, actor=actor, project_id="churn", revision=revision, **more)


def reopened() -> list[list[str]]:
    with db.reading() as session:
        history = activity.object_history(session, SYSTEM, "project:churn")
    return [one.data["reopened"] for one in reversed(history) if one.event == "approvals-reopened"]


@pytest.mark.parametrize(
    ("said", "lost"), [({"region": "us-east"}, ["SEC-1"]), ({"classification": "confidential"}, ["ETH-1"])]
)
def test_an_edit_that_reopens_approvals_is_recorded_and_told_to_members_and_approvers(
    approved: int, ada: Actor, reviewer: Actor, person: Make, said: dict[str, str], lost: list[str]
) -> None:
    colleague = person("data scientist", team="risk")
    put_on(ada, approved)
    change(ada, changes.edit, summary="Customers leave.")
    assert (reopened(), told(colleague)) == ([], [])
    change(ada, changes.edit, **said)
    assert reopened() == [lost]
    for one in (colleague, reviewer):
        (news,) = told(one)
        assert news.startswith(f"Churn no longer inherits {lost[0]} of Online-Scoring.")
    assert told(ada) == [], "who did it knows"


def test_an_edit_back_within_the_allowed_ends_the_deviation(approved: int, ada: Actor, reviewer: Actor) -> None:
    put_on(ada, approved)
    change(ada, changes.edit, region="us-east")
    decide(reviewer, waiting(reviewer)[0])
    assert "SEC-1" in inherited()
    change(ada, changes.edit, region="eu-north")
    assert [one.state for one in standing().deviations] == ["resolved"]
    change(ada, changes.edit, region="us-east")
    assert reopened() == [["SEC-1"], ["SEC-1"]], "what was accepted once is decided anew"


def test_risk_facts_and_a_raised_tier_reopen_what_stood_on_them(ada: Actor, reviewer: Actor, person: Make) -> None:
    anonymous = {"text": "No personal data", "fact": "personal data", "allowed": ["none"]}
    harmless = {"text": "Harmless", "fact": "tier", "allowed": ["minimal", "limited"]}
    items = [{"by": by, "id": name, "scope": "All", "conditions": [condition]} for by, name, condition in (("privacy", "PRI-1", anonymous), ("ethics", "ETH-1", harmless))]  # fmt: skip
    entry_id = pattern(items=items)
    for one in items:
        approve(reviewer, entry_id, str(one["id"]))
    nothing = {one.key: one.nothing for one in QUESTIONS}
    change(ada, changes.set_facts, facts=nothing)
    put_on(ada, entry_id, attested=())
    assert inherited() == ["ETH-1", "PRI-1"]
    change(ada, changes.set_facts, facts=nothing | {"personal_data": "direct"})
    assert reopened() == [["PRI-1"]]
    change(
        person("model validator"), changes.confirm_tier, tier="high", reason="The table does not see the vulnerable."
    )
    assert (reopened(), inherited()) == ([["PRI-1"], ["ETH-1"]], [])
    assert any("ETH-1" in one and "tier is high" in one for one in told(ada))


def test_a_refused_change_reopens_nothing(approved: int, ada: Actor, person: Make) -> None:
    put_on(ada, approved)
    with pytest.raises(NotAllowed):
        change(person("data scientist", team="elsewhere"), changes.edit, region="us-east")
    with pytest.raises(NotFound), db.writing() as session:
        changes.edit(session, actor=ada, project_id="none", revision=1, region="us-east")
    assert (reopened(), inherited()) == ([], ["ETH-1", "IT-1", "SEC-1"])


# --- approvals that end ----------------------------------------------------------------------------------------------


def remind() -> int:
    with db.writing() as session:
        return expiry.remind(session, actor=SYSTEM)


def in_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    later = db.now() + timedelta(days=days)
    for module in (expiry, queries):
        monkeypatch.setattr(module, "now", lambda: later)


def test_who_relies_on_an_approval_and_who_gave_it_are_told_once_before_it_ends(
    scoring: int, reviewer: Actor, ada: Actor, person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague = person("data scientist", team="risk")
    soon = db.now().date() + timedelta(days=60)
    approve(reviewer, scoring, "SEC-1", expires_on=soon)
    approve(reviewer, scoring, "IT-1")
    put_on(ada, scoring, attested=())
    assert remind() == 0
    in_days(monkeypatch, 30)
    assert remind() == 1
    for one in (ada, colleague):
        assert told(one) == [f"The approval SEC-1 of Online-Scoring 1.0.0, which your project inherits, ends after {soon:%d %b %Y}. Ask for its renewal, or plan without it."]  # fmt: skip
    assert ["Projects that inherit it: 1" in one for one in told(reviewer)] == [True]
    assert remind() == 0
    assert events_of("pattern:default/online-scoring").count("approval-expiry-near") == 1


def test_a_renewed_a_revoked_and_an_expired_approval_are_not_reminded_of(
    scoring: int, reviewer: Actor, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = db.now().date() + timedelta(days=20)
    for one in ("SEC-1", "IT-1"):
        approve(reviewer, scoring, one, expires_on=soon)
    approve(reviewer, scoring, "SEC-1", expires_on=soon + timedelta(days=100))
    with db.writing() as session:
        given = session.exec(select(PatternApproval.id).where(PatternApproval.item_id == "IT-1")).one()
        approvals.revoke_approval(session, actor=reviewer, approval_id=given or 0, reason="The board changed its mind")
    put_on(ada, scoring)
    assert remind() == 0
    in_days(monkeypatch, 200)
    assert remind() == 0


def test_an_approval_of_a_former_version_is_reminded_of_only_while_a_project_inherits_it(
    scoring: int, reviewer: Actor, ada: Actor
) -> None:
    approve(reviewer, scoring, "SEC-1", expires_on=db.now().date() + timedelta(days=20))
    pattern(version="1.1.0")
    assert remind() == 0
    with db.writing() as session:
        session.add(
            PatternUse(project_id="churn", entry_id=scoring, version="1.0.0", region="eu-west", adopted_by=ada.ref)
        )
        session.add(Adoption(project_id="churn", entry_id=scoring, version="1.0.0", adopted_by=ada.ref))
    assert remind() == 1


def test_only_those_who_run_jobs_remind(scoring: int, reviewer: Actor) -> None:
    with pytest.raises(NotAllowed), db.writing() as session:
        expiry.remind(session, actor=reviewer)
