"""Reading inherited approval: what is approved, what each project inherits, what deviates, and what a change reopens.

Everything is worked out from the facts as they are now, so an approval never outlives the fact it stood on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, not_, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.catalog.kinds import PreApproval
from core.catalog.tables import Entry, EntryContent, Proposal
from core.catalog.visibility import reached, visible
from core.db import now
from core.errors import Invalid, NotFound
from core.patterns import inheritance, loading
from core.patterns.inheritance import Approval, Condition, Facts, Item, Proposed, Reason, Standing
from core.patterns.loading import Use
from core.patterns.suggestion import Suggestion, unchanged
from core.patterns.suspects import may_deviate
from core.patterns.tables import Deviation, PatternApproval, PatternUse
from core.projects.actions import ACTIVE_STAGES
from core.projects.tables import Adoption, Project, ProjectMember
from core.projects.visibility import within_reach, worked_on_by


@dataclass(frozen=True)
class ApprovalRow:
    """An approval of a pattern as its page lists it; ``state`` is in force, expired, revoked or of another version."""

    id: int
    version: str
    item: str
    by: str
    scope: str
    conditions: tuple[Condition, ...]
    evidence: str
    approved_by: str
    approved_at: datetime
    expires_on: date
    state: str
    revoke_reason: str


@dataclass(frozen=True)
class Expiring:
    """An approval that ends soon and that nobody has renewed."""

    pattern_key: str
    pattern: str
    item: str
    expires_on: date


@dataclass(frozen=True)
class DeviationRow:
    """A deviation of a project with what became of it."""

    id: int
    item: str
    condition: str
    values: tuple[str, ...]
    what: str
    origin: str
    reason: str
    state: str
    declared_by: str
    declared_at: datetime
    decided_by: str
    decision_note: str
    expires_on: date | None


@dataclass(frozen=True)
class OpenDeviation:
    """A deviation that waits for a reviewer: declared by the team, or found in the facts (then often without an id)."""

    project_id: str
    project: str
    team: str
    scope: Scope
    entry_id: int
    pattern: str
    pattern_key: str
    item: str
    by: str
    approval_scope: str
    condition: str
    fact: str
    values: tuple[str, ...]
    """For a condition about a fact: the values outside the allowed ones; a decision names the values it was made on."""
    what: str
    origin: str
    reason: str
    deviation_id: int | None
    involved: bool
    """Whether the person who looks takes part in the project or declared this; then they do not decide."""


@dataclass(frozen=True)
class ProjectStanding:
    """A project on its pattern: what it inherits, what is open and why, and its deviations, newest first."""

    use: Use
    items: list[Item]
    deviations: list[DeviationRow]


@dataclass(frozen=True)
class Hit:
    """A project that a new version of its pattern touches: the items that would reopen, and how many stay inherited."""

    project_id: str
    project: str
    team: str
    stage: str
    version: str
    reopens: list[Item]
    stays: int


@dataclass(frozen=True)
class UseLine:
    """A project that stands on a pattern, with how many approvals it inherits and how many are open."""

    project_id: str
    project: str
    team: str
    stage: str
    version: str
    region: str
    inherited: int
    open: int


@dataclass(frozen=True)
class Uses:
    """A page of the projects on a pattern (the last one, where a later one was asked for)."""

    items: list[UseLine]
    total: int
    hidden: int
    """How many more stand on it that the reader does not see."""


@dataclass(frozen=True)
class Hits:
    """A page of the projects that a new version of their pattern touches, with those that lose nothing by it."""

    items: list[Hit]
    total: int


@dataclass(frozen=True)
class Preview:
    """What a project would have after a change: its items then, and those that it inherits now and would lose."""

    items: list[Item]
    reopens: list[Item]


SIZE = 25
"""Projects on a page of a pattern's lists."""
MOST_WAITING = 50
"""So many deviations are listed at once; the next ones follow when these are decided."""
EXPIRES_SOON = timedelta(days=30)
"""A board that meets once a month can renew what ends within this time."""
BATCH = 100
_RUNNING = col(Project.stage).in_(ACTIVE_STAGES)


