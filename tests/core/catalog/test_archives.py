"""Uploads: one file with definitions or a zip of a folder of them, whatever a stranger has put into it."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import archives, sources
from core.errors import Invalid
from tests.core.catalog.test_sources import COMPONENT, asset

FILES = {
    "pack/assets/one/entry.yaml": asset("one"),
    "pack/assets/one/README.md": "# One\n",
    "pack/assets/one/one.py": "x = 1\n",
    "pack/service/catalog-info.yaml": COMPONENT,
    "pack/wine/MLproject": "name: wine\n",
    "pack/.github/ci.yaml": COMPONENT,
    "__MACOSX/pack/._catalog-info.yaml": "\0\0",
}


def packed(files: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def refused(content: bytes, name: str = "pack.zip") -> Invalid:
    with pytest.raises(Invalid) as refusal, sources.uploaded(name, content):
        pass
    return refusal.value


def references(name: str, content: bytes) -> dict[str, list[str]]:
    with sources.uploaded(name, content, default_owner="risk") as files:
        return {one.path: [found.ref for found in one.read()[0]] for one in files}


def test_a_zip_is_read_like_the_folder_that_was_packed() -> None:
    assert references("Pack.ZIP", packed(FILES)) == {
        "pack/assets/one/entry.yaml": ["asset:default/one"],
        "pack/service/catalog-info.yaml": ["asset:default/scorer"],
        "pack/wine/MLproject": ["asset:default/wine"],
    }
    with sources.uploaded("pack.zip", packed(FILES), default_owner="risk") as files:
        assert files[0].read()[0][0].readme == "# One\n"


def test_what_is_not_needed_is_never_unpacked_and_nothing_stays() -> None:
    with archives.unpacked(packed(FILES), lambda name: name.endswith("MLproject")) as folder:
        assert [path.name for path in folder.rglob("*") if path.is_file()] == ["MLproject"]
    assert not folder.exists()


@pytest.mark.parametrize("name", ["MLproject", "mlproject", "a.yaml", "a.yml"])
def test_a_single_file_is_told_by_its_name(name: str) -> None:
    text = "name: wine\n" if "project" in name else COMPONENT
    assert references(name, text.encode()) == {
        name: ["asset:default/wine" if "project" in name else "asset:default/scorer"]
    }


@pytest.mark.parametrize("name", ["a.txt", "MLproject.txt", "entry", "a.yaml.exe", "", "a\n.yaml", "zip"])
def test_another_file_is_refused_with_what_is_taken(name: str) -> None:
    assert ".zip of a folder" in refused(COMPONENT.encode(), name).hint


def test_a_zip_without_definitions_says_so() -> None:
    assert "no definition" in refused(packed({"notes.txt": "x", "compose.yaml": "services: {}"})).message
    assert "no definition" in refused(packed({})).message


@pytest.mark.parametrize(
    "name",
    [
        "../entry.yaml",
        "a/../../entry.yaml",
        "/etc/cron.d/entry.yaml",
        "a/./b.yaml",
        "a//b.yaml",
        "C:/entry.yaml",
        "..\\entry.yaml",
        "a\nb.yaml",
        "..",
        "../",
    ],
)
def test_a_name_that_leads_elsewhere_refuses_the_whole_zip(name: str, tmp_path: Path) -> None:
    content = packed({"pack/catalog-info.yaml": COMPONENT, name: COMPONENT})
    assert "names a file" in refused(content).message


def test_a_name_with_a_null_byte_is_refused() -> None:
    content = packed({"a.yaml?/../b": COMPONENT}).replace(b"a.yaml?", b"a.yaml\0")
    assert "names a file" in refused(content).message


@pytest.mark.parametrize("name", ["a/" * 25 + "b.yaml", "a" * 600 + ".yaml"])
def test_a_name_that_is_too_long_is_refused(name: str) -> None:
    assert "too long" in refused(packed({name: COMPONENT})).message


def with_mode(name: str, mode: int, content: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, content)
        archive.writestr("pack/catalog-info.yaml", COMPONENT)
    return made.getvalue()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_passed_over(kind: int) -> None:
    content = with_mode("pack/passwd.yaml", kind | 0o777, "/etc/passwd")
    assert list(references("pack.zip", content)) == ["pack/catalog-info.yaml"]


def test_a_folder_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo("pack")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, str(tmp_path))
        archive.writestr("pack/catalog-info.yaml", COMPONENT)
    assert list(references("pack.zip", made.getvalue())) == ["pack/catalog-info.yaml"]
    assert list(tmp_path.iterdir()) == []


# --- bombs


def test_a_file_that_grows_is_cut_where_nobody_would_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed(
        {"bomb.yaml": COMPONENT.encode() + b"#" * 40_000_000, "good.yaml": COMPONENT.replace("scorer", "b")}
    )
    assert len(content) < 100_000
    with sources.uploaded("pack.zip", content) as files:
        problems = {one.path: [str(problem) for problem in one.read()[1]] for one in files}
        assert sum(path.stat().st_size for path in folder_of(files).rglob("*.yaml")) < 600_000
    assert "larger than 256 KiB" in problems["bomb.yaml"][0]
    assert problems["good.yaml"] == []


def folder_of(files: list[sources.SourceFile]) -> Path:
    return files[0].read.args[0]  # type: ignore[attr-defined]


def test_what_all_files_take_is_counted_while_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1024**2)
    content = packed({f"{number}.yaml": b"#" * 300_000 for number in range(10)})
    assert "larger than 1 MiB" in refused(content).message


def test_a_size_that_the_zip_lies_about_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 100_000)
    content = packed({"bomb.yaml": b"#" * 300_000})
    assert "larger than" in refused(content).message
    told = struct.pack("<I", 300_000)
    refused(content.replace(told, struct.pack("<I", 10)))  # shorter than it is: its checksum does not hold
    assert "larger than" in refused(content.replace(told, struct.pack("<I", 2**31))).message


def test_too_many_files_and_too_large_a_zip_are_refused_before_they_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ZipFile", None)
    many = packed({f"{number}.txt": "" for number in range(archives.MAX_ENTRIES + 1)}, zipfile.ZIP_STORED)
    assert "more than 5,000 files" in refused(many).message
    assert "larger than 5 MiB" in refused(bytes(archives.MAX_BYTES + 1)).message


def test_a_zip_in_a_zip_is_no_definition() -> None:
    inner = packed({"catalog-info.yaml": COMPONENT})
    assert "no definition" in refused(packed({"inner.zip": inner, "inner.yaml": inner})).message


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused_since_they_cannot_be_read_in_pieces(compression: int) -> None:
    assert "unusual way" in refused(packed({"a.yaml": COMPONENT}, compression)).message


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(packed({"a.yaml": COMPONENT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(bytes(content)).message


def test_a_file_that_is_there_twice_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("aa.yaml", COMPONENT)
        archive.writestr("ab.yaml", COMPONENT)
    assert "twice" in refused(made.getvalue().replace(b"ab.yaml", b"aa.yaml")).message
    assert "twice" in refused(packed({"a.yaml": COMPONENT, "a.yaml/b.yaml": COMPONENT})).message


@pytest.mark.parametrize("content", [b"", b"PK", b"just text", b"PK\x05\x06" + b"\0" * 18, os.urandom(2000)])
def test_what_is_no_zip_is_refused_in_words(content: bytes) -> None:
    assert refused(content).hint


@given(st.data())
def test_any_mutilation_of_a_zip_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(packed(FILES))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.integers(0, 255))
        else:
            del content[place : place + data.draw(st.integers(1, 30))]
    with suppress(Invalid), sources.uploaded("pack.zip", bytes(content), default_owner="risk") as files:
        for one in files:
            one.read()
