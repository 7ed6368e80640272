"""Light checks of a model from its predictions, logged to MLflow under the names that checks read.

Every check is a function of arrays that gives measures by name; :func:`log` writes them to the open
run as ``NAME``, ``NAME.lower``, ``NAME.upper`` (95 % interval) and ``NAME.rows``. Nothing here
judges: limits belong to checklists. Intervals are percentile intervals of a bootstrap over rows
(Efron and Tibshirani, "An Introduction to the Bootstrap", 1993); the README says how far they hold.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

SEED, QUANTILES = 0, [0.025, 0.975]
DRAWS = 200
"""Resamples of an interval; a convention. A thousand steady its ends, at five times the cost."""
ENOUGH_ROWS, ENOUGH_SHARE = 100, 0.02
"""Smaller groups, in rows or as a share of all rows, cannot be judged; conventions, see README."""
LEAST_CELL = 5
"""With fewer rows of a group and outcome, some of the resamples have none: there is no interval."""
REPORT, IMPORTANCE = "rai/report.json", "rai/importance.json"

Groups = Mapping[str, ArrayLike]
"""The name of a sensitive feature and the group of each row."""
Score = Callable[[NDArray[Any], NDArray[Any]], float]
"""From actual values and predictions to a number; more is better."""
Predict = Callable[[pd.DataFrame], ArrayLike]


@dataclass(frozen=True)
class Measure:
    """A value, its 95 % interval where there is one, and the number of rows it rests on."""

    value: float
    lower: float | None = None
    upper: float | None = None
    rows: int | None = None

    def __str__(self) -> str:
        """For people: the value, and the interval where there is one."""
        if self.lower is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} ({self.lower:.4f} to {self.upper:.4f})"


Measures = dict[str, Measure]


def accuracy(actual: ArrayLike, predicted: ArrayLike) -> float:
    """The share of rows predicted right."""
    return float(np.mean(np.asarray(actual) == np.asarray(predicted)))


# --- groups of people ---


def group_rates(
    actual: ArrayLike,
    predicted: ArrayLike,
    groups: Groups,
    draws: int = DRAWS,
) -> Measures:
    """How alike groups are selected, and how alike the errors about them are; of 0 and 1.

    Per feature: the lowest selection rate over the highest; the largest gap in true-positive rates;
    and that or the gap in false-positive rates, whichever is larger (Hardt, Price and Srebro 2016);
    beside them the rates of each group.
    Raises ValueError where a group lacks an outcome or nobody is selected: log that as the reason
    why it cannot be measured.
    """
    truth, chosen = _binary(actual, "actual"), _binary(predicted, "predicted")
    if not chosen.any():
        raise ValueError("nobody is selected, so rates have no ratio; check the threshold")
    rates: dict[str, Score] = {
        "selected": lambda _, chosen: _rate(chosen),
        "caught": lambda truth, chosen: _rate(np.asarray(chosen)[np.asarray(truth) == 1]),
        "alarmed": lambda truth, chosen: _rate(np.asarray(chosen)[np.asarray(truth) == 0]),
    }
    found: Measures = {}
    for name, group in _named(groups, len(truth)):
        cells = _outcomes(name, group, truth)
        frame = _frame(rates, truth, chosen, group, draws)
        ratios = [one["selected"] for one in (frame.ratio(), *frame.ratio_ci())]
        gaps = [frame.difference(), *frame.difference_ci()]
        caught = [one["caught"] for one in gaps]
        odds = [max(one["caught"], one["alarmed"]) for one in gaps]
        found[f"rai.demographic_parity_ratio.{name}"] = _measured(ratios, cells)
        found[f"rai.equal_opportunity_difference.{name}"] = _measured(caught, cells)
        found[f"rai.equalized_odds_difference.{name}"] = _measured(odds, cells)
        for one, rate in frame.by_group.iterrows():
            mine = f"{name}.{_plain(one)}"
            found[f"rai.selection_rate.{mine}"] = Measure(rate["selected"], rows=_count(group, one))
            found[f"rai.true_positive_rate.{mine}"] = Measure(rate["caught"])
    return found


def group_quality(
    actual: ArrayLike,
    predicted: ArrayLike,
    groups: Groups,
    scores: Mapping[str, Score],
    draws: int = DRAWS,
) -> Measures:
    """Each score in the worst group of any feature, over its value on all rows (held fixed)."""
    return _worst("rai.worst_group_ratio", actual, predicted, groups, scores, draws)


def group_errors(
    actual: ArrayLike,
    predicted: ArrayLike,
    groups: Groups,
    draws: int = DRAWS,
) -> Measures:
    """For numbers: the largest mean absolute error of a group over the smallest, per feature."""
    truth, given = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    mae: dict[str, Score] = {"mae": lambda t, p: float(np.mean(np.abs(np.subtract(t, p))))}
    found: Measures = {}
    for name, group in _named(groups, len(truth)):
        frame = _frame(mae, truth, given, group, draws)
        value, upper, lower = (_over(1, one["mae"]) for one in (frame.ratio(), *frame.ratio_ci()))
        found[f"rai.group_mae_ratio.{name}"] = _measured([value, lower, upper], _sizes(group))
    return found


def group_counts(groups: Groups) -> Measures:
    """The rows of each group, and of the smallest group of any feature, among all rows."""
    sizes = [(name, _sizes(group)) for name, group in _named(groups)]
    found = {
        f"rai.group_count.{name}.{_plain(group)}": Measure(float(rows), rows=int(counts.sum()))
        for name, counts in sizes
        for group, rows in counts.items()
    }
    return found | {"rai.group_count.min": min(found.values(), key=lambda one: one.value)}


def coverage(groups: Groups, declared: Mapping[str, Sequence[Any]]) -> Measures:
    """Per feature, the share of the groups of intended users with enough rows to be judged."""
    found: Measures = {}
    for feature, wanted in declared.items():
        ((name, group),) = _named({feature: groups[feature]})
        floor = max(ENOUGH_ROWS, ENOUGH_SHARE * len(group))
        enough = [_count(group, _label(one)) >= floor for one in wanted]
        found[f"rai.coverage.{name}"] = Measure(float(np.mean(enough)), rows=len(group))
    return found


def proxy_auc(inputs: pd.DataFrame, groups: Groups, draws: int = DRAWS) -> Measures:
    """How well the inputs tell a group from the others: the AUC of the one told best, per feature.

    Guessed by boosted trees that did not see the row (five folds); 0.5 is not at all. Columns that
    are not numbers are taken as labels. Raises ValueError for a group of fewer than five rows.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_predict

    numbers = _are_numbers(inputs)
    table = inputs.assign(**{n: pd.factorize(inputs[n])[0] for n in inputs if not numbers[n]})
    found: Measures = {}
    for name, group in _named(groups, len(inputs)):
        sizes = _sizes(group)
        if len(sizes) < 2 or sizes.min() < LEAST_CELL:
            raise ValueError(f"{name}: it takes two groups of {LEAST_CELL} rows each; merge groups")
        trees = HistGradientBoostingClassifier(max_iter=50, random_state=SEED)
        chances = cross_val_predict(trees, table, group, cv=5, method="predict_proba")
        told = [(group == one, chances[:, place]) for place, one in enumerate(sorted(sizes.index))]
        auc = partial(_auc, *max(told, key=lambda one: _auc(*one)))
        found[f"rai.proxy_auc.{name}"] = _bootstrapped(auc, len(inputs), draws)
    return found


