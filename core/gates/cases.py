"""What one review case says against letting a version go somewhere: pure rules, each with a code of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from core.projects.tier import TIERS, place_of
from core.reviews import states
from core.reviews.signatures import FOR_APPROVAL

CLOSING = ("suspended", "revoked", "expired")
"""States that close every environment, also those that ask for no case (invariant 18)."""
CODES = dict.fromkeys(states.OPEN, "undecided")
"""State without a decision → the code of the reason; every other state is its own code."""


@dataclass(frozen=True)
class Reason:
    """Why the gate says what it says, for programs and for people, with where to go."""

    code: str
    text: str
    link: str = ""


@dataclass(frozen=True)
class SignatureFact:
    """A standing signature as every export shows it."""

    name: str
    """The printed name."""
    role: str
    meaning: str
    decision: str
    signed_at: datetime
    record_hash: str
    about: str | None = ""
    """The digest of the subject in what was signed; nothing where that names another subject or record."""


@dataclass(frozen=True)
class ConditionFact:
    """A condition that is not met yet."""

    text: str
    due_on: date
    environments: tuple[str, ...]


@dataclass(frozen=True)
class WaiverFact:
    """A waiver or break-glass that was approved and not ended."""

    item: str
    kind: str
    environments: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True)
class CertificateFact:
    """The certified pipeline that approved a case without a person."""

    id: int
    name: str
    doubted: bool
    """Whether it lapsed because its judgement is in doubt, and not because its time was over."""


@dataclass(frozen=True)
class CaseFact:
    """A review case about a version or its project, as the gate sees it."""

    id: int
    checklist: str
    """The reference of the checklist."""
    title: str
    checklist_withdrawn: bool
    project: str
    state: str
    tier: str
    environments: tuple[str, ...]
    quorum: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    decided_at: datetime | None = None
    expires_at: datetime | None = None
    subject_digest: str = ""
    """What was submitted and signed."""
    evidence_digest: str = ""
    """What the copied evidence is about: the same, or something is wrong."""
    run: str = ""
    source: str = ""
    """Run and source of the version when its evidence was copied."""
    check: str = ""
    """What the last comparison with MLflow found that MLflow answered."""
    checked_at: datetime | None = None
    signatures: tuple[SignatureFact, ...] = ()
    conditions: tuple[ConditionFact, ...] = ()
    waivers: tuple[WaiverFact, ...] = ()
    certificate: CertificateFact | None = None
    snapshot: int | None = None
    """The copy of evidence that it rests on."""
    kind: str = "model"
    """``model`` where it is about this version, ``project`` where it is about the whole project."""

    @property
    def link(self) -> str:
        """The page of the case."""
        return f"/review?id={self.id}"

    @property
    def is_decided(self) -> bool:
        """Whether people, a pipeline or time have said something about it."""
        return self.state not in states.OPEN and self.state != "withdrawn"


@dataclass(frozen=True)
class Asked:
    """What a case is held against: where the version shall go, when, and what it and its project are now."""

    environment: str
    at: datetime
    project: str
    tier: str
    run: str
    source: str
    oldest_evidence: timedelta | None = None


def governing(cases: Iterable[CaseFact]) -> dict[str, CaseFact]:
    """Checklist → the case that counts: the last one that was decided, else the last one that is open, else withdrawn.

    So a new case on a version that is approved already takes nothing away before it is decided, and then it counts.
    """
    found: dict[str, CaseFact] = {}
    for one in sorted(cases, key=lambda case: (case.is_decided, case.state != "withdrawn", case.id)):
        found[one.checklist] = one
    return found


def closes(case: CaseFact, at: datetime) -> bool:
    """Whether it closes every environment to its version: its approval was taken back, or its time is over.

    A case about the project does so only where a rule asks for it: most of what projects are asked is no release.
    """
    if case.kind != "model":
        return False
    return case.state in CLOSING or (case.state in states.APPROVED and run_out(case, at))


def against(case: CaseFact, asked: Asked) -> list[Reason]:
    """Everything that keeps this case from letting its version go there."""
    if case.project != asked.project:
        return [_said(case, "other-project", "it was about this model while it belonged to another project.")]
    if case.state not in states.APPROVED:
        return [_of_state(case)]
    return [_said(case, code, text) for code, rule in _RULES.items() if (text := rule(case, asked))]


def closed(case: CaseFact, project: str) -> Reason:
    """The reason of a case that closes every environment to a model of ``project``."""
    if case.state not in CLOSING:
        return _said(case, "expired", "its approval has run out.")
    return _of_state(case) if case.project == project else _said(case, case.state, f"it is {case.state}.")


def _of_state(case: CaseFact) -> Reason:
    why = f": {case.reason}" if case.reason and case.state not in states.OPEN else ""
    return _said(case, CODES.get(case.state, case.state), f"it is {case.state}{why}.".replace("..", "."))


def _said(case: CaseFact, code: str, text: str) -> Reason:
    return Reason(code, f"Case {case.id} ({case.title}): {text}", case.link)


# --- the rules for a case that is approved ---------------------------------------------------------------------------


def run_out(case: CaseFact, at: datetime) -> bool:
    """Whether the time of an approval is over, even if nobody has noted it yet."""
    return case.expires_at is None or case.expires_at <= at


def _expired(case: CaseFact, asked: Asked) -> str:
    return "its approval has run out." if run_out(case, asked.at) else ""


def _clock(case: CaseFact, asked: Asked) -> str:
    early = case.decided_at is None or case.decided_at > asked.at
    return "its decision lies in the future: a clock was put back." if early else ""


def _environment(case: CaseFact, asked: Asked) -> str:
    if asked.environment in case.environments:
        return ""
    return f"it approved {' and '.join(case.environments) or 'no environment'}, not {asked.environment}."


def _tier(case: CaseFact, asked: Asked) -> str:
    if case.tier not in TIERS or asked.tier not in TIERS or place_of(asked.tier) <= place_of(case.tier):
        return ""
    return f"it was reviewed as {case.tier}, and its project is {asked.tier} by now."


def _evidence(case: CaseFact, _asked: Asked) -> str:
    known = case.kind != "model" or (case.subject_digest and case.evidence_digest)
    return "" if known else "it rests on no evidence."


def _subject(case: CaseFact, asked: Asked) -> str:
    if not case.subject_digest or not case.evidence_digest:
        return ""
    if case.subject_digest != case.evidence_digest or (case.run, case.source) != (asked.run, asked.source):
        return "what stands in MLflow under this version is not what was signed."
    return ""


def _changed(case: CaseFact, _asked: Asked) -> str:
    return "its evidence in MLflow is no longer what was signed." if case.check == "changed" else ""


def _verified(case: CaseFact, asked: Asked) -> str:
    if case.kind != "model" or asked.oldest_evidence is None or case.check == "changed":
        return ""
    if case.check != "same" or case.checked_at is None:
        return "its evidence was never found the same as in MLflow."
    if asked.at - case.checked_at > asked.oldest_evidence:
        hours = round(asked.oldest_evidence.total_seconds() / 3600)
        return f"its evidence was last compared with MLflow on {case.checked_at:%d %b %Y}, more than {hours} hours ago."
    return ""


def _checklist(case: CaseFact, _asked: Asked) -> str:
    return "its checklist was withdrawn." if case.checklist_withdrawn else ""


def _signed(case: CaseFact, _asked: Asked) -> str:
    if case.certificate is not None:
        return ""
    signed = [one for one in case.signatures if one.decision in FOR_APPROVAL]
    if other := [one.role for one in signed if one.about != case.subject_digest]:
        return f"what was signed as {other[0]} is about something else."
    roles = [one.role for one in signed]
    left = states.seats_left(case.quorum, roles)
    missing = ", ".join(f"{count} × {role}" for role, count in sorted(left.items()))
    return f"signatures are missing: {missing}." if missing else "" if roles else "nobody signed it."


def _certificate(case: CaseFact, _asked: Asked) -> str:
    if case.certificate is None or not case.certificate.doubted:
        return ""
    return f"only the pipeline {case.certificate.name} approved it, whose judgement is in doubt by now; people decide."


def _overdue(case: CaseFact, asked: Asked) -> str:
    late = [one for one in case.conditions if one.due_on < asked.at.date()]
    return f"a condition was due on {late[0].due_on:%d %b %Y}: {late[0].text}" if late else ""


def _conditions(case: CaseFact, asked: Asked) -> str:
    first = next((one for one in case.conditions if asked.environment not in one.environments), None)
    return f"it does not go to {asked.environment} before a condition is met: {first.text}" if first else ""


def _waiver_over(case: CaseFact, asked: Asked) -> str:
    over = next((one for one in case.waivers if one.expires_at <= asked.at), None)
    return f"the {over.kind} of {over.item or 'every item'} is over." if over else ""


def _waiver(case: CaseFact, asked: Asked) -> str:
    first = next((one for one in case.waivers if asked.environment not in one.environments), None)
    return f"the {first.kind} of {first.item or 'every item'} does not hold for {asked.environment}." if first else ""


_RULES: dict[str, Callable[[CaseFact, Asked], str]] = {
    "expired": _expired,
    "clock": _clock,
    "other-environment": _environment,
    "tier-rose": _tier,
    "no-evidence": _evidence,
    "subject-changed": _subject,
    "evidence-changed": _changed,
    "evidence-not-verified": _verified,
    "checklist-withdrawn": _checklist,
    "signatures-missing": _signed,
    "certificate-lapsed": _certificate,
    "condition-overdue": _overdue,
    "condition-open": _conditions,
    "waiver-over": _waiver_over,
    "waiver-elsewhere": _waiver,
}
"""Code → what the rule has against an approved case, in words; nothing where it has nothing."""
