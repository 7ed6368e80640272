"""How every item of a case stands: answered or not, what its check says, and whether a waiver lets it pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

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
    return standings_of(session, [case])[case.id or 0]


def standings_of(session: Session, cases: Sequence[ReviewCase]) -> dict[int, list[Standing]]:
    """Case → its :func:`standings`, for lists of cases: three statements, however many there are."""
    ids = [one.id or 0 for one in cases]
    answers, verdicts, waivers = _answers(session, ids), _verdicts(session, ids), _waivers(session, ids)
    found = {}
    for case in cases:
        key = case.id or 0
        items = applicable(case.items)
        waived = waiving.waived(waivers[key], [one.id for one in items], now())
        found[key] = [
            _standing(one, answers[key].get(one.id), verdicts[key].get(one.id), one.id in waived) for one in items
        ]
    return found


def last_answers(session: Session, case_id: int) -> dict[str, CaseAnswer]:
    """Item → the revision of its answer that counts."""
    return _answers(session, [case_id])[case_id]


def current_findings(session: Session, case_id: int) -> dict[str, CaseFinding]:
    """Item → what its check says of the evidence that the case rests on now."""
    current = select(CaseFinding).where(CaseFinding.case_id == case_id, col(CaseFinding.current))
    return {one.item_id: one for one in session.exec(current.order_by(col(CaseFinding.id)))}


def _answers(session: Session, case_ids: Sequence[int]) -> dict[int, dict[str, CaseAnswer]]:
    found: dict[int, dict[str, CaseAnswer]] = defaultdict(dict)
    revisions = select(CaseAnswer).where(col(CaseAnswer.case_id).in_(case_ids)).order_by(col(CaseAnswer.revision))
    for one in session.exec(revisions):
        found[one.case_id][one.item_id] = one
    return found


def _verdicts(session: Session, case_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = defaultdict(dict)
    current = select(CaseFinding.case_id, CaseFinding.item_id, CaseFinding.verdict).where(
        col(CaseFinding.case_id).in_(case_ids), col(CaseFinding.current)
    )
    for case_id, item_id, verdict in session.exec(current.order_by(col(CaseFinding.id))):
        found[case_id][item_id] = verdict
    return found


def _waivers(session: Session, case_ids: Sequence[int]) -> dict[int, list[Waiver]]:
    found: dict[int, list[Waiver]] = defaultdict(list)
    for one in session.exec(select(Waiver).where(col(Waiver.case_id).in_(case_ids))):
        found[one.case_id].append(one)
    return found


def _standing(item: FrozenItem, answer: CaseAnswer | None, verdict: str | None, waived: bool) -> Standing:
    return Standing(
        item.id, item.blocking, item.asks, answered=answer is not None and not answer.carried,
        verdict=(verdict or "missing") if item.check else "",
        not_applicable=answer is not None and answer.not_applicable and not answer.carried,
        agreed=answer is not None and answer.agreed_by is not None, waived=waived,
    )  # fmt: skip
