"""The one door to MLflow: asks its server and answers in plain rows; nothing else imports ``mlflow``.

The import costs more than a second, so it happens on first use. Every way in which a server can fail to answer (dead,
slow, another program at that address, nonsense) becomes :class:`~core.errors.Unavailable` within seconds.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from time import time_ns
from typing import Any
from urllib.parse import urlsplit

from core.errors import Invalid, Unavailable

MODELS_PER_PAGE = 1000
VERSIONS_PER_PAGE = 1000
RUNS_PER_PAGE = 500
NAMES_PER_QUESTION = 100
UNFINISHED = ("RUNNING", "SCHEDULED")

_NO_RUN = "0" * 32
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class ModelRow:
    """A registered model with its aliases."""

    name: str
    description: str
    tags: dict[str, str]
    updated_ms: int
    aliases: dict[str, str]


@dataclass(frozen=True)
class VersionRow:
    """A version of a registered model."""

    model: str
    version: str
    run_id: str
    source: str
    created_at: datetime | None
    tags: dict[str, str]


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment."""

    experiment_id: str
    name: str
    tags: dict[str, str]
    updated_ms: int


@dataclass(frozen=True)
class RunRow:
    """A run with the last value of each metric that is a number, and the data sets it was given."""

    run_id: str
    experiment_id: str
    name: str
    status: str
    user: str
    started_at: datetime | None
    ended_at: datetime | None
    ended_ms: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]
    datasets: list[dict[str, str]]


@dataclass(frozen=True)
class ModelPage:
    """A page of registered models; an empty token says that it is the last."""

    items: list[ModelRow]
    token: str


