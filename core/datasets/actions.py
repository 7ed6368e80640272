"""The verbs of access to data: ask, decide, grant, renew, give back and revoke. ``states`` holds the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.access.tables import Person
from core.activity import events
from core.activity.recording import record
from core.catalog.actions import scope_of
from core.catalog.kinds import Lifecycle
from core.catalog.references import normalise
from core.catalog.tables import Entry, EntryContent
from core.catalog.visibility import visible
from core.datasets import owners, states
from core.datasets.tables import DataGrant, DataReader, DataRequest
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people.notices import tell
from core.projects import actions as projects
from core.projects.actions import line, text
from core.projects.tables import Project
from core.projects.visibility import shown_to

LONGEST_PURPOSE = 2000
MOST_PEOPLE = 50


@dataclass(frozen=True)
class Wish:
    """What somebody wants to read; ``duration`` is in days, in production in hours."""

    columns: Sequence[str]
    purpose: str
    duration: int
    environment: str = "exploration"
    legal_basis: str = states.NO_PERSONAL_DATA
    project_id: str = ""
    people: Sequence[str] = ()
    """Ids or references of those who will read; nobody named means the requester."""


@dataclass(frozen=True)
class Contract:
    """What a dataset's specification says that a request is checked against."""

    columns: list[str]
    personal_data: str


# --- asking ----------------------------------------------------------------------------------------------------------


def draft(session: Session, *, actor: Actor, dataset: str, wish: Wish, demo: bool = False) -> DataRequest:
    """Write down a request for a dataset (its reference) without asking anybody yet."""
    policy.require(actor, "data.request")
    entry = _visible_dataset(session, actor, dataset)
    _require_offered(entry)
    request = DataRequest(
        entry_id=entry.id or 0, requested_by=actor.ref, environment="exploration", hours=24, demo=demo
    )
    _fill(session, actor, request, entry, wish)
    session.add(request)
    session.flush()
    record(session, actor, events.DataRequestDrafted(entry.key, request=request.id or 0))
    return request


def change(session: Session, *, actor: Actor, request_id: int, revision: int, wish: Wish) -> DataRequest:
    """Change one's own draft; ``revision`` is the one the requester saw."""
    request, entry = _locked(session, actor, request_id)
    _require_requester(actor, request, "changes it")
    if request.state != "draft":
        raise Conflict(f"Request {request_id} is {request.state}.", hint="Withdraw it and ask anew.")
    if request.revision != revision:
        raise Conflict(f"Request {request_id} was changed meanwhile.", hint="Open it again and repeat the change.")
    _fill(session, actor, request, entry, wish)
    request.revision += 1
    session.add(request)
    session.flush()
    record(session, actor, events.DataRequestDrafted(entry.key, request=request_id))
    return request


def submit(session: Session, *, actor: Actor, request_id: int) -> DataRequest:
    """Send a draft to the dataset's owners, complete and checked again against the contract as it stands."""
    request, entry = _locked(session, actor, request_id)
    _require_requester(actor, request, "sends it")
    policy.require(actor, "data.request")
    after = states.after(request.state, "submit")
    _require_running_project(session, request)
    _require_offered(entry, renewal=request.renews_id is not None)
    contract = contract_of(session, request.entry_id)
    if not request.purpose:
        raise Invalid("Say what the data are for; the owner decides by it.")
    states.check_columns(request.columns, contract.columns, entry.title)
    states.check_basis(request.legal_basis, contract.personal_data)
    _require_active(session, request.people)
    request.state, request.submitted_at = after, now()
    session.add(request)
    session.flush()
    _record_request(session, actor, request, entry)
    asked = f"{actor.name} asks to read {entry.title} ({request.environment})."
    tell(session, owners.deciders(session, entry), subject=entry.key, text=asked, except_for=actor)
    return request


def ask(session: Session, *, actor: Actor, dataset: str, wish: Wish, demo: bool = False) -> DataRequest:
    """Ask a dataset's owners at once: a draft that is sent as it is."""
    made = draft(session, actor=actor, dataset=dataset, wish=wish, demo=demo)
    return submit(session, actor=actor, request_id=made.id or 0)


