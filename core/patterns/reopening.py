"""Approvals that a project loses, whatever it lost them by: whoever the loss concerns is told of it, once."""

from __future__ import annotations

from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor
from core.patterns import people
from core.patterns.approval_queries import ProjectStanding
from core.patterns.inheritance import Item
from core.people import notices

JUDGE = policy.system("approvals")
"""Sees every project and pattern: what a change reopens does not depend on what the one who makes it may see."""


def tell(session: Session, actor: Actor, before: ProjectStanding, lost: list[Item], why: str = "") -> None:
    """Tell the project's people, and whoever had given the approvals, that it no longer inherits them and ``why``."""
    project_id, names = before.use.project_id, [one.item for one in lost]
    involved = people.of_project(session, project_id) | people.approvers_of(session, before.use.entry_id, names)
    why = why or " ".join(reason.words for one in lost for reason in one.reasons)
    words = f"{before.use.project} no longer inherits {', '.join(names)} of {before.use.pattern}. {why}"
    notices.tell(session, involved, subject=f"project:{project_id}", text=words, except_for=actor)
