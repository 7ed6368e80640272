"""Reading one review case: its items beside their evidence, who sits in it, what was signed, and what a reader may do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, select

from core.access import policy
from core.access import queries as people
from core.access.policy import Actor, Scope
from core.catalog.tables import Entry
from core.checks.findings import Finding
from core.db import now
from core.errors import NotFound
from core.evidence.tables import EvidenceCheck, EvidenceFile, EvidenceSnapshot
from core.projects.actions import scope_of
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import assigning, conditions, states, waiving
from core.reviews.abilities import abilities
from core.reviews.items import FrozenItem, frozen
from core.reviews.moving import LARGEST_ID, subject_of
from core.reviews.standing import current_findings, standings
from core.reviews.tables import (
    CaseAnswer,
    CaseComment,
    CaseSeat,
    ChecklistVersion,
    Condition,
    ReviewCase,
    Signature,
    Waiver,
)


@dataclass(frozen=True)
class ItemView:
    """One applicable item with everything that was said and measured about it."""

    item: FrozenItem
    answers: list[CaseAnswer]
    """Every revision, the last one first."""
    finding: Finding | None
    comments: list[CaseComment]
    waiver: Waiver | None
    """The waiver that lets it pass now, or that waits for a decision."""
    is_settled: bool
    """Whether it needs nothing more from anybody."""
    status: str
    """``pass``, ``fail``, ``inconclusive``, ``missing``; ``answered``, ``open``, ``carried``; ``not applicable``, ``waived``."""

    @property
    def answer(self) -> CaseAnswer | None:
        """The revision that counts."""
        return self.answers[0] if self.answers else None

    @property
    def is_asked(self) -> bool:
        """Whether a change of it was asked for and not made yet."""
        return any(one.asks_change and one.resolved_by_revision is None for one in self.comments)


@dataclass(frozen=True)
class CaseDetail:
    """A case as its page shows it to one reader."""

    case: ReviewCase
    project: Project
    scope: Scope
    checklist: Entry
    version: ChecklistVersion
    items: list[ItemView]
    left_out: list[FrozenItem]
    """The items that do not apply here, each with its reason."""
    comments: list[CaseComment]
    """Those about the case as a whole."""
    seats: list[CaseSeat]
    signatures: list[Signature]
    conditions: list[Condition]
    waivers: list[Waiver]
    snapshot: EvidenceSnapshot | None
    check: EvidenceCheck | None
    """The last time that the evidence was compared with MLflow."""
    files: list[EvidenceFile]
    names: dict[str, str]
    """``person:ID`` → name."""
    blockers: list[str]
    """Items that stand against an approval."""
    missing: list[str]
    """Items that keep it from being submitted."""
    seats_left: dict[str, int]
    may: frozenset[str] = field(default=frozenset())
    """What this reader may do now; see :mod:`core.reviews.abilities`."""

    @property
    def sections(self) -> dict[str, list[ItemView]]:
        """Heading → its items, in the order of the checklist."""
        found: dict[str, list[ItemView]] = defaultdict(list)
        for one in self.items:
            found[one.item.section].append(one)
        return dict(found)

    @property
    def settled(self) -> int:
        """How many items need nothing more from anybody."""
        return sum(one.is_settled for one in self.items)

    def item(self, item_id: str) -> ItemView | None:
        """The applicable item with this id, if there is one."""
        return next((one for one in self.items if one.item.id == item_id), None)


def case(session: Session, actor: Actor, case_id: int) -> CaseDetail:
    """The case, for a reader who sees its project."""
    row, project, version, entry = _seen(session, actor, case_id)
    answers, comments = _answers(session, case_id), _comments(session, case_id)
    findings = {item: Finding.from_data(one.content) for item, one in current_findings(session, case_id).items() if one.content}  # fmt: skip
    waivers = list(session.exec(select(Waiver).where(Waiver.case_id == case_id).order_by(col(Waiver.id).desc())))
    signatures = list(session.exec(select(Signature).where(Signature.case_id == case_id).order_by(col(Signature.id))))
    standing = {one.item: one for one in standings(session, row)}
    items = [
        _item(one, answers[one.id], findings.get(one.id), comments[one.id], waivers, standing[one.id])
        for one in frozen(row.items)
        if one.applies
    ]
    seats = assigning.seats(session, row)
    snapshot = session.get(EvidenceSnapshot, row.snapshot_id) if row.snapshot_id else None
    approved = [one.role for one in signatures if one.voided_at is None and one.decision.startswith("approve")]
    shown = CaseDetail(
        row, project, scope_of(project), entry, version, items, [one for one in frozen(row.items) if not one.applies],
        comments[""], seats, signatures, conditions.standing(session, row), waivers, snapshot, _check(session, row),
        _files(session, row), {}, states.against_approval(standing.values(), tier=row.tier),
        states.missing_for_submission(standing.values()), states.seats_left(row.quorum, approved),
    )  # fmt: skip
    return _for_reader(session, actor, shown)


def _seen(session: Session, actor: Actor, case_id: int) -> tuple[ReviewCase, Project, ChecklistVersion, Entry]:
    policy.require(actor, "catalog.browse")
    wanted = (
        select(ReviewCase, Project, ChecklistVersion, Entry)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .where(ReviewCase.id == case_id, shown_to(actor))
    )
    found = session.exec(wanted).first() if 0 < case_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(f"No case {case_id}.", hint="The queue of reviews shows those that you may see.")
    return found


def _answers(session: Session, case_id: int) -> dict[str, list[CaseAnswer]]:
    found: dict[str, list[CaseAnswer]] = defaultdict(list)
    for one in session.exec(select(CaseAnswer).where(CaseAnswer.case_id == case_id).order_by(col(CaseAnswer.revision).desc())):  # fmt: skip
        found[one.item_id].append(one)
    return found


def _comments(session: Session, case_id: int) -> dict[str, list[CaseComment]]:
    found: dict[str, list[CaseComment]] = defaultdict(list)
    for one in session.exec(select(CaseComment).where(CaseComment.case_id == case_id).order_by(col(CaseComment.id))):
        found[one.item_id].append(one)
    return found


def _item(
    item: FrozenItem,
    answers: list[CaseAnswer],
    finding: Finding | None,
    comments: list[CaseComment],
    waivers: list[Waiver],
    standing: states.Standing,
) -> ItemView:
    moment = now()
    about = [one for one in waivers if one.item_id == item.id]
    waiver = next((one for one in about if waiving.in_force(one, moment) or waiving.is_open(one)), None)
    return ItemView(item, answers, finding, comments, waiver, standing.is_settled, _status(standing, answers))


def _status(standing: states.Standing, answers: list[CaseAnswer]) -> str:
    if standing.waived:
        return "waived"
    if standing.not_applicable:
        return "not applicable"
    if standing.needs_answer and not standing.answered:
        return "carried" if answers and answers[0].carried else "open"
    return standing.verdict or "answered"


def _check(session: Session, row: ReviewCase) -> EvidenceCheck | None:
    made = select(EvidenceCheck).where(EvidenceCheck.snapshot_id == row.snapshot_id)
    return session.exec(made.order_by(col(EvidenceCheck.id).desc()).limit(1)).first() if row.snapshot_id else None


def _files(session: Session, row: ReviewCase) -> list[EvidenceFile]:
    of_case = select(EvidenceFile).where(EvidenceFile.subject == subject_of(row))
    return list(session.exec(of_case.order_by(col(EvidenceFile.id))))


def _for_reader(session: Session, actor: Actor, shown: CaseDetail) -> CaseDetail:
    refs = {shown.case.owner, *(f"person:{one.person_id}" for one in shown.seats)}
    refs |= {f"person:{one.owner_id}" for one in shown.conditions} | {one.uploaded_by for one in shown.files}
    for waiver in shown.waivers:
        refs |= {waiver.requested_by, waiver.approved_by or "", waiver.second_by or "", waiver.reviewed_by or ""}
    for item in shown.items:
        refs |= {one.author for one in item.comments} | {one.answered_by for one in item.answers}
    refs |= {one.author for one in shown.comments}
    may = abilities(session, actor, shown.case, shown.scope, shown.seats, shown.signatures)
    return replace(shown, names=people.names(session, refs - {""}), may=may)
