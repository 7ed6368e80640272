"""What publishing a version of a checklist would mean: which items change, and for which cases.

A case keeps the version with which it was opened. The impact says what the subject of each case would be asked if its
next case were opened with the new version, by the facts as they were frozen in the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from core.access.policy import Actor
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import NotFound
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import carrying, checklists, states
from core.reviews.applicability import freeze
from core.reviews.items import FrozenItem
from core.reviews.moving import LARGEST_ID
from core.reviews.regulations import OutOfForce, not_in_force, regulations
from core.reviews.tables import ChecklistVersion, ReviewCase

_CONCERNED = (*states.OPEN, *states.APPROVED, "suspended")


@dataclass(frozen=True)
class Difference:
    """How two versions differ, each a list of item ids in the order of the checklist."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Asked, judged or blocking differently."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class CaseImpact:
    """What a version would change for one case that the reader sees."""

    case_id: int
    name: str
    version: str
    """Of its subject."""
    project_id: str
    state: str
    checklist_version: str
    """The version it was opened with."""
    items: Difference

    @property
    def is_open(self) -> bool:
        """Whether no decision has been made in it yet."""
        return self.state in states.OPEN


@dataclass(frozen=True)
class Impact:
    """What a version would change as against the published one, and for which cases; those without a change are left out."""

    checklist: str
    version: str
    published: str
    """The version it would follow; empty where there is none."""
    items: Difference
    cases: tuple[CaseImpact, ...]
    quorum_changes: bool
    """Whether other people would have to sign."""
    out_of_force: tuple[OutOfForce, ...] = ()
    """What of laws and standards the version is mapped to although it does not hold today."""


def impact(session: Session, actor: Actor, version_id: int) -> Impact:
    """What publishing a version would change, for a reader who sees the checklist; of the cases, those they may see."""
    row, entry = _version(session, actor, version_id)
    before = _published(session, row.entry_id)
    content = before.content if before is not None else {"sections": []}
    return Impact(
        entry.key, row.version, before.version if before else "", _as_written(content, row.content),
        tuple(one for one in _cases(session, actor, row) if one.items),
        content.get("quorum", {}) != row.content.get("quorum", {}),
        tuple(not_in_force(row.content, regulations(session), now().date())),
    )  # fmt: skip


def difference(before: Iterable[FrozenItem], after: Iterable[FrozenItem]) -> Difference:
    """How the items that apply differ between two versions, frozen by the same facts."""
    old, new = ({one.id: one for one in items if one.applies} for items in (before, after))
    return Difference(
        added=tuple(one for one in new if one not in old),
        removed=tuple(one for one in old if one not in new),
        changed=tuple(item for item, one in new.items() if item in old and _differs(old[item], one)),
    )


def _differs(old: FrozenItem, new: FrozenItem) -> bool:
    return carrying.changed(old, new) or old.blocking != new.blocking


def _as_written(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """How the items differ as they stand in the checklist, whatever the facts of a project are."""
    old, new = (
        {item["id"]: item for section in content["sections"] for item in section["items"]}
        for content in (before, after)
    )
    return Difference(
        added=tuple(one for one in new if one not in old),
        removed=tuple(one for one in old if one not in new),
        changed=tuple(item for item in new if item in old and old[item] != new[item]),
    )


def _cases(session: Session, actor: Actor, row: ChecklistVersion) -> Iterable[CaseImpact]:
    wanted = (
        select(ReviewCase, ChecklistVersion)
        .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(ChecklistVersion.entry_id == row.entry_id, ChecklistVersion.id != row.id, shown_to(actor))
        .where(col(ReviewCase.state).in_(_CONCERNED))
        .order_by(col(ReviewCase.id))
    )
    for case, version in session.exec(wanted):
        both = (freeze(content, case.facts, case.tier) for content in (version.content, row.content))
        yield CaseImpact(
            case.id or 0, case.name, case.version, case.project_id, case.state, version.version, difference(*both)
        )


def _version(session: Session, actor: Actor, version_id: int) -> tuple[ChecklistVersion, Entry]:
    joined = select(ChecklistVersion, Entry).join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
    wanted = joined.where(ChecklistVersion.id == version_id, visible(actor))
    found = session.exec(wanted).first() if 0 < version_id <= LARGEST_ID else None
    if found is None:
        raise NotFound("No such version of a checklist.", hint="The checklist's page lists its versions.")
    return found


def _published(session: Session, entry_id: int) -> ChecklistVersion | None:
    try:
        return checklists.published(session, entry_id)
    except NotFound:
        return None