# --- a pattern -------------------------------------------------------------------------------------------------------


def proposed(session: Session, actor: Actor, entry_id: int) -> list[Proposed]:
    """The pre-approvals that the pattern's definition proposes: a reference set, until a person approves them."""
    policy.require(actor, "catalog.browse")
    document = session.execute(
        select(EntryContent.document)
        .join(Entry, col(Entry.id) == EntryContent.entry_id)
        .where(Entry.id == entry_id, Entry.kind == "pattern", visible(actor))
    ).scalar_one_or_none()
    if document is None:
        raise NotFound(f"No pattern {entry_id}.", hint="The patterns page shows all of them.")
    listed = (PreApproval.model_validate(one) for one in document.get("spec", {}).get("preApprovals", []))
    return [
        Proposed(
            one.id, one.by, one.scope,
            tuple(Condition(each.text, each.fact, tuple(each.allowed)) for each in one.conditions),
            one.evidence, one.valid_until,
        )
        for one in listed
    ]  # fmt: skip


def statements(session: Session, actor: Actor, entry_id: int) -> list[str]:
    """What a project on the pattern is asked to attest: by its definition, and by approvals of any of its versions."""
    given = [one.conditions for one in loading.approvals_of(session, [entry_id]).get(entry_id, [])]
    listed = [one.conditions for one in proposed(session, actor, entry_id)]
    return list(dict.fromkeys(one.text for conditions in [*listed, *given] for one in conditions if not one.fact))


