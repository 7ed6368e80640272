"""A process that signs one case after the other until it is killed, and says of each signature when it was kept.

``python -m tests.core.reviews.signer CASE PERSON,PERSON,PERSON …``: the people are the owner and the two reviewers.
"""

from __future__ import annotations

import sys

from core import db
from core.access import queries
from core.evidence.tables import EvidenceCheck
from core.reviews import signing
from core.reviews.tables import ReviewCase
from tests.core.reviews.bank import PIN


def sign(case_id: int, person_id: str, decision: str, meaning: str) -> signing.Signed:
    """Sign a case as an edge does, each step in a transaction of its own."""
    with db.writing() as session:
        case = session.get_one(ReviewCase, case_id)
        session.add(EvidenceCheck(snapshot_id=case.snapshot_id, outcome="same", checked_at=db.now()))
        actor = queries.actor_for(session, person_id)
        assert actor is not None
        form = signing.prepare(session, actor=actor, case_id=case_id, meaning=meaning, decision=decision).nonce
    with db.writing() as session:
        made = signing.sign(session, actor=actor, nonce=form, pin=PIN)
    assert isinstance(made, signing.Signed)
    return made


def main(people: list[str], cases: list[int]) -> None:
    """Sign every case three times."""
    for case_id in cases:
        steps = (("submit", "authorship"), ("approve", "review"), ("approve", "approval"))
        for person_id, (decision, meaning) in zip(people, steps, strict=True):
            made = sign(case_id, person_id, decision, meaning)
            print(f"{case_id} {made.signature_id} {made.state.replace(' ', '-')}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1].split(","), [int(one) for one in sys.argv[2:]])
