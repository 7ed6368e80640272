"""Metrics as evidence: which names a check looks for, what disqualifies a value, and how sure a value is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from core.checks import statistics
from core.checks.snapshot import DatasetUse, Measure, Snapshot
from core.checks.statistics import MOST_ROWS, Share
from core.checks.task import is_finite
from core.checks.words import brief, is_filled, listed

Nature = Literal["estimate", "proportion", "exact"]
"""``estimate`` and ``proportion`` come from a sample (a proportion counts rows), ``exact`` has no uncertainty."""

CANNOT_MEASURE = "rai.cannot_measure."
"""Tag: this prefix and the name of a check or metric → why it cannot be measured here."""
_PARTS = (".lower", ".upper", ".rows")
_EVALUATION = {"eval", "evaluation", "evaluate", "test", "testing", "validation", "holdout"}
_TRAINING = {"train", "training", "fit"}


@dataclass(frozen=True)
class Metric:
    """A metric that teams log: the stem of its name, what it is in words, and what its values can be.

    ``lowest`` and ``highest`` are the values it can take; ``on_evaluation`` says that it is worth something on the
    evaluation data alone; ``aliases`` are names that libraries give it.
    """

    stem: str
    words: str = ""
    nature: Nature = "estimate"
    lowest: float = -math.inf
    highest: float = math.inf
    on_evaluation: bool = False
    aliases: tuple[str, ...] = ()

    def called(self, name: str) -> str:
        """What a measure is, at the start of a sentence: in words with its qualifier, or by its bare name."""
        if not self.words:
            return brief(name)
        return f"The {self.words} ({brief(which)})" if (which := qualifier(self, name)) else f"The {self.words}"


def _share(stem: str, words: str, nature: Nature = "estimate", *, of_test: bool = False, alias: str = "") -> Metric:
    return Metric(stem, words, nature, 0, 1, of_test, (alias,) if alias else ())


def _amount(stem: str, words: str, nature: Nature = "exact", *, of_test: bool = False, lowest: float = 0) -> Metric:
    return Metric(stem, words, nature, lowest, on_evaluation=of_test)


def _of_groups() -> list[Metric]:
    ratio, odds, chances = "demographic_parity_ratio", "equalized_odds_difference", "equal_opportunity_difference"
    return [
        _share(f"rai.{ratio}", "ratio of selection rates", of_test=True, alias=ratio),
        _share(f"rai.{odds}", "difference in error rates", of_test=True, alias=odds),
        _share(f"rai.{chances}", "difference in true-positive rates", of_test=True, alias=chances),
        _amount("rai.worst_group_ratio", "worst group's share of the overall value", "estimate", of_test=True),
        _amount("rai.group_mae_ratio", "ratio of the groups' mean errors", "estimate", of_test=True, lowest=1),
        _amount("rai.group_count", "number of rows of a group"),
        _share("rai.proxy_auc", "AUC of guessing the sensitive feature from the inputs"),
        _share("rai.coverage", "share of declared groups with rows enough", "exact"),
    ]


def _of_models() -> list[Metric]:
    return [
        Metric("rai.baseline_gain", "gain over the baseline", on_evaluation=True),
        _share("rai.ece", "calibration error", of_test=True),
        Metric("rai.noise_drop", "loss under noise", on_evaluation=True),
        _share("rai.flip_rate", "share of decisions that noise flips", "proportion", of_test=True),
        _share("rai.adv_accuracy", "accuracy under attack", "proportion", of_test=True),
        _amount("rai.worst_slice", "worst slice's share of the overall value", "estimate", of_test=True),
        _amount("rai.latency_p95_ms", "95th percentile of the latency in milliseconds", "estimate"),
        _amount("rai.psi", "population stability index"),
        _share("rai.drift_share", "share of drifted inputs", "exact", alias="drift_share"),
        _share("rai.mia_auc", "AUC of guessing what was trained on"),
        _share("rai.importance_top_share", "share of the top input in all importance", "exact"),
        Metric("rai.importance_rank_corr", "rank correlation of two explanations", lowest=-1, highest=1),
        _share("accuracy", "", "proportion", of_test=True, alias="accuracy_score"),
        _share("roc_auc", "", of_test=True),
    ]


def _of_data() -> list[Metric]:
    return [
        _amount("rai.data.schema_errors", "number of schema errors"),
        _share("rai.data.missing_share", "share of missing values", "exact"),
        _share("rai.data.duplicate_share", "share of duplicate rows", "exact"),
        _share("rai.data.label_balance", "share of the rarest label", "exact"),
        _amount("rai.data.overlap", "number of evaluation rows that were trained on"),
        _amount("rai.pii_hits", "number of undeclared personal data found"),
        _amount("rai.k_anonymity", "number of people who share the rarest combination"),
    ]


def _of_operation() -> list[Metric]:
    return [
        _amount("rai.unsafe_types", "number of unsafe types in the artefact"),
        _amount("rai.scan", "number of findings of the scan"),
        _amount("rai.cve_high", "number of known vulnerabilities of severity high or above"),
        _amount("rai.a11y_serious", "number of serious findings of the accessibility scan"),
        _share("rai.override_rate", "share of decisions that people override", "proportion"),
        _share("rai.seeded_catch_rate", "share of planted errors that were caught", "proportion"),
        _amount("rai.review_seconds_median", "median of the seconds spent on a case"),
        _amount("rai.queue_load", "load of the reviewers"),
        _amount("rai.appeal_days_p90", "number of days in which nine of ten appeals are decided"),
        _amount("rai.energy_kwh", "energy of the training in kWh"),
        _amount("rai.cost_ratio", "cost as a multiple of the champion's"),
        Metric("rai.footprint_growth", "growth of the footprint over the champion's", "exact"),
        _share("rai.wasted_run_share", "share of training time that was wasted", "exact"),
        _share("certification.sabotage_caught_share", "share of sabotaged candidates that were refused", "exact"),
        _share("certification.fail_closed_share", "share of steps that fail closed", "exact"),
        _share("certification.sampled_share", "share of releases that people looked at", "exact"),
    ]


METRICS = {one.stem: one for one in (*_of_groups(), *_of_models(), *_of_data(), *_of_operation())}
"""Stem → metric. What is not here may be any number, taken for an estimate from the evaluation data."""


def known(name: str) -> Metric:
    """The metric of a name, which may have qualifiers after the stem, such as ``rai.psi.age``."""
    for one in METRICS.values():
        if name == one.stem:
            return one
        if name in one.aliases or name.startswith(f"{one.stem}."):
            return replace(one, stem=name, aliases=())
    return Metric(name, on_evaluation=True)


def readings(metrics: Mapping[str, Measure], metric: Metric) -> dict[str, Measure]:
    """The measures of a metric by their names: the stem itself, and the stem with qualifiers."""
    for stem in (metric.stem, *metric.aliases):
        found = {name: one for name, one in metrics.items() if name == stem or name.startswith(f"{stem}.")}
        if found := {name: one for name, one in found.items() if not name.endswith(_PARTS)}:
            return dict(sorted(found.items()))
    return {}


def qualifier(metric: Metric, name: str) -> str:
    """What a name has after the stem, such as the sensitive feature; empty for the stem itself."""
    stem = next((one for one in (metric.stem, *metric.aliases) if name.startswith(f"{one}.")), name)
    return name[len(stem) + 1 :]


@dataclass(frozen=True)
class Defect:
    """Why a value is no evidence, and what to do about it. ``is_false`` where it speaks against the run itself."""

    text: str
    advice: str
    is_false: bool = False


def defect(snapshot: Snapshot, metric: Metric, name: str, measure: Measure) -> Defect | None:
    """What disqualifies a measure, or ``None`` for one that may be judged."""
    if measure.overwritten:
        return Defect(
            f"{brief(name)} was written {measure.history} times at one step, so it is open which value was measured.",
            "Evaluate again in a new run, and log each metric once.", is_false=True,
        )  # fmt: skip
    if not is_finite(measure.value):
        return Defect(f"{brief(name)} is {brief(measure.text or measure.value)!r}, which is no number to judge.",
                      "Find out why the value does not exist for these rows, and log it again.")  # fmt: skip
    return _out_of_range(metric, name, measure) or (
        _other_data(snapshot, name, measure) if metric.on_evaluation else None
    )


def _out_of_range(metric: Metric, name: str, measure: Measure) -> Defect | None:
    value = measure.value or 0.0
    if not metric.lowest <= value <= metric.highest:
        is_open = metric.highest == math.inf
        reach = f"at least {metric.lowest:g}" if is_open else f"{metric.lowest:g} to {metric.highest:g}"
        return Defect(f"{brief(name)} is {value:g}, and can only be {reach}.", "Log it as its definition says.")
    ends = [end for end in (measure.lower, measure.upper) if end is not None]
    if not all(map(is_finite, ends)) or (len(ends) == 2 and ends[0] > ends[1]):
        return Defect(f"The interval of {brief(name)} is no interval: {listed(map(str, ends))}.",
                      "Log the lower end as NAME.lower and the upper as NAME.upper.")  # fmt: skip
    return None


def _other_data(snapshot: Snapshot, name: str, measure: Measure) -> Defect | None:
    expected = {one.digest for one in evaluation_data(snapshot.datasets) if one.digest}
    if not measure.digest or not expected or measure.digest in expected:
        return None
    trained = any(measure.digest == one.digest for one in snapshot.datasets if _is(one, _TRAINING))
    which = "the training data" if trained else f"the dataset {brief(measure.dataset or measure.digest)}"
    return Defect(
        f"{brief(name)} was measured on {which} (digest {brief(measure.digest, 20)}), not on the evaluation data of "
        f"this run (digest {listed(sorted(expected))}).",
        "Evaluate on the data that the run logs as its evaluation data.",
    )


def evaluation_data(datasets: Iterable[DatasetUse]) -> list[DatasetUse]:
    """The inputs a run was evaluated on: by their context, else all but those that were trained on."""
    named = [one for one in datasets if _is(one, _EVALUATION)]
    return named or [one for one in datasets if not _is(one, _TRAINING)]


def training_data(datasets: Iterable[DatasetUse]) -> list[DatasetUse]:
    """The inputs a run says that it was trained on."""
    return [one for one in datasets if _is(one, _TRAINING)]


def _is(use: DatasetUse, contexts: set[str]) -> bool:
    return bool(contexts & set(re.findall(r"[a-z]+", use.context.lower())))


@dataclass(frozen=True)
class Certainty:
    """The interval of a value; an end that nobody knows is ``None``. ``text`` says where it comes from."""

    lower: float | None = None
    upper: float | None = None
    text: str = ""


def certainty(snapshot: Snapshot, metric: Metric, name: str, measure: Measure) -> Certainty:
    """The interval that came with the metric, else one from its rows where statistics has a formula for it."""
    value = measure.value or 0.0
    if measure.lower is not None or measure.upper is not None:
        return _around(value, measure.lower, measure.upper, "95 % interval")
    if metric.nature == "exact":
        return Certainty(value, value)
    rows = rows_of(measure)
    if metric.nature == "proportion" and rows and 0 <= value <= 1:
        return _around(value, *statistics.wilson(Share(value, rows)), f"95 % interval by Wilson from {rows:,} rows")
    if rates := _selection_rates(snapshot, name):
        return _around(value, *statistics.lowest_over_highest(rates), "95 % interval from the groups' selection rates")
    return Certainty()


def _around(value: float, lower: float | None, upper: float | None, text: str) -> Certainty:
    """The interval, widened to the value: where a value lies outside of its own interval, one of the two is wrong."""
    low = None if lower is None else min(lower, value)
    return Certainty(low, None if upper is None else max(upper, value), text)


def _selection_rates(snapshot: Snapshot, name: str) -> list[Share]:
    """The groups' selection rates with their rows, where the run logged them for all groups of the feature."""
    feature = name.removeprefix("rai.demographic_parity_ratio.")
    if feature == name:
        return []
    shares = []
    for rate_name, rate in readings(snapshot.metrics, Metric(f"rai.selection_rate.{feature}")).items():
        group = rate_name.removeprefix("rai.selection_rate.")
        rows = rows_of(rate) or _whole(snapshot.metrics.get(f"rai.group_count.{group}"))
        if rate.overwritten or not is_finite(rate.value) or not 0 <= (rate.value or 0) <= 1 or not rows:
            return []
        shares.append(Share(rate.value or 0.0, rows))
    return shares if len(shares) > 1 else []