def approvals(session: Session, actor: Actor, entry_id: int) -> list[ApprovalRow]:
    """Every approval that was ever given to the pattern, newest first."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        select(PatternApproval, Entry.version)
        .join(Entry, col(Entry.id) == PatternApproval.entry_id)
        .where(Entry.id == entry_id, visible(actor))
        .order_by(col(PatternApproval.id).desc())
    )
    return [_approval_row(row, version) for row, version in rows]


def uses(session: Session, actor: Actor, entry_id: int, *, page: int = 1, size: int = SIZE) -> Uses:
    """A page of the running projects that stand on the pattern, by title, with what they inherit."""
    policy.require(actor, "catalog.browse")
    here = (col(PatternUse.entry_id) == entry_id, _RUNNING)
    total, hidden = loading.counted(session, actor, *here)
    lines, judged = [], _Judge()
    for use, given, deviations in loading.loaded(session, actor, *here, limit=size, offset=_offset(page, size, total)):
        items = judged(use, given, deviations)
        had, missed = sum(one.inherited for one in items), sum(not one.inherited and one.applies for one in items)
        lines.append(UseLine(use.project_id, use.project, use.team, use.stage, use.version, use.region, had, missed))
    return Uses(lines, total, hidden)


def inheriting(session: Session, entry_id: int, version: str, item: str) -> list[str]:
    """The ids of the running projects that inherit this approval of this pattern version now.

    All of them, read by the portal itself: whoever loses an approval is told, seen by the one who revokes it or not.
    """
    found, everybody = [], policy.system("approvals")
    here = (col(PatternUse.entry_id) == entry_id, col(Adoption.version) == version, _RUNNING)
    for use, given, deviations in loading.loaded(session, everybody, *here):
        items = inheritance.items([], given, use.facts, deviations, now().date())
        if any(one.item == item and one.inherited for one in items):
            found.append(use.project_id)
    return found


def is_author(session: Session, actor: Actor, entry: Entry) -> bool:
    """Whether ``actor`` wrote the pattern: proposed something that is in it, or belongs to the team that owns it."""
    return session.exec(select(Entry.id).where(Entry.id == entry.id, _written_by(actor))).first() is not None


def _written_by(actor: Actor) -> ColumnElement[bool]:
    proposed_it = select(Proposal.id).where(
        Proposal.key == Entry.key, Proposal.state == "approved", Proposal.proposed_by == actor.ref
    )
    return or_(col(Entry.owner).in_(sorted(actor.teams)), proposed_it.correlate(Entry).exists())


def expiring(session: Session, actor: Actor, *, limit: int = MOST_WAITING) -> list[Expiring]:
    """Approvals of present pattern versions that end within :data:`EXPIRES_SOON` and that ``actor`` may renew; the
    first to end first."""
    if not policy.may_anywhere(actor, "pattern.approve"):
        return []
    today, last_day = now().date(), func.max(PatternApproval.expires_on)  # a renewal is another row of the same item
    in_force = (
        PatternApproval.version == Entry.version, col(PatternApproval.revoked_at).is_(None), Entry.lifecycle == "approved",
    )  # fmt: skip
    theirs = (visible(actor), reached(actor, "pattern.approve"), not_(_written_by(actor)))
    rows = session.execute(
        select(Entry.key, Entry.title, PatternApproval.item_id, last_day)
        .join(PatternApproval, col(PatternApproval.entry_id) == Entry.id)
        .where(*in_force, *theirs)
        .group_by(Entry.key, Entry.title, PatternApproval.item_id)
        .having(last_day.between(today, today + EXPIRES_SOON))
        .order_by(last_day, Entry.key, PatternApproval.item_id)
        .limit(limit)
    )
    return [Expiring(*row) for row in rows]


# --- a project -------------------------------------------------------------------------------------------------------


def standing(session: Session, actor: Actor, project_id: str) -> ProjectStanding | None:
    """The project on its pattern as ``actor`` may see it; ``None`` when it stands on none."""
    policy.require(actor, "catalog.browse")
    found = next(loading.loaded(session, actor, col(PatternUse.project_id) == project_id), None)
    if found is None:
        return None
    use, given, deviations = found
    items = inheritance.items(proposed(session, actor, use.entry_id), given, use.facts, deviations, now().date())
    statement = select(Deviation).where(Deviation.project_id == project_id, Deviation.entry_id == use.entry_id)
    rows = session.exec(statement.order_by(col(Deviation.id).desc()))
    return ProjectStanding(use, items, [_deviation_row(row) for row in rows])


def suggested(session: Session, actor: Actor, project_id: str, entry_id: int) -> Suggestion:
    """What the project would declare if it keeps to the present version of the pattern unchanged."""
    use = loading.imagined(session, actor, project_id, entry_id)
    document = session.execute(select(EntryContent.document).where(EntryContent.entry_id == entry_id)).scalar_one()
    asked = [one for each in proposed(session, actor, entry_id) for one in each.conditions]
    return unchanged(document.get("spec", {}), asked, use.classification, use.project_region)


def preview_use(
    session: Session,
    actor: Actor,
    *,
    project_id: str,
    entry_id: int,
    region: str,
    services: Mapping[str, Sequence[str]],
    attested: Iterable[str],
    upgrade: bool = False,
) -> Preview:
    """What the project would inherit on the pattern with these declarations, and what it would lose; writes nothing.

    A project that stands on the pattern already keeps its version, unless it is to ``upgrade``.
    """
    present = standing(session, actor, project_id)
    use = loading.imagined(session, actor, project_id, entry_id)
    use = replace(
        use, version=use.current_version if upgrade else use.version, region=region, attested=list(attested),
        services={stage: list(names) for stage, names in services.items()},
    )  # fmt: skip
    given = loading.approvals_of(session, [entry_id]).get(entry_id, [])
    deviations = loading.standing_of(session, [project_id])
    after = inheritance.items(
        proposed(session, actor, entry_id), given, use.facts, deviations.get((project_id, entry_id), []), now().date()
    )
    return Preview(after, inheritance.reopened(present.items, after) if present else [])


def preview_change(session: Session, actor: Actor, project_id: str, changes: Mapping[str, Iterable[str]]) -> list[Item]:
    """The items that would reopen if these facts had these values; ``attested`` stands for the attested statements."""
    if unknown := sorted(set(changes) - {*inheritance.FACTS, "attested"}):
        raise Invalid(f"{unknown[0]!r} is not a fact.", hint=f"Possible: {', '.join(inheritance.FACTS)}, attested.")
    policy.require(actor, "catalog.browse")
    found = next(loading.loaded(session, actor, col(PatternUse.project_id) == project_id), None)
    if found is None:
        return []
    use, given, deviations = found
    changed = {fact: frozenset(one for one in values if one) for fact, values in changes.items()}
    attested = changed.pop("attested", use.facts.attested)
    facts = replace(use.facts, values={**use.facts.values, **changed}, attested=attested)
    return _reopened(given, use.facts, facts, deviations)


def preview_edit(
    session: Session, actor: Actor, project_id: str, *, classification: str, region: str, modality: str
) -> list[Item]:
    """The items that would reopen if a project said this of itself; the region declared for its pattern stays."""
    present = standing(session, actor, project_id)
    if present is None:
        return []
    changes = {"classification": [classification], "region": [region, present.use.region], "modality": [modality]}
    return preview_change(session, actor, project_id, changes)


def preview_version(
    session: Session, actor: Actor, entry_id: int, version: str, *, page: int = 1, size: int = SIZE
) -> Hits:
    """A page of those whom ``version`` of the pattern hits when they move to it, and which of their items reopen."""
    policy.require(actor, "catalog.browse")
    here = (col(PatternUse.entry_id) == entry_id, col(Adoption.version) != version, _RUNNING)
    total, _ = loading.counted(session, actor, *here)
    hits = []
    for use, given, deviations in loading.loaded(session, actor, *here, limit=size, offset=_offset(page, size, total)):
        facts = replace(use.facts, version=version)
        reopens = _reopened(given, use.facts, facts, deviations)
        after = inheritance.items([], given, facts, deviations, now().date())
        stays = sum(one.inherited for one in after)
        hits.append(Hit(use.project_id, use.project, use.team, use.stage, use.version, reopens, stays))
    return Hits(hits, total)


# --- what a reviewer sees --------------------------------------------------------------------------------------------


def open_deviations(session: Session, actor: Actor, *, limit: int = MOST_WAITING) -> list[OpenDeviation]:
    """The first deviations that wait for ``actor``: of running projects, where they may decide and do not take part."""
    if not policy.may_anywhere(actor, "deviation.decide"):
        return []
    theirs = (within_reach(actor, "deviation.decide"), not_(worked_on_by(actor)))
    by_others = col(PatternUse.adopted_by) != actor.ref
    waiting = _waiting(session, actor, _RUNNING, *theirs, by_others)
    return list(islice((one for one in waiting if may_decide(actor, one)), limit))


def open_deviations_of(
    session: Session,
    actor: Actor,
    *,
    entry_id: int | None = None,
    project_id: str | None = None,
    limit: int = MOST_WAITING,
) -> list[OpenDeviation]:
    """The first deviations from a pattern, or of a project, that wait for a reviewer; for everybody who sees both."""
    policy.require(actor, "catalog.browse")
    where: list[ColumnElement[bool]] = [_RUNNING]
    if entry_id is not None:
        where.append(col(PatternUse.entry_id) == entry_id)
    if project_id is not None:
        where.append(col(PatternUse.project_id) == project_id)
    return list(islice(_waiting(session, actor, *where), limit))


def may_decide(actor: Actor, deviation: OpenDeviation) -> bool:
    """Whether the role of ``actor`` reaches the project, and they take no part in it."""
    return policy.may(actor, "deviation.decide", deviation.scope) and not deviation.involved


def _waiting(session: Session, actor: Actor, *where: ColumnElement[bool]) -> Iterator[OpenDeviation]:
    """What waits, by the projects' titles, judged batch by batch: whoever wants a few of thousands reads a few."""
    today, judged, offset = now().date(), _Judge(), 0
    suspects = (may_deviate(session, today), *where)
    while batch := list(loading.loaded(session, actor, *suspects, limit=BATCH, offset=offset)):
        yield from _waiting_in(session, actor, batch, judged)
        if len(batch) < BATCH:
            return
        offset += BATCH


