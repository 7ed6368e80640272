"""The one door to MLflow: asks its server and answers in plain rows; nothing else imports ``mlflow``.

The import costs more than a second, so it happens on first use. Every way in which a server can fail to answer (dead,
slow, another program at that address, nonsense) becomes :class:`~core.errors.Unavailable` within seconds.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from time import time_ns
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from core.config import is_loopback
from core.errors import Invalid, Unavailable

MODELS_PER_PAGE = 1000
VERSIONS_PER_PAGE = 1000
RUNS_PER_PAGE = 500
NAMES_PER_QUESTION = 100
POINTS_PER_PAGE = 5000
FILES_SECONDS = 60
"""How long the server may take until it begins to send a file, which it may have to fetch itself."""
CHUNK = 1 << 20
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
class DatasetRow:
    """A dataset that a run logged as its input; ``rows`` where MLflow's profile of it says how many it has."""

    name: str
    digest: str
    context: str
    rows: int | None


@dataclass(frozen=True)
class NumberRow:
    """A metric's last value: ``None`` where it is no finite number, and ``text`` then says what it is."""

    value: float | None
    text: str = ""


@dataclass(frozen=True)
class RunDetail:
    """A run as MLflow has it now, deleted or not."""

    run_id: str
    is_deleted: bool
    user: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, NumberRow]
    datasets: list[DatasetRow]


@dataclass(frozen=True)
class PointRow:
    """A metric was written: for which step, and when."""

    step: int
    at_ms: int


@dataclass(frozen=True)
class MeasuredRow:
    """A run measured a logged model, on a dataset where it named one.

    Its value is left out: MLflow shows one that is no number as 0 here. The run's own history knows better.
    """

    name: str
    run_id: str
    dataset: str
    digest: str
    at_ms: int


@dataclass(frozen=True)
class LoggedModelRow:
    """A logged model: what a version's source ``models:/m-…`` leads to."""

    model_id: str
    run_id: str
    measured: list[MeasuredRow]


@dataclass(frozen=True)
class FileRow:
    """A file or folder among the artifacts of a run or a logged model; ``size`` in bytes, where the server knows it."""

    path: str
    size: int | None
    is_dir: bool = False


