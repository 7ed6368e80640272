"""Signing: what a form binds, what is asked at the moment of signing, and everything that is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from core import db
from core.access import queries
from core.activity import chain, recording
from core.activity import queries as activity
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.people import actions as people
from core.projects.tables import Project
from core.reviews import pins, receipts, signing
from core.reviews.pins import Refused
from core.reviews.record import text_hash
from core.reviews.tables import CaseSeat
from tests.conftest import SYSTEM
from tests.core.reviews.bank import PIN, Bank


def test_a_case_is_submitted_signed_twice_and_approved_for_its_time(bank: Bank) -> None:
    case_id = bank.submitted()
    assert bank.state(case_id) == "in review"
    assert bank.signed(bank.vera, case_id, "approve").state == "in review"
    assert bank.signed(bank.rita, case_id, "approve", "approval").state == "approved"
    case = bank.row(case_id)
    assert case.decided_at == bank.clock.at
    assert case.expires_at == bank.clock.at + timedelta(days=365)
    assert [(one.role, one.meaning, one.decision) for one in bank.signatures(case_id)] == [
        ("owner", "authorship", "submit"), ("model validator", "review", "approve"),
        ("reviewer", "approval", "approve"),
    ]  # fmt: skip
    assert bank.events(case_id) == [
        "case-signed", "case-moved", "case-moved", "case-signed", "case-signed", "case-moved"
    ]  # fmt: skip
    assert any("is approved, until" in one for one in bank.told("olga"))


def test_a_signature_says_who_signed_what_when_and_why_and_holds_without_the_store(bank: Bank) -> None:
    case_id = bank.approved()
    for made, actor in zip(bank.signatures(case_id), (bank.olga, bank.vera, bank.rita), strict=True):
        assert receipts.holds(made.payload, made.signature, made.key)
        said = json.loads(made.payload)
        assert (said["signer"], said["name"], said["case"]) == (actor.ref, actor.name, case_id)
        assert (said["meaning"], said["decision"], said["role"]) == (made.meaning, made.decision, made.role)
        assert said["record_hash"] == made.record_hash
        assert said["signed_at"] == "2026-03-02T09:00:00.000000Z"
        assert said["subject"]["version"] == "1"


def test_all_sign_the_very_same_record_and_it_can_be_read_years_later(bank: Bank) -> None:
    case_id = bank.approved()
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=bank.vera.id)
        people.erase_person(session, actor=SYSTEM, person_id=bank.vera.id)
    bank.change(case_id, tier="high", environments=[])
    hashes = {one.record_hash for one in bank.signatures(case_id)}
    assert len(hashes) == 1
    with db.reading() as session:
        found = receipts.receipt(session, bank.olga, bank.signatures(case_id)[1].id or 0)
    assert text_hash(chain.canonical(found["record"])) == hashes.pop()
    assert found["record"]["tier"] == "limited"
    assert bank.signatures(case_id)[1].printed_name == "Vera", "what was signed stays readable (invariant 22)"


def test_a_receipt_carries_the_latest_seal_of_the_log_and_is_shown_with_its_project_only(bank: Bank) -> None:
    case_id = bank.approved()
    with db.writing() as session:
        sealed = activity_seal(session)
    signature_id = bank.signatures(case_id)[0].id or 0
    with db.reading() as session:
        assert receipts.receipt(session, bank.vera, signature_id)["checkpoint"] == sealed
        for unknown in (0, 10_000):
            with pytest.raises(NotFound):
                receipts.receipt(session, bank.vera, unknown)
    with db.writing() as session:
        session.get_one(Project, "churn").classification = "restricted"
    with db.reading() as session, pytest.raises(NotFound):
        receipts.receipt(session, bank.vera, signature_id)


def activity_seal(session: Session) -> dict[str, object]:
    made = recording.seal(session)
    assert made is not None
    return made.model_dump()


# --- the form --------------------------------------------------------------------------------------------------------


def test_a_form_signs_once(bank: Bank) -> None:
    case_id = bank.submitted()
    nonce = bank.prepare(bank.vera, case_id, "approve")
    bank.verify(case_id)
    bank.sign(bank.vera, nonce)
    with pytest.raises(Conflict, match="used already"):
        bank.sign(bank.vera, nonce)
    assert len(bank.signatures(case_id)) == 2


def test_a_form_holds_ten_minutes(bank: Bank) -> None:
    case_id = bank.submitted()
    nonce = bank.prepare(bank.vera, case_id, "approve")
    bank.clock.forward(minutes=10)
    bank.verify(case_id)
    with pytest.raises(Conflict, match="no longer valid"):
        bank.sign(bank.vera, nonce)
    bank.clock.forward(seconds=-1)
    assert isinstance(bank.sign(bank.vera, nonce), signing.Signed)


def test_a_form_is_of_one_person_and_none_can_be_guessed(bank: Bank) -> None:
    case_id = bank.submitted()
    nonce = bank.prepare(bank.vera, case_id, "approve")
    bank.verify(case_id)
    with pytest.raises(NotAllowed, match="somebody else"):
        bank.sign(bank.rita, nonce)
    for unknown in ("", "x", "x" * 10_000, nonce[:-1]):
        with pytest.raises(NotFound):
            bank.sign(bank.vera, unknown)


def test_what_changed_since_the_form_was_opened_is_looked_at_before_it_is_signed(bank: Bank) -> None:
    case_id = bank.submitted()
    nonce = bank.prepare(bank.vera, case_id, "approve")
    bank.change(case_id, facts={"personal_data": True})
    bank.verify(case_id)
    with pytest.raises(Conflict, match="changed since you opened"):
        bank.sign(bank.vera, nonce)
    assert bank.signed(bank.vera, case_id, "approve")


def test_the_same_decision_of_others_meanwhile_does_not_disturb(bank: Bank) -> None:
    case_id = bank.submitted()
    forms = {one.id: bank.prepare(one, case_id, "approve") for one in (bank.vera, bank.rita)}
    bank.verify(case_id)
    for one in (bank.vera, bank.rita):
        bank.sign(one, forms[one.id])
    assert bank.state(case_id) == "approved"


# --- the PIN ---------------------------------------------------------------------------------------------------------


def test_a_wrong_pin_signs_nothing_is_counted_and_the_form_can_be_tried_again(bank: Bank) -> None:
    case_id = bank.submitted()
    nonce = bank.prepare(bank.vera, case_id, "approve")
    bank.verify(case_id)
    for _ in range(4):
        assert isinstance(bank.sign(bank.vera, nonce, "wrong"), Refused)
    assert isinstance(bank.sign(bank.vera, nonce), signing.Signed)
    assert len(bank.signatures(case_id)) == 2


def test_five_wrong_pins_lock_signing_everywhere(bank: Bank) -> None:
    one, other = bank.submitted("1"), bank.submitted("2")
    nonce = bank.prepare(bank.vera, one, "approve")
    for _ in range(5):
        bank.sign(bank.vera, nonce, "wrong")
    bank.verify(other)
    refused = bank.sign(bank.vera, bank.prepare(bank.vera, other, "approve"))
    assert isinstance(refused, Refused)
    assert refused.locked_until == bank.clock.at + pins.LOCKED_FOR


def test_without_a_pin_nobody_signs(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.do(pins.reset, SYSTEM, person_id=bank.vera.id)
    nonce = bank.prepare(bank.vera, case_id, "approve")
    with pytest.raises(Conflict, match="no signing PIN"):
        bank.sign(bank.vera, nonce)


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["olga", "mo", "ada", "audrey", "max", "viktor", "rob"])
def test_nobody_without_a_seat_decides(bank: Bank, name: str) -> None:
    case_id = bank.submitted()
    for decision in ("approve", "reject"):
        with pytest.raises(NotAllowed):
            bank.prepare(bank.who[name], case_id, decision, reason="No.")


@pytest.mark.parametrize(("name", "role"), [("ada", "reviewer"), ("olga", "model validator"), ("max", "reviewer")])
def test_a_seat_gives_no_role(bank: Bank, name: str, role: str) -> None:
    """An administrator and a data scientist do not sign even from a seat that somebody put them into (invariant 21)."""
    case_id = bank.submitted()
    with db.writing() as session:
        session.add(bank.seat(case_id, name, role))
    with pytest.raises(NotAllowed):
        bank.prepare(bank.who[name], case_id, "approve")


def test_whoever_took_part_in_making_it_does_not_decide_on_it(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.change(case_id, owner=bank.vera.ref)
    with pytest.raises(NotAllowed, match="took part"):
        bank.prepare(bank.vera, case_id, "approve")


def test_roles_and_account_are_asked_of_the_store_at_the_moment_of_signing(bank: Bank) -> None:
    case_id = bank.submitted()
    forms = {one.id: bank.prepare(one, case_id, "approve") for one in (bank.vera, bank.rita)}
    bank.verify(case_id)
    with db.writing() as session:
        for grant in queries.grants_of(session, bank.vera.id):
            people.revoke_role(session, actor=SYSTEM, grant_id=grant.id or 0)
    bank.deactivate("rita")
    with pytest.raises(NotAllowed, match="sign"):
        bank.sign(bank.vera, forms[bank.vera.id])
    with pytest.raises(NotAllowed, match="account is active"):
        bank.sign(bank.rita, forms[bank.rita.id])


def test_neither_the_portal_nor_a_token_signs(bank: Bank) -> None:
    case_id = bank.submitted()
    with pytest.raises(NotAllowed):
        bank.prepare(SYSTEM, case_id, "approve")
    with db.writing() as session:
        _, secret = people.create_token(session, actor=bank.ada, name="ci", scopes=["gate:ask"], days=1)
    with db.reading() as session:
        token = queries.actor_for_token(session, secret)
    assert token is not None
    with pytest.raises(NotAllowed):
        bank.prepare(token, case_id, "approve")


def test_a_seat_signs_once_and_a_released_one_not_at_all(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    for decision in ("approve", "reject"):
        with pytest.raises(Conflict, match="signed this case already"):
            bank.prepare(bank.vera, case_id, decision, reason="No.")
    with db.writing() as session:
        for seat in session.exec(select(CaseSeat).where(CaseSeat.person_id == bank.rita.id)):
            seat.released_at = bank.clock.at
    with pytest.raises(NotAllowed, match="no seat"):
        bank.prepare(bank.rita, case_id, "approve")


def test_two_of_the_same_role_do_not_make_up_for_another_role(bank: Bank) -> None:
    case_id = bank.draft(quorum={"model validator": 2, "reviewer": 1})
    with db.writing() as session:
        session.add(bank.seat(case_id, "viktor", "model validator"))
    bank.signed(bank.olga, case_id, "submit")
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.viktor, case_id, "approve")
    assert bank.state(case_id) == "in review"
    assert bank.signed(bank.rita, case_id, "approve").state == "approved"


# --- what ------------------------------------------------------------------------------------------------------------


def test_only_the_owner_submits_and_only_what_is_complete(bank: Bank) -> None:
    case_id = bank.draft(verdict="missing")
    with pytest.raises(NotAllowed, match="Only the owner"):
        bank.prepare(bank.mo, case_id, "submit")
    with pytest.raises(NotAllowed):
        bank.prepare(bank.vera, case_id, "submit")
    with pytest.raises(Conflict, match="FAIR-1"):
        bank.prepare(bank.olga, case_id, "submit")
    bank.find(case_id, "fail")
    assert bank.signed(bank.olga, case_id, "submit").state == "in review"


def test_a_model_without_evidence_is_not_submitted(bank: Bank) -> None:
    case_id = bank.draft()
    bank.change(case_id, snapshot_id=None)
    with pytest.raises(Conflict, match="no evidence"):
        bank.prepare(bank.olga, case_id, "submit")


@pytest.mark.parametrize("state", ["draft", "submitted", "changes requested", "approved", "suspended", "withdrawn"])
def test_decisions_are_made_in_review_only(bank: Bank, state: str) -> None:
    case_id = bank.submitted()
    nonce = bank.prepare(bank.vera, case_id, "approve")
    bank.verify(case_id)
    bank.change(case_id, state=state)
    with pytest.raises(Conflict, match="takes no"):
        bank.sign(bank.vera, nonce)


@pytest.mark.parametrize("verdict", ["fail", "inconclusive", "missing"])
def test_a_blocking_item_that_does_not_pass_keeps_a_case_from_being_approved_but_not_from_being_rejected(
    bank: Bank, verdict: str
) -> None:
    case_id = bank.submitted()
    bank.find(case_id, verdict)
    with pytest.raises(Conflict, match="FAIR-1"):
        bank.prepare(bank.vera, case_id, "approve")
    assert bank.signed(bank.vera, case_id, "reject", reason="Unfair.").state == "rejected"


def test_evidence_is_compared_again_within_two_minutes_of_the_signature(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.clock.forward(minutes=5)
    nonce = bank.prepare(bank.vera, case_id, "approve")
    with pytest.raises(Conflict, match="not found the same"):
        bank.sign(bank.vera, nonce)
    bank.verify(case_id, at=bank.clock.at - timedelta(minutes=2, seconds=1))
    with pytest.raises(Conflict, match="not found the same"):
        bank.sign(bank.vera, nonce)
    bank.verify(case_id)
    bank.verify(case_id, "changed")
    with pytest.raises(Conflict, match="not found the same"):
        bank.sign(bank.vera, nonce)
    bank.verify(case_id)
    assert bank.sign(bank.vera, nonce)


def test_a_rejection_does_not_wait_for_mlflow(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.clock.forward(minutes=5)
    assert bank.sign(bank.vera, bank.prepare(bank.vera, case_id, "reject", reason="Unfair."))
    assert bank.state(case_id) == "rejected"


def test_another_subject_than_was_submitted_is_not_approved(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.change(case_id, subject_digest="f" * 64)
    with pytest.raises(Conflict, match="no longer what was submitted"):
        bank.prepare(bank.vera, case_id, "approve")


def test_one_rejection_ends_the_case_for_good(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    late = bank.prepare(bank.rita, case_id, "reject", reason="Unfair.")
    with pytest.raises(Invalid, match="needs a reason"):
        bank.prepare(bank.rita, case_id, "reject")
    bank.sign(bank.rita, late)
    assert (bank.state(case_id), bank.row(case_id).reason) == ("rejected", "Unfair.")
    with pytest.raises(Conflict):
        bank.prepare(bank.rita, case_id, "approve")


@pytest.mark.parametrize(
    ("decision", "meaning", "details"),
    [
        ("bless", "review", {}), ("approve", "authorship", {}), ("submit", "approval", {}), ("approve", "love", {}),
        ("approve", "review", {"colour": "red"}), ("approve with conditions", "review", {}),
        ("approve", "review", {"reason": "x" * 2001}), ("approve", "review", {"conditions": [{}]}),
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused_with_the_way_out(
    bank: Bank, decision: str, meaning: str, details: dict[str, object]
) -> None:
    case_id = bank.submitted()
    with pytest.raises(PortalError) as refused, db.writing() as session:
        signing.prepare(session, actor=bank.vera, case_id=case_id, meaning=meaning, decision=decision, details=details)
    assert refused.value.code in ("invalid", "conflict")


def test_clocks_that_go_back_do_not_bring_signatures_out_of_order(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.clock.forward(hours=-1)
    bank.signed(bank.vera, case_id, "approve")
    bank.clock.forward(hours=-1)
    bank.signed(bank.rita, case_id, "approve")
    moments = [one.signed_at for one in bank.signatures(case_id)]
    assert moments == sorted(moments)
    case = bank.row(case_id)
    assert case.submitted_at is not None
    assert case.submitted_at <= moments[-1] == case.decided_at
    with db.reading() as session:
        assert activity.verify(session, SYSTEM).state == "intact"


def test_a_case_that_is_not_shown_is_not_there(bank: Bank) -> None:
    case_id = bank.submitted()
    for unknown in (0, -1, 10**12, case_id + 1):
        with pytest.raises(NotFound):
            bank.prepare(bank.vera, unknown, "approve")


def test_pins_of_others_sign_nothing(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.do(pins.reset, SYSTEM, person_id=bank.rita.id)
    bank.do(pins.set_pin, bank.rita, pin="ritas-own-1")
    nonce = bank.prepare(bank.rita, case_id, "approve")
    bank.verify(case_id)
    assert isinstance(bank.sign(bank.rita, nonce, PIN), Refused)
