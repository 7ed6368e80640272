"""Writing verdicts back to MLflow as tags of the version, and as an alias where the policy names one.

The tags are for reading and for triggers; nobody may take them for permission, as any editor can set them. What changed is
found by following the log: whatever happens to a case, a certificate, a project or the policy makes the versions that it
is about due. A version is written outside the transactions and noted after it, so that a job may be cut short or run twice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import String, cast, func, literal, or_
from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.activity.tables import Activity
from core.config import settings
from core.db import is_sqlite, now
from core.errors import PortalError, Unavailable
from core.gates import facts
from core.gates.rules import POLICY
from core.gates.tables import FollowedLog, WrittenVerdict
from core.gates.tags import Summary, summary
from core.reviews.tables import ReviewCase
from core.tracking.client import Recorder
from core.tracking.queries import subject

log = logging.getLogger("portal.gates")

CLAIM = timedelta(seconds=90)
"""How long a version is left to the worker that took it: longer than MLflow may take to answer."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
"""How long a version waits after MLflow failed, which doubles each time."""
FOLLOWED = "verdicts"


@dataclass(frozen=True)
class _Due:
    """A version that a worker took, with all that it writes."""

    model: str
    version: str
    seq: int
    summary: Summary | None
    """Nothing where there is nothing to say."""
    changed: bool
    alias: str
    holder: str
    """The version that the alias should name; empty for none."""
    dropped: str
    """An alias that this version holds and that the policy names no longer."""


# --- the job ---------------------------------------------------------------------------------------------------------


def write_back(actor: Actor) -> str:
    """Write what changed; returns in words how it went. While MLflow does not answer, all that is due waits."""
    policy.require(actor, "admin.jobs")
    with db.writing() as session:
        follow(session)
    written = 0
    while settings().mlflow_tracking_uri and (due := _claimed()) is not None:
        try:
            exists = _write(due)
        except PortalError as error:
            log.warning("The verdict on version %s of %s is not written yet: %s", due.version, due.model, error)
            _put_off(due, error.message)
            if isinstance(error, Unavailable):
                return f"{written} written; {error.message}"  # the next one would wait for its answer just as long
            continue
        with db.writing() as session:
            written += _done(session, actor, due, exists)
    return f"{written} written"


def follow(session: Session) -> None:
    """Note every version that something happened to since the log was followed last."""
    done = session.exec(select(FollowedLog).where(FollowedLog.name == FOLLOWED).with_for_update()).first()
    done = done or FollowedLog(name=FOLLOWED)
    head = session.exec(select(func.max(Activity.seq))).one() or 0
    if head > done.seq:
        _note_touched(session, done.seq, head)
    done.seq = head
    session.add(done)
    session.flush()


def _note_touched(session: Session, since: int, head: int) -> None:
    lately = select(Activity.subject).where(Activity.seq > since, Activity.seq <= head)
    touched = or_(
        (literal("case:") + cast(ReviewCase.id, String)).in_(lately),
        (literal("certificate:") + cast(ReviewCase.certificate_id, String)).in_(lately),
        (literal("project:") + col(ReviewCase.project_id)).in_(lately),
        select(Activity.seq).where(Activity.seq > since, Activity.seq <= head, Activity.subject == POLICY).exists(),
    )
    given: dict[str, Any] = {"model": col(ReviewCase.name), "version": col(ReviewCase.version)}
    given |= {name: literal("") for name in ("status", "cases", "environments", "decided_at", "alias", "failure")}
    given |= {"asked_seq": literal(head), "done_seq": literal(0), "attempts": literal(0)}
    rows: Any = select(*given.values()).where(ReviewCase.kind == "model", touched).distinct()
    statement = _insert(session).from_select(list(given), rows)
    again = {"asked_seq": statement.excluded.asked_seq, "next_attempt_at": None, "attempts": 0}
    session.execute(statement.on_conflict_do_update(index_elements=["model", "version"], set_=again))


