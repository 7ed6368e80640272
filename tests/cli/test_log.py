"""Verifying, sealing and exporting the activity log."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as other_kind_of_key
from sqlalchemy import text
from typer.testing import Result

from core import db
from core.config import settings
from tests.conftest import forget_settings

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


@pytest.fixture
def fingerprint(run: Run, exported: Path) -> str:
    """The fingerprint of this portal's key, as a verification prints it."""
    found = re.search(r"sealed with the key ([0-9a-f]{64})\.", run("verify").stdout)
    assert found
    return found[1]


@pytest.fixture
def rewritten(run: Run, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another log of seven records, whole in itself and sealed, as only somebody without the portal's key writes one."""
    path = tmp_path / "rewritten.jsonl"
    with monkeypatch.context() as patch:
        patch.setenv("PORTAL_DATA", str(tmp_path / "elsewhere"))
        patch.delenv("PORTAL_DATABASE_URL", raising=False)
        forget_settings()
        run("migrate")
        for number in range(7):
            assert run("person", "add", "--name", f"Forged {number}").exit_code == 0
        assert run("seal").exit_code == 0
        assert run("verify", "--export", path).exit_code == 0
    forget_settings()
    return path


def test_a_log_that_was_rewritten_and_sealed_anew_shows_by_its_key(
    run: Run, told: Told, exported: Path, rewritten: Path, fingerprint: str
) -> None:
    assert told("verify", "--file", exported)["keys"] == [fingerprint]
    assert run("verify", "--file", exported, "--key", fingerprint).exit_code == 0
    (other,) = told("verify", "--file", rewritten)["keys"]
    assert other != fingerprint
    assert other in run("verify", "--file", rewritten).stdout
    refused = run("verify", "--file", rewritten, "--key", fingerprint)
    assert refused.exit_code == 4
    assert "broken at record 7" in refused.stderr
    assert f"not the one that was asked for: {other}" in refused.stderr
    assert run("verify", "--file", rewritten, "--key", fingerprint, "--key", other).exit_code == 0
    assert run("verify", "--key", fingerprint.upper()).exit_code == 0
    assert run("verify", "--key", other).exit_code == 4


def test_a_log_without_any_seal_is_not_the_one_that_a_key_sealed(run: Run, exported: Path, fingerprint: str) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(one for one in lines if not one.startswith(b'{"checkpoint"')))
    assert run("verify", "--file", exported).exit_code == 0
    refused = run("verify", "--file", exported, "--key", fingerprint)
    assert refused.exit_code == 4
    assert "nothing is sealed with the key" in refused.stderr
    exported.write_bytes(b"")
    assert run("verify", "--file", exported, "--key", fingerprint).exit_code == 4


def test_a_key_may_be_named_by_a_file(run: Run, exported: Path, fingerprint: str, tmp_path: Path) -> None:
    private = settings().data / "keys" / "activity.ed25519"
    public = tmp_path / "portal.pem"
    public.write_bytes(
        serialization.load_pem_private_key(private.read_bytes(), None)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "print.txt").write_text(f"{fingerprint}\n")
    for path in (private, public, tmp_path / "print.txt"):
        assert run("verify", "--file", exported, "--key", path).exit_code == 0, path


@pytest.mark.parametrize("given", ["", "nowhere.pem", "abc", "f" * 63, "\ud800", "é" * 64])
def test_what_is_no_key_is_refused(run: Run, exported: Path, given: str) -> None:
    refused = run("verify", "--file", exported, "--key", given)
    assert refused.exit_code == 1
    assert "neither a fingerprint nor a file with a key" in refused.stderr


@pytest.mark.parametrize(
    "content",
    [
        "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        other_kind_of_key(SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
)
def test_a_file_with_another_kind_of_key_is_refused(run: Run, exported: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(content)
    assert run("verify", "--file", exported, "--key", path).exit_code == 1


def test_a_seal_that_a_crash_cut_short_takes_no_other_with_it(run: Run, told: Told, written: None) -> None:
    kept = settings().data / "keys" / "checkpoints.jsonl"
    kept.write_bytes(kept.read_bytes() + kept.read_bytes()[:70])
    assert told("seal")["sealed"] == 7
    assert [len(line) > 70 for line in kept.read_text().splitlines()] == [True, False, True]
    result = run("verify")
    assert result.exit_code == 0
    assert "Line 2 of keys/checkpoints.jsonl was cut short" in result.stderr
    assert told("verify")["sealed_to"] == 7
    assert [json.loads(line)["seq"] for line in kept.read_text().splitlines() if len(line) > 70] == [5, 7]


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"\0" * 50 + b"\n", b"[" * 100_000 + b"\n", b"{}\n", b"\n"])
def test_whatever_stands_beside_the_seals_is_named_and_harms_nothing(run: Run, written: None, line: bytes) -> None:
    kept = settings().data / "keys" / "checkpoints.jsonl"
    kept.write_bytes(line + kept.read_bytes())
    result = run("verify")
    assert result.exit_code == 0
    assert "Line 1 of keys/checkpoints.jsonl" in result.stderr


def test_a_file_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    result = run("verify", "--file", tmp_path / "nothing.jsonl")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
