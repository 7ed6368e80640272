"""The gates between the stages of a project, and the one next step: pure functions of a project's facts.

Exploring asks for nothing but the way to the data and who allowed it. Experimenting also asks what exists already and
on which pattern the team builds. Operating also asks for the tier, a checklist, and somebody who watches and is called.
Closing asks for a retrospective with at least one decision about what is shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Where = Literal["overview", "risk", "reuse", "pattern", "retrospective", "stage", "models", "catalog"]
"""The part of the portal where something is done."""

AFTER = {"explore": "experiment", "experiment": "operate"}
"""Stage → the stage a project grows into."""


@dataclass(frozen=True)
class ProjectFacts:
    """What gates and the next step look at."""

    stage: str
    data_access: bool = False
    reuse_reviewed: bool = False
    pattern: bool = False
    tier: str = ""
    tier_confirmed: bool = False
    checklist: bool = False
    monitoring: bool = False
    on_call: bool = False
    """Somebody is named and still active."""
    registered_model: bool = False
    retrospective: bool = False
    harvest_decisions: int = 0
    decide_by: date | None = None
    today: date = date.min


@dataclass(frozen=True)
class Point:
    """Something a gate asks for that is not there yet, and where it is done."""

    text: str
    where: Where


@dataclass(frozen=True)
class Step:
    """The one next step of a project: what, why, and where it is done."""

    text: str
    why: str
    where: Where


def open_points(facts: ProjectFacts, stage: str) -> list[Point]:
    """What still keeps a project with these facts from ``stage``, in the order in which it is best done."""
    asked: list[tuple[bool, str, Where]] = []
    if stage in ("explore", "experiment", "operate"):
        asked.append((facts.data_access, "Say how the team reaches its data and who allowed it", "overview"))
    if stage in ("experiment", "operate"):
        asked += [
            (facts.tier != "prohibited", "Change what the system does: this practice is prohibited", "risk"),
            (facts.reuse_reviewed, "Review what exists already and decide on each strong hit", "reuse"),
            (facts.pattern, "Adopt a pattern to build on", "pattern"),
        ]
    if stage == "operate":
        asked += [
            (facts.tier != "", "State the risk facts", "risk"),
            (facts.tier == "" or facts.tier_confirmed, "Have a validator or reviewer confirm the tier", "risk"),
            (facts.checklist, "Adopt a checklist to be reviewed by", "catalog"),
            (facts.registered_model, "Name the registered model in MLflow", "overview"),
            (facts.monitoring, "Say where the model in production is watched", "overview"),
            (facts.on_call, "Name somebody who is called when it breaks", "overview"),
        ]
    if stage == "closed":
        done = facts.retrospective and facts.harvest_decisions > 0
        asked.append((done, "Write the retrospective with at least one decision about what is shared", "retrospective"))
    return [Point(text, where) for holds, text, where in asked if not holds]


def next_step(facts: ProjectFacts) -> Step | None:
    """The one thing to do next; nothing where a project has ended and given back what it learnt."""
    if facts.stage in ("stopped", "closed"):
        return None if facts.harvest_decisions else _GIVE_BACK
    growing = AFTER.get(facts.stage)
    if growing and facts.decide_by and facts.decide_by < facts.today:
        return Step("Apply the stop rule", f"Its day was {facts.decide_by:%d %b %Y}: go on, or stop with a finding.", "stage")  # fmt: skip
    points = open_points(facts, facts.stage) or (open_points(facts, growing) if growing else [])
    if points:
        why = f"{_counted(len(points))} before {growing}." if growing else "What operates needs it at any time."
        return Step(points[0].text, why, points[0].where)
    if growing:
        return Step(f"Move to {growing}", "Everything this gate asks for is there.", "stage")
    return Step("Look at the model in production", "Nothing is open.", "models")


_GIVE_BACK = Step(
    "Write down what the next team can use", "The project has ended without a decision about what is shared.",
    "retrospective",
)  # fmt: skip


def _counted(points: int) -> str:
    return "The last open point" if points == 1 else f"The first of {points} open points"
