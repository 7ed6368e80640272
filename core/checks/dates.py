"""Dated records as evidence: when something was last tried, from an answer, the facts or a tag of the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from core.checks.findings import Finding
from core.checks.task import Task
from core.checks.words import brief, counted, figure


def record(task: Task, name: str) -> date | None:
    """The latest date on record under ``name``: in the item's answer, a fact, or the tag ``rai.NAME``."""
    places = (task.answer, task.snapshot.facts.get(name), task.snapshot.tags.get(f"rai.{name}"))
    return max((found for one in places if (found := _day(one))), default=None)


def within(task: Task, what: str, name: str, days: float) -> Finding:
    """Whether the record is no older than so many days when the evidence was taken."""
    on, today = record(task, name), task.snapshot.taken_at.date()
    if on is None:
        return task.finding("missing", f"There is no date on which {brief(what)}.")
    if on > today:
        return task.finding("missing", f"The record says {on.isoformat()}, which is yet to come.",
                            advice="Write the day on which it was really done.")  # fmt: skip
    age = (today - on).days
    text = f"On {on.isoformat()}, {counted(age, 'day')} before the evidence was taken, {brief(what)}"
    figures: dict[str, Any] = {"observed": float(age), "limit": days, "better": "below"}
    if age > days:
        return task.finding("fail", f"{text}; {figure(days)} days are the most.", **figures)
    return task.finding("pass", f"{text}.", **figures)


def _day(value: Any) -> date | None:
    if isinstance(value, Mapping):
        value = value.get("date")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value.strip()).date() if isinstance(value, str) else None
    except ValueError:
        return None
