"""Which approvals of a pattern a project inherits, and why the others are open. Pure rules: no store, no clock.

A project inherits an approval when the approval is for the pattern version that the project uses, has not expired, and
every condition of it is kept, or a reviewer accepted the deviation from it. Whatever is not known counts as not kept:
an approval is never inherited on the strength of a missing fact (fail closed).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

FACTS = ("classification", "region", "services", "tier", "modality", "personal data")
"""What a condition can be checked against; every other condition is a statement that the team attests."""

ReasonKind = Literal[
    "not approved", "other version", "expired", "unknown", "not allowed", "not attested", "deviation", "other data"
]  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A condition of an approval: a statement, or a ``fact`` whose every value is among ``allowed``."""

    text: str
    fact: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approval:
    """One approval item of a pattern version, with its conditions as they were frozen when a person approved it."""

    id: int
    item: str
    by: str
    scope: str
    version: str
    conditions: tuple[Condition, ...]
    evidence: str
    expires_on: date
    """The last day on which it holds."""


@dataclass(frozen=True)
class Proposed:
    """An approval item that the pattern's definition proposes: it binds nobody until a person approves it."""

    item: str
    by: str
    scope: str
    conditions: tuple[Condition, ...] = ()
    evidence: str = ""
    valid_until: date | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of a project: the pattern version it uses, values of each fact, and what its team attests."""

    version: str
    values: Mapping[str, frozenset[str]]
    attested: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Standing:
    """A deviation as it stands: open, accepted or rejected; one that is resolved is not passed here."""

    item: str
    condition: str
    values: frozenset[str]
    state: str
    what: str = ""
    expires_on: date | None = None


@dataclass(frozen=True)
class Reason:
    """Why an approval is open: which condition, which fact, its values and the allowed ones."""

    kind: ReasonKind
    condition: str = ""
    fact: str = ""
    values: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The reason for a reader."""
        match self.kind:
            case "not approved":
                return "No reviewer has approved it for this pattern yet."
            case "other version":
                return (
                    f"It is approved for version {', '.join(self.allowed)}; the project uses {', '.join(self.values)}."
                )
            case "expired":
                return f"The approval expired on {', '.join(self.values)}."
            case "unknown":
                return (
                    f"“{self.condition}”: the project's {self.fact} is not known; allowed: {', '.join(self.allowed)}."
                )
            case "not allowed":
                given = ", ".join(self.values)
                return f"“{self.condition}”: {self.fact} is {given}; allowed: {', '.join(self.allowed)}."
            case "not attested":
                return f"The team has not attested “{self.condition}”."
            case "other data":
                return f"It is for {', '.join(self.allowed)} data; another approval is for {', '.join(self.values)}."
            case "deviation":
                return f"A declared deviation is not accepted: {self.condition}"


@dataclass(frozen=True)
class Item:
    """An approval item as a project has it: inherited, with its evidence and last day, or open, with the reasons."""

    item: str
    by: str
    scope: str
    conditions: tuple[Condition, ...]
    evidence: str = ""
    until: date | None = None
    reasons: tuple[Reason, ...] = ()
    accepted: tuple[str, ...] = ()
    """The conditions from which a reviewer accepted a deviation."""

    @property
    def inherited(self) -> bool:
        """Whether the project has this approval."""
        return not self.reasons

    @property
    def applies(self) -> bool:
        """Whether the approval is meant for data like the project's; one for other data is neither had nor missed."""
        return all(one.kind != "other data" for one in self.reasons)


def items(
    proposed: Iterable[Proposed],
    approvals: Iterable[Approval],
    facts: Facts,
    deviations: Sequence[Standing],
    today: date,
) -> list[Item]:
    """Every approval item of the pattern as the project has it, by id; ``approvals`` are those not revoked."""
    chosen: dict[str, Approval] = {}
    for one in sorted(approvals, key=lambda one: (one.version == facts.version, one.id)):
        chosen[one.item] = one
    waiting = {one.item: one for one in proposed if one.item not in chosen}
    in_force = [one for one in chosen.values() if one.version == facts.version and today <= one.expires_on]
    judged = [_judge(one, facts, [two for two in deviations if two.item == one.item], today) for one in chosen.values()]
    unapproved = (Reason("not approved"),)
    judged = [_for_other_data(one, in_force, facts) or one for one in judged]
    judged += [Item(one.item, one.by, one.scope, one.conditions, reasons=unapproved) for one in waiting.values()]
    return sorted(judged, key=lambda one: one.item)