# --- the model ---


def scored(
    name: str,
    actual: ArrayLike,
    predicted: ArrayLike,
    score: Score,
    draws: int = DRAWS,
) -> Measures:
    """A metric of your own, such as the project's key metric, with its interval."""
    truth, given = np.asarray(actual), np.asarray(predicted)
    found = _bootstrapped(lambda rows: score(truth[rows], given[rows]), len(truth), draws)
    return {name: found}


def baseline_gain(
    actual: ArrayLike,
    predicted: ArrayLike,
    baseline: ArrayLike,
    score: Score,
    draws: int = DRAWS,
) -> Measures:
    """How much better the model scores than a rule without it, paired on the same rows."""
    return {"rai.baseline_gain": _gain(actual, predicted, baseline, score, draws)}


def champion_gain(
    actual: ArrayLike,
    predicted: ArrayLike,
    champion: ArrayLike,
    score: Score,
    draws: int = DRAWS,
) -> Measures:
    """The same over the predictions of the version that serves today."""
    return {"rai.champion_gain": _gain(actual, predicted, champion, score, draws)}


def slice_quality(
    actual: ArrayLike,
    predicted: ArrayLike,
    slices: Groups,
    scores: Mapping[str, Score],
    draws: int = DRAWS,
) -> Measures:
    """As ``group_quality``, over slices that are no groups of people: sites, devices, years.

    Name slices before looking at the errors: the worst of many that were searched for is worse than
    it will be on fresh rows.
    """
    return _worst("rai.worst_slice", actual, predicted, slices, scores, draws)