class Client:
    """A reader of one MLflow server."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @cached_property
    def _mlflow(self) -> Any:
        return _import("mlflow").MlflowClient(self.uri)

    def require_mlflow(self) -> None:
        """Raise :class:`Unavailable` unless MLflow answers: it alone knows how to say that it has no such run.

        A program that answers every question with an empty object would otherwise pass for an MLflow without models.
        """
        with asking(self.uri):
            try:
                self._mlflow.get_run(_NO_RUN)
            except _import("mlflow.exceptions").RestException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return
                raise
            raise ValueError("an answer where there is none")

    def models(self, *, token: str = "", newest_first: bool = False, size: int = MODELS_PER_PAGE) -> ModelPage:
        """A page of registered models, by name or by their last update."""
        order = ["last_updated_timestamp DESC"] if newest_first else ["name ASC"]
        with asking(self.uri):
            page = self._mlflow.search_registered_models(max_results=size, order_by=order, page_token=token or None)
            return ModelPage([_model(one) for one in page], page.token or "")

    def all_models(self) -> Iterator[ModelRow]:
        """Every registered model, by name."""
        token, more = "", True
        while more:
            page = self.models(token=token)
            yield from page.items
            token, more = page.token, bool(page.token)

    def model(self, name: str) -> ModelRow | None:
        """The registered model with this name, if the server has it."""
        with asking(self.uri):
            try:
                return _model(self._mlflow.get_registered_model(name))
            except _import("mlflow.exceptions").RestException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise

    def versions(self) -> Iterator[VersionRow]:
        """Every version of every model."""
        yield from self._versions("")

    def versions_of(self, names: Sequence[str]) -> Iterator[VersionRow]:
        """Every version of the models with these names."""
        plain = [name for name in names if not _is_awkward(name)]
        for start in range(0, len(plain), NAMES_PER_QUESTION):
            wanted = ", ".join(_quoted(name) for name in plain[start : start + NAMES_PER_QUESTION])
            yield from self._versions(f"name IN ({wanted})")
        for name in filter(_is_awkward, names):
            found = self._versions(f'name LIKE "{_wildcards(name)}"')
            yield from (version for version in found if version.model == name)

    def _versions(self, where: str) -> Iterator[VersionRow]:
        token = None
        while True:
            with asking(self.uri):
                page = self._mlflow.search_model_versions(
                    where, max_results=VERSIONS_PER_PAGE, order_by=["name ASC", "version_number ASC"], page_token=token
                )
                rows = [_version(one) for one in page]
            yield from rows
            if not (token := page.token):
                return

    def experiments(self, *, updated_after_ms: int = -1) -> Iterator[ExperimentRow]:
        """The experiments, or those created or renamed since a moment."""
        token, where = None, f"last_update_time > {updated_after_ms}" if updated_after_ms >= 0 else None
        while True:
            with asking(self.uri):
                page = self._mlflow.search_experiments(
                    filter_string=where, max_results=1000, order_by=["experiment_id ASC"], page_token=token
                )
                rows = [_experiment(one) for one in page]
            yield from rows
            if not (token := page.token):
                return

    def runs(self, experiment_ids: Sequence[str], where: str = "", *, by: str = "end_time") -> Iterator[list[RunRow]]:
        """The runs of these experiments that meet a condition, in pages."""
        token = None
        while experiment_ids:
            with asking(self.uri):
                page = self._mlflow.search_runs(
                    list(experiment_ids), where, max_results=RUNS_PER_PAGE, order_by=[f"attributes.{by} ASC"],
                    page_token=token,
                )  # fmt: skip
                rows = [_run(one) for one in page]
            yield rows
            if not (token := page.token):
                return

    def runs_by_id(self, experiment_ids: Sequence[str], run_ids: Sequence[str]) -> Iterator[list[RunRow]]:
        """Those of the runs with these ids that the server still has, in pages."""
        for start in range(0, len(run_ids), NAMES_PER_QUESTION):
            wanted = ", ".join(f"'{run_id}'" for run_id in run_ids[start : start + NAMES_PER_QUESTION])
            yield from self.runs(experiment_ids, f"attributes.run_id IN ({wanted})")


class Recorder:
    """A writer to one MLflow server: what a training script does. The portal itself only uses it for its demo."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @cached_property
    def _mlflow(self) -> Any:
        return _import("mlflow").MlflowClient(self.uri)

    def experiment(self, name: str, tags: dict[str, str]) -> str:
        """The id of the experiment with this name; made when there is none, restored when it was deleted."""
        with asking(self.uri):
            found = self._mlflow.get_experiment_by_name(name)
            if found is None:
                return str(self._mlflow.create_experiment(name, tags=tags))
            if found.lifecycle_stage == "deleted":
                self._mlflow.restore_experiment(found.experiment_id)
            return str(found.experiment_id)

    @contextmanager
    def run(
        self, experiment_id: str, *, name: str, tags: dict[str, str], description: str = ""
    ) -> Iterator[RunRecorder]:
        """A run that is open while the block is; it is marked as failed when the block ends with an error."""
        with asking(self.uri):
            mlflow = _import("mlflow")
            mlflow.set_tracking_uri(self.uri)
            opened = mlflow.start_run(
                experiment_id=experiment_id, run_name=name, tags=tags, description=description or None
            )
        with opened:
            yield RunRecorder(self.uri, opened.info.run_id)

    def delete_run(self, run_id: str, model: str = "") -> None:
        """Delete a run and the versions of ``model`` that came from it."""
        with asking(self.uri):
            for version in self._mlflow.search_model_versions(f"run_id = '{run_id}'") if model else []:
                self._mlflow.delete_model_version(version.name, version.version)
            self._mlflow.delete_run(run_id)

    def describe_model(self, name: str, description: str, tags: dict[str, str]) -> None:
        """Give a registered model its description and tags; made when there is none."""
        with asking(self.uri):
            if not self._mlflow.search_registered_models(f"name = {_quoted(name)}"):
                self._mlflow.create_registered_model(name, tags=tags, description=description)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Let an alias name a version."""
        with asking(self.uri):
            self._mlflow.set_registered_model_alias(model, alias, version)

    def delete_model(self, name: str) -> None:
        """Delete a registered model with its versions."""
        with asking(self.uri):
            self._mlflow.delete_registered_model(name)

    def delete_experiment(self, experiment: ExperimentRow) -> None:
        """Delete an experiment with its runs and free its name, which MLflow keeps for a deleted one."""
        with asking(self.uri):
            self._mlflow.rename_experiment(experiment.experiment_id, f"{experiment.name} (deleted {time_ns()})")
            self._mlflow.delete_experiment(experiment.experiment_id)


class RunRecorder:
    """A writer to one open run; what is measured after a model was kept belongs to that model too."""

    def __init__(self, uri: str, run_id: str) -> None:
        self.uri, self.run_id = uri, run_id
        self._model_id: str | None = None
        self._data: dict[str, Any] = {}

    def tags(self, values: dict[str, str]) -> None:
        """Set tags."""
        with asking(self.uri):
            _import("mlflow").set_tags(values)

    def params(self, values: dict[str, Any]) -> None:
        """Note parameters."""
        with asking(self.uri):
            _import("mlflow").log_params(values)

    def metrics(self, values: dict[str, float], *, step: int | None = None, of: str = "evaluation") -> None:
        """Note metrics, tied to the data of that context where the run was given some."""
        with asking(self.uri):
            _import("mlflow").log_metrics(
                values, step=step, model_id=self._model_id, dataset=self._data.get(of) if self._model_id else None
            )

    def file(self, path: str, content: dict[str, Any]) -> None:
        """Keep a JSON file as an artifact."""
        with asking(self.uri):
            _import("mlflow").log_dict(content, path)

    def data(self, frames: dict[str, Any], *, name: str, target: str) -> dict[str, str]:
        """Note the data a run was given (the rows stay here): context → frame; returns context → digest."""
        with asking(self.uri), _without_hints():
            mlflow = _import("mlflow")
            given = [
                mlflow.data.from_pandas(frame, targets=target, name=f"{name}-{context}")
                for context, frame in frames.items()
            ]
            self._data = dict(zip(frames, given, strict=True))
            mlflow.log_inputs(datasets=given, contexts=list(frames), tags_list=[None] * len(frames))
            return dict(zip(frames, (str(one.digest) for one in given), strict=True))

    def model(self, estimator: Any, example: Any, *, requirements: list[str], name: str) -> None:
        """Keep a fitted estimator with its signature and register it as the next version of the model ``name``."""
        own_types = _import("skops.io").get_untrusted_types(data=_import("skops.io").dumps(estimator))
        with asking(self.uri), _without_hints():
            kept = _import("mlflow.sklearn").log_model(
                estimator, name="model", pip_requirements=requirements, skops_trusted_types=own_types,
                signature=_import("mlflow.models").infer_signature(example, estimator.predict(example)),
            )  # fmt: skip
            self._model_id = kept.model_id
            _import("mlflow").MlflowClient(self.uri).create_model_version(
                name, kept.model_uri, run_id=self.run_id, model_id=kept.model_id, await_creation_for=None
            )


@contextmanager
def _without_hints() -> Iterator[None]:
    """MLflow's warnings are advice to its users: about whole numbers in a schema, or the source of a frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def asking(uri: str) -> Iterator[None]:
    """Translate whatever goes wrong while ``uri`` is asked into a refusal that names it and says what to do."""
    try:
        yield
    except (Invalid, Unavailable):
        raise
    except Exception as error:  # the client lets errors of requests, json and protobuf through, by no fixed list
        code = getattr(error, "error_code", "")
        if code == "INVALID_PARAMETER_VALUE":
            raise Invalid(f"MLflow at {shown(uri)} refused a question: {_brief(error)}") from error
        raise Unavailable(
            f"MLflow at {shown(uri)} is out of reach: {_brief(error)}",
            hint="Check that the server runs and that MLFLOW_TRACKING_URI is its address.",
        ) from error


