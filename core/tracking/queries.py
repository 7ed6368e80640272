"""Reading the mirror: the portfolio of all projects, one model, runs. Pages ask here and never wait for MLflow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.access.tables import BusinessUnit, Team
from core.errors import Invalid, NotFound
from core.projects.queries import LARGEST_PAGE, matching, place_of
from core.projects.tables import Project
from core.projects.visibility import hidden_from, shown_to
from core.tracking.tables import (
    MirrorAlias,
    MirrorExperiment,
    MirrorMetric,
    MirrorModel,
    MirrorRun,
    MirrorServer,
    MirrorVersion,
)  # fmt: skip

CHAMPION = "champion"
CHALLENGER = "challenger"
EVALUATED_ON = ("evaluation", "test", "validation", "holdout")
"""Contexts of a data set that a metric can stem from; training data cannot make two versions comparable."""


def subject(model: str) -> str:
    """How the activity log names a registered model."""
    return f"registered-model:{model}"[:220]


@dataclass(frozen=True)
class Freshness:
    """How old the mirror is, and why it could not be brought up to date since."""

    as_of: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    uri: str = ""


def freshness(session: Session) -> Freshness:
    """What every page that shows mirrored facts says about them."""
    rows = session.exec(select(MirrorServer).where(MirrorServer.id == _server())).all()
    latest = session.exec(
        select(MirrorServer)
        .where(col(MirrorServer.failed_at).is_not(None))
        .order_by(col(MirrorServer.failed_at).desc())
    ).first()
    if not rows:
        return Freshness()
    here = rows[0]
    if latest is None or (here.synced_at and latest.failed_at and latest.failed_at < here.synced_at):
        return Freshness(here.synced_at, uri=here.uri)
    return Freshness(here.synced_at, latest.failed_at, latest.failure, latest.uri)


# --- portfolio -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PortfolioRow:
    """One project with how its model stands; values are those of its key metric."""

    project_id: str
    title: str
    team: str
    unit: str
    stage: str
    model: str
    key_metric: str
    higher_is_better: bool
    champion: str | None
    champion_value: float | None
    champion_since: datetime | None
    challenger: str | None
    challenger_value: float | None
    difference: float | None
    """Challenger minus champion."""
    comparable: bool | None
    """Whether both were evaluated on the same data; ``None`` when one of them does not say on which."""
    versions: int
    last_run_id: str | None
    last_run_status: str | None
    last_run_at: datetime | None

    @property
    def challenger_leads(self) -> bool | None:
        """Whether the challenger's value is the better one; ``None`` without two values."""
        if self.difference is None:
            return None
        return self.difference > 0 if self.higher_is_better else self.difference < 0


@dataclass(frozen=True)
class Portfolio:
    """A page of the portfolio, as of the last good sync."""

    items: list[PortfolioRow]
    total: int
    as_of: datetime | None
    failure: str


ORDERS: dict[str, Callable[[Any], Any]] = {
    "title": lambda c: func.lower(c.title),
    "stage": lambda c: place_of(c.stage),
    "unit": lambda c: c.unit,
    "newest": lambda c: c.created_at.desc(),
}
"""Name of an order by a project's own fields → its expression."""

STANDING_ORDERS: dict[str, Callable[[Any], Any]] = {
    "value": lambda c: (_sign(c) * c.champion_value).desc().nulls_last(),
    "difference": lambda c: (_sign(c) * c.difference).desc().nulls_last(),
    "age": lambda c: c.champion_since.asc().nulls_last(),
    "last run": lambda c: c.last_run_at.desc().nulls_last(),
    "versions": lambda c: c.versions.desc(),
}
"""Name of an order by what the mirror knows, the best or the oldest first → its expression."""


def portfolio(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    unit: str | None = None,
    stage: str | None = None,
    sort: str = "title",
    page: int = 1,
    size: int = 50,
) -> Portfolio:
    """A page of all projects with champion, challenger, key metric and last run, in one statement."""
    policy.require(actor, "catalog.browse")
    if sort not in ORDERS and sort not in STANDING_ORDERS:
        raise Invalid(f"{sort!r} is not an order.", hint=f"Possible: {', '.join([*ORDERS, *STANDING_ORDERS])}.")
    where = matching(actor, q=q, unit=unit or "", stage=stage or "")
    total = session.execute(select(func.count()).select_from(Project).where(*where)).scalar_one()
    size = min(max(size, 1), LARGEST_PAGE)
    rows = session.execute(_portfolio(where, sort, size, (max(page, 1) - 1) * size))
    fresh = freshness(session)
    return Portfolio([_portfolio_row(row) for row in rows], total, fresh.as_of, fresh.failure)


