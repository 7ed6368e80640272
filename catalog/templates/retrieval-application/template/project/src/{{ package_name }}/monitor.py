"""Watch what is served: does it still answer as it did, and what do its answers look like?

The evaluation questions are asked again, because a provider may change a model under its name. Of
the answers given, only shares are watched; a share has a limit that knows how many there were.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from . import evaluation, records, release, tracking, train
from .evaluation import KEY_METRIC
from .settings import Settings

State = Literal["good", "warn", "act", "not enough data"]

SIDE_99 = 2.326
"""The quantile of the normal distribution that chance exceeds one time in a hundred."""


@dataclass(frozen=True)
class Signal:
    """One thing that was watched: value, limit and what they mean."""

    monitor: str
    name: str
    value: float
    limit: float
    state: State


def watch(settings: Settings, day: date) -> list[Signal]:
    """Watch the served version and the answers of the window that ends with a day; log it."""
    client = tracking.connect(settings)
    version = tracking.version_of(client, settings, settings.serve_alias)
    if version is None:
        raise LookupError(f"no version is {settings.serve_alias}, so nothing is served")
    end = datetime.combine(day, time.max, tzinfo=UTC)
    given = records.read(settings, end - timedelta(days=2 * settings.window_days))
    given = given[given["at"] <= end.isoformat()]
    signals = [*_quality(client, version, settings), *_service(given, end, settings)]
    _log(settings, day, version, signals)
    return signals


def _quality(client: MlflowClient, version: ModelVersion, settings: Settings) -> list[Signal]:
    """The served release on the evaluation questions, against what was logged when it was made."""
    served = release.load(settings.model_name, version.version)
    passages = train.read_corpus(train.CORPUS)
    questions = evaluation.read_questions(train.QUESTIONS, passages)
    held_out = evaluation.part(questions, "held-out")
    verdicts = evaluation.judge(release.assemble(served), held_out, served.passages)
    now = float(verdicts["correct"].mean())
    then = client.get_run(version.run_id).data.metrics[KEY_METRIC]
    floor = then - noise(then, len(verdicts), len(verdicts))
    behind = float(served.corpus_digest != release.digest(passages))
    return [
        Signal("quality", KEY_METRIC, now, floor, "good" if now >= floor else "act"),
        Signal("data", "documents_changed", behind, 0.0, "warn" if behind else "good"),
    ]


def _service(given: pd.DataFrame, end: datetime, settings: Settings) -> list[Signal]:
    """Refusals against the window before, reports and seconds against limits."""
    began = (end - timedelta(days=settings.window_days)).isoformat()
    answers = given[given["kind"] == "answer"]
    before, now = answers[answers["at"] < began], answers[answers["at"] >= began]
    reported = given[(given["kind"] == "report") & (given["at"] >= began)]["answer_id"].nunique()
    if len(now) < settings.min_answers:
        return [
            Signal("service", "answers", len(now), settings.min_answers, "not enough data"),
        ]
    share = reported / len(now)
    limit = settings.reported_limit + noise(settings.reported_limit, len(now))
    seconds = float(now["seconds"].quantile(0.95))
    slowest = settings.seconds_limit
    return [
        _refusals(before, now, settings),
        Signal("service", "reported", share, limit, "act" if share > limit else "good"),
        Signal("service", "seconds_p95", seconds, slowest, "act" if seconds > slowest else "good"),
    ]


def _refusals(before: pd.DataFrame, now: pd.DataFrame, settings: Settings) -> Signal:
    """A changed share of refusals: other questions, missing documents or another model."""
    if len(before) < settings.min_answers:
        return Signal("quality", "refused_change", 0.0, settings.change_limit, "not enough data")
    change = abs(float(now["refused"].mean()) - float(before["refused"].mean()))
    pooled = float(pd.concat([before, now])["refused"].mean())
    limit = max(settings.change_limit, noise(pooled, len(before), len(now)))
    state: State = "act" if change > 2 * limit else "warn" if change > limit else "good"
    return Signal("quality", "refused_change", change, limit, state)


def noise(share: float, *rows: int) -> float:
    """How far a share (or a difference of shares) strays by chance, one time in a hundred."""
    return SIDE_99 * math.sqrt(share * (1 - share) * sum(1 / one for one in rows))


def _log(settings: Settings, day: date, version: ModelVersion, signals: list[Signal]) -> None:
    state = worst(signals)
    tags = {"rai.dataset.split": "production-sample", "monitor.state": state}
    with tracking.start_run(settings, "evaluate", f"monitor_{day}", **tags):
        mlflow.log_params({"watched_on": day, "model_version": version.version})
        mlflow.log_metrics({f"{one.monitor}.{one.name}": one.value for one in signals})
        mlflow.log_dict(
            {"state": state, "signals": [asdict(one) for one in signals]}, "monitor.json"
        )


def worst(signals: list[Signal]) -> State:
    """The state that decides: one signal to act on is enough."""
    order: tuple[State, ...] = ("act", "warn", "not enough data", "good")
    found = {one.state for one in signals}
    return next(state for state in order if state in found or state == "good")
