"""Status as icon, word and colour; moments as a distance with the exact time beside it."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.catalog.kinds import TITLES
from core.db import now

KIND_ICONS = {
    "asset": "code", "dataset": "dataset", "model": "model_training", "environment": "deployed_code",
    "pipeline": "account_tree", "pattern": "schema", "template": "content_copy", "checklist": "checklist",
    "principle": "balance", "assessment": "speed", "guide": "menu_book", "course": "school", "policy": "policy",
    "project": "rocket_launch", "repository": "public",
}  # fmt: skip

LIFECYCLES = {
    "proposed": ("Proposed", ":material/pending:", "orange"),
    "approved": ("Approved", ":material/check_circle:", "green"),
    "deprecated": ("Deprecated", ":material/warning:", "orange"),
    "retired": ("Retired", ":material/block:", "gray"),
}

CLASSIFICATIONS = {
    "public": ("Public", ":material/public:", "gray"),
    "internal": ("Internal", ":material/home_work:", "gray"),
    "confidential": ("Confidential", ":material/lock:", "orange"),
    "restricted": ("Restricted", ":material/lock:", "red"),
}

_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def kind_title(kind: str) -> str:
    """The kind's name as people say it."""
    return TITLES.get(kind, kind.capitalize())


def kind_icon(kind: str) -> str:
    """The kind's icon."""
    return f":material/{KIND_ICONS.get(kind, 'description')}:"


def text(label: str, icon: str, color: str) -> str:
    """A badge inside Markdown."""
    return f":{color}-badge[{icon} {label}]"


def status_line(kind: str, lifecycle: str, classification: str = "internal", *, stale: bool = False) -> str:
    """The badges of an entry in one line of Markdown; what is as usual is left out."""
    parts = [text(kind_title(kind), kind_icon(kind), "blue")]
    if lifecycle in LIFECYCLES:
        parts.append(text(*LIFECYCLES[lifecycle]))
    if classification != "internal" and classification in CLASSIFICATIONS:
        parts.append(text(*CLASSIFICATIONS[classification]))
    if stale:
        parts.append(text("Stale: gone from its source", ":material/history_toggle_off:", "orange"))
    return " ".join(parts)


def ago(moment: datetime | None) -> str:
    """How long ago ``moment`` was, in words."""
    if moment is None:
        return "never"
    seconds = (now() - moment).total_seconds()
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def due(moment: datetime) -> str:
    """How far away a moment is until which something is to be done: ``due in 2 days``, ``overdue by 3 hours``."""
    left = (moment - now()).total_seconds()
    for unit, length in _UNITS:
        if abs(left) >= length:
            far = count(int(abs(left) // length), unit)
            return f"due in {far}" if left > 0 else f"overdue by {far}"
    return "due now"


def exact(moment: datetime | None) -> str:
    """``moment`` to the minute, in UTC."""
    return moment.strftime("%d %b %Y, %H:%M UTC") if moment else "never"


def when(label: str, moment: datetime | None) -> None:
    """A caption such as "Changed 3 days ago", with the exact time on hover."""
    st.caption(f"{label} {ago(moment)}", help=exact(moment))


def count(number: int, singular: str, plural: str = "") -> str:
    """``3 projects``, ``1 project``, ``no projects``."""
    many = plural or f"{singular}s"
    return f"no {many}" if number == 0 else f"1 {singular}" if number == 1 else f"{number:,} {many}"