def _portfolio(where: list[Any], sort: str, size: int, offset: int) -> Any:
    """An order by a project's own fields cuts the page before the mirror is joined: its cost does not grow with it."""

    def ordered(table: Any) -> Any:
        return select(table).order_by((ORDERS | STANDING_ORDERS)[sort](table.c), table.c.project_id)

    projects = _projects(where).subquery("project_")
    if sort in STANDING_ORDERS:
        return ordered(_with_standing(projects).subquery("standing")).limit(size).offset(offset)
    page = ordered(projects).limit(size).offset(offset).subquery("page")
    return ordered(_with_standing(page).subquery("standing"))


def _projects(where: list[Any]) -> Any:
    columns: tuple[Any, ...] = (
        col(Project.id).label("project_id"), Project.title, col(Team.name).label("team"),
        func.coalesce(BusinessUnit.name, "").label("unit"), Project.stage, col(Project.registered_model).label("model"),
        Project.key_metric, Project.higher_is_better, Project.created_at,
    )  # fmt: skip
    joined = select(*columns).join(Team, col(Team.id) == Project.team_id)
    return joined.outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id).where(*where)


def _with_standing(projects: Any) -> Any:
    """``projects`` joined with what the mirror knows of each."""
    model: Any = aliased(MirrorModel)
    last: Any = aliased(MirrorRun)
    champion, challenger = _Standing(CHAMPION), _Standing(CHALLENGER)
    columns: tuple[Any, ...] = (
        *projects.c, *champion.columns, *challenger.columns,
        (challenger.metric.value - champion.metric.value).label("difference"), _versions_of(model).label("versions"),
        last.run_id.label("last_run_id"), last.status.label("last_run_status"), last.started_at.label("last_run_at"),
    )  # fmt: skip
    there = and_(model.server_id == _server(), model.name == projects.c.model, model.gone_at.is_(None))
    statement: Any = select(*columns).select_from(projects).outerjoin(model, there)
    for standing in (champion, challenger):
        statement = standing.join(statement, model, projects.c.key_metric)
    return statement.outerjoin(last, and_(last.server_id == _server(), last.run_id == _last_run(projects.c.project_id)))