def renew(session: Session, *, actor: Actor, request_id: int, duration: int, purpose: str = "") -> DataRequest:
    """Ask to go on reading: a new request for what was granted, which takes the grant's place once it is granted.

    Whoever asked renews it, and whoever reads by it: access does not end for all because one of them left.
    """
    old, entry = locked_request(session, request_id)
    grant = _grant_of(session, request_id)
    reads = _reads_to_the_end(session, actor, grant)
    if not reads:
        _require_sight(session, actor, old, entry)
        _require_requester(actor, old, "or reads by it renews it")
    if grant is None or old.state not in ("granted", "expired"):
        raise Conflict(f"Request {request_id} is {old.state}: there is nothing to renew.", hint="Ask anew.")
    waiting = select(DataRequest.id).where(DataRequest.renews_id == request_id)
    if (other := session.exec(waiting.where(col(DataRequest.state).in_(states.OPEN))).first()) is not None:
        raise Conflict(f"Request {other} renews it already.", hint="Wait for its decision, or withdraw it.")
    readers = _active_of(session, old.people)
    wish = Wish(
        grant.columns, purpose or old.purpose, duration, grant.environment, old.legal_basis,
        "" if reads else old.project_id or "", readers,
    )  # fmt: skip
    made = DataRequest(
        entry_id=old.entry_id, requested_by=actor.ref, environment=grant.environment, hours=grant_hours(grant),
        renews_id=request_id, demo=old.demo,
    )  # fmt: skip
    _fill(session, actor, made, entry, wish)
    if reads:  # for the project or not, they read already; only who does not read has to belong to it
        made.project_id = old.project_id
    session.add(made)
    session.flush()
    return submit(session, actor=actor, request_id=made.id or 0)


def withdraw(session: Session, *, actor: Actor, request_id: int) -> None:
    """Take one's own request back before access was given."""
    request, entry = _locked(session, actor, request_id)
    _require_requester(actor, request, "withdraws it")
    before = request.state
    request.state = states.after(before, "withdraw")
    session.add(request)
    session.flush()
    record(session, actor, events.DataRequestWithdrawn(entry.key, request=request_id))
    if before != "draft":
        gone = f"The request to read {entry.title} was withdrawn."
        tell(session, owners.deciders(session, entry), subject=entry.key, text=gone, except_for=actor)


# --- deciding --------------------------------------------------------------------------------------------------------


def approve(
    session: Session,
    *,
    actor: Actor,
    request_id: int,
    columns: Sequence[str] | None = None,
    environment: str = "",
    duration: int | None = None,
    note: str = "",
) -> DataRequest:
    """Agree to a request in whole, or in part: fewer columns, another environment, a shorter time.

    ``duration`` is in days, in production in hours. Access is given later, with evidence: see :func:`grant`.
    """
    request, entry = _to_decide(session, actor, request_id)
    _require_still_there(request, entry)
    after = states.after(request.state, "approve")
    _require_running_project(session, request)
    where = environment or request.environment
    hours = min(request.hours, _most_hours(where)) if duration is None else states.hours_of(where, duration)
    states.check_part((request.environment, request.hours), (where, hours))
    chosen = request.columns if columns is None else states.check_columns(list(columns), request.columns, "the request")
    request.state, request.decided_by, request.decided_at = after, actor.ref, now()
    request.approved_columns, request.approved_environment, request.approved_hours = chosen, where, hours
    request.reason, request.next_call_at = text("note", note, 2000), request.decided_at
    session.add(request)
    session.flush()
    in_part = (chosen, where, hours) != (request.columns, request.environment, request.hours)
    told = events.DataApproved(
        entry.key, request=request_id, requested_by=request.requested_by, columns=chosen, environment=where,
        hours=hours, in_part=in_part,
    )  # fmt: skip
    record(session, actor, told)
    how = "in part" if in_part else "in whole"
    _tell_requester(session, actor, request, entry, f"Reading {entry.title} was approved {how}; access follows.")
    return request


