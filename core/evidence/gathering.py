"""Gathering the evidence on a model version: everything that MLflow says of it, by value, as canonical JSON.

What comes back is the same each time, unless something changed: what is too large to be read is named instead. An answer
that fails in the middle is no evidence at all; it raises.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from core.activity import chain
from core.config import settings
from core.db import now
from core.errors import Invalid, NotFound, Unavailable
from core.evidence import contents
from core.evidence.comparing import is_evidence
from core.tracking.client import (
    Client,
    FileRow,
    Keeper,
    LoggedModelRow,
    MeasuredRow,
    NumberRow,
    RunDetail,
    VersionRow,
    known_as,
)

METRICS = 1000
"""Metrics that are read, those of the naming contract first: each costs a question."""
POINTS = 10_000
"""Entries of a metric's history that are counted."""
FILES = 2000
"""Artifacts that are listed for a run, and for a logged model."""
OTHER_RUNS = 20
"""Runs beside its own that are asked what they measured on the model; the last ones."""
COPIES = 5
"""How often a version may be a copy of a copy."""
MB = 1_000_000

COMMITTERS_TAG = "factory.committers"
"""Tag of a run or version: who committed to the code behind it, separated by commas, semicolons or line breaks."""
_NAMES = 200
_CONTRACT = "rai."
_OF_THE_MACHINE = "system/"
"""What MLflow measures of the machine that trains: no evidence on a model, and much of it."""


