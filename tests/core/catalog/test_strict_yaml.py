"""YAML from strangers: what it may mean, and that nothing it holds can harm."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.kinds import CONTROL
from core.catalog.strict_yaml import MAX_DEPTH, documents
from core.errors import Invalid

TEXT = st.text(st.characters(max_codepoint=0xFFFF, codec="utf-8"), max_size=20).filter(
    lambda text: not CONTROL.search(text)
)
"""JSON escapes what lies beyond in two halves, which YAML does not read."""
JSON = st.recursive(
    TEXT | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(lambda key: key != "version"), inner, max_size=4)
    ),
    max_leaves=20,
)


def value(text: str) -> Any:
    [found] = documents(text)
    return found


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a", "a"), ("1", 1), ("-7", -7), ("0x1F", 31), ("0o17", 15), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("~", None),
        ("null", None), ("true", True), ("False", False), ("on", "on"), ("yes", "yes"), ("no", "no"), ("12:30", "12:30"),
        ("2026-11-23", "2026-11-23"), ("1_000", "1_000"), ("'1'", "1"), ("!!str 1", "1"), ("=", "="), ("- ", [None]),
        ("version: 1.10", {"version": "1.10"}), ("version: 2026-11-23", {"version": "2026-11-23"}), ("version:", {"version": None}),
        ("1: a", {"1": "a"}), ("on: a", {"on": "a"}), ("null: a", {"null": "a"}), ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)  # fmt: skip
def test_plain_scalars_mean_what_they_mean_in_yaml_1_2_and_keys_and_versions_are_text(text: str, meaning: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (meaning, type(meaning))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested deeper"), ("{a: " * 50_000, "nested deeper"), ("- " * 100_000, "nested deeper"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper"), ("x: &a [1]\ny: *a", "alias"), ("*a : 1", "not plain text"),
        ("!!python/object:os.system x", "tag"), ("!x 1", "tag"), ("!!bool x", "tag"), ("!!int ''", "tag"), ("!!set {a}", "tag"),
        ("? [a]\n: b", "not plain text"), ("? {a: b}\n: c", "not plain text"), ("!!int 1: b", "not plain text"),
        ("a: 1\na: 2", "occurs twice"), ("1: 1\n'1': 2", "occurs twice"), ('"\\0"', "control character"), ("'\u2028'", "control"),
        ('"\\0": a', "control character"), (".nan", "cannot be stored"), ("-.inf", "cannot be stored"), ("1e999", "cannot be stored"),
        ("9" * 5000, "cannot be stored"), ("a: b: c", "not valid YAML"), ("\x00", "not valid YAML"), ("\ud800", "not valid Unicode"),
        ('"\\ud800"', "not valid YAML"), ("%YAML 9.9\n---\na", "not valid YAML"), ("a: |\n\t- x\n b", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_could_harm_or_cannot_be_stored_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        list(documents(text))


def test_a_refusal_names_the_line_and_comes_after_the_documents_before_it() -> None:
    found = documents("a: 1\n---\nb: 1\nb: 2\n")
    assert next(found) == {"a": 1}
    with pytest.raises(Invalid, match=r"line 4, column 1") as refusal:
        next(found)
    assert refusal.value.hint == "Keep one of them."


@given(JSON)
def test_every_json_value_reads_as_itself(whole: Any) -> None:
    assert value(json.dumps(whole, ensure_ascii=True)) == whole


@given(st.text(max_size=60) | st.text(alphabet="[]{}:-?,#&*!|>'\"%@ \n\tab01.", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Invalid):
        json.dumps(list(documents(text)), allow_nan=False)