def reject(session: Session, *, actor: Actor, request_id: int, reason: str) -> None:
    """Turn a request down with a reason the requester can work with."""
    request, entry = _to_decide(session, actor, request_id)
    request.state = states.after(request.state, "reject")
    request.decided_by, request.decided_at = actor.ref, now()
    request.reason = _reason(reason)
    session.add(request)
    session.flush()
    told = events.DataRejected(entry.key, request=request_id, requested_by=request.requested_by, reason=request.reason)
    record(session, actor, told)
    _tell_requester(session, actor, request, entry, f"Reading {entry.title} was rejected: {request.reason}"[:500])


def grant(session: Session, *, actor: Actor, request_id: int, evidence: str) -> DataGrant:
    """Note that access was really given, with its evidence: a ticket or a link. The time runs from now."""
    request, entry = _to_decide(session, actor, request_id)
    _require_still_there(request, entry)
    checked = states.check_evidence(line("evidence", evidence, 400))
    return give(session, actor, request, entry, evidence=checked, since=now())


def give(
    session: Session, actor: Actor, request: DataRequest, entry: Entry, *, evidence: str, since: datetime
) -> DataGrant:
    """Give approved access from ``since`` on; for :func:`grant` and the webhook, which have asked permission."""
    after = states.after(request.state, "grant")
    _require_running_project(session, request)
    readers = _active_of(session, request.people)
    if not readers:
        raise Conflict("Nobody named in the request is active any more.", hint="Revoke it; others ask anew.")
    until = since + timedelta(hours=request.approved_hours)
    made = DataGrant(
        request_id=request.id or 0, entry_id=request.entry_id, columns=request.approved_columns,
        environment=request.approved_environment, evidence=evidence, granted_by=actor.ref, since=since, until=until,
    )  # fmt: skip
    request.state, request.next_call_at, request.call_failure = after, None, ""
    session.add_all([request, made])
    session.flush()
    session.add_all([DataReader(grant_id=made.id or 0, person_id=one, since=since, until=until) for one in readers])
    session.flush()
    told = events.DataGranted(
        entry.key, request=request.id or 0, grant=made.id or 0, people=_refs(readers), columns=made.columns,
        environment=made.environment, since=since.isoformat(), until=until.isoformat(), evidence=evidence,
    )  # fmt: skip
    record(session, actor, told)
    _replace_renewed(session, actor, request, entry, since)
    news = f"You can read {entry.title} until {until:%d %b %Y, %H:%M UTC}."
    tell(session, {*readers, request.requested_by}, subject=entry.key, text=news, except_for=actor)
    return made


def revoke(session: Session, *, actor: Actor, request_id: int, reason: str) -> None:
    """End access, or an approval that led to none yet, before its time: as an owner, or giving one's own back."""
    request, entry = _locked(session, actor, request_id)
    if actor.ref != request.requested_by:
        owners.require_decider(actor, scope_of(entry))
    reason, moment, made = _reason(reason), now(), _grant_of(session, request_id)
    if made is not None and request.state == "granted" and made.until <= moment:
        raise Conflict(f"Access by request {request_id} ended by itself at {made.until:%d %b %Y, %H:%M UTC}.")
    request.state = states.after(request.state, "revoke")
    session.add(request)
    reading = end(session, actor, made, moment, reason) if made else []
    session.flush()
    told = events.DataRevoked(
        entry.key, request=request_id, grant=(made.id or 0) if made else 0, people=_refs(reading),
        at=moment.isoformat(), reason=reason,
    )  # fmt: skip
    record(session, actor, told)
    lost = f"Access to {entry.title} was ended: {reason}"[:500]
    tell(session, {*reading, request.requested_by}, subject=entry.key, text=lost, except_for=actor)


def end(session: Session, actor: Actor, made: DataGrant, moment: datetime, reason: str) -> list[str]:
    """Let a grant and everybody's reading by it end at ``moment``; returns who was reading."""
    made.ended_at, made.ended_by, made.end_reason = moment, actor.ref, reason
    session.add(made)
    reading = session.exec(select(DataReader).where(DataReader.grant_id == made.id, col(DataReader.until) > moment))
    cut = list(reading)
    for one in cut:
        one.until = max(moment, one.since)
        session.add(one)
    return sorted(one.person_id for one in cut)


# --- shared ----------------------------------------------------------------------------------------------------------


