"""Approvals that end soon: whoever relies on one, or gave it, is told in time to renew it. A job calls it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.activity.tables import Activity
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.db import now
from core.patterns import approval_queries as queries
from core.patterns import people
from core.patterns.tables import PatternApproval
from core.people import notices

NOTICE_DAYS = 30
"""So many days before its last one: boards that meet once a month meet once more before an approval is gone."""


def remind(session: Session, *, actor: Actor) -> int:
    """Tell of the approvals that end within :data:`NOTICE_DAYS`; returns how many. Of each, people are told once."""
    policy.require(actor, "admin.jobs")
    ending = _ending(session)
    told = _told_before(session, [entry.key for _, entry in ending])
    reminded = 0
    for one, entry in ending:
        hit = queries.inheriting(session, entry.id or 0, one.version, one.item_id)
        if one.id not in told and (hit or _may_still_be_inherited(one, entry)):
            _tell(session, actor, one, entry, hit)
            reminded += 1
    return reminded


def _ending(session: Session) -> list[tuple[PatternApproval, Entry]]:
    """The approvals in force that end soon, the soonest first; one that was renewed is none of them."""
    today = now().date()
    latest = (
        select(func.max(PatternApproval.id))
        .where(col(PatternApproval.revoked_at).is_(None))
        .group_by(col(PatternApproval.entry_id), PatternApproval.version, PatternApproval.item_id)
    )
    statement = (
        select(PatternApproval, Entry)
        .join(Entry, col(Entry.id) == PatternApproval.entry_id)
        .where(
            col(PatternApproval.id).in_(latest),
            col(PatternApproval.expires_on).between(today, today + timedelta(days=NOTICE_DAYS)),
        )
        .order_by(col(PatternApproval.expires_on), col(PatternApproval.id))
    )
    return list(session.exec(statement).all())


def _told_before(session: Session, keys: Sequence[str]) -> set[int]:
    """The approvals that people were told of, as the log has it."""
    here = (Activity.event == events.ApprovalExpiryNear.name, col(Activity.subject).in_(sorted(set(keys))))
    return {json.loads(data)["approval"] for data in session.exec(select(Activity.data).where(*here))}


def _may_still_be_inherited(approval: PatternApproval, entry: Entry) -> bool:
    """Whether a project could begin to rely on it: one of a former version is renewed for nobody."""
    return approval.version == entry.version and entry.lifecycle == Lifecycle.approved


def _tell(session: Session, actor: Actor, approval: PatternApproval, entry: Entry, hit: list[str]) -> None:
    what = f"The approval {approval.item_id} of {entry.title} {approval.version}"
    when = f"ends after {approval.expires_on:%d %b %Y}"
    for project_id in hit:
        words = f"{what}, which your project inherits, {when}. Ask for its renewal, or plan without it."
        notices.tell(session, people.of_project(session, project_id), subject=f"project:{project_id}", text=words)
    words = f"{what}, which you gave, {when}. Projects that inherit it: {len(hit)}. Renew it if it still holds."
    notices.tell(session, [approval.approved_by], subject=entry.key, text=words)
    told = events.ApprovalExpiryNear(
        entry.key, approval=approval.id or 0, item=approval.item_id, version=approval.version,
        expires=approval.expires_on.isoformat(), projects=len(hit),
    )  # fmt: skip
    record(session, actor, told)
