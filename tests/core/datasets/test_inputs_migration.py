"""A store from before the inputs had a table: what its mirror knew of datasets is found by name after the upgrade."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlmodel import select

from core import db
from core.tracking.tables import MirrorInput


def upgrade_to(revision: str) -> None:
    from alembic import command

    config = db.alembic_config()
    with db.engine().connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def test_inputs_that_were_mirrored_before_are_found_by_name() -> None:
    upgrade_to("0006")
    inputs = [
        {"name": "payments", "digest": "aa", "context": "training"},
        {"name": "payments", "digest": "aa", "context": "test"},
        {"name": "n" * 600, "digest": "bb", "context": ""},
    ]
    with db.engine().begin() as connection:
        connection.execute(
            text("INSERT INTO mirror_server (id, uri, run_watermark, model_cursor, moves, failure, took_ms) VALUES (1, 'x', 0, '', 0, '', 0)")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO mirror_run (server_id, run_id, experiment_id, project, name, status, user, params, tags, datasets) VALUES (1, 'r', '1', '', '', 'FINISHED', '', '{}', '{}', :given)"),
            {"given": json.dumps(inputs)},
        )  # fmt: skip
    db.migrate()
    with db.reading() as session:
        found = session.exec(select(MirrorInput).order_by(MirrorInput.digest)).all()
    assert [(one.digest, one.context, len(one.name)) for one in found] == [("aa", "test, training", 8), ("bb", "", 500)]