def contract_of(session: Session, entry_id: int) -> Contract:
    """The columns of a dataset and whether it holds personal data, as its entry says now."""
    content = session.get(EntryContent, entry_id)
    spec: Any = content.document.get("spec", {}) if content else {}
    columns = [str(one["name"]) for one in spec.get("columns") or [] if isinstance(one, dict) and "name" in one]
    return Contract(list(dict.fromkeys(columns)), str(spec.get("personalData") or "none"))


def grant_hours(made: DataGrant) -> int:
    """How long a grant was meant to last, in hours."""
    return round((made.until - made.since).total_seconds() / 3600)


def locked_request(session: Session, request_id: int) -> tuple[DataRequest, Entry]:
    """A request and its dataset; the request is locked, so that two decisions come one after the other."""
    statement = select(DataRequest).where(DataRequest.id == request_id).with_for_update()
    found = session.exec(statement.execution_options(populate_existing=True)).first()
    entry = session.get(Entry, found.entry_id) if found else None
    if found is None or entry is None:
        raise _no_request(request_id)
    return found, entry


def _locked(session: Session, actor: Actor, request_id: int) -> tuple[DataRequest, Entry]:
    request, entry = locked_request(session, request_id)
    _require_sight(session, actor, request, entry)
    return request, entry


def _require_sight(session: Session, actor: Actor, request: DataRequest, entry: Entry) -> None:
    sees = session.exec(select(Entry.id).where(Entry.id == entry.id, visible(actor))).first() is not None
    if not sees and actor.ref != request.requested_by:
        raise _no_request(request.id or 0)


def _to_decide(session: Session, actor: Actor, request_id: int) -> tuple[DataRequest, Entry]:
    request, entry = _locked(session, actor, request_id)
    owners.require_decider(actor, scope_of(entry))
    if actor.ref == request.requested_by or actor.id in request.people:
        raise NotAllowed(
            "Nobody decides about their own access.", hint="Ask another owner of the dataset, or a manager."
        )
    if request.state == "draft":
        raise _no_request(request_id)
    return request, entry


def _fill(session: Session, actor: Actor, request: DataRequest, entry: Entry, wish: Wish) -> None:
    contract = contract_of(session, entry.id or 0)
    request.columns = states.check_columns(list(wish.columns), contract.columns, entry.title) if wish.columns else []
    request.purpose = text("purpose", wish.purpose, LONGEST_PURPOSE)
    request.hours = states.hours_of(wish.environment, wish.duration)
    request.environment = wish.environment
    request.legal_basis = states.check_basis(wish.legal_basis, contract.personal_data)
    request.project_id = _own_project(session, actor, wish.project_id)
    request.people = _known_people(session, wish.people or [actor.ref])


def _own_project(session: Session, actor: Actor, project_id: str) -> str | None:
    if not project_id:
        return None
    shown = select(Project).where(Project.id == project_id, shown_to(actor))
    project = session.exec(shown).first() if projects.is_project_id(project_id) else None
    if project is None:
        raise NotFound(f"No project {project_id[:80]!r}.", hint="The projects list shows those that you may see.")
    policy.require(actor, "entry.adopt", projects.scope_of(project))
    projects.require_running(project)
    return project.id


def _known_people(session: Session, people: Iterable[str]) -> list[str]:
    ids = sorted({one.removeprefix("person:")[:40] for one in people})
    if len(ids) > MOST_PEOPLE:
        raise Invalid(f"A request names at most {MOST_PEOPLE} people.", hint="Ask in several requests.")
    _require_active(session, ids)
    return ids


def _require_active(session: Session, people: Sequence[str]) -> None:
    if missing := sorted(set(people) - set(_active_of(session, people))):
        raise Invalid(f"Not known or not active: {', '.join(missing)}.", hint="Name people who can sign in.")


def _active_of(session: Session, people: Sequence[str]) -> list[str]:
    printable = [one for one in people if one.isprintable()]
    return sorted(session.exec(select(Person.id).where(col(Person.id).in_(printable), col(Person.active))))


