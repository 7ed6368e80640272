"""Drift: do the data still look as they did? Limits know the sample size, so that chance rings no alarm."""

from __future__ import annotations

from dataclasses import replace

from core.checks import measuring, statistics
from core.checks.findings import Finding
from core.checks.judging import LIMIT, METRIC, Bar, absent, at_most, cannot_measure, unsound, worst
from core.checks.measuring import METRICS, Metric
from core.checks.registry import check
from core.checks.snapshot import Measure
from core.checks.task import Parameter, Task
from core.checks.words import brief, counted, figure

BINS = Parameter("bins", "number", "Bins of the histograms that the index compares", required=True)
ROWS = Parameter("minimum_rows", "number", "Rows below which no stability is claimed", required=True)


@check(
    "psi", id="DRIFT-1", principle="reliability", title="Input drift", needs=("reference sample", "current sample"),
    takes=(LIMIT, BINS, ROWS, METRIC),
    source="0.1: common industry practice; null quantile: Yurdakul and Naranjo, 2020",
    advice="Look at what changed in this input, and evaluate on recent rows before releasing or retraining.",
)  # fmt: skip
def psi(task: Task) -> Finding:
    """The population stability index of each feature, against the limit or what chance makes of these sample sizes."""
    metric = replace(METRICS["rai.psi"], stem=task.text("metric", "rai.psi"))
    found = measuring.readings(task.snapshot.metrics, metric)
    if not found:
        return absent(task, metric)
    judged = worst(
        [unsound(task, metric, name, one) or _stable(task, metric, name, one) for name, one in found.items()]
    )
    return judged if judged.verdict == "fail" else cannot_measure(task, metric) or judged


@check(
    "drift_share", id="DRIFT-1", principle="reliability", title="Share of drifted inputs",
    needs=("reference sample", "current sample"), takes=(LIMIT, METRIC), source="convention of this factory",
    advice="Look at which inputs drifted, and evaluate on recent rows.",
)  # fmt: skip
def drift_share(task: Task) -> Finding:
    """The share of inputs that a drift report calls drifted."""
    return at_most(task, "rai.drift_share")


def _stable(task: Task, metric: Metric, name: str, measure: Measure) -> Finding:
    value, rows, policy = measure.value or 0.0, measuring.rows_of(measure), task.number("limit")
    chance = statistics.psi_by_chance(round(task.number("bins")), rows) if rows else policy
    bar = Bar(max(policy, chance), "below")
    text = (
        f"{metric.called(name)} is {figure(value, beside=bar.limit)}; it should be {bar}{_why(chance > policy, rows)}."
    )
    draft = task.finding("pass", text, metric=name, observed=value, limit=bar.limit, better="below")
    if rows is None and not bar.holds(value):
        return replace(draft, verdict="inconclusive", text=f"{text} Without the rows, drift is not told from chance.",
                       advice=f"Log the harmonic mean of both samples' rows as {brief(name)}.rows.")  # fmt: skip
    if rows is not None and rows < task.number("minimum_rows"):
        more = max(round(task.number("minimum_rows")) - rows, 1)
        return replace(draft, verdict="inconclusive", text=f"{text} {counted(rows, 'row')} are too few to see drift.",
                       advice=f"Compare at least {counted(more, 'row')} more.", rows_needed=more)  # fmt: skip
    return draft if bar.holds(value) else replace(draft, verdict="fail", advice=task.info.advice)


def _why(by_chance: bool, rows: int | None) -> str:
    if rows is None:
        return ""
    return f", what chance alone makes of {counted(rows, 'row')}" if by_chance else f", with {counted(rows, 'row')}"
