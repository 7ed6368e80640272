"""When a waiver counts, and what it may ask for: pure rules, which the record and the standing of a case read too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.errors import Invalid
from core.reviews.states import BREAK_GLASS_HOURS
from core.reviews.tables import Waiver

WAIVER = "waiver"
BREAK_GLASS = "break-glass"
LONGEST = {WAIVER: timedelta(days=90), BREAK_GLASS: timedelta(hours=BREAK_GLASS_HOURS)}
"""Kind → the longest time it holds: the portal's own measure."""


def is_open(waiver: Waiver) -> bool:
    """Whether it still waits for somebody to approve or refuse it."""
    return not (waiver.refused_at or waiver.ended_at or _is_approved(waiver))


def in_force(waiver: Waiver, at: datetime) -> bool:
    """Whether it lets its items pass at a moment: approved, break-glass by two, not ended, and not over."""
    return _is_approved(waiver) and not (waiver.refused_at or waiver.ended_at) and at < waiver.expires_at


def waived(waivers: Iterable[Waiver], items: Iterable[str], at: datetime) -> frozenset[str]:
    """Those of ``items`` that some waiver lets pass at a moment; break-glass lets all of them."""
    counting = [one for one in waivers if in_force(one, at)]
    if any(one.kind == BREAK_GLASS for one in counting):
        return frozenset(items)
    return frozenset(items) & {one.item_id for one in counting}


def require_time(kind: str, expires_at: datetime, at: datetime) -> None:
    """Refuse an end that lies in the past or further away than a waiver of this kind may hold."""
    if expires_at.tzinfo is None or not at < expires_at <= at + LONGEST[kind]:
        longest = "90 days" if kind == WAIVER else f"{BREAK_GLASS_HOURS} hours"
        raise Invalid(f"A {kind} ends within {longest} from now.", hint="Choose a moment in that time.")


def _is_approved(waiver: Waiver) -> bool:
    return waiver.approved_at is not None and (waiver.kind != BREAK_GLASS or waiver.second_by is not None)
