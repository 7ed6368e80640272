"""The portfolio: every project of the factory, filtered, sorted, grouped and counted in SQL, page by page or as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, false, func, null, or_, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import BusinessUnit, Team
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import Invalid
from core.projects.actions import ACTIVE_STAGES
from core.projects.queries import LARGEST_PAGE, matching, place_of
from core.projects.tables import Adoption, Project, ProjectMember, StagePeriod
from core.projects.tier import TIERS
from core.projects.visibility import worked_on_by

RISK_FIRST = (*reversed(TIERS), "")
"""Risk tiers, the riskiest first; a project without facts has none yet and comes last."""
NO_PATTERN = "none"
"""What the pattern filter says of projects that stand on no pattern (which the reader may see)."""
BATCH = 500
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Filter:
    """Which projects: every field that is set narrows the result, an empty one does not."""

    q: str = ""
    unit: str = ""
    team: str = ""
    stage: str = ""
    tier: str = ""
    """A tier, or ``none`` for projects without one."""
    pattern: str = ""
    """Key of a pattern's entry, or :data:`NO_PATTERN`."""
    classification: str = ""
    mine: bool = False
    """Only projects of the reader's teams, and those the reader works in."""
    demo: bool | None = None
    """Only projects of the demo organisation, or only others."""


@dataclass(frozen=True)
class Period:
    """A project was in a stage from a moment to another one; the present stage has no end."""

    stage: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Row:
    """A line of the portfolio."""

    id: str
    title: str
    team_id: str
    team: str
    unit_id: str | None
    unit: str
    stage: str
    stage_since: datetime
    tier: str
    tier_confirmed: bool
    classification: str
    decide_by: date | None
    registered_model: str
    demo: bool
    created_at: datetime
    people: int
    """How many people work in it."""
    adoptions: int
    pattern_key: str | None
    """The pattern it stands on, if the reader may see it."""
    pattern: str
    pattern_version: str
    periods: tuple[Period, ...] = field(default=())

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.id)

    @property
    def running(self) -> bool:
        """Whether the project has not ended."""
        return self.stage in ACTIVE_STAGES

    @property
    def days_in_stage(self) -> int:
        """Whole days since it came into its present stage."""
        return max((now() - self.stage_since).days, 0)

    @property
    def overdue(self) -> bool:
        """Whether the day has passed on which a running project was to look at its stop rule."""
        return self.running and self.decide_by is not None and self.decide_by < now().date()


@dataclass(frozen=True)
class Group:
    """The projects that have something in common, and how many there are with the same filters."""

    key: str
    title: str
    projects: int


@dataclass(frozen=True)
class Portfolio:
    """A page of the portfolio, ordered by group and then as asked, with the counts of all groups."""

    items: list[Row]
    total: int
    groups: list[Group]
    page: int
    """The page that is shown: the last one, where a later one was asked for."""


def tier_place(tier: Any) -> Any:
    """The place of a tier in a list that begins with the riskiest."""
    return case({name: number for number, name in enumerate(RISK_FIRST)}, value=tier, else_=len(RISK_FIRST))


_open = col(Adoption.until).is_(None)
_adopted = (
    select(func.count()).select_from(Adoption).where(Adoption.project_id == Project.id, _open).correlate(Project)
).scalar_subquery()
_people = (
    select(func.count(func.distinct(ProjectMember.person_id)))
    .where(ProjectMember.project_id == Project.id)
    .correlate(Project)
).scalar_subquery()

SORTS: dict[str, Any] = {
    "title": func.lower(Project.title),
    "stage": place_of(Project.stage),
    "tier": tier_place(Project.tier),
    "age": col(Project.stage_since),
    "newest": col(Project.created_at).desc(),
    "adoptions": _adopted.desc(),
}
"""Name of an order → its expression; ``age`` begins with the longest in its stage. Equal ones follow by id."""
PATTERN = "pattern"
GROUPS = ("stage", "unit", "tier", PATTERN)