@dataclass(frozen=True)
class Gathered:
    """The evidence on one version as MLflow had it at a moment; ``content`` is plain, canonical JSON."""

    model: str
    version: str
    content: dict[str, Any]
    gathered_at: datetime = field(default_factory=now)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of the content."""
        return _hashed(self.content)

    @cached_property
    def subject_digest(self) -> str:
        """SHA-256 over what the version is: name, version, source, model, run, artifact hashes, dataset digests."""
        source = {name: self.content["source"][name] for name in ("model", "version", "source", "model_id", "run_id")}
        artifacts = {path: one["sha256"] or one["size"] for path, one in self.content["artifacts"].items()}
        datasets = sorted({one["digest"] for one in self.content["datasets"]})
        return _hashed(source | {"artifacts": artifacts, "datasets": datasets})


def gather(model: str, version: str) -> Gathered:
    """Ask MLflow for everything it has on a version: seconds, on the network, outside transactions.

    Raises :class:`~core.errors.NotFound` where the version, its run or its logged model is gone (or its run deleted),
    :class:`~core.errors.Invalid` where MLflow takes no such name, and :class:`~core.errors.Unavailable` where it does
    not answer, stops in the middle, or answers nonsense.
    """
    uri = settings().mlflow_tracking_uri
    if not uri:
        raise Unavailable("No MLflow server is configured.", hint="Set MLFLOW_TRACKING_URI to its address.")
    client = Client(uri)
    found = _version(client, model, version)
    return Gathered(model, version, _Gathering(client, found).content())


class _Gathering:
    """The questions about one version, one after the other, and what was left out on the way."""

    def __init__(self, client: Client, version: VersionRow) -> None:
        self.client, self.version = client, version
        self.gaps: list[str] = []
        self.source = _followed(client, version, self.gaps)
        self.logged = self._logged_model()
        self.run = self._run()
        self.others = self._other_runs()

    def content(self) -> dict[str, Any]:
        """Everything, in the form that is kept."""
        artifacts, read = self._artifacts()
        described = contents.described(read, self._model_folder())
        tags = {**(self.run.tags if self.run else {}), **self.version.tags}
        self.gaps += described.gaps
        content: dict[str, Any] = contents.plain({
            "source": self._origin(),
            "metrics": self._metrics(),
            "tags": {name: value for name, value in tags.items() if is_evidence(name)},
            "params": self.run.params if self.run else {},
            "datasets": self._datasets(),
            "signature": described.signature,
            "example": described.example,
            "artifacts": artifacts,
            "contents": described.contents,
            "environment": described.environment,
            "people": self._people(),
            "gaps": self.gaps,
        })  # fmt: skip
        return content

    # --- what it is --------------------------------------------------------------------------------------------------

    def _origin(self) -> dict[str, str]:
        created = self.version.created_at
        return {
            "server": known_as(self.client.uri),
            "model": self.version.model,
            "version": self.version.version,
            "run_id": self.run.run_id if self.run else "",
            "model_id": self.logged.model_id if self.logged else "",
            "source": self.version.source,
            "created_at": created.isoformat() if created else "",
        }

    def _logged_model(self) -> LoggedModelRow | None:
        found = re.fullmatch(r"models:/(m-[0-9a-f]{32})/?", self.source)
        if not found:
            return None
        logged = self.client.logged_model(found[1])
        if logged is None:
            raise _gone("logged-model-gone", self.version, "its logged model was deleted from MLflow")
        return logged

    def _run(self) -> RunDetail | None:
        of_source = re.match(r"runs:/([0-9a-f]{32})/", self.source)
        run_id = (
            self.version.run_id or (self.logged.run_id if self.logged else "") or (of_source[1] if of_source else "")
        )
        if not run_id:
            self.gaps.append("The version names no run: there are no metrics, parameters or inputs of one.")
            return None
        run = self.client.run(run_id)
        if run is None:
            raise _gone("run-gone", self.version, f"its run {run_id} is no longer in MLflow")
        if run.is_deleted:
            raise _gone("run-deleted", self.version, f"its run {run_id} was deleted in MLflow")
        return run

    def _other_runs(self) -> list[RunDetail]:
        """Other runs that measured the logged model, the last first; what a deleted one measured no longer counts."""
        own = self.run.run_id if self.run else ""
        by_time = sorted(self.logged.measured if self.logged else [], key=lambda one: (-one.at_ms, one.run_id))
        ids = dict.fromkeys(one.run_id for one in by_time if one.run_id and one.run_id != own)
        found = (self.client.run(one) for one in list(ids)[:OTHER_RUNS])
        return [one for one in found if one is not None and not one.is_deleted]

    def _datasets(self) -> list[dict[str, Any]]:
        given = self.run.datasets if self.run else []
        rows = [{"name": one.name, "digest": one.digest, "context": one.context, "rows": one.rows} for one in given]
        return sorted(rows, key=lambda one: (one["name"], one["digest"], one["context"]))

    def _people(self) -> list[str]:
        """Who had a hand in it: authors of the runs, and committers as tags name them."""
        runs = [*([self.run] if self.run else []), *self.others]
        names = [name for run in runs for name in (run.user, run.tags.get("mlflow.user", ""))]
        for tags in (self.version.tags, *(run.tags for run in runs)):
            names += re.split(r"[,;\n]", tags.get(COMMITTERS_TAG, ""))
        return sorted({name.strip()[:_NAMES] for name in names} - {""})[:_NAMES]

    # --- what was measured -------------------------------------------------------------------------------------------

    def _metrics(self) -> dict[str, dict[str, Any]]:
        """The last value of each metric of the run; of those it has not, that of the last run which measured the model."""
        wanted: dict[str, tuple[RunDetail, NumberRow]] = {}
        for run in (*([self.run] if self.run else []), *self.others):
            measured = run.metrics if run is self.run else self._on_the_model(run)
            for name, number in measured.items():
                wanted.setdefault(name, (run, number))
        names = sorted((one for one in wanted if not one.startswith(_OF_THE_MACHINE)), key=_by_contract)
        if len(names) > METRICS:
            self.gaps.append(f"Only {METRICS} of {len(names)} metrics were read.")
        return {name: self._measured(name, *wanted[name]) for name in names[:METRICS]}

    def _on_the_model(self, run: RunDetail) -> dict[str, NumberRow]:
        names = {one.name for one in self._measurements(run.run_id)}
        return {name: number for name, number in run.metrics.items() if name in names}

    def _measured(self, name: str, run: RunDetail, number: NumberRow) -> dict[str, Any]:
        points = self.client.history(run.run_id, name, most=POINTS)
        of_it = [one for one in self._measurements(run.run_id) if one.name == name]
        last = max(of_it, key=lambda one: (one.at_ms, one.dataset, one.digest), default=None)
        return {
            "value": number.value,
            "text": number.text,
            "history": len(points),
            "overwritten": len({one.step for one in points}) < len(points),
            "dataset": last.dataset if last else "",
            "digest": last.digest if last else "",
            "run": "" if run is self.run else run.run_id,
        }

    def _measurements(self, run_id: str) -> list[MeasuredRow]:
        return [one for one in (self.logged.measured if self.logged else []) if one.run_id == run_id]

    # --- what it is made of ------------------------------------------------------------------------------------------

    def _artifacts(self) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
        """Path → size and SHA-256 of each artifact, and the bytes of those whose content is evidence.

        The smallest are read first, so that the limit of the whole strikes the largest, and always the same.
        """
        room = settings().evidence_total_mb * MB
        kept: dict[str, dict[str, Any]] = {}
        read: dict[str, bytes] = {}
        for path, keeper, file in sorted(self._files(), key=lambda one: (one[2].size or 0, one[0])):
            hashed = self._hash(path, keeper, file, room)
            if hashed is None:
                kept[path] = {"size": file.size, "sha256": None, "skipped": True}
                continue
            size, sha256, data = hashed
            room -= size
            kept[path] = {"size": size, "sha256": sha256}
            if data is not None:
                read[path] = data
        skipped = sorted(path for path, one in kept.items() if one.get("skipped"))
        if skipped:
            more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
            self.gaps.append(f"Too large to be read, and known by size alone: {', '.join(skipped[:3])}{more}.")
        return kept, read

    def _files(self) -> Iterator[tuple[str, Keeper, FileRow]]:
        """The files of the run, and those of the logged model below ``model/``, where older versions have them."""
        keepers = [("", Keeper("run", self.run.run_id))] if self.run else []
        keepers += [("model/", Keeper("logged model", self.logged.model_id))] if self.logged else []
        for prefix, keeper in keepers:
            files = self.client.files(keeper, most=FILES + 1)
            if len(files) > FILES:
                self.gaps.append(f"Only {FILES} of the artifacts of the {keeper.kind} were read.")
            yield from ((prefix + one.path, keeper, one) for one in files[:FILES])

    def _hash(self, path: str, keeper: Keeper, file: FileRow, room: int) -> tuple[int, str, bytes | None] | None:
        """Size, hash and, where its content is evidence, the bytes of a file; ``None`` where it is larger than allowed."""
        most = min(settings().evidence_file_mb * MB, room)
        if (file.size or 0) > most:
            return None
        hashed, size, content = hashlib.sha256(), 0, bytearray()
        wanted = contents.most_of(path, self._model_folder())
        for part in self.client.read_file(keeper, file.path):
            size += len(part)
            if size > most:
                return None
            hashed.update(part)
            if size <= wanted:
                content += part
        if file.size is not None and size != file.size:
            raise Unavailable(f"The artifact {path} was replaced while it was read.", hint="Try again.")
        return size, hashed.hexdigest(), bytes(content) if size <= wanted else None

    def _model_folder(self) -> str:
        return "model" if self.logged else self.source.rstrip("/").rpartition("/")[2]


def _version(client: Client, model: str, version: str) -> VersionRow:
    try:
        found = client.version(model, version)
    except Invalid as refusal:
        raise Invalid(
            f"MLflow takes no version {version[:40]!r} of {model[:200]!r}.",
            hint="The name of a model holds no / and no :, and a version is a number.",
        ) from refusal
    if found is None:
        raise NotFound(
            f"MLflow has no version {version[:40]} of {model[:200]}.", code="version-gone",
            hint="It may have been deleted or renamed there.",
        )  # fmt: skip
    return found


def _followed(client: Client, version: VersionRow, gaps: list[str]) -> str:
    """The source of a version; of a copy, that of the version it was copied from."""
    source = version.source
    for _ in range(COPIES):
        copied = re.fullmatch(r"models:/(.+)/([0-9]+)", source)
        if not copied:
            return source
        original = client.version(copied[1], copied[2])
        if original is None:
            break
        source = original.source
    gaps.append("The version it was copied from cannot be found, nor then its model.")
    return ""


def _gone(code: str, version: VersionRow, why: str) -> NotFound:
    message = f"The evidence on version {version.version} of {version.model} cannot be copied: {why}."
    return NotFound(message, code=code, hint="Restore it in MLflow, or register another version.")


def _by_contract(name: str) -> tuple[bool, str]:
    return not name.startswith(_CONTRACT), name


def _hashed(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(chain.canonical(value).encode()).hexdigest()
