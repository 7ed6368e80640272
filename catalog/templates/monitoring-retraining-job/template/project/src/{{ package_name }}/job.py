"""The whole loop, as the scheduler starts it: watch, retrain if decided, compare, ask the gate.

The job never makes a champion on its own word. Where the settings let it promote, the gate's yes is
still needed, and the challenger must not be worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from . import compare, gate, ledger, promote, tracking, train, watch
from .compare import Result
from .gate import Answer
from .ledger import Decision
from .settings import Settings
from .train import Candidate


@dataclass(frozen=True)
class Report:
    """What the job did; later parts are missing where it stopped before them."""

    decision: Decision
    candidate: Candidate | None = None
    result: Result | None = None
    answer: Answer | None = None


def run(settings: Settings, today: date, *, portal: str, token: str) -> Report:
    """Do the steps in order and stop at the first that has nothing to do.

    A decision that a run has answered already is not answered again.
    """
    decision = watch.watch(settings, today)
    client = tracking.connect(settings)
    if decision.action != "retrain" or train.answering_run(client, settings, decision.id):
        return Report(decision)
    candidate = train.retrain(settings, decision)
    result = compare.compare(settings)
    if result is not None and result.verdict == "worse":
        return Report(decision, candidate, result)
    if settings.promotion == "job":
        answer = promote.promote(settings, candidate.version, portal=portal, token=token)
    else:
        answer = gate.ask(
            settings.model_name, candidate.version, "production", portal=portal, token=token
        )
    return Report(decision, candidate, result, answer)


def last_decision(settings: Settings) -> Decision:
    """The newest decision of the ledger."""
    decisions = ledger.read(ledger.folder(settings))
    if not decisions:
        raise LookupError(f"no decision in {ledger.folder(settings)}; watch first")
    return decisions[-1]