def calibration(actual: ArrayLike, probability: ArrayLike, draws: int = DRAWS) -> Measures:
    """Expected calibration error over ten bins of equal numbers of rows, and the Brier score.

    Of the probability of a 1. For several classes give whether the top class was right, and its
    probability (Guo, Pleiss, Sun and Weinberger, ICML 2017).
    """
    truth, chance = _binary(actual, "actual"), np.asarray(probability, dtype=float)
    if not np.all((chance >= 0) & (chance <= 1)):
        raise ValueError("probability must lie between 0 and 1; pass a column of predict_proba")
    place = np.searchsorted(_tenths(chance), chance, side="left")

    def ece(rows: Any) -> float:
        gaps = np.bincount(place[rows], weights=chance[rows] - truth[rows])
        return float(np.abs(gaps).sum() / len(rows))

    error = _bootstrapped(ece, len(truth), draws)
    if error.upper is not None:  # chance pushes it up: the pivotal bound below takes that off
        lower = max(2 * error.value - error.upper, 0.0)
        error = Measure(error.value, lower, error.upper, error.rows)
    squared = (chance - truth) ** 2
    brier = _bootstrapped(lambda rows: float(squared[rows].mean()), len(truth), draws)
    return {"rai.ece": error, "rai.brier": brier}


def noise_drop(
    predict: Predict,
    inputs: pd.DataFrame,
    actual: ArrayLike,
    score: Score,
    draws: int = DRAWS,
) -> Measures:
    """What the score loses when noise of 0.10 standard deviations is added to every number."""
    truth, clean = np.asarray(actual), np.asarray(predict(inputs))
    noisy = [np.asarray(predict(one)) for one in _shaken(inputs, 0.10)]

    def drop(rows: Any) -> float:
        shaken = [score(truth[rows], one[rows]) for one in noisy]
        return score(truth[rows], clean[rows]) - float(np.mean(shaken))

    return {"rai.noise_drop.sd0_10": _bootstrapped(drop, len(truth), draws)}


def flip_rate(predict: Predict, inputs: pd.DataFrame, draws: int = DRAWS) -> Measures:
    """The share of predicted labels that noise of 0.05 standard deviations changes."""
    clean = np.asarray(predict(inputs))
    flips = np.mean([predict(one) != clean for one in _shaken(inputs, 0.05)], axis=0)
    found = _bootstrapped(lambda rows: float(np.mean(flips[rows])), len(clean), draws)
    return {"rai.flip_rate.sd0_05": found}


def importance(
    predict: Predict,
    inputs: pd.DataFrame,
    actual: ArrayLike,
    score: Score,
    repeats: int = 3,
) -> dict[str, float]:
    """What the score loses when a column is shuffled, by column, largest first (Breiman 2001)."""
    truth, rng = np.asarray(actual), np.random.default_rng(SEED)
    best, losses = score(truth, np.asarray(predict(inputs))), {}
    for name in inputs.columns:
        orders = [rng.permutation(len(inputs)) for _ in range(repeats)]
        shuffled = [inputs.assign(**{name: inputs[name].to_numpy()[order]}) for order in orders]
        scored = [score(truth, np.asarray(predict(one))) for one in shuffled]
        losses[str(name)] = best - float(np.mean(scored))
    return dict(sorted(losses.items(), key=lambda one: -one[1]))


