"""Adoption: ways and versions, drift, who is told when an entry leaves, who is hit, and what reuse was worth."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from core import db
from core.access import policy
from core.access.policy import ROLES, Actor
from core.access.tables import BusinessUnit, Team
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.people import actions as people
from core.people import notices
from core.projects import adoption, value, value_queries
from core.projects import adoption_queries as reading
from core.projects.drift import Release, versions_behind
from core.projects.tables import Adoption, Project, ProjectMember, ReuseValue
from tests.conftest import SYSTEM, actor_now

Make = Callable[..., Actor]
BASIS = "Two people would have built it in a week."


def entry(name: str, **spec: Any) -> int:
    document = {
        "apiVersion": "factory/v1", "kind": "asset",
        "metadata": {"name": name, "title": name.title(), "description": "Finds drift."},
        "spec": {"owner": "risk", "version": "1.0", **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


def start(project_id: str = "fraud", *, team: str = "risk", stage: str = "experiment", **more: Any) -> str:
    with db.writing() as session:
        unit = session.get_one(Team, team).unit_id
        session.add(Project(id=project_id, title=project_id.title(), team_id=team, unit_id=unit, stage=stage, **more))
    return project_id


def adopt(actor: Actor, entry_id: int, project_id: str = "fraud", **more: Any) -> int:
    with db.writing() as session:
        made = adoption.adopt(session, actor=actor, project_id=project_id, entry_id=entry_id, **more)
        return made.id or 0


def renew(actor: Actor, entry_id: int, project_id: str = "fraud") -> None:
    with db.writing() as session:
        adoption.update_adoption(session, actor=actor, project_id=project_id, entry_id=entry_id)


def claim(actor: Actor, adoption_id: int, low: Any = 40, high: Any = 60, basis: str = BASIS) -> int:
    with db.writing() as session:
        made = value.claim_value(
            session, actor=actor, adoption_id=adoption_id, low_hours=low, high_hours=high, basis=basis
        )
        return made.id or 0


def confirm(actor: Actor, value_id: int) -> None:
    with db.writing() as session:
        value.confirm_value(session, actor=actor, value_id=value_id)


def leave(
    actor: Actor, entry_id: int, to: Lifecycle = Lifecycle.deprecated, successor: str = "asset:default/new"
) -> None:
    with db.reading() as session:
        revision = session.get_one(Entry, entry_id).revision
    with db.writing() as session:
        adoption.change_lifecycle(
            session, actor=actor, entry_id=entry_id, to=to, revision=revision, reason="Too slow.",
            successor=successor if to is Lifecycle.deprecated else "",
        )  # fmt: skip


def told(actor: Actor) -> list[tuple[str, str]]:
    with db.reading() as session:
        return [(one.subject, one.text) for one in notices.unread(session, actor)]


def events() -> list[str]:
    with db.reading() as session:
        return [line.event for line in activity.since(session, 0)]


def hit(actor: Actor, entry_id: int) -> reading.Impact:
    with db.reading() as session:
        return reading.impact(session, actor, entry_id)


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk")


@pytest.fixture
def engineer(scientist: Actor, person: Make) -> Actor:
    return person("ML engineer", team="platform")


# --- adopting and moving to a newer version --------------------------------------------------------------------------


def test_how_it_is_adopted_is_kept_with_a_note(scientist: Actor) -> None:
    start()
    adopt(scientist, entry("psi"), how="adapt", note=" Own thresholds. ")
    with db.reading() as session:
        made = session.exec(select(Adoption)).one()
    assert (made.how, made.note, made.version) == ("adapt", "Own thresholds.", "1.0")


@pytest.mark.parametrize(
    "wrong", [{"how": "steal"}, {"note": "x" * 1001}, {"note": "x" * 10_000_000}, {"note": "a\x00b"}]
)
def test_an_adoption_that_breaks_a_rule_is_refused_and_leaves_nothing(scientist: Actor, wrong: dict[str, str]) -> None:
    start()
    psi = entry("psi")
    with pytest.raises(Invalid):
        adopt(scientist, psi, **wrong)
    with db.reading() as session:
        assert session.exec(select(Adoption)).all() == []


def test_an_adoption_moves_to_the_present_version_once(scientist: Actor) -> None:
    start()
    psi = entry("psi")
    adopt(scientist, psi)
    with pytest.raises(Conflict, match="newest version"):
        renew(scientist, psi)
    entry("psi", version="1.1")
    renew(scientist, psi)
    with db.reading() as session:
        assert session.exec(select(Adoption.version)).one() == "1.1"
        last = activity.object_history(session, scientist, "asset:default/psi")[0]
    assert (last.event, last.data) == ("adoption-updated", {"project": "fraud", "before": "1.0", "version": "1.1"})


def test_what_is_not_used_or_retired_or_of_an_ended_project_moves_nowhere(scientist: Actor, engineer: Actor) -> None:
    start()
    start("done")
    psi = entry("psi")
    with pytest.raises(NotFound, match="does not use"):
        renew(scientist, psi)
    adopt(scientist, psi)
    adopt(scientist, psi, "done")
    entry("psi", version="2.0")
    with db.writing() as session:
        session.get_one(Project, "done").stage = "stopped"
    with pytest.raises(Conflict, match="stopped"):
        renew(scientist, psi, "done")
    leave(engineer, psi, Lifecycle.retired)
    with pytest.raises(Conflict, match="retired"):
        renew(scientist, psi)


def test_moving_at_the_same_time_moves_once(scientist: Actor) -> None:
    start()
    psi = entry("psi")
    adopt(scientist, psi)
    entry("psi", version="1.1")

    def attempt(_number: int) -> str:
        try:
            renew(scientist, psi)
        except PortalError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert sorted(outcomes) == ["conflict"] * 5 + ["done"]
    assert events().count("adoption-updated") == 1


# --- drift -----------------------------------------------------------------------------------------------------------

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def releases(*versions: str) -> list[Release]:
    """Versions, each released a day after the one before."""
    return [Release(one, "", DAY + timedelta(days=number)) for number, one in enumerate(versions)]


@pytest.mark.parametrize(
    ("taken", "newest", "known", "behind"),
    [
        ("1.0", "1.0", ["1.0"], 0),
        ("1.0", "1.1", ["1.0", "1.1"], 1),
        ("1.9", "1.10", ["1.9", "1.10"], 1),
        ("1.2", "2.0", ["2.0", "1.10", "1.9", "1.2", "1.1"], 3),
        ("v1", "v3", ["v1", "v2", "v3"], 2),
        ("2.0", "1.9", ["1.9", "2.0"], 1),
        ("gone", "1.1", ["1.0", "1.1"], 1),
        ("spring", "autumn", ["spring", "summer", "autumn"], 2),
        ("1.0", "2.0-beta", ["1.0", "1.1", "2.0-beta"], 2),
        ("1.0", "1.0.0", ["1.0", "1.0.0"], 1),
        ("1.0", "1.1", [], 1),
    ],
)
def test_how_far_behind_counts_the_versions_that_came_after(
    taken: str, newest: str, known: list[str], behind: int
) -> None:
    assert versions_behind(taken, newest, releases(*known)) == behind


def test_a_stated_day_of_release_counts_before_the_day_it_was_seen() -> None:
    known = [Release("a", "2026-03-01", DAY), Release("b", "2026-02-01", DAY + timedelta(days=9))]
    assert versions_behind("b", "c", known) == 2
    assert versions_behind("a", "c", known) == 1


@given(st.text(max_size=8), st.text(max_size=8), st.lists(st.text(max_size=8), max_size=5))
def test_any_version_is_the_newest_or_between_one_and_all_behind(taken: str, newest: str, known: list[str]) -> None:
    behind = versions_behind(taken, newest, releases(*known))
    assert behind == 0 if taken == newest else 1 <= behind <= len(known) + 1


def test_a_project_sees_what_it_uses_the_furthest_behind_first(scientist: Actor) -> None:
    start()
    psi, fresh = entry("psi"), entry("fresh")
    for one in (psi, fresh):
        adopt(scientist, one)
    for version in ("1.1", "1.2"):
        entry("psi", version=version)
    with db.reading() as session:
        found = reading.uses(session, scientist, "fraud")
    assert [(one.title, one.version, one.newest, one.behind) for one in found] == [
        ("Psi", "1.0", "1.2", 2), ("Fresh", "1.0", "1.0", 0),
    ]  # fmt: skip
    with db.writing() as session:
        session.get_one(Project, "fraud").stage = "closed"
    with db.reading() as session:
        assert reading.uses(session, scientist, "fraud") == [], "an ended project has nothing to catch up with"


# --- telling adopters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [Lifecycle.deprecated, Lifecycle.retired])
def test_everybody_in_an_adopting_project_or_its_team_is_told_once_and_the_successor_named(
    scientist: Actor, engineer: Actor, person: Make, to: Lifecycle
) -> None:
    mate, guest = person("data engineer", team="risk"), person("data scientist", team="elsewhere")
    start()
    start("churn")
    start("over")
    psi, _ = entry("psi"), entry("new")
    for project in ("fraud", "churn", "over"):
        adopt(scientist, psi, project)
    with db.writing() as session:
        session.get_one(Project, "over").stage = "stopped"
        session.add(ProjectMember(project_id="fraud", person_id=guest.id, role="data scientist"))
        session.add(ProjectMember(project_id="fraud", person_id=mate.id, role="data engineer"))
        session.add(ProjectMember(project_id="over", person_id=engineer.id, role="ML engineer"))
    leave(engineer, psi, to)
    way = (
        "asset:default/new replaces it." if to is Lifecycle.deprecated else "Nothing replaces it: choose another entry."
    )
    for teammate in (scientist, mate):
        ((subject, text),) = told(teammate)
        assert subject == "asset:default/psi"
        assert text == f"Churn and 1 more of your projects use Psi, which is {to.value} now. {way} Why: Too slow."
    assert told(guest) == [("asset:default/psi", f"Fraud uses Psi, which is {to.value} now. {way} Why: Too slow.")]
    assert told(engineer) == [], "neither who did it nor an ended project is told"
    assert events()[-1] == "adopters-told"


def test_publishing_tells_nobody_and_a_refused_deprecation_neither(scientist: Actor, engineer: Actor) -> None:
    start()
    psi = entry("psi", lifecycle="proposed")
    adopt(scientist, psi)
    leave(engineer, psi, Lifecycle.approved)
    with pytest.raises(Invalid):
        leave(engineer, psi, successor="asset:default/nowhere")
    with pytest.raises(NotAllowed):
        leave(scientist, psi, Lifecycle.retired)
    assert told(scientist) == []


def test_a_deprecation_that_came_from_a_file_is_told_once(scientist: Actor) -> None:
    start()
    psi = entry("psi")
    entry("unused", lifecycle="retired")
    adopt(scientist, psi)
    entry("new")
    entry("psi", lifecycle="deprecated", successor="asset:default/new")
    for expected in (1, 0):
        with db.writing() as session:
            assert adoption.tell_of_deprecations(session) == expected
    assert len(told(scientist)) == 1
    assert "asset:default/new replaces it" in told(scientist)[0][1]
    entry("psi", lifecycle="retired")
    with db.writing() as session:
        assert adoption.tell_of_deprecations(session) == 1
    assert len(told(scientist)) == 2


# --- who is hit ------------------------------------------------------------------------------------------------------


def test_impact_names_projects_with_their_people_riskiest_first_and_counts_stages(scientist: Actor) -> None:
    for project, more in {"low": {"tier": "minimal"}, "top": {"tier": "high"}, "past": {"tier": "high"}}.items():
        start(project, **more)
    start("use", stage="operate", tier="high")
    psi = entry("psi")
    for project in ("low", "top", "past", "use"):
        adopt(scientist, psi, project)
    entry("psi", version="1.1")
    with db.writing() as session:
        session.get_one(Project, "past").stage = "stopped"
        for role in ("data scientist", "domain expert"):
            session.add(ProjectMember(project_id="top", person_id=scientist.id, role=role))
    found = hit(scientist, psi)
    assert [(one.project_id, one.behind) for one in found.projects] == [("use", 1), ("top", 1), ("low", 1), ("past", 0)]
    assert found.projects[1].people == (scientist.name,)
    assert found.by_stage == {"experiment": 2, "operate": 1, "stopped": 1}


def test_impact_follows_dependences_three_deep_and_through_circles(scientist: Actor) -> None:
    base = entry("base", dependsOn=["asset:default/one"])
    for name, on in (("one", "base"), ("two", "one"), ("three", "two"), ("four", "three")):
        entry(name, dependsOn=[f"asset:default/{on}"])
    entry("reader", seeAlso=["asset:default/base"])
    entry("self", dependsOn=["asset:default/self", "asset:default/base"])
    found = [(one.title, one.depth) for one in hit(scientist, base).entries]
    assert found == [("One", 1), ("Self", 1), ("Two", 2), ("Three", 3)]


def test_impact_hits_the_consumers_that_an_entry_names_itself(scientist: Actor) -> None:
    document = {
        "apiVersion": "factory/v1", "kind": "dataset", "metadata": {"name": "claims", "title": "Claims", "description": "Claims."},
        "spec": {"owner": "risk", "version": "1.0", "source": "warehouse", "consumers": ["asset:default/trainer"]},
    }  # fmt: skip
    entry("trainer")
    with db.writing() as session:
        claims = catalog.register(session, document=document)
    assert [one.key for one in hit(scientist, claims).entries] == ["asset:default/trainer"]


def test_impact_shows_no_entry_that_the_reader_may_not_see(scientist: Actor, person: Make) -> None:
    base = entry("base")
    entry("secret", dependsOn=["asset:default/base"], classification="restricted")
    outsider = person("data scientist", team="elsewhere")
    assert [one.title for one in hit(scientist, base).entries] == ["Secret"]
    assert hit(outsider, base).entries == []
    hidden = entry("hidden", classification="restricted")
    for unseen in (hidden, 999_999):
        with pytest.raises(NotFound):
            hit(outsider, unseen)


# --- the value of reuse ----------------------------------------------------------------------------------------------


def test_value_is_claimed_by_one_confirmed_by_another_and_summed_as_a_range(scientist: Actor, person: Make) -> None:
    manager = person("manager")
    start()
    start("churn")
    psi, other = entry("psi"), entry("other")
    first, second = adopt(scientist, psi), adopt(scientist, psi, "churn")
    claim(scientist, adopt(scientist, other), 5, 5)
    claim(scientist, first, 1, 2)
    newest = claim(scientist, first, 40, 60)
    claim(scientist, second, 10, 30)
    confirm(manager, newest)
    with db.reading() as session:
        assert value_queries.total_value(session, scientist, entry_id=psi) == value_queries.Value(2, 50, 90, 1, 40, 60)
        assert value_queries.total_value(session, scientist) == value_queries.Value(3, 55, 95, 1, 40, 60)
        assert [one.title for one in value_queries.values_by_entry(session, scientist)] == ["Psi", "Other"]
        waiting, confirmed = value_queries.claims(session, scientist, psi)
    assert (waiting.project, waiting.confirmed_by) == ("Churn", None)
    assert (confirmed.low_hours, confirmed.confirmed_by) == (40, manager.ref)
    assert "40 to 60 hours" in told(scientist)[0][1]
    assert events()[-1] == "value-confirmed"


def test_a_claim_of_a_hidden_project_counts_and_is_neither_named_nor_confirmed_by_who_does_not_see_it(
    scientist: Actor, person: Make
) -> None:
    start()
    start("vault", classification="restricted")
    psi = entry("psi")
    claim(scientist, adopt(scientist, psi), 1, 2)
    hidden = claim(scientist, adopt(scientist, psi, "vault"), 10, 20)
    manager = person("manager")
    with db.reading() as session:
        assert [one.project for one in value_queries.claims(session, manager, psi)] == ["Fraud"]
        assert value_queries.total_value(session, manager, entry_id=psi).claims == 2
        assert len(value_queries.claims(session, person("auditor"), psi)) == 2
    with pytest.raises(NotFound):
        confirm(manager, hidden)


def test_claims_that_wait_for_a_manager_are_those_of_their_scope_that_they_did_not_make(
    scientist: Actor, person: Make
) -> None:
    start()
    psi = entry("psi")
    used = adopt(scientist, psi)
    claim(scientist, used, 1, 2)
    newest = claim(scientist, used, 3, 4)
    person("data scientist", team="elsewhere")

    def waiting(actor: Actor) -> list[tuple[str, int]]:
        with db.reading() as session:
            return [(one.project, one.low_hours) for one in value_queries.claims_to_confirm(session, actor, limit=1)]

    manager = person("manager")
    assert waiting(manager) == waiting(person("manager", scope=("team", "risk"))) == [("Fraud", 3)]
    assert waiting(person("manager", scope=("team", "elsewhere"))) == waiting(scientist) == []
    confirm(manager, newest)
    assert waiting(manager) == []
    claim(person("manager", team="risk"), used, 5, 6)
    assert waiting(manager) == [("Fraud", 5)]


def test_a_new_claim_waits_for_a_new_confirmation_and_the_old_one_cannot_be_confirmed(
    scientist: Actor, person: Make
) -> None:
    manager = person("manager")
    start()
    psi = entry("psi")
    used = adopt(scientist, psi)
    old = claim(scientist, used)
    confirm(manager, old)
    with pytest.raises(Conflict, match="already"):
        confirm(manager, old)
    claim(scientist, used, 1, 2)
    with pytest.raises(Conflict, match="replaced"):
        confirm(manager, old)
    with db.reading() as session:
        assert value_queries.total_value(session, scientist) == value_queries.Value(1, 1, 2, 0, 0, 0)


@pytest.mark.parametrize(
    ("low", "high", "basis"),
    [(-1, 5, BASIS), (6, 5, BASIS), (0, 20_001, BASIS), (1.5, 2, BASIS), (True, 2, BASIS), ("1", 2, BASIS), (1, 2, "  "),
     (1, 2, "x" * 1001), (1, 2, "x" * 10_000_000), (1, 2, "a\x00b")],
)  # fmt: skip
def test_a_claim_that_breaks_a_rule_is_refused(scientist: Actor, low: Any, high: Any, basis: str) -> None:
    start()
    used = adopt(scientist, entry("psi"))
    with pytest.raises(Invalid):
        claim(scientist, used, low, high, basis)
    with db.reading() as session:
        assert session.exec(select(ReuseValue)).all() == []


def test_an_ended_adoption_keeps_its_value(scientist: Actor) -> None:
    start()
    psi = entry("psi")
    used = adopt(scientist, psi)
    with db.writing() as session:
        adoption.end_adoption(session, actor=scientist, project_id="fraud", entry_id=psi)
    claim(scientist, used, 0, 20_000)
    with db.reading() as session:
        assert value_queries.total_value(session, scientist).claimed_high == 20_000


def test_the_value_of_what_a_reader_may_not_see_is_not_in_their_sums(scientist: Actor, person: Make) -> None:
    start()
    used = adopt(scientist, entry("secret", classification="restricted"))
    made = claim(scientist, used)
    outsider = person("ML engineer", "manager", team="elsewhere")
    with db.reading() as session:
        assert value_queries.total_value(session, outsider) == value_queries.Value()
        assert value_queries.values_by_entry(session, outsider) == []
    for refused in (lambda: claim(outsider, used), lambda: confirm(outsider, made), lambda: confirm(outsider, 999_999)):
        with pytest.raises(NotFound):
            refused()


def test_nobody_confirms_their_own_claim(store: str, person: Make) -> None:
    manager = person("manager", team="risk")
    start()
    made = claim(manager, adopt(manager, entry("psi")))
    with pytest.raises(NotAllowed, match="their own"):
        confirm(manager, made)


def test_confirming_at_the_same_time_confirms_once(scientist: Actor, person: Make) -> None:
    managers = [person("manager") for _ in range(4)]
    start()
    made = claim(scientist, adopt(scientist, entry("psi")))

    def attempt(manager: Actor) -> str:
        try:
            confirm(manager, made)
        except PortalError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, managers))
    assert sorted(outcomes) == ["conflict"] * 3 + ["done"]
    assert events().count("value-confirmed") == 1


# --- who may ---------------------------------------------------------------------------------------------------------

ADOPTERS_OWN = {"domain expert", "data engineer", "data scientist", "AI engineer", "manager"}
ADOPTERS_ANY = {"ML engineer"}
CONFIRMERS = {"manager"}


def allowed(work: Callable[[], object]) -> bool:
    try:
        work()
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("role", ["", *ROLES])
@pytest.mark.parametrize("own", [True, False], ids=["own team", "another team"])
def test_who_may_adopt_move_end_and_claim(store: str, person: Make, role: str, own: bool) -> None:
    person(team="risk")
    actor = person(*([role] if role else []), team="risk" if own else "elsewhere")
    start()
    psi, old = entry("psi"), entry("old")
    used = adopt(SYSTEM, old)
    entry("old", version="1.1")
    expected = role in ADOPTERS_ANY or (own and role in ADOPTERS_OWN)
    assert allowed(lambda: adopt(actor, psi)) is expected
    assert allowed(lambda: renew(actor, old)) is expected
    assert allowed(lambda: claim(actor, used)) is expected
    assert allowed(lambda: end(actor, old)) is expected


def end(actor: Actor, entry_id: int) -> None:
    with db.writing() as session:
        adoption.end_adoption(session, actor=actor, project_id="fraud", entry_id=entry_id)


@pytest.mark.parametrize("role", ["", *ROLES])
def test_who_may_confirm(store: str, person: Make, role: str) -> None:
    person(team="risk")
    start()
    made = claim(SYSTEM, adopt(SYSTEM, entry("psi")))
    actor = person(*([role] if role else []), team="risk")
    assert allowed(lambda: confirm(actor, made)) is (role in CONFIRMERS)


def test_a_manager_of_another_unit_confirms_nothing_here_and_programs_and_the_portal_never(
    store: str, person: Make
) -> None:
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
        session.add_all([BusinessUnit(id="retail", name="Retail"), BusinessUnit(id="claims", name="Claims")])
        session.flush()
        session.get_one(Team, "risk").unit_id = "retail"
    here, there = person("manager", scope=("unit", "retail")), person("manager", scope=("unit", "claims"))
    start()
    made = claim(SYSTEM, adopt(SYSTEM, entry("psi")))
    token = Actor("token", "1", "pipeline", scopes=frozenset(policy.TOKEN_SCOPES))
    for actor in (there, token, SYSTEM):
        assert not allowed(lambda actor=actor: confirm(actor, made))
    assert allowed(lambda: confirm(actor_now(here.id), made))
