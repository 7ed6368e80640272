"""The clock of those who decide: Monday to Friday count, and it stands still while somebody else has the ball."""

from __future__ import annotations

from datetime import datetime, timedelta

_DAY = timedelta(days=1)


def due(begun: datetime, days: int) -> datetime:
    """The moment ``days`` working days after ``begun``; weekends do not count."""
    return _forward(begun, days * _DAY)


def resumed(due_at: datetime, paused_at: datetime, at: datetime) -> datetime:
    """When a decision is due whose clock stood still from ``paused_at`` until ``at``: what working time was left, is left."""
    return due_at if due_at <= paused_at else _forward(at, working_time(paused_at, due_at))


def working_time(begun: datetime, ended: datetime) -> timedelta:
    """How much of the time from ``begun`` to ``ended`` lies on working days (UTC); nothing where time ran backwards."""
    total, moment = timedelta(), begun
    while moment < ended:
        midnight = _next_midnight(moment)
        if moment.weekday() < 5:
            total += min(midnight, ended) - moment
        moment = midnight
    return total


def _forward(moment: datetime, left: timedelta) -> datetime:
    while left > timedelta():
        midnight = _next_midnight(moment)
        if moment.weekday() < 5:
            if midnight - moment >= left:
                return moment + left
            left -= midnight - moment
        moment = midnight
    return moment


def _next_midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
