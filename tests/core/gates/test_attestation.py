"""Attestations: in-toto statements in DSSE envelopes that anybody with the key can check, and nobody can change."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity import chain
from core.activity import queries as activity
from core.config import ROOT
from core.errors import Conflict, Invalid, NotAllowed
from core.gates import attestation
from core.reviews.tables import Signature
from tests.conftest import SYSTEM
from tests.core.gates import house
from tests.core.gates.house import MODEL, SUBJECT

Make = Callable[..., Actor]
GUIDE = ROOT / "catalog" / "guides" / "deploy-through-a-gate" / "README.md"
pytestmark = pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)


def attest(environment: str = "production", *, version: str = "3", actor: Actor = SYSTEM) -> bytes:
    with db.writing() as session:
        made = attestation.attest(session, actor=actor, model=MODEL, version=version, environment=environment)
    return made.envelope


def pem() -> bytes:
    return attestation.public_key().pem.encode()


def checked(content: bytes, key: bytes | None = None) -> dict[str, Any]:
    return attestation.verify(content, key or pem())


@pytest.fixture
def approved(churn: str) -> int:
    return house.case()


def test_a_statement_names_the_version_its_artifacts_the_verdict_and_who_signed(approved: int) -> None:
    said = checked(attest())
    assert said["subject"] == [
        {"name": f"models:/{MODEL}/3", "digest": {"sha256": SUBJECT}},
        {"name": f"models:/{MODEL}/3#model/model.skops", "digest": {"sha256": "a" * 64}},
    ]
    assert (said["_type"], said["predicateType"]) == (attestation.STATEMENT, attestation.PREDICATE)
    verdict = said["predicate"]
    assert (verdict["allowed"], verdict["environment"], verdict["model"], verdict["version"]) == (
        True, "production", MODEL, "3",
    )  # fmt: skip
    [case] = verdict["cases"]
    assert (case["id"], case["subjectDigest"]) == (approved, SUBJECT)
    assert [(one["role"], one["recordHash"]) for one in case["signatures"]] == [
        ("model validator", "c" * 64), ("reviewer", "c" * 64),
    ]  # fmt: skip


def test_a_denial_is_attested_as_one(approved: int) -> None:
    house.change(approved, state="suspended", reason="A metric was overwritten.")
    verdict = checked(attest())["predicate"]
    assert (verdict["allowed"], verdict["verdict"], verdict["reasons"][0]["code"]) == (False, "denied", "suspended")


def test_every_attestation_is_recorded_with_its_digest(approved: int) -> None:
    content = attest()
    with db.reading() as session:
        issued, asked = activity.object_history(session, SYSTEM, f"registered-model:{MODEL}")
    payload = b64decode(json.loads(content)["payload"])
    assert (issued.event, asked.event) == ("attestation-issued", "gate-asked")
    assert issued.data["digest"] == hashlib.sha256(payload).hexdigest()


def test_any_byte_that_is_changed_is_found(approved: int) -> None:
    content = attest()
    checked(content)
    checked(content + b"\n")
    for place in range(len(content)):
        for flip in (0x01, 0x20):
            broken = bytearray(content)
            broken[place] ^= flip
            with pytest.raises(Invalid, match="no attestation that holds"):
                checked(bytes(broken))
    for broken in (content[:-1], content + b" ", content + b"\n\n", b"", b"{}", b"[]", b"null", b"<html></html>"):
        with pytest.raises(Invalid, match="no attestation that holds"):
            checked(bytes(broken))


def test_another_key_and_another_statement_of_this_key_do_not_pass(approved: int) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(Invalid, match="this key did not sign it"):
        checked(attest(), other)
    stated = attestation._sealed(chain.canonical({"_type": "x", "predicateType": "y"}).encode())
    with pytest.raises(Invalid, match="states something else"):
        checked(stated)
    for wrong in (b"", b"no key", chain.new_key()):
        with pytest.raises(Invalid, match="no Ed25519 public key"):
            attestation.verify(attest(), wrong)


def test_a_signed_envelope_with_a_second_payload_does_not_pass(approved: int) -> None:
    """JSON readers disagree about which of two equal names counts."""
    content = attest().decode()
    forged = b64encode(b'{"_type":"forged"}').decode()
    with pytest.raises(Invalid):
        checked(content.replace('{"payload":', f'{{"payload":"{forged}","payload":', 1).encode())


def test_a_genuine_statement_about_something_else_is_refused(approved: int) -> None:
    said = checked(attest())
    attestation.require_about(said, model=MODEL, version="3", environment="production")
    attestation.require_about(said, model="", version="", environment="")
    for name, value in (("model", "other"), ("version", "4"), ("environment", "test")):
        with pytest.raises(Invalid, match=f"is about the {name}"):
            attestation.require_about(
                said, **{"model": MODEL, "version": "3", "environment": "production", name: value}
            )


def test_without_evidence_there_is_nothing_to_attest_and_nothing_recorded(churn: str) -> None:
    with pytest.raises(Conflict, match="no case rests on copied evidence"):
        attest()
    with db.reading() as session:
        assert not activity.object_history(session, SYSTEM, f"registered-model:{MODEL}")


def test_a_signature_that_was_forged_in_the_store_is_not_vouched_for(approved: int) -> None:
    with db.writing() as session:
        one = session.exec(select(Signature)).first()
        assert one is not None
        one.payload = one.payload.replace("approve", "approvE")
        session.add(one)
    with pytest.raises(Conflict, match="does not hold"):
        attest()


def test_whoever_does_not_see_the_project_gets_the_verdict_without_its_cases(approved: int) -> None:
    house.set_project(classification="restricted")
    said = checked(attest(actor=Actor("token", "1", "ci", scopes=frozenset({"gate:ask"}))))
    assert (said["predicate"]["allowed"], said["predicate"]["cases"]) == (True, [])
    assert "Reviewer" not in json.dumps(said)


def test_a_token_without_the_scope_gets_none(approved: int) -> None:
    with pytest.raises(NotAllowed):
        attest(actor=Actor("token", "1", "ci", scopes=frozenset({"catalog:read"})))


@pytest.mark.parametrize("tool", ["python", "sh"])
def test_the_ways_of_checking_that_the_guide_shows_work_without_the_portal(
    approved: int, tmp_path: Path, tool: str
) -> None:
    blocks = [one.split("```")[0] for one in GUIDE.read_text("utf-8").split(f"```{tool}\n")[1:]]
    [shown] = [one for one in blocks if "gate.pem" in one]
    (tmp_path / "gate.pem").write_bytes(pem())
    content = attest()
    command = [sys.executable, "-c", shown] if tool == "python" else ["sh", "-e", "-c", shown]

    def run() -> int:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).returncode

    (tmp_path / "attestation.json").write_bytes(content)
    assert run() == 0
    envelope = json.loads(content)
    payload = b64decode(envelope["payload"]).replace(b'"allowed":true', b'"allowed":null')
    envelope["payload"] = b64encode(payload).decode()
    (tmp_path / "attestation.json").write_text(json.dumps(envelope))
    assert run() != 0
