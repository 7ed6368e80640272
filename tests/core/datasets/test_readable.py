"""What of the log somebody reads: nothing about, and nothing naming, what is hidden from them elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import db
from core.access.policy import ROLES, Actor
from core.activity import events, recording
from core.activity import queries as activity
from core.activity.queries import History, Line
from core.catalog import actions as catalog
from core.datasets import actions, queries
from core.projects import actions as projects
from core.projects import adoption, members, value
from core.projects.tables import Project
from core.reuse import actions as reuse
from core.reviews import readable
from tests.conftest import SYSTEM, actor_now
from tests.core.datasets.house import House

Make = Callable[..., Actor]


def about(actor: Actor, subject: str) -> list[Line]:
    """What ``actor`` reads of one object."""
    with db.reading() as session:
        return activity.object_history(session, actor, subject, seen=readable.seen_by(session, actor))


def log(actor: Actor, **wanted: object) -> History:
    """What ``actor`` reads of the log."""
    with db.reading() as session:
        return activity.history(session, actor, seen=readable.seen_by(session, actor), **wanted)  # type: ignore[arg-type]


def of_data(lines: list[Line]) -> list[str]:
    return [one.event for one in reversed(lines) if one.event.startswith("data-")]


def hide(project_id: str = "fraud", classification: str = "restricted") -> None:
    with db.writing() as session:
        session.get_one(Project, project_id).classification = classification


def asset(name: str = "psi", **spec: str) -> int:
    document = {
        "apiVersion": "factory/v1", "kind": "asset", "metadata": {"name": name, "description": "Finds drift."},
        "spec": {"owner": "risk", **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


def adopt(project_id: str, entry_id: int, actor: Actor = SYSTEM) -> int:
    with db.writing() as session:
        return adoption.adopt(session, actor=actor, project_id=project_id, entry_id=entry_id).id or 0


# --- data ------------------------------------------------------------------------------------------------------------

ALL = ["data-request-drafted", "data-requested", "data-approved", "data-granted"]


@pytest.mark.parametrize("role", ROLES)
def test_who_asked_for_which_data_is_read_by_exactly_those_who_may_read_the_request(house: House, role: str) -> None:
    request_id = house.granted()
    for actor in (house.person(role), house.person(role, team="cards"), house.person(role, team="risk")):
        actor = actor_now(actor.id)
        with db.reading() as session:
            may = request_id in [one.id for one in queries.requests(session, actor).items]
        assert of_data(about(actor, house.entry)) == (ALL if may else []), actor.teams


def test_those_who_asked_who_read_and_who_decide_read_what_became_of_it(house: House) -> None:
    reader, stranger = house.person("data scientist", team="elsewhere"), house.person("data scientist")
    house.granted(people=(reader.id,))
    for actor in (house.ada, reader, house.owner, house.person("auditor"), SYSTEM):
        assert of_data(about(actor, house.entry)) == ALL
    assert of_data(about(stranger, house.entry)) == []
    assert "data-granted" not in [one.event for one in log(house.person("administrator")).items]


def test_a_draft_is_read_by_its_author_alone(house: House) -> None:
    with db.writing() as session:
        actions.draft(session, actor=house.ada, dataset=house.entry, wish=house.wish())
    assert of_data(about(house.ada, house.entry)) == ["data-request-drafted"]
    assert of_data(about(house.owner, house.entry)) == []


# --- projects --------------------------------------------------------------------------------------------------------


def test_the_history_of_an_entry_names_no_project_that_its_reader_does_not_see(house: House) -> None:
    psi = asset()
    with db.writing() as session:
        projects.create(session, actor=SYSTEM, project_id="open", title="Open", team_id="risk")
    for project_id in ("open", "fraud"):
        adopted = adopt(project_id, psi)
        with db.writing() as session:
            value.claim_value(session, actor=house.ada, adoption_id=adopted, low_hours=4, high_hours=8, basis="A week.")
    hide()
    stranger, auditor = house.person("data scientist", team="elsewhere"), house.person("auditor")
    assert {one.data["project"] for one in about(stranger, "asset:default/psi")} == {"open"}
    for actor in (auditor, house.ada):
        assert {one.data["project"] for one in about(actor, "asset:default/psi")} == {"open", "fraud"}


def test_whoever_works_in_a_hidden_project_reads_of_it_and_what_one_did_oneself_stays_readable(house: House) -> None:
    member, engineer = house.person("AI engineer"), house.person("ML engineer")
    with db.writing() as session:
        members.add_member(session, actor=house.ada, project_id="fraud", person_id=member.id, role="AI engineer")
    adopt("fraud", asset(), engineer)
    hide()
    for actor in (actor_now(member.id), engineer):
        assert [one.event for one in about(actor, "asset:default/psi")] == ["entry-adopted"]
    assert about(house.person("ML engineer"), "asset:default/psi") == []


def test_the_log_leaves_out_hidden_projects_their_models_and_hidden_entries_and_counts_without_them(
    house: House,
) -> None:
    with db.writing() as session:
        projects.claim(session, actor=house.ada, project_id="fraud", kind="model", name="bank.fraud")
        recording.record(session, SYSTEM, events.ModelRegistered("registered-model:bank.fraud"))
    asset("vault", classification="confidential")
    with db.writing() as session:
        catalog.propose(
            session, actor=house.ada, base_revision=1, document={
                "apiVersion": "factory/v1", "kind": "asset", "metadata": {"name": "vault", "description": "Else."},
                "spec": {"owner": "risk", "classification": "confidential"},
            },
        )  # fmt: skip
    hide()
    hidden = {"project:fraud", "registered-model:bank.fraud", "asset:default/vault"}
    admin, auditor = house.person("administrator"), house.person("auditor")
    everything, seen = log(auditor, size=500), log(admin, size=500)
    assert hidden <= {one.subject for one in everything.items}
    assert not hidden & {one.subject for one in seen.items}
    assert (everything.total, seen.total) == (len(everything.items), len(seen.items))
    assert seen.total == sum(one.subject not in hidden for one in everything.items)


def test_a_page_of_the_log_is_full_however_much_of_it_is_hidden(house: House) -> None:
    psi = asset()
    for number in range(6):
        with db.writing() as session:
            projects.create(session, actor=SYSTEM, project_id=f"p{number}", title="P", team_id="risk")
        adopt(f"p{number}", psi)
        if number % 2:
            hide(f"p{number}")
    found = log(house.person("administrator"), event="entry-adopted", size=2)
    assert ([one.data["project"] for one in found.items], found.total) == (["p4", "p2"], 3)


def test_a_decision_on_a_hidden_entry_is_left_out_of_the_projects_history(house: House) -> None:
    asset("vault", classification="restricted")
    with db.writing() as session:
        reuse.decide(
            session, actor=house.ada, project_id="fraud", entry_ref="asset:default/vault", decision="build", reason="Ours."
        )  # fmt: skip
    assert "reuse-decided" in [one.event for one in about(house.person("auditor"), "project:fraud")]
    assert "reuse-decided" not in [one.event for one in about(house.person("manager"), "project:fraud")]


def test_a_reader_from_whom_some_is_hidden_counts_only_the_newest(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "MOST_COUNTED", 3)
    found = log(house.person("administrator"), size=10)
    assert (found.total, found.is_cut, len(found.items)) == (3, True, 10)
    assert not log(house.person("auditor")).is_cut
