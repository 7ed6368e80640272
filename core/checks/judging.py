"""How a metric is held against a limit: by its interval where there is one, and by saying so where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.checks import measuring, statistics
from core.checks.findings import Finding
from core.checks.measuring import METRICS, Certainty, Metric
from core.checks.snapshot import Measure
from core.checks.task import Parameter, Task
from core.checks.words import about, brief, figure, listed

Side = Literal["above", "below"]

LIMIT = Parameter("limit", "number", "The value that the metric should reach or keep to", required=True)
METRIC = Parameter("metric", "text", "The name of the metric, where it is not the usual one")
INTERVAL = Parameter("interval", "flag", "Whether the value without its interval is too little to judge")
BY_LIMIT = (LIMIT, METRIC, INTERVAL)
"""What every check takes that holds a metric against a limit."""

_WORST_FIRST = ("fail", "missing", "inconclusive", "pass")


@dataclass(frozen=True)
class Bar:
    """The limit and the side of it on which a value should lie; ``strict`` where the limit itself is not enough."""

    limit: float
    better: Side
    strict: bool = False

    def holds(self, value: float | None) -> bool:
        """Whether a value lies on the right side; nobody vouches for one that is not known."""
        if value is None:
            return False
        if value == self.limit:
            return not self.strict
        return (value > self.limit) == (self.better == "above")

    def fails(self, value: float | None) -> bool:
        """Whether a value is known to lie on the wrong side."""
        return value is not None and not self.holds(value)

    def __str__(self) -> str:
        words = ("more than" if self.strict else "at least") if self.better == "above" else "at most"
        return f"{'less than' if self.strict and self.better == 'below' else words} {figure(self.limit)}"


def at_least(task: Task, stem: str, *, strict: bool = False) -> Finding:
    """Hold a metric against the parameter ``limit`` from above."""
    return held(task, _metric(task, stem), Bar(task.number("limit"), "above", strict))


def at_most(task: Task, stem: str, *, strict: bool = False) -> Finding:
    """Hold a metric against the parameter ``limit`` from below."""
    return held(task, _metric(task, stem), Bar(task.number("limit"), "below", strict))


def reported(task: Task, stem: str) -> Finding:
    """Whether a metric is there to be looked at; it has no limit."""
    metric = _metric(task, stem)
    found = measuring.readings(task.snapshot.metrics, metric)
    if not found:
        return absent(task, metric)
    sound = [unsound(task, metric, name, one) or _shown(task, metric, name, one) for name, one in found.items()]
    return _with_gaps(task, metric, worst(sound))


def _metric(task: Task, stem: str) -> Metric:
    """The usual metric of a check, under another name where the parameters give one."""
    return replace(METRICS[stem], stem=name, aliases=()) if (name := task.text("metric")) else METRICS[stem]


def held(task: Task, metric: Metric, bar: Bar, *, by_interval: bool = True) -> Finding:
    """Judge every measure of a metric; the worst verdict counts. ``by_interval`` unless ``interval`` says otherwise."""
    found = measuring.readings(task.snapshot.metrics, metric)
    if not found:
        return absent(task, metric)
    asks = task.flag("interval", by_interval)
    return _with_gaps(task, metric, worst([_judged(task, metric, name, one, bar, asks) for name, one in found.items()]))


def _judged(task: Task, metric: Metric, name: str, measure: Measure, bar: Bar, asks_interval: bool) -> Finding:
    if broken := unsound(task, metric, name, measure):
        return broken
    sure = measuring.certainty(task.snapshot, metric, name, measure)
    found = against(
        task, bar, metric.called(name), measure.value or 0.0, sure, measuring.rows_of(measure), asks_interval
    )
    return replace(found, metric=name)


def unsound(task: Task, metric: Metric, name: str, measure: Measure) -> Finding | None:
    """A finding on a value that is no evidence; ``None`` where the value may be judged. Overwritten values fail."""
    defect = measuring.defect(task.snapshot, metric, name, measure)
    if defect is None:
        return None
    return task.finding("fail" if defect.is_false else "missing", defect.text, advice=defect.advice, metric=name)


def against(
    task: Task, bar: Bar, what: str, value: float, sure: Certainty, rows: int | None, asks_interval: bool
) -> Finding:  # fmt: skip
    """Hold one value against the bar: its whole interval decides; a value without one decides where that is enough.

    ``what`` says in words what it is, at the start of a sentence.
    """
    if not math.isfinite(value):
        return task.finding("missing", f"{what} is too large to be computed.")
    near, far = (sure.lower, sure.upper) if bar.better == "above" else (sure.upper, sure.lower)
    said = f"{what} is {_with_interval(value, sure, bar)}; it should be {bar}."
    lower, upper = (sure.lower, sure.upper) if sure.text else (None, None)
    draft = task.finding("pass", said, observed=value, lower=lower, upper=upper, limit=bar.limit, better=bar.better)
    if bar.holds(near):
        return draft
    if bar.fails(far):
        whole = " The whole interval lies on the wrong side." if sure.text else ""
        return replace(draft, verdict="fail", text=f"{said}{whole}", advice=task.info.advice)
    if sure.lower is None and sure.upper is None:
        return _without_interval(task, draft, bar, value, asks_interval)
    return _inconclusive(draft, statistics.rows_needed(value, _crossing(bar, value, near, far), bar.limit, rows))


def _crossing(bar: Bar, value: float, near: float | None, far: float | None) -> float:
    """The end of the interval that lies beyond the limit, as seen from the value."""
    end = near if bar.holds(value) else far
    return math.inf if end is None else end


def _inconclusive(draft: Finding, more: int | None) -> Finding:
    text = f"{draft.text} The interval has the limit inside, so these rows do not settle it"
    if more is None:
        return replace(
            draft, verdict="inconclusive", text=f"{text}.",
            advice="Evaluate on many more rows, and log how many (NAME.rows) with both ends of the interval.",
        )  # fmt: skip
    return replace(
        draft, verdict="inconclusive", rows_needed=more, text=f"{text}; about {about(more)} more would.",
        advice=f"Evaluate on about {about(more)} more rows of the same kind.",
    )  # fmt: skip


def _without_interval(task: Task, draft: Finding, bar: Bar, value: float, asks_interval: bool) -> Finding:
    advice = "Log the 95 % interval beside it, as NAME.lower and NAME.upper, and the rows as NAME.rows."
    text = f"{draft.text} How certain that is, nobody knows: it has no interval."
    if asks_interval:
        return replace(draft, verdict="inconclusive", text=text, advice=advice)
    if bar.holds(value):
        return replace(draft, text=text)
    return replace(draft, verdict="fail", text=text, advice=task.info.advice)


def _with_interval(value: float, sure: Certainty, bar: Bar) -> str:
    shown = figure(value, beside=bar.limit)
    if not sure.text:
        return shown
    lower, upper = (
        figure(end, beside=bar.limit) if end is not None else "not known" for end in (sure.lower, sure.upper)
    )
    return f"{shown} ({sure.text}: {lower} to {upper})"


def _shown(task: Task, metric: Metric, name: str, measure: Measure) -> Finding:
    return task.finding(
        "pass",
        f"{metric.called(name)} is {figure(measure.value or 0.0)}; it is reported and has no limit.",
        metric=name,
        observed=measure.value,
        lower=measure.lower,
        upper=measure.upper,
    )


def absent(task: Task, metric: Metric) -> Finding:
    """Nothing was measured: because it cannot be, with a reason, or because nobody did."""
    if found := cannot_measure(task, metric):
        return found
    names = listed((metric.stem, *metric.aliases))
    return task.finding("missing", f"The run has no metric {names}.", advice=f"Measure it and log it as {metric.stem}.")


def cannot_measure(task: Task, metric: Metric) -> Finding | None:
    """The team's word that something cannot be measured: no pass and no fail, but a call for another control."""
    names = (task.info.name, metric.stem, metric.stem.removeprefix("rai."))
    for what, reason in measuring.why_not_measured(task.snapshot, *dict.fromkeys(names)):
        if not reason:
            return task.finding(
                "missing", f"The run says that {brief(what)} cannot be measured, and gives no reason.",
                advice=f"Write the reason into the tag {measuring.CANNOT_MEASURE}{brief(what)}, or measure it.",
            )  # fmt: skip
        return compensating(task, f"{brief(what)} cannot be measured here: {brief(reason, 300)}")
    return None


