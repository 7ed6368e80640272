"""The verbs of approval: confirm a pre-approval of a pattern version, and take it back."""

from __future__ import annotations

import re
from datetime import date

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.actions import scope_of
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.patterns import approval_queries as queries
from core.patterns import people
from core.patterns.inheritance import Proposed
from core.patterns.tables import PatternApproval
from core.people import notices
from core.projects.actions import text

LONGEST_YEARS = 2
"""An approval holds for at most 24 months: boards look at least that often at what they approved."""
EVIDENCE_LENGTH = 2000
REASON_LENGTH = 2000
_ITEM = re.compile(r"[A-Z]+-[0-9]{1,9}")


def approve_item(
    session: Session,
    *,
    actor: Actor,
    entry_id: int,
    version: str,
    item_id: str,
    evidence: str,
    expires_on: date,
    revision: int,
    demo: bool = False,
) -> PatternApproval:
    """Confirm a pre-approval of exactly this version, which freezes its conditions; ``revision`` is the one read.

    The pattern's author does not approve it. An approval in force is renewed by one that ends later.
    """
    entry = _approvable(session, actor, entry_id)
    if queries.is_author(session, actor, entry):
        raise NotAllowed(
            f"Nobody approves their own pattern, and {entry.title} is yours or your team's.",
            hint="Ask a reviewer of another team.",
        )
    _require_as_read(entry, version, revision)
    item = _proposed(session, actor, entry, item_id)
    evidence = text("evidence", evidence, EVIDENCE_LENGTH)
    if not evidence:
        raise Invalid(f"{item.item} is not approved without evidence.", hint="Give a link or the board's words.")
    check_last_day(f"The approval of {item.item}", expires_on)
    _require_later(session, entry, item.item, expires_on)
    approval = PatternApproval(
        entry_id=entry_id, version=version, item_id=item.item, by=item.by, scope=item.scope,
        conditions=[{"text": one.text, "fact": one.fact, "allowed": list(one.allowed)} for one in item.conditions],
        evidence=evidence, approved_by=actor.ref, approved_at=now(), expires_on=expires_on, demo=demo,
    )  # fmt: skip
    session.add(approval)
    session.flush()
    told = events.PatternApproved(
        entry.key, item=item.item, by=item.by, version=version, expires=expires_on.isoformat()
    )
    record(session, actor, told)
    return approval


def revoke_approval(session: Session, *, actor: Actor, approval_id: int, reason: str) -> None:
    """Take an approval back, with its earlier ones of the same version; the projects that had inherited it are told."""
    approval = session.get(PatternApproval, approval_id)
    if approval is None:
        raise NotFound(f"No approval {approval_id}.", hint="The pattern's page lists them.")
    entry = _visible_pattern(session, actor, approval.entry_id)
    policy.require(actor, "pattern.approve", scope_of(entry))
    session.refresh(approval)
    if approval.revoked_at is not None:
        raise Conflict(f"{approval.item_id} of {entry.title} {approval.version} is revoked already.")
    reason = text("reason", reason, REASON_LENGTH)
    if not reason:
        raise Invalid("An approval is not revoked without a reason.", hint="Say what the projects should do now.")
    hit = queries.inheriting(session, entry.id or 0, approval.version, approval.item_id)
    for one in _unrevoked(session, entry, approval.version, approval.item_id):
        one.revoked_at, one.revoked_by, one.revoke_reason = now(), actor.ref, reason
        session.add(one)
    session.flush()
    words = f"The approval {approval.item_id} of {entry.title} {approval.version} was revoked: {reason}"
    for project_id in hit:
        involved = people.of_project(session, project_id)
        notices.tell(session, involved, subject=f"project:{project_id}", text=words, except_for=actor)
    told = events.ApprovalRevoked(
        entry.key, item=approval.item_id, version=approval.version, reason=reason, projects=len(hit)
    )
    record(session, actor, told)


def check_last_day(what: str, day: date) -> None:
    """Raise :class:`Invalid` unless ``day`` can be the last day of an approval: in the future, within 24 months."""
    today = now().date()
    if not isinstance(day, date) or day <= today:
        raise Invalid(f"{what} ends in the future.", hint=f"Choose a day after {today.isoformat()}.")
    # comparing (year, month, day) needs no 29 February in the year it falls due
    if (day.year - LONGEST_YEARS, day.month, day.day) > (today.year, today.month, today.day):
        raise Invalid(f"{what} holds for at most 24 months.", hint="Choose an earlier day; it can be renewed.")


def _visible_pattern(session: Session, actor: Actor, entry_id: int) -> Entry:
    """The pattern, locked, so that two decisions on it come one after the other."""
    statement = select(Entry).where(Entry.id == entry_id, Entry.kind == "pattern", visible(actor)).with_for_update()
    found = session.exec(statement.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(f"No pattern {entry_id}.", hint="The patterns page shows all of them.")
    return found


def _approvable(session: Session, actor: Actor, entry_id: int) -> Entry:
    entry = _visible_pattern(session, actor, entry_id)
    policy.require(actor, "pattern.approve", scope_of(entry))
    if entry.lifecycle != Lifecycle.approved:
        raise Conflict(f"{entry.title} is {entry.lifecycle}.", hint="Only a published pattern is approved.")
    return entry


def _require_as_read(entry: Entry, version: str, revision: int) -> None:
    if entry.version != version:
        raise Conflict(
            f"{entry.title} is at version {entry.version}, not {version}.", hint="Read what changed, then approve that."
        )
    if entry.revision != revision:
        raise Conflict(
            f"{entry.title} was changed since you read it.", hint="Reload it and read the conditions as they are now."
        )


def _proposed(session: Session, actor: Actor, entry: Entry, item_id: str) -> Proposed:
    listed = {one.item: one for one in queries.proposed(session, actor, entry.id or 0)}
    if item_id not in listed:
        shown = item_id if _ITEM.fullmatch(item_id) else "such an item"
        raise NotFound(f"{entry.title} proposes no {shown}.", hint=f"It has: {', '.join(listed) or 'none'}.")
    return listed[item_id]


def _unrevoked(session: Session, entry: Entry, version: str, item_id: str) -> list[PatternApproval]:
    here = (
        PatternApproval.entry_id == entry.id, PatternApproval.version == version, PatternApproval.item_id == item_id,
        col(PatternApproval.revoked_at).is_(None),
    )  # fmt: skip
    return list(session.exec(select(PatternApproval).where(*here)))


def _require_later(session: Session, entry: Entry, item_id: str, expires_on: date) -> None:
    last_days = [one.expires_on for one in _unrevoked(session, entry, entry.version, item_id)]
    if last_days and max(last_days) >= expires_on:
        raise Conflict(
            f"{item_id} of {entry.title} {entry.version} is approved until {max(last_days).isoformat()} already.",
            hint="Renew it with a later day, or revoke it.",
        )
