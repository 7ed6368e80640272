"""Fifty signers at once, and a process killed while it signs: one decision for each seat, nothing lost, nothing half."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.activity import queries as activity
from core.activity.tables import Activity
from core.config import ROOT
from core.errors import PortalError
from core.reviews import pins, receipts
from core.reviews.record import kept
from core.reviews.tables import PendingSignature, ReviewCase, Signature
from tests.conftest import SYSTEM, actor_now
from tests.core.datasets.house import Make
from tests.core.reviews.bank import PIN, Bank


def seated(bank: Bank, person: Make, count: int) -> int:
    """A case in review with ``count`` validators and as many reviewers in its seats."""
    roles = {"model validator": count, "reviewer": count}
    case_id = bank.draft(quorum=roles, seats=False)
    for role in roles:
        for number in range(count):
            name = f"{role}-{number}"
            bank.who[name] = actor_now(person(role).id)
            assert bank.do(pins.set_pin, bank.who[name], pin=PIN) is None
            with db.writing() as session:
                session.add(bank.seat(case_id, name, role))
    bank.signed(bank.olga, case_id, "submit")
    assert bank.state(case_id) == "in review"
    bank.verify(case_id)
    return case_id


def all_at_once(bank: Bank, forms: list[tuple[str, str]]) -> list[str]:
    """Use the forms, (name, nonce), at the same moment; what each of them led to."""

    def attempt(form: tuple[str, str]) -> str:
        try:
            return type(bank.sign(bank.who[form[0]], form[1])).__name__
        except PortalError as error:
            return error.code if error.message and error.hint else "unexplained"

    with ThreadPoolExecutor(50) as pool:
        return list(pool.map(attempt, forms))


def test_fifty_signers_at_once_make_one_decision_for_each_seat(bank: Bank, person: Make) -> None:
    case_id = seated(bank, person, 5)
    names = [name for name in bank.who if name[-1].isdigit()]
    forms = [(name, bank.prepare(bank.who[name], case_id, "approve")) for name in names * 5]
    random.Random(7).shuffle(forms)
    outcomes = Counter(all_at_once(bank, forms))
    assert outcomes["Signed"] == 10
    assert sum(outcomes.values()) == 50
    assert set(outcomes) == {"Signed", "signed_already", "conflict"}, outcomes
    made = bank.signatures(case_id)[1:]
    assert Counter(one.person_id for one in made) == Counter({bank.who[name].id: 1 for name in names})
    assert bank.state(case_id) == "approved"
    assert bank.events(case_id).count("case-signed") == 11
    with db.reading() as session:
        assert activity.verify(session, SYSTEM).state == "intact"


def test_of_approvals_and_rejections_at_once_the_first_rejection_ends_it(bank: Bank, person: Make) -> None:
    case_id = seated(bank, person, 5)
    names = [name for name in bank.who if name[-1].isdigit()]
    forms = [
        (
            name,
            bank.prepare(bank.who[name], case_id, "reject" if name.startswith("reviewer") else "approve", reason="No."),
        )
        for name in names
    ]
    outcomes = Counter(all_at_once(bank, forms))
    made = bank.signatures(case_id)
    assert bank.state(case_id) == "rejected"
    assert [one.decision for one in made].count("reject") == 1
    assert made[-1].decision == "reject", "nothing is signed after it"
    assert outcomes["Signed"] == len(made) - 1
    assert outcomes["conflict"] == 10 - outcomes["Signed"]


def test_one_form_used_fifty_times_at_once_signs_once(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.verify(case_id)
    nonce = bank.prepare(bank.vera, case_id, "approve")
    outcomes = Counter(all_at_once(bank, [("vera", nonce)] * 50))
    assert outcomes == Counter({"Signed": 1, "form_used": 49})


# --- killed ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_signs_leaves_what_it_acknowledged_and_nothing_half(bank: Bank) -> None:
    cases = [bank.draft(str(number)) for number in range(24, 0, -1)]  # an older version ends none
    people = ",".join(bank.who[name].id for name in ("olga", "vera", "rita"))
    chance, acknowledged = random.Random(11), list[tuple[int, int, str]]()
    for turn in range(3):
        mine = [str(one) for one in cases[turn * 8 : turn * 8 + 8]]
        acknowledged += killed(people, mine, after=chance.randint(3, 15), delay=chance.uniform(0, 0.02))
    with db.reading() as session:
        assert_whole(session, acknowledged)


def killed(people: str, cases: list[str], *, after: int, delay: float) -> list[tuple[int, int, str]]:
    """What a signing process acknowledged until it was killed, a moment after so many signatures."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.core.reviews.signer", people, *cases], cwd=ROOT, env=os.environ,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after)]
    time.sleep(delay)  # somewhere in the middle of the next one
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    parts = [line.split() for line in lines if line.endswith("\n")]
    return [(int(case), int(made), state.replace("-", " ")) for case, made, state in parts]


def assert_whole(session: Any, acknowledged: list[tuple[int, int, str]]) -> None:
    made = {one.id: one for one in session.exec(select(Signature))}
    assert len(acknowledged) >= 9
    assert {signature for _, signature, _ in acknowledged} <= set(made)
    for one in made.values():
        assert receipts.holds(one.payload, one.signature, one.key)
        assert kept(session, one.record_hash)["case"] == one.case_id
    logged = session.exec(select(Activity.seq).where(Activity.event == "case-signed")).all()
    used = session.exec(select(PendingSignature.nonce).where(PendingSignature.used_at != None)).all()  # noqa: E711
    assert len(logged) == len(used) == len(made), "a signature, its form and its line in the log are one"
    for case in session.exec(select(ReviewCase)):
        signed = [one.decision for one in made.values() if one.case_id == case.id]
        assert case.state == {0: "draft", 1: "in review", 2: "in review", 3: "approved"}[len(signed)]
    assert activity.verify(session, SYSTEM).state == "intact"