def compensating(task: Task, text: str) -> Finding:
    """A finding on what cannot be measured for a good reason."""
    return task.finding(
        "missing", text if text.endswith((".", "!", "?", "…")) else f"{text}.", compensating=True,
        advice="Show a compensating control: what is done instead, who does it, and how its effect is seen.",
    )  # fmt: skip


def _with_gaps(task: Task, metric: Metric, found: Finding) -> Finding:
    """Measured in part: what the team cannot measure counts, unless what it did measure fails."""
    if found.verdict == "fail":
        return found
    return cannot_measure(task, metric) or found


def worst(findings: Sequence[Finding]) -> Finding:
    """The finding that counts among those on several measures: the worst verdict, then the nearest to its limit."""
    first = min(findings, key=lambda one: (_WORST_FIRST.index(one.verdict), _margin(one), one.metric))
    others = len(findings) - 1
    if not others:
        return first
    same = sum(one.verdict == first.verdict for one in findings) - 1
    text = f"{first.text} {_others(first.verdict, same, others)}"
    return replace(first, text=text)


def _others(verdict: str, same: int, others: int) -> str:
    all_of_them = "The other value" if others == 1 else f"The other {others} values"
    is_or_are = "is" if others == 1 else "are"
    if verdict == "pass":
        return f"{all_of_them} {'passes' if others == 1 else 'pass'} too."
    if same in (0, others):
        return f"{all_of_them} {is_or_are} {'as bad' if same else 'better'}."
    return f"Of the other {others} values, {same} {'is' if same == 1 else 'are'} as bad."


def _margin(one: Finding) -> float:
    if one.observed is None or one.limit is None:
        return 0.0
    return (one.observed - one.limit) * (1 if one.better == "above" else -1)
