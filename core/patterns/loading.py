"""Loading what judges projects on their patterns: their facts, the approvals, and their deviations, for all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from core.access.policy import Actor, Scope
from core.access.tables import Team
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import batches
from core.errors import NotFound
from core.patterns.inheritance import Approval, Condition, Facts, Standing
from core.patterns.tables import Deviation, PatternApproval, PatternUse
from core.projects.tables import Adoption, Project
from core.projects.visibility import shown_to

PERSONAL_DATA = "personal_data"
"""The risk fact of a project that conditions about personal data are checked against."""


@dataclass(frozen=True)
class Use:
    """A project on a pattern, with the facts that conditions are checked against."""

    project_id: str
    project: str
    stage: str
    team_id: str
    team: str
    unit_id: str | None
    classification: str
    project_region: str
    tier: str
    modality: str
    risk_facts: dict[str, Any]
    entry_id: int
    pattern_key: str
    pattern: str
    current_version: str
    version: str
    """The version that the project adopted."""
    declared_for: str
    region: str
    services: dict[str, list[str]]
    attested: list[str]
    adopted_by: str
    revision: int

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.project_id)

    @property
    def facts(self) -> Facts:
        """What conditions are checked against; a fact without a value is unknown."""
        values = {
            "classification": {self.classification},
            "region": {self.project_region, self.region},
            "services": {name for names in self.services.values() for name in names},
            "tier": {self.tier},
            "modality": {self.modality},
            "personal data": {_said(self.risk_facts.get(PERSONAL_DATA))},
        }
        known = {fact: frozenset(one for one in found if one) for fact, found in values.items()}
        return Facts(self.version, known, frozenset(self.attested))


_USE: tuple[Any, ...] = (
    Project.id, Project.title, Project.stage, Project.team_id, Team.name, Project.unit_id, Project.classification,
    Project.region, Project.tier, Project.modality, Project.risk_facts, Entry.id, Entry.key, Entry.title, Entry.version,
    Adoption.version, PatternUse.version, PatternUse.region, PatternUse.services, PatternUse.attested,
    PatternUse.adopted_by, PatternUse.revision,
)  # fmt: skip


def loaded(
    session: Session, actor: Actor, *where: ColumnElement[bool], limit: int | None = None, offset: int = 0
) -> Iterator[tuple[Use, list[Approval], list[Standing]]]:
    """The projects and their patterns, both of which ``actor`` sees, by title, with what judges them: three statements
    for all of them, or for the ``limit`` after the first ``offset``."""
    statement = _standing_on(select(*_USE)).join(Team, col(Team.id) == Project.team_id)
    rows = session.execute(
        statement.where(visible(actor), shown_to(actor), *where)
        .order_by(Project.title, Project.id)
        .limit(limit)
        .offset(offset)
    )
    found = [Use(*row) for row in rows]
    given = approvals_of(session, sorted({one.entry_id for one in found}))
    deviations = standing_of(session, [one.project_id for one in found])
    for one in found:
        yield one, given.get(one.entry_id, []), deviations.get((one.project_id, one.entry_id), [])


def counted(session: Session, actor: Actor, *where: ColumnElement[bool]) -> tuple[int, int]:
    """How many such projects ``actor`` sees, and how many more there are."""
    statement = _standing_on(select(func.count()).select_from(Project)).where(visible(actor), *where)
    shown = session.execute(statement.where(shown_to(actor))).scalar_one()
    return shown, session.execute(statement).scalar_one() - shown


def _standing_on(columns: Any) -> Any:
    """``columns`` of the projects that stand on a pattern and have not ended its adoption."""
    adopted = (
        (col(Adoption.project_id) == PatternUse.project_id)
        & (col(Adoption.entry_id) == PatternUse.entry_id)
        & col(Adoption.until).is_(None)
    )
    joined = columns.join(PatternUse, col(PatternUse.project_id) == Project.id).join(Adoption, adopted)
    return joined.join(Entry, col(Entry.id) == PatternUse.entry_id)


def approvals_of(session: Session, entry_ids: Sequence[int]) -> dict[int, list[Approval]]:
    """Pattern → its approvals that are not revoked, of every version."""
    there: dict[int, list[Approval]] = {}
    if not entry_ids:
        return there
    unrevoked = select(PatternApproval).where(col(PatternApproval.revoked_at).is_(None))
    for row in session.exec(unrevoked.where(col(PatternApproval.entry_id).in_(entry_ids))):
        approval = Approval(
            row.id or 0,
            row.item_id,
            row.by,
            row.scope,
            row.version,
            frozen(row.conditions),
            row.evidence,
            row.expires_on,
        )
        there.setdefault(row.entry_id, []).append(approval)
    return there


def _deviations(session: Session, project_ids: Sequence[str]) -> Iterator[Deviation]:
    """The deviations of projects that still say something, the oldest first."""
    said = select(Deviation).where(Deviation.state != "resolved").order_by(col(Deviation.id))
    for batch in batches(project_ids, 500):
        yield from session.exec(said.where(col(Deviation.project_id).in_(batch)))


def standing_of(session: Session, project_ids: Sequence[str]) -> dict[tuple[str, int], list[Standing]]:
    """(project, pattern) → its deviations that are not resolved, the oldest first."""
    there: dict[tuple[str, int], list[Standing]] = {}
    for row in _deviations(session, project_ids):
        one = Standing(row.item_id, row.condition, frozenset(row.values_found), row.state, row.what, row.expires_on)
        there.setdefault((row.project_id, row.entry_id), []).append(one)
    return there


def open_rows(
    session: Session, today: date, project_ids: Sequence[str]
) -> dict[tuple[str, int], dict[tuple[str, str], Deviation]]:
    """(project, entry) → (item, condition) → the row that a decision would be written to."""
    there: dict[tuple[str, int], dict[tuple[str, str], Deviation]] = {}
    for row in _deviations(session, project_ids):
        lapsed = row.state == "accepted" and row.expires_on is not None and today > row.expires_on
        if row.state == "open" or lapsed:
            there.setdefault((row.project_id, row.entry_id), {})[row.item_id, row.condition] = row
    return there


def imagined(session: Session, actor: Actor, project_id: str, entry_id: int) -> Use:
    """The project that ``actor`` sees as if it stood on the pattern, in the version it has adopted or else the present
    one."""
    adopted = func.coalesce(Adoption.version, Entry.version)
    columns: tuple[Any, ...] = (*_USE[:14], Entry.version, adopted)
    present = (
        (col(Adoption.project_id) == Project.id) & (col(Adoption.entry_id) == Entry.id) & col(Adoption.until).is_(None)
    )
    row = session.execute(
        select(*columns)
        .select_from(Project)
        .join(Team, col(Team.id) == Project.team_id)
        .join(Entry, (col(Entry.id) == entry_id) & visible(actor))
        .outerjoin(Adoption, present)
        .where(Project.id == project_id, shown_to(actor), Entry.kind == "pattern")
    ).first()
    if row is None:
        raise NotFound(f"No pattern {entry_id} for the project {project_id!r}.", hint="The patterns page shows all.")
    declared: tuple[Any, ...] = ("", "", {}, [], "", 0)
    return Use(*(*row, *declared))


def frozen(conditions: Iterable[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """The conditions of an approval as they were kept with it."""
    return tuple(Condition(one["text"], one.get("fact", ""), tuple(one.get("allowed", ()))) for one in conditions)


def _said(value: Any) -> str:
    """A risk fact as a condition names it; empty when it was not given."""
    return value if isinstance(value, str) else ""
