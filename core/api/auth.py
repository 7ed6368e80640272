"""Who calls: a bearer token becomes an actor, anew for every request. Cookies count for nothing here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Annotated

from fastapi import BackgroundTasks, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session

from core import db
from core.access import queries
from core.access.policy import Actor
from core.api.errors import Unauthenticated
from core.people import actions as people

log = logging.getLogger("portal.api")
NOTED_EVERY = 60.0
"""Seconds in which the use of a token is noted at most once."""

_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token with the scope the operation names. An administrator creates tokens on the Admin page, an "
    "operator with `python -m core token create`.",
)
_noted: dict[str, float] = {}


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]


def actor(credentials: Credentials, background: BackgroundTasks) -> Actor:
    """The actor behind the request's token."""
    with db.reading() as session:
        found = known(session, credentials)
    note_use(found, credentials, background)
    return found


def known(session: Session, credentials: Credentials) -> Actor:
    """The actor behind a token as the store has it now; raises :class:`Unauthenticated` where there is none."""
    found = all_known(session, [credentials])[0]
    if isinstance(found, Unauthenticated):
        raise found
    return found


def all_known(session: Session, credentials: Sequence[Credentials]) -> list[Actor | Unauthenticated]:
    """:func:`known` for several requests at once, with the refusals in the place of actors."""
    actors = queries.actors_for_tokens(session, {one.credentials for one in credentials if one is not None})
    return [_missing() if one is None else actors.get(one.credentials) or _unknown() for one in credentials]


def _missing() -> Unauthenticated:
    return Unauthenticated(
        "This takes a token.", hint="Send `Authorization: Bearer …`; `python -m core token create` makes a token."
    )


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "This token is unknown, has expired or was revoked.", hint="Ask an administrator for a new one."
    )


def note_use(found: Actor, credentials: Credentials, background: BackgroundTasks) -> None:
    """Note after the answer that the token was used."""
    if credentials is not None and _is_due(queries.digest(credentials.credentials)):
        background.add_task(_note_use, int(found.id))


Caller = Annotated[Actor, Depends(actor)]


def _is_due(digest: str) -> bool:
    moment = monotonic()
    if moment - _noted.get(digest, -NOTED_EVERY) < NOTED_EVERY:
        return False
    _noted[digest] = moment
    return True


def _note_use(token_id: int) -> None:
    """Runs after the answer: a store that is busy or gone delays and fails nobody's request."""
    try:
        with db.writing() as session:
            people.note_use(session, token_id=token_id)
    except Exception:
        log.warning("The use of token %d could not be noted.", token_id, exc_info=True)
