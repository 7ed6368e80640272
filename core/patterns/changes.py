"""Changing facts that the approvals of a project's pattern stand on, with what that does to the approvals it inherits.

The verbs are those of projects, which know no patterns: edges call them here, so that no approval is lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

from sqlmodel import Session

from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.patterns import approval_queries as queries
from core.patterns import deviations, inheritance, reopening
from core.patterns.reopening import JUDGE
from core.projects import actions, risk
from core.projects.actions import Changes
from core.projects.tables import Project


def edit(session: Session, *, actor: Actor, project_id: str, revision: int, **changes: Unpack[Changes]) -> Project:
    """Change what a project says of itself; see :func:`core.projects.actions.edit`."""
    with _noting_what_reopens(session, actor, project_id):
        return actions.edit(session, actor=actor, project_id=project_id, revision=revision, **changes)


def set_facts(session: Session, *, actor: Actor, project_id: str, revision: int, facts: Mapping[str, Any]) -> Project:
    """State the risk facts of a project; see :func:`core.projects.risk.set_facts`."""
    with _noting_what_reopens(session, actor, project_id):
        return risk.set_facts(session, actor=actor, project_id=project_id, revision=revision, facts=facts)


def confirm_tier(
    session: Session, *, actor: Actor, project_id: str, revision: int, tier: str, reason: str = ""
) -> Project:
    """Confirm, raise or propose to lower the tier of a project; see :func:`core.projects.risk.confirm_tier`."""
    with _noting_what_reopens(session, actor, project_id):
        return risk.confirm_tier(
            session, actor=actor, project_id=project_id, revision=revision, tier=tier, reason=reason
        )


@contextmanager
def _noting_what_reopens(session: Session, actor: Actor, project_id: str) -> Iterator[None]:
    """Compare what the project inherits before and after a change, in the transaction of the change."""
    actions.locked(session, actor, project_id)
    before = queries.standing(session, JUDGE, project_id)
    yield
    after = queries.standing(session, JUDGE, project_id) if before else None
    if before is None or after is None:
        return
    deviations.end_those_gone(session, actor, after)
    if lost := inheritance.reopened(before.items, after.items):
        told = events.ApprovalsReopened(
            f"project:{project_id}", pattern=after.use.pattern_key, version=after.use.version,
            reopened=[one.item for one in lost],
        )  # fmt: skip
        record(session, actor, told)
        reopening.tell(session, actor, before, lost)
