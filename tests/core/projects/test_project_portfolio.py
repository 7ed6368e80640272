"""The portfolio: what filters, orders and groups promise, who sees which pattern, the file, and who serves what."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, select

from core import db
from core.access.policy import ROLES, Actor
from core.access.tables import BusinessUnit, Team
from core.catalog import actions as catalog
from core.catalog.tables import Entry
from core.errors import Invalid, NotAllowed
from core.projects import adoption, adoption_queries, portfolio, serving
from core.projects.portfolio import Filter
from core.projects.tables import Project, ProjectMember, StagePeriod
from tests.conftest import SYSTEM, stand_on

Make = Callable[..., Actor]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add(project_id: str, *, days: int = 0, **more: Any) -> None:
    """A project as registration leaves it, ``days`` in its stage."""
    since = NOW - timedelta(days=days)
    project = {"title": project_id.title(), "team_id": "risk", "stage_since": since, "created_at": since} | more
    with db.writing() as session:
        session.add(Project(id=project_id, **project))


def bulk(number: int, **more: Any) -> dict[str, Any]:
    """A row for a bulk insert of many projects."""
    return {"id": f"p-{number:04}", "title": f"P {number}", "team_id": "risk", "risk_facts": {}, "tags": []} | more


def entry(name: str, kind: str = "pattern", **spec: Any) -> int:
    needed: dict[str, Any] = {"problem": "Too many ways."} if kind == "pattern" else {}
    document = {
        "apiVersion": "factory/v1", "kind": kind, "metadata": {"name": name, "title": name.title(), "description": "One way."},
        "spec": {"owner": "risk", "version": "1.0", **needed, **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


def adopt(project_id: str, entry_id: int) -> None:
    with db.writing() as session:
        adoption.adopt(session, actor=SYSTEM, project_id=project_id, entry_id=entry_id)


def join(project_id: str, actor: Actor, role: str = "data scientist") -> None:
    with db.writing() as session:
        session.add(ProjectMember(project_id=project_id, person_id=actor.id, role=role))


def page(actor: Actor, sort: str = "title", group: str = "", page: int = 1, size: int = 50, **wanted: Any):
    with db.reading() as session:
        return portfolio.portfolio(
            session, actor, wanted=Filter(**wanted), sort=sort, group=group, page=page, size=size
        )


def ids(actor: Actor, **asked: Any) -> list[str]:
    return [one.id for one in page(actor, **asked).items]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that were run inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


@pytest.fixture
def reader(store: str, person: Make, monkeypatch: pytest.MonkeyPatch) -> Actor:
    """A member of the team risk who also audits, and so sees every project; the clock stands at NOW wherever the portfolio reads it."""
    monkeypatch.setattr(portfolio, "now", lambda: NOW)
    made = person("data scientist", "auditor", team="risk")
    with db.writing() as session:
        session.add_all([BusinessUnit(id="retail", name="Retail"), BusinessUnit(id="claims", name="Claims")])
        session.flush()
        session.add_all(
            [Team(id="shop", name="Shop", unit_id="retail"), Team(id="desk", name="Desk", unit_id="claims")]
        )
    return made


@pytest.fixture
def factory(reader: Actor) -> Actor:
    """Five projects that differ in everything one can ask for."""
    add("alpha", days=5, unit_id="retail", team_id="shop", stage="operate", tier="high")
    add(
        "beta",
        days=40,
        unit_id="claims",
        team_id="desk",
        stage="experiment",
        tier="limited",
        classification="confidential",
    )
    add("gamma", days=90, stage="explore", decide_by=NOW.date() - timedelta(days=1))
    add("delta", days=10, unit_id="retail", team_id="shop", stage="stopped", tier="minimal", decide_by=date(2020, 1, 1))
    add("omega", days=1, stage="explore", tier="prohibited", demo=True, decide_by=NOW.date())
    batch = entry("batch")
    for project in ("alpha", "beta"):
        stand_on(batch, project)
    stand_on(entry("stream"), "gamma")
    adopt("alpha", entry("helper", "asset"))
    return reader


def test_a_confidential_project_is_in_no_list_count_or_export_of_those_outside(factory: Actor, person: Make) -> None:
    outsider = person("data scientist", "ML engineer", team="shop")
    join("beta", person("ML engineer"), "ML engineer")
    found = page(outsider, group="stage")
    assert "beta" not in {one.id for one in found.items}
    assert found.total == sum(one.projects for one in found.groups) == 4
    with db.reading() as session:
        assert "beta" not in "".join(portfolio.as_csv(session, outsider, wanted=Filter()))
        served = serving.serving(session, outsider)
        batch = session.scalars(select(Entry.id).where(Entry.key == "pattern:default/batch")).one()
        hit = adoption_queries.impact(session, outsider, batch or 0)
    assert not [one for engineer in served.engineers for one in engineer.projects if one.id == "beta"]
    assert "beta" not in {one.id for one in served.unserved}
    assert [one.project_id for one in hit.projects] == ["alpha"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, {"alpha", "beta", "gamma", "delta", "omega"}),
        ({"q": "ALPH"}, {"alpha"}),
        ({"q": "100 %_"}, set()),
        ({"unit": "retail"}, {"alpha", "delta"}),
        ({"team": "desk"}, {"beta"}),
        ({"stage": "explore"}, {"gamma", "omega"}),
        ({"tier": "high"}, {"alpha"}),
        ({"tier": "none"}, {"gamma"}),
        ({"pattern": "pattern:default/batch"}, {"alpha", "beta"}),
        ({"pattern": "none"}, {"delta", "omega"}),
        ({"pattern": "pattern:default/unknown"}, set()),
        ({"classification": "confidential"}, {"beta"}),
        ({"mine": True}, {"gamma", "omega"}),
        ({"demo": True}, {"omega"}),
        ({"demo": False, "stage": "explore"}, {"gamma"}),
        ({"unit": "retail", "tier": "high", "pattern": "pattern:default/batch"}, {"alpha"}),
        ({"tier": "\x00", "classification": "\x00'; DROP TABLE project; --", "pattern": "\x00"}, set()),
    ],
)  # fmt: skip
def test_every_filter_narrows_items_and_counts_alike(
    factory: Actor, wanted: dict[str, Any], expected: set[str]
) -> None:
    for group in ("", *portfolio.GROUPS):
        found = page(factory, group=group, **wanted)
        assert {one.id for one in found.items} == expected, group
        assert found.total == len(expected), group
        assert sum(one.projects for one in found.groups) == (len(expected) if group else 0)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("title", ["alpha", "beta", "delta", "gamma", "omega"]),
        ("stage", ["gamma", "omega", "beta", "alpha", "delta"]),
        ("tier", ["omega", "alpha", "beta", "delta", "gamma"]),
        ("age", ["gamma", "beta", "delta", "alpha", "omega"]),
        ("newest", ["omega", "alpha", "delta", "beta", "gamma"]),
        ("adoptions", ["alpha", "beta", "gamma", "delta", "omega"]),
    ],
)
def test_every_order_is_what_its_name_says(factory: Actor, sort: str, expected: list[str]) -> None:
    assert ids(factory, sort=sort) == expected


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("stage", [("explore", 2), ("experiment", 1), ("operate", 1), ("stopped", 1)]),
        ("unit", [("Claims", 1), ("Retail", 2), ("", 2)]),
        ("tier", [("prohibited", 1), ("high", 1), ("limited", 1), ("minimal", 1), ("", 1)]),
        ("pattern", [("Batch", 2), ("Stream", 1), ("", 2)]),
    ],
)
def test_groups_are_counted_and_the_page_follows_their_order(
    factory: Actor, group: str, expected: list[tuple[str, int]]
) -> None:
    found = page(factory, group=group)
    assert [(one.title, one.projects) for one in found.groups] == expected
    shown = [
        {"stage": one.stage, "unit": one.unit, "tier": one.tier, "pattern": one.pattern}[group] for one in found.items
    ]
    assert shown == [title for title, count in expected for _ in range(count)]


def test_a_line_says_how_long_in_its_stage_and_whether_the_stop_rule_is_overdue(factory: Actor) -> None:
    join("gamma", factory)
    join("gamma", factory, "domain expert")
    lines = {one.id: one for one in page(factory).items}
    assert lines["gamma"].days_in_stage == 90
    assert {name for name, one in lines.items() if one.overdue} == {"gamma"}, "stopped ones and today are not overdue"
    assert lines["gamma"].people == 1, "one person in two roles is one person"
    assert (lines["alpha"].adoptions, lines["alpha"].pattern, lines["alpha"].pattern_version) == (2, "Batch", "1.0")
    assert (lines["delta"].pattern_key, lines["delta"].pattern) == (None, "")


def test_a_pattern_that_a_reader_may_not_see_is_no_pattern_to_them(factory: Actor, person: Make) -> None:
    stand_on(entry("secret", classification="restricted"), "omega")
    outsider = person("data scientist", team="elsewhere")
    assert {one.pattern for one in page(factory).items if one.id == "omega"} == {"Secret"}
    assert {one.pattern for one in page(outsider).items if one.id == "omega"} == {""}
    assert ids(outsider, pattern="pattern:default/secret") == []
    assert "omega" in ids(outsider, pattern="none")
    assert "Secret" not in [one.title for one in page(outsider, group="pattern").groups]
    with db.reading() as session:
        assert "pattern:default/secret" in portfolio.patterns_in_use(session, factory)
        assert "pattern:default/secret" not in portfolio.patterns_in_use(session, outsider)


@pytest.mark.parametrize("group", ["", *portfolio.GROUPS])
def test_the_pages_of_a_grouped_list_follow_each_other_without_gap_or_repetition(factory: Actor, group: str) -> None:
    whole = page(factory, group=group, sort="newest")
    assert sum(one.projects for one in whole.groups) == (whole.total if group else 0)
    for size in (1, 2, 3):
        pages = [
            page(factory, group=group, sort="newest", size=size, page=number) for number in range(1, 6 // size + 1)
        ]
        assert [row.id for one in pages for row in one.items][: whole.total] == [row.id for row in whole.items]


def test_of_two_patterns_the_one_adopted_last_counts(factory: Actor) -> None:
    stand_on(entry("edge"), "alpha", revision=1)
    assert ids(factory, pattern="pattern:default/edge") == ["alpha"]
    assert ids(factory, pattern="pattern:default/batch") == ["beta"]


def test_stages_come_with_the_page_and_a_project_without_history_shows_its_present_one(factory: Actor) -> None:
    start = NOW - timedelta(days=9)
    with db.writing() as session:
        session.execute(insert(StagePeriod), [
            {"project_id": "alpha", "stage": "explore", "since": start, "until": NOW},
            {"project_id": "alpha", "stage": "operate", "since": NOW, "until": None},
        ])  # fmt: skip
    lines = {one.id: one for one in page(factory).items}
    assert [one.stage for one in lines["alpha"].periods] == ["explore", "operate"]
    assert [(one.stage, one.until) for one in lines["beta"].periods] == [("experiment", None)]


def test_pages_are_clamped_and_cover_everything_once(factory: Actor) -> None:
    seen = [one for number in (1, 2, 3) for one in ids(factory, size=2, page=number, group="unit")]
    assert sorted(seen) == ["alpha", "beta", "delta", "gamma", "omega"]
    assert page(factory, size=2, page=99).page == 3
    assert page(factory, size=2, page=-5).page == 1
    assert page(factory, q="nothing like it", page=7).page == 1


@pytest.mark.parametrize("asked", [{"sort": "id; drop table project"}, {"group": "colour"}])
def test_an_order_or_group_that_does_not_exist_is_refused(factory: Actor, asked: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=r"is not an order|are not grouped"):
        page(factory, **asked)


@pytest.mark.parametrize("role", ["", *ROLES])
def test_everybody_with_a_role_reads_the_portfolio_and_nobody_without(store: str, person: Make, role: str) -> None:
    actor = person(*([role] if role else []))
    with db.reading() as session:
        readings = [
            lambda: portfolio.portfolio(session, actor).total,
            lambda: len(list(portfolio.as_csv(session, actor))) - 1,
            lambda: serving.serving(session, actor).unserved_total,
            lambda: len(portfolio.patterns_in_use(session, actor)),
        ]
        for read in readings:
            if role:
                assert read() == 0
            else:
                with pytest.raises(NotAllowed):
                    read()


def test_a_page_takes_four_statements_whatever_the_size(factory: Actor) -> None:
    def asked() -> list[int]:
        counts = []
        for group in portfolio.GROUPS:
            with statements() as seen:
                page(factory, group=group)
            counts.append(len([one for one in seen if one.startswith("SELECT")]))
        return counts

    assert asked() == [4, 4, 4, 4]
    with db.writing() as session:
        session.execute(insert(Project), [bulk(number) for number in range(60)])
    assert asked() == [4, 4, 4, 4]


def test_serving_takes_few_statements_whatever_the_size(factory: Actor, person: Make) -> None:
    for project in ("alpha", "beta", "gamma"):
        join(project, person("ML engineer"), serving.ROLE)
    with statements() as seen, db.reading() as session:
        assert serving.serving(session, factory).total == 3
    assert len([one for one in seen if one.startswith("SELECT")]) <= 6


# --- the file --------------------------------------------------------------------------------------------------------


def exported(actor: Actor, **wanted: Any) -> list[dict[str, str]]:
    with db.reading() as session:
        text = "".join(portfolio.as_csv(session, actor, wanted=Filter(**wanted)))
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_holds_the_whole_filtered_result(factory: Actor) -> None:
    with db.writing() as session:
        many = [bulk(number, classification="public") for number in range(portfolio.BATCH * 2 + 3)]
        session.execute(insert(Project), many)
    lines = exported(factory, classification="public")
    assert len(lines) == portfolio.BATCH * 2 + 3
    assert len({one["id"] for one in lines}) == len(lines)
    with db.reading() as session:
        pieces = list(portfolio.as_csv(session, factory, wanted=Filter(classification="public")))
    assert len(pieces) == 4, "a heading and three batches"
    (gamma,) = exported(factory, q="gamma")
    assert (gamma["days in stage"], gamma["overdue"], gamma["pattern"]) == ("90", "yes", "Stream")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(reader: Actor, start: str) -> None:
    add("trap", title=f'{start}cmd|" /C calc"!A0, "x"')
    (line,) = exported(reader)
    assert line["title"] == f"'{start}" + 'cmd|" /C calc"!A0, "x"'


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_cell_never_starts_a_formula_and_loses_nothing(value: str) -> None:
    cell = portfolio.as_cell(value)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.removeprefix("'") == value.removeprefix("'")


# --- who serves what -------------------------------------------------------------------------------------------------


def served(actor: Actor) -> serving.Serving:
    with db.reading() as session:
        return serving.serving(session, actor)


def test_load_counts_running_projects_and_high_tiers_twice(factory: Actor, person: Make) -> None:
    mo, kim = person("ML engineer", name="Mo"), person("data scientist", name="Kim")
    for project in ("alpha", "beta", "delta"):
        join(project, mo, serving.ROLE)
    join("gamma", kim, serving.ROLE)
    join("beta", kim, "data engineer")
    found = {one.name: one for one in served(factory).engineers}
    assert list(found) == ["Mo", "Kim"]
    assert (found["Mo"].load, found["Mo"].high, found["Mo"].by_stage) == (3, 1, {"experiment": 1, "operate": 1})
    assert found["Mo"].scopes == ("the whole organisation",)
    assert [one.id for one in found["Kim"].projects] == ["gamma"]


def test_a_page_past_the_end_is_the_last_one_and_knows_how_many_there_are(factory: Actor, person: Make) -> None:
    for name in ("Ann", "Bob", "Cleo"):
        person("ML engineer", name=name)
    with db.reading() as session:
        found = serving.serving(session, factory, page=9, size=2)
    assert ([one.name for one in found.engineers], found.total) == (["Cleo"], 3)


def test_a_role_granted_for_a_project_serves_it_and_for_a_unit_names_the_unit(factory: Actor, person: Make) -> None:
    person("ML engineer", name="Ann", scope=("project", "alpha"))
    person("ML engineer", name="Bob", scope=("unit", "retail"))
    found = {one.name: one for one in served(factory).engineers}
    assert ([one.id for one in found["Ann"].projects], found["Ann"].scopes) == (["alpha"], ())
    assert (found["Bob"].projects, found["Bob"].load, found["Bob"].scopes) == ((), 0, ("unit Retail",))


def test_what_two_of_their_projects_use_is_shared_automation(factory: Actor, person: Make) -> None:
    mo = person("ML engineer", name="Mo")
    for project in ("alpha", "beta"):
        join(project, mo, serving.ROLE)
    (engineer,) = served(factory).engineers
    assert [(one.title, one.projects) for one in engineer.shared] == [("Batch", 2)]


def test_projects_past_exploration_that_nobody_serves_are_named(factory: Actor, person: Make) -> None:
    join("alpha", person("ML engineer"), serving.ROLE)
    found = served(factory)
    assert ([one.id for one in found.unserved], found.unserved_total) == (["beta"], 1)
