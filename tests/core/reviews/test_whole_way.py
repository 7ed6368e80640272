"""A case from its opening to an approval through every public verb, and on to the next version."""

from __future__ import annotations

import pytest

from core import db
from core.access.policy import Actor
from core.errors import Conflict
from core.evidence.tables import EvidenceCheck
from core.reviews import answering, pins, signing
from core.reviews.signing import Signed
from tests.core.reviews.bank import PIN
from tests.core.reviews.house import House, mirror

pytestmark = pytest.mark.usefixtures("quick_pins")


def sign(house: House, case_id: int, actor: Actor, decision: str, meaning: str) -> str:
    """Sign with evidence that was found the same just now; returns the state of the case afterwards."""
    with db.writing() as session:
        session.add(EvidenceCheck(snapshot_id=house.case(case_id).snapshot_id or 0, outcome="same"))
    form = house.do(signing.prepare, actor, case_id=case_id, meaning=meaning, decision=decision)
    signed = house.do(signing.sign, actor, nonce=form.nonce, pin=PIN)
    assert isinstance(signed, Signed)
    return signed.state


def test_a_case_is_submitted_sent_back_changed_approved_and_followed_by_the_next_version(house: House) -> None:
    for actor in (house.ada, house.vera, house.rita):
        house.do(pins.set_pin, actor, pin=PIN, current="")
    case_id = house.ready()
    assert sign(house, case_id, house.ada, "submit", "authorship") == "in review"
    assert sign(house, case_id, house.rita, "approve", "approval") == "in review"
    house.send_back(case_id, TXT_1="For whom?", MET_2="Recall of which class?")
    house.answer(case_id, "TXT-1", "For those who churn.")
    with pytest.raises(Conflict, match="MET-2"):
        sign(house, case_id, house.ada, "submit", "authorship")
    house.attach(case_id, recall=0.75)
    assert sign(house, case_id, house.ada, "submit", "authorship") == "in review"
    assert sign(house, case_id, house.vera, "approve", "review") == "in review", "the signature before does not count"
    assert sign(house, case_id, house.rita, "approve", "approval") == "approved"
    case = house.case(case_id)
    assert case.expires_at is not None
    assert (case.expires_at - (case.decided_at or db.now())).days == 182

    mirror("2")
    following = house.open(version="2", carry_from=case_id)
    house.attach(following, recall=0.75)
    with pytest.raises(Conflict, match="TXT-1"):
        sign(house, following, house.ada, "submit", "authorship")
    house.do(answering.attest, house.ada, case_id=following)
    assert sign(house, following, house.ada, "submit", "authorship") == "in review"
    for actor in (house.vera, house.rita):
        sign(house, following, actor, "approve", "approval")
    assert (house.case(following).state, house.case(case_id).state) == ("approved", "superseded")


def test_a_blocking_item_of_a_high_tier_that_does_not_apply_waits_for_a_reviewers_agreement(house: House) -> None:
    for actor in (house.ada, house.vera, house.rita):
        house.do(pins.set_pin, actor, pin=PIN, current="")
    case_id = house.ready()
    house.answer(case_id, "TXT-1", not_applicable=True, note="It decides nothing.")
    sign(house, case_id, house.ada, "submit", "authorship")
    with pytest.raises(Conflict, match="TXT-1"):
        sign(house, case_id, house.vera, "approve", "approval")
    house.do(answering.agree, house.rita, case_id=case_id, item_id="TXT-1", revision=2)
    sign(house, case_id, house.vera, "approve", "approval")
    assert sign(house, case_id, house.rita, "approve", "approval") == "approved"