def reopened(before: Iterable[Item], after: Iterable[Item]) -> list[Item]:
    """The items that were inherited before and are not afterwards, as they are afterwards."""
    there = {one.item: one for one in after}
    gone = Reason("not approved")
    lost = [there.get(one.item, replace(one, reasons=(gone,))) for one in before if one.inherited]
    return [one for one in lost if not one.inherited]


def gaps(item: Item) -> list[Reason]:
    """The deviations that the facts show by themselves: a region, service or classification outside the allowed.

    Nothing is deviated from where there is no approval for the version in force.
    """
    if any(one.kind in ("not approved", "other version", "expired") for one in item.reasons):
        return []
    return [one for one in item.reasons if one.kind == "not allowed"]


def outside(condition: Condition, facts: Facts) -> frozenset[str]:
    """The values of the condition's fact that are not allowed; upper and lower case are the same."""
    allowed = {one.casefold() for one in condition.allowed}
    return frozenset(one for one in facts.values.get(condition.fact, frozenset()) if one.casefold() not in allowed)


def in_force(deviation: Standing, today: date) -> bool:
    """Whether a reviewer's acceptance of the deviation holds today."""
    return deviation.state == "accepted" and (deviation.expires_on is None or today <= deviation.expires_on)


def _judge(approval: Approval, facts: Facts, deviations: Sequence[Standing], today: date) -> Item:
    reasons: list[Reason] = []
    if approval.version != facts.version:
        reasons.append(Reason("other version", values=(facts.version,), allowed=(approval.version,)))
    if today > approval.expires_on:
        reasons.append(Reason("expired", values=(approval.expires_on.isoformat(),)))
    relied_on: list[Standing] = []
    for condition in approval.conditions:
        if (flaw := _flaw(condition, facts)) is None:
            continue
        covering = _covering(flaw, deviations, today)
        if covering is None:
            reasons.append(flaw)
        else:
            relied_on.append(covering)
    # A deviation without values is the team's own word: it stands against the approval until somebody accepts it.
    undecided = [one for one in deviations if not one.values and not in_force(one, today)]
    reasons += [Reason("deviation", condition=one.what) for one in undecided]
    last_days = [approval.expires_on, *(one.expires_on for one in relied_on if one.expires_on)]
    return Item(
        approval.item, approval.by, approval.scope, approval.conditions, approval.evidence, min(last_days),
        tuple(reasons), tuple(one.condition for one in relied_on),
    )  # fmt: skip


def _for_other_data(item: Item, approvals: Sequence[Approval], facts: Facts) -> Item | None:
    """The item as one for other data, where its board has another approval in force for the project's classification.

    A pattern with a variant for restricted data has an approval for it beside the ordinary one: whoever keeps to one of
    them does not deviate from the other.
    """
    flaws = [one for one in item.reasons if one.kind == "not allowed" and one.fact == "classification"]
    others = [one for one in approvals if one.by == item.by and one.item != item.item]
    if not flaws or not any(_is_for_data(one, facts) for one in others):
        return None
    return replace(item, reasons=(replace(flaws[0], kind="other data"),))


def _is_for_data(approval: Approval, facts: Facts) -> bool:
    named = [one for one in approval.conditions if one.fact == "classification"]
    return bool(named) and all(_flaw(one, facts) is None for one in named)


def _flaw(condition: Condition, facts: Facts) -> Reason | None:
    if not condition.fact:
        return None if condition.text in facts.attested else Reason("not attested", condition.text)
    if not facts.values.get(condition.fact):
        return Reason("unknown", condition.text, condition.fact, allowed=condition.allowed)
    beyond = outside(condition, facts)
    if not beyond:
        return None
    return Reason("not allowed", condition.text, condition.fact, tuple(sorted(beyond)), condition.allowed)


def _covering(flaw: Reason, deviations: Sequence[Standing], today: date) -> Standing | None:
    """The accepted deviation that covers ``flaw``: an acceptance is for the values it was given for, and no others."""
    if flaw.kind == "unknown":
        return None
    for one in deviations:
        if one.condition == flaw.condition and in_force(one, today) and set(flaw.values) <= one.values:
            return one
    return None
