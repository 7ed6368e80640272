"""Reliability: does the model reach its target, beat what is trivial, and hold where the data shake?"""

from __future__ import annotations

from dataclasses import replace

from core.checks import measuring, statistics
from core.checks.findings import Finding
from core.checks.judging import (
    BY_LIMIT,
    INTERVAL,
    METRIC,
    Bar,
    absent,
    against,
    at_least,
    at_most,
    held,
    reported,
    unsound,
)
from core.checks.measuring import Certainty, Metric
from core.checks.registry import check
from core.checks.snapshot import Measure
from core.checks.task import Parameter, Task, is_finite
from core.checks.words import brief, figure

_OWN = "convention of this factory"
_PAIRED = "rai.champion_gain"
TARGET = Parameter("target_from", "text", "Where the target stands: charter, or the item whose answer it is")
TOLERANCE = Parameter("tolerance", "number", "Share of the champion's value that may be lost", required=True)


@check(
    "key_metric_target", id="REL-1", principle="reliability", title="Target met",
    needs=("evaluation run", "target in the charter"), takes=(TARGET, INTERVAL), source="The project's charter",
    advice="Improve the model, or agree on another target with the domain expert before the next training.",
)  # fmt: skip
def key_metric_target(task: Task) -> Finding:
    """The project's key metric against the target that the project set itself."""
    return against_target(task, key_metric(task), by_interval=True)


@check(
    "metric_not_worse_than_champion", id="REL-1", principle="reliability", title="Not worse than the champion",
    needs=("both runs", "the same evaluation data"), takes=(TOLERANCE, METRIC, INTERVAL), source=_OWN,
    advice="Keep the champion, or say what the new version is better at and who accepts the loss.",
)  # fmt: skip
def metric_not_worse_than_champion(task: Task) -> Finding:
    """What the version gains on the version that serves today; it may lose the tolerated share of that one's value.

    A paired comparison that the run logged (``rai.champion_gain``) is taken before the difference of two intervals.
    """
    if not task.snapshot.champion:
        return task.finding("pass", "No version serves today, so there is none to be worse than.")
    metric = named(task, task.text("metric", "key_metric"))
    mine, theirs = task.snapshot.metrics.get(metric.stem), task.snapshot.champion.get(metric.stem)
    if mine is None or not metric.stem:
        return _no_key_metric(task) if not metric.stem else absent(task, metric)
    if broken := unsound(task, metric, metric.stem, mine):
        return broken
    if theirs is None or measuring.defect(task.snapshot, replace(metric, on_evaluation=False), metric.stem, theirs):
        return task.finding("missing", f"The champion has no usable {brief(metric.stem)} to compare with.",
                            advice="Evaluate the champion on the same rows, and log the metric there.")  # fmt: skip
    if mine.digest and theirs.digest and mine.digest != theirs.digest:
        return task.finding("missing", f"{brief(metric.stem)} of both versions was measured on different data.",
                            advice="Evaluate both versions on the same rows.")  # fmt: skip
    return _gained(task, metric, mine, theirs)


@check(
    "baseline_gain", id="REL-2", principle="reliability", title="Better than a trivial baseline",
    needs=("baseline metrics",), takes=BY_LIMIT,
    source="Idea from the ML Test Score rubric; limit: convention of this factory",
    advice="Use the baseline instead: it is cheaper, and nobody has shown that it is worse.",
)  # fmt: skip
def baseline_gain(task: Task) -> Finding:
    """The gain over a constant, a rule or the last value lies above the limit."""
    return at_least(task, "rai.baseline_gain", strict=True)


@check(
    "ece", id="REL-3", principle="reliability", title="Calibration", needs=("y_true", "y_prob"), takes=BY_LIMIT,
    source=_OWN, advice="Calibrate on rows that were neither trained nor evaluated on.",
)  # fmt: skip
def ece(task: Task) -> Finding:
    """The expected calibration error, where probabilities are used in decisions."""
    return at_most(task, "rai.ece")


@check(
    "noise_drop", id="REL-4", principle="reliability", title="Loss under noise", needs=("X", "model"), takes=BY_LIMIT,
    source=_OWN, advice="Regularise, or train with noise that inputs have in operation.",
)  # fmt: skip
def noise_drop(task: Task) -> Finding:
    """What the key metric loses when numeric inputs shake a little."""
    return at_most(task, "rai.noise_drop")


@check(
    "flip_rate", id="REL-4", principle="reliability", title="Labels that noise flips", needs=("X", "model"),
    takes=BY_LIMIT, source=_OWN, advice="Look at cases near the threshold; send them to a person, or widen the margin.",
)  # fmt: skip
def flip_rate(task: Task) -> Finding:
    """The share of decisions that change when numeric inputs shake a little."""
    return at_most(task, "rai.flip_rate")


@check(
    "adv_accuracy",
    id="REL-5",
    principle="reliability",
    title="Accuracy under attack",
    needs=("model", "attack budget"),
    takes=(METRIC,),
    source="none; judged case by case",
    advice="Run an attack that fits the exposure of the system, and log it with its budget.",
)
def adv_accuracy(task: Task) -> Finding:
    """Accuracy under an attack is reported with attack and budget; it has no limit."""
    return reported(task, "rai.adv_accuracy")


