"""Whom the portal tells about a project's approvals."""

from __future__ import annotations

from sqlmodel import Session, col, select

from core.access.tables import TeamMember
from core.patterns.tables import PatternApproval
from core.projects.tables import Project, ProjectMember


def of_project(session: Session, project_id: str) -> set[str]:
    """The people of a project and of its team."""
    in_team = select(TeamMember.person_id).join(Project, col(Project.team_id) == TeamMember.team_id)
    members = select(ProjectMember.person_id).where(ProjectMember.project_id == project_id)
    return set(session.exec(in_team.where(Project.id == project_id))) | set(session.exec(members))


def approvers_of(session: Session, entry_id: int, items: list[str]) -> set[str]:
    """Who confirmed these approvals of a pattern: they know what a deviation from them means."""
    given = select(PatternApproval.approved_by, PatternApproval.item_id).where(PatternApproval.entry_id == entry_id)
    return {person for person, item in session.exec(given) if item in items}
