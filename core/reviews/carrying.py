"""From one version to the next: which answers are offered again, and how the two versions compare.

Nothing is taken over unseen: a carried answer counts once somebody attested it again, findings are judged anew, and
signatures are never carried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlmodel import Session, col, select

from core.access.policy import Actor
from core.errors import Invalid
from core.evidence.tables import EvidenceFile, EvidenceSnapshot
from core.reviews import judging
from core.reviews.items import FrozenItem, applicable
from core.reviews.moving import locked_case, subject_of
from core.reviews.standing import current_findings, last_answers
from core.reviews.tables import CaseAnswer, ChecklistVersion, ReviewCase

Change = Literal["new", "gone", "asked differently", "judged differently", "answered differently", "same"]
_COMPANIONS = (".lower", ".upper", ".rows")


def begin(session: Session, actor: Actor, case: ReviewCase, previous_id: int) -> int:
    """Let a case that was just opened follow on an earlier one of the same subject; returns how many answers it carries."""
    previous = locked_case(session, actor, previous_id)
    same = (previous.project_id, previous.kind, previous.name) == (case.project_id, case.kind, case.name)
    entries = select(ChecklistVersion.entry_id).where(
        col(ChecklistVersion.id).in_({previous.checklist_id, case.checklist_id})
    )
    if not same or len(set(session.exec(entries))) != 1:
        raise Invalid(
            f"Case {previous_id} is about something else.",
            hint="Answers are carried over from the same checklist on a former version.",
        )
    case.previous_id = previous.id
    session.add(case)
    return carry(session, case)


def carry(session: Session, case: ReviewCase) -> int:
    """Offer the answers of the former case where the item and what it rests on did not change; returns how many.

    An item with a check rests on the evidence: it waits for that of this version, and is carried if the check finds the
    very same. What was answered here already stays.
    """
    if case.previous_id is None:
        return 0
    here = last_answers(session, case.id or 0)
    offered = {item.id: (item, old) for item, old in _offered(session, case) if item.id not in here}
    same = _judged_the_same(session, case, {item_id: old for item_id, (_, old) in offered.items()})
    kept = [old for item, old in offered.values() if not item.check or item.id in same]
    for old in kept:
        session.add(_carried(session, case, old))
    session.flush()
    return len(kept)


def changed(old: FrozenItem | None, new: FrozenItem) -> bool:
    """Whether ``new`` asks something else than ``old`` did, or did not apply before."""
    return old is None or not old.applies or _asked(old) != _asked(new)


def _asked(item: FrozenItem) -> tuple[Any, ...]:
    return item.question, item.type, item.options, item.unit, item.check, dict(item.parameters)


def _offered(session: Session, case: ReviewCase) -> list[tuple[FrozenItem, CaseAnswer]]:
    previous = session.get_one(ReviewCase, case.previous_id)
    before = {one.id: one for one in applicable(previous.items)}
    answers = last_answers(session, previous.id or 0)
    unchanged = [one for one in applicable(case.items) if not changed(before.get(one.id), one)]
    return [(one, answers[one.id]) for one in unchanged if one.id in answers]


def _judged_the_same(session: Session, case: ReviewCase, offered: Mapping[str, CaseAnswer]) -> set[str]:
    """Items whose check would find with the former answers and the evidence of this version what it found before."""
    if case.kind == "model" and case.snapshot_id is None:
        return set()
    values = {item: one.value for item, one in offered.items() if not one.not_applicable}
    answers = {**values, **judging.answers_of(session, case.id or 0)}
    found = judging.findings(case, judging.evidence_of(session, case, answers))
    before = current_findings(session, case.previous_id or 0)
    return {item for item, one in found.items() if item in before and before[item].content == one.as_data()}


def _carried(session: Session, case: ReviewCase, old: CaseAnswer) -> CaseAnswer:
    items = {one.id: one for one in applicable(case.items)}
    value = _file(session, case, old.value) if items[old.item_id].type == "file" and old.value else old.value
    return CaseAnswer(
        case_id=case.id or 0, item_id=old.item_id, revision=1, value=value, note=old.note,
        not_applicable=old.not_applicable, carried=True, answered_by=old.answered_by,
    )  # fmt: skip


def _file(session: Session, case: ReviewCase, file_id: int) -> int | None:
    """The same bytes as evidence of this case; who uploaded them stays who had a hand in it."""
    old = session.get_one(EvidenceFile, file_id)
    same = (EvidenceFile.subject == subject_of(case), EvidenceFile.name == old.name, EvidenceFile.sha256 == old.sha256)
    made = session.exec(select(EvidenceFile).where(*same)).first() or EvidenceFile(
        subject=subject_of(case), name=old.name, sha256=old.sha256, size=old.size, media_type=old.media_type,
        uploaded_by=old.uploaded_by, uploaded_at=old.uploaded_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


# --- the comparison --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """A metric of one version with its 95 % interval, where the team logged one."""

    value: float | None
    lower: float | None = None
    upper: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, where both are known."""
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)


