"""Waivers and break-glass: who lets what pass, for how long, with which control, and what their end does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.reviews import ending, pins, waivers, watching
from core.reviews.pins import Refused
from tests.conftest import SYSTEM
from tests.core.reviews.bank import PIN, Bank


def test_a_failing_item_is_let_pass_by_somebody_else_and_the_approval_rests_on_it(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    with pytest.raises(Conflict, match="FAIR-1"):
        bank.prepare(bank.vera, case_id, "approve")
    bank.waived(case_id)
    bank.signed(bank.vera, case_id, "approve")
    assert bank.signed(bank.rita, case_id, "approve").state == "approved"
    assert bank.events(case_id, "waiver-requested", "waiver-approved") == ["waiver-requested", "waiver-approved"]


def test_what_is_let_pass_after_a_signature_voids_it(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    old = bank.prepare(bank.rita, case_id, "approve")
    bank.waived(case_id)
    assert [one.void_reason for one in bank.signatures(case_id)] == ["", "the record was changed after it"]
    assert any("no longer counts" in text for text in bank.told("vera"))
    bank.verify(case_id)
    with pytest.raises(Conflict, match="changed since"):
        bank.sign(bank.rita, old)
    bank.signed(bank.rita, case_id, "approve")
    assert bank.signed(bank.vera, case_id, "approve").state == "approved"


@pytest.mark.parametrize(
    ("name", "why"), [("olga", "waiver"), ("vera", "risk.accept"), ("ada", "risk.accept"), ("mo", "risk.accept")]
)
def test_only_who_accepts_risk_and_asked_for_nothing_lets_pass(bank: Bank, name: str, why: str) -> None:
    waiver_id = bank.waiver(bank.submitted(verdict="fail"))
    with pytest.raises(NotAllowed):
        bank.do(waivers.approve, bank.who[name], waiver_id=waiver_id)
    assert bank.waiver_row(waiver_id).approved_by is None


def test_nobody_lets_pass_what_they_asked_for_or_made(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waiver(case_id)
    bank.change(case_id, owner=bank.max.ref)
    with pytest.raises(NotAllowed, match="took part"):
        bank.do(waivers.approve, bank.max, waiver_id=waiver_id)
    bank.change(case_id, owner=bank.olga.ref)
    with pytest.raises(PortalError):
        bank.do(waivers.approve, SYSTEM, waiver_id=waiver_id)
    bank.do(waivers.approve, bank.rob, waiver_id=waiver_id)
    assert bank.waiver_row(waiver_id).approved_by == bank.rob.ref


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": " "}, {"control": ""}, {"control": "x" * 2001}, {"expires_at": timedelta(0)},
        {"expires_at": timedelta(days=90, seconds=1)}, {"expires_at": datetime(2026, 3, 5)},
        {"environments": ("moon",)},
    ],
)  # fmt: skip
def test_a_waiver_has_a_reason_a_control_and_an_end_within_ninety_days(bank: Bank, wrong: dict[str, Any]) -> None:
    case_id = bank.submitted(verdict="fail")
    if isinstance(wrong.get("expires_at"), timedelta):
        wrong = {"expires_at": bank.clock() + wrong["expires_at"]}
    with pytest.raises(Invalid):
        bank.waiver(case_id, **wrong)
    assert bank.waiver(case_id, expires_at=bank.clock() + timedelta(days=90))


def test_only_a_blocking_item_of_an_undecided_case_is_let_pass_and_asked_for_once(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    for item in ("NOTE-1", "MOON-1", ""):
        with pytest.raises(Invalid):
            bank.waiver(case_id, item)
    bank.waiver(case_id)
    with pytest.raises(Conflict, match="already"):
        bank.waiver(case_id)
    with pytest.raises(NotAllowed):
        bank.do(waivers.request, bank.vera, case_id=case_id, item_id="FAIR-1", wish=bank.wish())
    with pytest.raises(Conflict, match="approved"):
        bank.waiver(bank.approved("2"))


def test_a_refused_waiver_lets_nothing_pass_and_is_decided_once(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waiver(case_id)
    with pytest.raises(Invalid):
        bank.do(waivers.refuse, bank.max, waiver_id=waiver_id, reason=" ")
    bank.do(waivers.refuse, bank.max, waiver_id=waiver_id, reason="Measure it.")
    for verb, more in ((waivers.approve, {}), (waivers.refuse, {"reason": "No."}), (waivers.end, {"reason": "No."})):
        with pytest.raises(Conflict):
            bank.do(verb, bank.rob, waiver_id=waiver_id, **more)
    with pytest.raises(Conflict, match="FAIR-1"):
        bank.prepare(bank.vera, case_id, "approve")
    assert any("Measure it." in text for text in bank.told("olga"))


def test_an_approval_is_suspended_when_the_waiver_it_rests_on_ends(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    bank.waived(case_id)
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    bank.clock.forward(hours=47)
    bank.verify(case_id)
    watching.watch(SYSTEM)
    assert bank.state(case_id) == "approved"
    bank.clock.forward(hours=1)
    assert "1 waivers ended" in watching.watch(SYSTEM)
    assert bank.state(case_id) == "suspended"
    assert "0 waivers ended" in watching.watch(SYSTEM)


def test_an_approval_that_no_longer_needs_its_waiver_outlives_it(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waived(case_id)
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    bank.find(case_id, "pass")
    bank.do(waivers.end, bank.max, waiver_id=waiver_id, reason="Measured.")
    assert bank.state(case_id) == "approved"


def test_ending_one_early_in_review_voids_what_was_signed_on_it(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waived(case_id)
    bank.signed(bank.vera, case_id, "approve")
    with pytest.raises(NotAllowed):
        bank.do(waivers.end, bank.vera, waiver_id=waiver_id, reason="No.")
    bank.do(waivers.end, bank.olga, waiver_id=waiver_id, reason="Not needed.")
    assert bank.signatures(case_id)[-1].voided_at is not None


def test_a_request_that_nobody_decided_in_time_makes_way_for_another(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waiver(case_id)
    bank.clock.forward(hours=48)
    with pytest.raises(Invalid):
        bank.do(waivers.approve, bank.max, waiver_id=waiver_id)
    watching.watch(SYSTEM)
    assert bank.waiver(case_id)


# --- break-glass -----------------------------------------------------------------------------------------------------


def glass(bank: Bank, case_id: int, **more: Any) -> int:
    made = bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish(**more))
    return int(made.id)


def test_a_glass_takes_two_different_people_who_accept_risk(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = glass(bank, case_id)
    with pytest.raises(Conflict, match="FAIR-1"):
        bank.prepare(bank.vera, case_id, "approve")
    for who in (bank.max, bank.vera, bank.olga, bank.ada):
        with pytest.raises(NotAllowed):
            bank.do(waivers.second, who, waiver_id=waiver_id)
    with pytest.raises(Conflict):
        bank.do(waivers.approve, bank.mia, waiver_id=waiver_id)
    bank.do(waivers.second, bank.mia, waiver_id=waiver_id)
    assert bank.prepare(bank.vera, case_id, "approve")
    with pytest.raises(Conflict):
        bank.do(waivers.second, bank.rob, waiver_id=waiver_id)


def test_a_glass_is_broken_by_nobody_of_the_team_and_for_three_days_at_most(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    with pytest.raises(NotAllowed):
        bank.do(waivers.break_glass, bank.olga, case_id=case_id, wish=bank.wish())
    with pytest.raises(Invalid, match="72 hours"):
        glass(bank, case_id, expires_at=bank.clock() + timedelta(hours=73))
    bank.change(case_id, owner=bank.mia.ref)
    waiver_id = glass(bank, case_id, expires_at=bank.clock() + timedelta(hours=72))
    with pytest.raises(NotAllowed, match="took part"):
        bank.do(waivers.second, bank.mia, waiver_id=waiver_id)
    with pytest.raises(Conflict, match="waits"):
        glass(bank, case_id)


def test_a_glass_ends_by_itself_and_is_looked_at_afterwards(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = glass(bank, case_id)
    with pytest.raises(Conflict):
        bank.do(waivers.review, bank.rita, waiver_id=waiver_id, note="Too early.")
    bank.do(waivers.second, bank.rob, waiver_id=waiver_id)
    for who in (bank.max, bank.vera, bank.rob):
        with pytest.raises(NotAllowed):
            bank.do(waivers.review, who, waiver_id=waiver_id, note="Fine.")
    bank.clock.forward(hours=48)
    watching.watch(SYSTEM)
    assert bank.waiver_row(waiver_id).ended_at == bank.clock.at
    assert any("Look at it afterwards" in text for text in bank.told("rita"))
    bank.do(waivers.review, bank.rita, waiver_id=waiver_id, note="It was an emergency.")
    with pytest.raises(Conflict):
        bank.do(waivers.review, bank.rita, waiver_id=waiver_id, note="Again.")
    assert bank.events(case_id)[-1] == "break-glass-reviewed"


def test_an_approval_on_a_broken_glass_is_suspended_when_it_ends(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    bank.do(waivers.second, bank.mia, waiver_id=glass(bank, case_id))
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    bank.clock.forward(hours=48)
    watching.watch(SYSTEM)
    assert bank.state(case_id) == "suspended"
    bank.do(ending.reopen, bank.rita, case_id=case_id, reason="Looked at again.")
    with pytest.raises(Conflict, match="FAIR-1"):
        bank.prepare(bank.vera, case_id, "approve")


def test_what_is_unknown_is_not_there(bank: Bank) -> None:
    for unknown in (0, 99):
        with pytest.raises(NotFound):
            bank.do(waivers.approve, bank.max, waiver_id=unknown)


# --- the PIN ---------------------------------------------------------------------------------------------------------


def test_accepting_a_risk_takes_the_pin_and_a_wrong_one_counts_and_changes_nothing(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waiver(case_id)
    for left in (4, 3, 2, 1):
        refused = bank.do(waivers.approve, bank.max, waiver_id=waiver_id, pin="not-it")
        assert isinstance(refused, Refused)
        assert refused.hint.startswith(f"{left} more")
    locked = bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish(), pin="not-it")
    assert isinstance(locked, Refused)
    assert locked.locked_until is not None
    assert isinstance(bank.do(waivers.approve, bank.max, waiver_id=waiver_id, pin=PIN), Refused), "locked is locked"
    assert bank.waiver_row(waiver_id).approved_by is None
    assert bank.events(case_id, "waiver-requested", "waiver-approved") == ["waiver-requested"]
    bank.clock.forward(minutes=16)
    bank.do(waivers.approve, bank.max, waiver_id=waiver_id)
    assert bank.waiver_row(waiver_id).approved_by == bank.max.ref


def test_a_second_person_gives_their_pin_too(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    broken = bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish())
    assert isinstance(bank.do(waivers.second, bank.mia, waiver_id=broken.id, pin="not-it"), Refused)
    assert bank.waiver_row(broken.id).second_by is None
    bank.do(waivers.second, bank.mia, waiver_id=broken.id)
    assert bank.waiver_row(broken.id).second_by == bank.mia.ref


def test_without_a_pin_no_risk_is_accepted(bank: Bank) -> None:
    waiver_id = bank.waiver(bank.submitted(verdict="fail"))
    bank.do(pins.reset, bank.ada, person_id=bank.max.id)
    with pytest.raises(Conflict, match="no signing PIN"):
        bank.do(waivers.approve, bank.max, waiver_id=waiver_id)