@check(
    "worst_slice", id="REL-6", principle="reliability", title="Worst slice", needs=("slices",), takes=BY_LIMIT,
    source=_OWN, advice="Confirm the slice on fresh rows; collect more of it, or do not serve it with this model.",
)  # fmt: skip
def worst_slice(task: Task) -> Finding:
    """The key metric in the worst slice of agreed size, divided by its overall value."""
    return at_least(task, "rai.worst_slice")


@check(
    "signature_present", id="REL-7", principle="reliability", title="Inference contract", needs=("model",),
    takes=(Parameter("input_example", "flag", "Whether an input example is asked for too"),),
    advice="Log the model with its signature and input_example.",
)  # fmt: skip
def signature_present(task: Task) -> Finding:
    """The model says what goes in and what comes out, and brings an example."""
    lacks = [] if task.snapshot.has_signature else ["no signature of inputs and outputs"]
    if task.flag("input_example", False) and not task.snapshot.has_example:
        lacks.append("no input example")
    if lacks:
        return task.finding("missing", f"The model has {' and '.join(lacks)}.")
    return task.finding(
        "pass", "The model has a signature" + (" and an input example." if task.snapshot.has_example else ".")
    )


@check(
    "latency_p95_ms", id="REL-7", principle="reliability", title="Latency", needs=("load test",), takes=BY_LIMIT,
    source="The contract with the consumer",
    advice="Make the model smaller or the service larger, or agree on another limit with the consumer.",
)  # fmt: skip
def latency_p95_ms(task: Task) -> Finding:
    """The latency that nineteen of twenty requests keep, in milliseconds, meets the consumer's limit."""
    return at_most(task, "rai.latency_p95_ms")


def named(task: Task, name: str) -> Metric:
    """The metric of a name; ``key_metric`` stands for the project's own."""
    return key_metric(task) if name == "key_metric" else measuring.known(name)


def key_metric(task: Task) -> Metric:
    """The project's key metric; its stem is empty where the project names none."""
    return measuring.known(str(task.snapshot.facts.get("key_metric") or "").strip())


def against_target(task: Task, metric: Metric, *, by_interval: bool) -> Finding:
    """Hold a metric against the target of the charter, or of the item that ``target_from`` names."""
    if not metric.stem:
        return _no_key_metric(task)
    place = task.text("target_from", "charter")
    facts = task.snapshot.facts
    target = facts.get("target") if place == "charter" else task.snapshot.answers.get(place)
    if not is_finite(target):
        where = "the project's charter" if place == "charter" else f"the answer to {brief(place)}"
        return task.finding(
            "missing",
            f"There is no target to hold {brief(metric.stem)} against: {where} has no number.",
            advice="Write the target down as a number before training.",
        )
    better = "below" if facts.get("higher_is_better") is False else "above"
    return held(task, metric, Bar(float(target), better), by_interval=by_interval)  # type: ignore[arg-type]


def _no_key_metric(task: Task) -> Finding:
    return task.finding("missing", "The project names no key metric.", advice="Name it on the project's page.")


def _gained(task: Task, metric: Metric, mine: Measure, theirs: Measure) -> Finding:
    sign = -1.0 if task.snapshot.facts.get("higher_is_better") is False else 1.0
    value, base = mine.value or 0.0, theirs.value or 0.0
    gain = sign * (value - base)
    paired = task.snapshot.metrics.get(_PAIRED)
    if paired is not None and (broken := unsound(task, measuring.known(_PAIRED), _PAIRED, paired)):
        return broken
    if paired is not None:
        sure = measuring.certainty(task.snapshot, measuring.known(_PAIRED), _PAIRED, paired)
        gain = paired.value or 0.0
    else:
        sure = _difference(task, metric, mine, theirs, sign)
    bar = Bar(-task.number("tolerance") * abs(base), "above")
    found = against(
        task, bar, f"The gain in {brief(metric.stem)}", gain, sure, measuring.rows_of(mine), task.flag("interval", True)
    )
    return _told(found, metric.stem, value, base)


def _difference(task: Task, metric: Metric, mine: Measure, theirs: Measure, sign: float) -> Certainty:
    own = measuring.certainty(task.snapshot, metric, metric.stem, mine)
    other = measuring.certainty(task.snapshot, metric, metric.stem, theirs)
    if own.lower is None or own.upper is None or other.lower is None or other.upper is None:
        return Certainty()
    found = statistics.difference(
        mine.value or 0.0, statistics.Interval(own.lower, own.upper),
        theirs.value or 0.0, statistics.Interval(other.lower, other.upper),
    )  # fmt: skip
    lower, upper = found if sign > 0 else (-found.upper, -found.lower)
    return Certainty(lower, upper, "95 % interval of the difference")


def _told(found: Finding, name: str, value: float, base: float) -> Finding:
    both = f"{brief(name)} is {figure(value, beside=base)}, the champion's {figure(base, beside=value)}."
    return replace(found, metric=name, text=f"{both} {found.text}")