def shown(uri: str) -> str:
    """``uri`` as it may be shown and stored: without a name or password in it."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _import(name: str) -> Any:
    for variable, value in _PATIENCE.items():
        os.environ.setdefault(variable, value)
    import importlib

    return importlib.import_module(name)


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "Connection refused" in text or "NewConnectionError" in text or "NameResolution" in text:
        return "nothing answers at this address."
    if "timed out" in text.lower():
        return "it took too long."
    if "<html" in text.lower() or "<!doctype" in text.lower():
        return "it is a web page, not MLflow."
    if "authenticat" in text.lower() or getattr(error, "error_code", "") == "PERMISSION_DENIED":
        return "it refuses the portal's MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    return f"{type(error).__name__}."


def _model(one: Any) -> ModelRow:
    aliases = {_text(alias): str(version) for alias, version in one.aliases.items()}
    updated_ms = int(one.last_updated_timestamp or 0)
    return ModelRow(_text(one.name), _text(one.description), _texts(one.tags), updated_ms, aliases)


def _version(one: Any) -> VersionRow:
    created = _moment(one.creation_timestamp)
    return VersionRow(
        _text(one.name), str(one.version), _text(one.run_id), _text(one.source)[:1000], created, _texts(one.tags)
    )


def _experiment(one: Any) -> ExperimentRow:
    return ExperimentRow(str(one.experiment_id), _text(one.name), _texts(one.tags), int(one.last_update_time or 0))


def _run(one: Any) -> RunRow:
    info, data = one.info, one.data
    return RunRow(
        run_id=_text(info.run_id),
        experiment_id=str(info.experiment_id),
        name=_text(info.run_name),
        status=str(info.status),
        user=_text(info.user_id)[:256],
        started_at=_moment(info.start_time),
        ended_at=_moment(info.end_time),
        ended_ms=int(info.end_time or 0),
        params=_texts(data.params),
        tags=_texts(data.tags),
        metrics={_text(key): float(value) for key, value in data.metrics.items() if math.isfinite(value)},
        datasets=[_dataset(given) for given in (one.inputs.dataset_inputs if one.inputs else [])],
    )


def _dataset(given: Any) -> dict[str, str]:
    context = next((tag.value for tag in given.tags if tag.key == "mlflow.data.context"), "")
    return {"name": _text(given.dataset.name), "digest": _text(given.dataset.digest), "context": _text(context)}


def _moment(milliseconds: int | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
    except (OverflowError, ValueError, OSError):
        return None


def _text(value: Any) -> str:
    return str(value or "").replace("\x00", "")  # PostgreSQL refuses the character NUL


def _texts(values: Any) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in values.items()}


def _is_awkward(name: str) -> bool:
    """Whether MLflow's filter language has no way to write this name in a list."""
    return "\\" in name or ("'" in name and '"' in name)


def _quoted(name: str) -> str:
    return f'"{name}"' if "'" in name else f"'{name}'"


def _wildcards(name: str) -> str:
    return name.replace("\\", "_").replace('"', "_")
