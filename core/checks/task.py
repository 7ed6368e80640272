"""What a check is asked: the evidence, and the parameters for the tier of the case, each taken by its name and type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.checks.findings import Finding, Verdict
from core.checks.snapshot import Snapshot
from core.checks.words import brief, listed

TIERS = ("minimal", "limited", "high", "prohibited")


class Unusable(Exception):
    """The parameters do not let the check judge; the message says which and why."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that a check takes. ``text`` says what it means, for forms and documentation."""

    name: str
    type: Literal["number", "text", "words", "flag"]
    text: str
    required: bool = False


SOURCE = Parameter("source", "text", "Where the limit comes from")
"""Every check takes it."""


@dataclass(frozen=True)
class CheckInfo:
    """What there is to know of a check: its rule, what it needs, what it takes, and what to do when it fails."""

    name: str
    id: str
    principle: str
    title: str
    needs: tuple[str, ...] = ()
    takes: tuple[Parameter, ...] = ()
    source: str = ""
    """Where the rule comes from, unless the parameters say so."""
    advice: str = ""
    text: str = ""
    """What it judges, in a sentence."""


@dataclass(frozen=True)
class Task:
    """One question to one check."""

    info: CheckInfo
    snapshot: Snapshot
    values: Mapping[str, Any]
    """The parameters for the tier of the case."""
    tier: str
    item: str = ""
    """The checklist item that asks, whose answer may be what is judged."""

    def number(self, name: str) -> float:
        """A number that the check requires."""
        return float(self.values[name])

    def number_or_none(self, name: str) -> float | None:
        """A number; ``None`` where none was given."""
        value = self.values.get(name)
        return None if value is None else float(value)

    def text(self, name: str, default: str = "") -> str:
        """A text; ``default`` where none was given."""
        return self.values.get(name) or default

    def words(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where none was given."""
        return tuple(self.values.get(name) or ())

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no; ``default`` where neither was given."""
        value = self.values.get(name)
        return default if value is None else bool(value)

    @property
    def answer(self) -> Any:
        """What the team answered to the item that asks, or to the one that the parameter ``item`` names."""
        return self.snapshot.answers.get(self.text("item", self.item))

    @property
    def source(self) -> str:
        """Where the limit comes from."""
        return self.text("source", self.info.source)

    def finding(self, verdict: Verdict, text: str, *, advice: str = "", **figures: Any) -> Finding:
        """A finding of this check; unless it passes or ``advice`` is given, it advises what the check advises."""
        advice = advice or ("" if verdict == "pass" else self.info.advice)
        return Finding(self.info.name, verdict, text, source=self.source, advice=advice, **figures)


def for_tier(info: CheckInfo, parameters: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """The parameters as they are for the tier; raises :class:`Unusable` where the check cannot use them."""
    takes = {one.name: one for one in (*info.takes, SOURCE)}
    if strange := [name for name in parameters if name not in takes]:
        raise Unusable(f"it does not take {listed(map(repr, strange))}, only {listed(takes)}")
    values = {name: _of_tier(name, value, tier) for name, value in parameters.items()}
    for one in takes.values():
        value = values.get(one.name)
        if value is None and one.required:
            raise Unusable(f"no {one.name!r} is set for the tier {brief(tier)}")
        if value is not None and not _FITS[one.type](value):
            raise Unusable(f"{one.name!r} is {brief(repr(value))}, which is no {_MEANS[one.type]}")
    return values


def _of_tier(name: str, value: Any, tier: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    if strange := [key for key in value if key not in TIERS]:
        raise Unusable(f"{name!r} is given for {listed(map(repr, strange))}; tiers are {listed(TIERS)}")
    if tier not in value:
        raise Unusable(f"{name!r} is not set for the tier {brief(tier)}")
    return value[tier]


def is_finite(value: Any) -> bool:
    """Whether something is a number that can be computed with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _are_words(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, str) and one for one in value)


_FITS: dict[str, Callable[[Any], bool]] = {
    "number": is_finite,
    "text": lambda value: isinstance(value, str),
    "words": _are_words,
    "flag": lambda value: isinstance(value, bool),
}
_MEANS = {"number": "finite number", "text": "text", "words": "list of names", "flag": "true or false"}
