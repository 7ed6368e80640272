"""The states of a review case as a pure policy: which step leads where, who has the ball, what must hold.

Nothing here reads a store or a clock; :mod:`core.reviews.deciding` asks it, and the property test tries to break it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import Conflict

NEXT: dict[str, dict[str, str]] = {
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {"begin": "in review", "withdraw": "withdrawn"},
    "in review": {
        "request changes": "changes requested", "approve": "approved",
        "approve with conditions": "approved with conditions", "reject": "rejected", "withdraw": "withdrawn",
    },
    "changes requested": {"submit": "submitted", "withdraw": "withdrawn"},
    "approved": {"suspend": "suspended", "expire": "expired", "supersede": "superseded", "revoke": "revoked"},
    "approved with conditions": {
        "meet conditions": "approved", "suspend": "suspended", "expire": "expired", "supersede": "superseded",
        "revoke": "revoked",
    },
    "suspended": {"reopen": "in review", "revoke": "revoked"},
    "rejected": {},
    "withdrawn": {},
    "revoked": {},
    "expired": {},
    "superseded": {},
}  # fmt: skip
"""State → step → the state that follows."""

OPEN = ("draft", "submitted", "in review", "changes requested")
"""States in which no decision has been made yet."""
APPROVED = ("approved", "approved with conditions")
ENDED = tuple(state for state, following in NEXT.items() if not following)
"""States without a way out."""
WITH_OWNER = ("draft", "changes requested")
"""States in which the owner has the ball, and the reviewers' clock stands."""
EDITABLE = WITH_OWNER

TIER_DAYS = {"minimal": 10, "limited": 5, "high": 5, "prohibited": 5}
"""Tier → working days in which reviewers decide: the portal's own measure."""
TIER_VALIDITY = {"minimal": 730, "limited": 365, "high": 182, "prohibited": 182}
"""Tier → days an approval holds (24, 12 and 6 months): the portal's own measure."""
BREAK_GLASS_HOURS = 72
"""Longest time for which two people may waive everything."""
SIGNING_ROLES = {"model validator": "sign.technical", "domain expert": "sign.domain", "reviewer": "sign.ethics"}
"""Role of the quorum → the permission that its signature takes."""


def after(state: str, step: str) -> str:
    """The state that follows; raises :class:`Conflict` where ``step`` is not possible."""
    following = NEXT[state].get(step)
    if following is None:
        possible = ", ".join(NEXT[state]) or "nothing: this state is final"
        raise Conflict(f"The case is {state}; it takes no “{step}”.", hint=f"Possible: {possible}.")
    return following


@dataclass(frozen=True)
class Standing:
    """How one applicable item of a case stands."""

    item: str
    blocking: bool
    needs_answer: bool
    answered: bool
    verdict: str = ""
    """The verdict of its check; empty where it has none."""
    not_applicable: bool = False
    agreed: bool = False
    """Whether a reviewer agrees that it does not apply."""
    waived: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether it needs nothing more from anybody: let pass, or answered where somebody is asked and not doubted."""
        if self.waived or self.not_applicable:
            return True
        return (self.answered or not self.needs_answer) and self.verdict in ("", "pass")


def missing_for_submission(items: Iterable[Standing]) -> list[str]:
    """The items that keep a case from being submitted: unanswered, or blocking with evidence missing."""
    return [
        one.item for one in items
        if not one.not_applicable
        and ((one.needs_answer and not one.answered) or (one.blocking and one.verdict == "missing" and not one.waived))
    ]  # fmt: skip


def against_approval(items: Iterable[Standing], *, tier: str) -> list[str]:
    """The items that keep a case from being approved (invariants 8 and 10)."""
    return [one.item for one in items if one.blocking and not one.waived and not _holds(one, tier)]


def _holds(item: Standing, tier: str) -> bool:
    if item.not_applicable:
        return item.agreed or tier != "high"
    if item.verdict:
        return item.verdict == "pass"
    return item.answered


def seats_left(quorum: Mapping[str, int], signed: Iterable[str]) -> dict[str, int]:
    """Role → how many signatures are still needed, given the roles in which people signed for approval."""
    roles = list(signed)
    left = {role: count - roles.count(role) for role, count in quorum.items()}
    return {role: count for role, count in left.items() if count > 0}
