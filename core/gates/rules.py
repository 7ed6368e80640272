"""The gate's decision: a pure function of what is known, the environment and the time. Whatever is unknown denies.

What an environment asks of a tier is data, the entry :data:`POLICY`. What it cannot loosen stands here and in
:mod:`core.gates.cases`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.catalog.kinds import GatePolicy, GateRule
from core.catalog.references import normalise
from core.gates.cases import Asked, CaseFact, Reason, against, closed, closes, governing

ENVIRONMENTS = ("development", "test", "production")
RUNNING = ("explore", "experiment", "operate")
POLICY = "policy:default/gate-rules"
"""The entry of the catalog that says what the gate asks."""
UNRATED = "unrated"
"""What rules call the tier of a project whose risk facts are not stated."""


@dataclass(frozen=True)
class Facts:
    """What the store knows of a version; empty where it knows nothing."""

    model: str
    version: str
    is_known: bool = False
    gone: bool = False
    run: str = ""
    source: str = ""
    project: str = ""
    stage: str = ""
    tier: str = ""
    evidence_as_of: datetime | None = None
    """When the mirror last saw MLflow."""
    policy: GatePolicy | None = None
    """What the gate asks; without it nothing passes."""
    cases: tuple[CaseFact, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The gate's answer. ``unknown`` is a denial too: nobody vouches for what is not known."""

    allowed: bool
    verdict: str
    reasons: tuple[Reason, ...]
    cases: tuple[CaseFact, ...] = ()
    """The cases it rests on."""


def decide(facts: Facts, environment: str, at: datetime) -> Verdict:
    """Whether the version may go to ``environment`` at a moment."""
    if not facts.is_known or facts.gone:
        return _unknown(facts)
    return _judged(facts, environment, rule_for(facts, environment), at)


def reach(facts: Facts, at: datetime) -> tuple[str, ...]:
    """The environments to which approved cases let the version go, however old mirror and comparisons are.

    Environments that ask for no case are not among them: nobody approved anything for those.
    """
    ageless = {"oldest_mirror_hours": None, "oldest_evidence_hours": None}
    rules = {one: rule_for(facts, one) for one in ENVIRONMENTS} if facts.is_known and not facts.gone else {}
    return tuple(
        one for one, rule in rules.items()
        if rule and rule.case_required and _judged(facts, one, rule.model_copy(update=ageless), at).allowed
    )  # fmt: skip


def _judged(facts: Facts, environment: str, rule: GateRule | None, at: datetime) -> Verdict:
    cases = _asked_for(facts, rule)
    reasons = [*_against_project(facts, environment, rule, at), *_against_cases(facts, environment, rule, at)]
    if reasons or rule is None:
        return Verdict(False, "denied", tuple(reasons), cases)
    return Verdict(True, "allowed", tuple(_in_favour(facts, environment, cases)), cases)


def rule_for(facts: Facts, environment: str) -> GateRule | None:
    """The rule for this environment and the tier of the version's project, if there is one."""
    rules = facts.policy.rules if facts.policy is not None else []
    tier = facts.tier or UNRATED
    return next((one for one in rules if one.environment == environment and tier in one.tiers), None)


def required(rule: GateRule) -> list[str]:
    """The references of the checklists that the rule asks for."""
    return [normalise(one, "checklist") for one in rule.checklists]


def _unknown(facts: Facts) -> Verdict:
    why = "is no longer in MLflow" if facts.gone else "is not known to the mirror of MLflow"
    code = "gone-version" if facts.gone else "unknown-version"
    return Verdict(False, "unknown", (Reason(code, f"Version {facts.version} of {facts.model} {why}.", "/models"),))


def _asked_for(facts: Facts, rule: GateRule | None) -> tuple[CaseFact, ...]:
    """The cases that count for the checklists of the rule, in its order."""
    counting = governing(facts.cases)
    return tuple(counting[one] for one in required(rule) if one in counting) if rule else ()


def _against_project(facts: Facts, environment: str, rule: GateRule | None, at: datetime) -> Iterator[Reason]:
    link = f"/project?id={facts.project}"
    if not facts.project:
        yield Reason("no-project", f"No project owns {facts.model}: claim it on the project's page.", "/projects")
        return
    if facts.stage not in RUNNING:
        yield Reason("project-ended", f"The project {facts.project} is {facts.stage}.", link)
    if facts.policy is None:
        text = f"What the gate asks is not known: {POLICY} is missing, not approved or unreadable."
        yield Reason("no-policy", text, f"/entry?ref={POLICY}")
    elif facts.tier == "prohibited":
        yield Reason("prohibited", f"What the project {facts.project} does is prohibited.", link)
    elif rule is None:
        text = f"No rule lets a project of the tier “{facts.tier or UNRATED}” go to {environment}."
        yield Reason("no-rule", text, f"/entry?ref={POLICY}" if facts.tier else link)
    else:
        yield from _against_rule(facts, environment, rule, at)


def _against_rule(facts: Facts, environment: str, rule: GateRule, at: datetime) -> Iterator[Reason]:
    if facts.stage in RUNNING and facts.stage not in rule.stages:
        text = f"The project {facts.project} is in stage {facts.stage}; {environment} takes {', '.join(rule.stages)}."
        yield Reason("stage", text, f"/project?id={facts.project}")
    if rule.oldest_mirror_hours is not None:
        oldest = timedelta(hours=rule.oldest_mirror_hours)
        if facts.evidence_as_of is None or at - facts.evidence_as_of > oldest:
            yield Reason("old-evidence", "The mirror of MLflow is too old to be trusted.", "/models")


def _against_cases(facts: Facts, environment: str, rule: GateRule | None, at: datetime) -> Iterator[Reason]:
    counting = governing(facts.cases)
    wanted = required(rule) if rule else []
    for checklist, case in counting.items():
        if checklist not in wanted and closes(case, at):
            yield closed(case, facts.project)
    hours = rule.oldest_evidence_hours if rule else None
    asked = Asked(
        environment, at, facts.project, facts.tier, facts.run, facts.source, timedelta(hours=hours) if hours else None
    )
    for checklist in wanted:
        if checklist in counting:
            yield from against(counting[checklist], asked)
        else:
            text = f"No review case by {checklist} has approved it."
            yield Reason("no-case", text, f"/project?id={facts.project}" if facts.project else "/projects")


def _in_favour(facts: Facts, environment: str, cases: tuple[CaseFact, ...]) -> Iterator[Reason]:
    if not cases:
        text = f"{environment.capitalize()} takes any version of a running project."
        yield Reason("open-environment", text, f"/project?id={facts.project}")
    for case in cases:
        until = f"until {case.expires_at:%d %b %Y}" if case.expires_at else ""
        by = f" without a person, by the certified pipeline {case.certificate.name}," if case.certificate else ""
        yield Reason("approved", f"Case {case.id} ({case.title}) approved it{by} {until}.", case.link)
        for one in case.conditions:
            yield Reason("condition", f"Case {case.id}: due on {one.due_on:%d %b %Y}: {one.text}", case.link)
        for waiver in case.waivers:
            text = f"Case {case.id}: {waiver.item or 'every item'} is let pass until {waiver.expires_at:%d %b %Y, %H:%M} UTC."
            yield Reason(waiver.kind, text, case.link)
