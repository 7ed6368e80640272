"""The gate's decision: a pure function of what is known, the environment and the time. Whatever is unknown denies.

Review cases, signatures and conditions are not part of it yet: until a case has approved a version, nothing goes to
production.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

ENVIRONMENTS = ("development", "test", "production")
RUNNING = ("explore", "experiment", "operate")
OLDEST_EVIDENCE = timedelta(hours=24)
"""Evidence older than this is not trusted for production: the portal's own measure."""


@dataclass(frozen=True)
class Facts:
    """What the store knows of a version; empty where it knows nothing."""

    model: str
    version: str
    is_known: bool = False
    gone: bool = False
    project: str = ""
    stage: str = ""
    evidence_as_of: datetime | None = None


@dataclass(frozen=True)
class Reason:
    """Why the gate says what it says, for programs and for people, with where to go."""

    code: str
    text: str
    link: str = ""


@dataclass(frozen=True)
class Verdict:
    """The gate's answer. ``unknown`` is a denial too: nobody vouches for what is not known."""

    allowed: bool
    verdict: str
    reasons: tuple[Reason, ...]


def decide(facts: Facts, environment: str, at: datetime) -> Verdict:
    """Whether the version may go to ``environment`` at a moment."""
    if not facts.is_known or facts.gone:
        why = "is no longer in MLflow" if facts.gone else "is not known to the mirror of MLflow"
        text = f"Version {facts.version} of {facts.model} {why}."
        return Verdict(
            False, "unknown", (Reason("gone-version" if facts.gone else "unknown-version", text, "/models"),)
        )
    reasons = tuple(_against(facts, environment, at))
    if reasons:
        return Verdict(False, "denied", reasons)
    text = f"{environment.capitalize()} takes any version of a running project."
    return Verdict(True, "allowed", (Reason("open-environment", text, f"/project?id={facts.project}"),))


def _against(facts: Facts, environment: str, at: datetime) -> list[Reason]:
    found = []
    link = f"/project?id={facts.project}"
    if not facts.project:
        found.append(
            Reason("no-project", f"No project owns {facts.model}: claim it on the project's page.", "/projects")
        )
    elif facts.stage not in RUNNING:
        found.append(Reason("project-ended", f"The project {facts.project} is {facts.stage}.", link))
    if environment == "production":
        if facts.stage in RUNNING and facts.stage != "operate":
            found.append(
                Reason("stage", f"The project {facts.project} is in stage {facts.stage}, not in operation.", link)
            )
        if facts.evidence_as_of is None or at - facts.evidence_as_of > OLDEST_EVIDENCE:
            found.append(Reason("old-evidence", "The mirror of MLflow is too old to be trusted.", "/models"))
        found.append(Reason("no-case", "No review case has approved this version.", link))
    return found
