"""Proposals, lifecycles and wishes: two people, no lost edits, no way around a rule."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.catalog import actions, queries
from core.catalog.kinds import Lifecycle
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from tests.conftest import SYSTEM

Make = Callable[..., Actor]


def document(name: str = "psi", owner: str = "risk", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "factory/v1",
        "kind": "asset",
        "metadata": {"name": name, "title": "Stability", "description": "Finds drift."},
        "spec": {"owner": owner, "version": "1.0", **spec},
    }


def propose(actor: Actor, doc: dict[str, Any], *, base: int = 0) -> int:
    with db.writing() as session:
        return actions.propose(session, actor=actor, document=doc, base_revision=base).id or 0


def approve(actor: Actor, proposal: int) -> None:
    with db.writing() as session:
        actions.approve(session, actor=actor, proposal_id=proposal)


@pytest.fixture
def author(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk")


@pytest.fixture
def reviewer(author: Actor, person: Make) -> Actor:
    return person("reviewer")


@pytest.fixture
def entry(author: Actor, reviewer: Actor) -> queries.EntryPage:
    approve(reviewer, propose(author, document()))
    return look()


def look(ref: str = "asset:default/psi") -> queries.EntryPage:
    with db.reading() as session:
        return queries.entry(session, SYSTEM, ref)


def test_a_proposal_changes_nothing_until_another_person_approves_it(author: Actor, reviewer: Actor) -> None:
    proposal = propose(author, document())
    with pytest.raises(NotFound):
        look()
    approve(reviewer, proposal)
    assert look().entry.title == "Stability"


def test_nobody_approves_their_own_proposal(store: str, person: Make) -> None:
    engineer = person("ML engineer", team="risk")
    proposal = propose(engineer, document())
    with pytest.raises(NotAllowed, match="own proposal"):
        approve(engineer, proposal)


def test_a_colleague_without_the_role_cannot_approve(author: Actor, person: Make) -> None:
    proposal = propose(author, document())
    with pytest.raises(NotAllowed):
        approve(person("data scientist", team="risk"), proposal)


def test_nobody_proposes_for_a_team_that_is_not_theirs(author: Actor, person: Make) -> None:
    stranger = person("data scientist", team="ward")
    with pytest.raises(NotAllowed):
        propose(stranger, document())


def test_an_edit_made_on_an_old_revision_is_refused_not_lost(
    author: Actor, reviewer: Actor, entry: queries.EntryPage
) -> None:
    revision = entry.entry.revision
    first = propose(author, document(version="1.1"), base=revision)
    approve(reviewer, first)
    with pytest.raises(Conflict, match="changed meanwhile"):
        propose(author, document(version="1.2"), base=revision)


def test_a_proposal_overtaken_by_another_change_is_not_applied_over_it(
    author: Actor, reviewer: Actor, entry: queries.EntryPage, person: Make
) -> None:
    colleague = person("ML engineer", team="risk")
    slow = propose(author, document(version="1.1"), base=entry.entry.revision)
    fast = propose(colleague, document(version="1.2"), base=entry.entry.revision)
    approve(reviewer, fast)
    with pytest.raises(Conflict, match="changed meanwhile"):
        approve(reviewer, slow)
    assert look().entry.version == "1.2"


def test_of_two_decisions_at_once_one_wins_and_the_other_is_told(author: Actor, reviewer: Actor, person: Make) -> None:
    proposal, other = propose(author, document()), person("reviewer")

    def decide(actor: Actor) -> str:
        try:
            approve(actor, proposal)
        except PortalError as error:
            return error.code
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, [reviewer, other])) == ["approved", "conflict"]


def test_a_rejection_needs_a_reason_and_is_final(author: Actor, reviewer: Actor) -> None:
    proposal = propose(author, document())
    with pytest.raises(Invalid, match="reason"), db.writing() as session:
        actions.reject(session, actor=reviewer, proposal_id=proposal, reason=" ")
    with db.writing() as session:
        actions.reject(session, actor=reviewer, proposal_id=proposal, reason="No licence.")
    with pytest.raises(Conflict, match="rejected already"):
        approve(reviewer, proposal)


def revise(actor: Actor, proposal: int, doc: dict[str, Any], **more: Any) -> int:
    with db.writing() as session:
        return actions.revise(session, actor=actor, proposal_id=proposal, document=doc, **more).revision


def test_the_proposer_completes_a_waiting_proposal_and_the_log_tells(author: Actor, reviewer: Actor) -> None:
    proposal = propose(author, document())
    assert revise(author, proposal, document("psi-two", version="1.1"), readme="# Why", note="With a README.") == 2
    with db.reading() as session:
        line = activity.since(session, 0)[-1]
    assert (line.event, line.subject) == ("proposal-revised", "asset:default/psi-two")
    assert line.data["fields"] == ["metadata.name", "readme", "spec.version"]
    approve(reviewer, proposal)
    assert (look("asset:default/psi-two").entry.version, look("asset:default/psi-two").readme) == ("1.1", "# Why")


def test_a_proposal_is_revised_by_nobody_else_and_not_after_its_decision(
    author: Actor, reviewer: Actor, person: Make
) -> None:
    proposal = propose(author, document())
    for other in (reviewer, person("ML engineer"), person("data scientist", team="risk"), SYSTEM):
        with pytest.raises(NotAllowed, match="Only the proposer"):
            revise(other, proposal, document(version="1.1"))
    approve(reviewer, proposal)
    with pytest.raises(Conflict, match="approved already"):
        revise(author, proposal, document(version="1.1"))


def test_a_revision_keeps_the_rules_of_a_proposal(
    author: Actor, reviewer: Actor, entry: queries.EntryPage, person: Make
) -> None:
    person("data scientist", team="ward")
    new, change = propose(author, document("new")), propose(author, document(version="1.1"), base=1)
    with pytest.raises(Invalid, match="not valid"):
        revise(author, new, document("new", unknown=1))
    with pytest.raises(Invalid, match="Nothing is different"):
        revise(author, new, document("new"))
    with pytest.raises(NotAllowed):
        revise(author, new, document("new", owner="ward"))
    with pytest.raises(Conflict, match="in the catalog already"):
        revise(author, new, document())
    with pytest.raises(Invalid, match=r"changes asset:default/psi"):
        revise(author, change, document("other"))
    other = propose(author, document("other"))
    with pytest.raises(Conflict, match=f"Your proposal {other}"):
        revise(author, new, document("other"))


def test_nobody_approves_a_revision_that_they_have_not_read(author: Actor, reviewer: Actor) -> None:
    proposal = propose(author, document())
    revise(author, proposal, document(version="6.6.6"))
    with pytest.raises(Conflict, match="revised while you read it"), db.writing() as session:
        actions.approve(session, actor=reviewer, proposal_id=proposal, revision=1)
    with db.writing() as session:
        assert actions.approve(session, actor=reviewer, proposal_id=proposal, revision=2).version == "6.6.6"


def test_the_approval_of_a_new_entry_is_its_publication(author: Actor, reviewer: Actor) -> None:
    approve(reviewer, propose(author, document(lifecycle="proposed")))
    assert look().entry.lifecycle == "approved"


def test_only_the_proposer_withdraws(author: Actor, reviewer: Actor) -> None:
    proposal = propose(author, document())
    with pytest.raises(NotAllowed), db.writing() as session:
        actions.withdraw(session, actor=reviewer, proposal_id=proposal)
    with db.writing() as session:
        actions.withdraw(session, actor=author, proposal_id=proposal)
    with pytest.raises(Conflict):
        approve(reviewer, proposal)


@pytest.mark.parametrize(
    "doc",
    [None, [], "text", {}, document() | {"kind": "asset", "extra": 1}, document(unknown=1), document("a b"), document(version=1.1),
     document(owner="nobody"), document() | {"apiVersion": "backstage.io/v1alpha1"}],
)  # fmt: skip
def test_a_bad_document_is_refused_with_its_field(author: Actor, doc: Any) -> None:
    with pytest.raises(Invalid) as refused:
        propose(author, doc)
    assert refused.value.hint or refused.value.message


def test_a_deprecation_names_a_successor_that_exists(author: Actor, reviewer: Actor, entry: queries.EntryPage) -> None:
    approve(reviewer, propose(author, document("psi-two")))

    def deprecate(successor: str) -> None:
        with db.writing() as session:
            actions.change_lifecycle(
                session, actor=reviewer, entry_id=entry.entry.id or 0, to=Lifecycle.deprecated,
                revision=entry.entry.revision, reason="There is a better one.", successor=successor,
            )  # fmt: skip

    for wrong in ("", "asset:default/none", "asset:default/psi"):
        with pytest.raises(Invalid, match="replaces"):
            deprecate(wrong)
    deprecate("psi-two")
    assert (look().entry.lifecycle, look().entry.successor) == ("deprecated", "asset:default/psi-two")


@pytest.mark.parametrize("to", [Lifecycle.proposed, Lifecycle.approved])
def test_a_lifecycle_takes_no_step_that_is_not_there(reviewer: Actor, entry: queries.EntryPage, to: Lifecycle) -> None:
    with pytest.raises(Conflict, match="cannot become"), db.writing() as session:
        actions.change_lifecycle(
            session, actor=reviewer, entry_id=entry.entry.id or 0, to=to, revision=entry.entry.revision, reason="x"
        )


def test_a_retired_entry_stays_retired(reviewer: Actor, entry: queries.EntryPage) -> None:
    with db.writing() as session:
        actions.change_lifecycle(
            session, actor=reviewer, entry_id=entry.entry.id or 0, to=Lifecycle.retired, revision=1, reason="Unused."
        )
    for to in Lifecycle:
        with pytest.raises(Conflict), db.writing() as session:
            actions.change_lifecycle(
                session, actor=reviewer, entry_id=entry.entry.id or 0, to=to, revision=look().entry.revision, reason="x"
            )


def test_a_confidential_entry_does_not_exist_for_strangers(author: Actor, reviewer: Actor, person: Make) -> None:
    approve(reviewer, propose(author, document(classification="confidential")))
    stranger = person("data scientist", team="ward")
    with pytest.raises(NotFound), db.reading() as session:
        queries.entry(session, stranger, "asset:default/psi")
    with db.reading() as session:
        assert queries.entry(session, author, "asset:default/psi").entry.name == "psi"


def test_a_wish_counts_and_is_told(store: str, person: Make) -> None:
    somebody = person("domain expert")
    with db.writing() as session:
        actions.wish(session, actor=somebody, text="  Churn   Features ", note="For retention.")
        made = actions.wish(session, actor=somebody, text="churn features")
        assert (made.text, made.wishes, made.note) == ("churn features", 2, "For retention.")
    with db.reading() as session:
        assert [line.event for line in activity.since(session, 0)][-2:] == ["asset-requested"] * 2
