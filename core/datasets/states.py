"""The rules of access to data, without a store: states, environments, durations, legal bases, reminders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.errors import Conflict, Invalid

NEXT: dict[str, dict[str, str]] = {
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"},
    "approved": {"grant": "granted", "revoke": "revoked", "withdraw": "withdrawn"},
    "granted": {"expire": "expired", "revoke": "revoked"},
    "expired": {},
    "revoked": {},
    "rejected": {},
    "withdrawn": {},
}
"""State → what may be done → the state that follows. A renewal is a request of its own."""

STATES = tuple(NEXT)
OPEN = tuple(state for state, following in NEXT.items() if following)

ENVIRONMENTS: Mapping[str, str] = {
    "exploration": "Exploration", "development": "Development", "test": "Test", "production": "Production",
}  # fmt: skip
PRODUCTION = "production"
LONGEST_DAYS = 365
LONGEST_PRODUCTION_HOURS = 72

LEGAL_BASES: Mapping[str, str] = {
    "no personal data": "No personal data",
    "consent": "Consent of the person (GDPR Art. 6(1)(a))",
    "contract": "Performance of a contract (GDPR Art. 6(1)(b))",
    "legal obligation": "Legal obligation (GDPR Art. 6(1)(c))",
    "vital interests": "Vital interests (GDPR Art. 6(1)(d))",
    "public task": "Public interest or official authority (GDPR Art. 6(1)(e))",
    "legitimate interests": "Legitimate interests (GDPR Art. 6(1)(f))",
}
"""Legal basis → its name with the place in Regulation (EU) 2016/679."""
NO_PERSONAL_DATA = "no personal data"

REMINDERS: Mapping[bool, tuple[int, ...]] = {False: (14 * 24, 3 * 24, 24), True: (8, 1)}
"""Whether it is production → hours before its end at which a grant's people are reminded, the earliest first."""

_URL = re.compile(r"https?://[^\s<>\"']+")


def after(state: str, action: str) -> str:
    """The state that follows; raises :class:`Conflict` where ``action`` is not possible."""
    following = NEXT[state].get(action)
    if following is None:
        possible = ", ".join(NEXT[state]) or "nothing: this state is final"
        raise Conflict(f"The request is {state} already; it takes no “{action}”.", hint=f"Possible: {possible}.")
    return following


def hours_of(environment: str, duration: int) -> int:
    """``duration`` in hours: it is given in days, in production in hours; refuses what is too short or too long."""
    _check_environment(environment)
    if environment == PRODUCTION:
        if not 1 <= duration <= LONGEST_PRODUCTION_HOURS:
            hint = "Access to production is given just in time; ask again when it is needed again."
            raise Invalid(f"Production takes 1 to {LONGEST_PRODUCTION_HOURS} hours, not {duration}.", hint=hint)
        return duration
    if not 1 <= duration <= LONGEST_DAYS:
        raise Invalid(
            f"Access lasts 1 to {LONGEST_DAYS} days, not {duration}.", hint="It can be renewed before it ends."
        )
    return duration * 24


def duration_of(environment: str, hours: int) -> tuple[int, str]:
    """``hours`` as people say them in this environment: (number, ``hours`` or ``days``)."""
    return (hours, "hours") if environment == PRODUCTION else (max(hours // 24, 1), "days")


def check_basis(basis: str, personal_data: str) -> str:
    """``basis``, if it is one and fits data that are ``none``, ``pseudonymised`` or ``direct``."""
    if basis not in LEGAL_BASES:
        raise Invalid("Choose the legal basis for reading these data.", hint=f"Possible: {', '.join(LEGAL_BASES)}.")
    if personal_data != "none" and basis == NO_PERSONAL_DATA:
        hint = "Ask the data protection officer which of GDPR Art. 6(1) (a) to (f) holds."
        raise Invalid("This dataset holds personal data: reading it needs a legal basis.", hint=hint)
    return basis


def check_columns(wanted: list[str], possible: list[str], where: str) -> list[str]:
    """``wanted`` in the order of ``possible``, once each; refuses what is not among them, and nothing at all."""
    if unknown := sorted(set(wanted) - set(possible)):
        named = ", ".join(one[:80] for one in unknown[:5])
        raise Invalid(f"Not among the columns of {where}: {named}.", hint=f"Possible: {', '.join(possible[:40])}.")
    if possible and not wanted:
        raise Invalid("Choose the columns: at least one.", hint="The fewer, the sooner an owner can say yes.")
    return [one for one in possible if one in set(wanted)]


def check_part(asked: tuple[str, int], approved: tuple[str, int]) -> None:
    """Refuse to approve more than was asked; both are (environment, hours)."""
    _check_environment(approved[0])
    if approved[0] == PRODUCTION != asked[0]:
        raise Invalid("Production is approved only where it was asked for.", hint="The requester can ask again.")
    if approved[1] > asked[1]:
        raise Invalid("An approval is for as long as was asked, or shorter.", hint="The requester can ask again.")


def check_evidence(evidence: str) -> str:
    """``evidence`` that access was given: a ticket's number, or a link that is one."""
    if "://" in evidence and not _URL.fullmatch(evidence):
        raise Invalid("The evidence is a link that cannot be opened.", hint="Give an http or https link, or a ticket's number.")  # fmt: skip
    if len(evidence) < 3:
        raise Invalid("A grant needs its evidence.", hint="Give the number of the ticket, or a link to it.")
    return evidence


def due_reminder(environment: str, since: datetime, until: datetime, reminded: int | None, at: datetime) -> int | None:
    """The reminder (hours before the end) that is due ``at`` a moment and was not given; the latest where several are.

    A grant that is shorter than a reminder's notice skips that reminder: nobody wants one on the first day.
    """
    left, length = until - at, until - since
    if left <= timedelta(0):
        return None
    due = [one for one in REMINDERS[environment == PRODUCTION] if left <= timedelta(hours=one) < length]
    latest = min(due, default=None)
    return latest if latest is not None and (reminded is None or latest < reminded) else None


def _check_environment(environment: str) -> None:
    if environment not in ENVIRONMENTS:
        raise Invalid(f"{environment[:40]!r} is not an environment.", hint=f"Possible: {', '.join(ENVIRONMENTS)}.")
