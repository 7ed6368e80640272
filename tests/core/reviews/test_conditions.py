"""Conditions: what one has to say, where the subject may go meanwhile, who says it is met, and what a missed day does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import db
from core.checks import registry
from core.checks.findings import Finding
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.projects.tables import Project
from core.reviews import conditions, watching
from core.reviews.tables import Condition
from tests.conftest import SYSTEM
from tests.core.reviews.bank import Bank


@pytest.fixture(autouse=True)
def one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The register has one check, and it takes any parameters."""

    def against(name: str, _parameters: Any, *, tier: str) -> str:
        return "" if name == "selection_rate_ratio" else f"There is no check {name} for {tier}."

    monkeypatch.setattr(registry, "against", against, raising=False)


def one(bank: Bank, **more: Any) -> dict[str, Any]:
    given = {
        "text": "Explain it to clerks.", "owner": bank.mo.ref, "due_on": "2026-03-20", "environments": ["test"],
    }  # fmt: skip
    return given | more


def approved(bank: Bank, version: str = "1", **more: Any) -> tuple[int, int]:
    """A case that Rita approved under one condition, and Vera without; and the condition's id."""
    case_id = bank.submitted(version)
    bank.signed(bank.rita, case_id, "approve with conditions", conditions=[one(bank, **more)])
    bank.signed(bank.vera, case_id, "approve")
    with db.reading() as session:
        (found,) = conditions.standing(session, bank.row(case_id))
    return case_id, found.id or 0


def reached(bank: Bank, case_id: int) -> frozenset[str]:
    with db.reading() as session:
        return conditions.environments(session, bank.row(case_id))


def test_one_signer_s_condition_binds_the_approval_and_the_next_signer_signs_a_record_that_has_it(bank: Bank) -> None:
    case_id, _ = approved(bank)
    assert bank.state(case_id) == "approved with conditions"
    assert reached(bank, case_id) == {"test"}
    _, first, second = bank.signatures(case_id)
    assert "Explain it to clerks." in first.payload
    assert first.record_hash != second.record_hash
    assert first.voided_at is None, "a condition only narrows what was agreed to"
    assert any("you are to meet a condition" in text for text in bank.told("mo"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " "}, {"text": "x" * 1001}, {"owner": "person:nobody"}, {"owner": ""}, {"due_on": "soon"},
        {"due_on": "2026-03-01"}, {"due_on": "2027-03-03"}, {"due_on": None}, {"environments": []},
        {"environments": ["moon"]}, {"environments": [["test"]]}, {"environments": "test"}, {"check": "no_such_check"},
        {"parameters": {"limit": float("nan")}}, {"parameters": [1]}, {"colour": "red"},
    ],
)  # fmt: skip
def test_a_condition_says_what_who_until_when_and_where(bank: Bank, wrong: dict[str, Any]) -> None:
    case_id = bank.submitted()
    with pytest.raises(PortalError) as refused:
        bank.prepare(bank.rita, case_id, "approve with conditions", conditions=[one(bank, **wrong)])
    assert refused.value.code in ("invalid", "not_found")


