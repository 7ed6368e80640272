"""The register of checks: each is one function, known by its name, and asked through :func:`run` alone.

A new check is one decorated function in the module of its theme, and a new module is a line in
``core/checks/__init__.py``; checklists may use it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from core.checks.findings import Finding
from core.checks.snapshot import Snapshot
from core.checks.task import CheckInfo, Parameter, Task, Unusable, for_tier
from core.checks.words import brief

Check = Callable[[Task], Finding]

_checks: dict[str, tuple[CheckInfo, Check]] = {}
_log = logging.getLogger(__name__)


def check(
    name: str, *, id: str, principle: str, title: str, needs: tuple[str, ...] = (), takes: tuple[Parameter, ...] = (),
    source: str = "the check itself: what it asks for is there or not", advice: str = "",
) -> Callable[[Check], Check]:  # fmt: skip
    """Register a function as the check ``name``; its docstring says what it judges."""

    def register(function: Check) -> Check:
        if name in _checks:
            raise ValueError(f"two checks are called {name!r}")
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        _checks[name] = (CheckInfo(name, id, principle, title, needs, takes, source, advice, text), function)
        return function

    return register


def all_checks() -> list[CheckInfo]:
    """Every check there is, by principle and id."""
    return sorted((info for info, _ in _checks.values()), key=lambda one: (one.principle, one.id, one.name))


def run(
    name: str, snapshot: Snapshot, parameters: Mapping[str, Any], *, tier: str, item: str = ""
) -> Finding:  # fmt: skip
    """What the check says of the evidence; it never raises.

    A parameter may be a mapping of tier → value. ``item`` is the checklist item that asks, for checks that look at its
    answer. An unknown check, parameters that it cannot use and evidence that breaks it give the verdict ``missing``.
    """
    if name not in _checks:
        return Finding(
            brief(name), "missing", f"There is no check {brief(name)!r}.", advice="Name one of the register of checks."
        )
    info, function = _checks[name]
    try:
        if problem := against(name, parameters, tier=tier):
            return _not_judged(info, problem, "Mend the checklist item, or set the limit in the policy of limits.")
        return function(Task(info, snapshot, for_tier(info, parameters, tier), tier, item))
    except Exception:  # evidence comes from outside: whatever it does to a check, a case must stay readable
        _log.exception("the check %s broke", name)
        return _not_judged(
            info, "The check broke on this evidence, so it says nothing.", "Tell the portal's operators."
        )


def against(name: str, parameters: Mapping[str, Any], *, tier: str) -> str:
    """Why the check cannot use such parameters for the tier; empty where it can. For those who write checklists."""
    if name not in _checks:
        return f"There is no check {brief(name)!r}."
    try:
        for_tier(_checks[name][0], parameters, tier)
    except Unusable as problem:
        return f"The parameters of {name} cannot be used: {problem}."
    return ""


def _not_judged(info: CheckInfo, text: str, advice: str) -> Finding:
    return Finding(info.name, "missing", text, source=info.source, advice=advice)
