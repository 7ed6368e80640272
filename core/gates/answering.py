"""Asking the gate: the facts are read, the rule decides, and every answer is recorded in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.errors import Invalid
from core.gates import facts
from core.gates.cases import CaseFact, Reason
from core.gates.facts import Known
from core.gates.rules import ENVIRONMENTS, Facts, Verdict, decide
from core.tracking import queries as tracking

HASH_SHOWN = 16
"""So many digits of a record's hash are shown beside a signature."""


@dataclass(frozen=True)
class Signed:
    """A signature that the answer rests on, as it is shown."""

    name: str
    role: str
    meaning: str
    signed_at: datetime
    record: str
    """The first digits of the hash of the record that was signed."""
    case: str


@dataclass(frozen=True)
class Answer:
    """What the gate says about a version and an environment, and on what it rests."""

    model: str
    version: str
    environment: str
    allowed: bool
    verdict: str
    reasons: tuple[Reason, ...]
    case: str
    """The review cases it rests on, joined by commas; empty where there is none."""
    signatures: tuple[Signed, ...]
    evidence_as_of: datetime | None
    """When the evidence of these cases was last found the same as in MLflow; without a case, when MLflow was mirrored."""
    decided_at: datetime


@dataclass(frozen=True)
class Consulted:
    """An answer with the cases that it rests on, and those of them that the asker may see."""

    answer: Answer
    cases: tuple[CaseFact, ...]
    shown: tuple[CaseFact, ...]


@dataclass(frozen=True)
class Question:
    """Somebody asks whether a version may go to an environment."""

    actor: Actor
    model: str
    version: str
    environment: str


def ask(session: Session, *, actor: Actor, model: str, version: str, environment: str) -> Answer:
    """Ask the gate and record its answer."""
    return consult(session, Question(actor, model, version, environment)).answer


def ask_all(session: Session, questions: Sequence[Question]) -> list[Answer]:
    """Ask several questions, one after the other, and record the answers in that order."""
    return [one.answer for one in _consulted(session, questions)]


def consult(session: Session, question: Question) -> Consulted:
    """:func:`ask`, with the cases that the answer rests on."""
    return _consulted(session, [question])[0]


def _consulted(session: Session, questions: Sequence[Question]) -> list[Consulted]:
    for one in questions:
        _require(one)
    known = facts.read_all(session, [(one.actor, one.model, one.version) for one in questions])
    found = [_judged(one, what) for one, what in zip(questions, known, strict=True)]
    told = [(one.actor, _told(one, made.answer)) for one, made in zip(questions, found, strict=True)]
    for actor, events_ in groupby(told, key=lambda one: one[0]):
        record(session, actor, *(event for _, event in events_))
    return found


def _require(asked: Question) -> None:
    policy.require(asked.actor, "gate.ask")
    if asked.environment not in ENVIRONMENTS:
        raise Invalid(f"{asked.environment[:40]!r} is no environment.", hint=f"Possible: {', '.join(ENVIRONMENTS)}.")


def _judged(asked: Question, known: Known) -> Consulted:
    if not known.seen and asked.actor.kind == "person":
        known = replace(known, facts=Facts(asked.model, asked.version))
    decided = decide(known.facts, asked.environment, known.at)
    shown = tuple(one for one in decided.cases if known.seen and one.project == known.facts.project)
    return Consulted(_answer(known, decided, asked.environment, shown), decided.cases, shown)


def _told(asked: Question, answer: Answer) -> events.GateAsked:
    return events.GateAsked(
        tracking.subject(asked.model), version=asked.version[:40], environment=asked.environment, allowed=answer.allowed,
        codes=[one.code for one in answer.reasons],
    )  # fmt: skip


def _answer(known: Known, decided: Verdict, environment: str, shown: tuple[CaseFact, ...]) -> Answer:
    """The answer; whoever does not see the project learns the verdict with its codes, and nothing about its cases."""
    reasons = decided.reasons if known.seen else tuple(_hidden(one) for one in decided.reasons)
    return Answer(
        known.facts.model, known.facts.version, environment, decided.allowed, decided.verdict, reasons,
        ", ".join(str(one.id) for one in shown), tuple(signed for case in shown for signed in _signatures(case)),
        _as_of(known.facts, decided.cases), known.at,
    )  # fmt: skip


def _signatures(case: CaseFact) -> list[Signed]:
    return [
        Signed(one.name, one.role, one.meaning, one.signed_at, one.record_hash[:HASH_SHOWN], str(case.id))
        for one in case.signatures
    ]


def _as_of(known: Facts, cases: tuple[CaseFact, ...]) -> datetime | None:
    """The oldest of what was looked at; unknown where some case was never compared."""
    if not cases:
        return known.evidence_as_of
    compared = [one.checked_at for one in cases]
    return None if None in compared else min(one for one in compared if one is not None)


def _hidden(reason: Reason) -> Reason:
    return Reason(reason.code, f"{reason.code}: the details are for those who see the project.")
