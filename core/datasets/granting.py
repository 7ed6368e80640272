"""The grant webhook: approved requests are posted to the system that gives access, and its answer is the evidence.

The operator sets address and key (``PORTAL_GRANT_WEBHOOK_URL``, ``PORTAL_GRANT_WEBHOOK_SECRET``). The body is JSON; the
header ``X-Portal-Signature`` is ``sha256=`` and the HMAC of ``<X-Portal-Timestamp>.<body>``. Any 2xx answer with JSON
``{"reference": "…"}`` means that access was given. A request is posted again until it is answered, with the same
``Idempotency-Key``: a receiver that knows the key answers with the same reference. Of two runs that overlap one posts a
request: each call is claimed first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any

from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.access.tables import Person
from core.config import settings
from core.datasets.actions import give, locked_request
from core.datasets.tables import DataGrant, DataRequest
from core.db import now
from core.errors import PortalError, Unavailable
from core.people.notices import tell

log = logging.getLogger("portal.grants")

TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
CALLS_AT_ONCE = 20
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
CLAIM = timedelta(minutes=10)
"""How long a run that is posting a request keeps it from others; one that was killed meanwhile loses it then."""


@dataclass(frozen=True)
class Call:
    """What is posted for one approved request; the time of access runs from ``since``."""

    request_id: int
    since: datetime
    body: dict[str, Any]


@dataclass(frozen=True)
class Called:
    """How many calls led to a grant, and how many failed."""

    granted: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"{self.granted} granted, {self.failed} calls failed"


def call_waiting(actor: Actor) -> Called:
    """Call the webhook for every approved request whose turn it is; one after the other, outside transactions."""
    policy.require(actor, "admin.jobs")
    if not settings().grant_webhook_url:
        return Called()
    with db.reading() as session:
        due = waiting(session)
    outcomes = [_call(actor, call) for one in due if (call := _claimed(actor, one))]
    return Called(sum(outcomes), len(outcomes) - sum(outcomes))


def waiting(session: Session) -> list[int]:
    """The approved requests that are to be posted now, the oldest first."""
    statement = (
        select(DataRequest.id)
        .where(DataRequest.state == "approved", col(DataRequest.next_call_at) <= now())
        .order_by(col(DataRequest.next_call_at), col(DataRequest.id))
        .limit(CALLS_AT_ONCE)
    )
    return [one for one in session.exec(statement) if one is not None]


def claim(session: Session, *, actor: Actor, request_id: int) -> Call | None:
    """Take the call for a request, which nobody else posts for :data:`CLAIM`; ``None`` where it is not due any more."""
    policy.require(actor, "admin.jobs")
    request, entry = locked_request(session, request_id)
    moment = now()
    if request.state != "approved" or request.next_call_at is None or request.next_call_at > moment:
        return None
    request.next_call_at = moment + CLAIM
    session.add(request)
    session.flush()
    return _of(session, request, entry.key, moment)


def post(call: Call) -> str:
    """Post a call; returns the reference that was answered, or raises :class:`Unavailable` saying what was wrong."""
    body = json.dumps(call.body, separators=(",", ":"), sort_keys=True).encode()
    stamp = str(int(call.since.timestamp()))
    chosen = settings()
    headers = {
        "Content-Type": "application/json", "X-Portal-Timestamp": stamp,
        "X-Portal-Signature": signature(chosen.grant_webhook_secret.get_secret_value(), stamp, body),
        "Idempotency-Key": f"data-request-{call.request_id}",
    }  # fmt: skip
    request = urllib.request.Request(chosen.grant_webhook_url, body, headers, method="POST")  # noqa: S310 (checked)
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _reference(answer.status, answer.read(LONGEST_ANSWER + 1))
    except urllib.error.HTTPError as error:
        with error:
            raise Unavailable(f"The grant webhook answered {error.code}.") from error
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Unavailable(f"The grant webhook does not answer: {reason}."[:500]) from error


def signature(secret: str, stamp: str, body: bytes) -> str:
    """The header that shows that a post comes from this portal and was not changed."""
    return "sha256=" + hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def grant_by_webhook(session: Session, *, actor: Actor, call: Call, reference: str) -> None:
    """Note the access that the webhook gave, for the time that was posted; noted by an earlier answer, it stays so."""
    policy.require(actor, "admin.jobs")
    request, entry = locked_request(session, call.request_id)
    evidence = f"webhook {reference}"
    noted = select(DataGrant.id).where(DataGrant.request_id == call.request_id, DataGrant.evidence == evidence)
    if request.state == "granted" and session.exec(noted).first() is not None:
        return
    give(session, actor, request, entry, evidence=evidence, since=call.since)


def note_failure(session: Session, *, actor: Actor, request_id: int, failure: str) -> None:
    """Keep why a call failed, where the owner sees it, and when the next one is due: each waits twice as long."""
    policy.require(actor, "admin.jobs")
    request, entry = locked_request(session, request_id)
    request.calls += 1
    request.call_failure = failure[:1000]
    if request.state == "approved":
        request.next_call_at = now() + min(_FIRST_WAIT * 2 ** min(request.calls - 1, 20), _LONGEST_WAIT)
    session.add(request)
    session.flush()
    if request.calls == 1 or request.state != "approved":
        outcome = "was given another way" if request.state == "granted" else "was not given"
        news = f"Access to {entry.title} by request {request_id} {outcome}: {failure}"
        tell(session, [request.decided_by or ""], subject=entry.key, text=news)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is no answer: the signed body goes to the address that the operator set, and nowhere else."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def _of(session: Session, request: DataRequest, key: str, moment: datetime) -> Call:
    active = session.exec(select(Person.id).where(col(Person.id).in_(request.people), col(Person.active)))
    until = moment + timedelta(hours=request.approved_hours)
    body = {
        "request": request.id, "dataset": key, "people": sorted(f"person:{one}" for one in active),
        "project": request.project_id or "", "columns": request.approved_columns,
        "environment": request.approved_environment, "until": until.isoformat(),
    }  # fmt: skip
    return Call(request.id or 0, moment, body)


def _claimed(actor: Actor, request_id: int) -> Call | None:
    with db.writing() as session:
        return claim(session, actor=actor, request_id=request_id)


def _call(actor: Actor, call: Call) -> bool:
    try:
        reference = post(call)
    except Unavailable as error:
        log.warning("Request %s: %s", call.request_id, error.message)
        _note(actor, call, error.message)
        return False
    try:
        with db.writing() as session:
            grant_by_webhook(session, actor=actor, call=call, reference=reference)
    except PortalError as error:  # withdrawn or revoked meanwhile: what was given out there has to be taken back
        _note(actor, call, f"The webhook gave access ({reference}), but {error.message} Take it back there.")
        return False
    return True


def _note(actor: Actor, call: Call, failure: str) -> None:
    with db.writing() as session:
        note_failure(session, actor=actor, request_id=call.request_id, failure=failure)


def _reference(status: int, body: bytes) -> str:
    if not 200 <= status < 300 or len(body) > LONGEST_ANSWER:
        raise ValueError(f"its answer is not usable (status {status}, {len(body)} bytes)")
    answer = json.loads(body)
    reference = answer.get("reference") if isinstance(answer, dict) else None
    if not isinstance(reference, str) or not 0 < len(reference.strip()) <= 300 or not reference.isprintable():
        raise ValueError("its answer names no reference")
    return reference.strip()
