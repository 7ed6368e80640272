"""What a checklist asks of a case beside its items: quorum, environments, days and validity, by the tier of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Conflict
from core.projects.tier import TIERS
from core.reviews.states import SIGNING_ROLES, TIER_DAYS, TIER_VALIDITY

ENVIRONMENTS = ("production",)
"""Where an approval lets its subject go, unless the checklist names others."""


@dataclass(frozen=True)
class Terms:
    """The terms of one case, frozen with its items."""

    quorum: dict[str, int]
    environments: list[str]
    days: int
    validity_days: int


def terms_of(content: Mapping[str, Any], tier: str) -> Terms:
    """The terms for ``tier`` by the content of a checklist version; every value may be a mapping of tier → value.

    Raises :class:`Conflict` where nobody could ever decide: without a quorum, or with a role that signs nothing.
    """
    environments = _for_tier(content.get("environments"), tier) or ENVIRONMENTS
    days = _for_tier(content.get("days"), tier) or TIER_DAYS[tier]
    validity = _for_tier(content.get("validityDays"), tier) or TIER_VALIDITY[tier]
    return Terms(_quorum(content, tier), list(environments), int(days), int(validity))


def _quorum(content: Mapping[str, Any], tier: str) -> dict[str, int]:
    wanted = _for_tier(content.get("quorum"), tier) or {}
    quorum = {role: int(_for_tier(count, tier) or 0) for role, count in wanted.items()}
    quorum = {role: count for role, count in quorum.items() if count > 0}
    if not quorum or not set(quorum) <= set(SIGNING_ROLES):
        unfit = ", ".join(sorted(set(quorum) - set(SIGNING_ROLES))) or "nobody"
        raise Conflict(
            f"This checklist wants signatures of {unfit} at the tier {tier}: no case could be decided by it.",
            hint=f"Somebody mends its quorum and publishes a new version. Roles that sign: {', '.join(SIGNING_ROLES)}.",
        )
    return quorum


def _for_tier(value: Any, tier: str) -> Any:
    """``value`` itself, or what it says for ``tier`` where it is a mapping by tier."""
    return value.get(tier) if isinstance(value, Mapping) and set(value) & set(TIERS) else value