def rows_of(measure: Measure) -> int | None:
    """How many rows a measure rests on; ``None`` where that is not known or cannot be."""
    return measure.rows if measure.rows is not None and 0 < measure.rows < MOST_ROWS else None


def _whole(measure: Measure | None) -> int | None:
    """A count that was logged as a metric."""
    if measure is None or measure.value is None or not 0 < measure.value < MOST_ROWS:
        return None
    return int(measure.value)


def smallest_group(snapshot: Snapshot, feature: str) -> int | None:
    """The rows of the smallest group of a sensitive feature, or of any where its own are not known."""
    own = readings(snapshot.metrics, Metric(f"rai.group_count.{feature}")) if feature else {}
    counts = own or readings(snapshot.metrics, METRICS["rai.group_count"])
    found = [_whole(one) for one in counts.values()]
    return min((one for one in found if one), default=None)


def why_not_measured(snapshot: Snapshot, *names: str) -> Iterator[tuple[str, str]]:
    """What of the named checks or metrics the team says it cannot measure, each with the reason it gives."""
    for key, reason in sorted(snapshot.tags.items()):
        what = key.removeprefix(CANNOT_MEASURE)
        if what != key and any(what == name or what.startswith(f"{name}.") for name in names):
            yield what, reason if is_filled(reason) else ""
