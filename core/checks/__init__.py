"""Checks: pure functions that judge evidence by a rule and say how sure they are. They know no store and no clock.

Importing a module of checks registers them; here they all are.
"""

from core.checks import (
    accountability,
    data,
    drift,
    fairness,
    general,
    inclusiveness,
    operations,
    privacy,
    reliability,
    security,
    transparency,
)

__all__ = [
    "accountability", "data", "drift", "fairness", "general", "inclusiveness", "operations", "privacy", "reliability",
    "security", "transparency",
]  # fmt: skip
