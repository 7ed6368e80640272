"""Where a dataset comes from and where it goes: entries that name it, projects, and models trained or measured on it.

Facts come from three places: what entries state (``producers``, ``consumers``, ``trainingData``), adoptions, and the
dataset inputs that runs logged in MLflow, mirrored with name and digest. A run's input belongs to the dataset entry
whose name it bears.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, distinct, func, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.catalog.queries import EntryPage
from core.projects.queries import Adopter, adopters
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.tracking.tables import MirrorInput, MirrorRun, MirrorServer, MirrorVersion

MOST_DIGESTS = 50
MOST_MODELS = 200
PRODUCES, CONSUMES = "is produced by", "is consumed by"


@dataclass(frozen=True)
class Digest:
    """Content of a dataset as runs saw it: one digest is one state of the data."""

    digest: str
    contexts: str
    runs: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True)
class ModelUse:
    """A registered model whose versions' runs logged the dataset as their input."""

    project_id: str
    project: str
    """Title; empty where the portal knows no such project."""
    model: str
    versions: int
    digests: int


@dataclass(frozen=True)
class Lineage:
    """A dataset between what makes it and what uses it."""

    producers: list[str]
    consumers: list[str]
    """Titles or references of entries."""
    adopters: list[Adopter]
    projects: list[tuple[str, str, int]]
    """(id, title, runs) of projects whose runs read it, most runs first."""
    models: list[ModelUse]
    digests: list[Digest]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of where the data come from or go."""
        return not (self.producers or self.consumers or self.adopters or self.projects or self.models)


def lineage(session: Session, actor: Actor, page: EntryPage) -> Lineage:
    """What is known around a dataset that ``actor`` opened; as many statements however many runs there are."""
    policy.require(actor, "catalog.browse")
    names = sorted({page.entry.name, page.entry.name.lower(), page.entry.key})
    return Lineage(
        producers=_named(page, PRODUCES) + [one.title for one in page.named_by if one.relation == CONSUMES],
        consumers=_named(page, CONSUMES)
        + [one.title for one in page.named_by if one.relation in (PRODUCES, "is trained on", "depends on")],
        adopters=adopters(session, actor, page.entry.id or 0),
        projects=_projects(session, actor, names),
        models=_models(session, actor, names),
        digests=_digests(session, names),
    )


def _named(page: EntryPage, relation: str) -> list[str]:
    return [one.title or one.key for one in page.relations if one.relation == relation]


def _digests(session: Session, names: list[str]) -> list[Digest]:
    columns: tuple[Any, ...] = (
        MirrorInput.digest, func.min(MirrorInput.context), func.max(MirrorInput.context), func.count(),
        func.min(MirrorRun.started_at), func.max(MirrorRun.started_at),
    )  # fmt: skip
    statement = _inputs(select(*columns), names).group_by(MirrorInput.digest)
    latest = func.max(MirrorRun.started_at).desc().nulls_last()
    rows = session.execute(statement.order_by(latest, MirrorInput.digest).limit(MOST_DIGESTS))
    return [Digest(row[0], ", ".join(sorted({*_split(row[1]), *_split(row[2])})), *row[3:]) for row in rows]


def _projects(session: Session, actor: Actor, names: list[str]) -> list[tuple[str, str, int]]:
    columns: tuple[Any, ...] = (MirrorRun.project, func.coalesce(Project.title, ""), func.count())
    statement = _of_projects(_inputs(select(*columns), names), actor).where(MirrorRun.project != "")
    statement = statement.group_by(MirrorRun.project, Project.title)
    rows = session.execute(statement.order_by(func.count().desc(), MirrorRun.project).limit(MOST_MODELS))
    return [(row[0], row[1] or row[0], row[2]) for row in rows]


def _models(session: Session, actor: Actor, names: list[str]) -> list[ModelUse]:
    columns: tuple[Any, ...] = (
        MirrorRun.project, func.coalesce(Project.title, ""), MirrorVersion.model,
        func.count(distinct(col(MirrorVersion.version))), func.count(distinct(col(MirrorInput.digest))),
    )  # fmt: skip
    made = and_(
        col(MirrorVersion.server_id) == MirrorInput.server_id, col(MirrorVersion.run_id) == MirrorInput.run_id,
        col(MirrorVersion.gone_at).is_(None),
    )  # fmt: skip
    statement = _of_projects(_inputs(select(*columns), names).join(MirrorVersion, made), actor)
    statement = statement.group_by(MirrorRun.project, Project.title, MirrorVersion.model)
    rows = session.execute(statement.order_by(MirrorVersion.model, MirrorRun.project).limit(MOST_MODELS))
    return [ModelUse(*row) for row in rows]


def _inputs(statement: Any, names: list[str]) -> Any:
    """``statement`` over the inputs with one of ``names`` on the server that was synced last, and their runs."""
    latest = select(MirrorServer.id).order_by(
        col(MirrorServer.synced_at).desc().nulls_last(), col(MirrorServer.id).desc()
    )
    same_run = and_(col(MirrorRun.server_id) == MirrorInput.server_id, col(MirrorRun.run_id) == MirrorInput.run_id)
    here = (MirrorInput.server_id == latest.limit(1).scalar_subquery(), col(MirrorInput.name).in_(names))
    return statement.select_from(MirrorInput).join(MirrorRun, same_run).where(*here)


def _of_projects(statement: Any, actor: Actor) -> Any:
    """``statement`` with the project of each run, without those of projects that ``actor`` does not see."""
    joined = statement.outerjoin(Project, col(Project.id) == MirrorRun.project)
    return joined.where(or_(col(Project.id).is_(None), shown_to(actor)))


def _split(contexts: str | None) -> list[str]:
    return [one for one in (contexts or "").split(", ") if one]