def portfolio(
    session: Session,
    actor: Actor,
    *,
    wanted: Filter | None = None,
    sort: str = "title",
    group: str = "stage",
    page: int = 1,
    size: int = 50,
) -> Portfolio:
    """A page of the projects that ``wanted`` describes, with their stages; four statements, however many there are.

    ``group`` is one of :data:`GROUPS`, or empty for one list. Groups are counted over the whole result.
    """
    policy.require(actor, "catalog.browse")
    _require_known(sort, group)
    where = conditions(actor, wanted or Filter())
    groups = _groups(session, actor, where, group)
    total = sum(one.projects for one in groups)
    size = min(max(size, 1), LARGEST_PAGE)
    page = min(max(page, 1), max(-(-total // size), 1))
    if not total:
        return Portfolio([], 0, [], 1)
    on_page, before = _groups_on_page(groups, (page - 1) * size, size)
    in_order = _ids_in_order(actor, where, sort, group, on_page).limit(size).offset((page - 1) * size - before)
    ids = list(session.execute(in_order).scalars())
    rows = {row.id: row for row in session.execute(_details(actor).where(col(Project.id).in_(ids)))}
    periods = _periods(session, ids)
    shown = [Row(*(*rows[one], periods.get(one) or _only_period(rows[one]))) for one in ids]
    return Portfolio(shown, total, groups if group else [], page)


def conditions(actor: Actor, wanted: Filter) -> list[ColumnElement[bool]]:
    """The conditions on :class:`Project` that a filter stands for."""
    where = matching(actor, q=wanted.q, stage=wanted.stage, unit=wanted.unit, team=wanted.team)
    if wanted.tier:
        where.append(col(Project.tier) == ("" if wanted.tier == "none" else _printable(wanted.tier)))
    if wanted.classification:
        where.append(col(Project.classification) == _printable(wanted.classification))
    if wanted.demo is not None:
        where.append(col(Project.demo).is_(wanted.demo))
    if wanted.mine:
        where.append(worked_on_by(actor))
    if wanted.pattern:
        where.append(_stands_on(actor, _printable(wanted.pattern)))
    return where


def patterns_in_use(session: Session, actor: Actor) -> dict[str, str]:
    """Key → title of the patterns that projects stand on and ``actor`` may see: what the filter offers."""
    policy.require(actor, "catalog.browse")
    used = select(Adoption.id).where(Adoption.entry_id == Entry.id, _open).correlate(Entry).exists()
    rows = session.execute(
        select(Entry.key, Entry.title).where(Entry.kind == "pattern", used, visible(actor)).order_by(Entry.title)
    )
    return {row.key: row.title for row in rows}


def _require_known(sort: str, group: str) -> None:
    if sort not in SORTS:
        raise Invalid(f"{sort!r} is not an order.", hint=f"Possible: {', '.join(SORTS)}.")
    if group and group not in GROUPS:
        raise Invalid(f"Projects are not grouped by {group!r}.", hint=f"Possible: {', '.join(GROUPS)}.")


def _printable(value: str) -> str:
    return "".join(letter for letter in value if letter.isprintable())


# --- patterns --------------------------------------------------------------------------------------------------------


def _standing(actor: Actor) -> Any:
    """Project → the one pattern it stands on, if the reader may see that."""
    return (
        select(col(Adoption.project_id), col(Entry.key), col(Entry.title))
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .where(_open, Entry.kind == PATTERN, visible(actor))
    )


def _stands_on(actor: Actor, key: str) -> ColumnElement[bool]:
    standing = _standing(actor).subquery("chosen")
    on_any = select(standing.c.project_id)
    if key == NO_PATTERN:
        return col(Project.id).not_in(on_any)
    return col(Project.id).in_(on_any.where(standing.c.key == key))


# --- groups and pages ------------------------------------------------------------------------------------------------


def _groups(session: Session, actor: Actor, where: list[ColumnElement[bool]], group: str) -> list[Group]:
    """Every group with its count, in the order in which the page shows them."""
    if not group:
        total = session.execute(select(func.count()).select_from(Project).where(*where)).scalar_one()
        return [Group("", "", total)] if total else []
    if group == PATTERN:
        return _pattern_groups(session, actor, where)
    key, title, order = _grouping(group)
    statement = _joined_for(select(key, title, func.count()).select_from(Project), group)
    rows = session.execute(statement.where(*where).group_by(key, title, order).order_by(order, title, key))
    return [Group(row[0] or "", row[1] or "", row[2]) for row in rows]


def _pattern_groups(session: Session, actor: Actor, where: list[ColumnElement[bool]]) -> list[Group]:
    """The projects on each pattern, and those on none: what is left of all of them, which is counted with them.

    Asking each project for its pattern instead would cost several times as much.
    """
    of_each: Any = (
        _standing(actor)
        .join(Project, col(Project.id) == Adoption.project_id)
        .where(*where)
        .group_by(col(Entry.id))
        .with_only_columns(col(Entry.key), col(Entry.title), func.count().label("projects"))
    )
    everywhere: tuple[Any, ...] = (null(), null(), func.count())
    of_all = select(*everywhere).select_from(Project).where(*where)
    counted = union_all(of_each, of_all).subquery("counted")
    key, title, projects = counted.c
    in_order = select(key, title, projects).order_by(key.is_(None), title, key)
    *rows, (_, _, total) = session.execute(in_order).all()
    found = [Group(*row) for row in rows]
    without = total - sum(one.projects for one in found)
    return [*found, Group("", "", without)] if without else found


def _groups_on_page(groups: list[Group], start: int, size: int) -> tuple[list[Group], int]:
    """The groups that a page shows something of, and how many projects stand before the first of them."""
    on_page, before, passed = [], start, 0
    for one in groups:
        if passed < start + size and passed + one.projects > start:
            on_page.append(one)
            before = min(before, passed)
        passed += one.projects
    return on_page, before


def _ids_in_order(actor: Actor, where: list[ColumnElement[bool]], sort: str, group: str, on_page: list[Group]) -> Any:
    """The ids of these groups' projects: narrow, and cut to a page before anything is joined, so that it costs little."""
    order = [SORTS[sort], col(Project.id)]
    statement = select(Project.id).select_from(Project).where(*where)
    if not group:
        return statement.order_by(*order)
    keys = [one.key for one in on_page]
    if group == PATTERN:
        standing = _standing(actor).where(col(Entry.key).in_(keys)).subquery("standing")
        key, title, place = standing.c.key, standing.c.title, standing.c.key.is_(None)
        none_of_them = _stands_on(actor, NO_PATTERN) if "" in keys else false()
        statement = statement.join(standing, standing.c.project_id == Project.id, isouter="" in keys)
        statement = statement.where(or_(key.is_not(None), none_of_them))
    else:
        key, title, place = _grouping(group)
        statement = _joined_for(statement, group).where(or_(key.in_(keys), key.is_(None) if "" in keys else false()))
    return statement.order_by(place, title, key, *order)


def _grouping(group: str) -> tuple[Any, Any, Any]:
    """What makes a group: its key, its title and its place."""
    if group == "unit":
        return col(Project.unit_id), col(BusinessUnit.name), col(Project.unit_id).is_(None)
    if group == "tier":
        return col(Project.tier), col(Project.tier), tier_place(Project.tier)
    return col(Project.stage), col(Project.stage), place_of(Project.stage)


def _joined_for(statement: Any, group: str) -> Any:
    if group == "unit":
        return statement.outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
    return statement


# --- lines -----------------------------------------------------------------------------------------------------------

_pattern, _pattern_adoption = aliased(Entry), aliased(Adoption)
_COLUMNS: tuple[Any, ...] = (
    Project.id, Project.title, Project.team_id, Team.name, Project.unit_id, func.coalesce(BusinessUnit.name, ""),
    Project.stage, Project.stage_since, Project.tier, col(Project.tier_confirmed_by).is_not(None),
    Project.classification, Project.decide_by, Project.registered_model, Project.demo, Project.created_at, _people,
    _adopted, _pattern.key, func.coalesce(_pattern.title, ""), func.coalesce(_pattern_adoption.version, ""),
)  # fmt: skip
"""In the order of the fields of :class:`Row`."""


def _details(actor: Actor) -> Any:
    newest = (
        select(func.max(Adoption.id))
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .where(Adoption.project_id == Project.id, _open, Entry.kind == PATTERN, visible(actor))
        .correlate(Project)
        .scalar_subquery()
    )
    return (
        select(*_COLUMNS)
        .select_from(Project)
        .join(Team, col(Team.id) == Project.team_id)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
        .outerjoin(_pattern_adoption, col(_pattern_adoption.id) == newest)
        .outerjoin(_pattern, col(_pattern.id) == _pattern_adoption.entry_id)
    )


def _periods(session: Session, project_ids: list[str]) -> dict[str, tuple[Period, ...]]:
    rows = session.execute(
        select(StagePeriod.project_id, StagePeriod.stage, StagePeriod.since, StagePeriod.until)
        .where(col(StagePeriod.project_id).in_(project_ids))
        .order_by(StagePeriod.project_id, col(StagePeriod.since), col(StagePeriod.id))
    )
    found: dict[str, tuple[Period, ...]] = {}
    for project_id, *period in rows:
        found[project_id] = (*found.get(project_id, ()), Period(*period))
    return found


def _only_period(row: Any) -> tuple[Period]:
    """What is known of a project that came into the store without its history."""
    return (Period(row.stage, row.stage_since, None),)


# --- export ----------------------------------------------------------------------------------------------------------

CSV_COLUMNS = (
    "id", "title", "unit", "team", "stage", "stage since", "days in stage", "tier", "tier confirmed", "classification",
    "pattern", "pattern version", "people", "adoptions", "decide by", "overdue", "registered model", "registered on",
)  # fmt: skip


def as_csv(session: Session, actor: Actor, *, wanted: Filter | None = None, sort: str = "title") -> Iterator[str]:
    """The whole filtered result as CSV (RFC 4180), in pieces of some hundred lines, with one statement.

    Safe to open in a spreadsheet: a cell that would be read as a formula begins with an apostrophe instead (see
    :func:`as_cell`). Times are UTC.
    """
    policy.require(actor, "catalog.browse")
    _require_known(sort, "")
    statement = _details(actor).where(*conditions(actor, wanted or Filter())).order_by(SORTS[sort], Project.id)
    yield _csv_lines([CSV_COLUMNS])
    rows = session.execute(statement.execution_options(yield_per=BATCH))
    for batch in rows.partitions():
        yield _csv_lines(_csv_row(Row(*row)) for row in batch)


def as_cell(value: str) -> str:
    """``value`` as a spreadsheet shows it and never runs it: an apostrophe goes before what starts a formula.

    Formulas start with = + - @, a tab, a line break or a full-width form of the signs: OWASP, "CSV Injection"
    (https://owasp.org/www-community/attacks/CSV_Injection); ASVS 5.0, requirement 1.2.10.
    """
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def _csv_row(one: Row) -> tuple[object, ...]:
    return (
        one.id, one.title, one.unit, one.team, one.stage, f"{one.stage_since:%Y-%m-%d}", one.days_in_stage, one.tier,
        "yes" if one.tier_confirmed else "no", one.classification, one.pattern, one.pattern_version, one.people,
        one.adoptions, one.decide_by or "", "yes" if one.overdue else "no", one.registered_model,
        f"{one.created_at:%Y-%m-%d}",
    )  # fmt: skip


def _csv_lines(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([as_cell(one) if isinstance(one, str) else one for one in row] for row in rows)
    return text.getvalue()
