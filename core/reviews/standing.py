"""How every item of a case stands: answered or not, what its check says, and whether a waiver lets it pass."""

from __future__ import annotations

from sqlmodel import Session, col, select

from core.db import now
from core.reviews import waiving
from core.reviews.items import FrozenItem, applicable
from core.reviews.states import Standing
from core.reviews.tables import CaseAnswer, CaseFinding, ReviewCase, Waiver


def standings(session: Session, case: ReviewCase) -> list[Standing]:
    """Every applicable item as it stands in this transaction, in the order of the checklist.

    An answer that was carried over counts once somebody attested it again; a check that has judged nothing yet finds
    its evidence missing.
    """
    answers, verdicts = last_answers(session, case.id or 0), _verdicts(session, case)
    items = applicable(case.items)
    waivers = session.exec(select(Waiver).where(Waiver.case_id == case.id)).all()
    waived = waiving.waived(waivers, [one.id for one in items], now())
    return [_standing(one, answers.get(one.id), verdicts.get(one.id), one.id in waived) for one in items]


def last_answers(session: Session, case_id: int) -> dict[str, CaseAnswer]:
    """Item → the revision of its answer that counts."""
    revisions = select(CaseAnswer).where(CaseAnswer.case_id == case_id).order_by(col(CaseAnswer.revision))
    return {one.item_id: one for one in session.exec(revisions)}


def current_findings(session: Session, case_id: int) -> dict[str, CaseFinding]:
    """Item → what its check says of the evidence that the case rests on now."""
    current = select(CaseFinding).where(CaseFinding.case_id == case_id, col(CaseFinding.current))
    return {one.item_id: one for one in session.exec(current.order_by(col(CaseFinding.id)))}


def _verdicts(session: Session, case: ReviewCase) -> dict[str, str]:
    return {item: one.verdict for item, one in current_findings(session, case.id or 0).items()}


def _standing(item: FrozenItem, answer: CaseAnswer | None, verdict: str | None, waived: bool) -> Standing:
    return Standing(
        item.id, item.blocking, item.asks, answered=answer is not None and not answer.carried,
        verdict=(verdict or "missing") if item.check else "",
        not_applicable=answer is not None and answer.not_applicable and not answer.carried,
        agreed=answer is not None and answer.agreed_by is not None, waived=waived,
    )  # fmt: skip
