"""Asking for data, deciding, granting, renewing and revoking: who may, in which order, and what remains of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access.policy import MATRIX, ROLES, Actor, Grant, Scope
from core.activity import queries as activity
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.datasets import actions, owners, queries, states
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import actions as people
from core.people import notices
from core.projects import actions as projects
from tests.conftest import SYSTEM, actor_now
from tests.core.datasets.house import START, House, register


def told(actor: Actor) -> list[str]:
    with db.reading() as session:
        return [one.text for one in notices.unread(session, actor)]


def events_of(entry: str) -> list[str]:
    with db.reading() as session:
        lines = activity.object_history(session, SYSTEM, entry)
    return [one.event for one in reversed(lines) if one.event.startswith("data-")]


# --- the way of a request --------------------------------------------------------------------------------------------


def test_a_request_is_approved_in_part_granted_with_evidence_and_read_until_its_end(house: House) -> None:
    request_id = house.ask(duration=60)
    house.do("approve", request_id, columns=["amount"], duration=10, environment="test", note="No card numbers.")
    row = house.row(request_id)
    assert (row.state, row.approved_columns, row.approved_environment, row.approved_hours) == (
        "approved", ["amount"], "test", 240,
    )  # fmt: skip
    assert row.since is None, "approved is not granted"
    house.clock.forward(days=2)
    house.do("grant", request_id, actor=house.second, evidence="https://tickets.example/77")
    row = house.row(request_id)
    assert (row.state, row.since, row.until) == ("granted", START + timedelta(days=2), START + timedelta(days=12))
    assert row.evidence == "https://tickets.example/77"
    with db.reading() as session:
        assert [one.columns for one in queries.grants_of(session, house.ada)] == [["amount"]]
    assert events_of(house.entry) == ["data-request-drafted", "data-requested", "data-approved", "data-granted"]


def test_the_owners_are_told_of_a_request_and_the_requester_of_every_answer(house: House) -> None:
    request_id = house.ask()
    assert "asks to read Payments" in told(house.owner)[0]
    assert told(house.second) == told(house.owner)
    house.do("approve", request_id)
    house.do("grant", request_id, evidence="T-1")
    house.do("revoke", request_id, reason="The card system moves.")
    assert [one.split(" ")[0] for one in told(house.ada)] == ["Access", "You", "Reading"]
    assert "The card system moves." in told(house.ada)[0]


def test_where_the_owners_have_nobody_managers_are_told_and_decide(house: House) -> None:
    manager = house.person("manager")
    house.deactivate(house.owner)
    house.deactivate(house.second)
    request_id = house.ask()
    assert "asks to read" in told(manager)[0]
    with db.reading() as session:
        assert not queries.without_decider(session, house.entry_id)
    house.do("approve", request_id, actor=manager)
    house.deactivate(manager)
    with db.reading() as session:
        assert queries.without_decider(session, house.entry_id)


def test_a_draft_is_changed_by_its_author_alone_and_by_nobody_unawares(house: House) -> None:
    with db.writing() as session:
        wish = house.wish(purpose="", columns=())
        request_id = actions.draft(session, actor=house.ada, dataset=house.entry, wish=wish).id or 0
    with pytest.raises(Invalid, match="what the data are for"):
        house.do("submit", request_id, actor=house.ada)
    house.do("change", request_id, actor=house.ada, revision=1, wish=house.wish(columns=()))
    with pytest.raises(Conflict, match="changed meanwhile"):
        house.do("change", request_id, actor=house.ada, revision=1, wish=house.wish())
    with pytest.raises(NotAllowed):
        house.do("change", request_id, actor=house.second, revision=2, wish=house.wish())
    with pytest.raises(Invalid, match="at least one"):
        house.do("submit", request_id, actor=house.ada)
    with db.reading() as session, pytest.raises(NotFound):
        queries.request(session, house.owner, request_id)
    with pytest.raises(NotFound):
        house.do("approve", request_id)
    house.do("change", request_id, actor=house.ada, revision=2, wish=house.wish(columns=("country", "card")))
    house.do("submit", request_id, actor=house.ada)
    assert house.row(request_id).columns == ["card", "country"]
    with pytest.raises(Conflict, match="is submitted"):
        house.do("change", request_id, actor=house.ada, revision=3, wish=house.wish())


def test_a_dataset_without_columns_is_read_as_a_whole(house: House) -> None:
    register("images", columns=[])
    request_id = house.ask(dataset="images", columns=())
    assert house.row(request_id).columns == []
    with pytest.raises(Invalid, match="Not among the columns"):
        house.ask(dataset="images", columns=("pixel",))


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"columns": ("card", "password")}, {"columns": ()}, {"columns": ("x" * 10_000_000,)}, {"purpose": " "},
        {"purpose": "x" * 10_000_000}, {"purpose": "a\x00b"}, {"purpose": "\ud800"}, {"duration": 0},
        {"duration": -1}, {"duration": 366}, {"duration": 10**30}, {"environment": "moon"},
        {"environment": "production", "duration": 73}, {"environment": "production", "duration": 0},
        {"legal_basis": ""}, {"legal_basis": "because"}, {"people": ("person:p-nobody",)}, {"people": ("\x00",)},
        {"people": tuple(f"p-{number}" for number in range(60))},
    ],
)  # fmt: skip
def test_a_request_that_breaks_a_rule_is_refused_and_leaves_nothing(house: House, more: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        house.ask(**more)
    with db.reading() as session:
        assert queries.requests(session, house.ada, mine=True).total == 0


def test_personal_data_need_a_legal_basis(house: House) -> None:
    register("customers", personalData="direct")
    with pytest.raises(Invalid, match="personal data"):
        house.ask(dataset="customers")
    house.ask(dataset="customers", legal_basis="legitimate interests")


@pytest.mark.parametrize("dataset", ["", "nothing", "\x00", "x" * 5000, "asset:default/payments", "../x"])
def test_what_is_no_dataset_cannot_be_requested(house: House, dataset: str) -> None:
    with pytest.raises(NotFound):
        house.ask(dataset=dataset or "dataset:default/")


@pytest.mark.parametrize("classification", ["confidential", "restricted"])
def test_what_cannot_be_seen_cannot_be_requested_by_guessing(house: House, classification: str) -> None:
    stranger = house.person("data scientist", team="elsewhere")
    register("secret", classification=classification)
    with pytest.raises(NotFound) as hidden:
        house.ask(stranger, dataset="secret")
    with pytest.raises(NotFound) as missing:
        house.ask(stranger, dataset="absent")
    assert hidden.value.message.replace("secret", "x") == missing.value.message.replace("absent", "x")


@pytest.mark.parametrize("lifecycle", ["proposed", "deprecated", "retired"])
def test_a_dataset_that_is_not_offered_is_refused_and_its_successor_named(house: House, lifecycle: str) -> None:
    request_id = house.ask()
    with db.writing() as session:
        entry = session.get_one(Entry, house.entry_id)
        entry.lifecycle, entry.successor = Lifecycle(lifecycle), "dataset:default/payments-2"
    with pytest.raises(Conflict) as refused:
        house.ask()
    assert "payments-2" in refused.value.hint
    with pytest.raises(Conflict, match=lifecycle):
        house.do("approve", request_id)
    house.do("reject", request_id, reason="Ask for the new one.")


def test_a_project_asks_only_for_its_own_people_and_only_while_it_runs(house: House) -> None:
    request_id = house.ask(project_id="fraud", people=(house.ada.ref, house.second.id))
    assert house.row(request_id).project == "Fraud"
    with pytest.raises(NotAllowed):
        house.ask(house.person("data scientist", team="elsewhere"), project_id="fraud")
    for unknown in ("nothing", "../x", "\x00"):
        with pytest.raises(NotFound):
            house.ask(project_id=unknown)
    with db.writing() as session:
        session.get_one(projects.Project, "fraud").stage = "stopped"
    with pytest.raises(Conflict, match="stopped"):
        house.ask(project_id="fraud")


@pytest.mark.parametrize(
    "part",
    [
        {"columns": ["country"]}, {"columns": []}, {"duration": 31}, {"duration": 0},
        {"environment": "production", "duration": 5}, {"environment": "moon"}, {"note": "x" * 2001},
    ],
)  # fmt: skip
def test_an_approval_never_gives_more_than_was_asked(house: House, part: dict[str, Any]) -> None:
    request_id = house.ask()
    with pytest.raises(Invalid):
        house.do("approve", request_id, **part)
    assert house.state(request_id) == "submitted"


@pytest.mark.parametrize("evidence", ["", "  ", "ab", "x" * 401, "a\nb", "ftp://x/y", "javascript://x"])
def test_a_grant_needs_evidence_that_somebody_can_follow(house: House, evidence: str) -> None:
    request_id = house.ask()
    house.do("approve", request_id)
    with pytest.raises(Invalid):
        house.do("grant", request_id, evidence=evidence)
    assert house.state(request_id) == "approved"


def test_approved_is_not_granted_and_granted_is_not_approved_again(house: House) -> None:
    request_id = house.ask()
    with pytest.raises(Conflict):
        house.do("grant", request_id, evidence="T-1")
    house.do("approve", request_id)
    house.do("grant", request_id, evidence="T-1")
    for verb, more in (("approve", {}), ("reject", {"reason": "No."}), ("grant", {"evidence": "T-2"})):
        with pytest.raises(Conflict):
            house.do(verb, request_id, **more)
    with pytest.raises(Conflict):
        house.do("withdraw", request_id, actor=house.ada)


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_only_roles_of_the_matrix_ask_for_data(house: House, role: str) -> None:
    somebody = house.person(role, team="risk")
    if role in MATRIX["data.request"]:
        house.ask(somebody)
        return
    with pytest.raises(NotAllowed):
        house.ask(somebody)


@pytest.mark.parametrize("team", ["cards", "risk"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", ["approve", "reject", "grant", "revoke"])
def test_owners_and_managers_decide_and_nobody_else(house: House, role: str, team: str, verb: str) -> None:
    request_id = house.ask()
    if verb in ("grant", "revoke"):
        house.do("approve", request_id)
    more: dict[str, Any] = {"reject": {"reason": "No."}, "revoke": {"reason": "No."}, "grant": {"evidence": "T-1"}}
    somebody = house.person(role, team=team)
    if role == "manager" or (role == "data engineer" and team == "cards"):
        house.do(verb, request_id, actor=somebody, **more.get(verb, {}))
        return
    with pytest.raises(NotAllowed):
        house.do(verb, request_id, actor=somebody, **more.get(verb, {}))


@pytest.mark.parametrize("verb", ["approve", "reject", "grant"])
def test_nobody_decides_about_their_own_access(house: House, verb: str) -> None:
    more: dict[str, Any] = {"reject": {"reason": "No."}, "grant": {"evidence": "T-1"}}
    own, named = house.ask(house.owner), house.ask(people=(house.owner.ref,))
    for request_id in (own, named):
        if verb == "grant":
            house.do("approve", request_id, actor=house.second)
        with pytest.raises(NotAllowed, match="their own"):
            house.do(verb, request_id, **more.get(verb, {}))
        house.do(verb, request_id, actor=house.second, **more.get(verb, {}))


def test_only_who_asked_withdraws_renews_and_changes_and_may_give_back(house: House) -> None:
    request_id = house.ask()
    for verb in ("withdraw", "submit"):
        with pytest.raises(NotAllowed):
            house.do(verb, request_id)
    house.do("withdraw", request_id, actor=house.ada)
    assert house.state(request_id) == "withdrawn"
    given = house.granted()
    with pytest.raises(NotAllowed):
        house.do("renew", given, duration=3)
    house.do("revoke", given, actor=house.ada, reason="Done with it.")
    assert house.state(given) == "revoked"


def test_tokens_and_the_portal_itself_neither_ask_nor_decide(house: House) -> None:
    request_id = house.ask()
    token = Actor("token", "1", "ci", scopes=frozenset({"catalog:read", "gate:ask"}))
    for actor in (token, SYSTEM):
        with pytest.raises(NotAllowed):
            house.ask(actor)
        with pytest.raises(NotAllowed):
            house.do("approve", request_id, actor=actor)


GRANTS = [
    Grant(role, kind, key)
    for role in ("data engineer", "manager", "data scientist")
    for kind, key in (("organisation", ""), ("unit", "bank"), ("unit", "other"), ("team", "cards"), ("team", "risk"),
                      ("project", "fraud"))
]  # fmt: skip


@pytest.mark.parametrize("teams", [frozenset(), frozenset({"cards"}), frozenset({"risk"})])
def test_the_rule_and_its_condition_in_sql_never_differ(house: House, teams: frozenset[str]) -> None:
    scope = Scope("bank", "cards")
    for first in GRANTS:
        for second in GRANTS:
            actor = Actor(
                "person", "p-x", "X", frozenset({first, second}), teams, frozenset({"bank"}) if teams else teams
            )
            with db.reading() as session:
                found = session.exec(
                    select(Entry.id).where(Entry.id == house.entry_id, owners.decidable(actor))
                ).first()
            assert (found is not None) is owners.may_decide(actor, scope), (first, second)


def test_a_request_is_read_by_those_it_concerns_and_hidden_from_others(house: House) -> None:
    request_id = house.ask(project_id="fraud")
    colleague = house.person("data scientist", team="risk")
    stranger = house.person("data scientist", team="elsewhere")
    for reader in (house.ada, house.owner, colleague, house.person("auditor"), house.person("manager")):
        assert house.row(request_id, reader).id == request_id
    with pytest.raises(NotFound):
        house.row(request_id, stranger)
    with db.reading() as session:
        assert queries.requests(session, stranger).total == 0
        assert queries.requests(session, house.owner, to_decide=True).total == 1
        assert queries.requests(session, house.ada, to_decide=True).total == 0
        assert queries.waiting_for(session, house.owner) == 1
        assert queries.requests(session, colleague, project_id="fraud").total == 1
        assert queries.requests(session, colleague, states=("granted",)).total == 0


# --- two at once -----------------------------------------------------------------------------------------------------


def test_of_two_owners_who_decide_at_once_one_wins_and_the_other_is_told(house: House) -> None:
    request_id = house.ask()

    def decide(turn: int) -> str:
        actor = (house.owner, house.second)[turn % 2]
        try:
            if turn < 2:
                house.do("approve", request_id, actor=actor)
            else:
                house.do("reject", request_id, actor=actor, reason="No.")
        except Conflict as error:
            return error.message
        return "won"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(decide, range(4)))
    assert outcomes.count("won") == 1
    assert all("already" in one for one in outcomes if one != "won")
    assert len([one for one in events_of(house.entry) if one in ("data-approved", "data-rejected")]) == 1


# --- renewal, revocation ---------------------------------------------------------------------------------------------


def test_a_renewal_is_decided_anew_and_takes_the_place_of_the_old_grant(house: House) -> None:
    old = house.granted()
    house.clock.forward(days=29)
    new = house.do("renew", old, actor=house.ada, duration=60).id
    with pytest.raises(Conflict, match="renews it already"):
        house.do("renew", old, actor=house.ada, duration=60)
    assert (house.state(old), house.state(new), house.row(new).renews_id) == ("granted", "submitted", old)
    house.do("approve", new, duration=20)
    house.do("grant", new, evidence="T-2")
    ended = house.row(old)
    assert (ended.state, ended.ended_at, ended.end_reason) == ("expired", house.clock.at, f"renewed by request {new}")
    assert house.row(new).until == house.clock.at + timedelta(days=20)
    with db.reading() as session:
        assert [one.request_id for one in queries.grants_of(session, house.ada)] == [new]
        assert [one.request_id for one in queries.grants_of(session, house.ada, at=START)] == [old]


def test_who_reads_by_a_grant_renews_it_when_whoever_asked_has_left(house: House) -> None:
    reader, stranger = house.person("domain expert", team="cards"), house.person("data scientist", team="risk")
    old = house.granted(project_id="fraud", people=(house.ada.ref, reader.ref))
    house.deactivate(house.ada)
    with pytest.raises(NotAllowed, match="reads by it"):
        house.do("renew", old, actor=stranger, duration=5)
    new = house.do("renew", old, actor=reader, duration=5).id
    row = house.row(new)
    assert (row.requested_by, row.people, row.project_id, row.renews_id) == (reader.ref, [reader.id], "fraud", old)
    house.do("approve", new)
    house.do("grant", new, evidence="TICKET-2")
    assert (house.state(old), house.state(new)) == ("expired", "granted")


def test_a_reader_renews_what_ended_by_itself_but_not_what_they_left_before_its_end(house: House) -> None:
    reader, gone = house.person("data scientist", team="risk"), house.person("data scientist", team="risk")
    old = house.granted(people=(house.ada.ref, reader.ref, gone.ref))
    house.deactivate(gone)
    house.watch()
    with db.writing() as session:
        people.reactivate_person(session, actor=SYSTEM, person_id=gone.id)
    house.clock.forward(days=31)
    house.watch()
    with pytest.raises(NotAllowed):
        house.do("renew", old, actor=gone, duration=5)
    assert house.do("renew", old, actor=reader, duration=5).state == "submitted"


def test_a_deprecated_dataset_is_renewed_but_not_given_anew(house: House) -> None:
    old = house.granted()
    with db.writing() as session:
        session.get_one(Entry, house.entry_id).lifecycle = Lifecycle.deprecated
    new = house.do("renew", old, actor=house.ada, duration=5).id
    house.do("approve", new)
    house.do("grant", new, evidence="T-2")
    assert house.state(new) == "granted"


@pytest.mark.parametrize("verb", ["reject", "revoke"])
def test_what_was_refused_or_revoked_is_not_renewed(house: House, verb: str) -> None:
    request_id = house.ask() if verb == "reject" else house.granted()
    house.do(verb, request_id, reason="No.")
    with pytest.raises(Conflict, match="nothing to renew"):
        house.do("renew", request_id, actor=house.ada, duration=5)


def test_revoking_ends_the_reading_at_once_and_needs_a_reason(house: House) -> None:
    request_id = house.granted()
    house.clock.forward(days=3)
    with pytest.raises(Invalid, match="Say why"):
        house.do("revoke", request_id, reason=" ")
    house.do("revoke", request_id, reason="Misuse.")
    with db.reading() as session:
        assert queries.grants_of(session, house.ada) == []
    row = house.row(request_id)
    assert (row.state, row.ended_at, row.end_reason) == ("revoked", house.clock.at, "Misuse.")
    assert row.until == START + timedelta(days=30), "what was promised stays readable"


def test_what_has_ended_by_itself_is_not_revoked_even_before_the_job_saw_it(house: House) -> None:
    request_id = house.granted(duration=1)
    house.clock.forward(days=2)
    with pytest.raises(Conflict, match="ended by itself"):
        house.do("revoke", request_id, reason="Late.")


def test_an_approval_of_somebody_who_left_is_not_granted(house: House) -> None:
    request_id = house.ask()
    house.do("approve", request_id)
    house.deactivate(house.ada)
    with pytest.raises(Conflict, match="active any more"):
        house.do("grant", request_id, evidence="T-1")


def test_the_list_of_datasets_is_filtered_in_the_store(house: House) -> None:
    register("customers", personalData="direct", classification="confidential")
    register("open", classification="public", owner="risk")
    house.granted()
    with db.reading() as session:

        def listed(**more: Any) -> list[str]:
            return [one.title for one in queries.datasets(session, house.ada, **more).items]

        assert listed() == ["Customers", "Open", "Payments"]
        assert listed(personal_data="direct") == ["Customers"]
        assert listed(classification="public") == listed(owner="risk") == listed(q="OPEN") == ["Open"]
        assert listed(readable=True) == ["Payments"]
        assert listed(q="\x00%") == []
        assert queries.datasets(session, house.ada, readable=True).items[0].until == START + timedelta(days=30)
        assert queries.owning_teams(session, house.ada) == {"cards": "Cards", "risk": "Risk"}
        stranger = house.person("data scientist", team="elsewhere")
        assert queries.datasets(session, actor_now(stranger.id), personal_data="direct").total == 0


def test_states_name_what_is_open() -> None:
    assert set(states.OPEN) == {"draft", "submitted", "approved", "granted"}
