"""Whether a project need not wait for a template: its pattern is approved, it keeps every condition, and covers the template."""

from __future__ import annotations

from sqlmodel import Session

from core.access import policy
from core.catalog.references import normalise
from core.catalog.tables import EntryContent
from core.patterns import approval_queries


def covered_by(session: Session, project_id: str, entry_id: int) -> str:
    """By what a request of ``project_id`` for this template is approved at once, in words; empty where a person decides.

    The template names the patterns that cover it, the project stands on one of them, and it inherits every approval
    that is meant for data like its own.
    """
    content = session.get(EntryContent, entry_id)
    named = (
        {normalise(one, "pattern") for one in (content.document["spec"].get("patterns") or [])} if content else set()
    )
    if not named:
        return ""
    standing = approval_queries.standing(session, policy.system("templates"), project_id)
    if standing is None or standing.use.pattern_key not in named:
        return ""
    items = [one for one in standing.items if one.applies]
    if not items or not all(one.inherited for one in items):
        return ""
    listed = ", ".join(one.item for one in items)
    return f"The project keeps every condition of {standing.use.pattern} {standing.use.version} ({listed}), which covers it."