def latency(
    predict: Predict,
    inputs: pd.DataFrame,
    requests: int = 200,
    draws: int = DRAWS,
) -> Measures:
    """The milliseconds that 19 of 20 predictions of a single row stay within, after ten to warm up.

    Of this process and machine; of a service where ``predict`` calls it.
    """
    took = []
    for place in range(10 + requests):
        row = inputs.iloc[[place % len(inputs)]]
        start = time.perf_counter()
        predict(row)
        took.append(1000 * (time.perf_counter() - start))
    times = np.array(took[10:])
    found = _bootstrapped(lambda rows: float(np.quantile(times[rows], 0.95)), requests, draws)
    return {"rai.latency_p95_ms": found}


# --- data and privacy ---


def data_quality(frame: pd.DataFrame, target: str = "") -> Measures:
    """The largest share missing in a column, the share of repeated rows, the rarest label's."""
    missing, again = frame.isna().mean().max(), frame.duplicated().mean()
    shares = {"missing_share": missing, "duplicate_share": again}
    if target:
        shares["label_balance"] = frame[target].value_counts(normalize=True).min()
    return {f"rai.data.{name}": Measure(float(n), rows=len(frame)) for name, n in shares.items()}


def schema_errors(frame: pd.DataFrame, expected: pd.DataFrame) -> Measures:
    """How many columns are missing, not expected, or numbers where none are expected or reverse."""
    one, other = _are_numbers(frame), _are_numbers(expected)
    wrong = [name for name in {**one, **other} if one.get(name) is not other.get(name)]
    return {"rai.data.schema_errors": Measure(float(len(wrong)), rows=len(frame))}


def overlap(evaluation: pd.DataFrame, training: pd.DataFrame) -> Measures:
    """How many evaluation rows were trained on, by a hash over the columns of both."""
    shared = [name for name in evaluation if name in training]
    known = pd.util.hash_pandas_object(training[shared], index=False)
    again = pd.util.hash_pandas_object(evaluation[shared], index=False).isin(known)
    return {"rai.data.overlap": Measure(float(again.sum()), rows=len(evaluation))}


def drift(reference: pd.DataFrame, current: pd.DataFrame) -> Measures:
    """The population stability index of each column of numbers, over tenths of the reference.

    ``rows`` is the harmonic mean of both sizes, as the index without drift spreads by 1/n + 1/m.
    """
    rows = round(2 / (1 / len(reference) + 1 / len(current)))
    names = [name for name in reference.select_dtypes("number") if name in current]
    values = {name: _psi(reference[name].dropna(), current[name].dropna()) for name in names}
    return {f"rai.psi.{_plain(name)}": Measure(n, rows=rows) for name, n in values.items()}


def k_anonymity(frame: pd.DataFrame, quasi_identifiers: Sequence[str]) -> Measures:
    """The rows of the rarest combination of what people can be told apart by (Sweeney 2002)."""
    sizes = frame.groupby(list(quasi_identifiers), dropna=False, observed=True).size()
    return {"rai.k_anonymity": Measure(float(sizes.min()), rows=len(frame))}


def membership_inference(
    training_losses: ArrayLike,
    evaluation_losses: ArrayLike,
    draws: int = DRAWS,
) -> Measures:
    """How well a row's loss tells if it was trained on: an AUC, 0.5 is not (Yeom et al. 2018)."""
    seen, unseen = np.asarray(training_losses), np.asarray(evaluation_losses)
    losses = np.concatenate([seen, unseen])
    is_unseen = np.arange(len(losses)) >= len(seen)
    auc = partial(_auc, is_unseen, losses)
    return {"rai.mia_auc": _bootstrapped(auc, len(losses), draws)}


# --- to MLflow ---


def flat(measures: Measures) -> dict[str, float]:
    """The measures as metrics: ``NAME``, ``NAME.lower``, ``NAME.upper`` and ``NAME.rows``."""
    metrics: dict[str, float] = {}
    for name, one in measures.items():
        parts = {"": one.value, ".lower": one.lower, ".upper": one.upper, ".rows": one.rows}
        metrics |= {f"{name}{end}": float(n) for end, n in parts.items() if n is not None}
    return metrics