def test_a_condition_is_given_to_nobody_who_left_or_does_not_see_the_case(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.deactivate("mo")
    with pytest.raises(Conflict):
        bank.prepare(bank.rita, case_id, "approve with conditions", conditions=[one(bank)])
    with db.writing() as session:
        session.get_one(Project, "churn").classification = "restricted"
    with pytest.raises(Invalid, match="does not see"):
        bank.prepare(bank.rita, case_id, "approve with conditions", conditions=[one(bank, owner=bank.max.ref)])


def test_another_signer_says_that_it_is_met_and_the_approval_is_whole(bank: Bank) -> None:
    case_id, condition_id = approved(bank)
    for who, why in ((bank.olga, "signer"), (bank.max, "signer"), (bank.viktor, "signer"), (SYSTEM, "signer")):
        with pytest.raises(NotAllowed, match=why):
            bank.do(conditions.meet, who, condition_id=condition_id, note="Seen.")
    with pytest.raises(Invalid, match="how you know"):
        bank.do(conditions.meet, bank.vera, condition_id=condition_id, note=" ")
    bank.do(conditions.meet, bank.vera, condition_id=condition_id, note="Seen on 3 March.")
    assert bank.state(case_id) == "approved"
    assert reached(bank, case_id) == {"test", "production"}
    assert bank.events(case_id)[-2:] == ["condition-met", "case-moved"]
    with pytest.raises(Conflict):
        bank.do(conditions.meet, bank.vera, condition_id=condition_id, note="Again.")


def test_nobody_says_that_their_own_condition_is_met(bank: Bank) -> None:
    case_id, condition_id = approved(bank, owner=bank.vera.ref)
    with pytest.raises(NotAllowed, match="their own"):
        bank.do(conditions.meet, bank.vera, condition_id=condition_id, note="Done.")
    bank.do(conditions.meet, bank.rita, condition_id=condition_id, note="Seen.")
    assert bank.state(case_id) == "approved"


def test_all_conditions_have_to_be_met(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.rita, case_id, "approve with conditions", conditions=[one(bank), one(bank, text="And this.")])
    bank.signed(bank.vera, case_id, "approve with conditions", conditions=[one(bank, environments=["production"])])
    assert reached(bank, case_id) == frozenset()
    with db.reading() as session:
        ids = [found.id for found in conditions.standing(session, bank.row(case_id))]
    states = []
    for condition_id in ids:
        bank.do(conditions.meet, bank.rita, condition_id=condition_id, note="Seen.")
        states.append(bank.state(case_id))
    assert states == ["approved with conditions", "approved with conditions", "approved"]


@pytest.mark.parametrize(("verdict", "state"), [("pass", "approved"), ("fail", "approved with conditions")])
def test_a_check_judges_its_condition_and_nobody_else_does(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, verdict: Any, state: str
) -> None:
    case_id, condition_id = approved(bank, check="selection_rate_ratio", parameters={"limit": 0.9})
    asked: list[Any] = []

    def run(name: str, _snapshot: Any, parameters: Any, *, tier: str) -> Finding:
        asked.append((name, parameters, tier))
        return Finding(name, verdict, "0.85 of 0.9")

    monkeypatch.setattr(registry, "run", run)
    with pytest.raises(Conflict, match="selection_rate_ratio judges"):
        bank.do(conditions.meet, bank.vera, condition_id=condition_id, note="Seen.")
    with pytest.raises(NotAllowed):
        bank.do(conditions.run_check, bank.viktor, condition_id=condition_id)
    found = bank.do(conditions.run_check, bank.olga, condition_id=condition_id)
    assert (found.verdict, bank.state(case_id)) == (verdict, state)
    assert asked == [("selection_rate_ratio", {"limit": 0.9}, "limited")]


def test_a_condition_whose_day_has_passed_suspends_the_approval(bank: Bank) -> None:
    case_id, condition_id = approved(bank)
    bank.clock.at += timedelta(days=18)  # the evening of its last day
    bank.verify(case_id)
    watching.watch(SYSTEM)
    assert bank.state(case_id) == "approved with conditions"
    bank.clock.at += timedelta(days=1)
    with pytest.raises(Conflict, match="last day"):
        bank.do(conditions.meet, bank.vera, condition_id=condition_id, note="Seen.")
    watching.watch(SYSTEM)
    assert bank.state(case_id) == "suspended"
    assert "Explain it to clerks." in bank.row(case_id).reason
    for name in ("olga", "mo", "vera", "rita"):
        assert any("was suspended" in text for text in bank.told(name)), name


def test_a_condition_goes_with_the_signature_that_set_it(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.rita, case_id, "approve with conditions", conditions=[one(bank)])
    bank.waived(case_id)  # changes the record, so Rita looks again
    with db.reading() as session:
        assert conditions.standing(session, bank.row(case_id)) == []
    bank.signed(bank.rita, case_id, "approve")
    assert bank.signed(bank.vera, case_id, "approve").state == "approved"


def test_what_is_unknown_or_not_shown_is_not_there(bank: Bank) -> None:
    _, condition_id = approved(bank)
    with pytest.raises(NotFound):
        bank.do(conditions.meet, bank.vera, condition_id=0, note="Seen.")
    with db.writing() as session:
        session.get_one(Project, "churn").classification = "restricted"
    with pytest.raises(NotFound):
        bank.do(conditions.meet, bank.vera, condition_id=condition_id, note="Seen.")
    with db.reading() as session:
        assert session.get_one(Condition, condition_id).met_at is None
