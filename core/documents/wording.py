"""How documents say things: answers, findings, figures and moments in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_VERDICTS = {"pass": "passes", "fail": "fails", "inconclusive": "inconclusive", "missing": "evidence is missing"}


def moment(at: datetime | None) -> str:
    """A moment to the minute, in UTC; a dash where there is none."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "–"


def figure(value: float | None) -> str:
    """A number with four significant digits."""
    return "–" if value is None else f"{value:.4g}"


def answer(item: Mapping[str, Any]) -> str:
    """What the team answered to an item of the record."""
    given = item.get("answer") or {}
    if given.get("not_applicable"):
        return f"Does not apply: {given.get('note', '')}"
    value, note = given.get("value"), str(given.get("note", ""))
    if value is None:
        return note
    words = {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)
    return f"{words} – {note}" if note else words


def finding(item: Mapping[str, Any]) -> str:
    """What the check of an item said."""
    found = item.get("finding") or {}
    if not found:
        return ""
    return f"{_VERDICTS.get(found.get('verdict', ''), '')}: {found.get('text', '')}"


def interval(found: Mapping[str, Any]) -> str:
    """The observed value of a finding with its interval."""
    if found.get("lower") is None or found.get("upper") is None:
        return figure(found.get("observed"))
    return f"{figure(found.get('observed'))} ({figure(found['lower'])} to {figure(found['upper'])})"
