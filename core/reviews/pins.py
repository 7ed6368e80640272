"""The signing PIN: a person's second component when they sign, accept a risk or revoke, kept as an argon2id hash.

A wrong PIN has to be counted although the signature does not come about, so it is *returned* as :class:`Refused`, which
lets the edge's transaction commit; everything else is raised as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlmodel import Session

from core.access import policy, queries
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed
from core.people.notices import tell
from core.reviews.tables import SigningPin

SHORTEST, LONGEST = 6, 64
WRONG = 5
"""So many wrong PINs in a row lock it: the portal's own measure."""
LOCKED_FOR = timedelta(minutes=15)

_hasher = PasswordHasher()  # argon2id with the low-memory parameters of RFC 9106
_STRAIGHT = "01234567890 09876543210 abcdefghijklmnopqrstuvwxyz zyxwvutsrqponmlkjihgfedcba"


@dataclass(frozen=True)
class Refused:
    """The PIN was wrong, or is locked: nothing was signed, and the try was counted."""

    message: str
    hint: str
    locked_until: datetime | None = None

    def as_error(self) -> NotAllowed:
        """The refusal for edges, which raise or show it after their transaction has ended."""
        return NotAllowed(self.message, code="pin_locked" if self.locked_until else "wrong_pin", hint=self.hint)


def has_pin(session: Session, actor: Actor) -> bool:
    """Whether ``actor`` has set a PIN."""
    return session.get(SigningPin, actor.id) is not None


def set_pin(session: Session, *, actor: Actor, pin: str, current: str = "") -> Refused | None:
    """Set one's own PIN, or change it by showing the ``current`` one; a wrong one is counted as at signing."""
    if actor.kind != "person" or queries.actor_for(session, actor.id) is None:
        raise NotAllowed("Only an active person has a signing PIN.")
    _require_usable(pin)
    row = _locked(session, actor)
    if row is not None and (refused := _compare(session, actor, row, current)):
        return refused
    row = row or SigningPin(person_id=actor.id, hash="")
    row.hash, row.set_at, row.failures, row.locked_until = _hasher.hash(pin), now(), 0, None
    session.add(row)
    session.flush()
    record(session, actor, events.SigningPinSet(actor.ref))
    return None


def check(session: Session, *, actor: Actor, pin: str) -> Refused | None:
    """Nothing where ``pin`` is right; otherwise the refusal, counted in this transaction, which has to be committed."""
    row = _locked(session, actor)
    if row is None:
        raise Conflict("You have no signing PIN yet.", code="no_pin", hint="Set one first, then sign.")
    return _compare(session, actor, row, pin)


def reset(session: Session, *, actor: Actor, person_id: str) -> None:
    """Take away the PIN that a person forgot; they set a new one themselves, and are told."""
    policy.require(actor, "admin.people")
    person = queries.person(session, person_id)
    row = session.get(SigningPin, person.id, with_for_update=True)
    if row is None:
        raise Conflict(f"{person.name} has no signing PIN.")
    session.delete(row)
    session.flush()
    record(session, actor, events.SigningPinReset(f"person:{person.id}"))
    told = f"{actor.name} took your signing PIN away. Set a new one before you sign; if you did not ask for it, say so."
    tell(session, [person.id], subject=f"person:{person.id}", text=told, except_for=actor)


def _locked(session: Session, actor: Actor) -> SigningPin | None:
    """The row for this transaction alone: tries at once are counted one after the other."""
    return session.get(SigningPin, actor.id, with_for_update=True, populate_existing=True)


def _compare(session: Session, actor: Actor, row: SigningPin, pin: str) -> Refused | None:
    moment = now()
    if row.locked_until is not None and moment < row.locked_until:
        return _locked_out(row.locked_until)
    right = _is_right(row.hash, pin)
    row.failures = 0 if right else row.failures + 1
    row.locked_until = moment + LOCKED_FOR if row.failures >= WRONG else None
    session.add(row)
    session.flush()
    return None if right else _counted(session, actor, row)


def _counted(session: Session, actor: Actor, row: SigningPin) -> Refused:
    failures, until = row.failures, row.locked_until
    record(session, actor, events.SigningPinFailed(actor.ref, failures=failures, locked=until is not None))
    if until is None:
        left = WRONG - failures
        return Refused(
            "The PIN is wrong.", f"{left} more {'try' if left == 1 else 'tries'}, then it locks for a while."
        )
    row.failures = 0  # when the lock ends, counting begins anew
    session.add(row)
    told = f"Your signing PIN was locked after {WRONG} wrong tries. If it was not you, tell an administrator."
    tell(session, [actor.id], subject=actor.ref, text=told)
    return _locked_out(until)


def _locked_out(until: datetime) -> Refused:
    return Refused(
        f"The PIN is locked after {WRONG} wrong tries.", f"Try again after {until:%H:%M UTC on %d %b %Y}.", until
    )


def _is_right(hash_: str, pin: str) -> bool:
    if len(pin) > LONGEST:
        return False
    try:
        return _hasher.verify(hash_, pin.encode("utf-8", "surrogatepass"))
    except VerifyMismatchError:
        return False


def _require_usable(pin: str) -> None:
    if not (SHORTEST <= len(pin) <= LONGEST and pin.isprintable()):
        raise Invalid(f"A signing PIN has {SHORTEST} to {LONGEST} printable characters.")
    if len(set(pin)) < 3 or pin.lower() in _STRAIGHT:
        raise Invalid("This PIN is the first that anybody would try.", hint="Mix its characters.")
