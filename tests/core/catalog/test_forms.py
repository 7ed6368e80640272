"""The form of an entry loses nothing: what nobody touched stays to the letter, whatever stands in the document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import documents, forms, merging
from core.catalog.documents import Definition
from core.catalog.kinds import SPECS, Metadata
from core.config import ROOT

TEAMS = ["platform", "risk"]


def untouched(document: dict[str, Any]) -> dict[str, Any]:
    """What every widget shows when nobody has typed anything."""
    values = merging.fields(document, "")
    return {one.path: forms.shown(one, values.get(one.path)) for one in forms.fields_of(document, TEAMS)}


def filled(document: dict[str, Any], **typed: Any) -> dict[str, Any]:
    """The document after typing into ``section__name`` fields."""
    changes = {name.replace("__", "."): value for name, value in typed.items()}
    made, problems = forms.filled(document, forms.fields_of(document, TEAMS), untouched(document) | changes)
    assert not problems
    return made


def shipped() -> list[Any]:
    return [documents.read_entry(path, ROOT / "catalog") for path in sorted(ROOT.glob("catalog/*/*/entry.yaml"))]


@pytest.mark.parametrize("entry", shipped(), ids=lambda one: getattr(one, "ref", "broken"))
def test_a_shipped_entry_goes_through_its_form_unchanged(entry: Definition) -> None:
    assert filled(entry.raw) == entry.raw


@pytest.mark.parametrize("entry", shipped(), ids=lambda one: getattr(one, "ref", "broken"))
def test_every_value_of_a_shipped_entry_can_be_typed(entry: Definition) -> None:
    fields = forms.fields_of(entry.raw, [entry.raw["spec"]["owner"]])
    values = merging.fields(entry.raw, "")
    typed = {one.path: forms.shown(one, values.get(one.path)) for one in fields if one.path in values}
    empty = {**entry.raw, "metadata": {}, "spec": {}}
    made, problems = forms.filled(empty, fields, typed)
    assert not problems
    defaults = {one.path for one in fields if values.get(one.path) == one.default}
    assert merging.fields(made, "") == {name: value for name, value in values.items() if name not in defaults}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs", "So")), max_size=8) | st.sampled_from(["a\nb", "a\n", " a", "1.10", "no", "~", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "on", "yes", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(
    kind=st.sampled_from(sorted(SPECS)),
    metadata=st.dictionaries(st.sampled_from([*Metadata.model_fields, "other"]), values, max_size=4),
    spec=st.dictionaries(
        st.sampled_from(["owner", "tiers", "rows", "steps", "stages", "dependsOn", "problem", "typo"]),
        values,
        max_size=5,
    ),
)
def test_any_document_goes_through_its_form_unchanged(
    kind: str, metadata: dict[str, Any], spec: dict[str, Any]
) -> None:
    document = {**forms.blank(kind), "metadata": metadata, "spec": spec}
    assert filled(document) == document


@given(value=values)
def test_any_value_written_as_yaml_reads_back_equal(value: Any) -> None:
    field = forms.FormField("spec.inputs", "yaml", "kind")
    made, problems = forms.filled(forms.blank("asset"), [field], {"spec.inputs": forms.shown(field, value)})
    assert not problems
    if value not in (None, "", [], {}):
        assert made["spec"]["inputs"] == value


def test_an_emptied_field_leaves_the_document() -> None:
    document = forms.blank("asset") | {"metadata": {"title": "T", "tags": ["a"]}, "spec": {"owner": "risk"}}
    assert filled(document, metadata__title="", metadata__tags=" \n ")["metadata"] == {}


def test_an_emptied_list_with_a_default_stays_empty() -> None:
    made = filled(forms.blank("checklist"), spec__tiers=[])
    assert made["spec"] == {"tiers": []}


def test_an_owner_written_as_a_reference_is_its_team_and_stays_as_written() -> None:
    document = forms.blank("asset") | {"spec": {"owner": "group:default/risk"}}
    assert untouched(document)["spec.owner"] == "risk"
    assert filled(document, metadata__name="x")["spec"]["owner"] == "group:default/risk"
    assert filled(document, spec__owner="platform")["spec"]["owner"] == "platform"


def test_broken_yaml_names_its_field() -> None:
    document = forms.blank("pattern")
    _, problems = forms.filled(document, forms.fields_of(document, TEAMS), {"spec.diagram": "nodes: ["})
    assert [one.field for one in problems] == ["spec.diagram"]


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x", "!!python/object:os.system {}", "--- 1\n--- 2", "\x00"])
def test_yaml_in_a_field_is_as_limited_as_in_a_file(text: str) -> None:
    field = forms.FormField("spec.inputs", "yaml", "kind")
    assert forms.filled(forms.blank("asset"), [field], {"spec.inputs": text})[1]


@pytest.mark.parametrize("document", [None, [], {}, {"kind": "asset"}, {"kind": "nonsense", "metadata": {}, "spec": {}}, {"kind": "asset", "metadata": [], "spec": {}}])  # fmt: skip
def test_what_has_no_outer_shape_has_no_form(document: Any) -> None:
    assert not forms.can_be_filled(document)


def test_all_missing_fields_are_named_at_once() -> None:
    document = forms.blank("checklist")
    found = [one.field for one in forms.missing(document, forms.fields_of(document, TEAMS))]
    assert found == ["metadata.name", "metadata.description", "spec.owner", "spec.appliesTo", "spec.sections"]