def _visible_dataset(session: Session, actor: Actor, ref: str) -> Entry:
    key = "".join(one for one in normalise(ref.strip(), "dataset") if one.isprintable())[:190]
    entry = session.exec(select(Entry).where(Entry.key == key, Entry.kind == "dataset", visible(actor))).first()
    if entry is None:
        raise NotFound(f"No dataset {key}.", hint="The datasets list shows those you may see.")
    return entry


def _require_offered(entry: Entry, *, renewal: bool = False) -> None:
    if entry.lifecycle == Lifecycle.approved or (renewal and entry.lifecycle == Lifecycle.deprecated):
        return
    hint = f"Ask for its successor {entry.successor} instead." if entry.successor else "Look for another dataset."
    raise Conflict(f"{entry.title} is {entry.lifecycle}; access to it is not given any more or not yet.", hint=hint)


def _require_still_there(request: DataRequest, entry: Entry) -> None:
    try:
        _require_offered(entry, renewal=request.renews_id is not None)
    except Conflict as gone:
        raise Conflict(gone.message, hint="Reject the request, and name what replaces the dataset.") from gone


def _require_requester(actor: Actor, request: DataRequest, does: str) -> None:
    if actor.ref != request.requested_by:
        raise NotAllowed(f"Only who asked {does}.", hint="Ask for access yourself.")


def _require_running_project(session: Session, request: DataRequest) -> None:
    """Data that are read for a project are read as long as it runs; the sweep ends what was granted before it ended."""
    project = session.get(Project, request.project_id, populate_existing=True) if request.project_id else None
    if project is not None and project.stage not in projects.ACTIVE_STAGES:
        raise Conflict(
            f"{project.title}, for which the data were asked, is {project.stage}.", hint="Reject or revoke the request."
        )


def _reads_to_the_end(session: Session, actor: Actor, grant: DataGrant | None) -> bool:
    """Whether ``actor`` reads by a grant, or read by it when it ended."""
    if grant is None:
        return False
    end = min(grant.until, grant.ended_at or grant.until)
    mine = (DataReader.grant_id == grant.id, DataReader.person_id == actor.id, col(DataReader.until) >= end)
    return session.exec(select(DataReader.person_id).where(*mine)).first() is not None


def _grant_of(session: Session, request_id: int) -> DataGrant | None:
    return session.exec(select(DataGrant).where(DataGrant.request_id == request_id)).first()


def _replace_renewed(session: Session, actor: Actor, request: DataRequest, entry: Entry, moment: datetime) -> None:
    if request.renews_id is None:
        return
    old, _ = locked_request(session, request.renews_id)
    made = _grant_of(session, request.renews_id)
    if made is None or old.state != "granted":
        return
    old.state = states.after(old.state, "expire")
    session.add(old)
    end(session, actor, made, min(moment, made.until), f"renewed by request {request.id}")
    session.flush()
    told = events.DataExpired(
        entry.key, request=old.id or 0, grant=made.id or 0, at=(made.ended_at or moment).isoformat(),
        renewed_by=request.id or 0,
    )  # fmt: skip
    record(session, actor, told)


def _record_request(session: Session, actor: Actor, request: DataRequest, entry: Entry) -> None:
    told = events.DataRequested(
        entry.key, request=request.id or 0, project=request.project_id or "", people=_refs(request.people),
        columns=request.columns, environment=request.environment, hours=request.hours, basis=request.legal_basis,
        renews=request.renews_id or 0,
    )  # fmt: skip
    record(session, actor, told)


def _tell_requester(session: Session, actor: Actor, request: DataRequest, entry: Entry, news: str) -> None:
    tell(session, [request.requested_by], subject=entry.key, text=news, except_for=actor)


def _most_hours(environment: str) -> int:
    return states.LONGEST_PRODUCTION_HOURS if environment == states.PRODUCTION else states.LONGEST_DAYS * 24


def _reason(reason: str) -> str:
    given = text("reason", reason, 2000)
    if not given:
        raise Invalid("Say why; those who are concerned will read it.")
    return given


def _refs(people: Iterable[str]) -> list[str]:
    return [f"person:{one}" for one in people]


def _no_request(request_id: int) -> NotFound:
    return NotFound(f"No data request {request_id}.", hint="Your requests and those you decide are under Datasets.")