def tags(
    split: str,
    sensitive: str | Sequence[str],
    cannot_measure: Mapping[str, str],
) -> dict[str, str]:
    """The tags beside the metrics. ``sensitive`` and ``cannot_measure`` are as for :func:`log`."""
    features = sensitive if isinstance(sensitive, str) else ",".join(map(_plain, sensitive))
    reasons = {f"rai.cannot_measure.{check}": why for check, why in cannot_measure.items()}
    return {"rai.dataset.split": split, "rai.sensitive_features": features or "none"} | reasons


def report(measures: Measures, tags: Mapping[str, str]) -> dict[str, Any]:
    """Everything measured and every tag, as the artifact ``rai/report.json`` holds it."""
    return {"measures": {name: asdict(one) for name, one in measures.items()}, "tags": dict(tags)}


def log(
    measures: Measures,
    *,
    split: str,
    sensitive: str | Sequence[str] = "none",
    cannot_measure: Mapping[str, str] | None = None,
    importances: Mapping[str, float] | None = None,
    dataset: Any = None,
    model_id: str | None = None,
) -> None:
    """Write measures, tags and artifacts to the open run, tied to the evaluation dataset.

    ``sensitive`` names the columns compared, or is ``none`` (nobody is affected) or ``unavailable``
    (they may not be held); ``cannot_measure`` says per check why it could not be measured.
    """
    import mlflow

    noted = tags(split, sensitive, cannot_measure or {})
    mlflow.log_metrics(flat(measures), dataset=dataset, model_id=model_id)
    mlflow.set_tags(noted)
    mlflow.log_dict(report(measures, noted), REPORT)
    if importances:
        mlflow.log_dict(dict(importances), IMPORTANCE)


# --- arithmetic ---


def _frame(scores: Mapping[str, Score], truth: Any, given: Any, group: Any, draws: int) -> Any:
    from fairlearn.metrics import MetricFrame  # only those who compare groups need it

    columns = {"y_true": truth, "y_pred": given, "sensitive_features": group}
    sampling = {"n_boot": draws, "ci_quantiles": QUANTILES, "random_state": SEED}
    return MetricFrame(metrics=dict(scores), **columns, **sampling)


def _named(groups: Groups, rows: int | None = None) -> Iterator[tuple[str, NDArray[Any]]]:
    """Each feature with a name that MLflow takes, and the group of each row as text."""
    for name, group in groups.items():
        labels = pd.Series(np.asarray(group, dtype=object))
        if labels.isna().any():
            raise ValueError(f"{name}: some rows have no group; give them one, such as 'unknown'")
        if rows is not None and len(labels) != rows:
            raise ValueError(f"{name}: {len(labels)} groups for {rows} rows; give one per row")
        yield _plain(name), labels.map(_label).to_numpy(dtype=object)


def _are_numbers(frame: pd.DataFrame) -> dict[Any, bool]:
    return {name: pd.api.types.is_numeric_dtype(kind) for name, kind in frame.dtypes.items()}


def _count(group: NDArray[Any], one: Any) -> int:
    return int(np.count_nonzero(group == one))


def _sizes(group: NDArray[Any]) -> Any:
    return pd.Series(group).value_counts()


def _outcomes(name: str, group: NDArray[Any], truth: NDArray[Any]) -> Any:
    """The rows of each group and outcome; refused where there is none."""
    cells = pd.crosstab(group, truth).reindex(columns=[0, 1], fill_value=0)
    for outcome, rows in cells.items():
        if lacking := ", ".join(rows.index[rows == 0]):
            raise ValueError(f"{name}: no row of {lacking} has the outcome {outcome}; merge groups")
    return cells.to_numpy().ravel()


