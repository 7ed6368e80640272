"""The store's shape: migrations and models agree, a newer store is refused, data survive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import text

from core import db
from core.config import ROOT, settings
from core.errors import Conflict, Unavailable

PROJECT_TEXTS = (
    "title", "summary", "stage", "finding", "registered_model", "key_metric", "value_hypothesis", "stop_rule",
    "classification", "region", "modality", "target", "tier", "tier_reason", "tier_proposed", "data_access", "monitoring",
)  # fmt: skip
"""Columns of a project that hold a text, empty or not."""


def test_the_migrated_store_has_exactly_the_shape_of_the_models(store: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from core.migrations.env_rules import owned
    from core.migrations.tables import METADATA

    with db.engine().connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": owned, "compare_type": True, "target_metadata": METADATA}
        )
        assert compare_metadata(context, METADATA) == []


def test_the_file_names_tell_the_revisions_that_alembic_knows() -> None:
    from alembic.script import ScriptDirectory

    known = [script.revision for script in ScriptDirectory.from_config(db.alembic_config()).walk_revisions()]
    assert db._revisions() == sorted(known) == known[::-1]


def test_the_entries_of_projects_from_before_are_kept_by_them_afterwards() -> None:
    from alembic import command

    config = db.alembic_config()
    with db.engine().connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.commit()
    with db.engine().begin() as connection:
        connection.execute(
            text("INSERT INTO team (id, name, description, active, demo) VALUES ('risk', 'Risk', '', 1, 0)")
        )
        given = dict.fromkeys(PROJECT_TEXTS, "")
        names = ", ".join(["id", "team_id", *given])
        marks = ", ".join(f":{name}" for name in ["id", "team_id", *given])
        connection.execute(
            text(f"INSERT INTO project ({names}, higher_is_better, tags, risk_facts, revision, demo, created_at, stage_since) "
                 f"VALUES ({marks}, 1, '[]', '{{}}', 1, 0, '2026-01-01', '2026-01-01')"),
            given | {"id": "churn", "team_id": "risk"},
        )  # fmt: skip
        for name in ("churn", "past"):
            connection.execute(
                text("INSERT INTO entry (key, kind, namespace, name, title, summary, owner, lifecycle, classification, version, licence, "
                     "adoptions, quality, source, origin, revision, demo, created_at, updated_at) VALUES ('project:default/' || :name, "
                     "'project', 'default', :name, :name, '', 'risk', 'approved', 'internal', '1', '', 0, 100, 'interface', '', 1, 0, "
                     "'2026-01-01', '2026-01-01')"),
                {"name": name},
            )  # fmt: skip
    db.migrate()
    with db.reading() as session:
        found = dict(session.execute(text("SELECT name, source FROM entry")).all())
    assert found == {"churn": "project", "past": "interface"}


def test_migrating_twice_changes_nothing(store: str) -> None:
    before, after = db.migrate()
    assert before == after


def go_back_to(revision: str | None) -> None:
    """Leave an empty store behind, or one of an older ``revision``."""
    with db.engine().begin() as connection:
        if not db.is_sqlite(connection):
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    db.engine().dispose()
    for path in settings().data.glob("portal.sqlite*"):
        path.unlink()
    if revision:
        from alembic import command

        with db.engine().connect() as connection:
            config = db.alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
        db.engine().dispose()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "revision"), [("sqlite", None), ("sqlite", "0003"), ("postgresql", None)], indirect=["store"]
)
def test_of_processes_that_migrate_one_store_at_once_one_does_and_the_others_find_it_done(
    store: str, revision: str | None
) -> None:
    go_back_to(revision)
    command = [sys.executable, "-m", "core", "migrate", "--json"]
    started = [subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE) for _ in range(3)]
    told = [json.loads(one.communicate(timeout=180)[0] or "{}") for one in started]
    newest = db._revisions()[-1]
    assert {one["after"] for one in told} == {newest}
    assert Counter(one["before"] for one in told) == {revision: 1, newest: 2}


def test_a_store_newer_than_the_code_is_refused_and_left_as_it_is(store: str) -> None:
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="newer"):
        db.migrate()
    with db.engine().connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_a_store_that_was_never_set_up_says_what_to_do() -> None:
    with pytest.raises(Unavailable, match="core migrate"), db.reading() as session:
        session.execute(text("SELECT * FROM person"))


def test_an_unreachable_database_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import forget_settings

    monkeypatch.setenv("PORTAL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    forget_settings()
    with pytest.raises(Unavailable, match="does not answer"), db.reading() as session:
        session.execute(text("SELECT 1"))
