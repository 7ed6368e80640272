"""The portfolio: one row per project from the store alone, and the same few statements however many there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from core import db
from core.access import policy
from core.access.policy import Actor
from core.errors import Invalid, NotAllowed, NotFound
from core.people import actions as people
from core.projects import actions as projects
from core.tracking import actions, queries
from core.tracking.actions import Registry
from core.tracking.client import ExperimentRow, ModelRow, RunRow, VersionRow

SYNC = policy.system("sync")
START = datetime(2026, 1, 1, tzinfo=UTC)
URI = "http://models.example"


def run(run_id: str, value: float, *, project: str = "", digest: str = "", day: int = 0, **more: Any) -> RunRow:
    datasets = [{"name": "test", "digest": digest, "context": "evaluation"}] if digest else []
    return RunRow(
        run_id=run_id, experiment_id="1", name=run_id, status=more.get("status", "FINISHED"), user="",
        started_at=START + timedelta(days=day), ended_at=None, ended_ms=0, params={}, tags={"project_id": project},
        metrics={"accuracy": value, "rmse": value}, datasets=datasets,
    )  # fmt: skip


def mirror(models: dict[str, dict[str, str]], runs: list[RunRow], *, versions: int = 2) -> None:
    """A mirror of ``models`` (name → aliases) whose version ``n`` came from the run ``name-n``."""
    rows = [
        VersionRow(name, str(number), f"{name}-{number}", "", START + timedelta(days=number), {})
        for name in models
        for number in range(1, versions + 1)
    ]
    heard = Registry(
        models=[ModelRow(name, "", {}, 1, aliases) for name, aliases in models.items()], versions=rows,
        complete_models=frozenset(models), experiments=[ExperimentRow("1", "risk/fraud/experiment", {}, 1)],
    )  # fmt: skip
    with db.writing() as session:
        mirrored = actions.open_mirror(session, actor=SYNC, uri=URI)
        actions.store_registry(session, actor=SYNC, mirrored=mirrored, heard=heard)
        actions.store_runs(session, actor=SYNC, mirrored=mirrored, runs=runs)
        actions.finish(session, actor=SYNC, mirrored=mirrored, swept=True, watermark=0, took_ms=1)


def start(*project_ids: str, metric: str = "accuracy", higher_is_better: bool = True) -> None:
    with db.writing() as session:
        for project_id in project_ids:
            projects.create(
                session, actor=policy.system("demo"), project_id=project_id, title=project_id.title(), team_id="risk",
                registered_model=f"{project_id}-model", key_metric=metric, higher_is_better=higher_is_better,
            )  # fmt: skip


def rows(actor: Actor = SYNC, **options: Any) -> list[queries.PortfolioRow]:
    with db.reading() as session:
        return queries.portfolio(session, actor, **options).items


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    yield statements
    event.remove(db.engine(), "before_cursor_execute", note)


@pytest.fixture(autouse=True)
def risk(store: str) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="bank", name="Bank")
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk", unit_id="bank")


SYSTEM = policy.system("command-line")


def test_a_row_holds_champion_challenger_and_last_run() -> None:
    start("fraud")
    mirror(
        {"fraud-model": {"champion": "1", "challenger": "2"}},
        [
            run("fraud-model-1", 0.8, digest="d1"), run("fraud-model-2", 0.9, digest="d1", day=1),
            run("late", 0.1, day=9, status="FAILED"),
        ],
    )  # fmt: skip
    (row,) = rows()
    assert (row.team, row.unit, row.stage, row.model) == ("Risk", "Bank", "explore", "fraud-model")
    assert (row.champion, row.champion_value, row.challenger, row.challenger_value) == ("1", 0.8, "2", 0.9)
    assert row.difference == pytest.approx(0.1)
    assert (row.comparable, row.challenger_leads, row.versions) == (True, True, 2)
    assert (row.champion_since, row.last_run_id, row.last_run_status) == (START + timedelta(days=1), "late", "FAILED")


def test_a_project_without_a_model_a_run_or_a_mirror_is_there_all_the_same() -> None:
    start("fraud")
    for _ in range(2):
        (row,) = rows()
        assert (row.champion, row.champion_value, row.difference, row.comparable) == (None, None, None, None)
        assert (row.versions, row.last_run_id, row.challenger_leads) == (0, None, None)
        mirror({}, [])


def test_a_lower_error_is_better_where_the_project_says_so() -> None:
    start("error", metric="rmse", higher_is_better=False)
    mirror(
        {"error-model": {"champion": "1", "challenger": "2"}}, [run("error-model-1", 5.0), run("error-model-2", 4.0)]
    )
    (row,) = rows()
    assert (row.difference, row.challenger_leads) == (-1.0, True)


def test_versions_evaluated_on_different_data_do_not_compare() -> None:
    start("a", "b", "c")
    aliases = {"champion": "1", "challenger": "2"}
    mirror(
        {"a-model": aliases, "b-model": aliases, "c-model": aliases},
        [
            run("a-model-1", 0.8, digest="d1"), run("a-model-2", 0.9, digest="d2"),
            run("b-model-1", 0.8, digest="d1"), run("b-model-2", 0.9),
            run("c-model-1", 0.8, digest="d1"), run("c-model-2", 0.9, digest="d1"),
        ],
    )  # fmt: skip
    assert [row.comparable for row in rows()] == [False, None, True]


def test_a_model_that_vanished_has_no_champion_any_more() -> None:
    start("fraud")
    mirror({"fraud-model": {"champion": "1"}}, [run("fraud-model-1", 0.8)])
    with db.writing() as session:
        mirrored = actions.open_mirror(session, actor=SYNC, uri=URI)
        heard = Registry(vanished=frozenset({"fraud-model"}))
        actions.store_registry(session, actor=SYNC, mirrored=mirrored, heard=heard)
    (row,) = rows()
    assert (row.champion, row.champion_value, row.versions) == (None, None, 0)


def test_orders_put_the_best_the_oldest_and_the_latest_first_and_the_unknown_last() -> None:
    start("low", "high", "none")
    start("error", metric="rmse", higher_is_better=False)
    mirror(
        {
            "low-model": {"champion": "1", "challenger": "2"}, "high-model": {"champion": "2", "challenger": "1"},
            "error-model": {"champion": "1"},
        },
        [
            run("low-model-1", 0.5), run("low-model-2", 0.6), run("high-model-2", 0.9), run("high-model-1", 0.1),
            run("error-model-1", 3.0), run("x", 0.0, project="low", day=1), run("y", 0.0, project="error", day=2),
        ],
    )  # fmt: skip
    expected = {
        "title": ["error", "high", "low", "none"],
        "newest": ["error", "none", "high", "low"],
        "value": ["high", "low", "error", "none"],
        "difference": ["low", "high", "error", "none"],
        "age": ["error", "low", "high", "none"],
        "last run": ["error", "low", "high", "none"],
        "versions": ["error", "high", "low", "none"],
    }
    for sort, order in expected.items():
        assert [row.project_id for row in rows(sort=sort)] == order, sort
        pages = [rows(sort=sort, page=number, size=1)[0].project_id for number in range(1, 5)]
        assert pages == order, sort
    with pytest.raises(Invalid):
        rows(sort="password")


def test_filters_narrow_the_page_and_the_total() -> None:
    start("alpha", "beta", "gamma")
    with db.writing() as session:
        projects.move(session, actor=policy.system("demo"), project_id="beta", stage="experiment")
    with db.reading() as session:
        assert queries.portfolio(session, SYNC, q="ALPHA-mod").total == 1
        assert queries.portfolio(session, SYNC, stage="experiment").total == 1
        assert queries.portfolio(session, SYNC, unit="bank").total == 3
        assert queries.portfolio(session, SYNC, unit="elsewhere").total == 0
        assert queries.portfolio(session, SYNC, q="%").total == 0
        beyond = queries.portfolio(session, SYNC, page=99)
        assert (beyond.items, beyond.total) == ([], 3)


@pytest.mark.parametrize("sort", [*queries.ORDERS, *queries.STANDING_ORDERS])
def test_the_number_of_statements_does_not_grow_with_the_projects(sort: str) -> None:
    start("p0")
    with counted() as few:
        rows(sort=sort)
    start(*(f"p{number}" for number in range(1, 12)))
    names = [f"p{number}-model" for number in range(12)]
    mirror({name: {"champion": "1"} for name in names}, [run(f"{name}-1", 0.5) for name in names])
    with counted() as many:
        assert len(rows(sort=sort)) == 12
    assert len(many) == len(few) <= 5


def test_everybody_with_a_role_sees_it_and_nobody_else(person: Callable[..., Actor]) -> None:
    start("fraud")
    assert len(rows(person("auditor"))) == 1
    with pytest.raises(NotAllowed):
        rows(person())


def test_a_model_page_lists_versions_newest_first_with_runs_and_projects() -> None:
    start("fraud")
    numbers = range(1, 12)
    mirror(
        {"fraud-model": {"champion": "9", "previous": "9"}}, [run(f"fraud-model-{one}", one / 20) for one in numbers],
        versions=11,
    )  # fmt: skip
    with db.reading() as session:
        detail = queries.model_detail(session, SYNC, "fraud-model")
        assert [one.version for one in detail.versions][:3] == ["11", "10", "9"]
        assert detail.projects == [("fraud", "Fraud")]
        held = detail.holding("champion")
        assert held is not None
        assert (held.aliases, held.metrics["accuracy"], held.status) == (["champion", "previous"], 0.45, "FINISHED")
        with pytest.raises(NotFound):
            queries.model_detail(session, SYNC, "no\x00such")


def test_runs_are_paged_and_found_by_project_status_and_words() -> None:
    many = [
        run(f"run-{number:02}", float(number), project="b" if number % 2 else "", day=number) for number in range(10)
    ]
    mirror({}, [*many, run("odd", 1.0, status="RUNNING")])
    with db.reading() as session:
        page = queries.runs(session, SYNC, size=3, page=2)
        assert ([one.run_id for one in page.items], page.total) == (["run-06", "run-05", "run-04"], 11)
        assert queries.runs(session, SYNC, project="b").total == 5
        assert queries.runs(session, SYNC, project="fraud").total == 6
        assert [one.run_id for one in queries.runs(session, SYNC, status="RUNNING").items] == ["odd"]
        assert [one.run_id for one in queries.runs(session, SYNC, q="N-07").items] == ["run-07"]
        found = queries.run(session, SYNC, "run-07")
        assert (found.experiment, found.metrics["accuracy"]) == ("risk/fraud/experiment", 7.0)
        with pytest.raises(NotFound):
            queries.run(session, SYNC, "\ud800")


def test_storing_the_same_answer_again_changes_nothing() -> None:
    for _ in range(2):
        mirror({"m-model": {"champion": "1"}}, [run("m-model-1", 0.1)])
    start("m")
    (row,) = rows()
    assert (row.versions, row.champion_value) == (2, 0.1)
    assert math.isfinite(row.champion_value or 0)
