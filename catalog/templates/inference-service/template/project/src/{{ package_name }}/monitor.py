"""Ask the running service what it has seen, and log the answer where the model's history is."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import mlflow

from . import tracking, watch
from .settings import Settings


def ask(url: str, token: str, timeout: float = 10) -> tuple[str, list[watch.Signal]]:
    """The version that answers at this address, and its signals."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no address of a service")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(f"{url.rstrip('/')}/v1/monitor", headers=headers)  # noqa: S310
    with urlopen(request, timeout=timeout) as response:  # noqa: S310
        answer = json.load(response)
    return answer["version"], [watch.Signal(**one) for one in answer["signals"]]


def record(settings: Settings, version: str, signals: list[watch.Signal]) -> None:
    """Log the signals as an evaluation of the version."""
    tracking.connect(settings)
    moment = datetime.now(UTC).strftime("%Y-%m-%d-%H-%M")
    state = watch.worst(signals)
    tags = {"rai.dataset.split": "production-sample", "monitor.state": state}
    with tracking.start_run(settings, "evaluate", f"monitor_{moment}", **tags):
        mlflow.log_params({"model_version": version})
        mlflow.log_metrics({f"{one.monitor}.{one.name}": one.value for one in signals})
        mlflow.log_dict(
            {"state": state, "signals": [asdict(one) for one in signals]}, "monitor.json"
        )