class _Standing:
    """The tables that tell how the version with an alias stands, and what the portfolio shows of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alias: Any = aliased(MirrorAlias)
        self.version: Any = aliased(MirrorVersion)
        self.run: Any = aliased(MirrorRun)
        self.metric: Any = aliased(MirrorMetric)
        self.columns = (
            self.alias.version.label(name), self.metric.value.label(f"{name}_value"),
            self.version.created_at.label(f"{name}_since"), self.run.datasets.label(f"{name}_data"),
        )  # fmt: skip

    def join(self, statement: Any, model: Any, key: Any) -> Any:
        alias, version, run, metric = self.alias, self.version, self.run, self.metric
        here = alias.server_id == model.server_id
        same = and_(version.server_id == model.server_id, version.model == alias.model)
        trained = and_(run.server_id == version.server_id, run.run_id == version.run_id)
        measured = and_(metric.server_id == version.server_id, metric.run_id == version.run_id, metric.key == key)
        return (
            statement.outerjoin(alias, and_(here, alias.model == model.name, alias.alias == self.name))
            .outerjoin(version, and_(same, version.version == alias.version))
            .outerjoin(run, trained)
            .outerjoin(metric, measured)
        )


def _versions_of(model: Any) -> Any:
    version: Any = aliased(MirrorVersion)
    own = (version.server_id == model.server_id, version.model == model.name, version.gone_at.is_(None))
    return select(func.count()).select_from(version).where(*own).correlate(model).scalar_subquery()


def _last_run(project_id: Any) -> Any:
    latest = select(MirrorRun.run_id).where(MirrorRun.server_id == _server(), MirrorRun.project == project_id)
    return latest.order_by(col(MirrorRun.started_at).desc().nulls_last()).limit(1).scalar_subquery()


def _sign(columns: Any) -> Any:
    return case((columns.higher_is_better, 1.0), else_=-1.0)


def _portfolio_row(row: Any) -> PortfolioRow:
    shown = {one.name: getattr(row, one.name) for one in fields(PortfolioRow) if one.name != "comparable"}
    return PortfolioRow(**shown, comparable=_same_data(row.champion_data, row.challenger_data))


def _same_data(one: list[dict[str, str]] | None, other: list[dict[str, str]] | None) -> bool | None:
    digests = [
        {given["digest"] for given in data or [] if given["context"].lower() in EVALUATED_ON} for data in (one, other)
    ]
    return digests[0] == digests[1] if all(digests) else None


# --- one model -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VersionLine:
    """A version with its aliases and what its run says of it."""

    version: str
    aliases: list[str]
    created_at: datetime | None
    run_id: str
    run_name: str
    status: str
    source: str
    tags: dict[str, str]
    gone_at: datetime | None
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    run_tags: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class ModelDetail:
    """A registered model, its projects and its versions, the newest first."""

    name: str
    description: str
    tags: dict[str, str]
    gone_at: datetime | None
    projects: list[tuple[str, str]]
    """(id, title) of the projects that name it as theirs."""
    versions: list[VersionLine]
    as_of: datetime | None

    def holding(self, alias: str) -> VersionLine | None:
        """The version that holds an alias."""
        return next((version for version in self.versions if alias in version.aliases), None)


def model_detail(session: Session, actor: Actor, name: str, *, limit: int = 100) -> ModelDetail:
    """Everything the mirror knows of a registered model and its newest versions."""
    policy.require(actor, "catalog.browse")
    name = _printable(name)
    here = (MirrorModel.server_id == _server(), MirrorModel.name == name)
    model = session.exec(select(MirrorModel).where(*here)).first()
    if model is None:
        raise _no_model(name)
    owning = select(Project.id, Project.title).where(Project.registered_model == name).order_by(Project.title)
    projects = session.execute(owning.where(shown_to(actor))).all()
    if not projects and session.execute(owning).first() is not None:
        raise _no_model(name)
    return ModelDetail(
        model.name, model.description, model.tags, model.gone_at, [(row.id, row.title) for row in projects],
        _version_lines(session, model, limit), freshness(session).as_of,
    )  # fmt: skip


def _no_model(name: str) -> NotFound:
    return NotFound(f"No registered model {name!r}.", hint="It shows here after the next sync with MLflow.")


def _version_lines(session: Session, model: MirrorModel, limit: int) -> list[VersionLine]:
    here = MirrorVersion.server_id == model.server_id
    same_run = and_(col(MirrorRun.server_id) == MirrorVersion.server_id, col(MirrorRun.run_id) == MirrorVersion.run_id)
    rows = session.execute(
        select(MirrorVersion, MirrorRun)
        .outerjoin(MirrorRun, same_run)
        .where(here, MirrorVersion.model == model.name)
        .order_by(func.length(MirrorVersion.version).desc(), col(MirrorVersion.version).desc())
        .limit(limit)
    ).all()
    named: dict[str, list[str]] = {}
    own = (MirrorAlias.server_id == model.server_id, MirrorAlias.model == model.name)
    for alias in session.exec(select(MirrorAlias).where(*own).order_by(MirrorAlias.alias)):
        named.setdefault(alias.version, []).append(alias.alias)
    metrics = _metrics(session, model.server_id, [version.run_id for version, _ in rows])
    return [_version_line(version, run, named.get(version.version, []), metrics) for version, run in rows]


def _version_line(
    version: MirrorVersion, run: MirrorRun | None, aliases: list[str], metrics: dict[str, dict[str, float]]
) -> VersionLine:
    line = VersionLine(
        version.version, aliases, version.created_at, version.run_id, run.name if run else "",
        run.status if run else "", version.source, version.tags, version.gone_at, metrics.get(version.run_id, {}),
    )  # fmt: skip
    if run is None:
        return line
    return replace(line, params=run.params, run_tags=run.tags, datasets=run.datasets)


# --- runs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunLine:
    """A run with everything the mirror knows of it."""

    run_id: str
    name: str
    experiment_id: str
    experiment: str
    project: str
    status: str
    user: str
    started_at: datetime | None
    ended_at: datetime | None
    params: dict[str, str]
    tags: dict[str, str]
    datasets: list[dict[str, str]]
    metrics: dict[str, float]


@dataclass(frozen=True)
class Runs:
    """A page of runs, the latest start first."""

    items: list[RunLine]
    total: int
    as_of: datetime | None


def runs(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    project: str = "",
    experiment_id: str = "",
    status: str = "",
    page: int = 1,
    size: int = 50,
) -> Runs:
    """A page of the runs of all experiments whose name or id holds ``q``."""
    policy.require(actor, "catalog.browse")
    where: list[Any] = [col(MirrorRun.server_id) == _server(), col(MirrorRun.project).not_in(hidden_from(actor))]
    for column, wanted in (
        (MirrorRun.project, project), (MirrorRun.experiment_id, experiment_id), (MirrorRun.status, status),
    ):  # fmt: skip
        if wanted:
            where.append(col(column) == _printable(wanted))
    if words := _printable(q).strip().lower():
        texts = (MirrorRun.name, MirrorRun.run_id, MirrorRun.project)
        where.append(or_(*(func.lower(text).contains(words, autoescape=True) for text in texts)))
    total = session.execute(select(func.count()).select_from(MirrorRun).where(*where)).scalar_one()
    size = min(max(size, 1), LARGEST_PAGE)
    latest = (col(MirrorRun.started_at).desc().nulls_last(), col(MirrorRun.run_id))
    rows = session.execute(_runs(where).order_by(*latest).limit(size).offset((max(page, 1) - 1) * size)).all()
    return Runs(_run_lines(session, rows), total, freshness(session).as_of)


def run(session: Session, actor: Actor, run_id: str) -> RunLine:
    """One run."""
    policy.require(actor, "catalog.browse")
    here = [col(MirrorRun.server_id) == _server(), col(MirrorRun.run_id) == _printable(run_id)]
    here.append(col(MirrorRun.project).not_in(hidden_from(actor)))
    lines = _run_lines(session, session.execute(_runs(here)).all())
    if not lines:
        raise NotFound(f"No run {run_id!r}.", hint="It shows here after the next sync with MLflow.")
    return lines[0]


def _runs(where: list[Any]) -> Any:
    same = and_(
        col(MirrorExperiment.server_id) == MirrorRun.server_id,
        col(MirrorExperiment.experiment_id) == MirrorRun.experiment_id,
    )
    return select(MirrorRun, MirrorExperiment.name).outerjoin(MirrorExperiment, same).where(*where)


def _run_lines(session: Session, rows: Iterable[Any]) -> list[RunLine]:
    found = list(rows)
    if not found:
        return []
    metrics = _metrics(session, found[0][0].server_id, [one.run_id for one, _ in found])
    return [
        RunLine(
            one.run_id, one.name, one.experiment_id, experiment or "", one.project, one.status, one.user,
            one.started_at, one.ended_at, one.params, one.tags, one.datasets, metrics.get(one.run_id, {}),
        )
        for one, experiment in found
    ]  # fmt: skip


# --- shared ----------------------------------------------------------------------------------------------------------


def _server() -> Any:
    """The server whose mirror is shown: the one that was synced last."""
    latest = (col(MirrorServer.synced_at).desc().nulls_last(), col(MirrorServer.id).desc())
    return select(MirrorServer.id).order_by(*latest).limit(1).scalar_subquery()


def _metrics(session: Session, server_id: int, run_ids: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    here = (MirrorMetric.server_id == server_id, col(MirrorMetric.run_id).in_(set(run_ids)))
    statement = select(MirrorMetric.run_id, MirrorMetric.key, MirrorMetric.value).where(*here)
    for row in session.execute(statement.order_by(MirrorMetric.key)):
        found.setdefault(row.run_id, {})[row.key] = row.value
    return found


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def registered(session: Session) -> int:
    """How many registered models the mirror has that are still in MLflow."""
    here = select(func.count()).select_from(MirrorModel).where(MirrorModel.server_id == _server())
    return int(session.execute(here.where(col(MirrorModel.gone_at).is_(None))).scalar_one())