def _binary(values: ArrayLike, what: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or not np.all(np.isin(array, (0, 1))):
        raise ValueError(f"{what} must be a list of 0 and 1; apply the decision threshold first")
    return array.astype(np.int64)


def _label(group: Any) -> str:
    return f"{group:g}" if isinstance(group, float) else str(group)


def _plain(name: Any) -> str:
    """A name of characters that MLflow allows, without the dot that parts names."""
    return re.sub(r"[^\w-]+", "_", str(name))


def _worst(
    stem: str,
    actual: Any,
    predicted: Any,
    groups: Groups,
    scores: Mapping[str, Score],
    draws: int,
) -> Measures:
    truth, given = np.asarray(actual), np.asarray(predicted)
    found: Measures = {}
    for _, group in _named(groups, len(truth)):
        frame = _frame(scores, truth, given, group, draws)
        for score in scores:
            name, whole = f"{stem}.{score}", frame.overall[score]
            values = [one[score] for one in (frame.group_min(), *frame.group_min_ci())]
            measure = _measured([_over(one, whole) for one in values], _sizes(group))
            found[name] = min(found.get(name, measure), measure, key=lambda one: one.value)
    return found


def _auc(is_one: NDArray[np.bool_], value: NDArray[Any], rows: Any = slice(None)) -> float:
    """How often a row that is one has the larger value than a row that is not; ties count half."""
    ones, ranks = is_one[rows], pd.Series(value[rows]).rank().to_numpy()
    n = int(ones.sum())
    return _over(float(ranks[ones].sum()) - n * (n + 1) / 2, n * (len(ones) - n))


def _rate(chosen: Any) -> float:
    return float(np.mean(chosen)) if np.size(chosen) else math.nan


def _over(one: float, other: float) -> float:
    return one / other if other else math.nan


def _measured(found: Sequence[float], cells: Any) -> Measure:
    """A value with its bounds, from these numbers of rows; without bounds where one is small."""
    value, lower, upper = (float(one) for one in found)
    if not math.isfinite(value):
        raise ValueError("the value does not exist for these rows; log why it cannot be measured")
    if min(cells) < LEAST_CELL or not (math.isfinite(lower) and math.isfinite(upper)):
        return Measure(value, rows=int(sum(cells)))
    return Measure(value, lower, upper, int(sum(cells)))


def _gain(actual: Any, predicted: Any, other: Any, score: Score, draws: int) -> Measure:
    truth, new, old = np.asarray(actual), np.asarray(predicted), np.asarray(other)

    def gain(rows: Any) -> float:
        return score(truth[rows], new[rows]) - score(truth[rows], old[rows])

    return _bootstrapped(gain, len(truth), draws)


def _bootstrapped(statistic: Callable[[Any], float], rows: int, draws: int) -> Measure:
    """The statistic of all rows and its interval, left out where 1 % of the draws have none."""
    rng = np.random.default_rng(SEED)
    drawn = np.array([statistic(rng.integers(rows, size=rows)) for _ in range(draws)])
    known = drawn[np.isfinite(drawn)]
    is_steady = len(known) >= 0.99 * draws > 0
    lower, upper = np.quantile(known, QUANTILES) if is_steady else (math.nan, math.nan)
    return _measured([statistic(np.arange(rows)), lower, upper], [rows])


def _shaken(inputs: pd.DataFrame, deviations: float) -> Iterator[pd.DataFrame]:
    """Five copies of the rows with normal noise on their numbers, in deviations of each column."""
    rng, numbers = np.random.default_rng(SEED), inputs.select_dtypes("number")
    for _ in range(5):
        noise = rng.normal(size=numbers.shape) * numbers.std().to_numpy() * deviations
        yield inputs.assign(**dict((numbers + noise).items()))


def _tenths(values: Any) -> NDArray[Any]:
    return np.unique(np.quantile(values, np.linspace(0, 1, 11)[1:-1]))


def _psi(reference: pd.Series, current: pd.Series) -> float:
    """Shares below one in ten thousand count as that, lest an empty bin make it infinite."""
    edges = _tenths(reference)
    places = [np.searchsorted(edges, sample, side="right") for sample in (reference, current)]
    shares = [np.bincount(one, minlength=len(edges) + 1) / len(one) for one in places]
    before, after = (np.clip(share, 1e-4, None) for share in shares)
    return float(((after - before) * np.log(after / before)).sum())
