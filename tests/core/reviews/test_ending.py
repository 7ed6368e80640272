"""How approvals end: suspended and looked at again, revoked by two, expired, superseded; and what time does to cases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access.policy import SYSTEM_ACTIONS
from core.errors import Conflict, Invalid, NotAllowed, Unavailable
from core.evidence import keeping
from core.evidence.tables import EvidenceCheck
from core.reviews import ending, watching
from core.reviews.pins import Refused
from core.reviews.tables import CaseSeat, PendingSignature
from tests.conftest import SYSTEM
from tests.core.reviews.bank import Bank, checklist


def test_an_approval_is_suspended_looked_at_again_and_signed_anew(bank: Bank) -> None:
    case_id = bank.approved()
    for who in (bank.olga, bank.ada, bank.audrey):
        with pytest.raises(NotAllowed):
            bank.do(ending.suspend, who, case_id=case_id, reason="No.")
    with pytest.raises(Invalid):
        bank.do(ending.suspend, bank.vera, case_id=case_id, reason=" ")
    bank.do(ending.suspend, bank.vera, case_id=case_id, reason="Drift.")
    assert bank.row(case_id).reason == "Drift."
    bank.clock.forward(hours=1)
    with pytest.raises(NotAllowed):
        bank.do(ending.reopen, bank.olga, case_id=case_id, reason="Please.")
    bank.do(ending.reopen, bank.vera, case_id=case_id, reason="It was noise.")
    case = bank.row(case_id)
    assert (case.state, case.decided_at, case.expires_at) == ("in review", None, None)
    assert case.due_at is not None
    assert [one.voided_at is None for one in bank.signatures(case_id)] == [True, False, False]
    bank.signed(bank.vera, case_id, "approve")
    assert bank.signed(bank.rita, case_id, "approve").state == "approved"


def test_who_left_meanwhile_has_no_seat_after_a_reopening(bank: Bank) -> None:
    case_id = bank.approved()
    bank.do(ending.suspend, bank.rita, case_id=case_id, reason="Drift.")
    bank.deactivate("vera")
    bank.do(ending.reopen, bank.rita, case_id=case_id, reason="It was noise.")
    assert bank.vera.id not in seated(case_id)
    assert bank.rita.id in seated(case_id)


def seated(case_id: int) -> list[str]:
    with db.reading() as session:
        held = select(CaseSeat).where(CaseSeat.case_id == case_id)
        return [one.person_id for one in session.exec(held) if one.released_at is None]


def test_a_revocation_takes_two_people_who_may_and_is_final(bank: Bank) -> None:
    case_id = bank.approved()
    for who in (bank.olga, bank.vera, bank.ada, SYSTEM):
        with pytest.raises(NotAllowed):
            bank.do(ending.revoke, who, case_id=case_id, reason="Harm.")
    assert bank.do(ending.revoke, bank.max, case_id=case_id, reason="Harm.") is False
    assert bank.state(case_id) == "approved"
    assert any("wants the approval" in text for text in bank.told("mia"))
    with pytest.raises(NotAllowed, match="second person"):
        bank.do(ending.revoke, bank.max, case_id=case_id, reason="Harm.")
    assert isinstance(bank.do(ending.revoke, bank.mia, case_id=case_id, reason="Harm.", pin="not-it"), Refused)
    assert bank.state(case_id) == "approved"
    assert bank.do(ending.revoke, bank.mia, case_id=case_id, reason="Harm to customers.") is True
    assert bank.row(case_id).reason == "Harm to customers."
    assert bank.state(case_id) == "revoked"
    for verb in (ending.revoke, ending.reopen, ending.suspend):
        with pytest.raises(Conflict, match="final"):
            bank.do(verb, bank.rob, case_id=case_id, reason="Again.")


def test_what_was_proposed_before_a_reopening_is_forgotten(bank: Bank) -> None:
    case_id = bank.approved()
    bank.do(ending.revoke, bank.max, case_id=case_id, reason="Harm.")
    bank.do(ending.suspend, bank.rita, case_id=case_id, reason="Harm.")
    bank.do(ending.reopen, bank.rita, case_id=case_id, reason="No harm.")
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    assert bank.do(ending.revoke, bank.mia, case_id=case_id, reason="Harm.") is False


def test_a_newer_version_supersedes_an_older_one_of_the_same_checklist(bank: Bank) -> None:
    ninth, other = bank.approved("9"), bank.approved("9", checklist_id=checklist(bank.clock, "privacy"))
    tenth = bank.approved("10")
    assert [bank.state(one) for one in (ninth, other, tenth)] == ["superseded", "approved", "approved"]
    assert bank.row(ninth).reason == f"case {tenth} approved version 10"
    eighth = bank.approved("8")
    assert [bank.state(one) for one in (tenth, eighth)] == ["approved", "approved"], "an older one ends nothing"


def test_a_version_that_may_go_to_fewer_environments_ends_nothing_until_it_may_go_to_all(bank: Bank) -> None:
    first = bank.approved("1")
    condition = {"text": "Explain.", "owner": bank.mo.ref, "due_on": "2026-03-20", "environments": ["test"]}
    second = bank.submitted("2")
    bank.signed(bank.rita, second, "approve with conditions", conditions=[condition])
    bank.signed(bank.vera, second, "approve")
    assert bank.state(first) == "approved", "production would have nothing"
    from core.reviews import conditions

    with db.reading() as session:
        (found,) = conditions.standing(session, bank.row(second))
    bank.do(conditions.meet, bank.vera, condition_id=found.id, note="Seen.")
    assert bank.state(first) == "superseded"
    third = bank.approved("3", environments=["test"])
    assert [bank.state(one) for one in (second, third)] == ["approved", "approved"]


# --- the watch -------------------------------------------------------------------------------------------------------


def test_an_approval_gets_a_notice_a_month_before_its_end_and_expires_on_the_day(bank: Bank) -> None:
    case_id = bank.approved(validity_days=100)
    told = len(bank.told("olga"))
    for days, state in ((69, "approved"), (1, "approved"), (29, "approved"), (1, "expired"), (1, "expired")):
        bank.clock.forward(days=days)
        bank.verify(case_id)
        watching.watch(SYSTEM)
        watching.watch(SYSTEM)
        assert bank.state(case_id) == state
    assert [text.split(") ")[1][:12] for text in bank.told("olga")[: -told or None]] == ["has expired.", "expires on 1"]


def test_reviewers_are_reminded_once_a_working_day_before_and_managers_told_once_it_is_overdue(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    due = bank.row(case_id).due_at
    assert due is not None
    bank.clock.at = due - timedelta(days=3, seconds=1)  # on the Friday before a Monday
    watching.watch(SYSTEM)
    assert not any("waits for your decision" in text for text in bank.told("rita"))
    for _ in range(2):
        bank.clock.forward(seconds=1)
        watching.watch(SYSTEM)
    assert len([text for text in bank.told("rita") if "waits for your decision" in text]) == 1
    assert not any("waits for your decision" in text for text in bank.told("vera")), "she has signed"
    bank.clock.at = due + timedelta(seconds=1)
    watching.watch(SYSTEM)
    bank.clock.forward(days=3)
    watching.watch(SYSTEM)
    assert len([text for text in bank.told("max") if "was due on" in text]) == 1


def test_nobody_is_reminded_while_the_owner_has_the_ball(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.change(case_id, state="changes requested", paused_at=bank.clock.at)
    bank.clock.forward(days=30)
    assert "0 reminded, 0 escalated" in watching.watch(SYSTEM)


def test_the_seat_of_who_left_is_given_up_unless_they_have_signed(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    bank.deactivate("vera")
    bank.deactivate("rita")
    assert "1 seats settled" in watching.watch(SYSTEM)
    assert bank.vera.id in seated(case_id)
    assert bank.rita.id not in seated(case_id)


def test_forms_that_nobody_used_are_forgotten(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.prepare(bank.vera, case_id, "approve")
    bank.clock.forward(days=8)
    watching.watch(SYSTEM)
    with db.reading() as session:
        assert session.exec(select(PendingSignature)).all() == []


def test_only_the_portal_and_its_operators_run_the_watch(bank: Bank) -> None:
    assert "admin.jobs" in SYSTEM_ACTIONS
    with pytest.raises(NotAllowed):
        watching.watch(bank.rita)


# --- evidence --------------------------------------------------------------------------------------------------------


class Mlflow:
    """What comparing a copy with MLflow says, and how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outcome: Any = "same"
        self.asked: list[int] = []
        monkeypatch.setattr(keeping, "verify", self.verify)

    def verify(self, snapshot_id: int) -> EvidenceCheck:
        self.asked.append(snapshot_id)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        with db.writing() as session:
            made = EvidenceCheck(snapshot_id=snapshot_id, outcome=self.outcome, checked_at=db.now())
            session.add(made)
        return made


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch, bank: Bank) -> Mlflow:
    return Mlflow(monkeypatch)


