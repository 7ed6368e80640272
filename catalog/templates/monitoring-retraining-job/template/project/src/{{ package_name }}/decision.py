"""Decide from the last windows whether to retrain, to wait or to ignore what rings, and say why.

After the catalog's asset retraining-policy 1.0.0: one alarm is no reason, so ``k`` of the last
``n`` usable windows have to ring; broken data come before everything, because a broken feed looks
like drift and a model trained on it learns the break. Drift alone is no reason either: where
outcomes show that the quality holds, it is ignored. A decision asks for a challenger, never for a
champion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Literal

from .drift import Drift
from .performance import Loss, Share, judge

Action = Literal["retrain", "wait", "ignore"]
Code = Literal[
    "monitor-silent",
    "repair-data",
    "not-enough-windows",
    "request-open",
    "cooldown",
    "performance-lost",
    "drift-persists",
    "truth-pending",
    "too-few-alarms",
    "harmless-drift",
    "quiet",
]
Trigger = Literal["performance", "drift"]


@dataclass(frozen=True)
class Policy:
    """The rule. Give it a version when you change it, so that decisions can be told apart."""

    version: str
    k: int
    n: int
    cooldown_days: int
    max_age_days: int
    min_rows: int
    tolerated_loss: float


@dataclass(frozen=True)
class Evidence:
    """What one window showed."""

    day: date
    rows: int
    findings: tuple[str, ...]
    drift: dict[str, Drift]
    right: Share
    loss: Loss

    @property
    def drifted(self) -> list[str]:
        """The signals that ask for an action."""
        return [name for name, one in self.drift.items() if one.state == "act"]


@dataclass(frozen=True)
class History:
    """What earlier decisions led to."""

    request_open: bool = False
    last_retraining: date | None = None


@dataclass(frozen=True)
class Outcome:
    """What to do, a code that machines read, and a sentence that people read."""

    action: Action
    code: Code
    reason: str
    trigger: Trigger | None = None


def decide(
    policy: Policy,
    windows: Sequence[Evidence],
    reference: Share,
    today: date,
    history: History,
) -> Outcome:
    """Apply the policy; the first condition that is met gives the answer."""
    newest_first = sorted(windows, key=lambda window: window.day, reverse=True)
    if outcome := _unfit(policy, newest_first, today):
        return outcome
    usable = [one for one in newest_first if _usable(one, policy)]
    if len(usable) < policy.n:
        text = f"{len(usable)} usable windows of the {policy.n} the policy looks at"
        return Outcome("wait", "not-enough-windows", text)
    if history.request_open:
        return Outcome("wait", "request-open", "a retraining is asked for and not finished")
    outcome = _lost(policy, usable) or _drifted(policy, usable, reference)
    if outcome.action == "retrain" and history.last_retraining is not None:
        free = history.last_retraining + timedelta(days=policy.cooldown_days)
        if today < free:
            text = f"{outcome.reason}; the cooldown after {history.last_retraining} ends on {free}"
            return Outcome("wait", "cooldown", text)
    return outcome


def _unfit(policy: Policy, newest_first: list[Evidence], today: date) -> Outcome | None:
    """Reasons not to look at drift at all: nothing new, or broken data."""
    oldest = today - timedelta(days=policy.max_age_days)
    if not newest_first or newest_first[0].day < oldest:
        text = f"no window since {oldest}; check that the service writes them"
        return Outcome("wait", "monitor-silent", text)
    if findings := newest_first[0].findings:
        text = f"the window of {newest_first[0].day} breaks its contract: {findings[0]}"
        return Outcome("wait", "repair-data", text)
    return None


def _usable(window: Evidence, policy: Policy) -> bool:
    return not window.findings and window.rows >= policy.min_rows


def _lost(policy: Policy, usable: list[Evidence]) -> Outcome | None:
    """Retrain where the newest windows with outcomes lost more than is tolerated."""
    judged = [one for one in usable if one.loss.verdict != "pending"][: policy.n]
    lost = [one for one in judged if one.loss.verdict == "lost"]
    if len(lost) < policy.k:
        return None
    text = (
        f"{len(lost)} of the last {len(judged)} windows with outcomes lost more than "
        f"{policy.tolerated_loss:g}, {policy.k} are needed"
    )
    return Outcome("retrain", "performance-lost", text, "performance")


def _drifted(policy: Policy, usable: list[Evidence], reference: Share) -> Outcome:
    """What to make of drift: too little, not yet known, harmless, or lasting and unclear."""
    newest = usable[: policy.n]
    ringing = [one for one in newest if one.drifted]
    if not ringing:
        return Outcome("ignore", "quiet", f"none of the last {policy.n} windows rings")
    names = ", ".join(sorted({name for one in ringing for name in one.drifted}))
    drift = f"{len(ringing)} of the last {policy.n} windows drifted ({names})"
    if len(ringing) < policy.k:
        return Outcome("wait", "too-few-alarms", f"{drift}, {policy.k} are needed")
    known = [one.right for one in usable if one.drifted and one.loss.verdict != "pending"]
    if len(known) < policy.k:
        text = f"{drift}; outcomes of {len(known)} such windows are known, {policy.k} are needed"
        return Outcome("wait", "truth-pending", text)
    pooled = reduce(add, known[: policy.n])
    verdict = judge(reference, pooled, policy.tolerated_loss, policy.min_rows).verdict
    if verdict == "holds":
        text = f"{drift}, and {pooled.rows} outcomes show that the quality holds"
        return Outcome("ignore", "harmless-drift", text)
    if verdict == "lost":
        text = f"{drift}, and {pooled.rows} outcomes show that quality was lost"
        return Outcome("retrain", "performance-lost", text, "performance")
    text = f"{drift}, and {pooled.rows} outcomes cannot show that the quality holds"
    return Outcome("retrain", "drift-persists", text, "drift")
