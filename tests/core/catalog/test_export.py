"""Exporting entries: the same bytes every time, and a re-import that changes nothing."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import documents, export, sources
from core.catalog.documents import Definition
from core.catalog.kinds import CONTROL
from core.errors import Invalid

SAMPLES = Path(__file__).parent / "samples"
SHIPPED = Path(__file__).parents[3] / "catalog"

TEXT = st.text(max_size=40).filter(lambda text: not CONTROL.search(text))
LOOKALIKES = st.sampled_from(
    ["1.10", "1e3", "0x1F", "0o17", "017", "1_000", "2026-11-23", "12:30:00", "yes", "y", "off", "null", "~", "", " ", ".inf",
     "a: b", "- a", "#", "a #b", "'", '"', "%", "@", "`", "!x", "&x", "*x", "{", "[", "|", ">", "a\nb", "a\nb\n", "\na", " a\nb",
     "a \nb", "a\n\n", "a\rb", "a\r\nb", "a\x85b", "\t", "a\tb", "\ta\nb", "---", "...", "---\na", "ü", "🙂", "🙂\nb", "\ufeffx",
     "\xa0", "<<", "=", "x" * 300, "word " * 60]
)  # fmt: skip
SCALARS = (
    TEXT | LOOKALIKES | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
KEYS = (TEXT | LOOKALIKES).filter(lambda key: key != "version")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def document(spec: Any, kind: str = "Widget") -> dict[str, Any]:
    return {"spec": spec, "metadata": {"name": "x"}, "kind": kind, "apiVersion": "backstage.io/v1alpha1"}


@given(VALUES)
def test_whatever_a_document_holds_reads_back_equal(value: Any) -> None:
    whole = document({"value": value})
    text = export.to_yaml(whole)
    assert documents.parse(text, "x") == ([whole], [])
    assert text == export.to_yaml(documents.parse(text, "x")[0][0])


@given(LOOKALIKES | TEXT)
def test_text_stays_text_for_every_reader(text: str) -> None:
    written = export.to_yaml(document({"value": text}))
    assert yaml.safe_load(written)["spec"]["value"] == text


def test_fields_stand_in_the_order_of_their_kind_and_unknown_ones_follow_by_name() -> None:
    text = export.to_yaml(
        {
            "spec": {
                "zeta": 1,
                "language": "python",
                "alpha": 1,
                "usage": {"code": "x", "language": "bash"},
                "owner": "risk",
            },
            "metadata": {"labels": {"b": "2", "a": "1"}, "description": "D", "name": "x"},
            "kind": "asset",
            "apiVersion": "factory/v1",
        }
    )
    assert [line.split(":")[0].strip() for line in text.splitlines()] == [
        "apiVersion", "kind", "metadata", "name", "description", "labels", "a", "b",
        "spec", "owner", "usage", "language", "code", "language", "alpha", "zeta",
    ]  # fmt: skip


def test_long_and_foreign_text_is_neither_folded_nor_escaped_and_lines_stay_lines() -> None:
    text = export.to_yaml(
        document({"long": "word " * 50 + "end", "lines": "a\nb\n", "smile": "Grüße 🙂", "version": "1.10"})
    )
    assert "word " * 50 + "end\n" in text
    assert "lines: |\n    a\n    b\n" in text
    assert "smile: Grüße 🙂\n" in text
    assert "version: '1.10'\n" in text


def every_sample() -> list[Definition]:
    found = []
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file():
            found += sources.read(path.read_text("utf-8"), path.relative_to(SAMPLES).as_posix(), default_owner="risk")[
                0
            ]
    return found


def exported(definitions: list[Definition], folder: Path) -> dict[str, bytes]:
    assert export.write_folder(((one.raw, one.readme) for one in definitions), folder) == len(definitions)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def content(definitions: list[Definition]) -> dict[str, tuple[str, str]]:
    return {one.ref: (one.digest, one.readme) for one in definitions}


def test_an_exported_catalog_imports_to_the_same_entries(tmp_path: Path) -> None:
    definitions = every_sample()
    shipped = [one for file in sources.read_folder(SHIPPED) for one in file.read()[0]]
    files = exported(definitions + shipped, tmp_path)
    again = [file.read() for file in sources.read_folder(tmp_path)]
    assert [problem for _, problems in again for problem in problems] == []
    assert content([one for found, _ in again for one in found]) == content(definitions + shipped)
    assert "pipelines/batch.churn-nightly/entry.yaml" in files
    assert "others/group.default.retention/entry.yaml" in files


def test_exporting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    assert exported(every_sample(), tmp_path / "a") == exported(list(reversed(every_sample())), tmp_path / "b")


def test_a_readme_that_is_no_more_is_removed_from_an_older_export(tmp_path: Path) -> None:
    one = every_sample()[0]
    export.write_folder([(one.raw, "# Before\r\n")], tmp_path)
    assert next(sources.read_folder(tmp_path)).read()[0][0].readme == "# Before\r\n"
    export.write_folder([(one.raw, "")], tmp_path)
    assert next(sources.read_folder(tmp_path)).read()[0][0].readme == ""


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Invalid, match="cannot be written"):
        export.write_folder([(every_sample()[0].raw, "")], tmp_path / "file")