@dataclass(frozen=True)
class Keeper:
    """What keeps artifacts: a run or a logged model, by its id."""

    kind: Literal["run", "logged model"]
    id: str


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
            found = self._if_there(lambda: self._mlflow.get_registered_model(name))
            return None if found is None else _model(found)

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

    # --- one version in full -----------------------------------------------------------------------------------------

    def version(self, model: str, version: str) -> VersionRow | None:
        """The version, if the server has it."""
        with asking(self.uri):
            found = self._if_there(lambda: self._mlflow.get_model_version(model, version))
            if found is None:
                return None
            row = _version(found)
            if (row.model, row.version) != (_text(model), version):
                raise ValueError("an answer about another version")
            return row

    def run(self, run_id: str) -> RunDetail | None:
        """The run with this id, if the server has it; a deleted one too, until its garbage is collected."""
        with asking(self.uri):
            found = self._if_there(lambda: self._mlflow.get_run(run_id))
            if found is not None and found.info.run_id != run_id:
                raise ValueError("an answer about another run")
            return None if found is None else _run_detail(found)

    def history(self, run_id: str, name: str, *, most: int) -> list[PointRow]:
        """Each time that a metric of the run was written, the oldest first; at most ``most`` of them."""
        points: list[PointRow] = []
        with asking(self.uri):
            store, token = self._mlflow._tracking_client.store, None
            while True:
                page = store.get_metric_history(run_id, name, max_results=min(POINTS_PER_PAGE, most), page_token=token)
                points += [PointRow(int(one.step), int(one.timestamp)) for one in page]
                if not (token := page.token) or len(points) >= most:
                    break
            if not points:
                raise ValueError("no history of a metric that there is")
        return points[:most]

    def logged_model(self, model_id: str) -> LoggedModelRow | None:
        """The logged model with this id, if the server has it."""
        with asking(self.uri):
            found = self._if_there(lambda: self._mlflow.get_logged_model(model_id))
            if found is not None and found.model_id != model_id:
                raise ValueError("an answer about another model")
            return None if found is None else _logged_model(found)

    def _if_there(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except _import("mlflow.exceptions").RestException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def files(self, keeper: Keeper, *, most: int) -> list[FileRow]:
        """The artifacts of a run or a logged model, in all folders, by path; at most ``most`` of them.

        The server lists and sends them. Where they lie is never asked itself: a run's author chooses that address, and
        it might be one that only the portal reaches.
        """
        found: list[FileRow] = []
        folders, seen = [""], 0
        while folders and len(found) < most and seen < most:
            seen += 1
            for one in self._listed(keeper, folders.pop(0)):
                if one.is_dir:
                    folders.append(one.path)
                else:
                    found.append(one)
        return sorted(found, key=lambda one: one.path)[:most]

    def _listed(self, keeper: Keeper, folder: str) -> Iterator[FileRow]:
        token = ""
        while True:
            with asking(self.uri):
                path, asked = _listing_of(keeper, folder)
                answer = self._get(path, asked | ({"page_token": token} if token else {}))
                page = _import("mlflow.utils.rest_utils").verify_rest_response(answer, path).json()
                if "root_uri" not in page:
                    raise ValueError("no list of artifacts")
                listed = [_file(one) for one in page.get("files", [])]
            yield from listed
            if not (token := page.get("next_page_token") or ""):
                return

    def read_file(self, keeper: Keeper, path: str) -> Iterator[bytes]:
        """The bytes of one artifact in parts; whoever has enough closes the iterator, and no more is fetched."""
        with asking(self.uri):
            answer = self._get(*_file_of(keeper, path), stream=True, timeout=FILES_SECONDS)
            try:
                if answer.status_code != 200:
                    raise Unavailable(
                        f"MLflow at {shown(self.uri)} did not send the artifact {path} (status {answer.status_code}).",
                        hint="It may have been replaced this very moment. Try again.",
                    )
                yield from answer.iter_content(CHUNK)
            finally:
                answer.close()

    def _get(self, path: str, asked: dict[str, str], **how: Any) -> Any:
        creds = _import("mlflow.utils.credentials").get_default_host_creds(self.uri)
        return _import("mlflow.utils.rest_utils").http_request(creds, path, "GET", params=asked, **how)


class Recorder:
    """A writer to one MLflow server: what a training script does, for the demo; experiments; and the gate's verdicts."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @cached_property
    def _mlflow(self) -> Any:
        return _import("mlflow").MlflowClient(self.uri)

    def experiment(self, name: str, tags: dict[str, str]) -> str:
        """The id of the experiment with this name; made when there is none, restored when it was deleted.

        One that somebody made before, such as the delivery of a repository, gets the tags that it lacks.
        """
        with asking(self.uri):
            found = self._mlflow.get_experiment_by_name(name)
            if found is None:
                return str(self._mlflow.create_experiment(name, tags=tags))
            if found.lifecycle_stage == "deleted":
                self._mlflow.restore_experiment(found.experiment_id)
            for key in tags.keys() - found.tags.keys():
                self._mlflow.set_experiment_tag(found.experiment_id, key, tags[key])
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

    def tag_version(self, model: str, version: str, tags: dict[str, str]) -> bool:
        """Set those of these tags that a model version does not have yet; returns whether there is such a version."""
        with asking(self.uri):
            try:
                present = self._mlflow.get_model_version(model, version).tags
                for name, value in tags.items():
                    if present.get(name) != value:
                        self._mlflow.set_model_version_tag(model, version, name, value)
            except _import("mlflow.exceptions").RestException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return False
                raise
        return True

    def point_alias(self, model: str, alias: str, version: str) -> None:
        """Let an alias of a model that is there name this version, or none where it is empty; nothing if it does already."""
        with asking(self.uri):
            present = self._mlflow.get_registered_model(model).aliases.get(alias)
            if version and str(present or "") != version:
                self._mlflow.set_registered_model_alias(model, alias, version)
            elif not version and present:
                self._mlflow.delete_registered_model_alias(model, alias)

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
        """Keep a fitted estimator with signature and example, and register it as the next version of the model ``name``."""
        own_types = _import("skops.io").get_untrusted_types(data=_import("skops.io").dumps(estimator))
        with asking(self.uri), _without_hints():
            kept = _import("mlflow.sklearn").log_model(
                estimator, name="model", pip_requirements=requirements, skops_trusted_types=own_types,
                signature=_import("mlflow.models").infer_signature(example, estimator.predict(example)),
                input_example=example,
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


def known_as(uri: str) -> str:
    """How the portal names a server: on loopback without its port, which the bundled one takes anew at each start."""
    parts = urlsplit(shown(uri))
    host = parts.hostname or ""
    return parts._replace(netloc=host).geturl() if is_loopback(host) else parts.geturl()


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


def _run_detail(one: Any) -> RunDetail:
    info, data = one.info, one.data
    given = one.inputs.dataset_inputs if one.inputs else []
    return RunDetail(
        run_id=_text(info.run_id),
        is_deleted=info.lifecycle_stage == "deleted",
        user=_text(info.user_id)[:256],
        params=_texts(data.params),
        tags=_texts(data.tags),
        metrics={_text(name): _number(float(value)) for name, value in data.metrics.items()},
        datasets=[DatasetRow(**_dataset(one), rows=_rows(one.dataset.profile)) for one in given],
    )


def _rows(profile: str | None) -> int | None:
    try:
        rows = json.loads(profile or "{}")["num_rows"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return rows if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0 else None


def _number(value: float) -> NumberRow:
    if math.isnan(value):
        return NumberRow(None, "not a number")
    if abs(value) >= sys.float_info.max:  # what MLflow's store keeps in the place of an infinity
        return NumberRow(None, "infinite" if value > 0 else "minus infinite")
    return NumberRow(value)


def _logged_model(one: Any) -> LoggedModelRow:
    measured = [
        MeasuredRow(_text(each.key), _text(each.run_id), _text(each.dataset_name), _text(each.dataset_digest),
                    int(each.timestamp))
        for each in one.metrics or []
    ]  # fmt: skip
    return LoggedModelRow(_text(one.model_id), _text(one.source_run_id), measured)


def _file(one: dict[str, Any]) -> FileRow:
    size = one.get("file_size")
    return FileRow(_text(one["path"]), None if size is None else int(size), bool(one.get("is_dir")))


def _listing_of(keeper: Keeper, folder: str) -> tuple[str, dict[str, str]]:
    """Where the server lists a folder of artifacts, and what it is asked there."""
    if keeper.kind == "run":
        return "/api/2.0/mlflow/artifacts/list", {"run_id": keeper.id} | ({"path": folder} if folder else {})
    path = f"/api/2.0/mlflow/logged-models/{quote(keeper.id, safe='')}/artifacts/directories"
    return path, {"artifact_directory_path": folder} if folder else {}


def _file_of(keeper: Keeper, path: str) -> tuple[str, dict[str, str]]:
    """Where the server sends an artifact from, and what it is asked there: as its own pages do."""
    if keeper.kind == "run":
        return "/get-artifact", {"run_id": keeper.id, "path": path}
    address = f"/ajax-api/2.0/mlflow/logged-models/{quote(keeper.id, safe='')}/artifacts/files"
    return address, {"artifact_file_path": path}


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
