"""Uploaded evidence is what its bytes are, is kept once and whole, and comes back unchanged or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.config import data_folder
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError, Unavailable
from core.evidence import files, media
from core.evidence.tables import EvidenceFile
from tests.conftest import forget_settings
from tests.core.evidence.bucket import bucket

Make = Callable[..., Actor]
TEXT = b"The rollback was rehearsed on 3 November.\n"


def picture(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(made, kind)
    return made.getvalue()


def pdf() -> bytes:
    made = FPDF()
    made.add_page()
    return bytes(made.output())


def archive(members: dict[str, bytes | str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return made.getvalue()


def office(folder: str) -> bytes:
    return archive({"[Content_Types].xml": "<Types/>", f"{folder}/document.xml": "<x/>"})


# --- what a file is --------------------------------------------------------------------------------------------------


TAKEN: dict[str, tuple[bytes, str]] = {
    "text": (TEXT, "text/plain"),
    "text with a mark": (b"\xef\xbb\xbfGr\xc3\xb6\xc3\x9fe", "text/plain"),
    "text that starts like a bitmap": (b"BM is our bank. MZ is not.", "text/plain"),
    "text that names GIF": (b"GIF89a is a format of pictures", "text/plain"),
    "Markdown with markup in it": (b"# Card\n\n<details>more</details>", "text/plain"),
    "a table": (b"group;rate\na;0.5\nb;0.6\n", "text/csv"),
    "a table with quotes": (b'name,"note, long"\na,"b\nc"\n', "text/csv"),
    "prose with commas": (b"First, second.\nThird, fourth, fifth.\n", "text/plain"),
    "JSON": (b' {"a": [1, 2]}', "application/json"),
    "broken JSON": (b'{"a": ', "text/plain"),
    "nesting without end": (b"[" * 200_000, "text/plain"),
    "a PDF": (pdf(), "application/pdf"),
    "a PNG": (picture("PNG"), "image/png"),
    "a JPEG": (picture("JPEG"), "image/jpeg"),
    "a GIF": (picture("GIF"), "image/gif"),
    "a WebP": (picture("WEBP"), "image/webp"),
    "an archive": (archive({"a.txt": "a", "b/c.csv": "1,2"}), "application/zip"),
    "a letter": (office("word"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "a workbook": (office("xl"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "slides": (office("ppt"), "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "an open document": (
        archive({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}, zipfile.ZIP_STORED),
        "application/vnd.oasis.opendocument.text",
    ),
    "an archive that calls itself a program": (
        archive({"mimetype": "application/x-msdownload"}, zipfile.ZIP_STORED), "application/zip",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "kind"), TAKEN.values(), ids=TAKEN.keys())
def test_a_file_is_what_its_bytes_are(data: bytes, kind: str) -> None:
    assert media.type_of(data) == kind


def bomb() -> bytes:
    """Small, and without end when it is unpacked."""
    return archive({"zeros": b"\0" * 20_000_000})


def quoted() -> bytes:
    """One small member listed many times, as in bombs whose members overlap."""
    return archive({f"{number}": "" for number in range(media.MEMBERS + 1)})


def locked() -> bytes:
    """An archive whose members say that they are encrypted."""
    data = bytearray(archive({"a.txt": "a" * 50}))
    at = data.index(b"PK\x01\x02")
    data[at + 8 : at + 10] = struct.pack("<H", 1)
    return bytes(data)


REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "a page": b"<!DOCTYPE html><script>alert(1)</script>",
    "a page after blanks": b"\xef\xbb\xbf \n\t<html>",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "XML": b"<?xml version='1.0'?><svg/>",
    "a script": b"#!/bin/sh\nrm -rf /\n",
    "a program of Linux": b"\x7fELF\x02\x01\x01" + bytes(200),
    "a program of Windows": b"MZ\x90\x00\x03" + bytes(200),
    "a program of a Mac": b"\xcf\xfa\xed\xfe" + bytes(200),
    "Java": b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(100),
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
    "an old document with macros": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(50),
    "text in UTF-16": "hello".encode("utf-16"),
    "text with a NUL": b"hello\x00world",
    "noise": bytes(range(128, 256)) * 9,
    "a program with a picture at its end": b"MZ" + bytes(100) + picture("PNG"),
    "an archive cut short": archive({"a": "a" * 100})[:40],
    "an archive of noise": b"PK\x03\x04" + bytes(100),
    "a bomb": bomb(),
    "an archive of too many files": quoted(),
    "an archive with a password": locked(),
    "an archive that leaves its folder": archive({"../../etc/cron.d/x": "x"}),
    "an archive from the root": archive({"/etc/passwd": "x"}),
    "an archive that leaves by the other slash": archive({"..\\x": "x"}),
    "an archive with a program": archive({"report/setup.EXE": "x"}),
    "an archive with a page": archive({"index.html": "x"}),
    "a document with macros": archive({"[Content_Types].xml": "", "word/vbaProject.bin": "x"}),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_what_would_run_or_unpack_without_end_or_is_nothing_known_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        media.type_of(data)
    assert len(refusal.value.message) < 300


@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=300).map(lambda rest: b"PK\x03\x04" + rest),
        st.text().map(str.encode),
    )
)
def test_any_bytes_are_a_known_kind_or_refused(data: bytes) -> None:
    with suppress(Invalid):
        assert media.type_of(data) in media.EXTENSIONS


@given(st.sampled_from(["a letter", "an open document"]), st.integers(0, 2**31), st.binary(min_size=1, max_size=3))
def test_a_damaged_archive_is_read_or_refused_and_nothing_else(which: str, place: int, noise: bytes) -> None:
    data = bytearray(TAKEN[which][0])
    at = place % len(data)
    data[at : at + len(noise)] = noise
    with suppress(Invalid):
        assert media.type_of(bytes(data)) in media.EXTENSIONS


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("Bericht für Größe (2).PDF", "application/pdf", "Bericht für Größe (2).PDF"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        (r"C:\users\me\notes.md", "text/plain", "notes.md"),
        ("invoice.exe", "text/plain", "invoice.exe.txt"),
        ("photo.jpg", "image/png", "photo.jpg.png"),
        ("evil\u202egpj.exe", "text/plain", "evil_gpj.exe.txt"),
        ("a\x00b\nc.txt", "text/plain", "a_b_c.txt"),
        ("<b>bold</b>.txt", "text/plain", "b_.txt"),
        ("", "text/csv", "file.csv"),
        ("...", "text/csv", "file.csv"),
        ("///", "text/csv", "file.csv"),
        (".txt", "text/plain", "txt.txt"),
    ],
)
def test_a_name_is_cleaned_and_says_what_the_file_is(name: str, kind: str, kept: str) -> None:
    assert media.file_name(name, kind) == kept


@given(st.text(max_size=300), st.sampled_from(sorted(media.EXTENSIONS)))
def test_any_name_becomes_one_that_is_short_printable_and_ends_rightly(name: str, kind: str) -> None:
    kept = media.file_name(name, kind)
    assert 0 < len(kept) <= media.NAME_LENGTH
    assert kept.isprintable()
    assert not set(kept) & set('/\\<>:"|?*')
    assert kept.lower().endswith(media.EXTENSIONS[kind])


# --- keeping and reading ---------------------------------------------------------------------------------------------


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk")


def upload(actor: Actor, data: bytes = TEXT, name: str = "rollback.txt", subject: str = "case:1") -> EvidenceFile:
    files.put(data)
    with db.writing() as session:
        return files.upload(session, actor=actor, subject=subject, name=name, data=data)


def read(file: EvidenceFile) -> bytes:
    with db.reading() as session:
        return files.read(session, file)


def kept_files() -> list[Path]:
    return sorted(path for path in (data_folder() / "evidence").rglob("*") if path.is_file())


def test_an_upload_comes_back_as_it_was(scientist: Actor) -> None:
    file = upload(scientist, pdf(), "r\u202eport.pdf")
    assert (file.name, file.media_type, file.uploaded_by) == ("r_port.pdf", "application/pdf", scientist.ref)
    data = read(file)
    assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
    with db.reading() as session:
        event = list(activity.since(session, 0))[-1]
    assert (event.event, event.subject) == ("evidence-uploaded", "case:1")


def test_the_same_bytes_lie_once_under_their_hash(scientist: Actor) -> None:
    first = upload(scientist)
    assert upload(scientist).id == first.id
    assert upload(scientist, name="other.txt").id != first.id
    assert upload(scientist, subject="case:2").id != first.id
    assert [path.name for path in kept_files()] == [first.sha256]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_many_who_upload_the_same_at_once_leave_one_whole_file(scientist: Actor) -> None:
    def one(_: int) -> str:
        try:
            return upload(scientist, b"0123456789" * 100_000).sha256
        except Conflict:
            return ""

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(one, range(16))) - {""}) == 1
    (path,) = kept_files()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    with db.reading() as session:
        assert len(session.exec(select(EvidenceFile)).all()) == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_bytes_that_changed_on_disk_are_not_handed_out(scientist: Actor) -> None:
    file = upload(scientist)
    (path,) = kept_files()
    for altered in (b"X" + TEXT[1:], TEXT + b"more", b""):
        path.write_bytes(altered)
        with pytest.raises(Conflict, match="no longer the file"):
            read(file)
    upload(scientist)  # a file of another size is mended by the next upload of it
    assert read(file) == TEXT
    path.unlink()
    with pytest.raises(NotFound, match="gone from the store"):
        read(file)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_only_files_that_the_store_knows_are_read(scientist: Actor) -> None:
    known = upload(scientist)
    with pytest.raises(NotFound):
        read(EvidenceFile(id=99, subject="x", name="x", sha256=known.sha256, size=9, media_type="x", uploaded_by="x"))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_crash_while_writing_leaves_nothing_under_the_hash(scientist: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def crash(self: Any, path: str, data: bytes, **_: Any) -> None:
        Path(path).write_bytes(data[:5])
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "pipe_file", crash)
        with pytest.raises(Unavailable, match="does not answer"):
            upload(scientist)
    assert kept_files() == []
    assert read(upload(scientist)) == TEXT


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_too_large_too_many_and_not_allowed(scientist: Actor, person: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_EVIDENCE_UPLOAD_MB", "1")
    monkeypatch.setattr(files, "FILES", 2)
    forget_settings()
    with pytest.raises(Invalid, match="larger than 1 MB"):
        upload(scientist, b"x" * 1_000_001)
    upload(scientist, b"x" * 1_000_000)
    upload(scientist, name="b.txt")
    with pytest.raises(Conflict, match="2 files already"):
        upload(scientist, name="c.txt")
    upload(scientist, subject="case:2")
    for actor in (person("administrator"), person("reviewer"), person()):
        with pytest.raises(NotAllowed):
            upload(actor, subject="case:3")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_any_store_of_fsspec_keeps_evidence(scientist: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_EVIDENCE_URL", "memory://bucket/evidence/")
    forget_settings()
    file = upload(scientist)
    assert read(file) == TEXT
    assert fsspec.filesystem("memory").find("/bucket/evidence") == [f"/bucket/evidence/{file.sha256[:2]}/{file.sha256}"]
    assert not (data_folder() / "evidence").exists()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_evidence_lies_in_s3_where_the_setting_says_so(scientist: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with bucket() as kept:
        monkeypatch.setenv("PORTAL_EVIDENCE_URL", kept.url)
        forget_settings()
        content = pdf()  # two would say that they were made in different seconds
        file = upload(scientist, content, "report.pdf")
        upload(scientist, content, "the same.pdf")
        assert read(file) == kept.objects[f"evidence/{file.sha256[:2]}/{file.sha256}"]
        assert len([key for key in kept.objects if not key.endswith("/")]) == 1
        kept.objects = dict.fromkeys(kept.objects, b"altered")
        with pytest.raises(Conflict):
            read(file)
        kept.objects = {}
        with pytest.raises(NotFound):
            read(file)


@pytest.mark.parametrize(
    "url", ["s3://bucket/x?nonsense=1", "nosuch://bucket/x", "abfs://bucket/x", "file:///proc/nowhere"]
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_store_that_cannot_be_reached_is_said_and_nothing_is_kept(
    scientist: Actor, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PORTAL_EVIDENCE_URL", url)
    forget_settings()
    with pytest.raises(Unavailable) as refusal:
        upload(scientist)
    assert refusal.value.hint
    with db.reading() as session:
        assert session.exec(select(EvidenceFile)).all() == []


def test_a_refused_file_leaves_no_trace(scientist: Actor) -> None:
    with pytest.raises(PortalError):
        upload(scientist, b"<html>")
    assert not (data_folder() / "evidence").exists()


@given(st.lists(st.lists(st.integers(), min_size=2, max_size=2), min_size=2, max_size=30), st.sampled_from(",;\t"))
def test_tables_of_numbers_are_found_to_be_tables(rows: list[list[int]], delimiter: str) -> None:
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter).writerows(rows)
    assert media.type_of(made.getvalue().encode()) == "text/csv"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_json_objects_and_lists_are_found_to_be_json(value: Any) -> None:
    data = json.dumps({"value": value}).encode()
    assert media.type_of(data) == "application/json"