def _waiting_in(
    session: Session, actor: Actor, batch: Sequence[tuple[Use, list[Approval], list[Standing]]], judged: _Judge
) -> Iterator[OpenDeviation]:
    taking_part = set(session.exec(select(ProjectMember.project_id).where(ProjectMember.person_id == actor.id)))
    rows = loading.open_rows(session, now().date(), [use.project_id for use, _, _ in batch])
    for use, given, deviations in batch:
        inside = use.team_id in actor.teams or use.project_id in taking_part or use.adopted_by == actor.ref
        known = rows.get((use.project_id, use.entry_id), {})
        for item in judged(use, given, deviations):
            for gap in _undecided(item, deviations):
                row = known.get((item.item, gap.condition))
                declared = row is not None and row.declared_by == actor.ref
                yield _open_deviation(use, item, gap, row, involved=inside or declared)


class _Judge:
    """Judges projects without deviations once per set of facts: of thousands of projects most are alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], list[Item]] = {}

    def __call__(self, use: Use, given: Sequence[Approval], deviations: Sequence[Standing]) -> list[Item]:
        facts = use.facts
        if deviations:
            return inheritance.items([], given, facts, deviations, now().date())
        alike = (use.entry_id, facts.version, facts.attested, *facts.values.values())
        if alike not in self._known:
            self._known[alike] = inheritance.items([], given, facts, (), now().date())
        return self._known[alike]


def _undecided(item: Item, deviations: Sequence[Standing]) -> Iterator[Reason]:
    """The deviations from an item that nobody has accepted or rejected as they are now: found ones, then declared."""
    here = [one for one in deviations if one.item == item.item]
    rejected = [one for one in here if one.state == "rejected"]
    for gap in inheritance.gaps(item):
        if not any(one.condition == gap.condition and set(gap.values) <= one.values for one in rejected):
            yield gap
    for one in here:
        if not one.values and one.state != "rejected" and not inheritance.in_force(one, now().date()):
            yield Reason("deviation", one.condition)


def _open_deviation(use: Use, item: Item, gap: Reason, row: Deviation | None, *, involved: bool) -> OpenDeviation:
    found = f"{gap.fact} is {', '.join(gap.values)}; allowed: {', '.join(gap.allowed)}"
    return OpenDeviation(
        use.project_id, use.project, use.team, use.scope, use.entry_id, use.pattern, use.pattern_key, item.item, item.by,
        item.scope, gap.condition, gap.fact, gap.values, row.what if row else found, row.origin if row else "found",
        row.reason if row else "", row.id if row else None, involved,
    )  # fmt: skip


def _offset(page: int, size: int, total: int) -> int:
    """Where a page begins; the last one, where a later one was asked for."""
    return (min(max(page, 1), max(-(-total // size), 1)) - 1) * size


def _reopened(given: Sequence[Approval], before: Facts, after: Facts, deviations: Sequence[Standing]) -> list[Item]:
    today = now().date()
    return inheritance.reopened(
        inheritance.items([], given, before, deviations, today), inheritance.items([], given, after, deviations, today)
    )


def _approval_row(row: PatternApproval, current_version: str) -> ApprovalRow:
    state = (
        "revoked" if row.revoked_at
        else "expired" if now().date() > row.expires_on
        else "other version" if row.version != current_version
        else "in force"
    )  # fmt: skip
    return ApprovalRow(
        row.id or 0, row.version, row.item_id, row.by, row.scope, loading.frozen(row.conditions), row.evidence, row.approved_by,
        row.approved_at, row.expires_on, state, row.revoke_reason,
    )  # fmt: skip


def _deviation_row(row: Deviation) -> DeviationRow:
    return DeviationRow(
        row.id or 0, row.item_id, row.condition, tuple(row.values_found), row.what, row.origin, row.reason, row.state,
        row.declared_by or "", row.declared_at, row.decided_by or "", row.decision_note, row.expires_on,
    )  # fmt: skip
