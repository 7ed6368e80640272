"""Fairness: do groups of people fare alike? Small groups and unmeasured features are told, never passed over."""

from __future__ import annotations

from dataclasses import replace

from core.checks import measuring
from core.checks.findings import Finding
from core.checks.judging import BY_LIMIT, METRIC, Bar, absent, at_least, at_most, compensating, unsound, worst
from core.checks.measuring import METRICS, Metric
from core.checks.registry import check
from core.checks.snapshot import Measure
from core.checks.task import Parameter, Task
from core.checks.words import about, brief, counted, figure, listed

FLOOR = Parameter("minimum_group_rows", "number", "Rows of the smallest group below which nothing is passed")
BETWEEN_GROUPS = (*BY_LIMIT, FLOOR)
ROWS = Parameter("minimum_rows", "number", "Rows that each group should have", required=True)
SHARE = Parameter("minimum_share", "number", "Share of all rows that each group should have", required=True)

_FEATURES = "rai.sensitive_features"
_OWN = "convention of this factory"


@check(
    "demographic_parity_ratio", id="FAIR-1", principle="fairness", title="Ratio of selection rates",
    needs=("y_pred", "sensitive features"), takes=BETWEEN_GROUPS,
    source="Four-fifths rule, 29 CFR 1607.4(D); a screen, not a legal verdict",
    advice="Look at which group is selected least, why, and whether the threshold or the data cause it.",
)  # fmt: skip
def demographic_parity_ratio(task: Task) -> Finding:
    """The lowest selection rate of a group divided by the highest, for each sensitive feature."""
    return _between_groups(task, "rai.demographic_parity_ratio", at_least(task, "rai.demographic_parity_ratio"))


@check(
    "equalized_odds_difference", id="FAIR-2", principle="fairness", title="Difference in error rates between groups",
    needs=("y_true", "y_pred", "sensitive features"), takes=BETWEEN_GROUPS, source=_OWN,
    advice="Find out which error is more frequent in which group, and whether its labels or its rows are to blame.",
)  # fmt: skip
def equalized_odds_difference(task: Task) -> Finding:
    """The largest difference in true-positive or false-positive rates, for each sensitive feature."""
    return _between_groups(task, "rai.equalized_odds_difference", at_most(task, "rai.equalized_odds_difference"))


@check(
    "equal_opportunity_difference", id="FAIR-2", principle="fairness", title="Difference in true-positive rates",
    needs=("y_true", "y_pred", "sensitive features"), takes=BETWEEN_GROUPS, source=_OWN,
    advice="Find out in which group deserving cases are missed, and why.",
)  # fmt: skip
def equal_opportunity_difference(task: Task) -> Finding:
    """The largest difference in true-positive rates, for each sensitive feature."""
    return _between_groups(task, "rai.equal_opportunity_difference", at_most(task, "rai.equal_opportunity_difference"))


@check(
    "worst_group_ratio", id="FAIR-3", principle="fairness", title="Quality of service in the worst group",
    needs=("y_true", "y_pred", "sensitive features"), takes=BETWEEN_GROUPS, source=_OWN,
    advice="Collect more rows of the group that is served worst, or do not serve it with this model.",
)  # fmt: skip
def worst_group_ratio(task: Task) -> Finding:
    """A metric in the worst group divided by its overall value, for metrics where larger is better."""
    return _with_floor(task, at_least(task, "rai.worst_group_ratio"), [""])


@check(
    "group_mae_ratio", id="FAIR-4", principle="fairness", title="Ratio of group errors in regression",
    needs=("y_true", "y_pred", "sensitive features"), takes=BETWEEN_GROUPS, source=_OWN,
    advice="Look at the group with the largest error for fewer rows, another range of values or missing inputs.",
)  # fmt: skip
def group_mae_ratio(task: Task) -> Finding:
    """The largest mean absolute error of a group divided by the smallest."""
    return _between_groups(task, "rai.group_mae_ratio", at_most(task, "rai.group_mae_ratio"))


@check(
    "group_count", id="FAIR-5", principle="fairness", title="Smallest group is large enough to judge",
    needs=("group counts",), takes=(ROWS, SHARE, METRIC),
    source="Share: small samples in New York City Local Law 144 audits; count: own, from simulation",
    advice="Evaluate on more rows of the small groups, or merge them where that makes sense, and say so.",
)  # fmt: skip
def group_count(task: Task) -> Finding:
    """Whether each group has rows enough; a small one makes the comparison inconclusive, it does not fail it."""
    metric = replace(METRICS["rai.group_count"], stem=task.text("metric", "rai.group_count"))
    found = measuring.readings(task.snapshot.metrics, metric)
    if not found:
        return _absent(task, metric)
    return worst(
        [unsound(task, metric, name, one) or _large_enough(task, metric, name, one) for name, one in found.items()]
    )


