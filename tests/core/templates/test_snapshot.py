"""Snapshots: the same files are the same snapshot, and what is no plain file is none of it."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from core.errors import Conflict, Invalid
from core.templates import snapshot
from core.templates.snapshot import File, Snapshot, from_folder, from_zip, require_digest


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries:
            target.writestr(name, content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def of_mode(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry


def a_folder(folder: Path) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "{{ name }}.py.jinja").write_text("x")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def test_a_folder_becomes_its_files_with_their_executable_bit(tmp_path: Path) -> None:
    found = from_folder(a_folder(tmp_path))
    assert dict(found.files) == {"run.sh": File(b"#!/bin/sh\n", True), "src/{{ name }}.py.jinja": File(b"x")}


def test_what_tools_leave_behind_is_not_part_of_a_snapshot(tmp_path: Path) -> None:
    before = from_folder(a_folder(tmp_path)).digest
    for name in (".git", "__pycache__", ".ruff_cache"):
        (tmp_path / "src" / name).mkdir()
        (tmp_path / "src" / name / "x").write_text("left over")
    assert from_folder(tmp_path).digest == before


def test_a_snapshot_goes_through_an_archive_unchanged_and_to_the_same_bytes(tmp_path: Path) -> None:
    found = from_folder(a_folder(tmp_path))
    assert found.to_zip() == Snapshot(dict(reversed(found.files.items()))).to_zip()
    assert from_zip(found.to_zip(), digest=found.digest) == found


def test_an_archive_of_one_folder_is_what_the_folder_holds() -> None:
    assert list(from_zip(archive(("repo-main/", b""), ("repo-main/a", b"1"), ("repo-main/b/c", b"2"))).files) == [
        "a",
        "b/c",
    ]
    assert list(from_zip(archive(("a/x", b"1"), ("b/x", b"2"))).files) == ["a/x", "b/x"]


def test_an_archive_of_ours_keeps_its_one_folder() -> None:
    made = Snapshot({"only/a": File(b"1")})
    assert from_zip(made.to_zip(), digest=made.digest) == made


@pytest.mark.parametrize("change", [File(b"2"), File(b"1", True)])
def test_a_digest_tells_content_and_mode_apart(change: File) -> None:
    made = Snapshot({"a": File(b"1")})
    with pytest.raises(Conflict, match="not what was reviewed"):
        require_digest(Snapshot({"a": change}), made.digest)


def test_a_file_under_another_name_is_another_snapshot() -> None:
    assert Snapshot({"a": File(b"1")}).digest != Snapshot({"b": File(b"1")}).digest


def test_names_are_kept_in_composed_form(tmp_path: Path) -> None:
    (tmp_path / "U\u0308bersicht.md").write_text("x")
    assert "Übersicht.md" in from_folder(tmp_path).files


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
        (lambda path: path.symlink_to("."), "a symbolic link"),
        (os.mkfifo, "a pipe"),
    ],
)
def test_a_folder_with_anything_but_files_is_refused(tmp_path: Path, make, problem: str) -> None:
    make(tmp_path / "odd")
    with pytest.raises(Invalid, match=problem):
        from_folder(tmp_path)


def test_a_name_that_is_not_utf_8_is_refused_in_a_folder(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\xff\xfe.txt", "wb"):
        pass
    with pytest.raises(Invalid, match="not UTF-8"):
        from_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/etc/passwd", "begins with '/'"),
        ("../up", "leaves its folder"),
        ("a/../../up", "leaves its folder"),
        ("a//b", "empty part"),
        ("a\\b", "backslash"),
        ("a\nb", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("a\uff0fb", "look like others"),
        ("a/.GIT./hooks/x", "git's own"),
        ("x" * 300, "too long"),
        ("d/" * 300 + "x", "where 1 to 500 are allowed"),
    ],
)
def test_a_name_that_leads_elsewhere_or_hides_something_is_refused(name: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        from_zip(archive((name, b"x"), ("other", b"y")))


@pytest.mark.parametrize(
    ("mode", "problem"),
    [(stat.S_IFLNK | 0o777, "a symbolic link"), (stat.S_IFIFO | 0o600, "a pipe"), (stat.S_IFBLK | 0o600, "a device")],
)
def test_an_archive_with_anything_but_files_is_refused(mode: int, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        from_zip(archive((of_mode("odd", mode), b"/etc/passwd"), ("b", b"")))


def test_names_that_are_the_same_after_composing_are_refused() -> None:
    with pytest.raises(Invalid, match="occurs twice"):
        from_zip(archive(("U\u0308.md", b"1"), ("\u00dc.md", b"2"), ("b", b"")))


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_a_file_that_is_a_folder_too_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(Invalid, match="a file and a folder"):
        from_zip(archive(*[(name, b"x") for name in names], ("z", b"")))


def test_an_archive_name_that_is_not_utf_8_is_refused() -> None:
    made = archive(("aaaa.txt", b"x"), ("b", b"y")).replace(b"aaaa.txt", b"\xff\xfe\xfd\xfc.txt")
    with pytest.raises(Invalid, match="not UTF-8"):
        from_zip(made)


def test_an_encrypted_archive_is_refused() -> None:
    made = bytearray(archive(("a", b"x"), ("b", b"y")))
    at = made.index(b"PK\x01\x02")
    made[at + 8] |= 0x1
    with pytest.raises(Invalid, match="encrypted"):
        from_zip(bytes(made))


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip", b"PK\x03\x04 cut", archive(("a", b"x" * 1000))[:-30]],
    ids=["empty", "text", "only a start", "without its end"],
)
def test_what_is_no_archive_is_refused_politely(content: bytes) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        from_zip(content)


def test_a_damaged_archive_is_refused_politely() -> None:
    made = bytearray(archive(("a.txt", os.urandom(2000)), ("b", b"y")))
    made[100] ^= 0xFF
    with pytest.raises(Invalid, match="cannot be read"):
        from_zip(bytes(made))


def test_a_bomb_is_refused_before_it_grows() -> None:
    entries = [(f"{number}.txt", b"\0" * (snapshot.MAX_FILE_BYTES - 1)) for number in range(6)]
    with pytest.raises(Invalid, match="larger than 20 MB together") as caught:
        from_zip(archive(*entries))
    assert caught.value.code == "size"


def test_one_large_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(snapshot.MAX_FILE_BYTES + 1)
    with pytest.raises(Invalid, match="larger than 5 MB"):
        from_folder(tmp_path)


def test_too_many_files_are_refused() -> None:
    with pytest.raises(Invalid, match="more than 2,000 files"):
        from_zip(archive(*[(f"{number}", b"") for number in range(snapshot.MAX_FILES + 1)]))


def test_a_directory_of_very_many_entries_is_refused_unread() -> None:
    with pytest.raises(Invalid, match="too many entries"):
        from_zip(b"PK\x01\x02" * (snapshot.MAX_ENTRIES + 1))


def test_an_archive_packed_in_an_unusual_way_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_BZIP2) as target:
        target.writestr("a", b"x" * 100)
    with pytest.raises(Invalid, match="unusual way"):
        from_zip(made.getvalue())
