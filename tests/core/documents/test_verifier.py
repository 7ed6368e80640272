"""The stand-alone verifier: a file of its own, run as a program, that knows no package of the portal."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from core import db
from core.access import policy
from core.activity import events, queries
from core.activity.recording import record, seal
from core.documents import verifier

SCRIPT = Path(verifier.__file__)
FLIPS = 1000

# RFC 8032, section 7.1: secret key, public key, message, signature
VECTORS = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_published_signatures_hold(key: str, message: str, signature: str) -> None:
    assert verifier.signature_holds(*map(bytes.fromhex, (key, signature, message)))


@given(st.binary(max_size=80), st.binary(min_size=32, max_size=32), st.integers(0, 95), st.integers(0, 7))
@settings(max_examples=25, deadline=None)
def test_a_signature_of_the_library_holds_and_no_bit_of_it_or_its_key_may_change(
    message: bytes, secret: bytes, place: int, bit: int
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verifier.signature_holds(public, signature, message)
    changed = bytearray(public + signature)
    changed[place] ^= 1 << bit
    assert not verifier.signature_holds(bytes(changed[:32]), bytes(changed[32:]), message)


def test_it_imports_nothing_but_the_standard_library() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text("utf-8")))
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported <= set(sys.stdlib_module_names)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script as an auditor runs it: by an interpreter that sees nothing of the portal."""
    return subprocess.run([sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def log(store: str, tmp_path: Path) -> Path:
    with db.writing() as session:
        for number in range(40):
            told = events.AssetRequested(f"demand:wish-{number}", wish="Straße, 東京, \u2028 and “quotes”")
            record(session, policy.system("test"), told)
        seal(session)
    path = tmp_path / "activity.jsonl"
    with db.reading() as session, path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(queries.export(session, policy.system("test")))
    return path


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_log_is_verified_without_the_portal_and_by_the_key_that_sealed_it(log: Path) -> None:
    found = run(str(log))
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("40 records, the first 40 of them sealed")
    key = found.stdout.split()[-1]
    assert run(str(log), "--key", key).returncode == 0
    assert run(str(log), "--key", "0" * 64).returncode == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_any_flipped_bit_of_a_log_is_found(log: Path) -> None:
    whole, chance = log.read_bytes(), random.Random(5)
    verifier.verify_log(whole.splitlines(keepends=True))
    for _ in range(FLIPS):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        with pytest.raises((verifier.Broken, KeyError, TypeError, AttributeError)):
            verifier.verify_log(bytes(changed).splitlines(keepends=True))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_log_that_lost_its_end_before_a_seal_is_told(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    with pytest.raises(verifier.Broken, match="truncated"):
        verifier.verify_log([*lines[:-2], lines[-1]])


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"PK\x03\x04nonsense", b"[1]\n", b"{}\n"):
        path = tmp_path / "file"
        path.write_bytes(content)
        found = run(str(path))
        assert (found.returncode, found.stdout[:8]) == (1, "BROKEN: ")
    assert run(str(tmp_path / "absent")).returncode == 1