@check(
    "proxy_auc", id="FAIR-6", principle="fairness", title="Inputs that give the sensitive feature away",
    needs=("X", "sensitive features"), takes=BY_LIMIT, source=_OWN,
    advice="Name the inputs that give the feature away, and justify or drop each.",
)  # fmt: skip
def proxy_auc(task: Task) -> Finding:
    """How well the sensitive feature can be predicted from the inputs: an AUC, 0.5 is not at all."""
    return _between_groups(task, "rai.proxy_auc", at_most(task, "rai.proxy_auc"))


def _between_groups(task: Task, stem: str, found: Finding) -> Finding:
    """The finding, unless a sensitive feature that the run names was left out or has a group that is too small."""
    metric = replace(METRICS[stem], stem=task.text("metric", stem))
    measured = [measuring.qualifier(metric, name) for name in measuring.readings(task.snapshot.metrics, metric)]
    if not measured:
        return _absent(task, metric)
    left_out = [one for one in _features(task) if "" not in measured and not _covers(measured, one)]
    if left_out and found.verdict in ("pass", "inconclusive"):
        return task.finding(
            "missing", f"{metric.stem} was not measured for {listed(left_out)}, which the run names as sensitive.",
            advice=f"Log {metric.stem}.{left_out[0]}, or say in a tag why it cannot be measured.",
        )  # fmt: skip
    return _with_floor(task, found, measured)


def _covers(measured: list[str], feature: str) -> bool:
    return any(one == feature or one.startswith(f"{feature}.") for one in measured)


def _features(task: Task) -> list[str]:
    """The sensitive features that the run names; none where it says that there are none, or that nobody may know."""
    names = [one.strip() for one in task.snapshot.tags.get(_FEATURES, "").split(",")]
    return [one for one in names if one and one not in ("none", "unavailable")]


def _absent(task: Task, metric: Metric) -> Finding:
    told = task.snapshot.tags.get(_FEATURES, "").strip()
    if told == "unavailable":
        return compensating(task, "Groups cannot be compared: the sensitive attributes may not be held here")
    found = absent(task, metric)
    if told == "none" and not found.compensating:
        advice = "If nobody is affected, answer that the item does not apply; else name the features and measure."
        return replace(found, text=f"{found.text} The run says that no sensitive feature is concerned.", advice=advice)
    return found


def _with_floor(task: Task, found: Finding, features: list[str]) -> Finding:
    """The finding, unless it rests on a group smaller than the floor. What fails by its whole interval, fails."""
    floor = task.number_or_none("minimum_group_rows")
    by_point = found.verdict == "fail" and found.observed is not None and found.lower is None and found.upper is None
    if floor is None or not (found.verdict == "pass" or by_point):
        return found
    sizes = [size for one in features if (size := measuring.smallest_group(task.snapshot, one)) is not None]
    if not sizes or min(sizes) >= floor:
        return found
    few = f"The smallest group has {counted(min(sizes), 'row')}, too few to judge"
    text = f"{found.text} {few}: it should have at least {figure(floor)}."
    advice = "Evaluate on more rows of the small groups, or merge them where that makes sense, and say so."
    return replace(found, verdict="inconclusive", text=text, advice=advice)


def _large_enough(task: Task, metric: Metric, name: str, measure: Measure) -> Finding:
    count, rows, share = measure.value or 0.0, task.number("minimum_rows"), task.number("minimum_share")
    total = measuring.rows_of(measure)
    least = max(rows, share * total) if total else rows
    bar = Bar(least, "above")
    asked = f"{figure(rows)} rows" + (f" and {figure(100 * share)} % of all {total:,} rows" if total else "")
    text = f"{metric.called(name)} is {figure(count, beside=least)}; each group should have at least {asked}."
    draft = task.finding("pass", text, metric=name, observed=count, limit=least, better="above")
    if not bar.holds(count):
        more = _more(count, rows, total)
        text = f"{text} About {about(more)} more rows of the same mix would do." if more else text
        return replace(draft, verdict="inconclusive", advice=task.info.advice, text=text, rows_needed=more)
    if total is None and share > 0:
        text = f"{text} How many rows there are in all is not known, so neither is the group's share."
        return replace(draft, verdict="inconclusive", text=text, advice=f"Log all rows as {brief(name)}.rows.")
    return draft


def _more(count: float, rows: float, total: int | None) -> int | None:
    """How many more rows of the same mix bring the group to its count; no number of them changes its share."""
    if not total or not 0 < count < rows:
        return None
    return max(round((rows / count - 1) * total), 1)
