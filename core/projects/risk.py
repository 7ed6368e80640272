"""The verbs about a project's risk: its team states the facts, reviewers confirm, raise or, by two, lower the tier.

Edges call them through :mod:`core.patterns.changes`, which also tells which inherited approvals that reopens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.errors import Conflict, Invalid, NotAllowed
from core.projects import tier as table
from core.projects.actions import locked, require_revision, require_running, scope_of, subject_of, tell_members, text
from core.projects.tables import Project

REASON_LENGTH = 1000


def set_facts(session: Session, *, actor: Actor, project_id: str, revision: int, facts: Mapping[str, Any]) -> Project:
    """State the risk facts of a running project seen at ``revision``; the table decides the tier, which waits for confirmation.

    What reviewers had raised above the table stays raised; a confirmation or proposal on other facts is void.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "tier.set_facts", scope_of(project))
    require_running(project)
    require_revision(project, revision)
    cleaned, before = table.clean(facts), project.tier
    changed = sorted(key for key, value in cleaned.items() if project.risk_facts.get(key) != value)
    if not changed:
        raise Invalid("Nothing is different from the facts as they stand.", hint="Change an answer first.")
    project.tier = table.tier_after(project.risk_facts, project.tier, cleaned)
    project.risk_facts, project.risk_facts_by = cleaned, actor.ref
    project.tier_confirmed_by = None
    _drop_proposal(project)
    _keep(session, project)
    fired = [row.id for row in table.decide(cleaned).fired]
    told = events.RiskFactsStated(subject_of(project), changed=changed, rows=fired, before=before, tier=project.tier)
    record(session, actor, told)
    return project


def confirm_tier(
    session: Session, *, actor: Actor, project_id: str, revision: int, tier: str, reason: str = ""
) -> Project:
    """Confirm the tier of a running project seen at ``revision``, or set another one with a reason.

    Raising holds at once. Lowering is a proposal until a second reviewer confirms the same tier. Nobody confirms the
    facts they stated.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "tier.confirm", scope_of(project))
    require_running(project)
    require_revision(project, revision)
    reason = text("reason", reason, REASON_LENGTH)
    _require_confirmable(project, actor, tier)
    lowers = table.place_of(tier) < table.place_of(project.tier)
    agreed = lowers and project.tier_proposed == tier
    if agreed and project.tier_proposed_by == actor.ref:
        raise NotAllowed("Lowering a tier takes two people.", hint="Ask another validator or reviewer to confirm it.")
    if tier != project.tier and not (reason or agreed):
        raise Invalid("Another tier than the present one needs a reason.", hint="Say what the table does not see.")
    if lowers and not agreed:
        return _propose(session, actor, project, tier, reason)
    return _confirm(session, actor, project, tier, reason)


def _require_confirmable(project: Project, actor: Actor, tier: str) -> None:
    if tier not in table.TIERS:
        raise Invalid(f"{tier[:80]!r} is no tier.", hint=f"Possible: {', '.join(table.TIERS)}.")
    if not project.risk_facts:
        raise Conflict(f"{project.title} has stated no risk facts.", hint="Its team answers the questions first.")
    if actor.ref == project.risk_facts_by:
        raise NotAllowed("Nobody confirms the facts they stated.", hint="Ask another validator or reviewer.")
    if table.decide(project.risk_facts).tier == "prohibited" and tier != "prohibited":
        hint = "If the facts are wrong, its team corrects them."
        raise Conflict("A prohibited practice is not lowered by review.", hint=hint)


def _propose(session: Session, actor: Actor, project: Project, tier: str, reason: str) -> Project:
    project.tier_proposed, project.tier_proposed_by, project.tier_reason = tier, actor.ref, reason
    _keep(session, project)
    told = events.TierLoweringProposed(subject_of(project), before=project.tier, tier=tier, reason=reason)
    record(session, actor, told)
    return project


def _confirm(session: Session, actor: Actor, project: Project, tier: str, reason: str) -> Project:
    before, proposed_by = project.tier, ""
    if tier == project.tier_proposed:
        reason, proposed_by = reason or project.tier_reason, project.tier_proposed_by or ""
    _drop_proposal(project)
    project.tier, project.tier_confirmed_by, project.tier_reason = tier, actor.ref, reason
    _keep(session, project)
    decided = table.decide(project.risk_facts).tier
    told = events.TierConfirmed(
        subject_of(project), before=before, tier=tier, table=decided, reason=reason, proposed_by=proposed_by
    )
    record(session, actor, told)
    tell_members(session, project, f"The risk tier of {project.title} is confirmed: {tier}.", except_for=actor)
    return project


def _drop_proposal(project: Project) -> None:
    project.tier_proposed, project.tier_proposed_by, project.tier_reason = "", None, ""


def _keep(session: Session, project: Project) -> None:
    project.revision += 1
    session.add(project)
    session.flush()
