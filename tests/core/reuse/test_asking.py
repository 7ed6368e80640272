"""Demand: who asked for what, how it ranks, and what becomes of it: taken up, answered, declined."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import db
from core.access import queries
from core.access.policy import ROLES, Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog import demand as asking
from core.catalog import search
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.people import actions as people
from core.people import notices
from core.reuse import demand
from core.reuse.demand import DemandLine, DemandPage
from tests.conftest import SYSTEM, actor_now

Make = Callable[..., Actor]
WANTED = "quantum kernel"


def seek(actor: Actor, text: str = WANTED) -> None:
    with db.writing() as session:
        search.record_demand(session, actor, text)


def wish(actor: Actor, text: str = WANTED, note: str = "") -> None:
    with db.writing() as session:
        catalog.wish(session, actor=actor, text=text, note=note)


def listed(actor: Actor = SYSTEM, **more: Any) -> DemandPage:
    with db.reading() as session:
        return demand.ranked(session, actor, **more)


def line(text: str = WANTED) -> DemandLine:
    with db.reading() as session:
        found = demand.standing(session, SYSTEM, text)
    assert found is not None
    return found


def do(verb: Callable[..., Any], actor: Actor, text: str = WANTED, **more: Any) -> None:
    with db.writing() as session:
        verb(session, actor=actor, text=text, **more)


def register(name: str = "kernels", **spec: Any) -> str:
    document = {
        "apiVersion": "factory/v1", "kind": spec.pop("kind", "asset"),
        "metadata": {"name": name, "title": name.title(), "description": "Quantum kernels for small data."},
        "spec": {"owner": "platform", "version": "1.0", **spec},
    }  # fmt: skip
    with db.writing() as session:
        catalog.register(session, document=document)
    return f"{document['kind']}:default/{name}"


def read_by(actor: Actor) -> list[str]:
    with db.reading() as session:
        return [one.text for one in notices.unread(session, actor)]


def told() -> list[str]:
    with db.reading() as session:
        return [one.event for one in activity.since(session, 0) if one.event.startswith("demand-")]


@pytest.fixture
def asker(store: str, person: Make) -> Make:
    """Make a person of a team in a unit: ``asker("crm", "telco")``."""

    def make(team: str, unit: str, role: str = "data scientist") -> Actor:
        with db.writing() as session:
            if unit not in {one.id for one in queries.units(session)}:
                people.add_unit(session, actor=SYSTEM, unit_id=unit, name=unit.title())
            if team not in queries.team_units(session):
                people.add_team(session, actor=SYSTEM, team_id=team, name=team.title(), unit_id=unit)
        return person(role, team=team)

    return make


@pytest.fixture
def engineer(store: str, person: Make) -> Actor:
    person("data scientist", team="platform")
    return person("ML engineer")


# --- who asked -------------------------------------------------------------------------------------------------------


def test_three_searches_by_two_units_lead_and_the_three_are_told_of_the_answer(asker: Make, engineer: Actor) -> None:
    three = [asker("crm", "telco"), asker("crm", "telco"), asker("risk", "bank")]
    for actor in three:
        seek(actor, "Quantum  Kernel ")
    for _ in range(4):
        seek(asker("crm", "telco"), "one unit only")
    top, second = listed().items
    assert (top.text, top.asks, top.units, top.people, top.rank) == (WANTED, 3, 2, 3, 6)
    assert (second.text, second.asks, second.units, second.rank) == ("one unit only", 4, 1, 4)
    assert [(one.asked_by, one.unit, one.how) for one in top.latest] == [
        (three[2].ref, "Bank", "search"), (three[1].ref, "Telco", "search"), (three[0].ref, "Telco", "search"),
    ]  # fmt: skip
    do(demand.take_up, engineer)
    assert line().taken_by == engineer.ref
    do(demand.answer, engineer, entry_ref=register())
    for actor in three:
        assert read_by(actor) == ["What you asked for, “quantum kernel”, is there: Kernels (asset:default/kernels)."]
    assert [one.text for one in listed().items] == ["one unit only"]
    assert [(one.text, one.answer) for one in listed(states=["answered"]).items] == [(WANTED, "asset:default/kernels")]
    assert told() == ["demand-taken", "demand-answered"]


def test_the_same_person_counts_once_a_day_for_a_search(asker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = asker("crm", "telco")
    for text in (WANTED, "QUANTUM   kernel", "quantum\tkernel\n"):
        seek(actor, text)
    assert line().asks == 1
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr(db, "now", lambda: tomorrow)
    seek(actor)
    wish(actor)
    assert (line().asks, line().people, line().units) == (3, 1, 1)


def test_a_program_counts_without_a_unit_and_is_told_nothing(store: str, engineer: Actor) -> None:
    program = Actor("token", "7", "bot", scopes=frozenset({"catalog:read"}))
    seek(program)
    assert (line().asks, line().units, line().people, line().rank) == (1, 0, 0, 1)
    do(demand.answer, engineer, entry_ref=register())
    with pytest.raises(NotAllowed):
        seek(Actor("token", "8", "bot"))


@pytest.mark.parametrize("text", ["", "  ", "\x00", "+-*/", "a"])
def test_a_wish_without_words_is_refused(store: str, person: Make, text: str) -> None:
    with pytest.raises(Invalid):
        wish(person("data scientist"), text)
    assert listed().total == 0


def test_a_wish_of_ten_megabytes_is_refused_or_cut(store: str, person: Make) -> None:
    actor = person("data scientist")
    with pytest.raises(Invalid):
        wish(actor, note="x" * 10_000_000)
    wish(actor, "x" * 10_000_000)
    assert [len(one.text) for one in listed().items] == [200]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_a_key_is_its_own_key_and_is_stored_as_one_line(text: str) -> None:
    key = asking.key(text)
    assert asking.key(key) == key
    assert len(key) <= asking.LENGTH
    assert not set(key) & {"\n", "\x00"}


def test_an_erased_or_inactive_asker_is_not_told(asker: Make, engineer: Actor) -> None:
    gone, here = asker("crm", "telco"), asker("crm", "telco")
    seek(gone)
    seek(here)
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=gone.id)
    do(demand.decline, engineer, reason="No data for it.")
    assert (read_by(gone), len(read_by(here))) == ([], 1)


# --- what becomes of it ----------------------------------------------------------------------------------------------


def test_what_is_taken_up_is_not_taken_twice_and_can_be_released(engineer: Actor, person: Make) -> None:
    colleague = person("ML engineer")
    seek(engineer)
    do(demand.take_up, engineer)
    with pytest.raises(Conflict, match="taken up already"):
        do(demand.take_up, colleague)
    with pytest.raises(Invalid):
        do(demand.release, colleague, reason=" ")
    do(demand.release, colleague, reason="On leave.")
    with pytest.raises(Conflict, match="open"):
        do(demand.release, engineer, reason="Again.")
    do(demand.take_up, colleague)
    assert (line().state, line().taken_by) == ("taken", colleague.ref)


def test_declining_tells_the_reason_and_an_answer_may_still_come(asker: Make, engineer: Actor) -> None:
    scientist = asker("crm", "telco")
    wish(scientist)
    do(demand.decline, engineer, reason="Nobody can maintain it.")
    assert read_by(scientist) == ["“quantum kernel”, which you asked for, will not be built: Nobody can maintain it."]
    for verb, more in ((demand.decline, {"reason": "x"}), (demand.take_up, {})):
        with pytest.raises(Conflict, match="declined"):
            do(verb, engineer, **more)
    do(demand.answer, engineer, entry_ref=register())
    assert (line().state, line().reason) == ("answered", "")
    with pytest.raises(Conflict, match="answers"):
        do(demand.answer, engineer, entry_ref="asset:default/kernels")


def test_what_was_answered_is_asked_for_anew_when_its_answer_is_retired(asker: Make, engineer: Actor) -> None:
    scientist = asker("crm", "telco")
    wish(scientist)
    do(demand.answer, engineer, entry_ref=register())
    for again in (seek, wish):
        again(scientist)
        assert line().state == "answered", "its answer is there"
    register(lifecycle="retired")
    seek(scientist)
    assert (line().state, line().taken_by, line().decided_by) == ("open", None, engineer.ref)
    assert [one.text for one in listed().items] == [WANTED]
    assert told() == ["demand-answered", "demand-reopened"]
    do(demand.take_up, engineer)
    do(demand.answer, engineer, entry_ref=register("better"))
    assert (line().state, line().answer) == ("answered", "asset:default/better")


def test_what_was_declined_is_open_again_when_somebody_asks_for_it_but_not_by_a_search(
    asker: Make, engineer: Actor
) -> None:
    scientist = asker("crm", "telco")
    wish(scientist)
    do(demand.decline, engineer, reason="Nobody can maintain it.")
    seek(scientist)
    assert (line().state, told()) == ("declined", ["demand-declined"])
    wish(asker("risk", "bank"), note="We would maintain it.")
    assert (line().state, line().reason) == ("open", "Nobody can maintain it."), "why it was declined stays readable"
    assert told() == ["demand-declined", "demand-reopened"]
    do(demand.decline, engineer, reason="Still nobody.")
    assert (line().state, line().reason) == ("declined", "Still nobody.")


@pytest.mark.parametrize(
    ("spec", "refusal"),
    [
        ({"lifecycle": "proposed"}, Conflict),
        ({"lifecycle": "retired"}, Conflict),
        ({"lifecycle": "deprecated", "successor": "asset:default/better"}, Conflict),
        ({"classification": "confidential"}, Invalid),
        ({"kind": "project"}, Invalid),
    ],
)
def test_only_an_approved_entry_that_everybody_may_see_answers(
    asker: Make, person: Make, spec: dict[str, Any], refusal: type[PortalError]
) -> None:
    engineer = person("ML engineer", team="platform")
    scientist = asker("crm", "telco")
    seek(scientist)
    with pytest.raises(refusal):
        do(demand.answer, engineer, entry_ref=register(**spec))
    assert (line().state, read_by(scientist)) == ("open", [])


@pytest.mark.parametrize("ref", ["", "asset:default/none", "x" * 10_000, "a\x00b"])
def test_nothing_answers_nothing(engineer: Actor, ref: str) -> None:
    seek(engineer)
    with pytest.raises(NotFound):
        do(demand.answer, engineer, entry_ref=ref)
    with pytest.raises(NotFound):
        do(demand.take_up, engineer, text=ref or "never asked for")


def test_suggestions_are_approved_entries_that_share_words(engineer: Actor) -> None:
    seek(engineer, "quantum kernels")
    register()
    register("drafted", lifecycle="proposed")
    register("wafers", kind="dataset", source="x")
    with db.reading() as session:
        found = demand.suggestions(session, engineer, "quantum kernels")
        assert demand.suggestions(session, engineer, "") == {}
    assert list(found) == ["asset:default/kernels", "dataset:default/wafers"]


def test_an_answer_that_a_reader_may_not_see_any_more_is_not_shown(engineer: Actor) -> None:
    seek(engineer)
    do(demand.answer, engineer, entry_ref=register())
    register(classification="restricted")
    (seen,) = listed(engineer, states=["answered"]).items
    assert (seen.answer, seen.answer_title) == ("", "")


def test_the_list_is_paged_and_filtered(engineer: Actor) -> None:
    for number in range(5):
        seek(engineer, f"thing {number}")
    do(demand.take_up, engineer, text="thing 1")
    assert len(listed(size=2).items) == 2
    assert len(listed(size=2, page=3).items) == 1
    found = listed(states=["taken", "nonsense"])
    assert ([one.text for one in found.items], found.total) == (["thing 1"], 1)
    assert listed().by_state == {"open": 4, "taken": 1}
    assert listed(states=[]).items == []


def test_of_two_who_take_it_up_at_once_one_wins(engineer: Actor, person: Make) -> None:
    both = [engineer, person("ML engineer")]
    seek(engineer)

    def attempt(actor: Actor) -> str:
        try:
            do(demand.take_up, actor)
        except Conflict:
            return "refused"
        return "won"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, both)) == ["refused", "won"]
    assert told() == ["demand-taken"]


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_everybody_asks_and_only_ml_engineers_decide(store: str, person: Make, engineer: Actor, role: str) -> None:
    actor = person(role)
    seek(actor)
    wish(actor)
    assert listed(actor).total == 1
    verbs = [
        (demand.take_up, {}), (demand.release, {"reason": "x"}), (demand.decline, {"reason": "x"}),
        (demand.answer, {"entry_ref": register()}),
    ]  # fmt: skip
    for verb, more in verbs:
        if role == "ML engineer":
            do(verb, actor, **more)
            continue
        with pytest.raises(NotAllowed):
            do(verb, actor, **more)


def test_without_a_role_nobody_asks_or_reads(store: str, person: Make) -> None:
    nobody = actor_now(person().id)
    for act in (lambda: wish(nobody), lambda: seek(nobody), lambda: listed(nobody)):
        with pytest.raises(NotAllowed):
            act()
