"""What a check reads: evidence as it was copied, in plain values. A check looks nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Measure:
    """A measured value with what is known of its certainty.

    ``value`` is ``None`` where MLflow holds something that is no finite number; ``text`` then says what. ``lower`` and
    ``upper`` are the 95 % interval that the team logged beside it (``NAME.lower``, ``NAME.upper``), ``rows`` how many
    rows it rests on (``NAME.rows``). ``history`` counts how often the metric was written: more than once at one step
    means that it was overwritten.
    """

    value: float | None
    text: str = ""
    lower: float | None = None
    upper: float | None = None
    rows: int | None = None
    history: int = 1
    overwritten: bool = False
    dataset: str = ""
    digest: str = ""


@dataclass(frozen=True)
class DatasetUse:
    """A dataset that the run logged as its input."""

    name: str
    digest: str
    context: str = ""
    rows: int | None = None


@dataclass(frozen=True)
class File:
    """An artifact or an upload: its size and SHA-256, and its content where it is small JSON or text."""

    size: int
    sha256: str
    content: Any = None


@dataclass(frozen=True)
class Snapshot:
    """The evidence on one subject as it was copied at ``taken_at``, and what its project is and says."""

    taken_at: datetime
    metrics: Mapping[str, Measure] = field(default_factory=dict)
    champion: Mapping[str, Measure] = field(default_factory=dict)
    """The metrics of the version that serves today; empty where there is none."""
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetUse, ...] = ()
    has_signature: bool = False
    has_example: bool = False
    files: Mapping[str, File] = field(default_factory=dict)
    """Path → artifact of the run or model, and ``upload/NAME`` → uploaded file."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the portal knows of the project and the subject; a check whose fact is not there gives ``missing``.

    ``tier``, ``key_metric``, ``higher_is_better``, ``target`` (a number), ``monitoring`` (text), ``monitors`` (kinds),
    ``on_call``, ``retraining`` (text), ``pattern``, ``model_card`` (section → text), ``catalog`` (kinds adopted),
    ``roles`` (role → people), ``runs`` (stage → how many), ``reuse_reviewed``, ``reuse_searches``, ``links`` (name →
    URL), ``datasets`` (entries it uses), ``entry`` (the subject's own), ``access`` (``route``, ``expires``),
    ``rollback_version``, ``rollback_rehearsed_on``, ``repository`` (setting → on), ``token_scopes``, and risk facts.
    """
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Item id → the value that the team answered."""
