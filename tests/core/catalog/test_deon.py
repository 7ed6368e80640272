"""deon's own checklist imports whole and exports to what it was; what is broken or hostile is refused with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.catalog import documents, export, sources
from core.catalog.documents import Definition
from core.catalog.foreign import deon
from core.catalog.kinds import ChecklistSpec

FILE = Path(__file__).parent / "samples" / "deon" / "checklist.yml"
"""deon 0.3.0's default checklist."""
LINE = {"line_id": "A.1", "line_summary": "Consent", "line": "Did they agree?"}


def read(text: str, **given: Any) -> tuple[list[Definition], list[str]]:
    found, problems = sources.read(text, "checklist.yml", default_owner="risk", **given)
    return found, [str(one) for one in problems]


def of(*lines: Any, **more: Any) -> str:
    return yaml.safe_dump({"title": "Ethics", "sections": [{"title": "All", "section_id": "A", "lines": list(lines)}]} | more)  # fmt: skip


def imported() -> Definition:
    [found], problems = read(FILE.read_text("utf-8"))
    assert problems == []
    return found


def test_the_published_checklist_imports_with_its_ids_and_words() -> None:
    found = imported()
    assert found.ref == "checklist:default/data-science-ethics-checklist"
    assert isinstance(found.spec, ChecklistSpec)
    asked = [item for section in found.spec.sections for item in section.items]
    assert [section.title for section in found.spec.sections] == [
        "Data Collection", "Data Storage", "Analysis", "Modeling", "Deployment"
    ]  # fmt: skip
    assert len(asked) == 21
    assert [one.id for one in asked[:5]] == ["A-1", "A-2", "A-3", "A-4", "B-1"]
    assert (asked[0].summary, asked[0].type) == ("Informed consent", "boolean")
    assert asked[0].question.startswith("If there are human subjects")
    assert found.spec.quorum == deon.QUORUM


def test_it_is_written_back_as_it_was() -> None:
    found = imported()
    assert deon.write(found.metadata.title, found.raw["spec"]) == yaml.safe_load(FILE.read_text("utf-8"))


def test_what_was_written_imports_to_nothing_changed() -> None:
    found = imported()
    [again], problems = read(export.dump(deon.write(found.metadata.title, found.raw["spec"])))
    assert problems == []
    assert documents.digest(again.raw, "") == documents.digest(found.raw, "")


def test_a_checklist_of_ours_is_written_with_a_letter_for_each_section() -> None:
    items = [{"id": f"MOD-{n}", "summary": f"S{n}", "question": f"Q{n}?", "type": "date"} for n in range(3)]
    spec = {"version": "2.0.0", "sections": [{"title": t, "items": [one]} for t, one in zip("xyz", items, strict=True)]}
    written = deon.write("Ours", spec)
    assert (written["title"], written["version"]) == ("Ours", "2.0.0")
    assert [one["section_id"] for one in written["sections"]] == ["A", "B", "C"]
    assert written["sections"][2]["lines"] == [{"line_id": "MOD.2", "line_summary": "S2", "line": "Q2?"}]


def test_a_version_beside_the_title_is_taken() -> None:
    [found], _ = read(of(LINE, version="1.10"))
    assert found.raw["spec"]["version"] == "1.10"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([LINE | {"line_id": "first"}], "line_id"),
        ([LINE | {"line_id": "1"}], "line_id"),
        ([LINE | {"line_id": ["A.1"]}], "line_id"),
        ([LINE, "tick me"], "line_id"),
        ([LINE | {"line": ""}], "lines.0.line"),
        ([LINE | {"line": {"a": 1}}], "lines.0.line"),
        ([LINE, dict(LINE)], "occur twice"),
        ([LINE, LINE | {"line_id": "a-01"}], "occur twice"),
    ],
)
def test_a_line_that_cannot_be_kept_refuses_the_file(lines: list[Any], why: str) -> None:
    found, problems = read(of(*lines))
    assert found == []
    assert any(why in one for one in problems), problems


@pytest.mark.parametrize(
    "more", [{"title": ""}, {"title": ["a"]}, {"title": "日本"}, {"sections": [{"lines": [LINE]}, "more"]}]
)
def test_a_file_without_a_name_or_with_half_a_section_is_refused(more: dict[str, Any]) -> None:
    found, problems = read(of(LINE, **more))
    assert found == []
    assert problems


@pytest.mark.parametrize(
    "text",
    [
        "title: &t Ethics\nsections: [{title: *t, lines: [{line_id: A.1, line: *t}]}]\n",
        "title: !!python/object/apply:os.system [id]\nsections: [{lines: [{line_id: A.1, line: x}]}]\n",
        "title: a\ntitle: b\nsections: [{lines: [{line_id: A.1, line: x}]}]\n",
        "title: Ethics\nsections: " + "[" * 100 + "{line_id: A.1}" + "]" * 100,
        'title: Ethics\nsections: [{lines: [{line_id: A.1, line: "\\u202e\\0"}]}]\n',
    ],
)
def test_hostile_yaml_is_refused(text: str) -> None:
    found, problems = read(text)
    assert found == []
    assert problems


@pytest.mark.parametrize("text", ["sections: [a, b]\n", "title: x\nsections:\n- lines: 3\n", "sections: {lines: []}\n"])
def test_what_only_resembles_it_is_no_definition(text: str) -> None:
    _, problems = read(text)
    assert any("is not a definition" in one for one in problems)


def test_a_folder_that_holds_one_is_imported(tmp_path: Path) -> None:
    (tmp_path / "ethics.yml").write_text(of(LINE), "utf-8")
    (tmp_path / "docker-compose.yml").write_text("services: {}\n", "utf-8")
    [file] = sources.read_folder(tmp_path, default_owner="risk")
    [found], problems = file.read()
    assert (found.kind, problems) == ("checklist", [])
