"""The limits of checks as the organisation has them in its catalog, for whatever is frozen with a check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from core.catalog.tables import Entry, EntryContent
from core.checks import limits
from core.checks.limits import Limits


def limits_now(session: Session) -> Limits:
    """The limits by which checks judge where nothing else is said."""
    held = select(EntryContent).join(Entry, col(Entry.id) == EntryContent.entry_id).where(Entry.key == limits.POLICY)
    content = session.exec(held).first()
    found: Limits = content.document.get("spec", {}).get("limits", {}) if content else {}
    return found


def limited(check: str, parameters: Mapping[str, Any], given: Limits, tier: str) -> dict[str, Any]:
    """The parameters of a check with the limits that it takes from the organisation."""
    return limits.merged(check, parameters, given, tier=tier) if check else dict(parameters)
