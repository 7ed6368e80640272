"""Which projects may deviate from an approval, decided by the store, so that of thousands only those few are judged.

The condition never leaves out a project that deviates; it may name one that does not, such as one whose deviation is
accepted or rejected: :mod:`core.patterns.inheritance` judges (``tests/core/patterns/test_suspects.py`` holds both
together).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_
from sqlmodel import Session, col, select

from core.db import batches, is_sqlite
from core.patterns.loading import PERSONAL_DATA
from core.patterns.tables import Deviation, PatternApproval, PatternUse
from core.projects.tables import Adoption, Project

_VALUES: dict[str, tuple[Any, ...]] = {
    "classification": (Project.classification,),
    "region": (Project.region, PatternUse.region),
    "tier": (Project.tier,),
    "modality": (Project.modality,),
    "personal data": (col(Project.risk_facts)[PERSONAL_DATA].as_string(),),
}
"""Fact → where a project on a pattern has its values; services stand in lists, see :func:`_uses_others`."""
_NESTED = 50
"""So many alternatives stand beside each other: SQLite takes no deeper expression than a thousand."""


def may_deviate(session: Session, today: date) -> ColumnElement[bool]:
    """The condition on a project on a pattern, with its adoption, that it may wait for a decision on a deviation."""
    lapsed = and_(col(Deviation.state) == "accepted", col(Deviation.expires_on) < today)
    declared = select(Deviation.id).where(
        Deviation.project_id == Project.id, Deviation.entry_id == PatternUse.entry_id,
        or_(col(Deviation.state) == "open", lapsed),
    )  # fmt: skip
    outside = [
        and_(col(PatternUse.entry_id) == entry_id, col(Adoption.version) == version, or_(*_flaws(session, allowed)))
        for (entry_id, version), allowed in _allowed(session, today).items()
    ]
    return or_(declared.correlate(Project, PatternUse).exists(), *(_any(some) for some in batches(outside, _NESTED)))


def _any(alternatives: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(false(), *alternatives).self_group()


def _allowed(session: Session, today: date) -> dict[tuple[int, str], dict[str, set[str]]]:
    """(pattern, version) → fact → the values, in lower case, that every approval in force allows."""
    given = select(PatternApproval.entry_id, PatternApproval.version, PatternApproval.conditions)
    in_force = given.where(col(PatternApproval.revoked_at).is_(None), col(PatternApproval.expires_on) >= today)
    found: dict[tuple[int, str], dict[str, set[str]]] = {}
    for entry_id, version, conditions in session.exec(in_force):
        facts = found.setdefault((entry_id, version), {})
        for one in conditions:
            if fact := one.get("fact"):
                allowed = {value.lower() for value in one.get("allowed", ())}
                facts[fact] = facts.get(fact, allowed) & allowed
    return {pattern: facts for pattern, facts in found.items() if facts}


def _flaws(session: Session, allowed: dict[str, set[str]]) -> list[ColumnElement[bool]]:
    """A condition for each fact that a value of it lies outside."""
    flaws = []
    for fact, values in allowed.items():
        if fact == "services":
            flaws.append(_uses_others(session, values))
        flaws += [and_(value != "", func.lower(value).not_in(sorted(values))) for value in _VALUES.get(fact, ())]
    return flaws


def _uses_others(session: Session, allowed: set[str]) -> ColumnElement[bool]:
    """Whether a project names a service, in any stage, that is not among those allowed."""
    each = func.json_each if is_sqlite(session) else func.json_array_elements_text
    stage = func.json_each(PatternUse.services).table_valued("value", joins_implicitly=True).alias("stage")
    name = each(stage.c.value).table_valued("value", joins_implicitly=True).alias("name")
    others = select(name.c.value).select_from(stage, name).where(func.lower(name.c.value).not_in(sorted(allowed)))
    return others.exists()
