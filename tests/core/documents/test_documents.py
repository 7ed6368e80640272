"""Documents about a case, from the store to the file, and what an export proves without the portal."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from core import db
from core.activity import recording
from core.documents import dossier, export, verifier
from core.documents.blocks import Pairs, Paragraph, Table, markdown
from core.documents.dossier import Dossier
from core.errors import Invalid, NotFound
from tests.core.datasets.house import Clock, Make
from tests.core.reviews.bank import Bank, build
from tests.core.reviews.conftest import clock, quick_pins  # noqa: F401

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # reading alone, and no SQL of its own


@pytest.fixture
def bank(store: str, person: Make, clock: Clock) -> Bank:  # noqa: F811
    return build(person, clock)


@pytest.fixture
def made(bank: Bank) -> Dossier:
    """The dossier of a case that two people approved, one of them with a condition, after a waiver."""
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    with db.writing() as session:
        recording.seal(session)
    with db.writing() as session:
        return dossier.issue(session, actor=bank.audrey, case_id=case_id, document="export")


def test_the_report_shows_every_signature_with_name_moment_meaning_and_record(bank: Bank, made: Dossier) -> None:
    report = export.document(made, "sign-off", "md").decode()
    for name in (bank.olga.name, bank.vera.name, bank.rita.name):
        assert name.replace("_", "\\_") in report
    for words in ("authorship", "review", "model validator", "reviewer", made.record_hash, "Groups fare alike"):
        assert words in report
    assert report.count("(this record)") == 3


@pytest.mark.parametrize("name", ["sign-off", "model-card", "annex-iv"])
def test_a_document_is_a_pdf_and_is_the_same_each_time(made: Dossier, name: str) -> None:
    first, second = (export.document(made, name, "pdf") for _ in range(2))
    assert first.startswith(b"%PDF-")
    assert first == second


def test_technical_documentation_has_its_nine_points_and_marks_what_nobody_wrote(made: Dossier) -> None:
    text = export.document(made, "annex-iv", "md").decode()
    assert [line[3:5] for line in text.splitlines() if line.startswith("## ")] == [f"{one}\\" for one in range(1, 10)]
    assert text.count("To be written by the provider") >= 5


def test_markup_in_what_people_wrote_stays_text(store: str) -> None:
    hostile = "<img src=x> [a](b) *c* | d\n# e\n- f"
    for block in (Paragraph(hostile), Pairs([(hostile, hostile)]), Table(["a"], [[hostile]])):
        text = markdown([block])
        assert "<img" not in text.replace("\\<", "")
        assert "[a]" not in text.replace("\\[", "")
        assert "\n# e" not in text
        assert "\n- f" not in text


def test_only_those_who_see_the_project_get_a_document_and_it_is_recorded(bank: Bank, made: Dossier) -> None:
    assert bank.events(made.case_id, "document-issued") == ["document-issued"]
    with db.writing() as session, pytest.raises(NotFound):
        dossier.issue(session, actor=bank.audrey, case_id=made.case_id + 1, document="export")
    with db.writing() as session, pytest.raises(Invalid):
        dossier.issue(session, actor=bank.audrey, case_id=made.case_id, document="novel")
    with pytest.raises(Invalid):
        export.document(made, "sign-off", "docx")


# --- the export ------------------------------------------------------------------------------------------------------


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The export's own script, taken out of it, as an auditor runs it."""
    script = path.with_name("verify.py")
    with zipfile.ZipFile(path) as archive:
        script.write_bytes(archive.read("verify.py"))
    return subprocess.run([sys.executable, "-I", script, path, *arguments], capture_output=True, text=True, check=False)


def test_an_export_is_verified_by_its_own_script_and_names_who_signed(
    bank: Bank, made: Dossier, tmp_path: Path
) -> None:
    path = tmp_path / "case.zip"
    path.write_bytes(export.document(made, "export", "zip"))
    found = run(path, "--key", export.public_key())
    assert (found.returncode, found.stderr) == (0, "")
    assert f"{bank.vera.name} (review): approve" in found.stdout
    assert f"record {made.record_hash} about churn 1" in found.stdout
    assert found.stdout.count("on this record; counts") == 3
    assert run(path, "--key", "ab" * 32).returncode == 1


def test_any_flipped_bit_of_an_export_is_found(made: Dossier) -> None:
    whole, chance = export.document(made, "export", "zip"), random.Random(7)
    verifier.verify_case(whole)
    for _ in range(1000):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        with pytest.raises(verifier.Broken):
            verifier.verify_case(bytes(changed))


def _rewritten(data: bytes, name: str, change: Any) -> bytes:
    """The export with one file changed, by somebody who makes a good archive and corrects the manifest, but has no key."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    files[name] = change(files[name])
    return verifier.packed(files)


@pytest.mark.parametrize(
    "name", ["record.json", "signatures.json", "activity.json", "checkpoints.json", "sign-off.pdf"]
)
def test_a_changed_file_in_a_good_archive_is_found(made: Dossier, name: str) -> None:
    whole = export.document(made, "export", "zip")
    with pytest.raises(verifier.Broken, match=name):
        verifier.verify_case(_rewritten(whole, name, lambda data: data.replace(b"1", b"2", 1)))


def test_a_signature_that_was_moved_to_another_decision_is_found(
    made: Dossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = [replace(one, decision="reject") if one.decision == "approve" else one for one in made.signatures]
    whole = export.document(replace(made, signatures=tuple(forged)), "export", "zip")
    with pytest.raises(verifier.Broken, match="made on something else"):
        verifier.verify_case(whole)


def test_the_record_in_the_export_is_what_was_signed(made: Dossier) -> None:
    with zipfile.ZipFile(BytesIO(export.document(made, "export", "zip"))) as archive:
        record = archive.read("record.json")
        signatures = json.loads(archive.read("signatures.json"))
    assert {one["record_hash"] for one in signatures} == {hashlib.sha256(record).hexdigest()}