@dataclass(frozen=True)
class MetricChange:
    """A metric in the former version and in this one; nothing where a version does not have it."""

    name: str
    old: Figure | None
    new: Figure | None

    @property
    def difference(self) -> float | None:
        """New minus old, in the unit of the metric."""
        if self.old is None or self.new is None or self.old.value is None or self.new.value is None:
            return None
        return self.new.value - self.old.value

    @property
    def apart(self) -> bool | None:
        """Whether the intervals do not overlap, so that chance hardly explains the difference; unknown without both.

        Intervals that overlap do not show that nothing changed: the rule is stricter than a test of the difference
        (Schenker and Gentleman, The American Statistician 55, 2001).
        """
        old, new = (one.interval if one else None for one in (self.old, self.new))
        return None if old is None or new is None else old[1] < new[0] or new[1] < old[0]


@dataclass(frozen=True)
class ItemChange:
    """How an item of this case differs from the one of the former case."""

    item_id: str
    summary: str
    change: Change


@dataclass(frozen=True)
class Comparison:
    """A case beside the one of the version before."""

    previous_id: int
    previous_version: str
    metrics: list[MetricChange]
    """Of both copies of evidence, by name; those that differ first."""
    items: list[ItemChange]
    """In the order of the checklist; what no longer applies last."""

    @property
    def reopened(self) -> list[ItemChange]:
        """The items that people have to look at again."""
        return [one for one in self.items if one.change != "same"]


def comparison(session: Session, case: ReviewCase) -> Comparison | None:
    """What differs from the case of the version before; ``None`` where the case follows on none."""
    previous = session.get(ReviewCase, case.previous_id) if case.previous_id else None
    if previous is None:
        return None
    metrics = compared(_metrics(session, previous), _metrics(session, case))
    return Comparison(previous.id or 0, previous.version, metrics, _item_changes(session, previous, case))


def compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[MetricChange]:
    """Every metric of two copies of evidence side by side, those that differ first."""
    names = sorted(name for name in {*old, *new} if not _is_companion(name, {*old, *new}))
    changes = [MetricChange(name, _figure(old, name), _figure(new, name)) for name in names]
    return sorted(changes, key=lambda one: one.old == one.new)


def _metrics(session: Session, case: ReviewCase) -> Mapping[str, Any]:
    snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    metrics: Mapping[str, Any] = snapshot.content.get("metrics", {}) if snapshot else {}
    return metrics


def _is_companion(name: str, names: set[str]) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in names for end in _COMPANIONS)


def _figure(metrics: Mapping[str, Any], name: str) -> Figure | None:
    if name not in metrics:
        return None
    value, lower, upper = (metrics.get(name + end, {}).get("value") for end in ("", ".lower", ".upper"))
    return Figure(value, lower, upper)


def _item_changes(session: Session, previous: ReviewCase, case: ReviewCase) -> list[ItemChange]:
    before = {one.id: one for one in applicable(previous.items)}
    now_asked = applicable(case.items)
    changes = _Sides(session, previous, case)
    found = [ItemChange(one.id, one.summary, changes.of(before.get(one.id), one)) for one in now_asked]
    there = {one.id for one in now_asked}
    return found + [ItemChange(one.id, one.summary, "gone") for key, one in before.items() if key not in there]


class _Sides:
    """Findings and answers of two cases, read once."""

    def __init__(self, session: Session, old: ReviewCase, new: ReviewCase) -> None:
        self.findings = [current_findings(session, one.id or 0) for one in (old, new)]
        self.answers = [last_answers(session, one.id or 0) for one in (old, new)]
        files = select(EvidenceFile.id, EvidenceFile.sha256)
        named = files.where(col(EvidenceFile.subject).in_({subject_of(old), subject_of(new)}))
        self.digests = dict(session.exec(named).all())

    def of(self, old: FrozenItem | None, new: FrozenItem) -> Change:
        """How one item changed from the old case to the new one."""
        if old is None:
            return "new"
        if changed(old, new):
            return "asked differently"
        judged = [one[new.id].content if new.id in one else None for one in self.findings]
        if judged[0] != judged[1]:
            return "judged differently"
        said = [self._said(new, one.get(new.id)) for one in self.answers]
        return "same" if said[0] == said[1] else "answered differently"

    def _said(self, item: FrozenItem, answer: CaseAnswer | None) -> tuple[Any, ...] | None:
        if answer is None:
            return None
        value = self.digests.get(answer.value) if item.type == "file" else answer.value
        return value, answer.note, answer.not_applicable
