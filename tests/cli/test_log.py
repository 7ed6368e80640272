"""Verifying, sealing and exporting the activity log."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import Result

from core import db

Run = Callable[..., Result]
Told = Callable[..., Any]


@pytest.fixture
def written(run: Run, store: str) -> None:
    """A store whose log has seven records, the first five of them sealed."""
    for number in range(5):
        assert run("person", "add", "--name", f"Person {number}").exit_code == 0
    assert run("seal").exit_code == 0
    for number in range(2):
        assert run("person", "add", "--name", f"Later {number}").exit_code == 0


@pytest.fixture
def exported(run: Run, written: None, tmp_path: Path) -> Path:
    """That log as a file."""
    path = tmp_path / "log.jsonl"
    assert run("verify", "--export", path).exit_code == 0
    return path


def test_a_log_that_nobody_touched_is_intact(run: Run, told: Told, written: None) -> None:
    found = told("verify")
    assert (found["state"], found["records"], found["sealed_to"]) == ("intact", 7, 5)
    assert "7 records, the first 5 of them sealed" in run("verify").stdout
    assert told("seal")["sealed"] == 7
    assert told("seal")["sealed"] is None


def test_a_changed_record_is_named(run: Run, written: None, store: str) -> None:
    drop = "DROP TRIGGER {}" if store == "sqlite" else "ALTER TABLE activity DISABLE TRIGGER USER"
    with db.engine().begin() as connection:
        if store == "sqlite":
            for name in (
                connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            ):
                connection.execute(text(drop.format(name)))
        else:
            connection.execute(text(drop))
        connection.execute(text("UPDATE activity SET subject = 'person:p-other' WHERE seq = 3"))
    result = run("verify")
    assert result.exit_code == 4
    assert "broken at record 3" in result.stderr
    assert json.loads(run("verify", "--json").stdout)["record"] == 3


def test_an_exported_log_is_verified_without_the_store(
    run: Run, told: Told, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_store() -> None:
        raise AssertionError("the store was asked")

    with monkeypatch.context() as patch:
        patch.setattr(db, "engine", no_store)
        found = told("verify", "--file", exported)
    assert (found["state"], found["records"], found["sealed_to"]) == ("intact", 7, 5)


def test_any_bit_that_flips_in_an_export_is_found(run: Run, exported: Path) -> None:
    from core.activity import queries

    whole = exported.read_bytes()
    chosen = random.Random(20).sample(range(len(whole) * 8), 1500)
    for bit in chosen:
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        exported.write_bytes(changed)
        found = queries.verify_export(exported)
        assert found.state != "intact", f"bit {bit} of {changed[bit // 8 - 20 : bit // 8 + 20]!r}"
    assert run("verify", "--file", exported).exit_code == 4


def test_an_export_that_lost_or_gained_a_line_is_found(run: Run, exported: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    for changed in [
        lines[1:], lines[:2] + lines[3:], lines[:3] + lines[-1:], lines[::-1], lines + lines[:1], [*lines, b"\n"],
        [*lines, b"[" * 100_000], [*lines, b'{"checkpoint":[]}\n'], [*lines, b'{"checkpoint":{"seq":[1]}}\n'], [b"\xff\n"],
        [lines[0].replace(b'"seq":1', b'"seq":true')], [lines[0].rstrip()],
    ]:  # fmt: skip
        exported.write_bytes(b"".join(changed))
        result = run("verify", "--file", exported)
        assert result.exit_code == 4, changed
        assert "at record" in result.stderr


def test_a_file_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    result = run("verify", "--file", tmp_path / "nothing.jsonl")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