def test_evidence_of_approvals_is_compared_once_a_day(bank: Bank, mlflow: Mlflow) -> None:
    bank.approved("1")
    bank.submitted("2")
    for hours, asked in ((1, 0), (23, 1), (1, 1), (24, 2)):
        bank.clock.forward(hours=hours)
        watching.watch(SYSTEM)
        assert len(mlflow.asked) == asked


def test_changed_evidence_suspends_and_tells(bank: Bank, mlflow: Mlflow) -> None:
    case_id = bank.approved()
    mlflow.outcome = "changed"
    bank.clock.forward(days=1)
    assert "1 evidence changed" in watching.watch(SYSTEM)
    assert bank.state(case_id) == "suspended"
    for name in ("olga", "mo", "vera", "rita"):
        assert any("no longer what was signed" in text for text in bank.told(name)), name
    assert "0 evidence changed" in watching.watch(SYSTEM)


def test_a_change_that_somebody_else_found_suspends_too(bank: Bank, mlflow: Mlflow) -> None:
    case_id = bank.approved()
    bank.verify(case_id, "changed")
    watching.watch(SYSTEM)
    assert bank.state(case_id) == "suspended"
    assert mlflow.asked == []


@pytest.mark.parametrize("outcome", ["unreachable", Unavailable("MLflow does not answer.")])
def test_without_mlflow_approvals_stay_and_the_job_says_so(bank: Bank, mlflow: Mlflow, outcome: Any) -> None:
    cases = [bank.approved("1"), bank.approved("2", environments=["test"])]
    mlflow.outcome = outcome
    bank.clock.forward(days=1)
    assert "MLflow does not answer" in watching.watch(SYSTEM)
    assert [bank.state(one) for one in cases] == ["approved", "approved"]
    assert len(mlflow.asked) == 1, "the next would wait just as long"
    mlflow.outcome = "same"
    watching.watch(SYSTEM)
    assert len(mlflow.asked) == 3, "and is asked again as soon as it may answer"


def test_evidence_is_compared_when_somebody_asks_and_a_change_suspends_at_once(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = bank.approved()

    def verify(snapshot_id: int) -> EvidenceCheck:
        with db.writing() as session:
            made = EvidenceCheck(snapshot_id=snapshot_id, outcome="changed", checked_at=bank.clock())
            session.add(made)
            session.flush()
            return made

    monkeypatch.setattr(keeping, "verify", verify)
    with pytest.raises(NotAllowed):
        watching.compare(bank.audrey, case_id)
    assert bank.state(case_id) == "approved"
    assert watching.compare(bank.vera, case_id).outcome == "changed"
    assert bank.state(case_id) == "suspended"