def _claimed() -> _Due | None:
    """The next version that is due, left to this worker for a while, and what is to be written."""
    with db.writing() as session:
        moment = now()
        free = or_(col(WrittenVerdict.next_attempt_at).is_(None), col(WrittenVerdict.next_attempt_at) <= moment)
        due = select(WrittenVerdict).where(WrittenVerdict.asked_seq > WrittenVerdict.done_seq, free)
        row = session.exec(
            due.order_by(col(WrittenVerdict.asked_seq), col(WrittenVerdict.model), col(WrittenVerdict.version))
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:
            return None
        row.next_attempt_at = moment + CLAIM
        session.add(row)
        return _to_write(session, row)


def _to_write(session: Session, row: WrittenVerdict) -> _Due:
    known = facts.read(session, policy.system("gate"), row.model, row.version)
    wanted = summary(known.facts, known.at) if known.facts.is_known and not known.facts.gone else None
    if wanted is not None and not row.status and wanted.status in ("draft", "withdrawn"):
        wanted = None  # nobody was asked about it yet, and MLflow does not know of it
    alias = known.facts.policy.alias if known.facts.policy else row.alias
    holder = _holder(session, row, wanted)
    written = Summary(row.status, row.cases, row.environments, row.decided_at)
    changed = wanted is not None and (wanted != written or row.alias != (alias if holder == row.version else ""))
    return _Due(
        row.model, row.version, row.asked_seq, wanted, changed, alias, holder,
        row.alias if row.alias not in ("", alias) else "",
    )  # fmt: skip


def _holder(session: Session, row: WrittenVerdict, wanted: Summary | None) -> str:
    """The newest version of the model that may go to production, as written or about to be."""
    others = select(WrittenVerdict.version, WrittenVerdict.environments).where(
        WrittenVerdict.model == row.model, WrittenVerdict.version != row.version
    )
    standing = [*session.execute(others).all(), (row.version, wanted.environments if wanted else "")]
    open_ones = [version for version, environments in standing if "production" in environments.split(", ")]
    return max(open_ones, key=_age, default="")


def _age(version: str) -> tuple[int, str]:
    return int(version) if version.isascii() and version.isdigit() else 0, version


def _write(due: _Due) -> bool:
    """Tell MLflow; returns whether it has the version."""
    if due.summary is None or not due.changed:
        return True
    recorder = Recorder(settings().mlflow_tracking_uri)
    if not recorder.tag_version(due.model, due.version, due.summary.tags):
        return False
    if due.dropped:
        recorder.point_alias(due.model, due.dropped, "")
    if due.alias:
        recorder.point_alias(due.model, due.alias, due.holder)
    return True


def _done(session: Session, actor: Actor, due: _Due, exists: bool) -> int:
    """Note that a version was looked at, and record what was written; returns 1 for that."""
    row = _locked(session, due)
    if row is None or row.done_seq >= due.seq:
        return 0
    row.done_seq, row.attempts, row.failure = due.seq, 0, ""
    if row.asked_seq == due.seq:
        row.next_attempt_at = None
    session.add(row)
    if due.summary is None or not due.changed or not exists:
        return 0
    said, row.written_at = due.summary, now()
    row.status, row.cases, row.environments, row.decided_at = (
        said.status,
        said.cases,
        said.environments,
        said.decided_at,
    )
    _note_alias(session, row, due)
    session.flush()
    told = events.VerdictWritten(subject(due.model), version=due.version, status=said.status, alias=row.alias)
    record(session, actor, told)
    return 1


def _note_alias(session: Session, row: WrittenVerdict, due: _Due) -> None:
    """Note which version holds the alias now."""
    of_model = session.exec(select(WrittenVerdict).where(WrittenVerdict.model == due.model, WrittenVerdict.alias != ""))
    for one in of_model:
        one.alias = ""
        session.add(one)
    holder = row if due.holder == due.version else session.get(WrittenVerdict, (due.model, due.holder))
    if holder is not None and due.alias:
        holder.alias = due.alias
        session.add(holder)


def _put_off(due: _Due, failure: str) -> None:
    with db.writing() as session:
        row = _locked(session, due)
        if row is not None:
            row.attempts += 1
            row.failure = failure[:1000]
            row.next_attempt_at = now() + min(FIRST_WAIT * 2 ** min(row.attempts - 1, 20), LONGEST_WAIT)
            session.add(row)


def _locked(session: Session, due: _Due) -> WrittenVerdict | None:
    this = select(WrittenVerdict).where(WrittenVerdict.model == due.model, WrittenVerdict.version == due.version)
    return session.exec(this.with_for_update().execution_options(populate_existing=True)).first()


def _insert(session: Session) -> Any:
    if is_sqlite(session):
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert(WrittenVerdict)
